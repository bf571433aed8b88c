"""Which neurons and channels of a network must be scaled alike, so that it computes the same in other units.

Where every ReLU is divided by a factor of its own, the weights behind it are multiplied by that factor, and nothing
changes: ``relu(s x) = s relu(x)`` for ``s > 0``. Sums, joins, pools and skips between them carry factors along, and
demand that some are equal: both terms of a sum, all places of an image that is convolved. The input and the outputs
keep their units, so that their factor is 1.

Every neuron of a dense layer and every channel of a convolution has a number here. The *numbers* of a value are an
array that broadcasts to the shape of one sample. What must be equal is joined; the parts that come out are the groups.

Source of the idea, between two layers: Nagel et al., "Data-free quantization through weight equalization and bias
correction", ICCV 2019, section 4.1.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from whetstone_lab.conversion.calls import Call, unwrapped
from whetstone_lab.conversion.makers.activations import activation_of
from whetstone_lab.conversion.makers.registry import kind_of
from whetstone_lab.pretrained.turning import fires, is_relu
from whetstone_lab.training import _internals

Numbers = np.ndarray
Shape = tuple[int, ...]

#: The number of what keeps its unit.
PINNED = 0


class Groups:
    """Numbers, some of which are joined with each other."""

    def __init__(self) -> None:
        self.count = 1
        self._pairs: list[np.ndarray] = []

    def new(self, count: int) -> Numbers:
        """New numbers, shape ``(count,)``."""
        self.count += count
        return np.arange(self.count - count, self.count)

    def join(self, first: Numbers, second: Numbers | int) -> None:
        """Puts the numbers of two arrays that broadcast against each other into the same groups, pair by pair."""
        pairs = np.stack(np.broadcast_arrays(first, second), -1).reshape(-1, 2)
        self._pairs.append(np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0))

    def roots(self) -> np.ndarray:
        """The lowest number in the group of each number."""
        roots = np.arange(self.count)
        pairs = np.concatenate([*self._pairs, np.zeros((0, 2), int)]).T
        while True:
            lowest = roots[pairs].min(axis=0)
            new = roots.copy()
            for side in pairs:
                np.minimum.at(new, side, lowest)
                np.minimum.at(new, roots[side], lowest)
            new = new[new]
            if (new == roots).all():
                return roots
            roots = new


@dataclass
class Factors:
    """The numbers of what goes into layers and comes out of them.

    Attributes:
        before: Numbers along the channels that a linear layer or a batch norm reads, by the ``id`` of the layer itself,
            within ``TimeDistributed`` where it is wrapped.
        after: Those of its own channels.
        relus: Positions of the calls that end in a ReLU -> numbers of what the ReLU reads and of what it gives. They
            are the same but for those that are cut.
        roots: The group of each number.
    """

    before: dict[int, Numbers] = field(default_factory=dict)
    after: dict[int, Numbers] = field(default_factory=dict)
    relus: dict[int, tuple[Numbers, Numbers]] = field(default_factory=dict)
    roots: np.ndarray = field(default_factory=lambda: np.zeros(1, int))


def factors_of(calls: Sequence[Call], inputs: Sequence[Shape]) -> tuple[Factors, set[int]]:
    """The factors of a model, and the layers between whose two sides they cannot be the same.

    A ReLU whose group must keep its unit cannot be scaled: it stands behind a sum with the model's input, or gives an
    output of the model. It is cut: what it reads and what it gives have one factor each, for all neurons. As few are
    cut as that takes.

    Args:
        calls: The layer calls of the model.
        inputs: The shapes of its inputs, without the axis of samples.

    Returns:
        The factors, and the ``id`` of each layer whose ReLU is cut.
    """
    shapes = _shapes(calls, inputs)
    factors = _factors(calls, shapes, ())
    cut = _pinned(calls, factors)
    if cut:
        for one in [id(call.layer) for call in calls if id(call.layer) in cut]:
            fewer = _factors(calls, shapes, cut - {one})
            if _pinned(calls, fewer) <= cut - {one}:
                cut = cut - {one}
        factors = _factors(calls, shapes, cut)
    return factors, cut


def _pinned(calls: Sequence[Call], factors: Factors) -> set[int]:
    """The layers whose ReLUs read or give something that keeps its unit, in part at least."""
    return {id(calls[position].layer) for position, sides in factors.relus.items()
            if any((factors.roots[numbers] == PINNED).any() for numbers in sides)}


def _factors(calls: Sequence[Call], shapes: dict[int, Shape], cut: Collection[int]) -> Factors:
    return _Tracing(calls, shapes, cut).factors


class _Tracing:
    """One way through a model, bottom up."""

    def __init__(self, calls: Sequence[Call], shapes: dict[int, Shape], cut: Collection[int]) -> None:
        self.groups, self.factors, self.cut = Groups(), Factors(), cut
        self.shapes = shapes
        self.of_cut: dict[int, tuple[Numbers, Numbers]] = {}
        numbers = {place: np.full((1,) * len(shape), PINNED) for place, shape in shapes.items() if place < 0}
        for position, call in enumerate(calls):
            read = [(numbers[source], shapes[source]) for source in call.inputs]
            numbers[position] = self._call(position, call, read)
            if call.outputs:
                self.groups.join(numbers[position], PINNED)
        self.factors.roots = self.groups.roots()

    def _call(self, position: int, call: Call, read: Sequence[tuple[Numbers, Shape]]) -> Numbers:
        layer = unwrapped(call.layer)
        made = read[0][0] if is_relu(layer) else self._made(layer, read, self.shapes[position])
        if not fires(layer):
            return made
        given = made
        if id(call.layer) in self.cut:
            into, out = self.of_cut.setdefault(id(call.layer), (self.groups.new(1), self.groups.new(1)))
            self.groups.join(made, into)
            given = np.broadcast_to(out, made.shape)
        self.factors.relus[position] = (made, given)
        return given

    def _made(self, layer: Any, read: Sequence[tuple[Numbers, Shape]], shape: Shape) -> Numbers:
        """The numbers of what a layer gives, before its activation."""
        (numbers, before), kind = read[0], kind_of(layer)
        if kind.linear is not None or isinstance(layer, keras.layers.BatchNormalization):
            return self._linear(layer, numbers, before, shape)
        if kind.idle:
            return numbers
        if isinstance(layer, _PLACES):
            return self._along(numbers, before, channels_of(layer, len(before)), channels_of(layer, len(shape)),
                               len(shape))
        operation = _internals.operation_name(layer)
        if isinstance(layer, keras.layers.Add) or operation == "Add":
            for other, _ in read[1:]:
                self.groups.join(numbers, other)
            return np.broadcast_arrays(*(one for one, _ in read))[0]
        if isinstance(layer, keras.layers.Concatenate) or operation == "Concatenate":
            return _joined([one for one, _ in read], [length for _, length in read],
                           layer.axis - 1 if layer.axis > 0 else layer.axis)
        if isinstance(layer, (keras.layers.Flatten, keras.layers.Reshape, keras.layers.Permute)):
            return _reshaped(layer, np.broadcast_to(numbers, before), shape)
        # All else keeps its units, and so does what it reads.
        for one, _ in read:
            self.groups.join(one, PINNED)
        return np.full((1,) * len(shape), PINNED)

    def _linear(self, layer: Any, numbers: Numbers, before: Shape, shape: Shape) -> Numbers:
        """New numbers for the outputs of a layer with weights, or those that it has from another call of it."""
        axis, own = channels_of(layer, len(before)), channels_of(layer, len(shape))
        along = self._along(numbers, before, axis, 0, 1)
        if id(layer) not in self.factors.before:
            self.factors.before[id(layer)] = along
            self.factors.after[id(layer)] = self.groups.new(shape[own])
        self.groups.join(along, self.factors.before[id(layer)])
        made = self.factors.after[id(layer)]
        if (function := activation_of(layer)) not in (None, keras.activations.linear) and not is_relu(function):
            self.groups.join(made, PINNED)
        return made.reshape([-1 if place == own else 1 for place in range(len(shape))])

    def _along(self, numbers: Numbers, shape: Shape, axis: int, own: int, axes: int) -> Numbers:
        """The numbers of channels, which must be the same at all places, along an axis of some."""
        full = np.broadcast_to(numbers, [shape[axis] if place == axis else length
                                         for place, length in enumerate(numbers.shape)])
        rows = np.moveaxis(full, axis, -1).reshape(-1, shape[axis])
        self.groups.join(rows, rows[0])
        return rows[0].reshape([-1 if place == own else 1 for place in range(axes)])


#: Layers of images that keep channels apart, and whose result is scaled as their input is.
_PLACES: tuple[type, ...] = (
    keras.layers.MaxPooling1D, keras.layers.MaxPooling2D, keras.layers.AveragePooling1D, keras.layers.AveragePooling2D,
    keras.layers.GlobalMaxPooling1D, keras.layers.GlobalMaxPooling2D, keras.layers.GlobalAveragePooling1D,
    keras.layers.GlobalAveragePooling2D, keras.layers.ZeroPadding1D, keras.layers.ZeroPadding2D,
    keras.layers.Cropping1D, keras.layers.Cropping2D, keras.layers.UpSampling1D, keras.layers.UpSampling2D,
)


def channels_of(layer: Any, axes: int) -> int:
    """The axis of a layer's channels, among those of a sample."""
    if isinstance(layer, keras.layers.BatchNormalization):
        return int(layer.axis % layer.input_spec.ndim - layer.input_spec.ndim) % axes
    return 0 if getattr(layer, "data_format", None) == "channels_first" else axes - 1


