"""The layer calls of a Keras model into the nodes of a network, or everything that keeps them from becoming some."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras

from whetstone_lab.conversion import makers  # noqa: F401 its files register what they make
from whetstone_lab.conversion.calls import Call, layers_within, unwrapped
from whetstone_lab.conversion.folding import Folding, plan_folding
from whetstone_lab.conversion.makers.activations import activations_of, after
from whetstone_lab.conversion.makers.images import around_image
from whetstone_lab.conversion.makers.readout import output_of
from whetstone_lab.conversion.makers.refused import NEVER_SHARPENS
from whetstone_lab.conversion.makers.registry import Site, kind_of, layers_where
from whetstone_lab.conversion.order import neurons_before_pools, once_each, without
from whetstone_lab.conversion.refusals import Finding, RefusedError
from whetstone_lab.simulator import Network, Node
from whetstone_lab.simulator.network import INPUT
from whetstone_lab.simulator.operations import Operation, Shape
from whetstone_lab.training.heads import IDLE, PASSING, ending, heads_of, input_names
from whetstone_lab.training.layers import SpikingLayer


def lower(model: Any, calls: Sequence[Call], keep_relu: bool = False,
          readouts: Mapping[str, str] | None = None) -> tuple[Network | None, list[Finding]]:
    """Makes a network of the layer calls of a model, or finds everything in them that keeps it from becoming one.

    Args:
        model: The model. Where shapes are unknown, as in one that is not built yet, only the layers themselves are
            looked at, and there is no network.
        calls: Its layer calls.
        keep_relu: Whether ReLU activations are kept. Default: False.
        readouts: How outputs are asked to be read, by their names. Default: as the heads say.

    Returns:
        The network, or None; and what is in its way, bottom first.

    Raises:
        ValueError: An output cannot be read as it is asked to.
    """
    findings: list[Finding] = []

    def refuse(call: Call, error: ValueError) -> None:
        findings.append(Finding.of(call.name, call.place, error))

    inputs = _inputs(model, findings)
    folding = Folding()
    if getattr(model, "inputs", None):
        calls, folding = _folded(calls, refuse)
    nodes: list[Node] = []
    names = {-1 - place: name for place, name in enumerate(inputs)}
    shapes = dict(inputs)
    for position, call in enumerate(calls):
        sources = tuple(names[source] for source in call.inputs)
        if _is_norm(call):  # one that is refused already, or of a model that is not built
            names[position] = sources[0]
            continue
        made, known = None, [shapes[name] for name in sources]
        at_end = is_read(calls, position)
        try:
            check_call(call, keep_relu, at_end)
            if None not in known:
                made = _operations(call, [shape for shape in known if shape is not None], folding, keep_relu, at_end)
        except ValueError as error:
            refuse(call, error)
        if made is None:
            names[position] = _free(call.name, shapes)
            shapes[names[position]] = None if call.every_step else _shape_in_keras(call.layer, known)
            continue
        for name, operation, shape in made:
            nodes.append(Node(_free(name, shapes), operation, sources))
            sources = (nodes[-1].name,)
            shapes[sources[0]] = shape
        names[position] = sources[0]
    fixed = {name: shape for name, shape in inputs.items() if shape is not None}
    if findings or len(fixed) < len(inputs):
        return None, findings
    ends = {name: (call, names[position]) for position, call in enumerate(calls) for name in call.outputs}
    return _network(model, fixed, nodes, ends, readouts or {}, refuse), findings


def _network(model: Any, inputs: Mapping[str, Shape], nodes: Sequence[Node], ends: Mapping[str, tuple[Call, str]],
             readouts: Mapping[str, str], refuse: Callable[[Call, ValueError], None]) -> Network | None:
    """The network of some nodes; ``ends`` has the call that gives each output, and the node that it became."""
    try:
        bare = Network(inputs, nodes)
    except ValueError as error:
        refuse(next(iter(ends.values()))[0], error)
        return None
    outputs = {}
    for head in heads_of(model):
        call, node = ends[head.name]
        if head.kind == "key" and not bare.spiking[node]:
            refuse(call, RefusedError(f"expected a class key to read spikes; the output, node {node!r}, is analog",
                                      "Put whetstone_lab.SpikingBReLU() right before the SoftmaxDecode."))
        else:
            outputs[head.name] = output_of(head, node, bare.spiking[node], readouts.get(head.name))
    if len(outputs) < len(ends):
        return None
    if len(outputs) > 1:
        return Network(inputs, nodes, outputs=outputs, meta={"name": model.name})
    (only,) = outputs.values()
    return Network(inputs, nodes, key=only.key, readout=only.readout, threshold=only.threshold,
                   meta={"name": model.name})


def _inputs(model: Any, findings: list[Finding]) -> dict[str, Shape | None]:
    """Name of each input in the network -> its shape, or None where it is unknown or not fixed, which is a finding."""
    tensors = getattr(model, "inputs", None)
    if not tensors:
        return {INPUT: None}
    names = input_names(model) if len(tensors) > 1 else [INPUT]
    shapes: dict[str, Shape | None] = {}
    for name, tensor in zip(names, tensors, strict=True):
        shape = tuple(tensor.shape[1:])
        shapes[name] = shape if None not in shape else None
        if None in shape:
            which = f"input {name!r}" if len(names) > 1 else "input"
            findings.append(Finding(model.name, "The model", f"expected an {which} of a fixed shape; got {shape}",
                                    "Give its Input layer the shape of one sample."))
    return shapes


def check_call(call: Call, keep_relu: bool, at_end: bool) -> None:
    """Refuses a layer that cannot become spikes, whatever stands before it.

    Args:
        call: The call of the layer.
        keep_relu: Whether ReLU activations are kept.
        at_end: Whether it tells what outputs of the model stand for, and nothing else reads it.

    Raises:
        RefusedError: It cannot become spikes.
    """
    layer = unwrapped(call.layer)
    kind = kind_of(layer)
    end = ending(layer)
    if end is not None and not at_end and (end != "sigmoid" or not isinstance(layer, keras.layers.Layer)):
        raise RefusedError(f"expected a {'sigmoid' if end == 'sigmoid' else 'softmax'} at the end of the model only; "
                           "more layers follow it",
                           "Leave it to the last layer, and put whetstone_lab.SpikingBReLU() here.")
    if call.odd and (kind.refusal is None or not isinstance(layer, keras.layers.Layer)):
        raise RefusedError(call.odd, "Use keras.layers.Rescaling for a factor or an offset, give tensors without a "
                           "name, and leave out the rest.")
    if kind.make is None:
        problem = f"convert does not know layers of type {type(layer).__name__}"
        if kind.refusal is not None:
            raise RefusedError(f"{problem}: {kind.refusal.reason}", kind.refusal.remedy, _sharpens(layer))
        known = ", ".join(layers_where(lambda kind: kind.make and not (kind.baseline or kind.any_call or kind.idle)))
        raise RefusedError(problem, f"It knows spiking layers, {known}, BatchNormalization, those that act in training "
                           "only, such as Dropout, and models of these.",
                           _sharpens(layer))
    if (call.every_step or layer is not call.layer) and not kind.by_place:
        known = ", ".join(layers_where(lambda kind: kind.by_place and kind.make and not kind.idle))
        raise RefusedError(f"expected TimeDistributed around a layer that treats each place by itself, one of {known}; "
                           f"got a {type(layer).__name__}",
                           "Apply the layer to all steps at once, with the steps among the rows or the channels.")
    if kind.baseline and not keep_relu:
        raise RefusedError(f"expected a spiking layer such as SpikingBReLU; got a {type(layer).__name__}, which no "
                           "spiking neuron computes", "Put whetstone_lab.SpikingBReLU() in its place. For the ReLU "
                           "baseline of a spiking network pass keep_relu=True to convert.")
    if getattr(layer, "quantization_mode", None):
        raise RefusedError("expected floating point weights; got weights quantised to "
                           f"{layer.quantization_mode}", "Quantise the network's weights after conversion.")
    after(layer, keep_relu, at_end)


def _folded(calls: Sequence[Call], refuse: Callable[[Call, ValueError], None]) -> tuple[list[Call], Folding]:
    """The calls in the order of a network, each once, without batch norm that could be folded, and where that went."""
    calls = neurons_before_pools(calls)
    # Of a layer that holds batch norm and cannot be followed, the layer itself will be refused.
    folding = plan_folding(calls, thresholds=True,
                           refuse=lambda call, error: refuse(call, error) if _is_norm(call) else None)
    # Neurons that took batch norm in may stand right behind a pool now. The largest value is none of the smallest.
    flipped = [layer for layer, norm in folding.thresholds.items() if (norm.scale < 0).any()]
    return once_each(neurons_before_pools(without(calls, folding.gone), stay=flipped)), folding


def is_read(calls: Sequence[Call], position: int) -> bool:
    """Whether what a call gives is read at outputs only, behind nothing but layers that change no value."""
    return _at_end(calls, position, PASSING if ending(unwrapped(calls[position].layer)) == "sigmoid" else IDLE)


def _at_end(calls: Sequence[Call], position: int, passing: tuple[type, ...]) -> bool:
    """Whether what a call gives is read at outputs only, behind nothing but layers of some classes."""
    return all(isinstance(other.layer, passing) and _at_end(calls, place, passing)
               for place, other in enumerate(calls) if position in other.inputs)


def _is_norm(call: Call) -> bool:
    return isinstance(unwrapped(call.layer), keras.layers.BatchNormalization)


def _operations(call: Call, shapes: Sequence[Shape], folding: Folding, keep_relu: bool,
                at_end: bool) -> list[tuple[str, Operation, Shape]]:
    """What a layer becomes: the name of each operation, the operation, and the shape of its output."""
    layer = unwrapped(call.layer)
    kind = kind_of(layer)
    assert kind.make is not None
    site = Site(shapes, folding.weights.get(id(layer)), folding.thresholds.get(id(layer)))
    made = [*kind.make(layer, site)]
    if kind.on_images:
        made = around_image(layer, made, site.shape)
    name = call.name if layer is call.layer else f"{call.name}/{layer.name}"
    # The last bears the layer's name.
    named = [(f"{name}/{number}_{type(operation).__name__.lower()}", operation)
             for number, operation in enumerate(made[:-1])]
    named += [(name, operation) for operation in made[-1:]]
    named += [(name + suffix, operation) for suffix, operation in after(layer, keep_relu, at_end)]
    found = []
    for name, operation in named:
        shapes = [operation.output_shape(*shapes)]
        found.append((name, operation, shapes[0]))
    return found


def _free(name: str, taken: Any) -> str:
    """The name, or the next that is free: ``"input"`` is the network's own."""
    number = 1
    free = name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free


