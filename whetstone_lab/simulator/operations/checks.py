"""Checks of what operations are given: each returns the value in the form that is kept, or raises ``ValueError``."""

from __future__ import annotations

from typing import Any

import numpy as np

from whetstone_lab.records.archive import MAX_VALUES
from whetstone_lab.simulator.operations.base import Shape


def floats(name: str, value: Any, ndim: int | None = None) -> np.ndarray:
    """A finite array of float32, or of float64 where an array of it came."""
    array = np.asarray(value)
    if array.dtype.kind not in "biuf" or (ndim is not None and array.ndim != ndim):
        wanted = "numbers" if ndim is None else f"an array of {ndim} axes"
        raise ValueError(f"Expected {name} to be {wanted}; got shape {array.shape} and dtype {array.dtype}.")
    if not (isinstance(value, np.ndarray) and array.dtype == np.float64):
        array = array.astype(np.float32, copy=False)
    wrong = array.size - int(np.isfinite(array).sum())
    if wrong:
        raise ValueError(f"Expected {name} to be finite; {wrong} of {array.size} values are NaN or infinite.")
    return array


def kernel(value: Any) -> np.ndarray:
    """The weights of windows: four axes, none of them empty."""
    array = floats("weights", value, 4)
    if not array.size:
        raise ValueError(f"Expected weights with something along each axis; got shape {array.shape}.")
    return array


def bias_for(weights: np.ndarray, bias: Any) -> np.ndarray | None:
    """A bias for each output of the weights, or None."""
    if bias is None:
        return None
    array = floats("bias", bias, 1)
    if len(array) != weights.shape[-1]:
        raise ValueError(f"Expected a bias for each of the {weights.shape[-1]} outputs of weights of shape "
                         f"{weights.shape}; got {len(array)}.")
    return array


def integer(name: str, value: Any, least: int | None) -> int:
    """A whole number of at least ``least``."""
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or abs(int(value)) > MAX_VALUES or (least is not None and value < least):
        wanted = "integers" if least is None else f"integers of at least {least}"
        raise ValueError(f"Expected {name} to hold {wanted}; got {value!r}.")
    return int(value)


def pair(name: str, value: Any, least: int | None = 1) -> tuple[int, int]:
    """Two whole numbers, along rows and columns, from a pair or from one that stands for both."""
    values = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(values) != 2:
        raise ValueError(f"Expected {name} to be an integer or a pair; got {value!r}.")
    return integer(name, values[0], least), integer(name, values[1], least)


def padding(value: Any) -> str:
    """``"valid"`` or ``"same"``."""
    if value not in ("valid", "same"):
        raise ValueError(f"Expected padding to be 'valid' or 'same'; got {value!r}.")
    return str(value)


def single(inputs: tuple[Shape, ...]) -> Shape:
    """The shape of the only input."""
    if len(inputs) != 1:
        raise ValueError(f"Expected one input; got {len(inputs)}.")
    return inputs[0]


def image(inputs: tuple[Shape, ...]) -> tuple[int, int, int]:
    """Rows, columns and channels of the only input."""
    shape = single(inputs)
    if len(shape) != 3:
        raise ValueError(f"Expected inputs of shape (rows, columns, channels); got {shape}.")
    rows, columns, channels = shape
    return rows, columns, channels


def broadcasts(shape: Shape, to: Shape) -> bool:
    """Whether an array of one shape broadcasts to another."""
    try:
        return np.broadcast_shapes(shape, to) == to
    except ValueError:
        return False
