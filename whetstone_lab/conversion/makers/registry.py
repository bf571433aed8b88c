"""The register of Keras layers that ``convert`` and ``fold_batchnorm`` know, and what each of them is to those two.

A file beside this one registers a kind of layers when it is imported; nothing else has to name it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import keras
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


class Refusal(NamedTuple):
    """Why layers of a kind cannot become spikes.

    Attributes:
        reason: What they do that neurons do not, to follow a colon.
        remedy: What to write instead, a sentence.
    """

    reason: str
    remedy: str


#: Of layers on volumes, into some of which batch norm can be folded all the same.
NO_VOLUMES = Refusal(
    "the network has no operation on volumes",
    "Make images of them, with one of the axes among the channels, and use the layer for two axes.",
)


@dataclass(frozen=True)
class Kind:
    """What a Keras layer is to conversion and folding.

    Attributes:
        make: What makes its operations, or None: it cannot be converted.
        on_images: Whether it works on images, or on one row of places, which is an image of one column.
        idle: Whether it does nothing at inference.
        largest: Whether it takes the largest of several values, and does nothing else.
        monotone: Whether it treats each value by itself and never turns an order around.
        by_place: Whether it treats each place by itself, whatever axes stand before its last one: ``TimeDistributed``
            around it changes nothing.
        baseline: Whether only the ReLU baseline of a spiking network has it.
        linear: How it keeps its weights, where it is linear.
        any_call: Whether subclasses with a ``call`` of their own are of this kind too.
        refusal: Why it cannot be converted, where more can be said than that it is not known.
    """

    make: Make | None = None
    on_images: bool = False
    idle: bool = False
    largest: bool = False
    monotone: bool = False
    by_place: bool = False
    baseline: bool = False
    linear: Linear | None = None
    any_call: bool = False
    refusal: Refusal | None = None


#: Class of layers -> kind. A layer that is named and that this release of Keras does not have stands under its name.
_KINDS: dict[type | str, Kind] = {}
_OPERATIONS: dict[str, Kind] = {}


def register(*layers: type | str, operation: str | None = None, **traits: Any) -> Callable[[Make], Make]:
    """Registers a maker for classes of Keras layers.

    Args:
        *layers: The classes; or names in ``keras.layers`` of those that not every release of Keras has.
        operation: Name of the operation of ``keras.ops`` that is called and set like these layers. Default: none.
        **traits: As in :class:`Kind`.

    Returns:
        A decorator for ``make(layer, site)``.
    """
    def decorate(make: Make) -> Make:
        declare(*layers, kind=Kind(make, **traits), operation=operation)
        return make

    return decorate


def declare(*layers: type | str, kind: Kind, operation: str | None = None) -> None:
    """Registers classes of Keras layers as a kind.

    Raises:
        ValueError: One of them is registered already.
    """
    found = [getattr(keras.layers, layer, layer) if isinstance(layer, str) else layer for layer in layers]
    twice = [_name(layer) for layer in found if layer in _KINDS]
    if twice:
        raise ValueError(f"Expected each layer to be registered once; {', '.join(twice)} is registered again.")
    _KINDS.update(dict.fromkeys(found, kind))
    if operation is not None:
        _OPERATIONS[operation] = kind


def refuse(*layers: type | str, reason: str, remedy: str, operations: Sequence[str] = ()) -> None:
    """Registers classes of Keras layers that cannot become spikes, their subclasses with them.

    Args:
        *layers: As for :func:`register`.
        reason: As in :class:`Refusal`.
        remedy: As in :class:`Refusal`.
        operations: Names of the operations of ``keras.ops`` that do the same. Default: none.
    """
    kind = Kind(any_call=True, refusal=Refusal(reason, remedy))
    declare(*layers, kind=kind)
    _OPERATIONS.update(dict.fromkeys(operations, kind))


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
    return sorted(_name(layer) for layer, kind in _KINDS.items() if matches(kind) and not isinstance(layer, str))


def kinds() -> dict[Kind, list[str]]:
    """Every kind that is registered, as the files come, with the names of its layers in order.

    Layers that this release of Keras does not have are among them, so that what is listed is the same with each.
    """
    found: dict[Kind, list[str]] = {}
    for layer, kind in _KINDS.items():
        found.setdefault(kind, []).append(_name(layer))
    return {kind: sorted(names) for kind, names in found.items()}


def operations_of(kind: Kind) -> list[str]:
    """The names of the operations of ``keras.ops`` that count as a kind, in order."""
    return sorted(name for name, other in _OPERATIONS.items() if other == kind)


def _name(layer: type | str) -> str:
    return layer if isinstance(layer, str) else layer.__name__
