import itertools
from dataclasses import replace

import numpy as np
import pytest
from drawn import is_drawn

from whetstone_lab import plots, recordings
from whetstone_lab.records.spikes import SpikeRecord
from whetstone_lab.simulator import Network, Node, Output, run
from whetstone_lab.simulator.operations import Dense
from whetstone_lab.view import scenes


def test_spike_raster_draws_every_spike_once(spike_record):
    figure = plots.spike_raster(spike_record, 2)
    assert is_drawn(figure)
    shown, raster, votes = figure.axes
    assert sum(len(group.get_segments()) for group in raster.collections) == spike_record.counts()[2].sum()
    np.testing.assert_array_equal(shown.images[0].get_array(), spike_record.inputs[2].reshape(8, 8))
    assert [bar.get_width() for bar in votes.patches] == spike_record.votes[2].tolist()
    assert figure.get_suptitle() == "Sample 2: read as 2, which is right"
    assert "in truth 5" in plots.spike_raster(spike_record, 5).get_suptitle()


def test_spike_raster_sorts_its_neurons():
    record = recordings.digits_spikes()
    figure = plots.spike_raster(record, 1, order="class")
    raster = figure.axes[1]
    assert raster.get_xlabel() == "time step; neurons by class of the key"
    assert plots.spike_raster(record, 1).axes[1].get_xlabel() == "time step"
    one = record.select(1)
    low, high = scenes.bands(record.sizes)[2]
    fired = scenes.rows(record, "class")[2][one.neuron[one.layer == 2]]
    drawn = sorted(start[1] for start, _ in raster.collections[2].get_segments())
    np.testing.assert_allclose(drawn, low + (np.sort(fired) + 0.5) / 100 * (high - low))
    with pytest.raises(ValueError, match="Expected an order among"):
        plots.spike_raster(record, 1, order="size")


def test_spike_raster_without_picture_labels_or_key():
    empty = np.zeros(0, np.int32)
    record = SpikeRecord(("a",), ((7,),), 4, empty, empty, empty, empty, np.zeros((1, 5), np.float32), np.zeros((1, 0)))
    figure = plots.spike_raster(record)
    assert len(figure.axes) == 1
    assert is_drawn(figure)


def test_spike_raster_says_what_votes_are(spike_record):
    record = replace(spike_record, meta={"readout": "key"})
    words = "output neurons that do as its key says, less those that do not; at most 100"
    assert plots.spike_raster(record).axes[-1].get_xlabel().replace("\n", " ") == words
    assert plots.spike_raster(spike_record).axes[-1].get_xlabel() == "", "who votes is not known"


def test_very_long_and_very_deep_rasters_can_be_read():
    def record(steps, layers):
        had = [np.array([0, last - 1]) for last in (steps, layers, 1)]
        return SpikeRecord(tuple(f"layer {i}" for i in range(layers)), ((1,),) * layers, steps, np.zeros(2, int), *had,
                           np.zeros((1, 5)), np.zeros((1, 0)))

    figure = plots.spike_raster(record(70_000, 1))
    figure.canvas.draw()
    axes = figure.axes[0]
    for segment in axes.collections[0].get_segments():
        (left, _), (right, _) = axes.transData.transform(segment)
        assert right - left > 0.5, "narrower than half a dot is not seen"
        assert right <= axes.bbox.x1
    deep = plots.spike_raster(record(120, 120))
    deep.canvas.draw()
    places = [label.get_window_extent() for label in deep.axes[0].get_yticklabels()]
    assert len(places) > 10
    assert all(below.y1 <= above.y0 + 1 for below, above in itertools.pairwise(places)), "labels overlap"
    assert deep.axes[0].get_yticklabels()[0].get_text() == "layer 0, 1 neuron"


def test_spike_raster_says_what_it_expects(spike_record):
    with pytest.raises(ValueError, match="Expected a sample from 0 to 11; got 12"):
        plots.spike_raster(spike_record, 12)
    with pytest.raises(TypeError, match="Expected a SpikeRecord"):
        plots.spike_raster("record.npz")


