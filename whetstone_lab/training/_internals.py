"""Every name of Keras, TensorFlow and JAX that is not documented and that this package leans on, each with its reason.

Each function says why there is no public way, and since when the name has stood. ``tests/contracts`` calls each one on
the real thing; a failure there says what has changed and what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import keras

#: Keras's thread-local state that a training thread takes over; scopes, such as those of names, it must not share.
CARRIED = ("global_random_seed", "global_seed_generator", "dtype_policy", "distribution", "custom_objects_scope_dict",
           "torch_device", "flash_attention", "traceback_filtering")


def inner_layers(layer: Any) -> list[Any]:
    """The layers right inside a layer or model, in the order in which they were made.

    ``Layer._flatten_layers`` (Keras 3.0). ``Model.layers`` is public, but other layers that hold layers, such as
    ``Bidirectional`` and layers of a user's own, have no public list of them.
    """
    return list(layer._flatten_layers(include_self=False, recursive=False))


def sync_weights(model: Any) -> None:
    """Brings a model's weights up to date in the midst of ``fit``, where JAX's trainer works on a copy of its own.

    What is then assigned to a weight reaches the trainer's next step. ``jax_state_sync`` of the JAX trainer (Keras
    3.0); Keras does the same when a callback reads ``self.model``, but by then nobody has read it.
    """
    if hasattr(model, "jax_state_sync"):
        model.jax_state_sync()


def remember_state(model: Any) -> None:
    """Between two batches: has JAX's trainer put back the values that the variables have now if it is broken off.

    It takes the values out of the variables, and keeps those after the last batch alone, in ``_jax_state`` (Keras 3.0).
    An interrupt while it compiles its first step would lose them all. ``_jax_state_synced`` says whether the variables
    have their values. A model that was never compiled, whose loop calls the hooks alone, has no trainer to speak of.
    """
    if getattr(model, "_jax_state_synced", False) and getattr(model, "optimizer", None) is not None:
        model._jax_state = {name: [variable.value for variable in variables] for name, variables in (
            ("trainable_variables", model.trainable_variables),
            ("non_trainable_variables", model.non_trainable_variables),
            ("optimizer_variables", model.optimizer.variables), ("metrics_variables", model.metrics_variables))}


def nodes_by_depth(model: Any) -> dict[int, list[Any]]:
    """The calls that make up a functional model, by their distance from the output.

    ``Function._nodes_by_depth`` (Keras 3.0). Publicly a model tells its layers, not what each is called on.
    """
    return model._nodes_by_depth


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
    """The calls of a functional model, each after those that it depends on, without those of its inputs.

    ``Node`` of ``keras/src/ops/node.py`` (Keras 3.0), by way of :func:`nodes_by_depth`. ``model.operations`` is public
    and says neither how often each is called nor on what.
    """
    depths = nodes_by_depth(model)
    for depth in sorted(depths, reverse=True):
        for node in depths[depth]:
            if not node.is_input:
                yield GraphNode(node.operation, node.arguments.args, node.arguments.kwargs, node.input_tensors,
                                node.outputs)


def operation_name(operation: Any) -> str | None:
    """The name of an operation that is no layer, such as ``"Add"`` for ``x + y``; None for a layer.

    Names of classes in ``keras/src/ops/numpy.py`` (Keras 3.0), which are not exported, so that ``isinstance`` cannot
    ask for them.
    """
    return None if isinstance(operation, keras.layers.Layer) else type(operation).__name__


def compile_arguments(model: Any) -> Mapping[str, Any]:
    """The arguments that ``compile`` was given, as the objects themselves; empty for a model that is not compiled.

    ``Trainer._compile_config`` (Keras 3.0). The public ``get_compile_config`` gives them serialised; a user's own loss
    or metric that is not registered does not come back from that.
    """
    return model._compile_config.config if model.compiled and hasattr(model, "_compile_config") else {}


def scalar_setter(variable: Any) -> Callable[[float], None]:
    """What sets a scalar float32 variable: ``variable.assign``, or where that takes three times as long, a quicker way.

    Sharpness is set in every batch, where it shows. ``tf.__internal__.EagerTensor`` (TensorFlow 2.5) makes a tensor
    without copying it to a device once more. Variables of other backends, and those of TensorFlow that are mirrored,
    are assigned to as Keras does it.
    """
    value = variable.value
    if type(value).__name__ != "ResourceVariable":
        return variable.assign
    import tensorflow as tf

    handle, make, assign = value.handle, tf.__internal__.EagerTensor, tf.raw_ops.AssignVariableOp
    float32 = tf.float32.as_datatype_enum

    def set_scalar(number: float) -> None:
        assign(resource=handle, value=make(number, "", float32))  # no device by name: None crashes TensorFlow 2.19

    return set_scalar


def thread_state(carry: dict[str, Any] | None = None) -> dict[str, Any]:
    """Keras's thread-local state (seed, dtype policy, distribution): reads it, or takes over that of another thread.

    ``keras.src.backend.common.global_state`` (Keras 3.0). Without it a seed set in a notebook would not reach a thread
    that trains; publicly only a few of these values can be read and set.
    """
    from keras.src.backend.common import global_state

    here: dict[str, Any] = global_state.GLOBAL_STATE_TRACKER.__dict__
    if carry is not None:
        here.update(carry)
    return {name: here[name] for name in CARRIED if name in here}


@contextmanager
def without_remat(layers: Iterable[Any]) -> Iterator[None]:
    """Calls layers that were made under a ``keras.RematScope`` like all others within this context.

    ``Operation._remat_mode`` (Keras 3.9). On JAX a layer that is rematerialised is traced even where it is called
    eagerly, and a trace holds no values; publicly the scope counts only while a layer is made.
    """
    modes = [(layer, layer._remat_mode) for layer in layers if getattr(layer, "_remat_mode", None) is not None]
    try:
        for layer, _ in modes:
            layer._remat_mode = None
        yield
    finally:
        for layer, mode in modes:
            layer._remat_mode = mode


def raw_iterations(optimizer: Any) -> Any:
    """The variable that counts the steps of an optimizer, those that only accumulate gradients among them.

    ``Optimizer._iterations`` (Keras 3.0). The public ``iterations`` counts updates, several steps for one where
    gradients are accumulated.
    """
    return optimizer._iterations


def layout_of(variable: Any) -> Any:
    """How a variable is laid out over devices, or None; a variable that goes beside it must be laid out alike.

    ``Variable._layout`` (Keras 3.4), set where a ``keras.distribution`` is in force. Publicly only
    ``Optimizer.add_variable_from_reference`` takes it over, which does not say how replicas are brought together.
    """
    return getattr(variable, "_layout", None)


def trained_variables(optimizer: Any) -> list[Any]:
    """The variables that a built optimizer trains, in its order.

    ``Optimizer._trainable_variables`` (Keras 3.0). An optimizer that keeps a list of its own would have them tracked
    and saved as if they were its moments.
    """
    return optimizer._trainable_variables


def metric_direction(model: Any, name: str) -> str | None:
    """How a metric that a model is compiled with gets better: ``"max"``, ``"min"``, or None where it does not say.

    ``Metric._direction`` (Keras 3.6), by which Keras's own callbacks rule where their ``mode`` is ``"auto"``. Keras has
    a metric until its first batch in a list of those to be made.
    """
    metrics = [inner for metric in getattr(model, "metrics", ()) for inner in getattr(metric, "metrics", [metric])]
    directions = {str(getattr(metric, "_direction", "")) for metric in metrics if metric.name == name}
    return {"up": "max", "down": "min"}.get(directions.pop()) if len(directions) == 1 else None


def say_when_absent(variables: Iterable[Any], words: Callable[[], None]) -> Callable[[], None]:
    """Has something said where the value of a variable is read while JAX's trainer has it; returns what ends it.

    ``Variable._initializer`` (Keras 3.0) is what a variable without a value is asked for. JAX's trainer takes the
    values of all variables from one batch to the next, and whoever reads one meanwhile is told that None cannot be
    called.

    Args:
        variables: The variables. Those that have no value yet are left alone.
        words: Raises an error.
    """
    def absent(*args: Any, **kwargs: Any) -> None:
        words()
        raise TypeError("The value of the variable is with the trainer.")

    marked = [variable for variable in variables if getattr(variable, "_initializer", absent) is None]
    for variable in marked:
        variable._initializer = absent

    def end() -> None:
        for variable in marked:
            if variable._initializer is absent:
                variable._initializer = None

    return end
