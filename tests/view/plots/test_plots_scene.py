"""The figure of a moving scene: every frame stands above what is true and what was decided there."""

import numpy as np
import pytest
from drawn import is_drawn, texts
from matplotlib.colors import to_rgb

from whetstone_lab import plots
from whetstone_lab.view.palette import class_colours

RNG = np.random.default_rng(0)
PICTURES, TRUE = RNG.random((9, 6, 8, 1)), RNG.integers(0, 3, (9, 6, 8))


def test_each_place_has_the_colour_of_its_class_and_void_has_none():
    decided = np.where(TRUE == 2, 7, TRUE)
    figure = plots.moving_scene(PICTURES, {"truth": TRUE, "spiking": decided}, classes=("sky", "road", "car"), void=7,
                                frames=4)
    assert is_drawn(figure)
    assert len(figure.axes) == 12
    for column, frame in enumerate((0, 3, 5, 8)):
        shown, true, ours = (figure.axes[row * 4 + column].images[0] for row in range(3))
        np.testing.assert_allclose(shown.get_array(), PICTURES[frame].repeat(3, axis=-1))
        for image, classes in ((true, TRUE[frame]), (ours, decided[frame])):
            pixels = image.cmap(image.norm(image.get_array()))
            for one, colour in enumerate(class_colours(3)):
                np.testing.assert_allclose(pixels[classes == one][:, :3], np.broadcast_to(
                    to_rgb(colour), ((classes == one).sum(), 3)), atol=1e-6)
            assert (pixels[classes == 7][:, 3] == 0).all()
    assert "frame 5" in texts(figure)
    for word in ("shown", "truth", "spiking"):
        assert word in texts(figure)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["sky", "road", "car"]


def test_colours_and_a_single_frame_are_drawn_too():
    figure = plots.moving_scene(RNG.random((1, 6, 8, 3)), {"truth": TRUE[:1]}, classes=3)
    assert len(figure.axes) == 2
    assert is_drawn(figure)


def test_bytes_are_shades_too_and_what_is_brighter_than_white_is_refused():
    bytes_, one = np.uint8(PICTURES * 255), {"truth": TRUE}
    drawn = [np.asarray(plots.moving_scene(pictures, one, classes=3).axes[0].images[0].get_array())
             for pictures in (bytes_, bytes_ / 255)]
    np.testing.assert_array_equal(*drawn)
    with pytest.raises(ValueError, match="values from 0 to 1, or bytes; got"):
        plots.moving_scene(PICTURES * 255, one, classes=3)
    for frames in (0, 2.5, True):
        with pytest.raises(ValueError, match="frames to be an integer of at least 1"):
            plots.moving_scene(PICTURES, one, classes=3, frames=frames)


@pytest.mark.parametrize(("pictures", "maps", "words"), [
    (PICTURES[..., 0], {}, r"channels\) with one channel or three; got shape \(9, 6, 8\)"),
    (PICTURES[:0], {}, "one channel or three"),
    (PICTURES, {"truth": TRUE[:, :5]}, r"map 'truth' to be integers of shape \(9, 6, 8\).*\(9, 5, 8\)"),
    (PICTURES, {"mine": TRUE + 1}, "classes from 0 to 2 in the map 'mine'; got 1 to 3"),
    (PICTURES, {"mine": TRUE * 1.0}, "to be integers"),
])
def test_masks_of_another_size_and_past_the_classes_are_refused(pictures, maps, words):
    with pytest.raises(ValueError, match=words):
        plots.moving_scene(pictures, maps, classes=3)
