import numpy as np
import pytest
from drawn import is_drawn

from whetstone_lab import plots
from whetstone_lab.records.trace import Trace
from whetstone_lab.simulator import Network, run
from whetstone_lab.simulator.operations import Neurons


def test_an_experiment_is_one_figure_of_all_its_parts(finished_trace, spike_record):
    figure = plots.experiment(finished_trace, spike_record, 9, 3, "Mine")
    assert figure.get_suptitle() == "Mine, after epoch 9"
    titles = [axes.get_title() or axes.get_title(loc="left") for axes in figure.axes]
    fired = np.bincount(spike_record.select([3]).layer, minlength=3)
    neurons = [f"{name}\n{count} of {size} fire" for name, count, size in zip(
        spike_record.layers, fired, spike_record.sizes, strict=True)]
    assert titles[:7] == ["shown", *neurons, *finished_trace.layers]
    losses, sharpness, accuracy, raster = figure.axes[7:11]
    assert [axes.get_ylabel() for axes in (losses, sharpness)] == ["loss", "sharpness"]
    (soft,) = accuracy.get_legend_handles_labels()[1]
    assert soft == f"soft {finished_trace.epoch_logs[8]['val_accuracy']:.1%}", "at the moment that is shown"
    assert raster.get_title(loc="left").startswith("Spikes: read as ")
    assert [label.get_text() for label in raster.get_yticklabels()] == [*spike_record.layers]
    for axes in (losses, sharpness, accuracy):
        assert 9 in {line.get_xdata()[0] for line in axes.lines if len(set(line.get_xdata())) == 1}
    assert is_drawn(figure)


def test_what_is_not_known_is_not_drawn_and_what_cannot_be_is_refused(finished_trace, spike_record):
    assert len(plots.experiment(finished_trace).axes) == 3 + 2 + 1, "curves, losses and sharpness, accuracies"
    empty = plots.experiment(Trace(), title="Mine")
    assert [text.get_text() for text in empty.texts] == ["Mine", "no layers yet"]
    for wrong in (0, finished_trace.epochs + 1):
        with pytest.raises(ValueError, match=f"Expected an epoch from 1 to {finished_trace.epochs}"):
            plots.experiment(finished_trace, epoch=wrong)
    with pytest.raises(ValueError, match="Expected a sample from 0 to 11"):
        plots.experiment(finished_trace, spike_record, sample=12)
    with pytest.raises(TypeError, match="Expected a SpikeRecord"):
        plots.experiment(finished_trace, [1])


def test_of_very_many_neurons_each_is_a_cell_of_a_picture(finished_trace):
    x = (np.random.default_rng(0).random((1, 4096)) < 0.2).astype(np.float32)
    figure = plots.experiment(finished_trace, run(Network((4096,), [Neurons()]), x))
    [wide] = [axes for axes in figure.axes if axes.get_title().endswith(f"{int(x.sum())} of 4096 fire")]
    assert not wide.collections
    assert [(image.get_array()[..., 3] > 0).sum() for image in wide.images] == [4096 - x.sum(), x.sum()]
