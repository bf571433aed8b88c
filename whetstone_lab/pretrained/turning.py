"""Which layers of a model are ReLUs, what takes their place, and what cannot be turned."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

import keras

from whetstone_lab.conversion.calls import Call, unwrapped
from whetstone_lab.conversion.folding import plan_folding
from whetstone_lab.conversion.lowering import check_call, is_read
from whetstone_lab.conversion.makers.activations import activation_of, activations_of
from whetstone_lab.conversion.makers.refused import NEVER_SHARPENS
from whetstone_lab.conversion.makers.registry import kind_of
from whetstone_lab.conversion.order import neurons_before_pools
from whetstone_lab.conversion.refusals import Finding, RefusedError
from whetstone_lab.training import _internals
from whetstone_lab.training.layers import SpikingBReLU, SpikingLayer

#: Operations that are a ReLU, as ``keras.ops.relu(x)`` in a functional model.
_OPERATIONS = ("ReLU", "Relu", "Relu6")

_REMEDY = ("Put a ReLU in its place and train the model some epochs more, since its weights fit no other activation; "
           "then turn it. Or begin anew, with whetstone_lab.SpikingBReLU() in its place.")


def is_relu(layer: Any) -> bool:
    """Whether a layer, an operation or an activation function is a ReLU and nothing besides, bounded (ReLU6) or not.

    Raises:
        RefusedError: It is a ReLU with a slope below 0 or with a threshold of its own.
    """
    if layer in (keras.activations.relu, keras.activations.relu6):
        return True
    if isinstance(layer, keras.layers.Activation):
        return type(layer).call is keras.layers.Activation.call and is_relu(layer.activation)
    known: Any = keras.layers.ReLU
    if not ((isinstance(layer, known) and type(layer).call is known.call)
            or (isinstance(layer, keras.Operation) and _internals.operation_name(layer) in _OPERATIONS)):
        return False
    bent = {name: value for name in ("negative_slope", "threshold") if (value := getattr(layer, name, 0))}
    if bent:
        said = " and ".join(f"{name} {value:g}" for name, value in bent.items())
        raise RefusedError(f"expected a ReLU that is 0 below 0 and its input above; got one with {said}", _REMEDY)
    return True


def fires(layer: Any) -> bool:
    """Whether a layer is a ReLU, or ends in one: whether neurons come into its place, or behind it."""
    return is_relu(layer) or is_relu(activation_of(layer))


class Turned:
    """The new layers of a model, not built yet, by the ``id`` of those that they replace.

    Args:
        calls: The layer calls of the model.
        left: Positions of calls to leave out. Default: none.

    Attributes:
        neurons: The spiking layer in place of each ReLU, by the ``id`` of the layer that is called.
        linear: The layer in place of each linear layer and each batch norm, without its ReLU, by the ``id`` of the
            layer that is called.
        inner: The same, by the ``id`` of the layer within ``TimeDistributed``.
    """

    def __init__(self, calls: Sequence[Call], left: Collection[int] = ()) -> None:
        self.neurons: dict[int, SpikingLayer] = {}
        self.linear: dict[int, Any] = {}
        self.inner: dict[int, Any] = {}
        self._names = {call.layer.name for call in calls}
        for position, call in enumerate(calls):
            layer, inner = call.layer, unwrapped(call.layer)
            if position in left or id(layer) in self.neurons or id(layer) in self.linear:
                continue
            alone = is_relu(inner)
            if alone or is_relu(activation_of(inner)):
                policy = getattr(inner, "dtype_policy", None)
                self.neurons[id(layer)] = SpikingBReLU(
                    name=layer.name if alone else self.free(f"{layer.name}_spikes"), dtype=policy)
            if kind_of(inner).linear is not None or isinstance(inner, keras.layers.BatchNormalization):
                self.linear[id(layer)] = self._without_relu(layer)

    def free(self, name: str) -> str:
        """The name, or the next one that no layer has."""
        found, number = name, 1
        while found in self._names:
            number += 1
            found = f"{name}_{number}"
        self._names.add(found)
        return found

    def _without_relu(self, layer: Any) -> Any:
        if unwrapped(layer) is not layer:
            config = {name: value for name, value in layer.get_config().items() if name != "layer"}
            return type(layer)(self._without_relu(layer.layer), **config)
        if id(layer) not in self.inner:
            self.inner[id(layer)] = without_activation(layer) if is_relu(activation_of(layer)) else again(layer)
        return self.inner[id(layer)]


def again(layer: Any, **changes: Any) -> Any:
    """A layer with weights as it was made, not built; a batch norm with a gamma, which takes factors."""
    # The kernel that is read has a low-rank update in it.
    config = {name: value for name, value in layer.get_config().items() if not name.startswith("lora_")}
    if isinstance(layer, keras.layers.BatchNormalization):
        config["scale"] = True
    return type(layer).from_config({**config, **changes})


def without_activation(layer: Any, **changes: Any) -> Any:
    """A linear layer as it was made, not built, without its activation."""
    return again(layer, activation=None, **changes)


def problems(calls: Sequence[Call]) -> list[Finding]:
    """What keeps a model from being turned and converted, without building anything.

    Args:
        calls: The layer calls of a built model.

    Returns:
        What was found, bottom first: activations that are no ReLU, and all that
        :func:`whetstone_lab.conversion.checking.check` would find in the turned model.
    """
    found: list[tuple[int, Finding]] = []
    place = {id(call.layer): position for position, call in enumerate(calls)}

    def refuse(call: Call, error: ValueError) -> None:
        found.append((place[id(call.layer)], Finding.of(call.name, call.place, error)))

    seen: set[int] = set()
    neurons: dict[int, SpikingLayer] = {}
    spiking = []
    for position, call in enumerate(calls):
        spiking.append(call)
        try:
            if is_relu(unwrapped(call.layer)):
                stand_in = neurons.setdefault(id(call.layer), SpikingBReLU(name=call.layer.name))
                spiking[-1] = replace(call, layer=stand_in)
            elif id(call.layer) not in seen:
                _check(call, is_read(calls, position))
        except ValueError as error:
            if id(call.layer) not in seen:
                refuse(call, error)
        seen.add(id(call.layer))
    originals = {id(new.layer): call for new, call in zip(spiking, calls, strict=True)}
    plan_folding(neurons_before_pools(spiking), thresholds=True, refuse=_norms_only(
        lambda call, error: refuse(originals[id(call.layer)], error)))
    return [finding for _, finding in sorted(found, key=lambda pair: pair[0])]


def _check(call: Call, at_end: bool) -> None:
    """Refuses a layer, as if its ReLU were gone."""
    layer = unwrapped(call.layer)
    if isinstance(layer, keras.layers.BatchNormalization):
        return
    kind = kind_of(layer)
    if kind.refusal is not None and kind.refusal.reason == NEVER_SHARPENS:
        raise RefusedError(f"expected a ReLU; got {_called(layer)}, whose weights fit no spiking layer", _REMEDY)
    if kind.make is not None and not isinstance(activation_of(layer), SpikingLayer):
        read = (keras.activations.softmax, *([keras.activations.sigmoid] if at_end else []))
        for function in activations_of(layer):
            if function not in read and not is_relu(function):
                raise RefusedError(f"expected the activation 'relu'; got {_called(function)!r}, whose weights fit no "
                                   "spiking layer", _REMEDY)
    if is_relu(activation_of(layer)):
        # A layer without weights is enough to ask.
        call = Call(Turned([call]).linear.get(id(call.layer), call.layer), call.name, call.place, call.inputs,
                    call.outputs, call.every_step)
    check_call(call, False, at_end)


def _called(function: Any) -> str:
    return getattr(function, "__name__", None) or type(function).__name__


def _norms_only(refuse: Callable[[Call, ValueError], None]) -> Callable[[Call, ValueError], None]:
    """Of a layer that holds batch norm and cannot be followed, the layer itself is refused already."""
    def told(call: Call, error: ValueError) -> None:
        if isinstance(unwrapped(call.layer), keras.layers.BatchNormalization):
            refuse(call, error)

    return told
