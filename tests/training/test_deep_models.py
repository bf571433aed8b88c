"""The deep reference nets and their ReLU baselines: what they are made of, and what they refuse."""

import keras
import numpy as np
import pytest
from backends import array

from whetstone_lab.training.layers import spiking_layers
from whetstone_lab.training.models import convnet, resnet, vgg
from whetstone_lab.training.models.resnet import BRANCH_SCALE

SHAPE = (8, 8, 2)
MAKERS = {
    "convnet": lambda **kwargs: convnet(SHAPE, 3, filters=(3, 4, 5), kernel=(7, 5, 3), padding="same", hidden=(8,),
                                        **kwargs),
    "vgg": lambda **kwargs: vgg(SHAPE, 3, filters=(3, 5), hidden=(8,), **kwargs),
    "projection": lambda **kwargs: resnet(SHAPE, 3, depth=10, filters=(4, 6, 8), **kwargs),
    "identity": lambda **kwargs: resnet(SHAPE, 3, depth=10, filters=(4, 6, 8), shortcut="identity", **kwargs),
    "spikes": lambda **kwargs: resnet(SHAPE, 3, depth=10, filters=(4, 6, 8), skip="spikes", **kwargs),
}


def kinds(model):
    return [type(layer).__name__ for layer in model.layers]


def count(model, kind):
    return kinds(model).count(kind)


@pytest.mark.parametrize("name", MAKERS)
def test_the_relu_baseline_has_the_same_sizes(name):
    spiking, baseline = MAKERS[name](width=9), MAKERS[name](spiking=False)
    hidden = [layer for layer in spiking.layers if type(layer).__name__ in ("Conv2D", "Dense")][:-1]
    same = [layer for layer in baseline.layers if type(layer).__name__ in ("Conv2D", "Dense")][:-1]
    assert [[value.shape for value in layer.weights] for layer in hidden] == [
        [value.shape for value in layer.weights] for layer in same]
    assert count(baseline, "ReLU") == count(spiking, "SpikingBReLU") - 1  # the output neurons
    assert not count(baseline, "SpikingBReLU")
    assert spiking.output_shape == baseline.output_shape == (None, 3)
    assert [spiking.compiled, baseline.compiled] == [False, False]
    np.testing.assert_allclose(array(baseline(np.ones((2, *SHAPE), np.float32))).sum(-1), 1, rtol=1e-5)


