"""``FaultBench``: break neurons, weights, inputs and spikes, and watch what a network still reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from whetstone_lab.simulator import Network
from whetstone_lab.view.widgets._assets import module, style
from whetstone_lab.view.widgets.drawing_pad import NetworkView

if TYPE_CHECKING:
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

    def __init__(self, network: Network, x: Any, y: Any) -> None:
        super().__init__(network, x, y)
        if not len(self.shown.labels):
            raise ValueError("Expected samples and their true classes, at least one, to measure an accuracy on; got "
                             "none.")

    def __repr__(self) -> str:
        return f"FaultBench({self.simulated.neurons} neurons, {len(self.shown.values)} samples)"

    def picture(self) -> Picture:
        """The static figure of the sound network reading the first sample, as :func:`plots.firing` draws it."""
        from whetstone_lab.view import plots

        return plots.firing(self.simulated, self.shown.values[0])
