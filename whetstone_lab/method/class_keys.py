"""n-hot class keys: which of the output neurons speak for which class.

A key is an integer array of zeros and ones, shape ``(classes, width)``: row c marks the neurons that should fire for
class c. Redundant outputs (several neurons a class) make the vote robust; see Severa et al. 2019.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def make_key(classes: int, width: int | None = None, *, hot: int | None = None, overlap: bool = False,
             seed: int = 0) -> np.ndarray:
    """Makes an n-hot class key.

    Args:
        classes: Number of classes, at least 2.
        width: Number of output neurons. Default: ``classes * hot``, or ten for each class.
        hot: Neurons for each class. Default: ``width // classes``; without overlap, the neurons that are left
            over after an even division go one each to classes that the seed chooses, so none is wasted.
        overlap: Whether a neuron may speak for several classes. Then each class draws its ``hot`` neurons by chance
            among those that speak for the fewest classes so far, so none is wasted while ``classes * hot`` reaches
            ``width`` and all carry the same load; the whole is drawn again until all rows differ.
        seed: Seed of the draw. Default: 0.

    Returns:
        Integers 0 and 1, shape ``(classes, width)``.

    Raises:
        ValueError: The neurons do not suffice, or the classes cannot all be told apart.
    """
    classes = _count("classes", classes, 2)
    if width is None:
        width = classes * (10 if hot is None else _count("hot", hot, 1))
    width = _count("width", width, 1)
    rng = np.random.default_rng(seed)
    key = np.zeros((classes, width), np.int8)
    if not overlap:
        if hot is not None and _count("hot", hot, 1) * classes > width:
            raise ValueError(f"Expected at least {hot * classes} output neurons for {classes} classes of {hot} without "
                             f"overlap; got width={width}. Raise the width or pass overlap=True.")
        if width < classes:
            raise ValueError(f"Expected at least one output neuron for each of the {classes} classes without overlap; "
                             f"got width={width}. Raise the width or pass overlap=True.")
        neurons = rng.permutation(width)
        owners = np.resize(rng.permutation(classes), width) if hot is None else np.repeat(np.arange(classes), hot)
        key[owners, neurons[: len(owners)]] = 1
        return key
    hot = max(width // classes, 1) if hot is None else _count("hot", hot, 1)
    if hot > width:
        raise ValueError(f"Expected at most width={width} neurons for a class; got hot={hot}.")
    for _ in range(1000):
        key[:] = 0
        for row in key:
            row[np.lexsort((rng.random(width), key.sum(axis=0)))[:hot]] = 1
        if len(np.unique(key, axis=0)) == classes:
            return key
    raise ValueError(f"Found no {classes} different keys of {hot} among {width} neurons; raise the width.")


def check_key(key: Any, *, width: int | None = None) -> np.ndarray:
    """Checks a class key and returns it as integers.

    Args:
        key: Array-like of zeros and ones, shape ``(classes, width)``.
        width: The number of output neurons it must fit. Default: any.

    Returns:
        The key as ``int8``, shape ``(classes, width)``.

    Raises:
        ValueError: It is not a matrix of zeros and ones, a class names no neuron, two classes have the same key, or
            the width is wrong.
    """
    array = np.asarray(key)
    if array.ndim != 2 or array.dtype.kind not in "biuf":
        raise ValueError(f"Expected a key of shape (classes, width) holding 0 and 1; got shape {array.shape} "
                         f"and dtype {array.dtype}.")
    if not np.isin(array, (0, 1)).all():
        raise ValueError(f"Expected a key holding only 0 and 1; got {np.setdiff1d(array, (0, 1))[:5].tolist()}.")
    if len(array) < 2:
        raise ValueError(f"Expected a key for at least 2 classes; got {len(array)}.")
    empty = np.flatnonzero(~array.any(axis=1))
    if len(empty):
        raise ValueError(f"Expected every class to name at least one neuron; classes {empty.tolist()} name none.")
    _, first, inverse = np.unique(array, axis=0, return_index=True, return_inverse=True)
    if len(first) < len(array):
        twin = int(np.flatnonzero(first[inverse.ravel()] != np.arange(len(array)))[0])
        raise ValueError(f"Expected a different key for each class; classes {int(first[inverse.ravel()[twin]])} and "
                         f"{twin} have the same.")
    if width is not None and array.shape[1] != width:
        raise ValueError(f"Expected a key for {width} output neurons; got one of width {array.shape[1]}.")
    return array.astype(np.int8)


def encode(labels: Any, key: Any) -> np.ndarray:
    """The target spikes of each label: row ``label`` of the key.

    Args:
        labels: Integers in ``[0, classes)``, any shape.
        key: Class key, shape ``(classes, width)``.

    Returns:
        Integers 0 and 1, shape ``(*labels.shape, width)``.

    Raises:
        ValueError: The key is not one, or a label is no integer or names no class.
    """
    key = check_key(key)
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iu":
        raise ValueError(f"Expected integer labels; got dtype {labels.dtype}.")
    if labels.size and (labels.min() < 0 or labels.max() >= len(key)):
        raise ValueError(f"Expected labels from 0 to {len(key) - 1}; got {labels.min()} to {labels.max()}.")
    return key[labels]


def votes(spikes: Any, key: Any) -> np.ndarray:
    """How well the output spikes match the key of each class.

    ``(2 h - 1) @ (2 K - 1)^T``: outputs that agree with the key minus outputs that disagree. Spikes (booleans or
    integers) are counted exactly; floating-point activations in [0, 1] keep their type.

    Args:
        spikes: Output activations h, shape ``(..., width)``.
        key: Class key K, shape ``(classes, width)``.

    Returns:
        Votes, shape ``(..., classes)``.

    Raises:
        ValueError: The key is not one, or the spikes are not of its width.
    """
    spikes = np.asarray(spikes)
    if not spikes.ndim or spikes.dtype.kind not in "biuf":
        raise ValueError(f"Expected output spikes of shape (..., width); got shape {spikes.shape} and dtype "
                         f"{spikes.dtype}.")
    key = check_key(key, width=spikes.shape[-1])
    dtype = spikes.dtype if spikes.dtype.kind == "f" else np.float64
    matches = (2 * spikes.astype(dtype) - 1) @ (2 * key.T.astype(dtype) - 1)
    return matches if spikes.dtype.kind == "f" else matches.astype(np.int64)


def decode(spikes: Any, key: Any) -> np.ndarray:
    """The best-matched class of each row of output spikes, the lowest on a tie, shape ``(...)``."""
    return votes(spikes, key).argmax(axis=-1)


def _count(name: str, value: Any, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ValueError(f"Expected {name} to be an integer of at least {least}; got {value!r}.")
    return int(value)
