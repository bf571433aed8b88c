"""Running a network: a wave of spikes climbs one layer a time step. Plain NumPy."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from whetstone_lab.records.spikes import SpikeRecord
from whetstone_lab.simulator.faults import Faults
from whetstone_lab.simulator.fused import MIN_WORK, available, fused_plan_of
from whetstone_lab.simulator.inputs import Inputs, by_name, check_inputs
from whetstone_lab.simulator.network import Network
from whetstone_lab.simulator.plan import Watch, plan_of
from whetstone_lab.simulator.readouts import Readout

RECORDS = ("events", "votes")
TIMINGS = ("wave", "instant")
ENGINES = ("numpy", "numba", "sequence")

#: Computes a batch: its outputs in their order. Takes the batch, who watches the layers, and the first sample's number.
Compute = Callable[[Sequence[np.ndarray], Watch | None, int], list[Any]]


def run(network: Network, inputs: Any, *, record: str = "events", membranes: bool | Collection[str] = False,
        labels: Any = None, batch_size: int | None = None, faults: Faults | None = None, timing: str = "wave",
        engine: str | None = None, progress: bool = False) -> SpikeRecord:
    """Shows inputs to a network and records what its neurons do.

    Inputs are currents into the first layer, there at step 0. Each layer of neurons takes one time step: it sums
    what the layers below sent, fires where the sum reaches the threshold, and is reset. Layer k of a chain fires at
    step k; where paths of different length meet, spikes wait for the last.

    **Over time.** With another axis after that of the samples, inputs come step by step: one sample as
    constant input or coded in spikes (see :mod:`whetstone_lab.simulator.encoding`), or another sample at every step.
    The last is pipelining: each layer works on another sample, and what comes in at step t leaves layer k at step
    t + k. Neurons that remember (see ``Neurons``) do so along this axis. Spikes with a delay that arrive after the last
    step are lost.

    **Exactness.** The arithmetic is that of the Keras model at full sharpness, in the same floating point type. Where
    all sums are exact (small integers, multiples of 1/4, and the like), spikes are equal always, also where a sum
    lies right on the threshold. Otherwise two libraries, or one at two batch sizes or spike by spike, may add products
    in another order, and both results lie within ``n u / (1 - n u) * sum |x_i w_i|`` of the true sum of
    n terms (u is 2^-24 for float32; Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.1). So a
    neuron can differ only if its potential is that close to its threshold; and once one does, layers above it see
    other spikes. Batch norm adds roundings of its own, since Keras computes it after the sums and a network has it in
    its weights. ``engine="sequence"`` adds in the order in which TensorFlow's convolutions were found to add up spikes
    (oneDNN, TensorFlow 2.21, x86 with AVX-512: the rows, columns and channels of a window, then the bias): without
    batch norm, their sums agree bit for bit. Dense layers of more than 256 inputs are added in blocks there, and other
    backends and processors may have other orders.

    Args:
        network: The network.
        inputs: Samples, finite numbers, shape ``(samples, *network.input_shape)``, or step by step
            ``(samples, steps, *network.input_shape)``. Of several inputs a list of such arrays in the order of
            ``network.inputs``, or a dict by these names.
        record: ``"events"`` (default) keeps every spike, ``"votes"`` only what was read at the output.
        membranes: Whether to keep membrane potentials before the reset: True for all layers, or the names of some.
            They are in units of the threshold, and 0 at every step but the layer's own ones. Default: False.
        labels: True classes to keep beside the votes, integers of shape ``(samples,)``, or ``(samples, ...)`` where
            every place of the output has a class of its own; or the true values, where the output stands for values.
            Of several outputs a list of such arrays in the order of ``network.heads``, or a dict by these names, in
            which some may be missing. Default: unknown.
        batch_size: Samples computed at once, which bounds the memory. Default: by the widest layer, some 16 MB.
        faults: What is wrong with the hardware. Default: nothing.
        timing: ``"wave"`` (default): a step a layer. ``"instant"``: all layers in the step of their input, as
            simulators have it that care for no wires; the spikes are the same.
        engine: What computes. ``"numpy"``: the operations, as they stand in
            :mod:`~whetstone_lab.simulator.operations`. ``"numba"``: compiled loops over spikes as bits
            (:mod:`whetstone_lab.simulator.fused`), several times as fast on large layers. They need the extra
            ``fast``; what they do not know (grouped convolutions, float64, membrane potentials, neurons that remember,
            faults that come anew each time) is left to NumPy. ``"sequence"``: the same, but each neuron's terms are
            added one after the other, row by row of its window, column by column, channel by channel, and then the
            bias; it takes some five times as long as ``"numba"`` where many neurons fire. Default: Numba where it is
            installed and there is enough to do.
        progress: Whether a bar on stderr, or in Jupyter below the cell, shows how far it is. Default: False.

    Returns:
        The record. Its votes are the scores of the key (integers), the analog output before any softmax, a vote for no
        and for yes of a logit, or have no columns where output spikes stand for no classes; those of several steps are
        added up. ``meta["readout"]`` says which, and where a key reads a layer of neurons, ``meta["keys"]`` names those
        of each class, by the name of the layer. Its classes are what
        :class:`~whetstone_lab.simulator.readouts.Readout` decides. With several inputs or outputs, these are dicts by
        name.

    Raises:
        ValueError: The inputs have the wrong shape or are not finite; an option is not one.

    Example:
        >>> from whetstone_lab.simulator import operations
        >>> network = Network((2,), [operations.Neurons(0.5)], key=[[1, 0], [0, 1]])
        >>> record = run(network, [[0.7, 0.1], [0.2, 0.9]])
        >>> record
        SpikeRecord(2 samples, 1 steps, 1 layers, 2 spikes)
        >>> record.classes.tolist()
        [0, 1]
    """
    shown = check_inputs(network, inputs)
    if record not in RECORDS:
        raise ValueError(f"Expected record to be one of {RECORDS}; got {record!r}.")
    if timing not in TIMINGS:
        raise ValueError(f"Expected timing to be one of {TIMINGS}; got {timing!r}.")
    network = faults.damage(network) if faults else network
    plan, heads, samples, steps = plan_of(network), network.heads, shown.samples, shown.steps
    compute = _computing(network, shown, engine, faults, bool(membranes))
    known = _by_output(network, labels)
    checked = {name: head.check_labels(known.get(name), samples) for name, head in heads.items()}
    votes = {name: head.empty(samples) for name, head in heads.items()}
    wave = timing == "wave"
    offsets = plan.steps if wave else [0] * len(plan.steps)
    ends = (plan.last if wave else 0) + steps
    potentials = {layer: np.zeros((samples, ends, plan.sizes[layer]), network.dtype)
                  for layer in _watched(network, membranes)}
    events = []
    for start, batch in _batches(network, shown, batch_size, progress):
        rows = len(batch[0])
        here = slice(start, start + rows // steps)
        if record == "votes" and not potentials:
            outputs = compute(batch, None, start)
        else:
            fired = np.empty((rows, sum(plan.sizes)), bool)

            def watch(layer: int, potential: Any, spikes: np.ndarray, here: slice = here,
                      fired: np.ndarray = fired) -> None:
                fired[:, plan.columns[layer]] = spikes.reshape(len(spikes), -1)
                if layer in potentials:
                    potentials[layer][here, offsets[layer] : offsets[layer] + steps] = potential.reshape(
                        -1, steps, plan.sizes[layer])

            outputs = compute(batch, watch, start)
            if record == "events":
                events.append(plan.events(fired, start) if steps == 1 and wave else
                              plan.events_over_time(fired, start, steps, offsets))
        for (name, head), output in zip(heads.items(), outputs, strict=True):
            if head.columns:
                votes[name][here] = head.score(output, steps)
    sample, step, layer, neuron = np.concatenate(events, axis=1) if events else [np.zeros(0, np.int32)] * 4
    one = len(shown.arrays) == 1
    readouts: dict[str, Any] = {name: head.kind for name, head in heads.items()}
    classes = {name: head.decide(votes[name]) for name, head in heads.items()}
    return SpikeRecord(plan.layers, plan.shapes, ends, sample, step, layer, neuron,
                       shown.arrays[0] if one else dict(zip(network.inputs, shown.arrays, strict=True)),
                       _plain(votes), _plain(checked), potentials,
                       {"readout": _plain(readouts), "record": record, **_keys(network)}, _plain(classes))


def _keys(network: Network) -> dict[str, Any]:
    """``keys``: of each layer of neurons that a key reads, the neurons of each class; nothing where none is read so."""
    layers = set(network.layers)
    keys = {network.read[name]: [np.flatnonzero(row).tolist() for row in np.asarray(head.key)]
            for name, head in reversed(network.heads.items()) if head.key is not None and network.read[name] in layers}
    return {"keys": keys} if keys else {}


def predict(network: Network, inputs: Any, *, batch_size: int | None = None, faults: Faults | None = None,
            engine: str | None = None, progress: bool = False) -> np.ndarray:
    """The class of each sample: the best-matched key, the largest analog output, or the yes or no of a logit.

    On a tie the lowest class wins. Inputs are taken batch by batch, so that an array on disk (``numpy.memmap``) of any
    length takes no more memory than one batch.

    Args:
        network: A network whose output stands for classes; of several outputs, one at least.
        inputs: Samples, shape ``(samples, *network.input_shape)``, or step by step
            ``(samples, steps, *network.input_shape)``: the votes of the steps are added up. Of several inputs a list,
            or a dict by name.
        batch_size: Samples computed at once. Default: as in :func:`run`.
        faults: What is wrong with the hardware. Default: nothing.
        engine: What computes, ``"numpy"``, ``"numba"`` or ``"sequence"``, as in :func:`run`. Default: Numba where it is
            installed and there is enough to do.
        progress: Whether a bar shows how far it is, as in :func:`run`. Default: False.

    Returns:
        Integers, shape ``(samples,)``, or ``(samples, ...)`` where every place of the output has a class of its own.
        Of several outputs a dict by name, of those that stand for classes.

    Raises:
        ValueError: The output stands for no classes; or as in :func:`run`.

    Example:
        >>> from whetstone_lab.simulator import operations
        >>> network = Network((2,), [operations.Dense([[1, 0], [0, 2]])], readout="softmax")
        >>> predict(network, [[0.7, 0.1], [0.2, 0.9]]).tolist()
        [0, 1]
    """
    heads = network.heads
    if not any(head.decides for head in heads.values()):
        kinds = {head.kind for head in heads.values()}
        what = "output spikes" if kinds == {"spikes"} else "output values"
        raise ValueError(f"Expected a network with a class key or an analog output; the {what} of this one stand for "
                         "no classes. What comes out is in the votes that run gives, and evaluate scores it.")
    classes = _scored(network, inputs, batch_size, faults, engine, progress, Readout.decide)
    return _plain({name: classes[name] for name, head in heads.items() if head.decides}, len(heads) > 1)


def evaluate(network: Network, inputs: Any, labels: Any, *, batch_size: int | None = None,
             faults: Faults | None = None, engine: str | None = None, progress: bool = False) -> dict[str, Any]:
    """How good a network is on samples, by the figures that suit its output.

    Args:
        network: The network.
        inputs: As for :func:`predict`.
        labels: The true classes, or the true values where the output stands for values: an array, and of several
            outputs a list of arrays in the order of ``network.heads``, or a dict by these names, in which some may be
            missing.
        batch_size: Samples computed at once. Default: as in :func:`run`.
        faults: What is wrong with the hardware. Default: nothing.
        engine: What computes, ``"numpy"``, ``"numba"`` or ``"sequence"``, as in :func:`run`. Default: Numba where it is
            installed and there is enough to do.
        progress: Whether a bar shows how far it is, as in :func:`run`. Default: False.

    Returns:
        Name of each figure -> its value, as :meth:`~whetstone_lab.simulator.readouts.Readout.measure` gives them:
        ``"accuracy"``, or ``"mean_absolute_error"`` and ``"mean_squared_error"``. Of several outputs a dict of such
        dicts by name, of those whose labels are known.

    Raises:
        ValueError: The labels do not suit the outputs; or as in :func:`run`.

    Example:
        >>> from whetstone_lab.simulator import operations
        >>> network = Network((2,), [operations.Dense([[1], [-1]])], readout="logit")
        >>> evaluate(network, [[0.7, 0.1], [0.2, 0.9]], [1, 0])
        {'accuracy': 1.0}
    """
    known = _by_output(network, labels)
    votes = _scored(network, inputs, batch_size, faults, engine, progress, lambda head, votes: votes)
    return _plain({name: head.measure(votes[name], known[name]) for name, head in network.heads.items()
                   if known.get(name) is not None}, len(network.heads) > 1)


def _scored(network: Network, inputs: Any, batch_size: int | None, faults: Faults | None, engine: str | None,
            progress: bool, then: Callable[[Readout, np.ndarray], np.ndarray]) -> dict[str, np.ndarray]:
    """What is made of the votes of every output, by its name: batch by batch, so that no more need be kept."""
    network = faults.damage(network) if faults else network
    shown, heads = check_inputs(network, inputs), network.heads
    compute = _computing(network, shown, engine, faults)
    parts = [[then(head, head.score(output, shown.steps)) for head, output in zip(
        heads.values(), compute(batch, None, start), strict=True)]
             for start, batch in _batches(network, shown, batch_size, progress)]
    parts = parts or [[then(head, head.empty(0)) for head in heads.values()]]
    return {name: np.concatenate(found) if len(parts) > 1 else found[0]
            for name, found in zip(heads, zip(*parts, strict=True), strict=True)}


def _computing(network: Network, shown: Inputs, engine: str | None, faults: Faults | None,
               membranes: bool = False) -> Compute:
    """What computes a network's batches, by the engine that was asked for."""
    plan = plan_of(network)
    if engine is not None and engine not in ENGINES:
        raise ValueError(f"Expected engine to be one of {ENGINES} or None; got {engine!r}.")
    if engine in ("numba", "sequence") and not available():
        raise ImportError(f"Expected Numba for engine={engine!r}; it is not installed. Install the extra: "
                          "pip install 'whetstone-lab[fast]'.")
    wanted = engine in ("numba", "sequence") or (
        engine is None and plan.synapses * shown.samples * shown.steps >= MIN_WORK and available())
    if wanted and plan.forgets and not membranes and not (faults and faults.fleeting):
        fused = fused_plan_of(network)
        return lambda batch, watch, start: fused.compute(batch, watch, engine == "sequence")
    return lambda batch, watch, start: plan.compute(batch, shown.steps, watch, faults, start)


