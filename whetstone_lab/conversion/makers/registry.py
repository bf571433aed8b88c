"""The register of Keras layers that ``convert`` and ``fold_batchnorm`` know, and what each of them is to those two.

A file beside this one registers a kind of layers when it is imported; nothing else has to name it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from whetstone_lab.simulator.operations import Operation, Shape
from whetstone_lab.training import _internals

#: Kernel and bias of a linear layer, its outputs along the kernel's last axis.
Weights = tuple[np.ndarray, np.ndarray | None]


class Affine(NamedTuple):
    """What a batch norm layer does at inference, ``scale x + shift`` for each channel.

    Attributes:
        scale: float64, shape ``(channels,)``.
        shift: float64, shape ``(channels,)``.
        axis: The axis of the channels, counted from the last: negative.
    """

    scale: np.ndarray
    shift: np.ndarray
    axis: int


@dataclass(frozen=True)
class Site:
    """Where a layer is called: what a maker may ask besides the layer itself.

    Attributes:
        shapes: Shapes of the inputs, without the axis of samples.
        weights: Kernel and bias with batch norm folded in, or None where the layer's own hold.
        before: The batch norm right before, which neurons take into their thresholds, or None.
    """

    shapes: Sequence[Shape]
    weights: Weights | None = None
    before: Affine | None = None

    @property
    def shape(self) -> Shape:
        """The shape of the first input."""
        return self.shapes[0]


#: What makes the operations of a layer; on images, those on an image with channels last.
Make = Callable[[Any, Site], Sequence[Operation]]


@dataclass(frozen=True)
class Linear:
    """How linear layers of a kind keep their weights, so that batch norm can be folded into them.

    Attributes:
        read: Gives the layer's kernel and bias.
        back: Gives a kernel as the layer keeps it, from the layer and a kernel as it is read. Default: as it is.
        variable: The name of the kernel's variable. Default: ``"kernel"``.
        takes_before: Whether every output sees all inputs, so that a batch norm before the layer can be folded too.
            Default: False.
    """

    read: Callable[[Any], Weights]
    back: Callable[[Any, np.ndarray], np.ndarray] = lambda layer, kernel: kernel
    variable: str = "kernel"
    takes_before: bool = False

    def write(self, layer: Any, weights: Weights) -> None:
        """Puts a kernel and a bias into a layer."""
        getattr(layer, self.variable).assign(self.back(layer, weights[0]))
        layer.bias.assign(weights[1])


@dataclass(frozen=True)
class Kind:
    """What a Keras layer is to conversion and folding.

    Attributes:
        make: What makes its operations, or None: it can be folded into and not be converted.
        on_images: Whether it works on images, or on one row of places, which is an image of one column.
        idle: Whether it does nothing at inference.
        largest: Whether it takes the largest of several values, and does nothing else.
        monotone: Whether it treats each value by itself and never turns an order around.
        baseline: Whether only the ReLU baseline of a spiking network has it.
        linear: How it keeps its weights, where it is linear.
        any_call: Whether subclasses with a ``call`` of their own are of this kind too.
    """

    make: Make | None = None
    on_images: bool = False
    idle: bool = False
    largest: bool = False
    monotone: bool = False
    baseline: bool = False
    linear: Linear | None = None
    any_call: bool = False


_KINDS: dict[type, Kind] = {}
_OPERATIONS: dict[str, Kind] = {}


def register(*layers: type, operation: str | None = None, **traits: Any) -> Callable[[Make], Make]:
    """Registers a maker for classes of Keras layers.

    Args:
        *layers: The classes.
        operation: Name of the operation of ``keras.ops`` that is called and set like these layers. Default: none.
        **traits: As in :class:`Kind`.

    Returns:
        A decorator for ``make(layer, site)``.
    """
    def decorate(make: Make) -> Make:
        declare(*layers, kind=Kind(make, **traits), operation=operation)
        return make

    return decorate


def declare(*layers: type, kind: Kind, operation: str | None = None) -> None:
    """Registers classes of Keras layers as a kind.

    Raises:
        ValueError: One of them is registered already.
    """
    twice = [layer.__name__ for layer in layers if layer in _KINDS]
    if twice:
        raise ValueError(f"Expected each layer to be registered once; {', '.join(twice)} is registered again.")
    _KINDS.update(dict.fromkeys(layers, kind))
    if operation is not None:
        _OPERATIONS[operation] = kind


def kind_of(layer: Any) -> Kind:
    """The kind that a layer is and computes as: subclasses count if they keep its ``call``.

    Returns:
        The kind; one with nothing in it where the layer is not known.
    """
    name = _internals.operation_name(layer)
    if name is not None:
        return _OPERATIONS.get(name, Kind())
    for ancestor in type(layer).__mro__:
        kind = _KINDS.get(ancestor)
        if kind:
            known: Any = ancestor
            return kind if kind.any_call or type(layer).call is known.call else Kind()
    return Kind()


def layers_where(matches: Callable[[Kind], Any]) -> list[str]:
    """The names of the registered layers whose kind matches, in order."""
    return sorted(layer.__name__ for layer, kind in _KINDS.items() if matches(kind))


def known_layers() -> dict[str, list[str]]:
    """The names of the Keras layers that ``convert`` knows, by the file that makes them, both in order."""
    found: dict[str, list[str]] = {}
    for layer, kind in _KINDS.items():
        if kind.make is not None:
            found.setdefault(kind.make.__module__.rpartition(".")[2], []).append(layer.__name__)
    return {file: sorted(found[file]) for file in sorted(found)}
