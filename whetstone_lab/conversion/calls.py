"""A Keras model as a list of layer calls, bottom first, with nested models opened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from whetstone_lab.training import _internals


@dataclass(frozen=True)
class Call:
    """One call of one layer.

    Attributes:
        layer: The layer that is called.
        name: The layer's name after those of the models around it, ``"block/dense"``; numbered from the second call.
        place: Where it stands, for people: ``"layers[2].layers[0] ('dense', Dense)"``.
        inputs: What it is called on: positions of earlier calls in the list, or -1 for the model's input.
    """

    layer: Any
    name: str
    place: str
    inputs: tuple[int, ...]


def layer_calls(model: keras.Model) -> list[Call]:
    """Lists the layer calls of a model, with nested models opened; the output of the last call is the model's.

    Args:
        model: A built Sequential or functional model with one input and one output.

    Returns:
        The calls, each after those it depends on, without input layers and without calls that the output does not
        depend on.

    Raises:
        TypeError: It is no Sequential or functional model, nor are those within it.
        ValueError: It is not built, or has several inputs or outputs, or an input that is no tensor of the model.
    """
    calls: list[Call] = []
    output = _open(model, [-1], "", "", calls)
    if output < 0:
        raise ValueError(f"Expected a model with layers between input and output; got {model.name!r} with none.")
    needed = {output}
    for position in range(output, -1, -1):
        if position in needed:
            needed.update(calls[position].inputs)
    number = {old: new for new, old in enumerate(sorted(needed - {-1}))} | {-1: -1}
    # Calls come in order of their depth, so nothing that the output needs stands behind it.
    return [Call(call.layer, call.name, call.place, tuple(number[i] for i in call.inputs))
            for position, call in enumerate(calls) if position in needed]


def _open(model: Any, inputs: Sequence[int], name: str, place: str, calls: list[Call]) -> int:
    where = f"The model at {place}" if place else "The model"
    # A subclass that brings a call of its own may do anything in it.
    caller = next((kind for kind in type(model).__mro__ if "call" in vars(kind)), object)
    if not isinstance(model, (keras.Sequential, keras.Function)) or not caller.__module__.startswith("keras."):
        raise TypeError(f"{where} is a {type(model).__name__}; expected a Sequential or functional Keras model, since "
                        "the layers of other models cannot be followed.")
    if not model.built or not getattr(model, "inputs", None):
        raise ValueError(f"{where} is not built, so it has no weights yet. Give it an Input layer, or call it once on "
                         "data.")
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ValueError(f"{where} has {len(model.inputs)} inputs and {len(model.outputs)} outputs; expected one of "
                         "each.")
    index = {id(layer): number for number, layer in enumerate(model.layers)}

    def call(layer: Any, sources: Sequence[int]) -> int:
        position = f"layers[{index[id(layer)]}]" if id(layer) in index else "operations"
        here = f"{place}.{position}" if place else position
        full = f"{name}/{layer.name}" if name else layer.name
        if isinstance(layer, keras.Model):
            return _open(layer, sources, full, here, calls)
        times = sum(other.layer is layer for other in calls)
        full += f"_call{times + 1}" if times else ""
        calls.append(Call(layer, full, f"{here} ({layer.name!r}, {type(layer).__name__})", tuple(sources)))
        return len(calls) - 1

    if isinstance(model, keras.Sequential):
        output = inputs[0]
        for layer in model.layers:
            output = call(layer, [output])
        return output
    values = {id(model.inputs[0]): inputs[0]}
    for node in _internals.graph_nodes(model):
        if len(keras.tree.flatten(node.args)) != len(node.inputs) or node.kwargs.get("training"):
            raise ValueError(f"{where} calls {node.operation.name!r} with something other than tensors of the "
                             f"model, or in training mode: {node.args}, {node.kwargs}.")
        position = call(node.operation, [values[id(tensor)] for tensor in node.inputs])
        values.update((id(tensor), position) for tensor in node.outputs)
    return values[id(model.outputs[0])]


def layers_within(layer: Any) -> Iterator[Any]:
    """Every layer inside a layer or a model, however deep and however it is kept, without itself."""
    for inner in _internals.inner_layers(layer):
        yield inner
        yield from layers_within(inner)
