"""``FaultBench``: break neurons, weights, inputs and spikes, and watch what a network still reads."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets

from whetstone_lab.method import class_keys
from whetstone_lab.simulator import Faults, Network, run
from whetstone_lab.view import scenes
from whetstone_lab.view.widgets._assets import module, style
from whetstone_lab.view.widgets.drawing_pad import NetworkView

if TYPE_CHECKING:
    from whetstone_lab.records.spikes import SpikeRecord
    from whetstone_lab.view.plots import Picture


class FaultBench(NetworkView):
    """A bench on which a network is broken: by sliders, or neuron by neuron and pixel by pixel with a click.

    Neurons die or fire always, inputs fall silent, thresholds shift, weights have few bits, spikes get lost. The
    accuracy on all samples moves along, the neurons that differ from the sound network are marked, and the first of
    them is lit. Where output neurons vote by a key, fewer neurons a class show what redundancy is worth.

    The page computes everything by itself, also without a kernel, and draws the very faults that
    :class:`whetstone_lab.simulator.Faults` draws from the same seed. (Silent inputs, which ``Faults`` does not know,
    are those of ``numpy.random.default_rng([seed, 4]).random(inputs) < share``.)

    Args:
        network: A network with one input that looks like a picture and one output that stands for a class a sample.
        x: Samples, at least one, shape ``(samples, *network.input_shape)``, or flat; the first 500 are used.
        y: Their true classes.

    Attributes:
        broken: What is broken, in the page's words: ``dead``, ``stuck``, ``silent``, ``lost``, ``jitter``, ``noise``,
            ``bits`` (0: weights as they are) and ``seed``; ``voters``, neurons a class; ``fates``, a ``[layer, neuron,
            "dead" or "stuck"]`` for each neuron that a hand has broken; ``pixels``, those that a hand has silenced;
            and the ``sample`` that is shown. Set it, and the page follows; what is missing is whole.
        faults: The same as :class:`whetstone_lab.simulator.Faults`, without what they do not know.

    Raises:
        TypeError: It is no network.
        ValueError: The network is another, or the samples do not suit it.

    Example:
        >>> from whetstone_lab import datasets, widgets
        >>> from whetstone_lab.course import kept
        >>> digits = datasets.load_digits()
        >>> widgets.FaultBench(kept.network("digits"), digits.x_test, digits.y_test)
        FaultBench(420 neurons, 449 samples)
    """

    _esm = module("fault_bench")
    _css = style("fault_bench", root="wl-bench")

    broken = traitlets.Dict().tag(sync=True)

    def __init__(self, network: Network, x: Any, y: Any) -> None:
        super().__init__(network, x, y)
        if not len(self.shown.labels):
            raise ValueError("Expected samples and their true classes, at least one, to measure an accuracy on; got "
                             "none.")

    def __repr__(self) -> str:
        return f"FaultBench({self.simulated.neurons} neurons, {len(self.shown.values)} samples)"

    @property
    def faults(self) -> Faults:
        """What the sliders have broken, without the silent inputs."""
        shares = {name: self.broken.get(name) or 0 for name in ("dead", "stuck", "lost", "jitter", "noise", "seed")}
        return Faults(**shares, bits=self.broken.get("bits") or None)

    def damaged(self) -> Network:
        """The network with all that lasts: what the sliders have broken, and what a hand has done to neurons."""
        network = self.faults.damage(self.simulated)
        fates: dict[str, list[tuple[int, str]]] = {}
        for layer, neuron, fate in self.broken.get("fates", []):
            fates.setdefault(network.layers[layer], []).append((neuron, fate))
        return network.with_nodes([node if node.name not in fates else replace(node, operation=_hit(
            node.operation, network.shapes[node.name], fates[node.name])) for node in network.nodes])

    def shown_to_it(self) -> np.ndarray:
        """The samples as the broken network is shown them, some of their inputs silent; shape as that of ``x``."""
        values, share = np.array(self.shown.values), self.broken.get("silent") or 0
        flat = values.reshape(len(values), -1)
        if share:
            flat[:, np.random.default_rng([self.faults.seed, 4]).random(flat.shape[1]) < share] = 0
        channels = scenes.picture_shape(self.simulated)[2]
        for pixel in self.broken.get("pixels", []):
            flat[:, pixel * channels : (pixel + 1) * channels] = 0
        return values

    def picture(self) -> Picture:
        """The static figure of the broken network reading the sample at hand, as :func:`plots.firing` draws it.

        Noise and lost spikes, which come anew with each sample, are not in it.
        """
        from whetstone_lab.view import plots

        return plots.firing(self.damaged(), self.shown_to_it()[self.broken.get("sample", 0)])

    def table(self) -> dict[str, Any]:
        """What is broken, and how many of the samples are still read right, by neurons a class: a row for each number.

        Where no key reads the output, or one that reads no layer of neurons, there is one row. ``accuracy`` is that of
        the broken network, ``unbroken`` that of the sound one, in [0, 1]; then the faults and their ``seed``, as they
        are called in ``Faults`` (``bits`` is NaN for weights as they are), ``silent``, the share of the inputs that
        are, and how many neurons and pixels a hand has ``killed``, ``forced`` to fire always, and ``silenced``.
        """
        faults = self.faults
        fleeting = Faults(noise=faults.noise, lost=faults.lost, seed=faults.seed)
        accuracy = self._right(run(self.damaged(), self.shown_to_it(), faults=fleeting))
        fates = [fate for *_, fate in self.broken.get("fates", [])]
        same = {"samples": len(self.shown.values), "dead": faults.dead, "stuck": faults.stuck,
                "silent": self.broken.get("silent") or 0, "lost": faults.lost, "jitter": faults.jitter,
                "noise": faults.noise, "bits": faults.bits or math.nan, "seed": faults.seed,
                "killed": fates.count("dead"), "forced": fates.count("stuck"),
                "silenced": len(self.broken.get("pixels", []))}
        return {"neurons_a_class": np.arange(len(accuracy)) + 1, "accuracy": accuracy,
                "unbroken": self._right(run(self.simulated, self.shown.values)),
                **{name: np.full(len(accuracy), value) for name, value in same.items()}}

    def _right(self, record: SpikeRecord) -> np.ndarray:
        """Which share of the samples is read right with one neuron a class, two, and so on, as many as there are."""
        network, labels = self.simulated, self.shown.labels
        key = None if network.key is None else np.asarray(network.key, bool)
        if key is None or network.output not in network.layers:
            return np.array([(record.classes == labels).mean()])
        output = record.dense(network.output).any(axis=1).reshape(len(labels), -1)
        found = []
        for count in range(1, int(key.sum(axis=1).max()) + 1):
            kept = np.unique(np.concatenate([row.nonzero()[0][:count] for row in key]))
            columns = kept if count < key.sum(axis=1).max() else np.arange(key.shape[1])
            found.append((class_keys.decode(output[:, columns], key[:, columns].astype(int)) == labels).mean())
        return np.array(found)


def _hit(operation: Any, shape: tuple[int, ...], fates: list[tuple[int, str]]) -> Any:
    """Neurons of which some never fire, or always."""
    never = np.finfo(operation.threshold.dtype).max
    threshold = np.array(np.broadcast_to(operation.threshold, shape))
    for neuron, fate in fates:
        threshold.flat[neuron] = never if fate == "dead" else -never
    return replace(operation, threshold=threshold)
