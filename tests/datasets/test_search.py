"""Where data sets are looked for, what files must hold, and what is said where there is none."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from whetstone_lab import datasets
from whetstone_lab.datasets import fashion_mnist, search, sources
from whetstone_lab.records.archive import ArchiveError

#: Where Debian's package ``dataset-fashion-mnist`` puts it, before the tests look elsewhere.
FASHION_MNIST = search.SYSTEM / "fashion-mnist"
MNIST = Path(__file__).resolve().parents[3] / "shared" / "data" / "mnist.npz"


@pytest.fixture(autouse=True)
def empty_home(tmp_path, monkeypatch):
    """No data set of the machine's owner is seen, none is downloaded, and Keras is never loaded."""
    def offline(name):
        raise Exception(f"URL fetch failure on https://example.org/{name}.npz: None -- [Errno -2] Name not known")

    monkeypatch.delenv("WHETSTONE_DATA", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(sources, "download", offline)
    monkeypatch.setattr(search, "SYSTEM", tmp_path / "system")


def arrays(shape=(28, 28), train=20, test=10, **changes):
    rng = np.random.default_rng(0)
    whole = {"x_train": rng.integers(0, 256, (train, *shape), np.uint8), "y_train": np.arange(train) % 10,
             "x_test": rng.integers(0, 256, (test, *shape), np.uint8), "y_test": np.arange(test) % 10}
    return {name: array for name, array in (whole | changes).items() if array is not None}


# -- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "shape", "image_shape"), [
    ("mnist", (28, 28), (28, 28, 1)), ("mnist", (28, 28, 1), (28, 28, 1)), ("fashion_mnist", (28, 28), (28, 28, 1)),
    ("cifar10", (32, 32, 3), (32, 32, 3)),
])
@pytest.mark.parametrize("place", ["file", "folder", "WHETSTONE_DATA", "Keras's cache", "the system's folder"])
def test_a_file_is_found_where_it_may_lie(tmp_path, monkeypatch, name, shape, image_shape, place):
    folder = tmp_path / {"Keras's cache": "keras/datasets", "the system's folder": "system"}.get(place, "data")
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
    # Figures that are known of MNIST: its mean, and how many of each digit are tested.
    assert data.x_train.mean() == pytest.approx(0.1307, abs=5e-5)
    assert np.bincount(data.y_test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


# -- folders of IDX files ---------------------------------------------------------------------------------------------


def idx_file(array):
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.astype(np.uint8).tobytes()


def write_idx(folder, held, packed=True):
    folder.mkdir(parents=True)
    for name, array in held.items():
        stem = sources.IDX_FILES[name]
        if packed:
            (folder / f"{stem}.gz").write_bytes(gzip.compress(idx_file(array)))
        else:
            (folder / stem).write_bytes(idx_file(array))


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize(("name", "inside"), [("mnist", "mnist"), ("fashion_mnist", "fashion-mnist")])
@pytest.mark.parametrize("place", ["named", "data", "keras/datasets", "system"])
def test_a_folder_of_idx_files_is_found_where_it_may_lie(tmp_path, monkeypatch, packed, name, inside, place):
    held = arrays()
    folder = tmp_path / place / inside
    write_idx(folder, held, packed)
    if place == "data":
        monkeypatch.setenv("WHETSTONE_DATA", str(tmp_path / "data"))
    data = datasets.load(name, path=folder if place == "named" else None, flatten=False)
    np.testing.assert_allclose(data.x_train[..., 0] * 255, held["x_train"], rtol=1e-6)
    np.testing.assert_array_equal(data.y_test, held["y_test"])
    assert (data.name, len(data.x_test)) == (name, 10)


def test_a_file_goes_before_a_folder_of_idx_files_beside_it(tmp_path):
    write_idx(tmp_path / "system" / "mnist", arrays(train=7))
    np.savez(tmp_path / "system" / "mnist.npz", **arrays(train=8))
    assert len(datasets.load_mnist().x_train) == 8


def test_a_folder_that_lacks_a_file_is_passed_over_and_told_of(tmp_path):
    write_idx(tmp_path / "keras" / "datasets" / "fashion-mnist", arrays(y_test=None))
    with pytest.raises(FileNotFoundError) as caught:
        datasets.load_fashion_mnist()
    text = str(caught.value)
    assert f"{tmp_path / 'keras/datasets/fashion-mnist'}: the folder has no t10k-labels-idx1-ubyte, packed" in text
    assert f"{tmp_path / 'system/fashion-mnist'}: no such folder" in text
    assert "install Debian's package dataset-fashion-mnist" in text
    write_idx(tmp_path / "system" / "fashion-mnist", arrays(train=9))
    assert len(datasets.load_fashion_mnist().x_train) == 9


def test_idx_files_of_something_else_are_refused(tmp_path):
    write_idx(tmp_path / "folder", arrays(shape=(5, 5)))
    with pytest.raises(ArchiveError, match=r"is no fashion_mnist: expected x_train of shape \(samples, 28, 28\)"):
        datasets.load_fashion_mnist(tmp_path / "folder")


@pytest.mark.skipif(not FASHION_MNIST.is_dir(), reason="Debian's package dataset-fashion-mnist is not installed")
def test_debian_s_fashion_mnist_is_found(monkeypatch):
    monkeypatch.setattr(search, "SYSTEM", FASHION_MNIST.parent)
    data = datasets.load_fashion_mnist()
    assert (data.x_train.shape, data.x_test.shape) == ((60000, 784), (10000, 784))
    # Figures that are known of it: its mean, and as many of each class.
    assert data.x_train.mean() == pytest.approx(0.2860, abs=5e-5)
    assert np.bincount(data.y_train).tolist() == [6000] * 10
    assert np.bincount(data.y_test).tolist() == [1000] * 10


def test_what_is_known_of_a_data_set_stands_in_one_place():
    spec = fashion_mnist.SPEC
    assert (spec.npz, spec.idx_folder, spec.licence) == ("fashion_mnist.npz", "fashion-mnist", "MIT")
    with pytest.raises(AttributeError):
        spec.classes = 11


# -- no file and no network ------------------------------------------------------------------------------------------


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
    monkeypatch.setattr(sources, "download", lambda asked: arrays(shape) if asked == name else None)
    assert datasets.load(name).x_train.shape == (20, np.prod(shape))
    monkeypatch.setattr(sources, "download", lambda asked: arrays((5, 5)))
    with pytest.raises(ArchiveError, match=rf"keras\.datasets\.{name} is no {name}"):
        datasets.load(name)


def test_an_unknown_name_is_told_those_there_are():
    with pytest.raises(ValueError, match=r"among \['camvid', .*'digits', 'fashion_mnist', .*\]; got 'imagenet'"):
        datasets.load("imagenet")
