import numpy as np
import pytest
from drawn import is_drawn

from whetstone_lab import plots
from whetstone_lab.records.spikes import SpikeRecord


def test_spike_raster_draws_every_spike_once(spike_record):
    figure = plots.spike_raster(spike_record, 2)
    assert is_drawn(figure)
    shown, raster, votes = figure.axes
    assert sum(len(group.get_segments()) for group in raster.collections) == spike_record.counts()[2].sum()
    np.testing.assert_array_equal(shown.images[0].get_array(), spike_record.inputs[2].reshape(8, 8))
    assert [bar.get_width() for bar in votes.patches] == spike_record.votes[2].tolist()
    assert figure.get_suptitle() == "Sample 2: read as 2, which is right"
    assert "in truth 5" in plots.spike_raster(spike_record, 5).get_suptitle()


def test_spike_raster_without_picture_labels_or_key():
    empty = np.zeros(0, np.int32)
    record = SpikeRecord(("a",), ((7,),), 4, empty, empty, empty, empty, np.zeros((1, 5), np.float32), np.zeros((1, 0)))
    figure = plots.spike_raster(record)
    assert len(figure.axes) == 1
    assert is_drawn(figure)


def test_spike_raster_says_what_it_expects(spike_record):
    with pytest.raises(ValueError, match="Expected a sample from 0 to 11; got 12"):
        plots.spike_raster(spike_record, 12)
    with pytest.raises(TypeError, match="Expected a SpikeRecord"):
        plots.spike_raster("record.npz")
