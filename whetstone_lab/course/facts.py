"""Facts of a student's own run, as answers to questions: which layer was sharp first here, how often it stopped.

A fact is a function of a ``Trace``, a ``SpikeRecord`` or a dict of numbers by name. It gives the options of a question,
each with what there is to say about it, or the number that is right. To add one, write the function and put ``@fact``
in front of it; quiz files call it by its name: ``of = "first_sharpened_layer"``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from whetstone_lab.course.questions import Mistake, Number, Option, Question, near
from whetstone_lab.records.spikes import SpikeRecord
from whetstone_lab.records.trace import Trace

#: The options that stand behind the names of the layers.
TOGETHER, NEITHER = "several at the same time", "none so far"


@dataclass(frozen=True)
class Fact:
    """What can be asked of a run.

    Args:
        kind: The kind of question that it answers, ``"choice"`` or ``"number"``.
        of: What it is a fact of: ``Trace``, ``SpikeRecord`` or ``Mapping``.
        find: The function that finds it: options, or a number.
    """

    kind: str
    of: type
    find: Callable[[Any], Any]


#: Every fact, by its name.
FACTS: dict[str, Fact] = {}


def fact(kind: str, of: type) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    """Enters a function among the facts, under its own name."""
    def enter(find: Callable[[Any], Any]) -> Callable[[Any], Any]:
        FACTS[find.__name__] = Fact(kind, of, find)
        return find

    return enter


def settled(question: Question, runs: Mapping[str, Any]) -> Question:
    """A question with the options or the number that a run gives it; without its run, or before its end, it waits.

    Args:
        question: A question. One that is not about a run comes back as it is.
        runs: The runs by name: a ``Trace`` or what has a ``.trace``, a ``SpikeRecord`` or what has a ``.record``, or a
            dict of numbers by name. None stands for a run that is still to come.

    Raises:
        TypeError: The run is of another kind than the fact is about.
    """
    if not question.of:
        return question
    known = FACTS[question.of]
    run = runs.get(question.run)
    if run is None:
        return replace(question, waits="This question is about a run of yours, which is still to come.")
    for name in ("trace", "record"):
        run = getattr(run, name, run)
    if not isinstance(run, known.of):
        raise TypeError(f"The question {question.id!r} asks for {question.of} of a {known.of.__name__}; got a "
                        f"{type(run).__name__} as {question.run!r}.")
    if isinstance(run, Trace) and (run.status in ("ready", "running", "paused") or not run.epochs):
        return replace(question, waits="Your run has not ended yet. Run this cell again when it has.")
    try:
        found = known.find(run)
    except ValueError as reason:
        return replace(question, waits=f"This run does not tell: {reason}")
    if isinstance(found, Number):
        return replace(question, number=replace(
            found, within=max(found.within, question.number.within if question.number else 0.0)))
    return replace(question, options=tuple(found))


# -- of a run ---------------------------------------------------------------------------------------------------------


@fact("choice", Trace)
def first_sharpened_layer(trace: Trace) -> list[Option]:
    """The layer that was fully sharp before all others."""
    sharp = [batch for batch in _sharp_after(trace) if batch is not None]
    return _by_time(trace, min(sharp, default=None), "the first")


@fact("choice", Trace)
def last_sharpened_layer(trace: Trace) -> list[Option]:
    """The layer that was fully sharp after all others; none as long as a layer is not sharp."""
    sharp = _sharp_after(trace)
    whole = [batch for batch in sharp if batch is not None]
    return _by_time(trace, max(whole) if whole and len(whole) == len(sharp) else None, "the last")


@fact("number", Trace)
def sharpening_began(trace: Trace) -> Number:
    """The epoch, counted from 1, in which the sharpness of a layer first rose."""
    moved = np.flatnonzero((np.diff(trace.sharpness, axis=0, prepend=0.0) > 0).any(axis=1))
    if not len(moved):
        raise ValueError("no layer was sharpened in it.")
    epoch = _epoch(trace, int(moved[0]))
    return Number(epoch, says_right=f"Up to epoch {epoch - 1} nothing was sharpened." if epoch > 1 else
                  "It began at once.",
                  says_wrong="Look where the lowest line of sharpness leaves 0. Epochs count from 1.",
                  mistakes=_others(epoch, (epoch - 1, "Nearly: epochs count from 1 here, not from 0.")))


@fact("number", Trace)
def epochs_until_sharp(trace: Trace) -> Number:
    """After how many epochs every layer was sharp."""
    ends = trace.epoch_ends - 1
    whole = np.flatnonzero((trace.sharpness[ends] == 1).all(axis=1))
    if not len(whole) or not trace.layers:
        raise ValueError("not every layer is sharp at its end.")
    epoch = _epoch(trace, int(ends[whole[0]]))
    began = sharpening_began(trace).answer
    return Number(
        epoch, says_right=f"After epoch {epoch} all {len(trace.layers)} layers were sharp.",
        says_wrong="Look for the first epoch after which the sharpness of every layer is 1.",
        mistakes=_others(epoch, (epoch - 1, "Nearly: epochs count from 1 here, not from 0."),
                         (epoch - began, "So long the sharpening took. What is asked counts from the first epoch on."),
                         (trace.epochs, "So long the whole run was. It went on when every layer was sharp.")))


@fact("number", Trace)
def stops(trace: Trace) -> Number:
    """How often the policy stopped sharpening because the loss had risen."""
    count = {kind: sum(event.kind == kind for event in trace.events) for kind in ("start", "stop")}
    return Number(
        count["stop"], says_right=f"It stopped {_times(count['stop'])}.",
        says_wrong="Count the marks that say stop: the loss had crossed the upper line while it sharpened.",
        mistakes=_others(count["stop"], (count["start"], "So often it started. Count the stops.")))


@fact("number", Trace)
def final_accuracy(trace: Trace) -> Number:
    """The accuracy after the last epoch, on the validation data where there are any; half a point off is right."""
    names = sorted((name for name in trace.epoch_logs[-1] if "acc" in name), key=lambda name: name[:4] != "val_")
    if not names:
        raise ValueError("it has no accuracy.")
    name, logs = names[0], trace.epoch_logs[-1]
    values = trace.epoch_metric(name)
    wrong = [(float(np.nanmax(values)), "That was the best epoch, not the last.")]
    if name.startswith("val_") and name[4:] in logs:
        wrong.insert(0, (logs[name[4:]], "That is the accuracy on the training data."))
    return Number(logs[name], 0.005, says_right=f"{logs[name]:.4f} ({name}).",
                  says_wrong=f"Look at {name} after the last epoch.",
                  mistakes=_others(logs[name], *wrong, within=0.005))


# -- of spikes --------------------------------------------------------------------------------------------------------


@fact("choice", SpikeRecord)
def busiest_layer(record: SpikeRecord) -> list[Option]:
    """The layer that fired most spikes, all samples together."""
    return most({name: int(count) for name, count in zip(record.layers, record.counts().sum(0), strict=True)})


@fact("number", SpikeRecord)
def silent_neurons(record: SpikeRecord) -> Number:
    """How many neurons fired for none of the samples."""
    fired = len(np.unique(np.stack([record.layer, record.neuron]), axis=1).T)
    silent = sum(record.sizes) - fired
    return Number(silent, says_right=f"{silent} of {sum(record.sizes)} neurons never fired.",
                  says_wrong="Count the neurons that fire for no sample at all: record.dense(layer).any(axis=(0, 1)).",
                  mistakes=_others(silent, (fired, "So many neurons fired. Count those that never did."),
                                   (sum(record.sizes), "So many neurons there are.")))


@fact("number", SpikeRecord)
def misread(record: SpikeRecord) -> Number:
    """How many samples were read as a wrong class."""
    if record.outputs or np.shape(record.labels) != np.shape(record.classes) or not len(record.labels):
        raise ValueError("the true classes of its samples are not known.")
    wrong = int((record.labels != record.classes).sum())
    return Number(wrong, says_right=f"{wrong} of {record.labels.size} were read wrong.",
                  says_wrong="Compare record.classes with record.labels.",
                  mistakes=_others(wrong, (record.labels.size - wrong, "So many were read right.")))


# -- of numbers by name -----------------------------------------------------------------------------------------------


@fact("choice", Mapping)
def most(values: Mapping[str, float]) -> list[Option]:
    """The name with the largest number."""
    return _ranked(values, max, "the most")


@fact("choice", Mapping)
def least(values: Mapping[str, float]) -> list[Option]:
    """The name with the smallest number."""
    return _ranked(values, min, "the least")


# -- in words ---------------------------------------------------------------------------------------------------------


def _sharp_after(trace: Trace) -> list[int | None]:
    """The batch after which each layer was sharp, from 0; None for one that is not."""
    whole = trace.sharpness >= 1
    return [int(column.argmax()) if column.any() else None for column in whole.T]


def _epoch(trace: Trace, batch: int) -> int:
    """The epoch of a batch, counted from 1 as on the chart."""
    return int(trace.epoch_of_batch[batch]) + 1


def _by_time(trace: Trace, batch: int | None, place: str) -> list[Option]:
    """Every layer as an option; the right one is that which was sharp after this batch."""
    sharp = _sharp_after(trace)
    found = [number for number, mine in enumerate(sharp) if mine is not None and mine == batch]
    who = _listed([trace.layers[number] for number in found])
    epoch = 0 if batch is None else _epoch(trace, batch)
    options = []
    for name, mine in zip(trace.layers, sharp, strict=True):
        if mine is None:
            says = f"{name} is not sharp at the end of this run."
        elif batch is None:
            says = f"{name} is sharp, but not every layer is."
        elif mine == batch and len(found) > 1:
            says = f"{name} was sharp in epoch {epoch}, but not alone: {who} became sharp in the same batch."
        elif mine == batch:
            says = f"{name} was {place} to be sharp, in epoch {epoch}."
        else:
            was = "was" if len(found) == 1 else "were"
            says = f"{name} was sharp in epoch {_epoch(trace, mine)}; {who} {was} {place}, in epoch {epoch}."
            if _epoch(trace, mine) == epoch:
                says = f"{name} was sharp in epoch {epoch}, as {who} {was}; but in that epoch {who} {was} {place}."
        options.append(Option(name, says, found == [trace.layers.index(name)]))
    if len(trace.layers) > 1:
        options.append(Option(TOGETHER, f"{who} became sharp in the same batch." if len(found) > 1 else
                              f"Only {who} was {place}." if found else "Not every layer is sharp.", len(found) > 1))
    none = f"{who} {'was' if len(found) == 1 else 'were'} sharp in epoch {epoch}." if found else "So far there is none."
    return [*options, Option(NEITHER, none, not found)]


def _ranked(values: Mapping[str, float], choose: Callable[..., Any], place: str) -> list[Option]:
    if len(values) < 2:
        raise ValueError(f"it takes two to compare, and there are {len(values)}.")
    best = choose(values.values())
    first = [name for name, value in values.items() if value == best]
    if len(first) > 1:
        raise ValueError(f"{_listed([*map(str, first)])} have the same, {_told(best)}.")
    return [Option(str(name), f"{name} has {place}, {_told(value)}." if name == first[0] else
                   f"{name} has {_told(value)}; {first[0]} has {_told(best)}.", name == first[0])
            for name, value in values.items()]


def _others(answer: float, *known: tuple[float, str], within: float = 0.0) -> tuple[Mistake, ...]:
    """Known mistakes, but for those that happen to be right, and those that another one before them is equal to."""
    kept: list[Mistake] = []
    for value, says in known:
        if not any(near(value, other, within) for other in (answer, *(mistake.value for mistake in kept))):
            kept.append(Mistake(float(value), says))
    return tuple(kept)


def _listed(names: Sequence[str]) -> str:
    """Names in a sentence: ``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def _told(value: float) -> str:
    """A number in a sentence: a whole one with all its digits, any other with four."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.4g}"


def _times(count: int) -> str:
    return ("never", "once", "twice")[count] if count < 3 else f"{count} times"


def named(kind: str) -> Sequence[str]:
    """The names of the facts that answer a kind of question, ``"choice"`` or ``"number"``."""
    return sorted(name for name, known in FACTS.items() if known.kind == kind)
