"""A Keras model as a list of layer calls, bottom first, with nested models opened."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras

from whetstone_lab.training import _internals
from whetstone_lab.training.heads import output_names


@dataclass(frozen=True)
class Call:
    """One call of one layer.

    Attributes:
        layer: The layer that is called.
        name: The layer's name after those of the models around it, ``"block/dense"``; numbered from the second call.
        place: Where it stands, for people: ``"layers[2].layers[0] ('dense', Dense)"``.
        inputs: What it is called on: positions of earlier calls in the list, or a negative number for an input of the
            model: -1 is the first, -2 the second.
        outputs: Names of the model's outputs that it gives; most calls give none.
        every_step: Whether ``TimeDistributed`` applies a model around it to every step.
        odd: What it is called with that cannot be followed: other things than tensors of the model, or training mode.
            Empty for most calls.
    """

    layer: Any
    name: str
    place: str
    inputs: tuple[int, ...]
    outputs: tuple[str, ...] = ()
    every_step: bool = False
    odd: str = ""


def layer_calls(model: keras.Model, built: bool = True, odd: bool = False) -> list[Call]:
    """Lists the layer calls of a model, with nested models opened, also those that ``TimeDistributed`` applies.

    Args:
        model: A built Sequential or functional model with any number of inputs and outputs.
        built: Whether it must be built. A Sequential model can be followed before. Default: True.
        odd: Whether calls are listed, too, that are on something that is no tensor of the model, or in training mode.
            Default: False, they are refused.

    Returns:
        The calls, each after those it depends on, without input layers and without calls that no output depends on. Of
        a model with one output, the last call gives it.

    Raises:
        TypeError: It is no Sequential or functional model, nor are those within it.
        ValueError: It is not built, or calls a layer on something that is no tensor of the model, or in training mode.
    """
    calls: list[Call] = []
    inputs = len(getattr(model, "inputs", None) or [None])
    ends = _open(model, range(-1, -1 - inputs, -1), "", "", calls, built=built)
    names = output_names(model)
    for name, end in zip(names, ends, strict=True):
        if end < 0:
            which = f"output {name!r} of " if len(names) > 1 else ""
            raise ValueError(f"Expected a model with layers between input and output; got {which}{model.name!r} with "
                             "none.")
    needed = set(ends)
    for position in range(len(calls) - 1, -1, -1):  # each call stands behind those that it depends on
        if position in needed:
            needed.update(calls[position].inputs)
    kept = sorted(position for position in needed if position >= 0)
    if not odd and (strange := next((calls[position] for position in kept if calls[position].odd), None)):
        raise ValueError(f"{strange.place}: {strange.odd}.")
    number = {old: new for new, old in enumerate(kept)}
    return [replace(calls[old], inputs=tuple(number.get(source, source) for source in calls[old].inputs),
                    outputs=tuple(name for name, end in zip(names, ends, strict=True) if end == old)) for old in kept]


def _open(model: Any, inputs: Sequence[int], name: str, place: str, calls: list[Call], *, every_step: bool = False,
          built: bool = True) -> list[int]:
    """Appends the calls of a model, and returns the positions of those that give its outputs."""
    where = f"The model at {place}" if place else "The model"
    if not _can_be_followed(model):
        raise TypeError(f"{where} is a {type(model).__name__}; expected a Sequential or functional Keras model, since "
                        "the layers of other models cannot be followed.")
    is_built = model.built and getattr(model, "inputs", None)
    if not is_built and (built or not isinstance(model, keras.Sequential) or not model.layers):
        raise ValueError(f"{where} is not built, so it has no weights yet. Give it an Input layer, or call it once on "
                         "data.")
    index = {id(layer): number for number, layer in enumerate(model.layers)}

    def call(layer: Any, sources: Sequence[int], outputs: int, odd: str = "") -> list[int]:
        position = f"layers[{index[id(layer)]}]" if id(layer) in index else "operations"
        here = f"{place}.{position}" if place else position
        full = f"{name}/{layer.name}" if name else layer.name
        inner = unwrapped(layer)
        if (isinstance(layer, keras.Model) or _can_be_followed(inner)) and not odd:
            return _open(inner, sources, full, here, calls, every_step=every_step or inner is not layer, built=built)
        times = sum(other.layer is layer for other in calls)
        full += f"_call{times + 1}" if times else ""
        calls.append(Call(layer, full, f"{here} ({layer.name!r}, {type(layer).__name__})", tuple(sources),
                          every_step=every_step, odd=odd))
        return [len(calls) - 1] * outputs

    if isinstance(model, keras.Sequential):
        (output,) = inputs
        for layer in model.layers:
            (output,) = call(layer, [output], 1)
        return [output]
    values = {id(tensor): position for tensor, position in zip(model.inputs, inputs, strict=True)}
    for node in _internals.graph_nodes(model):
        positions = call(node.operation, [values[id(tensor)] for tensor in node.inputs], len(node.outputs), _odd(node))
        values.update((id(tensor), position) for tensor, position in zip(node.outputs, positions, strict=True))
    return [values[id(tensor)] for tensor in model.outputs]


def _odd(node: _internals.GraphNode) -> str:
    """What a layer is called with that cannot be followed, or nothing."""
    given = node.args if not node.kwargs.get("training") or _trains_by_itself(node.operation) else (
        *node.args, "training=True")
    if len(keras.tree.flatten(given)) == len(node.inputs):
        return ""
    tensors = {id(tensor) for tensor in node.inputs}
    others = [f"{name}=a tensor" for name, value in node.kwargs.items() if id(value) in tensors]
    others += [str(value) for value in given if not tensors.intersection(map(id, keras.tree.flatten(value)))]
    return f"expected to be called on tensors of the model alone, as its inputs; got {', '.join(others) or given}"


def _trains_by_itself(layer: Any) -> bool:
    """Whether a layer is called in training mode unless told otherwise, as ``evaluate`` and ``predict`` tell it."""
    training = inspect.signature(layer.call).parameters.get("training")
    return training is not None and training.default is True


def _can_be_followed(model: Any) -> bool:
    # A subclass that brings a call of its own may do anything in it.
    caller = next((kind for kind in type(model).__mro__ if "call" in vars(kind)), object)
    return isinstance(model, (keras.Sequential, keras.Function)) and caller.__module__.startswith("keras.")


def unwrapped(layer: Any) -> Any:
    """The layer that ``TimeDistributed`` applies to every step, or the layer itself where nothing wraps it."""
    wrapper = keras.layers.TimeDistributed
    while isinstance(layer, wrapper) and type(layer).call is wrapper.call:
        layer = layer.layer
    return layer


def layers_within(layer: Any) -> Iterator[Any]:
    """Every layer inside a layer or a model, however deep and however it is kept, without itself."""
    for inner in _internals.inner_layers(layer):
        yield inner
        yield from layers_within(inner)