def test_spike_raster_draws_a_map_where_each_place_has_a_class(map_record):
    figure = plots.spike_raster(map_record, 1)
    assert is_drawn(figure)
    _, raster, classes = figure.axes
    np.testing.assert_array_equal(classes.images[0].get_array(), map_record.classes[1])
    assert figure.get_suptitle() == "Sample 1: a class for each place"
    assert sum(len(group.get_segments()) for group in raster.collections) == map_record.counts()[1].sum()
    drawn = classes.images[0]
    for patch, text in zip(classes.get_legend().get_patches(), classes.get_legend().get_texts(), strict=True):
        assert drawn.to_rgba([int(text.get_text())])[0][:3] == pytest.approx(patch.get_facecolor()[:3], abs=0.003)
    assert [text.get_text() for text in classes.get_legend().get_texts()] == [
        str(number) for number in np.unique(map_record.classes[1])]


def test_the_legend_of_many_classes_names_the_most_frequent():
    nothing = np.zeros(0, np.int32)
    votes = np.eye(40, dtype=np.float32)[np.concatenate([np.arange(40), np.arange(8)])][None]
    record = SpikeRecord(("a",), ((3,),), 1, nothing, nothing, nothing, nothing, np.zeros((1, 3), np.float32), votes)
    legend = plots.spike_raster(record).axes[-1].get_legend()
    assert len(legend.get_texts()) == 16
    assert [text.get_text() for text in legend.get_texts()][:8] == [str(number) for number in range(8)]
    assert legend.get_title().get_text() == "the 16 most frequent of 40"


def test_spike_raster_of_a_network_without_neurons(silent_record):
    figure = plots.spike_raster(silent_record)
    assert is_drawn(figure)
    raster, votes = figure.axes
    assert [text.get_text() for text in raster.texts] == ["no neurons in this network"]
    np.testing.assert_allclose([bar.get_width() for bar in votes.patches], silent_record.votes[0])


def test_spike_raster_draws_every_output_and_every_picture():
    nodes = [Node("kind", Dense(np.eye(16, 3)), ("shown",)), Node("odd", Dense(np.ones((4, 1))), ("touched",)),
             Node("size", Dense(np.ones((4, 2))), ("touched",))]
    network = Network({"shown": (16,), "touched": (4,)}, nodes, outputs={
        "kind": Output("kind"), "odd": Output("odd", "logit"), "size": Output("size", "values")})
    record = run(network, [np.eye(16)[:2], np.ones((2, 4))], labels={"odd": [1, 0], "size": [[4, 5], [4, 5]]})
    figure = plots.spike_raster(record, 1)
    assert is_drawn(figure)
    assert figure.get_suptitle() == ("Sample 1: kind read as 1; odd read as 1, in truth 0; size read as 4, 4, in truth "
                                     "4, 5")
    picture, _, kind, odd, size = figure.axes
    assert [axes.get_title() for axes in (picture, kind, odd, size)] == [
        "shown", "kind: votes for each class", "odd: votes for each class", "size: values"]
    assert [bar.get_width() for bar in odd.patches] == [-4, 4]
    assert size.lines[0].get_xdata().tolist() == [4, 5]


def crowd(neurons=4096, steps=4, share=0.25, classes=64):
    """One sample of very many spikes, of which a class with few votes is the true one."""
    rng = np.random.default_rng(0)
    neuron, step = np.nonzero(rng.random((neurons, steps)) < share)
    nothing, votes = np.zeros(len(step), np.int32), np.arange(classes, 0, -1.0)[None]
    return SpikeRecord(("crowd",), ((neurons,),), steps, nothing, step, nothing, neuron, np.zeros((1, 5)), votes,
                       np.array([classes - 1]))


def test_spikes_that_outnumber_the_pixels_are_drawn_as_a_density():
    record = crowd()
    raster = plots.spike_raster(record).axes[0]
    assert not raster.collections, "none is drawn by itself"
    (image,) = raster.images
    shares = np.clip((image.get_array() - 0.35) / 0.65, 0, None)
    assert shares.shape == (400, 4)
    assert shares.mean() == pytest.approx(record.spikes / (4096 * 4), abs=0.01), "a quarter is no solid block"
    few = replace(record, **{name: getattr(record, name)[:3] for name in ("step", "layer", "neuron", "sample")})
    assert len(plots.spike_raster(few).axes[0].collections[0].get_segments()) == 3


def test_of_very_many_classes_the_true_one_is_there():
    axes = plots.spike_raster(crowd(neurons=4)).axes[-1]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert (len(names), names[0], names[-1]) == (24, "0", "63 ✓")
    assert axes.get_title() == "votes for each class, 24 of 64"
    assert [bar.get_width() for bar in axes.patches][-1] == 1
