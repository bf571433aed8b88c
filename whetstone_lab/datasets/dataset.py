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
        y_train, y_test: Labels from 0 to ``classes - 1``, or ``void``; int64, shape ``(samples,)``, or
            ``(samples, height, width)`` where each pixel has one.
        classes: Number of classes, ``void`` not among them.
        image_shape: Height, width and channels of a picture.
        split: Which pictures are in which part, for a network to remember: ``network.meta |= dataset.split.meta``.
            Default: None, the parts cannot be told again.
        void: The label of pixels that belong to none of the classes. Default: None, there are no such pixels.
        class_names: What the classes are called. Default: None, nothing but their numbers.
        scene_train, scene_test: The moving scene that each picture is a frame of, int64, shape ``(samples,)``; the
            frames of a scene stand side by side, in their order. Default: None, they are single pictures.
    """

    name: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    classes: int
    image_shape: tuple[int, int, int]
    split: Split | None = None
    void: int | None = None
    class_names: tuple[str, ...] | None = None
    scene_train: np.ndarray | None = None
    scene_test: np.ndarray | None = None

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
            axis of their one channel; ``y_train`` and ``y_test``, integers, shape ``(samples,)`` or ``(samples, 1)``,
            or ``(samples, height, width)`` where each pixel has a label. Besides, where there are any, ``classes``, the
            names of the classes, and ``names_train`` and ``names_test``, the name of each picture: of those with the
            same letters before the first ``_``, that of a video, each is the frame after the one before it.
        source: Where they come from, for messages.
        flatten: Whether a picture becomes a row of pixels.

    Raises:
        ArchiveError: An array is missing, or has another shape, dtype or range.
    """
    parts = [_part(spec, arrays, part, source, flatten) for part in ("train", "test")]
    scenes = [_scenes(arrays.get(f"names_{part}"), len(x)) for part, (x, _) in zip(("train", "test"), parts,
                                                                                  strict=True)]
    return Dataset(spec.name, *parts[0], *parts[1], spec.classes, spec.image_shape, Split(spec.name), spec.void,
                   _class_names(arrays.get("classes"), spec.classes), *scenes)


def _class_names(names: np.ndarray | None, classes: int) -> tuple[str, ...] | None:
    """The names of the classes, without one for void behind them; None where there are none."""
    known = names is not None and names.dtype.kind == "U" and names.ndim == 1 and len(names) >= classes
    return tuple(map(str, names[:classes])) if known and names is not None else None


def _scenes(names: np.ndarray | None, samples: int) -> np.ndarray | None:
    """The number of the video that each picture is from, by the beginning of its name; None without names."""
    if names is None or names.dtype.kind != "U" or names.shape != (samples,):
        return None
    return np.unique([name.partition("_")[0] for name in names], return_inverse=True)[1].astype(np.int64)


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
    places = spec.image_shape[:2] if spec.each_pixel else ()
    if labels.shape not in ((len(images), *places), (len(images), *places, 1)) or labels.dtype.kind not in "iu" or (
            not len(images)):
        each = "each pixel" if spec.each_pixel else "each"
        raise ArchiveError(f"{wrong} y_{part} to hold an integer label for {each} of {len(images)} pictures; got shape "
                           f"{labels.shape} and dtype {labels.dtype}.")
    known = labels[labels != spec.void] if spec.void is not None else labels
    if known.size and (known.min() < 0 or known.max() >= spec.classes):
        void = "" if spec.void is None else f", or {spec.void} for void,"
        raise ArchiveError(f"{wrong} labels from 0 to {spec.classes - 1}{void} in y_{part}; got {known.min()} to "
                           f"{known.max()}.")
    return pictures(spec, images, flatten), labels.reshape(len(images), *places).astype(np.int64)