def _joined(numbers: Sequence[Numbers], shapes: Sequence[Shape], axis: int) -> Numbers:
    axis %= len(shapes[0])
    common = np.max([one.shape for one in numbers], axis=0)
    return np.concatenate([
        np.broadcast_to(one, [shape[axis] if place == axis else length for place, length in enumerate(common)])
        for one, shape in zip(numbers, shapes, strict=True)], axis)


def _reshaped(layer: Any, full: Numbers, shape: Shape) -> Numbers:
    if isinstance(layer, keras.layers.Permute):
        return full.transpose([axis - 1 for axis in layer.dims])
    if getattr(layer, "data_format", None) == "channels_first" and full.ndim > 1:
        full = np.moveaxis(full, 0, -1)  # as Keras flattens
    return full.reshape(shape)


def _shapes(calls: Sequence[Call], inputs: Sequence[Shape]) -> dict[int, Shape]:
    """The shape of what each call gives, and of each input, without the axis of samples."""
    shapes = {-1 - place: tuple(shape) for place, shape in enumerate(inputs)}
    for position, call in enumerate(calls):
        read = [(None, *shapes[source]) for source in call.inputs]
        if isinstance(call.layer, keras.layers.Layer):
            found = call.layer.compute_output_shape(read[0] if len(read) == 1 else read)
        else:
            tensors = [keras.KerasTensor(shape) for shape in read]
            joins = _internals.operation_name(call.layer) == "Concatenate"
            found = call.layer.compute_output_spec(*([tensors] if joins else tensors)).shape
        shapes[position] = tuple(found)[1:]
    return shapes
