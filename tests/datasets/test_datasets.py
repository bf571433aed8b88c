"""Datasets: the embedded digits against scikit-learn's, files checked before use, what is said without a network."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from whetstone_lab import datasets
from whetstone_lab.records.archive import ArchiveError

MNIST = Path(__file__).resolve().parents[3] / "shared" / "data" / "mnist.npz"


@pytest.fixture(autouse=True)
def empty_home(tmp_path, monkeypatch):
    """No data set of the machine's owner is seen, none is downloaded, and Keras is never loaded."""
    def offline(name):
        raise Exception(f"URL fetch failure on https://example.org/{name}.npz: None -- [Errno -2] Name not known")

    monkeypatch.delenv("WHETSTONE_DATA", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(datasets, "_download", offline)


def arrays(shape=(28, 28), train=20, test=10, **changes):
    rng = np.random.default_rng(0)
    whole = {"x_train": rng.integers(0, 256, (train, *shape), np.uint8), "y_train": np.arange(train) % 10,
             "x_test": rng.integers(0, 256, (test, *shape), np.uint8), "y_test": np.arange(test) % 10}
    return {name: array for name, array in (whole | changes).items() if array is not None}


# -- digits -----------------------------------------------------------------------------------------------------------


def test_the_embedded_digits_are_those_of_scikit_learn():
    sklearn_datasets = pytest.importorskip("sklearn.datasets", reason="scikit-learn, the reference, is not installed")
    theirs = sklearn_datasets.load_digits()
    file = np.load(Path(datasets.__file__).parents[1] / "records" / "data" / "digits.npz", allow_pickle=False)
    assert file["images"].dtype == file["labels"].dtype == np.uint8
    np.testing.assert_array_equal(file["images"], theirs.images)
    np.testing.assert_array_equal(file["labels"], theirs.target)


def test_digits_are_split_without_loss():
    data = datasets.load_digits()
    assert (len(data.x_train), len(data.x_test)) == (1348, 449)
    file = np.load(Path(datasets.__file__).parents[1] / "records" / "data" / "digits.npz", allow_pickle=False)
    rows = np.concatenate([data.x_train, data.x_test]) * 16
    labels = np.concatenate([data.y_train, data.y_test])
    whole = np.column_stack([file["images"].reshape(1797, 64), file["labels"]]).astype(float)
    assert sorted(map(tuple, np.column_stack([rows, labels]))) == sorted(map(tuple, whole))


def test_digits_are_numbers_to_learn_on():
    data = datasets.load_digits()
    assert (data.name, data.classes, data.image_shape) == ("digits", 10, (8, 8, 1))
    for x, y in ((data.x_train, data.y_train), (data.x_test, data.y_test)):
        assert x.dtype == np.float32
        assert x.shape == (len(y), 64)
        assert (x.min(), x.max()) == (0, 1)
        assert y.dtype == np.int64
        assert set(y.tolist()) == set(range(10))
    assert repr(data) == "Dataset(digits: 1348 to train on, 449 to test on, 8x8x1, 10 classes)"


def test_flat_rows_and_images_hold_the_same():
    flat, images = datasets.load_digits(), datasets.load_digits(flatten=False)
    assert images.x_test.shape == (449, 8, 8, 1)
    np.testing.assert_array_equal(images.x_test.reshape(449, 64), flat.x_test)


def test_the_seed_draws_the_split():
    one, same, other = datasets.load_digits(seed=3), datasets.load_digits(seed=3), datasets.load_digits(seed=4)
    np.testing.assert_array_equal(one.x_test, same.x_test)
    np.testing.assert_array_equal(one.y_train, same.y_train)
    assert not np.array_equal(one.y_test, other.y_test)


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 1.5, 1e-6, 0.99999, float("nan")])
def test_a_fraction_that_leaves_nothing_is_refused(fraction):
    with pytest.raises(ValueError, match="test_fraction to hold out some of 1797 digits"):
        datasets.load_digits(test_fraction=fraction)


