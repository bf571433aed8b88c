"""What Python and the browser must both give: curves, judging, what-if replays, votes, waves, faults, random numbers,
grades of answers, rows of a raster.

Python writes the fixtures: ``python tests/parity/make_fixtures.py``. ``test_parity.py`` checks that they are what
Python gives today, and ``tests/js/parity.test.mjs`` that JavaScript gives the same. What JSON cannot hold is a string
there: ``"NaN"``, ``"Infinity"``, ``"-Infinity"``.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import networks
import numpy as np

from whetstone_lab.course.questions import Mistake, Number, Option, Question, as_number, grade
from whetstone_lab.method import class_keys, curves, judging, policies
from whetstone_lab.records.spikes import SpikeRecord
from whetstone_lab.records.trace import Trace
from whetstone_lab.view import scenes

HERE = Path(__file__).parent
Case = dict[str, Any]


def curve_cases() -> Iterator[Case]:
    """Both curves over their ramp and beyond, with the thresholds and their neighbours among floats, and the ramp."""
    for curve, sharpness in itertools.product(curves.CURVES, (0.0, 0.25, 0.5, 0.875, 0.99, 0.999999, 1.0)):
        threshold = curves.CURVES[curve].threshold
        x = np.array([-1e6, -3.0, -0.75, -0.125, 0.0, 0.125, 0.4995, 0.4999, 0.5, 0.5001, 0.625, 1.0, 1.75, 3.0, 1e6,
                      np.nextafter(threshold, -9), threshold, np.nextafter(threshold, 9)])
        yield {"curve": curve, "threshold": threshold, "sharpness": sharpness, "x": x,
               "y": curves.CURVES[curve].value(x, sharpness), "ramp": scenes.ramp(curve, sharpness)}


def judging_cases() -> Iterator[Case]:
    """One epoch judged: every state, losses on and beside the lines, and references of either sign, of 0 and of none.

    The shares are powers of two, so that a loss that is meant to lie on a line does. What should rise is judged alike,
    the other way round.
    """
    rules: dict[str, Any] = {"up": 0.25, "down": 0.125, "patience": 1}
    shares = (-1, -0.126, -0.125, -0.124, 0, 0.249, 0.25, 0.251, 1)
    for mode, reference in itertools.product(("min", "max"), (None, 1.0, 0.0, -4.0)):
        size = (abs(reference or 0.0) or 1.0) * (-1 if mode == "max" else 1)
        losses = [(reference or 0.0) + size * share for share in shares]
        rules["mode"] = mode
        for loss, sharpening, waiting in itertools.product([*losses, math.nan, math.inf], (False, True), (0, 1)):
            yield _judged(reference, waiting, sharpening, loss, **rules)
        for sharpening in (False, True):
            yield _judged(reference, 2, sharpening, losses[4], **rules, early=True)
            yield _judged(reference, 2, sharpening, losses[4], **rules, sharp=True)
            yield _judged(reference, 0, sharpening, losses[4], **{**rules, "patience": 0})


def _judged(reference: float | None, waiting: int, sharpening: bool, loss: float, *, up: float, down: float,
            patience: int, mode: str, early: bool = False, sharp: bool = False) -> Case:
    policy = policies.AdaptivePolicy(min_init_epochs=10, sig_increase=up, sig_decrease=down, patience=patience)
    state = policies.AdaptiveState((1.0 if sharp else 0.5,), 3 if early else 20, 4, 4, reference=reference,
                                   waiting=waiting, sharpening=sharpening)
    after, decisions = policy.about(judging.Quantity("loss", mode)).end_epoch(state, loss)
    (kind,) = [decision.kind for decision in decisions] or ["none"]
    levels = _levels(reference, up, down, mode)
    return {"state": {"reference": math.nan if reference is None else reference, "waiting": waiting,
                      "sharpening": sharpening},
            "loss": loss, "rules": {"up": up, "down": down, "patience": patience, "early": early, "sharp": sharp,
                                    "mode": mode},
            "change": judging.change(reference, loss, mode) if math.isfinite(loss) else math.nan, "kind": kind,
            "after": {"reference": math.nan if after.reference is None else after.reference, "waiting": after.waiting,
                      "sharpening": after.sharpening},
            "levels": levels}


def _levels(reference: float | None, up: float, down: float, mode: str) -> dict[str, float]:
    """The two lines, as a trace shows them whose second epoch was judged by this reference."""
    trace = Trace(["a"], policy={"name": "adaptive", "sig_increase": up, "sig_decrease": down, "patience": 1},
                  meta={"mode": mode})
    for epoch in range(2):
        trace.append_batch(epoch, 1.0, [0.0])
        trace.append_epoch({"loss": 1.0}, {"reference": reference})
    table = scenes.epoch_table(trace)
    return {"stop": float(table["stop"][1]), "improve": float(table["improve"][1])}


#: Losses of the epochs of runs, and the parameters of the policy by which they were sharpened.
RUNS: dict[str, tuple[list[float], dict[str, Any]]] = {
    "settles, rises and stops": ([2.0, 1.0, 1.0, 1.0, 1.0, 1.2, 1.25, 1.2, 1.2, 1.5, 1.4, 1.4, 1.0, 1.0], {}),
    "sharp before its end": ([2.0, 1.0, 1.0, 1.0, 1.05, 1.1, 1.1, 1.1, 1.0, 3.0, 0.1, 0.1], {"rate": 1.0}),
    "early epochs judge nothing": ([2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.5, 2.0], {"min_init_epochs": 4}),
    "epochs without a number": ([2.0, 1.0, math.nan, 1.0, 1.0, math.inf, 1.1, 1.5, 1.2, 1.2], {}),
    "a negative loss": ([-1.0, -2.0, -2.0, -2.0, -1.875, -1.25, -1.2, -1.25, -2.0], {}),
    "through zero": ([1.0, 0.5, 0.0, 0.0, 0.0, 0.5, 0.5, -0.5, -0.5, -0.5], {}),
    "steered by hand": ([2.0, 1.0, 1.0, 1.0, 1.2, 1.2, 1.2, 1.2, 1.6, 1.6, 1.6],
                        {"steered": (4, {"sig_increase": 0.25})}),
    "an accuracy, which should rise": ([0.25, 0.5, 0.5, 0.5, 0.5, 0.4, 0.375, 0.4, 0.4, 0.3, 0.3, 0.5, 0.9],
                                       {"mode": "max"}),
}
CHANGES: list[dict[str, float]] = [
    {}, {"sig_increase": 0.05}, {"sig_increase": 0.21}, {"sig_increase": 0.5}, {"sig_decrease": 0.01},
    {"sig_decrease": 0.9}, {"patience": 0}, {"patience": 3}, {"sig_increase": 0.3, "sig_decrease": 0.2, "patience": 2}]
BATCHES = 4


def what_if_cases() -> Iterator[Case]:
    """Recorded runs, and the first decision that would have been another with some parameters changed.

    The real policy makes the runs; changed, it goes along their losses until it decides otherwise. Up to there
    sharpness is the same, since none of what is changed says how fast to sharpen.
    """
    for name, (losses, options) in RUNS.items():
        options = {"min_init_epochs": 2, "rate": 0.5, "cz_rate": 0.5, **options}
        steered, mode = options.pop("steered", (len(losses), {})), options.pop("mode", "min")
        first_policy = policies.AdaptivePolicy(**options).about(judging.Quantity("loss", mode))
        trace, states = Trace(["low", "high"], policy=first_policy.config(), meta={"mode": mode}), []
        state = first_policy.start([0.0, 0.0], BATCHES)
        in_force = _in_force(first_policy, len(losses), *steered)
        for epoch, (loss, policy) in enumerate(zip(losses, in_force, strict=True)):
            if epoch == steered[0]:
                for parameter, value in steered[1].items():
                    trace.append_event("threshold", "Changed by hand.", epoch=epoch, name=parameter,
                                       old=getattr(first_policy, parameter), new=value, by="hand")
            for _ in range(BATCHES):
                state, _ = policy.end_batch(state, loss)
                trace.append_batch(epoch, loss, state.sharpness)
            state, _ = policy.end_epoch(state, loss)
            states.append(state)
            trace.append_epoch({"loss": loss}, state.asdict())
        replays = []
        for changes in CHANGES:
            changed = [policy.steered(**changes) for policy in in_force]
            replays.append({"changes": changes, **_replay(losses, states, changed)})
        yield {"run": name, "early": options["min_init_epochs"] - 1, "mode": mode, "rows": _rows(trace),
               "replays": replays}


def _in_force(policy: policies.Policy, epochs: int, at: int, steered: dict[str, Any]) -> list[policies.Policy]:
    """The policy of each epoch, which somebody steers before epoch ``at``."""
    return [policy if epoch < at else policy.steered(**steered) for epoch in range(epochs)]


def _replay(losses: list[float], states: list[Any], changed: list[Any]) -> Case:
    """Goes along a run's losses until a decision differs from that in the run's states, one after each epoch."""
    state, lines = changed[0].start([0.0, 0.0], BATCHES), []
    for epoch, (loss, policy) in enumerate(zip(losses, changed, strict=True)):
        lines.append({"reference": math.nan if state.reference is None else state.reference,
                      "up": policy.sig_increase, "down": policy.sig_decrease})
        for _ in range(BATCHES):
            state, _ = policy.end_batch(state, loss)
        before = state
        state, _ = policy.end_epoch(state, loss)
        if epoch + 1 == len(losses) or states[epoch].sharp:
            break  # the last decision cannot be seen, and once all is sharp nothing is left to decide
        if state.sharpening != states[epoch].sharpening:
            kind = {(True, True): "goes on", (False, True): "starts", (True, False): "stops",
                    (False, False): "waits"}[before.sharpening, state.sharpening]
            change = judging.change(before.reference, loss, policy.quantity.mode)
            return {"lines": lines, "first": {"epoch": epoch + 1, "kind": kind, "change": change}}
    return {"lines": lines, "first": None}


def _rows(trace: Trace) -> list[dict[str, float]]:
    """The epochs of a run as the page gets them."""
    table = scenes.epoch_table(trace)
    names = {"loss": "loss", "reference": "reference", "up": "sig_increase", "down": "sig_decrease",
             "patience": "patience", "sharpening": "sharpening", "sharp": "sharp"}
    return [{"end": epoch + 1, **{name: float(table[column][epoch]) for name, column in names.items()}}
            for epoch in range(trace.epochs)]


def vote_cases() -> Iterator[Case]:
    """Spikes read by keys, without overlap and with it; where classes have equal votes, the lowest wins."""
    rng = np.random.default_rng(0)
    for name, key in {"apart": class_keys.make_key(4, 10, seed=1),
                      "overlapping": class_keys.make_key(5, 8, hot=3, overlap=True),
                      "two": np.array([[0, 1], [1, 0]])}.items():
        width = key.shape[1]
        spikes = np.concatenate([key, 1 - key, np.zeros((1, width), int), np.ones((1, width), int),
                                 rng.integers(0, 2, (12, width))])
        votes = class_keys.votes(spikes, key)
        yield {"key_name": name, "key": key, "spikes": spikes, "votes": votes,
               "classes": class_keys.decode(spikes, key),
               "ties": int((np.sort(votes, axis=1)[:, -1] == np.sort(votes, axis=1)[:, -2]).sum())}


def grading_cases() -> Iterator[Case]:
    """Answers to questions, with numbers as students type them and as they should not."""
    gate = Question("gate", "?", "choice", (Option("0", "It is flat.", True), Option("1", "That is a `ReLU`.")))
    yield {"question": asdict(gate), "answers": [_graded(gate, option.text) for option in gate.options]}
    texts = ["0.5", ".5", "0,5", "50 %", " 50%\t", "5e-1", "+0.5", "-.5", "0.", "3", "1.0", "1.1", "0.9", "2.", "2.05",
             "1,10000000000000009", "1.1000000001", "1.1000000012", "1e2", "100%", "", " ", "half", "1 2", "1.2.3",
             "nan", "infinity", "1e999", "-1e999", "0x10", "1_000", "%", "5 %%", "\u0663", "\u00a05", "5\n%",
             "5\u2009%", "e5", "\u22123e8", "\u2212.5", "\u2212", "1\u22122"]
    for number in (Number(1.0, 0.1, "Yes.", "No.", (Mistake(2.0, "Doubled."), Mistake(2.1, "Never reached."))),
                   Number(0.5, 0.0, "Yes.", "No."), Number(-3e8, 1e8, "Yes.", "No.", (Mistake(0.0, "Nothing."),))):
        question = Question("number", "?", "number", number=number, unit="spikes")
        yield {"question": asdict(question), "answers": [_graded(question, text) for text in texts]}


def row_cases() -> Iterator[Case]:
    """The rows in which the neurons of a raster stand: some never fire, some as often, some vote for no class."""
    rng, shapes = np.random.default_rng(7), ((6,), (2, 2, 3), (5,))
    size = [6, 12, 5]
    layer = np.sort(rng.integers(0, 3, 60))
    neuron = np.array([rng.integers(0, size[one]) for one in layer])
    sample, step = np.zeros(60, int), rng.integers(0, 4, 60)
    record = SpikeRecord(("a", "b", "c"), shapes, 4, sample, step, layer, neuron, np.zeros((1, 5)), np.zeros((1, 0)),
                         meta={"keys": {"b": [[2], [0, 1], [1]], "c": [[0, 4], [2]]}})
    keyed = {str(one): classes for one, classes in scenes.keyed(record).items()}
    for order in scenes.orders(record):
        yield {"order": order, "sizes": list(record.sizes), "layer": layer, "neuron": neuron, "keyed": keyed,
               "rows": scenes.rows(record, order)}


def _graded(question: Question, answer: str) -> Case:
    verdict = grade(question, answer)
    return {"answer": answer, "number": as_number(answer), "right": verdict.right, "says": verdict.says}


FIXTURES: dict[str, Callable[[], Iterator[Case]]] = {
    "curves": curve_cases, "judging": judging_cases, "what_if": what_if_cases, "votes": vote_cases,
    "wave": networks.wave_cases, "faults": networks.fault_cases, "random": networks.random_cases,
    "grading": grading_cases, "rows": row_cases}


def plain(value: Any) -> Any:
    """A value as JSON holds it."""
    if isinstance(value, (np.ndarray, np.generic)):
        return plain(value.tolist())
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def main() -> None:
    """Writes all fixtures, a case to a line."""
    for name, cases in FIXTURES.items():
        lines = [json.dumps(plain(case), allow_nan=False) for case in cases()]
        (HERE / f"{name}.json").write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
