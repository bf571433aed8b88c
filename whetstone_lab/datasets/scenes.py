"""Moving scenes made from the embedded digits, with a class for each pixel: a segmentation that needs no file."""

from __future__ import annotations

import numbers

import numpy as np

from whetstone_lab.datasets.dataset import Dataset
from whetstone_lab.datasets.digits import load_digits
from whetstone_lab.datasets.split import Split

#: A pixel of a digit at least as bright as this is the digit's; what is darker is ground.
_INK = 0.25


def load_scenes(scenes: int = 150, test_scenes: int = 50, frames: int = 6, digits: int = 4, size: int = 32,
                test_fraction: float = 0.25, seed: int = 0) -> Dataset:
    """Scenes of handwritten digits that move over a larger picture, with a class for each pixel.

    Class 0 is the ground, class ``d + 1`` a pixel of the digit d. Each digit moves by the same step from frame to
    frame and is thrown back at the edges; of two that overlap, one lies before the other and hides it. Scenes to train
    on show digits that :func:`~whetstone_lab.datasets.load_digits` has to train on, those to test on digits that it
    holds out: no drawing is in both.

    Args:
        scenes: How many scenes to train on, at least 1. Default: 150.
        test_scenes: How many to test on, at least 1. Default: 50.
        frames: Frames of a scene, at least 1. Default: 6.
        digits: Digits in a scene, at least 1. Default: 4.
        size: Rows and columns of a picture in pixels, at least 8, those of a digit. Default: 32.
        test_fraction: As for :func:`~whetstone_lab.datasets.load_digits`.
        seed: Seed of the draw of the digits held out, and of the scenes. Default: 0.

    Returns:
        Pictures of shape ``(samples, size, size, 1)`` and labels of shape ``(samples, size, size)``, eleven classes;
        ``scene_train`` and ``scene_test`` say which frames belong together.

    Raises:
        ValueError: One of the numbers is too small, or ``test_fraction`` leaves no digits.

    Example:
        >>> from whetstone_lab import datasets
        >>> datasets.load_scenes(scenes=3, test_scenes=2)
        Dataset(scenes: 18 to train on, 12 to test on, 32x32x1, 11 classes)
    """
    for name, value, least in (("scenes", scenes, 1), ("test_scenes", test_scenes, 1), ("frames", frames, 1),
                               ("digits", digits, 1), ("size", size, 8), ("seed", seed, 0)):
        if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < least:
            raise ValueError(f"Expected {name} to be an integer of at least {least}; got {value!r}.")
    drawn = load_digits(test_fraction, seed, flatten=False)
    rng = np.random.default_rng([0, int(seed)])  # not the generator that split the digits
    parts = [_part(drawn_x[..., 0], drawn_y, count, frames, digits, size, rng) for drawn_x, drawn_y, count in (
        (drawn.x_train, drawn.y_train, scenes), (drawn.x_test, drawn.y_test, test_scenes))]
    (x_train, y_train, scene_train), (x_test, y_test, scene_test) = parts
    return Dataset("scenes", x_train, y_train, x_test, y_test, 1 + drawn.classes, (size, size, 1),
                   Split("scenes", float(test_fraction), int(seed)),
                   class_names=("ground", *map(str, range(drawn.classes))), scene_train=scene_train,
                   scene_test=scene_test)


def _part(drawings: np.ndarray, labels: np.ndarray, scenes: int, frames: int, digits: int, size: int,
          rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pictures, labels and the number of the scene of each frame."""
    rows, columns = drawings.shape[1:]
    room = np.array([size - rows, size - columns])
    pictures = np.zeros((scenes, frames, size, size), np.float32)
    classes = np.zeros(pictures.shape, np.int64)
    which = rng.integers(len(drawings), size=(scenes, digits))
    begin = rng.uniform(0, room, (scenes, digits, 2))
    step = rng.uniform(-2, 2, (scenes, digits, 2))
    for frame in range(frames):
        at = begin + frame * step
        # Folded back at both edges: a triangle wave of twice the room's length.
        at = np.clip(room - np.abs((at % np.maximum(2 * room, 1)) - room), 0, room)
        for scene, digit in np.ndindex(scenes, digits):
            drawing, label = drawings[which[scene, digit]], labels[which[scene, digit]]
            top, left = np.rint(at[scene, digit]).astype(int)
            place = (scene, frame, slice(top, top + rows), slice(left, left + columns))
            ink = drawing >= _INK
            pictures[place] = np.where(ink, drawing, np.maximum(pictures[place], drawing))
            classes[place] = np.where(ink, label + 1, classes[place])
    return (pictures.reshape(-1, size, size, 1), classes.reshape(-1, size, size),
            np.repeat(np.arange(scenes), frames))