def test_digits_need_neither_scikit_learn_nor_keras():
    program = """
import sys
from whetstone_lab import datasets
datasets.load("digits")
assert not {"sklearn", "keras", "tensorflow"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True)


# -- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "shape", "image_shape"), [
    ("mnist", (28, 28), (28, 28, 1)), ("mnist", (28, 28, 1), (28, 28, 1)), ("fashion_mnist", (28, 28), (28, 28, 1)),
    ("cifar10", (32, 32, 3), (32, 32, 3)),
])
@pytest.mark.parametrize("place", ["file", "folder", "WHETSTONE_DATA", "Keras's cache"])
def test_a_file_is_found_where_it_may_lie(tmp_path, monkeypatch, name, shape, image_shape, place):
    folder = tmp_path / ("keras/datasets" if place == "Keras's cache" else "data")
    folder.mkdir(parents=True)
    # CIFAR's labels come in a column.
    held = arrays(shape, y_train=np.arange(20).reshape(20, 1) % 10)
    np.savez_compressed(folder / f"{name}.npz", **held)
    if place == "WHETSTONE_DATA":
        monkeypatch.setenv("WHETSTONE_DATA", str(folder))
    path = {"file": folder / f"{name}.npz", "folder": str(folder)}.get(place)
    data = datasets.load(name, path=path, flatten=False)
    assert (data.name, data.classes, data.image_shape) == (name, 10, image_shape)
    assert data.x_train.shape == (20, *image_shape)
    assert data.y_train.tolist() == [n % 10 for n in range(20)]
    assert data.x_test.dtype == np.float32
    np.testing.assert_allclose(data.x_test.ravel() * 255, held["x_test"].ravel(), rtol=1e-6)
    assert datasets.load(name, path=path).x_test.shape == (10, np.prod(shape))


def test_the_folder_of_the_environment_goes_before_the_cache(tmp_path, monkeypatch):
    for folder, train in ((tmp_path / "data", 7), (tmp_path / "keras" / "datasets", 8)):
        folder.mkdir(parents=True)
        np.savez(folder / "mnist.npz", **arrays(train=train))
    assert len(datasets.load_mnist().x_train) == 8
    monkeypatch.setenv("WHETSTONE_DATA", str(tmp_path / "data"))
    assert len(datasets.load_mnist().x_train) == 7


@pytest.mark.parametrize(("changes", "words"), [
    ({"y_test": None}, "expected the arrays x_train, y_train, x_test, y_test; got x_test, x_train, y_train"),
    ({"x_train": np.zeros((20, 32, 32), np.uint8)}, r"x_train of shape \(samples, 28, 28\) and dtype uint8; got shape "
                                                   r"\(20, 32, 32\)"),
    ({"x_test": np.zeros((10, 28, 28))}, "x_test of shape .* dtype uint8; got .* dtype float64"),
    ({"x_test": np.uint8(3)}, r"got shape \(\)"),
    ({"y_train": np.zeros(19, int)}, r"y_train to hold an integer label for each of 20 pictures; got shape \(19,\)"),
    ({"y_train": np.zeros(20)}, "an integer label for each of 20 pictures; got .* dtype float64"),
    ({"y_test": np.full(10, 10)}, "labels from 0 to 9 in y_test; got 10 to 10"),
    ({"y_test": np.full(10, -1)}, "labels from 0 to 9 in y_test; got -1 to -1"),
    ({"x_test": np.zeros((0, 28, 28), np.uint8), "y_test": np.zeros(0, int)}, "each of 0 pictures"),
    ({"y_test": np.array(["0"] * 10, object)}, "'y_test' has dtype object"),
])
def test_a_file_of_something_else_is_refused(tmp_path, changes, words):
    np.savez(tmp_path / "mnist.npz", **arrays(**changes))
    with pytest.raises(ArchiveError, match=words):
        datasets.load_mnist(tmp_path)


def test_a_truncated_file_is_refused_though_there_are_other_places(tmp_path, monkeypatch):
    np.savez(tmp_path / "mnist.npz", **arrays())
    (tmp_path / "mnist.npz").write_bytes((tmp_path / "mnist.npz").read_bytes()[:-100])
    monkeypatch.setenv("WHETSTONE_DATA", str(tmp_path))
    with pytest.raises(ArchiveError, match=r"mnist\.npz is not a readable \.npz file: it is truncated"):
        datasets.load_mnist()


@pytest.mark.parametrize("where", ["none.npz", "."])
def test_a_path_that_is_named_is_the_only_one_tried(tmp_path, where):
    (tmp_path / "keras" / "datasets").mkdir(parents=True)
    np.savez(tmp_path / "keras" / "datasets" / "mnist.npz", **arrays())
    with pytest.raises(FileNotFoundError, match=r"no mnist at .*\.npz\. Expected an \.npz file with the arrays"):
        datasets.load_mnist(tmp_path / where)


@pytest.mark.skipif(not MNIST.is_file(), reason="there is no MNIST beside this checkout, at ../shared/data/mnist.npz")
def test_mnist_itself_is_read():
    data = datasets.load_mnist(MNIST)
    assert data.x_train.shape == (60000, 784)
    assert data.x_test.shape == (10000, 784)
    # Figures that are known of MNIST: its mean and deviation, and how many of each digit are tested.
    assert data.x_train.mean() == pytest.approx(0.1307, abs=5e-5)
    assert data.x_train.std() == pytest.approx(0.3081, abs=5e-5)
    assert np.bincount(data.y_test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


# -- no file and no network -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10"])
def test_offline_it_says_what_was_tried_and_where_to_put_the_file(tmp_path, monkeypatch, name):
    cache = tmp_path / "keras" / "datasets" / f"{name}.npz"
    with pytest.raises(FileNotFoundError) as caught:
        datasets.load(name)
    text = str(caught.value)
    assert f"{cache}: no such file" in text
    assert f"keras.datasets.{name}: URL fetch failure on https://example.org/{name}.npz" in text
    assert "the environment variable WHETSTONE_DATA is not set" in text
    assert f"Put {name}.npz with the arrays x_train, y_train, x_test, y_test at {cache}" in text
    monkeypatch.setenv("WHETSTONE_DATA", str(tmp_path / "data"))
    with pytest.raises(FileNotFoundError) as caught:
        datasets.load(name)
    text = str(caught.value)
    assert text.index(f"{tmp_path / 'data' / name}.npz: no such file") < text.index(f"{cache}: no such file")
    assert "is not set" not in text


@pytest.mark.parametrize(("name", "shape"), [
    ("mnist", (28, 28)), ("fashion_mnist", (28, 28)), ("cifar10", (32, 32, 3)),
])
def test_what_keras_gives_is_checked_and_taken(monkeypatch, name, shape):
    monkeypatch.setattr(datasets, "_download", lambda asked: arrays(shape) if asked == name else None)
    assert datasets.load(name).x_train.shape == (20, np.prod(shape))
    monkeypatch.setattr(datasets, "_download", lambda asked: arrays((5, 5)))
    with pytest.raises(ArchiveError, match=rf"keras\.datasets\.{name} is no {name}"):
        datasets.load(name)


def test_what_keras_itself_raises_without_a_network_is_told():
    program = """
import json
from unittest import mock
from whetstone_lab import datasets
import keras
answer = {}
for name in ("mnist", "fashion_mnist", "cifar10"):
    with mock.patch("urllib.request.OpenerDirector.open", side_effect=OSError("no network here")):
        try:
            datasets.load(name)
        except FileNotFoundError as error:
            answer[name] = str(error)
print(json.dumps(answer))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout.splitlines()[-1])
    for name in ("mnist", "fashion_mnist", "cifar10"):
        assert re.search(rf"keras\.datasets\.{name}: .*no network here", answer[name])


def test_an_unknown_name_is_told_those_there_are():
    with pytest.raises(ValueError, match=r"among \['cifar10', 'digits', 'fashion_mnist', 'mnist'\]; got 'imagenet'"):
        datasets.load("imagenet")
