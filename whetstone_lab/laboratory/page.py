"""``Laboratory``: an experiment on one page, to set up, run, look at, keep and compare."""

from __future__ import annotations

import math
import os
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets

from whetstone_lab.laboratory import presets
from whetstone_lab.laboratory.bench import Bench
from whetstone_lab.laboratory.experiments import FOLDER, Experiment, Experiments
from whetstone_lab.laboratory.settings import CHOICES, DATA, LIMITS, Settings, at_hand, layer_shapes
from whetstone_lab.view import scenes
from whetstone_lab.view.widgets._assets import module, style
from whetstone_lab.view.widgets._base import RunView
from whetstone_lab.view.widgets._growing import Accuracies, Decisions, Histograms, Past, packed
from whetstone_lab.view.widgets.spike_raster import facts, spikes

if TYPE_CHECKING:
    from whetstone_lab.records.spikes import SpikeRecord
    from whetstone_lab.view.plots import Picture

#: What a setting is called on the page.
_LABELS = {"data": "Pictures", "network": "Network", "optimizer": "Optimizer", "sharpening": "Sharpening",
           "epochs": "Epochs", "batch_size": "Batch size", "seed": "Seed", "baseline": "ReLU too"}

#: Experiments that the page lists at the most.
_LISTED = 50


class Laboratory(RunView):
    """An experiment on one page: what it is made of, the network, its curves, its loss and thresholds, its spikes.

    All parts go by one cursor: a moment of the run, a layer and a neuron, a picture. A run is kept with its settings
    when it ends, can be compared with another, and is there as a Python script that gives it again. Keras is loaded
    when the first run starts.

    Args:
        source: What to show: a ``Trace``, or something with a ``.trace`` (a live run, a sharpener). Default: a new
            experiment, to be set up on the page.
        preset: The settings as a line, such as ``"wide e40! adaptive-"``; see :mod:`whetstone_lab.laboratory.presets`.
        folder: Where experiments are kept. Default: ``whetstone_runs``, in the working directory.

    Raises:
        TypeError: The source has no trace.
        ValueError: A word of the preset means nothing.

    Example:
        >>> from whetstone_lab import widgets
        >>> widgets.Laboratory(preset="tiny e5 s7")
        Laboratory(Digits, 8 × 8, 16 neurons, Adam, Adaptive, 5 epochs, seed 7)
    """

    _esm = module("laboratory")
    _css = style("laboratory", "spike_raster", root="wl-lab")
    _GROWS = (Decisions, Histograms, Accuracies)

    #: The settings on the page, what is held fast, and what can be picked.
    setup = traitlets.Dict().tag(sync=True)
    #: The experiments that were kept, the newest first.
    kept = traitlets.List().tag(sync=True)

    def __init__(self, source: Any = None, *, preset: str = "", folder: str | os.PathLike[str] = FOLDER) -> None:
        self._preset = presets.read(preset)
        self.bench: Bench | None = source if isinstance(source, Bench) else None
        if source is None:
            self.bench = source = Bench(self._preset.settings, Experiments(folder))
        self._picked = self.bench.settings if self.bench is not None else self._preset.settings
        super().__init__(source)
        if self.bench is not None:
            weakref.finalize(self, self.bench.subscribe(_weakly(self)))
        self._show_setup()

    @property
    def live(self) -> bool:
        """Whether the source takes commands; an experiment that was kept takes none."""
        return super().live and self._trace.status != "recorded"

    def __repr__(self) -> str:
        if self.bench is None:
            return super().__repr__()
        return f"Laboratory({self.bench.settings.words()})"

    def picture(self) -> Picture:
        """The static figure of the run, as :func:`whetstone_lab.view.plots.sharpener_chart` draws it."""
        from whetstone_lab.view import plots

        return plots.sharpener_chart(self._trace)

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> dict[str, Any]:
        """The state of the widget; with the run come the pictures whose spikes can be looked at."""
        state = super().get_state(key, drop_defaults)
        return {**state, "pictures": self._pictures()} if "past" in state else state

    # -- what the page shows besides the run --------------------------------------------------------------------------

    def _show_setup(self) -> None:
        """Says what can be set, what is set, and which experiments were kept."""
        if self.bench is None:
            # Of a trace alone it is not known how many neurons there are, nor what they do.
            self.setup = {"fields": [], "settings": {}, "goal": 0, "spikes": False, "layers": []}
            return
        bench, preset, picked = self.bench, self._preset, self._picked
        shapes, pixels = layer_shapes(bench.settings), DATA[bench.settings.data].spec.image_shape[:2]
        self.setup = {
            "fields": _fields(picked), "settings": picked.asdict(), "locked": sorted(preset.locked | preset.hidden),
            "hidden": sorted(preset.hidden), "pending": picked != bench.settings and bool(bench.trace.layers),
            "preset": str(presets.Preset(picked)), "folder": str(bench.experiments.folder), "spikes": True,
            "unkept": bench.unkept,
            "goal": bench.settings.epochs, "picture": {"grid": scenes.grid(pixels), "size": math.prod(pixels)},
            "layers": [{"name": name, "size": math.prod(shape), "shape": list(shape), "grid": scenes.grid(shape)}
                       for name, shape in shapes.items()]}
        self.kept = [_listed(each) for each in bench.experiments.all(_LISTED)]

    def _pictures(self) -> dict[str, Any]:
        if self.bench is None or not len(self.bench.pictures):
            return {}
        pictures = self.bench.pictures
        return {"shape": list(pictures.shape[1:]), "values": np.uint8(np.round(255 * pictures)).tobytes(),
                "truth": self.bench.classes.tolist()}

    # -- what the page asks -------------------------------------------------------------------------------------------

    def _receive(self, content: Mapping[str, Any]) -> None:
        kind = content.get("kind")
        asked = getattr(self, f"_asked_{kind}", None) if kind in _ASKED else None
        if asked is None:
            super()._receive(content)
        elif self.bench is None:
            raise RuntimeError("This page shows one run; Laboratory() without a source has experiments.")
        else:
            asked(self.bench, content)

    def _asked_settings(self, bench: Bench, content: Mapping[str, Any]) -> None:
        self._pick(bench, Settings.of(content["settings"]))

    def _asked_preset(self, bench: Bench, content: Mapping[str, Any]) -> None:
        try:
            self._pick(bench, presets.read(content["line"]).settings)
        finally:
            self._show_setup()  # a line that means nothing gives way to the one before

    def _asked_reset(self, bench: Bench, content: Mapping[str, Any]) -> None:
        if content["fresh"]:
            seed = (self._picked.seed + 1) % (LIMITS["seed"][1] + 1)
            self._picked = Settings.of({**self._picked.asdict(), "seed": seed})
        bench.reset(self._picked)

    def _asked_again(self, bench: Bench, content: Mapping[str, Any]) -> None:
        changed = {name: value for name, value in content["thresholds"].items()
                   if name in ("sig_increase", "sig_decrease", "patience")}
        bench.reset(thresholds={**bench.thresholds, **changed})
        bench.start()

    def _asked_wave(self, bench: Bench, content: Mapping[str, Any]) -> None:
        found = bench.wave(float(content["epoch"]))
        if found is None:
            self.send({"kind": "wave"})
            return
        epoch, record = found
        sample = min(max(int(content["sample"]), 0), record.samples - 1)
        self.send(*packed(wave_of(record, sample) | {"epoch": epoch, "sample": sample}))

    def _asked_compare(self, bench: Bench, content: Mapping[str, Any]) -> None:
        number = content["number"]
        if number is None:
            self.send({"kind": "compared"})
            return
        trace = bench.experiments.trace(int(number))
        self.send(*packed({"kind": "compared", "number": int(number), "table": Past().whole(trace)["past"]["table"],
                           **Accuracies().whole(trace)}))

    def _asked_open(self, bench: Bench, content: Mapping[str, Any]) -> None:
        number = int(content["number"])
        picked, self._picked = self._picked, self._held(bench.experiments[number].settings)
        try:
            bench.look(number)
        except Exception:
            self._picked = picked
            raise

    def _asked_code(self, bench: Bench, content: Mapping[str, Any]) -> None:
        number = content.get("number")
        of = bench if number is None else bench.experiments[int(number)]
        self.send({"kind": "code", "text": of.script()})

    def _pick(self, bench: Bench, settings: Settings) -> None:
        self._picked = self._held(settings)
        if bench.trace.layers or bench.trace.status == "running":
            self._show_setup()  # the run at hand goes on as it is
        else:
            bench.reset(self._picked)

    def _held(self, settings: Settings) -> Settings:
        """The settings, with what the preset holds fast as it has it."""
        fast = self._preset.locked | self._preset.hidden
        return Settings.of({**settings.asdict(), **{
            name: value for name, value in self._preset.settings.asdict().items() if name in fast}})


