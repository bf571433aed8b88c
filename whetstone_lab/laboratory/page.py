"""``Laboratory``: an experiment on one page, to set up, run, look at, keep and compare."""

from __future__ import annotations

import os
import weakref
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import traitlets

from whetstone_lab.laboratory import hands, presets
from whetstone_lab.laboratory.bench import Bench
from whetstone_lab.laboratory.compared import Compared
from whetstone_lab.laboratory.experiments import FOLDER, Experiment, Experiments
from whetstone_lab.laboratory.settings import CHOICES, DATA, LIMITS, Settings, at_hand
from whetstone_lab.laboratory.snapshots import Snapshots
from whetstone_lab.laboratory.waves import (
    NETWORKS,
    WaveView,
    given_network,
    parts_of,
    parts_to_be,
    parts_unknown,
    picture_part,
)
from whetstone_lab.records.archive import ArchiveError
from whetstone_lab.simulator import Network
from whetstone_lab.view import scenes
from whetstone_lab.view.widgets._assets import module, style
from whetstone_lab.view.widgets._growing import Accuracies, Decisions, Histograms, Past
from whetstone_lab.view.widgets.sharpener_chart import epochs

if TYPE_CHECKING:
    from whetstone_lab.view.plots import Picture

#: What a setting is called on the page.
_LABELS = {"data": "Pictures", "network": "Network", "optimizer": "Optimizer", "sharpening": "Sharpening",
           "epochs": "Epochs", "batch_size": "Batch size", "seed": "Seed", "baseline": "ReLU too"}

#: Experiments that the page lists at the most.
_LISTED = 50

#: Bytes that a page without a kernel takes along at the most of kept experiments.
_RUNS = 600_000

#: Why there is nothing to see of an experiment but its curves.
_BARE = "The network of this experiment was not kept, or its file is damaged, so its neurons cannot be looked at."
_ALONE = "This run came without its network. Laboratory(run, network=..., x=..., y=...) shows its neurons and spikes."


