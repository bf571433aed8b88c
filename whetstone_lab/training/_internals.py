"""Every private name of Keras and TensorFlow that the package leans on, each with why and since when.

Each function here has a contract test under ``tests/contracts``, whose failure says what to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import keras


class GraphNode(NamedTuple):
    """One call within a functional model.

    Attributes:
        operation: The layer, or the operation of ``keras.ops``, that is called.
        args: Its positional arguments, with symbolic tensors in them.
        kwargs: Its keyword arguments.
        inputs: The symbolic tensors among the arguments, in their order.
        outputs: The symbolic tensors that it gives.
    """

    operation: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    inputs: list[Any]
    outputs: list[Any]


def graph_nodes(model: Any) -> Iterator[GraphNode]:
    """The calls of a functional model, each after those that it depends on.

    Why: Keras has no public way to ask which tensor a layer was called on. ``model.operations`` is public and names the
    layers, and says neither how often each is called nor on what.
    Since: Keras 3.0, ``keras/src/ops/function.py``, ``Function._nodes_by_depth``; ``keras/src/ops/node.py``, ``Node``.
    """
    for depth in sorted(model._nodes_by_depth, reverse=True):
        for node in model._nodes_by_depth[depth]:
            if not node.is_input:
                yield GraphNode(node.operation, node.arguments.args, node.arguments.kwargs, node.input_tensors,
                                node.outputs)


def operation_name(operation: Any) -> str | None:
    """The name of an operation that is no layer, such as ``"Add"`` for ``x + y``; None for a layer.

    Why: the classes of ``keras.ops`` are not exported, so ``isinstance`` cannot ask for them.
    Since: Keras 3.0, ``keras/src/ops/numpy.py``, ``Add`` and ``Concatenate``.
    """
    return None if isinstance(operation, keras.layers.Layer) else type(operation).__name__


def layers_within(layer: Any) -> list[Any]:
    """Every layer inside a layer or a model, however deep, without itself.

    Why: ``layer.layers`` exists on models only; wrappers and layers of a user's own keep theirs elsewhere.
    Since: Keras 3.0, ``keras/src/layers/layer.py``, ``Layer._flatten_layers``.
    """
    return [*layer._flatten_layers(include_self=False)]


def compile_arguments(model: Any) -> Mapping[str, Any]:
    """The arguments that ``compile`` was given, as the objects themselves; empty for a model that is not compiled.

    Why: ``get_compile_config`` is public and gives them serialised. A user's own loss or metric that is not registered
    does not come back from that.
    Since: Keras 3.0, ``keras/src/trainers/trainer.py``, ``Trainer._compile_config``.
    """
    return model._compile_config.config if model.compiled and hasattr(model, "_compile_config") else {}
