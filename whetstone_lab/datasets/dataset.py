"""Labelled pictures, ready to learn on, made from the arrays of a file once these have been checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from whetstone_lab.datasets.spec import Spec
from whetstone_lab.datasets.split import Split
from whetstone_lab.records.archive import ArchiveError

#: The arrays that make up a data set, in files and from Keras.
ARRAYS = ("x_train", "y_train", "x_test", "y_test")


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled pictures, split into a part to train on and a part to test on.

    Attributes:
        name: As :func:`whetstone_lab.datasets.load` takes it.
        x_train, x_test: Pictures in [0, 1], float32, shape ``(samples, pixels)``, or ``(samples, *image_shape)``
            where they were not flattened.
        y_train, y_test: Labels from 0 to ``classes - 1``, int64, shape ``(samples,)``.
        classes: Number of classes.
        image_shape: Height, width and channels of a picture.
        split: Which pictures are in which part, for a network to remember: ``network.meta |= dataset.split.meta``.
            Default: None, the parts cannot be told again.
    """

    name: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    classes: int
    image_shape: tuple[int, int, int]
    split: Split | None = None

    def __repr__(self) -> str:
        height, width, channels = self.image_shape
        return (f"Dataset({self.name}: {len(self.x_train)} to train on, {len(self.x_test)} to test on, "
                f"{height}x{width}x{channels}, {self.classes} classes)")


def pictures(spec: Spec, images: np.ndarray, flatten: bool) -> np.ndarray:
    """Scales pictures to [0, 1], 0 for black and 1 for white.

    Args:
        spec: What they are pictures of.
        images: Values from 0 to ``spec.white``, shape ``(samples, height, width)`` or ``(samples, *image_shape)``.
        flatten: Whether a picture becomes a row of pixels.

    Returns:
        float32, shape ``(samples, pixels)`` or ``(samples, *image_shape)``.
    """
    return images.reshape(len(images), *((-1,) if flatten else spec.image_shape)) / np.float32(spec.white)


def from_arrays(spec: Spec, arrays: Mapping[str, np.ndarray], source: object, flatten: bool) -> Dataset:
    """Makes a data set of the arrays that a file held, after checking that they are this data set's.

    Args:
        spec: What the arrays must hold.
        arrays: ``x_train`` and ``x_test``, uint8, shape ``(samples, *image_shape)``, where grey pictures may lack the
            axis of their one channel; ``y_train`` and ``y_test``, integers, shape ``(samples,)`` or ``(samples, 1)``.
        source: Where they come from, for messages.
        flatten: Whether a picture becomes a row of pixels.

    Raises:
        ArchiveError: An array is missing, or has another shape, dtype or range.
    """
    parts = [_part(spec, arrays, part, source, flatten) for part in ("train", "test")]
    return Dataset(spec.name, *parts[0], *parts[1], spec.classes, spec.image_shape, Split(spec.name))


def _part(spec: Spec, arrays: Mapping[str, np.ndarray], part: str, source: object,
          flatten: bool) -> tuple[np.ndarray, np.ndarray]:
    images, labels = arrays.get(f"x_{part}"), arrays.get(f"y_{part}")
    wrong = f"{source} is no {spec.name}: expected"
    if images is None or labels is None:
        raise ArchiveError(f"{wrong} the arrays {', '.join(ARRAYS)}; got {', '.join(sorted(arrays)) or 'none'}.")
    grey = spec.image_shape[2] == 1
    shapes = [spec.image_shape, spec.image_shape[:2]] if grey else [spec.image_shape]
    if images.shape[1:] not in shapes or images.dtype != np.uint8:
        raise ArchiveError(f"{wrong} x_{part} of shape (samples, {', '.join(map(str, shapes[-1]))}) and dtype uint8; "
                           f"got shape {images.shape} and dtype {images.dtype}.")
    if labels.shape not in ((len(images),), (len(images), 1)) or labels.dtype.kind not in "iu" or not len(images):
        raise ArchiveError(f"{wrong} y_{part} to hold an integer label for each of {len(images)} pictures; got shape "
                           f"{labels.shape} and dtype {labels.dtype}.")
    if labels.min() < 0 or labels.max() >= spec.classes:
        raise ArchiveError(f"{wrong} labels from 0 to {spec.classes - 1} in y_{part}; got {labels.min()} to "
                           f"{labels.max()}.")
    return pictures(spec, images, flatten), labels.ravel().astype(np.int64)
