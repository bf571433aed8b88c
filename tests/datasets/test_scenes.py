"""Moving scenes of the digits: what is in a picture, how it moves, and that no drawing is in both parts."""

import numpy as np
import pytest

from whetstone_lab import datasets


@pytest.fixture(scope="module")
def scenes():
    return datasets.load_scenes(scenes=12, test_scenes=5, frames=4, digits=2, size=20)


def test_each_pixel_has_a_class_and_frames_know_their_scene(scenes):
    assert (scenes.x_train.shape, scenes.x_test.shape) == ((48, 20, 20, 1), (20, 20, 20, 1))
    assert (scenes.y_train.shape, scenes.y_test.shape) == ((48, 20, 20), (20, 20, 20))
    assert (scenes.x_train.dtype, scenes.y_train.dtype) == (np.float32, np.int64)
    assert (scenes.x_train.min(), scenes.x_train.max()) == (0, 1)
    assert set(np.unique(scenes.y_train)) == set(range(11))
    assert (scenes.classes, scenes.void, scenes.image_shape) == (11, None, (20, 20, 1))
    assert scenes.class_names == ("ground", *"0123456789")
    assert scenes.scene_test.tolist() == [0] * 4 + [1] * 4 + [2] * 4 + [3] * 4 + [4] * 4


def test_what_is_bright_is_a_digit_and_what_is_dark_is_ground(scenes):
    for x, y in ((scenes.x_train, scenes.y_train), (scenes.x_test, scenes.y_test)):
        np.testing.assert_array_equal(x[..., 0] >= 0.25, y > 0)


def test_a_single_digit_is_the_drawing_itself_and_moves_a_little_each_frame():
    one = datasets.load_scenes(scenes=6, test_scenes=1, frames=5, digits=1, size=24)
    digits = datasets.load_digits(flatten=False)
    for scene in range(6):
        frames, labels = one.x_train[one.scene_train == scene][..., 0], one.y_train[one.scene_train == scene]
        (digit,) = set(np.unique(labels)) - {0}
        drawings = digits.x_train[digits.y_train == digit - 1][..., 0]
        middles = []
        for frame in frames:
            rows, columns = np.nonzero(frame)
            box = frame[rows.min():rows.max() + 1, columns.min():columns.max() + 1]
            # The drawing without its dark edge, wherever it stands.
            assert any(np.array_equal(box, drawing[np.ix_(drawing.any(1), drawing.any(0))]) for drawing in drawings
                       if drawing.sum() == frame.sum())
            middles.append((rows.min(), columns.min()))
        steps = np.abs(np.diff(middles, axis=0))
        assert steps.max() <= 3
    assert len({frame.tobytes() for frame in one.x_train}) > 20  # most of the 30 frames differ


def test_no_drawing_is_in_both_parts():
    alone = datasets.load_scenes(scenes=40, test_scenes=40, frames=1, digits=1, size=8)
    digits = datasets.load_digits(flatten=False)
    for x, y, drawn, labels in ((alone.x_train, alone.y_train, digits.x_train, digits.y_train),
                                (alone.x_test, alone.y_test, digits.x_test, digits.y_test)):
        known = {drawing.tobytes(): label for drawing, label in zip(drawn, labels, strict=True)}
        assert [known[picture.tobytes()] + 1 for picture in x] == y.max(axis=(1, 2)).tolist()


def test_the_seed_draws_the_scenes_and_a_network_can_remember_it():
    one, same, other = (datasets.load("scenes", scenes=2, test_scenes=1, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.x_train, same.x_train)
    assert not np.array_equal(one.x_train, other.x_train)
    assert one.split == datasets.Split.of(one.split.meta) == datasets.Split("scenes", 0.25, 3)
    assert datasets.is_drawn("scenes")


@pytest.mark.parametrize(("options", "words"), [
    ({"scenes": 0}, "scenes to be an integer of at least 1; got 0"), ({"size": 7}, "size to be .* at least 8; got 7"),
    ({"frames": 2.5}, "frames to be an integer"), ({"digits": True}, "digits to be an integer"),
    ({"seed": None}, "seed to be an integer of at least 0; got None"), ({"test_fraction": 1}, "test_fraction"),
])
def test_what_makes_no_scenes_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        datasets.load_scenes(**options)
