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


def read_node(node: Any, shape: Shape, step: float) -> Iterator[Operation]:
    """The operations that do what a NIR node does, in their order; none for a node that changes nothing.

    Args:
        node: The node.
        shape: Of its input, channels last.
        step: The time step in seconds.

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
        case "AvgPool2d" | "SumPool2d" if np.any(node.padding):
            raise ValueError(f"expected no padding; got {np.asarray(node.padding).tolist()}.")
        case "AvgPool2d":
            yield AveragePool2D(_pair(node.kernel_size), strides=_pair(node.stride))
        case "SumPool2d":
            pool = AveragePool2D(_pair(node.kernel_size), strides=_pair(node.stride))
            pool.output_shape(shape)  # it fits the image, so the ones need no more memory than that
            yield Conv2D(np.ones((*pool.size, 1, shape[-1]), np.float32), groups=shape[-1], strides=pool.strides)
        case "Flatten":
            yield from _flatten(node, shape)
        case "Scale":
            yield Scale(per_neuron(node.scale))
        case "Threshold" | "IF" | "LIF" | "CubaLIF":
            yield from read_neurons(node, step)
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
    columns, padding = 0, _padding(node, _single(node.stride))
    if not isinstance(padding, str):
        columns, padding = _single(padding), "valid"
    yield Reshape((1, *shape))
    if columns:
        yield Pad2D((0, 0), (columns, columns))
    weights = np.asarray(node.weight).transpose(2, 1, 0)[None]
    yield Conv2D(weights, node.bias, (1, _single(node.dilation)), int(node.groups), strides=(1, _single(node.stride)),
                 padding=padding)
    yield Reshape((-1, weights.shape[3]))


def _conv2d(node: Any) -> Iterator[Operation]:
    rows = columns = 0
    padding = _padding(node, _pair(node.stride))
    if not isinstance(padding, str):
        rows, columns = _pair(padding)
    if rows or columns:
        yield Pad2D((rows, rows), (columns, columns))
    yield Conv2D(kernel_channels_last(np.asarray(node.weight)), node.bias, _pair(node.dilation), int(node.groups),
                 strides=_pair(node.stride), padding=padding if isinstance(padding, str) else "valid")


def _padding(node: Any, stride: Any) -> Any:
    """A word, or numbers."""
    padding = node.padding.decode() if isinstance(node.padding, bytes) else node.padding
    if isinstance(padding, str) and padding == "same" and np.any(np.asarray(stride) != 1):
        raise ValueError("expected padding 'same' with stride 1 only, as other strides are padded in several ways.")
    return padding


def _flatten(node: Any, shape: Shape) -> Iterator[Operation]:
    if len(shape) < 2:
        return
    # Some count the axis of samples: then 1 is the first after it.
    first, last = int(node.start_dim), int(node.end_dim)
    if first not in (-len(shape), 0, 1) or last not in (-1, len(shape) - 1, len(shape)):
        raise ValueError(f"expected all axes to be flattened; got those from {first} to {last} of {len(shape)}.")
    yield Permute((len(shape) - 1, *range(len(shape) - 1)))
    yield Reshape()


def _pair(value: Any) -> tuple[int, int]:
    rows, columns = np.broadcast_to(np.asarray(value), 2).tolist()
    return int(rows), int(columns)


def _single(value: Any) -> int:
    return int(np.asarray(value).item())
