"""The order of layer calls: neurons stand before the max-pools that only they read, and each call stands once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace

from whetstone_lab.conversion.calls import Call, unwrapped
from whetstone_lab.conversion.makers.registry import kind_of


def neurons_before_pools(calls: Sequence[Call], stay: Collection[int] = ()) -> list[Call]:
    """The calls with each spiking layer, and each ReLU, before the max-pools that only it reads.

    The largest value reaches a threshold if any does, so the order changes no spike.

    Args:
        calls: Layer calls, each after those it depends on.
        stay: The ``id`` of each layer that must stay behind its pool. Default: none.
    """
    moved = list(calls)
    readers = Counter(source for call in calls for source in call.inputs)
    for position, call in enumerate(calls):
        while kind_of(unwrapped(call.layer)).monotone and id(call.layer) not in stay:
            source = call.inputs[0]
            if (source < 0 or readers[source] > 1 or moved[source].outputs
                    or not kind_of(moved[source].layer).largest):
                break
            moved[position] = replace(moved[source], inputs=(source,), outputs=call.outputs)
            moved[source] = call = replace(call, inputs=moved[source].inputs, outputs=())
            position = source
    return moved


def once_each(calls: Sequence[Call]) -> list[Call]:
    """The calls without those that repeat one before them: the same layer on the same input gives the same again.

    Such are the neurons of which one reader takes the spikes, and another the largest of a window of potentials, once
    :func:`neurons_before_pools` has changed the order. Of the names of those that are alike it keeps the shortest,
    which has no number: which of them the model calls first depends on what else it calls.

    Args:
        calls: Layer calls, each after those it depends on.
    """
    kept: list[Call] = []
    number: dict[int, int] = {}
    seen: dict[tuple[int, tuple[int, ...], bool], int] = {}
    for position, call in enumerate(calls):
        inputs = tuple(number.get(source, source) for source in call.inputs)
        made = seen.setdefault((id(call.layer), inputs, call.every_step), len(kept))
        number[position] = made
        if made < len(kept):
            kept[made] = replace(kept[made], outputs=kept[made].outputs + call.outputs,
                                 name=min(kept[made].name, call.name, key=len))
        else:
            kept.append(replace(call, inputs=inputs))
    return kept


def without(calls: Sequence[Call], gone: Collection[int]) -> list[Call]:
    """The calls without those of some layers, whose readers read what the layers read.

    Args:
        calls: Layer calls, each after those it depends on.
        gone: The ``id`` of each layer to leave out; each has one input.
    """
    kept: list[Call] = []
    number: dict[int, int] = {}
    for position, call in enumerate(calls):
        inputs = tuple(number.get(source, source) for source in call.inputs)
        if id(call.layer) in gone:
            number[position] = source = inputs[0]
            if call.outputs:
                kept[source] = replace(kept[source], outputs=kept[source].outputs + call.outputs)
        else:
            number[position] = len(kept)
            kept.append(replace(call, inputs=inputs))
    return kept
