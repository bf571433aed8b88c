import numpy as np
import pytest
from drawn import is_drawn

from whetstone_lab import plots


def test_each_layer_is_a_grid_of_neurons_and_the_title_says_what_is_read(spike_record):
    figure = plots.network_diagram(spike_record, sample=3)
    fired = np.bincount(spike_record.select([3]).layer, minlength=3)
    assert [axes.get_title() for axes in figure.axes] == ["shown", *(
        f"{name}\n{count} of {size} fire" for name, count, size in zip(
            spike_record.layers, fired, spike_record.sizes, strict=True))]
    assert figure.get_suptitle().startswith("Read as ")
    assert is_drawn(figure)
    with pytest.raises(ValueError, match="Expected a sample from 0 to 11; got 12"):
        plots.network_diagram(spike_record, sample=12)
    with pytest.raises(TypeError, match="Expected a SpikeRecord"):
        plots.network_diagram([1])
