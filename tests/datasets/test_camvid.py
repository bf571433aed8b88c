"""CamVid's format: a label a pixel, void besides, frames of videos; the videos themselves are no part of this."""

import numpy as np
import pytest

from whetstone_lab import datasets
from whetstone_lab.datasets import search
from whetstone_lab.records.archive import ArchiveError

SHAPE = (120, 160)


def arrays(**changes):
    rng = np.random.default_rng(0)
    whole = {"classes": np.array([*"abcdefghijk", "void"]),
             "x_train": rng.integers(0, 256, (3, *SHAPE, 3), np.uint8), "y_train": rng.integers(0, 12, (3, *SHAPE)),
             "x_test": rng.integers(0, 256, (2, *SHAPE, 3), np.uint8), "y_test": rng.integers(0, 12, (2, *SHAPE)),
             "names_train": np.array(["b_1.png", "b_2.png", "a_7.png"]), "names_test": np.array(["a_1.png", "a_2.png"])}
    return {name: array for name, array in (whole | changes).items() if array is not None}


def test_frames_come_with_a_label_for_each_pixel_and_know_their_video(tmp_path):
    held = arrays()
    np.savez(tmp_path / "camvid.npz", **held)
    data = datasets.load("camvid", path=tmp_path)
    assert (data.classes, data.void, data.image_shape) == (11, 11, (120, 160, 3))
    assert data.class_names == tuple("abcdefghijk")
    np.testing.assert_array_equal(data.y_train, held["y_train"])
    np.testing.assert_allclose(data.x_test * 255, held["x_test"], rtol=1e-6)
    assert data.scene_train.tolist() == [1, 1, 0]
    assert data.scene_test.tolist() == [0, 0]


def test_names_may_be_missing(tmp_path):
    np.savez(tmp_path / "camvid.npz", **arrays(classes=None, names_train=None, names_test=None))
    data = datasets.load_camvid(tmp_path / "camvid.npz")
    assert (data.class_names, data.scene_train, data.scene_test) == (None, None, None)


@pytest.mark.parametrize(("changes", "words"), [
    ({"y_train": np.full((3, *SHAPE), 12)}, "labels from 0 to 10, or 11 for void, in y_train; got 12 to 12"),
    ({"y_test": np.zeros((2, 60, 80), int)}, r"y_test to hold an integer label for each pixel of 2 pictures; got shape "
                                             r"\(2, 60, 80\)"),
    ({"y_test": np.zeros(2, int)}, r"label for each pixel of 2 pictures; got shape \(2,\)"),
    ({"x_train": np.zeros((3, 240, 320, 3), np.uint8)}, r"shape \(samples, 120, 160, 3\)"),
])
def test_masks_of_another_size_and_labels_past_the_classes_are_refused(tmp_path, changes, words):
    np.savez(tmp_path / "camvid.npz", **arrays(**changes))
    with pytest.raises(ArchiveError, match=words):
        datasets.load_camvid(tmp_path)


def test_it_is_said_where_it_was_looked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("WHETSTONE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(search, "SYSTEM", tmp_path / "system")
    with pytest.raises(FileNotFoundError) as caught:
        datasets.load("camvid")
    text = str(caught.value)
    for folder in ("data", "keras/datasets", "system"):
        assert f"{tmp_path / folder / 'camvid.npz'}: no such file" in text
    assert "keras.datasets" not in text
    assert "could not be downloaded" not in text
    assert "The dataset 'scenes' needs no file" in text
