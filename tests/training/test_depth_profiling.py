"""The depth profile: each number is what a calculation by hand gives, and the model is left as it was."""

import keras
import numpy as np
import pytest
from backends import array
from keras import layers

from whetstone_lab import depth_profile, estimate_norm_statistics
from whetstone_lab.training.decode import SoftmaxDecode
from whetstone_lab.training.layers import SpikingBReLU, spiking_layers
from whetstone_lab.training.segmentation import SegmentationCrossentropy

RNG = np.random.default_rng(0)
X, Y = RNG.normal(0.3, 1, (40, 5)).astype(np.float32), RNG.integers(0, 3, 40)


def net(surrogate_width=2.0, batchnorm=False):
    keras.utils.set_random_seed(3)

    def brelu(name):
        return SpikingBReLU(0.25, surrogate_width=surrogate_width, name=name)

    return keras.Sequential([keras.Input((5,)), layers.Dense(8), *([layers.BatchNormalization()] if batchnorm else []),
                             brelu("low"), layers.Dense(7), brelu("mid"), layers.Dense(6), brelu("top"),
                             SoftmaxDecode(np.repeat(np.eye(3), 2, axis=1))])


def state(model):
    return [array(value).copy() for value in model.variables]


def sharp(model, *numbers):
    for number, layer in enumerate(spiking_layers(model)):
        layer.set_sharpness(1.0 if number in numbers else 0.25)
    return model


@pytest.fixture(scope="module")
def profile():
    return depth_profile(net(), X, Y)


@pytest.mark.every_backend
def test_accuracy_and_loss_are_those_of_the_net_with_its_lower_layers_sharp(profile):
    assert profile.layers == ("low", "mid", "top")
    assert profile.sharpness.tolist() == [0.25] * 3
    model = net()
    cases = [(), (0,), (0, 1), (0, 1, 2), (1,), (2,)]
    outputs = [array(sharp(model, *case)(X)) for case in cases]
    losses = [-np.log(out[np.arange(40), Y]).mean() for out in outputs]
    right = [(out.argmax(-1) == Y).mean() for out in outputs]
    np.testing.assert_allclose(profile.loss, losses[:4], rtol=1e-4)
    np.testing.assert_allclose(profile.accuracy, right[:4])
    np.testing.assert_allclose(profile.loss_alone, [losses[1], *losses[4:]], rtol=1e-4)
    np.testing.assert_allclose(profile.accuracy_alone, [right[1], *right[4:]])
    assert profile.loss.std() > 1e-3


def test_the_gradient_of_many_samples_is_the_root_of_the_mean_square():
    model = net()
    alone = [depth_profile(model, X[[row]], Y[[row]]).gradient for row in range(2)]
    together = depth_profile(model, X[:2], Y[:2]).gradient
    np.testing.assert_allclose(together, np.sqrt(np.square(alone).mean(0)), rtol=1e-4)


@pytest.mark.every_backend
def test_the_gradient_below_a_layer_is_that_above_it_times_its_surrogate_and_weights():
    model = keras.Sequential([keras.Input((1,)), SpikingBReLU(name="low"), layers.Dense(1, use_bias=False),
                              SpikingBReLU(name="top")])
    model.layers[1].set_weights([np.array([[3.0]])])
    x, y = np.array([[0.9]], np.float32), np.array([[0.0]])
    profile = depth_profile(model, x, y, loss="mean_squared_error")
    fed = 3 * (0.4 / 1.001 + 0.5)
    out = 1.0
    top = 2 * out / (1 + (np.pi / 2 * (fed - 0.5)) ** 2)
    low = top * 3 / (1 + (np.pi / 2 * 0.4) ** 2)
    np.testing.assert_allclose(profile.gradient, [low, top], rtol=1e-5)
    assert np.isnan(profile.accuracy).all()
    np.testing.assert_allclose(profile.loss, [1, 1, 1], rtol=1e-5)


def test_without_a_surrogate_no_gradient_passes_a_sharp_net():
    profile = depth_profile(net(surrogate_width=None), X, Y)
    assert (profile.gradient_sharp == 0).all()
    assert (profile.gradient > 0).all()


def test_what_flips_is_what_crosses_the_threshold(profile):
    model = net()
    tops = [keras.Model(model.inputs, layer.input) for layer in spiking_layers(model)]
    sharp(model)
    before = [array(top(X)) for top in tops]
    sharp(model, 0, 1, 2)
    after = [array(top(X)) for top in tops]
    want = [((one >= 0.5) != (other >= 0.5)).mean() for one, other in zip(before, after, strict=True)]
    np.testing.assert_allclose(profile.flips, want)
    assert profile.flips[0] == 0 < profile.flips[1]
    np.testing.assert_allclose(profile.near, [(np.abs(one - 0.5) < 0.1).mean() for one in before])