def wave_of(record: SpikeRecord, sample: int) -> dict[str, Any]:
    """What the page is told of the wave that a sample sends, and as which class each of the samples was read."""
    one = record.select([sample])
    grids = [scenes.grid(shape, scenes.key_of(record, layer)) for layer, shape in enumerate(record.shapes)]
    return {"kind": "wave", "about": {**facts(one), "grids": grids}, "spikes": spikes(one),
            "classes": record.classes.tolist()}


#: What the page may ask besides what every view of a run may be asked.
_ASKED = ("settings", "preset", "reset", "again", "wave", "compare", "open", "code")


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


def _listed(kept: Experiment) -> dict[str, Any]:
    told = {"soft": "val_accuracy", "spikes": "spiking_accuracy"}
    known = {words: kept.logs[name] for words, name in told.items() if name in kept.logs}
    return {"number": kept.number, "words": kept.settings.words(), "preset": kept.preset, "epochs": kept.epochs,
            "accuracy": ", ".join(f"{words} {100 * value:.1f} %" for words, value in known.items()),
            "kept": kept.kept, "nudges": len(kept.nudges.made)}


def _weakly(page: Laboratory) -> Any:
    """Shows the setup of a page as long as it is there."""
    there = weakref.ref(page)

    def changed() -> None:
        page = there()
        if page is not None and page.comm is not None:
            page._show_setup()

    return changed