def test_the_convnet_takes_a_kernel_for_each_convolution():
    net = convnet((28, 28, 1), 10, filters=(2, 3, 4), kernel=(7, 5, 3), padding="same")
    convolutions = [layer for layer in net.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [(layer.filters, layer.kernel_size, layer.padding) for layer in convolutions] == [
        (2, (7, 7), "same"), (3, (5, 5), "same"), (4, (3, 3), "same")]
    with pytest.raises(ValueError, match=r"Expected a kernel for each of 3 convolutions, or one for all; got \(7, 5\)"):
        convnet((28, 28, 1), 10, filters=(2, 3, 4), kernel=(7, 5))


def test_vgg_stacks_convolutions_and_pools_before_the_last_neurons_of_a_stack():
    net = vgg(SHAPE, 3, filters=(3, 5), convolutions=2, hidden=(8,), dropout=0)
    conv = ["Conv2D", "BatchNormalization", "SpikingBReLU"]
    pooled = ["Conv2D", "BatchNormalization", "MaxPooling2D", "SpikingBReLU"]
    dense = ["Dense", "BatchNormalization", "SpikingBReLU"]
    assert kinds(net) == [*conv, *pooled, *conv, *pooled, "Flatten", *dense, *dense, "SoftmaxDecode"]
    assert [layer.name for layer in spiking_layers(net)] == [
        "conv_1_1", "conv_1_2", "conv_2_1", "conv_2_2", "hidden_1", "output"]
    with pytest.raises(ValueError, match=r"Expected pictures of at least 16 rows .*; got shape \(8, 8, 2\)\. Give"):
        vgg(SHAPE, 3, filters=(1, 1, 1, 1))
    with pytest.raises(ValueError, match="Expected at least 1 convolution in each stack; got 0"):
        vgg(SHAPE, 3, convolutions=0)


@pytest.mark.parametrize(("depth", "blocks"), [(8, (1, 1, 1)), (10, (2, 1, 1)), (20, (3, 3, 3)), (32, (5, 5, 5))])
def test_a_residual_net_is_as_deep_as_it_is_told(depth, blocks):
    net = resnet(SHAPE, 3, depth=depth, filters=(2, 3, 4))
    ends = [layer.name for layer in spiking_layers(net) if not layer.name.endswith("_inner")]
    assert ends == ["stem", *(f"block_{stage}_{number}" for stage, size in enumerate(blocks, 1)
                              for number in range(1, size + 1)), "output"]
    assert count(net, "Add") == sum(blocks)
    one = [layer for layer in net.layers if isinstance(layer, keras.layers.Conv2D) and layer.kernel_size == (1, 1)]
    assert len(one) == 2  # projections
    assert count(net, "Conv2D") - len(one) + 1 == depth  # with the last, dense


def test_without_projections_every_skip_is_one_without_weights():
    net = resnet(SHAPE, 3, depth=8, filters=(2, 3, 4), shortcut="identity")
    assert count(net, "Add") == 1
    assert not [layer for layer in net.layers if getattr(layer, "kernel_size", None) == (1, 1)]


@pytest.mark.parametrize("skip", ["potentials", "spikes"])
@pytest.mark.parametrize("spiking", [True, False])
def test_a_skip_adds_to_a_branch_the_potentials_below_it_or_the_spikes_that_they_become(skip, spiking):
    keras.utils.set_random_seed(0)
    net = resnet(SHAPE, 3, depth=8, filters=(3,), skip=skip, spiking=spiking)
    for layer in net.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.beta.assign(np.linspace(-0.5, 1, layer.beta.shape[0]))
    sums = [layer.input for layer in net.layers if isinstance(layer, keras.layers.Add)]
    neurons = [net.get_layer(name) for name in ("stem", "block_1_1", "block_1_2", "block_1_3")]
    found = keras.Model(net.inputs, {"branches": [branch for branch, _ in sums], "out": [one.output for one in neurons],
                                     "in": [one.input for one in neurons]})(np.ones((2, *SHAPE), np.float32))
    added = [array(fed) - array(branch) for fed, branch in zip(found["in"][1:], found["branches"], strict=True)]
    below = found["in" if skip == "potentials" else "out"][:3]
    for one, other, branch in zip(added, below, found["branches"], strict=True):
        np.testing.assert_allclose(one, array(other), atol=1e-5)
        assert np.abs(array(branch)).max() > 0.1
    assert not np.allclose(array(found["in"][0]), array(found["out"][0]))


@pytest.mark.parametrize(("shortcut", "small"), [("projection", 3), ("identity", 1)])
def test_a_branch_that_a_skip_leads_around_begins_small(shortcut, small):
    net = resnet(SHAPE, 3, depth=8, filters=(2, 3, 4), shortcut=shortcut)
    scales = [float(layer.gamma[0]) for layer in net.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert sorted(scales) == pytest.approx([BRANCH_SCALE] * small + [1.0] * (len(scales) - small))


@pytest.mark.parametrize(("options", "message"), [
    ({"depth": 9}, "Expected depth to be an even number of at least 8, .*; got 9"),
    ({"depth": 6}, "at least 8, two layers for each of at least 3 blocks, and the first and the last; got 6"),
    ({"shortcut": "pool"}, "Expected shortcut to be one of projection, identity; got 'pool'"),
    ({"skip": "weights"}, "Expected skip to be one of potentials, spikes; got 'weights'"),
    ({"shape": (2, 8, 1)}, r"Expected pictures of at least 4 rows and columns, .*; got shape \(2, 8, 1\)"),
])
def test_a_residual_net_that_cannot_be_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        resnet(**{"shape": SHAPE, "classes": 3, **options})
