"""``NetworkDiagram``: the neurons of a network, layer by layer, and which of them a sample makes fire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from whetstone_lab.laboratory.snapshots import Snapshots
from whetstone_lab.laboratory.waves import NETWORKS, WaveView, given_network, parts_of, parts_to_be, parts_unknown
from whetstone_lab.records.trace import Trace
from whetstone_lab.simulator import Network
from whetstone_lab.view import scenes
from whetstone_lab.view.widgets._assets import module, style
from whetstone_lab.view.widgets._base import RUN, RunView

if TYPE_CHECKING:
    from whetstone_lab.view.plots import Picture


class NetworkDiagram(WaveView):
    """A network, drawn layer by layer and neuron by neuron: those that fire for the sample that is picked have the
    colour of their layer. A click, or the arrow keys and Enter, pick a neuron or a layer, also in the other views of
    the run on the page.

    What a neuron does is what it would do if all neurons spiked: it fires where its membrane potential exceeds its
    threshold. Of a run the network is shown as it was after the epoch at the cursor, as far as it is known: of an
    experiment of the laboratory and of a live run after each epoch, of a recorded run at its end.

    For a paper, :func:`whetstone_lab.view.plots.network_diagram` draws the same in matplotlib; ``to_svg``, ``to_png``,
    ``to_csv`` and ``to_html`` write files.

    Args:
        source: A ``Network``; a ``Laboratory`` or its ``bench``, whose network and samples are shown; or a run, which
            is a live run, a sharpener, or a ``Trace`` beside its ``network``.
        x: Samples to show to it, shape ``(samples, *network.input_shape)``, or flat; the first of each class can be
            picked, and without classes the first ten. Default: none, so that no neuron fires.
        y: Their true classes or values. Default: unknown.
        network: The network that came of a run, as :func:`whetstone_lab.convert` makes it. Default: that of the model
            which the run trains, after each epoch that ends while the view is followed.

    Raises:
        TypeError: The source is neither a network nor has a trace.
        ValueError: A run has no model and came without its network, the samples do not suit the network, or there are
            samples for a laboratory, which has its own.

    Example:
        >>> from whetstone_lab import datasets, widgets
        >>> from whetstone_lab.course import kept
        >>> digits = datasets.load_digits()
        >>> diagram = widgets.NetworkDiagram(kept.network("digits"), digits.x_test, digits.y_test)
        >>> diagram
        NetworkDiagram(hidden_1, hidden_2, output)
        >>> int(diagram.table(sample=3)["fires"].sum())
        103
    """

    _esm = module("network_diagram")
    _css = style("network_diagram", root="wl-diagram")
    _GROWS = ()

    def __init__(self, source: Any, x: Any = None, y: Any = None, *, network: Network | None = None) -> None:
        #: Whether there is a network alone, without a run.
        self._apart = isinstance(source, Network)
        if isinstance(source, Network):
            source, network = Trace(source.layers), source
            source.status = "recorded"
        #: What has the networks, or those that were given; of a run that trains they are noted as it goes.
        self._of = source if hasattr(source, "snapshots") else None
        if self._of is not None and (x is not None or network is not None):
            raise ValueError("Expected a laboratory alone: it has a network and samples of its own.")
        trace = scenes.trace_of(source.source if isinstance(source, RunView) else source)
        self._given = (given_network(network, x, y, trace.epochs) if network is not None
                       else Snapshots() if x is None else Snapshots.of_samples(x, y))
        self._trains = self._of is None and network is None
        if self._trains and not hasattr(source, "model"):
            raise ValueError("Expected a run beside its network, as in NetworkDiagram(trace, network=network); got a "
                             "run alone, which does not say how many neurons there are.")
        #: After how many epochs the network of a run that trains was noted last.
        self._noted = -1
        #: Why there is no network to draw, where there will be none.
        self._refused = ""
        super().__init__(source)
        if self._trains:
            self._join(trace)

    @property
    def snapshots(self) -> Snapshots:
        """The network after some epochs of the run, and the samples that are shown to it."""
        return self._given if self._of is None else self._of.snapshots

    def picture(self, epoch: int | None = None, sample: int = 0) -> Picture:
        """The static figure of one sample, as :func:`whetstone_lab.view.plots.network_diagram` draws it.

        Args:
            epoch: After how many epochs of the run the network is shown. Default: the newest that is known.
            sample: Which of the samples that can be picked is shown to it, from 0. Default: 0.

        Raises:
            ValueError: There is no such sample.
        """
        from whetstone_lab.view import plots
        from whetstone_lab.view.plots.picture import say_instead

        found = self.snapshots.wave(epoch)
        if found is not None:
            return plots.network_diagram(found[1], sample)
        figure = plots.Picture(figsize=(7.6, 1.4))
        layers = self._drawn()["layers"]
        say_instead(figure, "no network yet" if not layers else "not run yet: " + ", ".join(
            f"{layer['name']}, {layer['size']} neurons" for layer in layers[:6]) + (", …" if len(layers) > 6 else ""))
        return figure

    def table(self, epoch: int | None = None, sample: int = 0) -> dict[str, Any]:
        """The neurons, a row each, bottom layer first: ``layer``, ``neuron``, its number from 0, whether it ``fires``
        for a sample, 0 or 1, and the share of all samples that can be picked for which it does, ``rate``, in [0, 1].

        A file that is saved from the page is of the sample that is picked there.

        Args:
            epoch: After how many epochs of the run the network is shown. Default: the newest that is known.
            sample: Which of the samples that can be picked is shown to it, from 0. Default: 0.

        Raises:
            ValueError: There is no such sample.
        """
        found = self.snapshots.wave(epoch)
        if found is None:
            layers = [(layer["name"], layer["size"]) for layer in self._drawn()["layers"]]
            fires = rate = np.full(sum(size for _, size in layers), np.nan)
        else:
            record = found[1]
            if not 0 <= sample < record.samples:
                raise ValueError(f"Expected a sample from 0 to {record.samples - 1}; got {sample}.")
            layers = list(zip(record.layers, record.sizes, strict=True))
            fired = [record.dense(number).any(axis=1).reshape(record.samples, -1) for number in range(len(layers))]
            both = np.concatenate(fired, axis=1) if fired else np.zeros((record.samples, 0), bool)
            fires, rate = both[sample].astype(int), both.mean(axis=0)
        return {"layer": np.repeat([name for name, _ in layers], [size for _, size in layers]),
                "neuron": np.concatenate([np.arange(size) for _, size in layers]) if layers else np.zeros(0, int),
                "fires": fires, "rate": rate}

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> dict[str, Any]:
        """The state of the widget; with the run comes what there is to draw of a network."""
        state = super().get_state(key, drop_defaults)
        return {**state, "drawn": self._drawn()} if "trace" in state else state

    def state(self) -> dict[str, Any]:
        """What a page without a kernel needs: the run so far, and its networks."""
        state = self._alone(NETWORKS)
        first, *_ = state["networks"].get("epochs") or [None]
        return {**state, "drawn": {**self._drawn(), "first": first, "away": True}}

    def _drawn(self) -> dict[str, Any]:
        """The layers and the picture, also before there is a wave of spikes; after how many epochs the network is known
        first; and whether there is a network alone.
        """
        found, settings = self.snapshots.at(), getattr(self._of, "settings", None)
        parts = parts_of(found[1]) if found else parts_unknown() if settings is None else parts_to_be(settings)
        return {**parts, "first": min(self.snapshots.networks, default=None), "apart": self._apart,
                "refused": self._refused}

    def _join(self, trace: Trace) -> None:
        """Takes over what another view of the run has noted, as where a cell is run again, and notes what is newer."""
        known = [view.snapshots.networks for view in self._others() if isinstance(view, NetworkDiagram)]
        networks = max(known, key=lambda networks: max(networks, default=-1), default={})
        if networks and self._suits(networks[max(networks)]):
            self._given.networks, self._noted = networks, max(networks)
            self.send_state(RUN)
        if trace.status != "running" and (self._noted < 0 or trace.epochs != self._noted):
            self._note(trace.epochs)  # else soon, on the thread that trains

    def _look(self, trace: Trace) -> None:
        if self._trains and trace.epochs != max(self._noted, 0):
            self._note(trace.epochs)

    def _note(self, epochs: int) -> None:
        """Notes what the network of a run is now. It is called where the model stands still: between two batches, on
        the thread that trains, or while nothing trains.
        """
        from whetstone_lab.conversion.convert import convert
        from whetstone_lab.conversion.refusals import ConversionError

        self._noted = epochs
        model = getattr(self.source, "model", None)
        if model is None or not model.built:
            return
        try:
            network = convert(model, require_sharp=False)
        except ConversionError as error:
            self._refuse(error.findings[0])
            return
        except TypeError as error:  # a model of a class of its own, whose layers cannot be followed
            self._refuse(error)
            return
        if not self._suits(network):
            return
        first = self._given.at() is None
        self._given.add(epochs, network)
        if first:
            self.send_state(RUN)

    def _suits(self, network: Network) -> bool:
        """Whether the samples suit a network; if not, that is said in place of it."""
        try:
            if self._given.shown:
                scenes.Samples.of(network, self._given.x[:self._given.shown])
        except ValueError as error:
            self._refuse(error)
            return False
        return True

    def _refuse(self, why: object) -> None:
        told = f"There is no network to draw. {why}"
        if told != self._refused:
            self._refused = told
            self.send_state(RUN)
