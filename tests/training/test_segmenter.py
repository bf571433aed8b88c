"""Autoencoders and segmenters: what they are made of, that train takes them, and what is refused."""

import keras
import numpy as np
import pytest

from whetstone_lab import class_maps, convert, simulator, train
from whetstone_lab.conversion.calls import layer_calls
from whetstone_lab.training.layers import spiking_layers
from whetstone_lab.training.models import segmenter
from whetstone_lab.training.segmentation import SegmentationCrossentropy

RNG = np.random.default_rng(0)


def kinds(model):
    return [type(layer).__name__ for layer in model.layers]


def test_the_segmenter_and_its_baseline_differ_in_their_activations_and_their_end_alone():
    spiking, baseline = (segmenter((8, 12, 3), 5, filters=(3, 4, 6), spiking=each) for each in (True, False))
    assert spiking.output_shape == baseline.output_shape == (None, 8, 12, 5)
    ours = [name.replace("SpikingBReLU", "ReLU") for name in kinds(spiking)]
    assert ours[:-4] == kinds(baseline)[:-1]
    assert kinds(spiking)[-4:] == ["Dense", "BatchNormalization", "SpikingBReLU", "SoftmaxDecode"]
    assert [layer.name for layer in spiking_layers(spiking)] == [
        *(name + end for name in ("down_1", "down_2", "down_3", "up_2", "up_1") for end in ("_1", "")), "output"]
    assert spiking.get_layer("output").output.shape == (None, 8, 12, 50)
    # What is beside what is as large and has as many channels as it should.
    beside = [tuple(layer.output.shape[1:]) for layer in spiking.layers if type(layer).__name__ == "Concatenate"]
    assert beside == [(4, 6, 6 + 4), (8, 12, 4 + 3), (8, 12, 4 * 3)]
    for model in (spiking, baseline):  # each place is read from all neurons of the full size
        calls = layer_calls(model)
        read = next(call for call in calls if isinstance(call.layer, keras.layers.Dense)).inputs[0]
        assert [calls[place].layer.name for place in calls[read].inputs] == ["down_1_1", "down_1", "up_1_1", "up_1"]


def test_skips_add_potentials_or_carry_spikes_alone_and_pools_stand_before_the_neurons():
    potentials, spikes, single = (segmenter((8, 12, 3), 5, filters=(3, 4, 6), **options) for options in (
        {}, {"skip": "spikes"}, {"convolutions": 1}))
    # Around the second convolution of five levels, and across at two.
    assert [kinds(model).count("Add") for model in (potentials, spikes, single)] == [5 + 2, 0, 2]
    assert [kinds(model).count("Conv2D") for model in (potentials, spikes, single)] == [10, 10, 5]
    assert [kind for kind in kinds(potentials) if kind != "Add"] == kinds(spikes)
    assert potentials.count_params() == spikes.count_params()
    calls = layer_calls(potentials)
    pools = [place for place, call in enumerate(calls) if isinstance(call.layer, keras.layers.MaxPooling2D)]
    for place, name in zip(pools, ("down_1", "down_2"), strict=True):
        neurons = potentials.get_layer(name)
        assert [call.layer for call in calls if place in call.inputs] == [neurons]
        assert neurons in [call.layer for call in calls if calls[place].inputs == call.inputs]  # of the same potentials
    with pytest.raises(ValueError, match="Expected skip to be one of potentials, spikes; got 'none'"):
        segmenter((8, 8, 1), 2, skip="none")
    with pytest.raises(ValueError, match="at least 1 convolution at each level; got 0"):
        segmenter((8, 8, 1), 2, convolutions=0)


def test_a_picture_of_any_size_is_segmented_whole():
    assert segmenter((7, 5, 1), 2, filters=(2, 2, 2)).output_shape == (None, 7, 5, 2)
    assert segmenter((7, 5, 1), 2, filters=(2,), dropout=0.5, width=4).output_shape == (None, 7, 5, 2)
    for shape, filters in (((3, 9, 1), (2, 2, 2)), ((8, 8, 1), ())):
        with pytest.raises(ValueError, match=r"filters of one level or more, .*"):
            segmenter(shape, 2, filters=filters)


@pytest.fixture(scope="module")
def trained():
    """A net that has learnt to tell bright from dark; a tenth of the places are void."""
    keras.utils.set_random_seed(0)
    x = RNG.integers(0, 2, (64, 4, 4, 1)).astype(np.float32)
    y = np.where(RNG.random((64, 4, 4)) < 0.1, 9, x[..., 0])
    model = segmenter((4, 4, 1), 2, filters=(6, 4), convolutions=1, width=6)
    train(model, x, y, epochs=10, batch_size=4, verbose=0, loss=SegmentationCrossentropy(void=9))
    return model, x, y


def test_train_takes_a_class_for_each_place_and_leaves_void_out(trained):
    model, x, y = trained
    classes = simulator.predict(convert(model), x)
    np.testing.assert_array_equal(classes, model.predict(x, verbose=0).argmax(-1))
    assert class_maps.mean_iou(classes, y.astype(int), 2, void=9) > 0.8
    right = (classes == y)[y != 9].mean()
    assert model.evaluate(x, y, verbose=0, return_dict=True)["accuracy"] == pytest.approx(right, abs=1e-6)


def test_a_segmenter_comes_back_from_a_file_with_its_loss(trained, tmp_path):
    model, x, _ = trained
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
    assert (again.loss.void, again.loss.class_weights) == (9, None)
