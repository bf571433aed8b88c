"""What layers of images share. One row of places is an image of one column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from whetstone_lab.simulator import operations
from whetstone_lab.simulator.operations import Operation, Shape


def pair(values: Any, other: int = 1) -> tuple[int, int]:
    """Rows and columns: those of an image, or those of a row of places beside the ``other`` of a single column."""
    values = (values,) if isinstance(values, int) else tuple(values)
    return values if len(values) == 2 else (values[0], other)


def ends(values: Any) -> tuple[tuple[int, int], tuple[int, int]]:
    """Before and after, along rows and columns; of a row of places a single pair of numbers is given."""
    (top, bottom), (left, right) = (values, (0, 0)) if isinstance(values[0], int) else values
    return (top, bottom), (left, right)


def channels_last(axes: int) -> Operation:
    """Moves the first of some axes to the end."""
    return operations.Permute((*range(1, axes), 0))


def around_image(layer: Any, made: Sequence[Operation], shape: Shape) -> list[Operation]:
    """Operations on an image, channels last, between what brings the layer's input into that form and back.

    Args:
        layer: The Keras layer, of which the data format is asked.
        made: The operations on an image.
        shape: The shape of the layer's input, without the axis of samples.
    """
    first, flat = getattr(layer, "data_format", "channels_last") == "channels_first", len(shape) == 2
    before: list[Operation] = [channels_last(len(shape))] if first else []
    if first:
        shape = (*shape[1:], shape[0])
    if flat:
        before.append(operations.Reshape((shape[0], 1, shape[1])))
        shape = (shape[0], 1, shape[1])
    for operation in made:
        shape = operation.output_shape(shape)
    after: list[Operation] = []
    if len(shape) == 3:  # a global pool leaves channels only
        if flat:
            after.append(operations.Reshape((shape[0], shape[2])))
        if first:
            after.append(operations.Permute((1, 0) if flat else (2, 0, 1)))
    return [*before, *made, *after]