class Laboratory(WaveView):
    """An experiment on one page: what it is made of, the network, its curves, its loss and thresholds, its spikes.

    All parts go by one cursor: a moment of the run, a layer and a neuron, a picture. A run is kept with its settings
    when it ends, can be compared with another, and is there as a Python script that gives it again. Keras is loaded
    when the first run starts.

    Args:
        source: What to show: a ``Trace``, or something with a ``.trace`` (a live run, a sharpener). Default: a new
            experiment, to be set up on the page.
        preset: The settings as a line, such as ``"wide e40! adaptive-"``; see :mod:`whetstone_lab.laboratory.presets`.
        folder: Where experiments are kept. Default: ``whetstone_runs``, in the working directory.
        network: The spiking network that came of a run which is looked at, as :func:`whetstone_lab.convert` makes it;
            an experiment of the page has its own. Default: none, so that there are neither neurons nor spikes to see.
        x: Samples to show to it, shape ``(samples, *network.input_shape)``, or flat. Default: none.
        y: Their true classes or values. Default: unknown.

    Raises:
        TypeError: The source has no trace.
        ValueError: A word of the preset means nothing, the samples do not suit the network, or there is a network
            without a run.

    Example:
        >>> from whetstone_lab import widgets
        >>> widgets.Laboratory(preset="tiny e5 s7")
        Laboratory(Digits, 8 × 8, 16 neurons, Adam, Adaptive, 5 epochs, seed 7)
    """

    _esm = module("laboratory")
    _css = style("laboratory", "spike_raster", root="wl-lab")
    _GROWS = (Past, Decisions, Histograms, Accuracies)

    #: The settings on the page, what is held fast, and what can be picked.
    setup = traitlets.Dict().tag(sync=True)
    #: The experiments that were kept, the newest first.
    kept = traitlets.List().tag(sync=True)

    #: On a page without a kernel: the experiments that it took along.
    taken = traitlets.Dict().tag(sync=True)

    def __init__(self, source: Any = None, *, preset: str = "", folder: str | os.PathLike[str] = FOLDER,
                 network: Network | None = None, x: Any = None, y: Any = None) -> None:
        #: What the code of the page holds fast, and the same with what a line that was typed on the page adds.
        self._fast = self._preset = presets.read(preset)
        self._given = _given(source, network, x, y)
        self.bench: Bench | None = source if isinstance(source, Bench) else None
        if source is None:
            self.bench = source = Bench(self._preset.settings, Experiments(folder))
        self._compared = Compared()
        self._picked = self.bench.settings if self.bench is not None else self._preset.settings
        super().__init__(source)
        if self.bench is not None:
            weakref.finalize(self, self.bench.subscribe(_weakly(self)))
        self._show_setup()

    @property
    def snapshots(self) -> Snapshots:
        """The network after some epochs of the run, as far as it is known, and the samples that are shown to it."""
        return self._given if self.bench is None else self.bench.snapshots

    def __repr__(self) -> str:
        if self.bench is None:
            return super().__repr__()
        return f"Laboratory({self.bench.settings.words()})"

    def picture(self, epoch: int | None = None, sample: int = 0) -> Picture:
        """The static figure of the experiment, as :func:`whetstone_lab.view.plots.experiment` draws it: the network,
        the curves, the losses and the sharpness, the accuracies, and the spikes of a picture.

        Args:
            epoch: After how many epochs the curves, the network and its spikes are shown. Default: the newest.
            sample: Which of the pictures is shown to the network, from 0. Default: 0.

        Raises:
            ValueError: There is no such epoch or no such picture.
        """
        from whetstone_lab.view import plots

        found = self.snapshots.wave(epoch)
        title = self.bench.settings.words() if self.bench is not None else ""
        return plots.experiment(self._trace, found[1] if found else None, epoch, sample, title)

    def table(self) -> dict[str, Any]:
        """The run epoch by epoch, as :meth:`SharpenerChart.table` has it, and how well the network did after each:
        ``soft``, as it was, ``spiking``, as if all neurons spiked, and ``relu``, with ReLUs in their place; in [0, 1],
        NaN where that is not known.
        """
        return {**epochs(self._trace), **scenes.accuracies(self._trace)}

    def state(self) -> dict[str, Any]:
        """What a page without a kernel needs: the run so far, its networks, and some of the experiments that were kept,
        the newest first, as many as leave the page small.
        """
        state = self._alone(NETWORKS)
        if self.bench is None:
            return state
        runs: dict[str, dict[str, Any]] = {}
        room = _RUNS
        for each in self.kept:
            other = Bench(experiments=self.bench.experiments)
            try:
                other.look(each["number"])
            except (ArchiveError, OSError, KeyError):
                continue  # somebody has written into the folder
            page = Laboratory(other)
            run = {**page._alone(NETWORKS // 8), "script": other.script()}
            page.close()
            weight = _weight({name: value for name, value in run["networks"].items() if name != "samples"}) + _weight(
                {name: value for name, value in run.items() if name != "networks"})
            if weight > room:
                continue
            room -= weight
            runs[str(each["number"])] = run
        # Nothing is trained there.
        kept = [{**each, "goesOn": 0} for each in self.kept if str(each["number"]) in runs]
        return {**state, "kept": kept, "taken": {"runs": runs, "script": self.bench.script()}}

    def _alone(self, most: int) -> dict[str, Any]:
        """The state for a page without a kernel, with no other experiment; its networks take so many bytes at most."""
        found = self.snapshots.at()
        why = self.setup["hands"] or (hands.why_not_in_a_file(found[1]) if found else "")
        setup = {**self.setup, "fields": [], "settings": {}, "away": True, "hands": why}
        return {**super()._alone(most), "setup": setup}

    # -- what the page shows besides the run --------------------------------------------------------------------------

    def _show_setup(self) -> None:
        """Says what can be set, what is set, and which experiments were kept."""
        if self.bench is None:
            self.setup = {"fields": [], "settings": {}, "goal": 0, **_known(self._given)}
            return
        bench, preset, picked = self.bench, self._preset, self._picked
        self.setup = {
            "fields": _fields(picked), "settings": picked.asdict(), "locked": sorted(preset.fast),
            "hidden": sorted(preset.hidden), "pending": picked != bench.settings and bool(bench.trace.layers),
            "preset": str(replace(preset, settings=picked)), "given": bool(self._fast.fast),
            "folder": str(bench.experiments.folder), "unkept": bench.unkept or bench.remark, "number": bench.number,
            "resumable": bench.resumable, "goal": bench.settings.epochs, "spikes": not bench.bare,
            "hands": _BARE if bench.bare else "", **parts_to_be(bench.settings)}
        self.kept = [_listed(each, bench) for each in bench.experiments.all(_LISTED)]

    # -- what the page asks -------------------------------------------------------------------------------------------

    def _receive(self, content: Mapping[str, Any]) -> None:
        kind = content.get("kind")
        asked = getattr(self, f"_asked_{kind}", None) if kind in _ASKED else None
        if kind == "wave" and self.bench is not None and content.get("number") is not None:
            self._tell_wave(self._beside(self.bench, int(content["number"])), content)
        elif kind == "network":
            self._tell_network(content)
        elif asked is None:
            super()._receive(content)
        elif self.bench is None:
            raise RuntimeError("This page shows one run; Laboratory() without a source has experiments.")
        else:
            asked(self.bench, content)

    def _asked_settings(self, bench: Bench, content: Mapping[str, Any]) -> None:
        self._pick(bench, Settings.of(content["settings"]))

    def _asked_preset(self, bench: Bench, content: Mapping[str, Any]) -> None:
        try:
            self._preset = self._fast.with_typed(presets.read(content["line"]))
            self._pick(bench, self._preset.settings)
        finally:
            self._show_setup()  # a line that means nothing gives way to the one before

    def _asked_reset(self, bench: Bench, content: Mapping[str, Any]) -> None:
        if content["fresh"]:
            seed = (self._picked.seed + 1) % (LIMITS["seed"][1] + 1)
            self._picked = self._held(replace(self._picked, seed=seed))
        bench.reset(self._picked)

    def _asked_again(self, bench: Bench, content: Mapping[str, Any]) -> None:
        changed = {name: value for name, value in content["thresholds"].items()
                   if name in ("sig_increase", "sig_decrease", "patience")}
        epoch, before = content.get("epoch"), bench.number
        bench.again(None if epoch is None else int(epoch), **changed)
        if before is not None:
            self._asked_compare(bench, {**content, "number": before})  # other pages go on with what they compare

    def _tell_network(self, content: Mapping[str, Any]) -> None:
        found = self.snapshots.at(float(content["epoch"]))
        if found is None:
            self._answer(content, "network")
            return
        epoch, network = found
        besides = hands.surroundings(self.snapshots, network) if content.get("first") else {}
        self._answer(content, "network", epoch=epoch, network=scenes.page_network(network), **besides)

    def _asked_compare(self, bench: Bench, content: Mapping[str, Any]) -> None:
        number = content["number"]
        if number is None:
            self._answer(content, "compared")
            return
        number = int(number)
        trace, shape = bench.experiments.trace(number), DATA[bench.experiments[number].settings.data].spec.image_shape
        self._answer({**content, "number": number}, "compared", layers=len(trace.layers), **Past().whole(trace),
                     **Accuracies().whole(trace), picture=picture_part(shape),
                     pictures=hands.pictures(self._beside(bench, number, fresh=True)))

    def _beside(self, bench: Bench, number: int, fresh: bool = False) -> Snapshots:
        """The networks of an experiment that a page compares, and its pictures."""
        return bench.snapshots if number == bench.number else self._compared(bench.experiments, number, fresh)

    def _asked_open(self, bench: Bench, content: Mapping[str, Any]) -> None:
        number = int(content["number"])
        picked, self._picked = self._picked, self._held(bench.experiments[number].settings)
        try:
            bench.look(number)
        except Exception:
            self._picked = picked
            raise

    def _asked_go_on(self, bench: Bench, content: Mapping[str, Any]) -> None:
        self._asked_open(bench, content)
        bench.go_on()
        self._asked_compare(bench, content)

    def _asked_code(self, bench: Bench, content: Mapping[str, Any]) -> None:
        number = content.get("number")
        of = bench if number is None else bench.experiments[int(number)]
        self._answer(content, "code", text=of.script())

    def _pick(self, bench: Bench, settings: Settings) -> None:
        self._picked = self._held(settings)
        if bench.trace.layers or bench.trace.status == "running":
            self._show_setup()  # the run at hand goes on as it is
        else:
            bench.reset(self._picked)

    def _held(self, settings: Settings) -> Settings:
        """The settings, with what the preset holds fast as it has it."""
        return self._preset.hold(settings)


#: What the page may ask besides what every view of a run may be asked.
_ASKED = ("settings", "preset", "reset", "again", "go_on", "compare", "open", "code")


def _fields(picked: Settings) -> list[dict[str, Any]]:
    """The settings in their order, with what can be picked; what is picked is among it, also if it must be fetched."""
    known = {*at_hand(), picked.data}
    fields: list[dict[str, Any]] = []
    for name in Settings().asdict():
        field: dict[str, Any] = {"name": name, "label": _LABELS[name]}
        if name in CHOICES:
            field["choices"] = [{"value": value, "words": choice.words, "means": choice.means}
                                for value, choice in CHOICES[name].items() if name != "data" or value in known]
        elif name in LIMITS:
            field["low"], field["high"] = LIMITS[name]
        fields.append(field)
    return fields


def _given(source: Any, network: Network | None, x: Any, y: Any) -> Snapshots:
    """The network that is given with a run, as it was at the run's end, and samples for it."""
    if network is None:
        return Snapshots()
    if source is None or isinstance(source, Bench):
        raise ValueError("Expected a run beside its network, as in Laboratory(trace, network=network); got a network "
                         "alone.")
    return given_network(network, x, y, scenes.trace_of(source).epochs)


def _known(given: Snapshots) -> dict[str, Any]:
    """What is known of the network of a run that is only looked at."""
    found = given.at()
    if found is None:
        return {"spikes": False, "hands": _ALONE, **parts_unknown()}
    return {"spikes": given.shown > 0, "hands": hands.why_not(found[1]), "first": found[0], **parts_of(found[1])}


def _weight(value: Any) -> int:
    """About how many bytes a value takes on a page."""
    if isinstance(value, bytes | str):
        return len(value)
    if isinstance(value, Mapping):
        return sum(len(name) + _weight(item) for name, item in value.items())
    return sum(map(_weight, value)) if isinstance(value, list | tuple) else 4


def _listed(kept: Experiment, bench: Bench) -> dict[str, Any]:
    told = {"soft": "val_accuracy", "spikes": "spiking_accuracy"}
    known = {words: kept.logs[name] for words, name in told.items() if name in kept.logs}
    going = kept.number == bench.number and bench.trace.status in ("running", "paused")
    return {"number": kept.number, "words": kept.settings.words(), "preset": kept.preset, "epochs": kept.epochs,
            "goal": kept.settings.epochs, "origin": None if kept.origin is None else asdict(kept.origin),
            "accuracy": ", ".join(f"{words} {100 * value:.1f} %" for words, value in known.items()),
            "kept": kept.kept, "nudges": len(kept.nudges.made),
            "goesOn": 0 if going else bench.experiments.goes_on(kept)}


def _weakly(page: Laboratory) -> Any:
    """Shows the setup of a page as long as it is there."""
    there = weakref.ref(page)

    def changed() -> None:
        page = there()
        if page is not None and page.comm is not None:
            page._show_setup()

    return changed
