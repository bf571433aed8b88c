"""What each kind of NIR node does, as operations of the simulator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from whetstone_lab.exchange.layout import kernel_channels_last
from whetstone_lab.exchange.nir.neurons import per_neuron, read_integrator, read_neurons
from whetstone_lab.simulator.operations import (
    AveragePool2D,
    Conv2D,
    Dense,
    Operation,
    Pad2D,
    Permute,
    Reshape,
    Scale,
    Shape,
)


def passes_on(node: Any) -> bool:
    """Whether what comes into a NIR node goes out as it came."""
    kind = type(node).__name__
    return kind == "Identity" or (kind == "Delay" and not np.any(node.delay))


def read_node(node: Any, shape: Shape, step: float, at_threshold: bool = False) -> Iterator[Operation]:
    """The operations that do what a NIR node does, in their order; none for a node that changes nothing.

    Args:
        node: The node.
        shape: Of its input, channels last.
        step: The time step in seconds.
        at_threshold: Whether neurons fire at their threshold, too. Default: False, above it.

    Raises:
        ValueError: The simulator cannot do it.
    """
    if passes_on(node):
        return
    match type(node).__name__:
        case "Output":
            return
        case "Affine":
            yield Dense(np.asarray(node.weight).T, node.bias)
        case "Linear":
            yield Dense(np.asarray(node.weight).T)
        case "Conv1d":
            yield from _conv1d(node, shape)
        case "Conv2d":
            yield from _conv2d(node)
        case "AvgPool2d":
            yield _pool_of(node)
        case "SumPool2d":
            pool = _pool_of(node)
            pool.output_shape(shape)  # it fits the image, so the ones need no more memory than that
            yield Conv2D(np.ones((*pool.size, 1, shape[-1]), np.float32), groups=shape[-1], strides=pool.strides)
        case "Flatten":
            yield from _flatten(node, shape)
        case "Scale":
            yield Scale(per_neuron(node.scale))
        case "Threshold" | "IF" | "LIF" | "CubaLIF":
            yield from read_neurons(node, step, at_threshold)
        case "I" | "LI" | "CubaLI":
            yield from read_integrator(node, step)
        case "Delay":
            raise ValueError("expected no delay, as a layer here answers once all that it listens to has come.")
        case kind:
            raise ValueError(f"the simulator knows no NIR node of type {kind}.")


def _conv1d(node: Any, shape: Shape) -> Iterator[Operation]:
    """A convolution of an image of one row."""
    if len(shape) != 2:
        raise ValueError(f"expected an input of channels and a length; got {len(shape)} axes.")
    (stride,), (dilation,), (groups,) = (_whole(node, name, 1) for name in ("stride", "dilation", "groups"))
    word, (columns,) = _padding(node, (stride,))
    yield Reshape((1, *shape))
    if columns:
        yield Pad2D((0, 0), (columns, columns))
    weights = np.asarray(node.weight).transpose(2, 1, 0)[None]
    yield Conv2D(weights, node.bias, (1, dilation), groups, strides=(1, stride), padding=word)
    yield Reshape((-1, weights.shape[3]))


def _conv2d(node: Any) -> Iterator[Operation]:
    strides, dilation, (groups,) = _whole(node, "stride", 2), _whole(node, "dilation", 2), _whole(node, "groups", 1)
    word, (rows, columns) = _padding(node, strides)
    if rows or columns:
        yield Pad2D((rows, rows), (columns, columns))
    yield Conv2D(kernel_channels_last(np.asarray(node.weight)), node.bias, dilation, groups, strides=strides,
                 padding=word)


def _padding(node: Any, strides: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
    """The word for an operation, and how many zeros go at either end of each axis before it."""
    word = node.padding.decode() if isinstance(node.padding, bytes) else node.padding
    if not isinstance(word, str):
        return "valid", _whole(node, "padding", len(strides), least=0)
    if word == "same" and set(strides) != {1}:
        raise ValueError("expected padding 'same' with stride 1 only, as other strides are padded in several ways.")
    return word, (0,) * len(strides)


def _pool_of(node: Any) -> AveragePool2D:
    if np.any(node.padding):
        raise ValueError(f"expected no padding; got {np.asarray(node.padding).tolist()}.")
    return AveragePool2D(_whole(node, "kernel_size", 2), strides=_whole(node, "stride", 2))


def _flatten(node: Any, shape: Shape) -> Iterator[Operation]:
    if len(shape) < 2:
        return
    # Some count the axis of samples: then 1 is the first after it.
    first, last = np.asarray(node.start_dim).item(), np.asarray(node.end_dim).item()
    if first not in (-len(shape), 0, 1) or last not in (-1, len(shape) - 1, len(shape)):
        raise ValueError(f"expected all axes to be flattened; got those from {first} to {last} of {len(shape)}.")
    yield Permute((len(shape) - 1, *range(len(shape) - 1)))
    yield Reshape()


def _whole(node: Any, name: str, axes: int, least: int = 1) -> tuple[int, ...]:
    """A field of whole numbers, one for each axis; a single one stands for all.

    Fractions and negative numbers are refused: rounded, or as a cut, they would give another picture without a word.
    """
    given = np.asarray(getattr(node, name))
    if given.dtype.kind not in "iuf" or given.shape not in ((), (1,), (axes,)) or not (
            (given == np.floor(given)) & (given >= least)).all():
        wanted = f"{axes} whole numbers, or one for all axes," if axes > 1 else "a whole number"
        raise ValueError(f"expected {name} to be {wanted} of at least {least}; got {given.tolist()}.")
    return tuple(int(value) for value in np.broadcast_to(given, axes))
