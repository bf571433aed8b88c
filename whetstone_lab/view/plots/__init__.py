"""Static figures in matplotlib: one for each widget, and figures of what simulations cost, bear and gain.

They serve a paper, a saved notebook or a script. Figures are made without pyplot's global state, so they may be drawn
on any thread, and they show themselves in a notebook.

Example:
    >>> from whetstone_lab import plots, recordings
    >>> figure = plots.sharpener_chart(recordings.digits_trace())
    >>> figure.get_suptitle()
    'What the sharpener saw and did'
"""

from whetstone_lab.view.plots.accuracy import accuracy_chart
from whetstone_lab.view.plots.cart_pole import cart_pole
from whetstone_lab.view.plots.costs import rate_coding
from whetstone_lab.view.plots.curves import activation_curves
from whetstone_lab.view.plots.depth import depth_profile
from whetstone_lab.view.plots.experiment import experiment
from whetstone_lab.view.plots.faults import fault_sweep
from whetstone_lab.view.plots.firing import firing
from whetstone_lab.view.plots.health import layer_health
from whetstone_lab.view.plots.lines import lines
from whetstone_lab.view.plots.network import network_diagram
from whetstone_lab.view.plots.performance import crossover, memory, speed
from whetstone_lab.view.plots.picture import Picture
from whetstone_lab.view.plots.scene import moving_scene
from whetstone_lab.view.plots.sharpener import sharpener_chart
from whetstone_lab.view.plots.spikes import spike_raster

__all__ = [
    "Picture", "accuracy_chart", "activation_curves", "cart_pole", "crossover", "depth_profile", "experiment",
    "fault_sweep", "firing", "layer_health", "lines", "memory", "moving_scene", "network_diagram", "rate_coding",
    "sharpener_chart", "speed", "spike_raster",
]