def _shape_in_keras(layer: Any, shapes: Sequence[Shape | None]) -> Shape | None:
    """The shape of a layer's output as Keras works it out, or None where it does not."""
    batches = [(None, *shape) for shape in shapes if shape is not None]
    try:
        found = layer.compute_output_shape(*batches) if len(batches) == len(shapes) == 1 else None
        shape = tuple(found)[1:] if found is not None else None
    except Exception:  # a layer of anyone's; what stands behind it is then looked at without shapes
        return None
    return shape if shape and all(isinstance(length, int) for length in shape) else None


def _sharpens(layer: Any) -> bool:
    """Whether a layer holds spiking layers, and no activations besides."""
    inside = [layer, *layers_within(layer)] if isinstance(layer, keras.layers.Layer) else []
    found = [*inside, *(function for one in inside for function in activations_of(one))]
    return any(isinstance(one, SpikingLayer) for one in found) and not any(map(never_sharpens, inside))


def never_sharpens(layer: Any, read: Sequence[Any] = ()) -> bool:
    """Whether a layer applies an activation that is no spiking layer, but for those that are only read."""
    kind = kind_of(layer)
    return kind.baseline or (kind.refusal is not None and kind.refusal.reason == NEVER_SHARPENS) or not all(
        isinstance(function, SpikingLayer) or function in read for function in activations_of(layer))