def _batches(network: Network, shown: Inputs, size: int | None,
             progress: bool) -> Iterator[tuple[int, list[np.ndarray]]]:
    """The inputs in batches, and a bar that tells how many samples are done if one is wanted."""
    batches = plan_of(network).batches(shown, size)
    if not progress:
        yield from batches
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("Simulating"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=shown.samples)
        for start, batch in batches:
            yield start, batch
            bar.update(task, completed=start + len(batch[0]) // shown.steps)


def _by_output(network: Network, labels: Any) -> Mapping[str, Any]:
    """Labels by the name of the output; some or all may be missing."""
    names = list(network.heads)
    if labels is None:
        return {}
    if isinstance(labels, Mapping):
        if unknown := [name for name in labels if name not in names]:
            raise ValueError(f"Expected labels of the outputs {names}; got some of {unknown}.")
        return labels
    return by_name(labels, names, "labels for each of the outputs")


def _plain(values: dict[str, Any], several: bool | None = None) -> Any:
    """The value of the only output, or those of several by their names."""
    return values if (len(values) > 1 if several is None else several) else next(iter(values.values()))


def _watched(network: Network, membranes: bool | Collection[str]) -> Sequence[int]:
    """Numbers of the layers whose membrane potentials are asked for."""
    if membranes is False:
        return ()
    layers = network.layers
    if membranes is True:
        return range(len(layers))
    names = (membranes,) if isinstance(membranes, str) else tuple(membranes)
    unknown = [name for name in names if name not in layers]
    if unknown:
        raise ValueError(f"Expected membranes of layers among {list(layers)}; got {unknown}.")
    return [layers.index(name) for name in names]