@pytest.mark.every_backend
@pytest.mark.parametrize("norm_data", [None, X + 1])
def test_the_model_is_left_as_it_was(norm_data):
    model = net(batchnorm=True)
    before = state(model)
    depth_profile(model, X, Y, soft=0.0, norm_data=norm_data)
    for one, other in zip(before, state(model), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.every_backend
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_also_where_it_is_broken_off(error):
    model, calls = net(batchnorm=True), []

    def loss(y, outputs):
        calls.append(1)
        if len(calls) == 3:
            raise error("in the midst")
        return keras.losses.sparse_categorical_crossentropy(y, outputs)

    before = state(model)
    with pytest.raises(error, match="in the midst"):
        depth_profile(model, X, Y, loss=loss, norm_data=X)
    for one, other in zip(before, state(model), strict=True):
        np.testing.assert_array_equal(one, other)
    assert model.layers[2]._tap is None


@pytest.mark.every_backend
def test_batch_norm_is_estimated_anew_where_that_is_asked_for():
    model = net(batchnorm=True)
    profile = depth_profile(model, X, Y, norm_data=X + 1)
    estimate_norm_statistics(model, X + 1)
    np.testing.assert_allclose(profile.loss, depth_profile(model, X, Y).loss, rtol=1e-5)
    assert not np.allclose(profile.loss, depth_profile(net(batchnorm=True), X, Y).loss)


def test_a_sharp_net_shows_something_with_soft_layers(profile):
    model = sharp(net(), 0, 1, 2)
    assert np.ptp(depth_profile(model, X, Y).loss) == 0
    np.testing.assert_array_equal(depth_profile(model, X, Y, soft=0.25).loss, profile.loss)


@pytest.mark.parametrize(("head", "targets"), [(layers.Dense(1, activation="sigmoid"), (Y == 0).astype(int)),
                                               (layers.Dense(3, activation="softmax"), np.eye(3)[Y])])
def test_other_heads_decide_too(head, targets):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((5,)), layers.Dense(8), SpikingBReLU(), head])
    outputs = array(model(X))
    decided = outputs.argmax(-1) == Y if outputs.shape[1] == 3 else (outputs[:, 0] > 0.5) == targets
    profile = depth_profile(model, X, targets)
    assert profile.accuracy[0] == pytest.approx(decided.mean())


@pytest.mark.parametrize(("change", "message"), [
    ({"y": Y[:3]}, r"Expected at least one sample, and a target for each; got \[3, 40\]"),
    ({"x": X[:0], "y": Y[:0]}, r"Expected at least one sample, .*; got \[0\]"),
    ({"y": Y + 1}, "labels of output .* from 0 to 2, as there are 3 classes; got 1 to 3"),
    ({"x": X[:, :4]}, r"Expected input .* of shape \(samples, 5\); got \(40, 4\)"),
    ({"x": X.tolist()}, r"got lists of numbers. Write numpy\.asarray"),
    ({"soft": 1.0}, r"Expected soft to be a sharpness in \[0, 1\), or None; got 1.0"),
    ({"margin": 0}, "Expected margin to be positive; got 0"),
    ({"model": keras.Sequential([keras.Input((5,)), layers.Dense(3)], name="plain")},
     "Expected a model with at least one spiking layer"),
])
def test_what_cannot_be_measured_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        depth_profile(**{"model": net(), "x": X, "y": Y, **change})


def test_void_is_no_decision():
    keras.utils.set_random_seed(0)
    x, y = RNG.random((12, 3, 4, 1), np.float32), RNG.integers(0, 3, (12, 3, 4))
    model = keras.Sequential([keras.Input((3, 4, 1)), layers.Conv2D(5, 1), SpikingBReLU(),
                              layers.Conv2D(3, 1, activation="softmax")])
    right = (array(model(x)).argmax(-1) == y)[6:].mean()
    profile = depth_profile(model, x, np.where(np.arange(12)[:, None, None] < 6, 9, y),
                            loss=SegmentationCrossentropy(void=9))
    assert profile.accuracy[0] == pytest.approx(right)
    assert np.isnan(depth_profile(model, x, np.full_like(y, 9), loss=SegmentationCrossentropy(void=9)).accuracy).all()


def test_several_outputs_are_refused_with_the_remedy():
    inputs = keras.Input((5,))
    hidden = SpikingBReLU()(layers.Dense(4)(inputs))
    model = keras.Model(inputs, [layers.Dense(1)(hidden), layers.Dense(2)(hidden)], name="two")
    with pytest.raises(ValueError, match=r"one output; 'two' has 2\. .*keras\.Model\(model\.inputs, model\.out"):
        depth_profile(model, X, Y)
