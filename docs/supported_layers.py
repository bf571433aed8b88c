"""Writes ``docs/supported_layers.md`` from what ``convert`` knows: ``python docs/supported_layers.py``."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import keras

import whetstone_lab as wl
from whetstone_lab.conversion import makers  # noqa: F401 its files register what they make
from whetstone_lab.conversion.makers import registry
from whetstone_lab.conversion.makers.registry import Kind
from whetstone_lab.training import objectives
from whetstone_lab.training.heads import heads_of

PAGE = Path(__file__).with_suffix(".md")

_INTRODUCTION = """\
# What becomes spikes

<!-- Written by `python docs/supported_layers.py` from the registered layers. Edit those, not this page. -->

`whetstone_lab.convert` makes a network of spikes from a Sequential or functional model of the layers below, models
within it included. `whetstone_lab.check(model)` says before training whether it will, with the place of everything that
is in the way, and what to write instead; `whetstone_lab.train` asks it first. [adding.md](adding.md) shows how to make
one more layer known.

## Layers

Subclasses count too where they keep the layer's `call`. A layer may also have a spiking layer as its `activation`.

| layers | become | notes |
| --- | --- | --- |
"""

_NORM = """\
| `BatchNormalization` | Part of the weights beside it, or of the thresholds behind it. | \
after {after}; before {before}; or right before a spiking layer |
"""

_HEADS = """\

## Heads

What an output stands for is told from its last layer and, where that is linear, from the loss. Each of several outputs
is read by itself. The loss and the metric are those that `whetstone_lab.train` takes where none are named; `y` are the
targets.

| last layer | read as | loss of `train` | metric |
| --- | --- | --- | --- |
"""

_REFUSED = """\

## What is refused

Any other layer is refused as not known. Of these more can be said.

| layers | why | instead |
| --- | --- | --- |
"""


def document() -> str:
    """The text of ``docs/supported_layers.md``."""
    kinds = registry.kinds()
    rows = [_row(names, summary(kind), _notes(kind)) for kind, names in kinds.items() if kind.make is not None]
    norm = _NORM.format(after=_list(registry.layers_where(lambda kind: kind.linear)),
                        before=_list(registry.layers_where(lambda kind: kind.linear and kind.linear.takes_before)))
    refused: dict[Any, list[str]] = {}
    for kind, names in kinds.items():
        if kind.refusal is not None:
            refused.setdefault(kind.refusal, []).extend([*names, *_functions(kind)])
    return "".join([_INTRODUCTION, *rows, norm, _HEADS, *_heads(), _REFUSED,
                    *(_row(names, *refusal) for refusal, names in refused.items())])


def summary(kind: Kind) -> str:
    """The first line of what a maker says of itself."""
    return (inspect.getdoc(kind.make) or "").splitlines()[0]


def _notes(kind: Kind) -> str:
    calls = _list(_functions(kind))
    notes = {f"{calls} counts too": calls, "also inside `TimeDistributed`": kind.by_place,
             "whatever its data format": kind.on_images, "any subclass": kind.any_call,
             "only of a ReLU baseline, with `keep_relu=True`": kind.baseline}
    return "; ".join(note for note, holds in notes.items() if holds)


def _functions(kind: Kind) -> list[str]:
    """The functions of ``keras.ops`` that count as a kind, ``"ops.leaky_relu"``."""
    return ["ops." + re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower() for name in registry.operations_of(kind)]


def _heads() -> list[str]:
    """A row for each kind of head, as the code takes it."""
    classes = {"integers": [0, 2, 1], "n-hot rows": [[1, 0, 0], [0, 0, 1], [0, 1, 0]]}
    several = {**classes, "rows of 0 and 1, not one 1 in each": [[1, 1, 0], [0, 0, 0], [0, 1, 0]],
               "fractions": [[0.5, 2.0, 1.0]] * 3}
    one = {"0 and 1": [0, 1, 1], "other numbers": [0.5, 2, 1]}
    layers, key = keras.layers, wl.SoftmaxDecode(wl.make_key(3, 6))
    rows = []
    for last, said, units, targets in (
            (key, "`SoftmaxDecode`", 6, classes), (layers.Softmax(), "softmax", 3, classes),
            (layers.Activation("linear"), "several linear values", 3, several),
            (layers.Activation("sigmoid"), "sigmoid", 1, {"0 and 1": [0, 1, 1]}),
            (layers.Activation("linear"), "one linear value", 1, one),
            (wl.SpikingBReLU(), "a spiking layer", 3, {"spikes": [[1, 0, 1]] * 3, "integers": [0, 2, 1]})):
        model = keras.Sequential([keras.Input((2,)), layers.Dense(units), last])
        for which, y in targets.items():
            loss = objectives.fitting_loss(model, y)
            (metric,) = objectives.fitting_metrics(model, loss)
            kind, = {head.kind for head in heads_of(model, loss)}
            rows.append(f"| {said}, `y` of {which} | {kind} | {_words(loss)} | {_words(metric)} |\n")
    return rows


def _words(thing: Any) -> str:
    """The name of a loss or a metric, in words."""
    name = str(getattr(thing, "name", thing)).replace("_", " ")
    return f"{name}, from logits" if getattr(thing, "from_logits", False) else name


def _row(names: list[str], *cells: str) -> str:
    return f"| {' | '.join([_list(names), *cells])} |\n"


def _list(names: Any) -> str:
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    PAGE.write_text(document(), encoding="utf-8")
