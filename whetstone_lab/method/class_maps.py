"""How good maps of classes are: what a network that segments decided for each place, against what is true there.

Pure functions on arrays of integers. A place whose label is void belongs to none of the classes and is left out.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def confusion(classes: Any, labels: Any, count: int, void: int | None = None) -> np.ndarray:
    """How often each class was decided where each class is true.

    Args:
        classes: What was decided, integers from 0 to ``count - 1``, any shape with one place or more, such as
            ``(samples, rows, columns)``.
        labels: What is true, integers of the same shape, from 0 to ``count - 1``, or void.
        count: Number of classes, at least 1.
        void: The label of places that are left out. Default: None, none is.

    Returns:
        int64, shape ``(count, count)``: a row for each true class, a column for each that was decided.

    Raises:
        ValueError: The shapes differ or hold nothing, they are no integers, or some are past the classes.

    Example:
        >>> confusion([0, 1, 1, 0], [0, 1, 0, 9], count=2, void=9).tolist()
        [[1, 1], [0, 1]]
    """
    decided, true, known = _checked(classes, labels, count, void)
    return np.bincount(true[known] * count + decided[known], minlength=count * count).reshape(count, count)


def class_ious(classes: Any, labels: Any, count: int, void: int | None = None) -> np.ndarray:
    """The intersection over union of each class.

    ``IoU = places where it is decided and true / places where it is decided or true``

    Args:
        classes: As for :func:`confusion`.
        labels: As for :func:`confusion`.
        count: As for :func:`confusion`.
        void: As for :func:`confusion`.

    Returns:
        float64, shape ``(count,)``, in [0, 1]; NaN for a class that is neither decided nor true anywhere.

    Raises:
        ValueError: As in :func:`confusion`.
    """
    table = confusion(classes, labels, count, void)
    both = np.diagonal(table).astype(float)
    either = table.sum(axis=0) + table.sum(axis=1) - both
    return np.divide(both, either, out=np.full(count, np.nan), where=either > 0)


def mean_iou(classes: Any, labels: Any, count: int, void: int | None = None) -> float:
    """The mean intersection over union of the classes that are decided or true anywhere, the measure of segmentation.

    The places of all samples are taken together, as is usual, and each class counts alike, however rare it is.

    Source: M. Everingham et al., "The PASCAL Visual Object Classes (VOC) challenge", IJCV 88, 2010, section 4.3.

    Args:
        classes: As for :func:`confusion`.
        labels: As for :func:`confusion`.
        count: As for :func:`confusion`.
        void: As for :func:`confusion`.

    Returns:
        In [0, 1].

    Raises:
        ValueError: As in :func:`confusion`; or all places are void.

    Example:
        >>> mean_iou([[0, 0, 1, 1]], [[0, 1, 1, 9]], count=2, void=9)
        0.5
    """
    found = class_ious(classes, labels, count, void)
    if np.isnan(found).all():
        raise ValueError("Expected at least one place with a class; all are void.")
    return float(np.nanmean(found))


def unsteady(classes: Any, labels: Any, scenes: Any = None, void: int | None = None) -> float:
    """How much what is decided flickers: the share of steady places whose decided class changes with the next frame.

    A place is steady from a frame to the next one of the same scene if its true class is the same in both, and not
    void. There the truth does not move, so whatever changes is the network's doing. 0 is a network that never flickers.

    Args:
        classes: What was decided, integers, shape ``(frames, ...)``, the frames of a scene in their order.
        labels: What is true, of the same shape.
        scenes: The number of the scene of each frame, shape ``(frames,)``. Default: all are of one scene.
        void: The label of places that are left out. Default: None, none is.

    Returns:
        In [0, 1].

    Raises:
        ValueError: The shapes differ, they are no integers, or no place is steady between any two frames.

    Example:
        >>> unsteady([[0, 1, 1], [0, 0, 1]], [[0, 1, 1], [0, 1, 0]])  # the last place changes in truth
        0.5
    """
    decided, true = np.asarray(classes), np.asarray(labels)
    _check_alike(decided, true)
    scene = np.zeros(len(true), int) if scenes is None else np.asarray(scenes)
    if scene.shape != true.shape[:1]:
        raise ValueError(f"Expected the scene of each of {len(true)} frames; got shape {scene.shape}.")
    follows = (scene[1:] == scene[:-1]).reshape(-1, *[1] * (true.ndim - 1))
    steady = follows & (true[1:] == true[:-1])
    if void is not None:
        steady &= true[1:] != void
    if not steady.any():
        raise ValueError("Expected two frames of one scene with a place whose class stays; there are none.")
    return float((decided[1:] != decided[:-1])[steady].mean())


def _check_alike(decided: np.ndarray, true: np.ndarray) -> None:
    if decided.shape != true.shape or not decided.size or not decided.ndim:
        raise ValueError(f"Expected a label for each place, and at least one place; got labels of shape {true.shape} "
                         f"for decisions of shape {decided.shape}. Bring both to the same size, without interpolating "
                         "between the numbers of classes.")
    for what, array in (("decisions", decided), ("labels", true)):
        if array.dtype.kind not in "iu":
            raise ValueError(f"Expected {what} to be integers; got dtype {array.dtype}.")


def _checked(classes: Any, labels: Any, count: int, void: int | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The decisions, the labels and where they count, each with one axis."""
    decided, true = np.asarray(classes), np.asarray(labels)
    _check_alike(decided, true)
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise ValueError(f"Expected count to be the number of classes, an integer of at least 1; got {count!r}.")
    decided, true = decided.ravel().astype(np.int64), true.ravel().astype(np.int64)
    known = np.ones(true.shape, bool) if void is None else true != void
    for what, found in (("decisions", decided), ("labels", true[known])):
        if found.size and (found.min() < 0 or found.max() >= count):
            besides = "" if void is None or what == "decisions" else f", or {void} for void"
            raise ValueError(f"Expected {what} from 0 to {count - 1}{besides}; got {found.min()} to {found.max()}.")
    return decided, true, known
