"""``Head``: what an output of a Keras model stands for, told from its last layer and from the loss that trains it.

The last layer tells most heads: a ``SoftmaxDecode`` is a class key, a softmax gives classes, a sigmoid answers yes or
no. A linear layer tells nothing. Its values may be scores of which the largest wins, logits, or the numbers of a
regression; there the loss tells.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from whetstone_lab.training import _internals
from whetstone_lab.training.decode import SoftmaxDecode
from whetstone_lab.training.layers import SpikingLayer

#: Losses of which the values of a sample compete: the largest wins.
CATEGORICAL = frozenset({
    "categorical_crossentropy", "sparse_categorical_crossentropy", "categorical_focal_crossentropy",
    "categorical_hinge", "categorical_generalized_cross_entropy",
})

#: Losses of which each value answers yes or no by itself.
BINARY = frozenset({"binary_crossentropy", "binary_focal_crossentropy", "hinge", "squared_hinge"})

#: Losses of numbers, as in a regression.
NUMERIC = frozenset({
    "mean_squared_error", "mean_absolute_error", "mean_absolute_percentage_error", "mean_squared_logarithmic_error",
    "huber", "log_cosh", "poisson", "cosine_similarity",
})

#: Layers that change no value but in training, and may stand behind the layer that tells a head.
IDLE: tuple[type, ...] = (keras.layers.ActivityRegularization, keras.layers.Dropout, keras.layers.Identity)

#: Those, and layers that change only the places of values.
PASSING: tuple[type, ...] = (*IDLE, keras.layers.Flatten, keras.layers.Permute, keras.layers.Reshape)


@dataclass(frozen=True)
class Head:
    """What one output of a model stands for.

    Attributes:
        name: The name of the output, by which Keras takes targets, losses and metrics in a dict.
        kind: How it is read, one of ``whetstone_lab.simulator.readouts.READOUTS``: ``"key"``, ``"softmax"`` or
            ``"linear"`` (one class of several: the best key, or the largest value), ``"sigmoid"`` or ``"logit"`` (each
            value answers yes or no), ``"values"`` (numbers) or ``"spikes"``.
        shape: Shape of the output of one sample.
        layer: The layer that tells the kind: the last one, but for layers that change no value.
        key: The class key of a ``"key"``, shape ``(classes, outputs)``, else None.
        threshold: The value beyond which a ``"sigmoid"`` or ``"logit"`` is a yes; that of a sigmoid is of the value
            before it, 0. It is 0.5 only for linear values that a loss takes for probabilities.
        assumed: Where neither the layer nor the loss tells the kind: a sentence with what was assumed and what else it
            may be. Else None.
    """

    name: str
    kind: str
    shape: tuple[int | None, ...]
    layer: Any
    key: np.ndarray | None = None
    threshold: float = 0.0
    assumed: str | None = None

    @property
    def classes(self) -> int | None:
        """How many classes each decision chooses from; None where the output stands for no classes."""
        if self.kind in ("values", "spikes"):
            return None
        if self.kind in ("logit", "sigmoid"):
            return 2
        return self.shape[-1] if self.key is None else len(self.key)


def heads_of(model: keras.Model, loss: Any = None) -> list[Head]:
    """What each output of a model stands for.

    Args:
        model: A built functional model, with any number of outputs, or a Sequential model. Of one that is not built
            the shape is known only where its last layer has ``units``; else it is ``()``.
        loss: As for ``model.compile``: one for all outputs, or a list or a dict of them. Default: that of ``compile``,
            if the model is compiled.

    Returns:
        A head for each output, in the order in which Keras gives them.

    Raises:
        TypeError: It is neither a Sequential nor a functional model, so that its layers cannot be followed.
        ValueError: It is not built, and not Sequential.

    Example:
        >>> model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1, name="score")])
        >>> head = heads_of(model, "mean_squared_error")[0]
        >>> head.name, head.kind
        ('score', 'values')
        >>> heads_of(model, keras.losses.BinaryCrossentropy(from_logits=True))[0].kind
        'logit'
    """
    if not isinstance(model, (keras.Sequential, keras.Function)):
        raise TypeError(f"Expected a Sequential or functional model; got a {type(model).__name__}, whose layers cannot "
                        "be followed.")
    built = model.built and getattr(model, "inputs", None)
    if not built and not (isinstance(model, keras.Sequential) and model.layers):
        raise ValueError("The model is not built. Give it an Input layer, or call it once on data.")
    loss = _internals.compile_arguments(model).get("loss") if loss is None else loss
    names = output_names(model)
    if not built:
        last = _last_layer(model, 0)
        units = getattr(last, "units", None)
        return [_head(names[0], last, () if units is None else (units,), _entry(loss, names, 0))]
    return [_head(name, _last_layer(model, place), tuple(model.outputs[place].shape[1:]), _entry(loss, names, place))
            for place, name in enumerate(names)]


def input_names(model: keras.Model) -> list[str]:
    """The names by which a model takes its inputs in a dict, in the order in which it takes them in a list."""
    return [tensor.name for tensor in model.inputs]


def output_names(model: keras.Model) -> list[str]:
    """The names of a model's outputs, in their order: the keys where it gives a dict, else the last layers' names."""
    if isinstance(model, keras.Sequential):
        return [model.layers[-1].name]
    struct: Any = model.output
    names = sorted(struct) if isinstance(struct, dict) else list(model.output_names)
    # One layer may give several outputs; from its second on they are numbered.
    return [name if names.index(name) == place else f"{name}_{names[:place].count(name) + 1}"
            for place, name in enumerate(names)]


def loss_name(loss: Any) -> str | None:
    """What a loss is called in ``keras.losses``, such as ``"mean_squared_error"`` for ``"mse"``.

    Args:
        loss: A name, a function, or a loss object, perhaps of a subclass.

    Returns:
        The name, or None for one that is not Keras's.
    """
    if isinstance(loss, str):
        try:
            loss = keras.losses.get(loss)
        except ValueError:
            return None
    known = CATEGORICAL | BINARY | NUMERIC
    names = [getattr(loss, "__name__", "")]
    if isinstance(loss, keras.losses.Loss):
        names = [re.sub(r"(?<!^)(?=[A-Z])", "_", ancestor.__name__).lower() for ancestor in type(loss).__mro__]
    return next((name for name in names if name in known), None)


def ending(layer: Any) -> str | None:
    """What a layer at the end of a model tells by itself: ``"key"``, ``"softmax"`` or ``"sigmoid"``; else None.

    Args:
        layer: A layer, or an operation such as that of ``keras.ops.sigmoid``.
    """
    if isinstance(layer, SoftmaxDecode):
        return "key"
    activation, operation = getattr(layer, "activation", None), _internals.operation_name(layer)
    if isinstance(layer, keras.layers.Softmax) or activation is keras.activations.softmax or operation == "Softmax":
        return "softmax"
    return "sigmoid" if activation is keras.activations.sigmoid or operation == "Sigmoid" else None


def _head(name: str, layer: Any, shape: tuple[int | None, ...], loss: Any) -> Head:
    called, end = loss_name(loss), ending(layer)
    if end == "key":
        return Head(name, "key", shape, layer, layer.key)
    if isinstance(layer, SpikingLayer) or isinstance(getattr(layer, "activation", None), SpikingLayer):
        return Head(name, "spikes", shape, layer)
    if end == "softmax":
        return Head(name, "softmax", shape, layer)
    single = not shape or shape[-1] == 1
    if called in CATEGORICAL and not single:
        return Head(name, "linear", shape, layer)
    if end == "sigmoid":
        return Head(name, "sigmoid", shape, layer)
    if called in BINARY:
        # Without from_logits a cross-entropy takes the values for probabilities, and so does Keras's binary accuracy.
        logits = "hinge" in called or getattr(loss, "from_logits", False)
        return Head(name, "logit", shape, layer, threshold=0.0 if logits else 0.5)
    if called in NUMERIC:
        return Head(name, "values", shape, layer)
    why = "its last layer is linear, and no loss says more" if loss is None else (
        f"its last layer is linear, and the loss {getattr(loss, 'name', None) or loss!r} does not say more")
    if single:
        return Head(name, "values", shape, layer, assumed=f"Output {name!r} is read as a plain value: {why}. If it is "
                    "a logit, which decides between two classes by its sign, say readout=\"logit\".")
    return Head(name, "linear", shape, layer, assumed=f"Output {name!r} is read as one class of {shape[-1]}, that of "
                f"the largest value: {why}. If it stands for numbers, say readout=\"values\"; for yes or no each, "
                "readout=\"logit\".")


def _last_layer(model: Any, place: int) -> Any:
    """The layer that gives an output of a model, within nested models, behind layers that change no value."""
    if isinstance(model, keras.Sequential):
        for layer in reversed(model.layers):
            if not isinstance(layer, PASSING):
                return _within(layer, 0)
        return model.layers[-1]
    source = {id(tensor): (node, index) for node in _internals.graph_nodes(model)
              for index, tensor in enumerate(node.outputs)}
    tensor = model.outputs[place]
    layer = None
    while id(tensor) in source:
        node, index = source[id(tensor)]
        layer = _within(node.operation, index)
        if not isinstance(layer, PASSING):
            break
        tensor = node.inputs[0]
    return layer


def _within(layer: Any, place: int) -> Any:
    """The last layer of a nested model, or the one that ``TimeDistributed`` applies, or the layer itself."""
    while isinstance(layer, keras.layers.TimeDistributed):
        layer = layer.layer
    if isinstance(layer, keras.Model) and isinstance(layer, (keras.Sequential, keras.Function)):
        return _last_layer(layer, place)
    return layer


def _entry(spec: Any, names: Sequence[str], place: int) -> Any:
    """What a list or a dict of losses has for an output; one alone holds for all."""
    if isinstance(spec, Mapping):
        return spec.get(names[place])
    if isinstance(spec, (list, tuple)):
        return spec[place] if len(spec) == len(names) else None
    return spec
