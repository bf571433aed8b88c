"""``check_inputs``: what a network is shown, as arrays that fit it. One input or several, with or without steps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from whetstone_lab.simulator.network import Network
from whetstone_lab.simulator.operations import Shape


@dataclass(frozen=True)
class Inputs:
    """Checked inputs of a network.

    Attributes:
        arrays: One for each input of the network, in its order.
        steps: How many steps each sample has; 1 where they have no axis of steps.
        stepwise: Whether they have an axis of steps.
    """

    arrays: tuple[np.ndarray, ...]
    steps: int
    stepwise: bool

    @property
    def samples(self) -> int:
        """How many samples there are."""
        return len(self.arrays[0])


def check_inputs(network: Network, inputs: Any) -> Inputs:
    """The inputs as arrays, if they are finite numbers of the network's shapes, with or without steps.

    Args:
        network: The network.
        inputs: An array; of a network with several inputs a list of arrays in their order, or a dict by their names.

    Raises:
        ValueError: They are not.
    """
    given = _given(network, inputs)
    arrays = tuple(_check_input(network, name, given[name]) for name in network.inputs)
    lengths = {name: array.shape[: 1 + _has_steps(array, shape)]
               for array, (name, shape) in zip(arrays, network.inputs.items(), strict=True)}
    first = next(iter(lengths.values()))
    if any(length != first for length in lengths.values()):
        raise ValueError(f"Expected as many samples of each input, and as many steps; got {lengths}.")
    return Inputs(arrays, first[1] if len(first) == 2 else 1, len(first) == 2)


def _given(network: Network, inputs: Any) -> Mapping[str, Any]:
    names = list(network.inputs)
    if isinstance(inputs, Mapping):
        if set(inputs) != set(names):
            raise ValueError(f"Expected inputs by the names {names}; got {list(inputs)}.")
        return inputs
    return by_name(inputs, names, "an array for each of the inputs")


def by_name(values: Any, names: Sequence[str], what: str) -> Mapping[str, Any]:
    """Gives the names to values that come without: the only one as it is, several in a list, in their order.

    Args:
        values: The value, or the list.
        names: Names of inputs or outputs.
        what: What was expected in the list, with its ``of``, for the message.

    Raises:
        ValueError: It is no list of as many.
    """
    if len(names) == 1:
        return {names[0]: values}
    if not isinstance(values, (list, tuple)) or len(values) != len(names):
        got = f"{len(values)} of them" if isinstance(values, (list, tuple)) else f"a {type(values).__name__}"
        raise ValueError(f"Expected a list with {what} {names}, in this order, or a dict by these names; got {got}.")
    return dict(zip(names, values, strict=True))


def _check_input(network: Network, name: str, values: Any) -> np.ndarray:
    shape, what = network.inputs[name], "inputs" if len(network.inputs) == 1 else f"input {name!r}"
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"Expected {what} to be numbers; got dtype {array.dtype}.")
    # The axis of steps, if there is one, comes second.
    if array.ndim == 0 or (array.shape[1:] != shape and (array.shape[2:] != shape or array.shape[1] == 0)):
        hint = " Give a single sample as inputs[None]." if array.shape == shape else ""
        wanted = ", ".join(["samples", *map(str, shape)])
        raise ValueError(f"Expected {what} of shape ({wanted}); got {array.shape}.{hint}")
    # A sum of squares is finite only where every value is, and is found in a fraction of the time.
    if array.dtype.kind == "f" and not math.isfinite(np.vdot(array, array)) and not np.isfinite(array).all():
        wrong = array.size - int(np.isfinite(array).sum())
        raise ValueError(f"Expected finite {what}; {wrong} of {array.size} values are NaN or infinite.")
    return array


def _has_steps(array: np.ndarray, shape: Shape) -> bool:
    return array.ndim == len(shape) + 2
