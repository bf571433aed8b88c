"""Every reference net of convolutions converts neuron for neuron, and goes to NIR and back."""

import keras
import numpy as np
import pytest
from rounding import beyond_doubt
from spiking_models import as_keras_pools, settle, spikes_of

from whetstone_lab import convert, simulator
from whetstone_lab.training.layers import spiking_layers
from whetstone_lab.training.models import convnet, resnet, vgg

SHAPE = (8, 8, 2)
MAKERS = {
    "convnet": lambda **kwargs: convnet(SHAPE, 3, filters=(3, 4, 5), kernel=(7, 5, 3), padding="same", hidden=(8,),
                                        **kwargs),
    "vgg": lambda **kwargs: vgg(SHAPE, 3, filters=(3, 5), hidden=(8,), **kwargs),
    "projection": lambda **kwargs: resnet(SHAPE, 3, depth=10, filters=(4, 6, 8), **kwargs),
    "identity": lambda **kwargs: resnet(SHAPE, 3, depth=10, filters=(4, 6, 8), shortcut="identity", **kwargs),
    "spikes": lambda **kwargs: resnet(SHAPE, 3, depth=10, filters=(4, 6, 8), skip="spikes", **kwargs),
}


def settled(model):
    """The model with biases and batch norm as after a training, sharp."""
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            settle(layer, "random", rng)
        elif getattr(layer, "use_bias", False):
            layer.bias.assign(rng.normal(0.3, 0.3, layer.bias.shape))
    for layer in spiking_layers(model):
        layer.set_sharpness(1.0)
    return model


@pytest.mark.every_backend
@pytest.mark.parametrize("batchnorm", [True, False])
@pytest.mark.parametrize("name", MAKERS)
def test_each_spike_is_keras_own(name, batchnorm):
    keras.utils.set_random_seed(1)
    model = settled(MAKERS[name](batchnorm=batchnorm, width=9))
    x = np.random.default_rng(0).random((24, *SHAPE), np.float32)
    network = convert(model)
    record = simulator.run(network, x)
    _, spikes, outputs = spikes_of(model, x)
    assert set(network.layers) == set(spikes)
    sure = beyond_doubt(network, record)
    assert sure.mean() > 0.8
    for layer, want in spikes.items():
        fired = record.dense(layer)[:, network.steps[layer]]
        np.testing.assert_array_equal(as_keras_pools(network, layer, fired, want.shape)[sure], want[sure])
    assert 0.02 < np.mean([want.mean() for want in spikes.values()]) < 0.98
    np.testing.assert_array_equal(record.classes[sure], outputs.argmax(-1)[sure])


@pytest.mark.parametrize("name", MAKERS)
def test_nir_says_each_of_them(name):
    pytest.importorskip("nir")
    from whetstone_lab import from_nir, to_nir

    keras.utils.set_random_seed(1)
    network = convert(settled(MAKERS[name](batchnorm=True, width=9)))
    x = np.random.default_rng(0).random((24, *SHAPE), np.float32)
    there = from_nir(to_nir(network))
    sure = beyond_doubt(network, simulator.run(network, x))
    assert sure.mean() > 0.8
    np.testing.assert_array_equal(simulator.run(there, x).votes[sure], simulator.run(network, x).votes[sure])


def test_a_block_whose_branch_gives_nothing_passes_spikes_on_as_they_came():
    keras.utils.set_random_seed(2)
    net = settled(resnet(SHAPE, 3, depth=4, filters=(5,)))
    last = [layer for layer in net.layers if isinstance(layer, keras.layers.BatchNormalization)][2]
    last.gamma.assign([0.0] * 5)
    last.beta.assign([0.0] * 5)
    _, spikes, _ = spikes_of(net, np.random.default_rng(0).random((4, *SHAPE), np.float32))
    np.testing.assert_array_equal(spikes["block_1_1"], spikes["stem"])
    assert 0 < spikes["stem"].mean() < 1
