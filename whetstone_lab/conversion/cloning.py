"""A new Keras model like another, with other layers in place of some, or none, and with other weights in some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from whetstone_lab.conversion.calls import unwrapped
from whetstone_lab.conversion.makers.registry import Weights, kind_of
from whetstone_lab.conversion.makers.weights import to_numpy
from whetstone_lab.training import _internals
from whetstone_lab.training.copying import compile_alike


def followed(layer: Any) -> bool:
    """Whether a layer is a model whose layers can be seen and cloned one by one."""
    return isinstance(layer, keras.Model) and isinstance(layer, (keras.Sequential, keras.Function))


def clone(model: keras.Model, swaps: Mapping[int, Sequence[Any]], weights: Mapping[int, Weights],
          built: dict[int, Any] | None = None, compiled: bool = True) -> keras.Model:
    """Clones a model and leaves the given one as it is.

    Args:
        model: A Sequential or functional model; models within it are cloned alike.
        swaps: New layers in place of others, by their ``id``, each called on what the one before it gives. Their
            weights are left to the caller. A layer that none replaces is left out; it has one input, which takes its
            place.
        weights: Linear layers that get a new kernel and bias, by ``id``.
        built: The clone of each layer so far, by ``id``. Default: none yet.
        compiled: Whether the clone is compiled as the model is. Default: True.

    Returns:
        The clone, compiled alike if the model is.

    Warns:
        UserWarning: The model is compiled with something of which there is no second; the clone is then not compiled.
    """
    clones: dict[int, Any] = {} if built is None else built

    def cloned(layer: Any) -> Any:
        if id(layer) not in clones:
            if followed(layer):
                clones[id(layer)] = clone(layer, swaps, weights, clones, compiled)
            elif unwrapped(layer) is not layer:
                config = {name: value for name, value in layer.get_config().items() if name != "layer"}
                clones[id(layer)] = type(layer)(cloned(layer.layer), **config)
            else:
                config = layer.get_config()
                if id(layer) in weights:
                    # The new kernel has the low-rank update in it.
                    config = {name: value for name, value in config.items() if not name.startswith("lora_")}
                    config["use_bias"] = True
                clones[id(layer)] = type(layer).from_config(config)
        return clones[id(layer)]

    if isinstance(model, keras.Sequential):
        source = model.inputs[0]
        layers = [new for layer in model.layers for new in
                  (swaps[id(layer)] if id(layer) in swaps else [cloned(layer)])]
        result = keras.Sequential([keras.Input(source.shape[1:], dtype=source.dtype), *layers], name=model.name)
    else:
        result = _functional(model, swaps, cloned)
    for layer in model.layers:
        if id(layer) in clones and not followed(layer):
            _set_weights(layer, clones[id(layer)], weights)
    if compiled:
        compile_alike(model, result)
    return result


def _functional(model: Any, swaps: Mapping[int, Sequence[Any]], cloned: Any) -> Any:
    values = {id(source): keras.Input(batch_shape=source.shape, dtype=source.dtype, name=source.name)
              for source in model.inputs}
    for node in _internals.graph_nodes(model):
        new = swaps[id(node.operation)] if id(node.operation) in swaps else [cloned(node.operation)]
        if new:
            args = keras.tree.map_structure(lambda tensor: values[id(tensor)], node.args)
            outputs = new[0](*args, **node.kwargs)
            for layer in new[1:]:
                outputs = layer(outputs)
            outputs = keras.tree.flatten(outputs)
        else:
            outputs = [values[id(node.inputs[0])]]
        values.update((id(old), new) for old, new in zip(node.outputs, outputs, strict=True))
    # Lists and dicts of inputs and outputs stay lists and dicts.
    inputs, outputs = (keras.tree.map_structure(lambda tensor: values[id(tensor)], ends)
                       for ends in (model.input, model.output))
    plain = keras.Model(inputs, outputs, name=model.name)
    # A subclass that is made as functional models are stays what it is, with a train_step of its own perhaps.
    same = type(model) is not type(plain) and type(model).__init__ is type(plain).__init__
    return type(model)(inputs, outputs, name=model.name) if same else plain


def _set_weights(layer: Any, new: Any, weights: Mapping[int, Weights]) -> None:
    layer, new = unwrapped(layer), unwrapped(new)
    if id(layer) not in weights:
        if not followed(layer):  # one that is wrapped has its weights already
            new.set_weights(layer.get_weights())
        return
    if hasattr(layer, "depthwise_kernel"):
        # A copy: on JAX the array itself would be given away by whichever of the two is trained or evaluated first.
        new.depthwise_kernel.assign(to_numpy(layer.depthwise_kernel))
    linear = kind_of(layer).linear
    assert linear is not None
    linear.write(new, weights[id(layer)])
