"""``convert``: the network's spikes against the Keras model's activations at full sharpness, neuron for neuron.

Two kinds of weights. ``ties``: multiples of 1/4, so that every sum is exact in float32 and many lie right on a
threshold; nothing may differ, ever. ``random``: sums are rounded, and two libraries may round differently; a neuron may
then differ only where its potential lies within the bound of float32 summation around its threshold. That bound is
checked for both libraries, and no neuron of these seeded models differs.

Keras's batch norm is not exact on every processor, see ``exact_norms``. Where exactness is claimed of models that have
it, the network is held against Keras with an exact one, and against Keras as it is up to rounding.
"""

from contextlib import nullcontext

import keras
import numpy as np
import pytest
from backends import BACKEND, NEEDS_DOUBLES, array
from exact_norms import exact_batch_norm
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers
from rounding import true_potentials
from spiking_models import (
    KEY,
    MODELS,
    as_keras_pools,
    brelu,
    build,
    neurons_of,
    own_name,
    prepare,
    sigmoid,
    spikes_of,
)

from whetstone_lab.conversion.convert import convert
from whetstone_lab.conversion.folding import fold_batchnorm
from whetstone_lab.simulator import operations, predict, run
from whetstone_lab.training.decode import SoftmaxDecode

#: What a backend makes of a kind of layer shows where every number is exact; how it rounds, one backend is enough for.
EVERY = [pytest.param(name, kind, id=f"{name}-{kind}", marks=[pytest.mark.every_backend] * (kind == "ties"))
         for name in MODELS for kind in ("ties", "random")]


@pytest.mark.parametrize(("name", "kind"), EVERY)
def test_every_spike_and_every_class_equals_keras(name, kind):
    model, x = prepare(name, kind)
    network = convert(model)
    record = run(network, x, membranes=True)
    with exact_batch_norm() if kind == "ties" else nullcontext():
        potentials, activations, outputs = spikes_of(model, x)
    assert len(network.layers) == len(activations)
    varied = on_threshold = 0
    for index, (layer, neurons) in enumerate(neurons_of(network).items()):
        potential, activation = potentials[own_name(layer)], activations[own_name(layer)]
        assert set(np.unique(activation)) <= {0.0, 1.0}
        step = network.steps[layer]
        differing = np.flatnonzero(as_keras_pools(network, layer, record.dense(layer)[:, step], activation.shape)
                                   != activation)
        assert differing.size == 0, f"{layer}: {differing[:5]} at potentials {potential.flat[differing[:5]]}"
        varied += 0.01 < activation.mean() < 0.99
        on_threshold += int((potential == neurons.threshold).sum())
        if kind == "ties":
            membrane = as_keras_pools(network, layer, record.membranes[index][:, step], potential.shape)
            np.testing.assert_array_equal(membrane, potential)
    assert varied == len(network.layers), "a layer that always or never fires proves nothing"
    assert kind == "random" or on_threshold > 50
    np.testing.assert_array_equal(record.classes, outputs.argmax(-1))
    np.testing.assert_array_equal(predict(network, x), outputs.argmax(-1))
    assert len(np.unique(record.votes, axis=0)) > 3


@pytest.mark.parametrize("name", [name for name in MODELS if "norm" in name])
def test_where_keras_rounds_batch_norm_a_spike_differs_within_rounding_of_its_threshold_only(name):
    """Hundreds of neurons lie right on their threshold; what Keras makes of them is the processor's affair."""
    model, x = prepare(name, "ties")
    network = convert(model)
    record = run(network, x, membranes=True)
    potentials, activations, _ = spikes_of(model, x)
    alike = np.ones(len(x), bool)  # behind a spike that differs, all may
    for index, (layer, neurons) in enumerate(neurons_of(network).items()):
        activation, step = activations[own_name(layer)], network.steps[layer]
        ours, membrane = (as_keras_pools(network, layer, values, activation.shape)
                          for values in (record.dense(layer)[:, step], record.membranes[index][:, step]))
        # Scales, shifts and weights of these models are below 4, so no term of a sum exceeds the largest by more.
        rounding = 2.0**-20 * (4 + np.abs(membrane).max())
        assert (np.abs(potentials[own_name(layer)] - membrane)[alike] <= rounding).all()
        differs = ours != activation
        assert (np.abs(membrane - neurons.threshold)[differs & alike.reshape(-1, *[1] * (differs.ndim - 1))]
                <= rounding).all()
        alike &= ~differs.reshape(len(x), -1).any(1)


@pytest.mark.parametrize("name", MODELS)
def test_rounding_stays_within_its_bound_in_both_libraries(name):
    model, x = prepare(name, "random")
    model = fold_batchnorm(model)  # what folding rounds is another matter, below
    potentials, _, _ = spikes_of(model, x)
    network = convert(model)
    record = run(network, x, membranes=True)
    for layer, true, slack in true_potentials(network, record):
        index, step = network.layers.index(layer), network.steps[layer]
        ours = record.membranes[index][:, step].reshape(true.shape)
        assert (np.abs(ours - true) <= slack).all()
        potential = potentials[own_name(layer)]
        # A largest value is no farther off than that which is farthest.
        true, slack = (as_keras_pools(network, layer, values, potential.shape) for values in (true, slack))
        assert (np.abs(potential - true) <= slack).all()
        assert slack.max() < 1e-3  # a bound that says something


@pytest.mark.every_backend
def test_neurons_put_within_rounding_of_their_threshold_differ_there_only():
    """The worst case, made on purpose: biases that bring a thousand neurons to within a few units of 0.5."""
    rng = np.random.default_rng(0)
    model = build((500,), layers.Dense(1000), brelu())
    x = rng.uniform(size=(1, 500)).astype(np.float32)
    kernel = rng.normal(size=(500, 1000)).astype(np.float32)
    model.layers[0].set_weights([kernel, 0.5 - x[0].astype(np.float64) @ kernel.astype(np.float64)])
    network = convert(model)
    record = run(network, x)
    (_, true, slack), = true_potentials(network, record)
    assert (np.abs(true - 0.5) <= slack).all()
    differs = record.dense(0)[:, 0] != array(model(x)).astype(bool)
    assert (np.abs(true - 0.5)[differs] <= slack[differs]).all()
    # Away from the threshold nothing differs: the same network, the biases moved by twice the bound.
    model.layers[0].bias.assign_add(2.1 * np.where(rng.random(1000) < 0.5, slack[0], -slack[0]))
    far = run(convert(model), x)
    np.testing.assert_array_equal(far.dense(0)[:, 0], array(model(x)).astype(bool))


def with_batch_norm(seed=0):
    keras.utils.set_random_seed(seed)
    model = build((10, 10, 2), layers.Conv2D(8, 3, padding="same", use_bias=False),
                  layers.BatchNormalization(epsilon=0.1), brelu(name="first"), layers.MaxPooling2D(2),
                  layers.BatchNormalization(), layers.Conv2D(8, 3), sigmoid(name="second"), layers.Flatten(),
                  layers.Dense(50), layers.Dropout(0.2), layers.BatchNormalization(), brelu(name="third"),
                  SoftmaxDecode(KEY))
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.2, 1.5, w.shape) for w in layer.get_weights()])
    return model, rng.uniform(-1, 1, size=(200, 10, 10, 2)).astype(np.float32)


@pytest.mark.every_backend
def test_batch_norm_is_folded_and_spikes_equal_those_of_the_folded_model():
    model, x = with_batch_norm()
    network = convert(model)
    folded = fold_batchnorm(model)
    record = run(network, x)
    for source in (folded, model):  # the second rounds otherwise, but no neuron of this model is that near
        _, activations, outputs = spikes_of(source, x)
        for layer in network.layers:
            found = record.dense(layer)[:, network.steps[layer]]
            np.testing.assert_array_equal(found, activations[layer].astype(bool))
            assert 0.01 < found.mean() < 0.99
        np.testing.assert_array_equal(record.classes, outputs.argmax(-1))
    weights = {node.name: node.operation.arrays() for node in convert(folded).nodes}
    for node in network.nodes:
        for name, values in node.operation.arrays().items():
            np.testing.assert_array_equal(values, weights[node.name][name])
    assert not [node for node in network.nodes if "batch" in node.name]


def test_what_folding_rounds_is_within_its_bound():
    """The unfolded model multiplies after the sum, the network before: both near the truth, in float64."""
    model, x = with_batch_norm()
    conv, norm = model.layers[0], model.layers[1]
    potentials, _, _ = spikes_of(model, x)
    record = run(convert(model), x, membranes=["first"])
    kernel = array(conv.kernel).astype(np.float64)
    gamma, beta, mean, variance = (weight.astype(np.float64) for weight in norm.get_weights())
    scale = gamma / np.sqrt(variance + norm.epsilon)
    true = operations.Conv2D(kernel * scale, beta - mean * scale, padding="same").apply(x.astype(np.float64))
    size = operations.Conv2D(np.abs(kernel * scale), np.abs(beta) + np.abs(mean * scale),
                             padding="same").apply(np.abs(x).astype(np.float64))
    slack = (18 + 8) * 2.0**-24 * size  # 18 products, and a few roundings in the scale and the shift
    assert (np.abs(potentials["first"] - true) <= slack).all()
    assert (np.abs(record.membranes[0][:, 0].reshape(true.shape) - true) <= slack).all()


@pytest.mark.every_backend
@NEEDS_DOUBLES
def test_a_double_precision_model_gives_a_double_precision_network():
    keras.utils.set_random_seed(0)
    model = build((20,), layers.Dense(40, dtype="float64"), brelu(dtype="float64"), layers.Dense(50, dtype="float64"),
                  brelu(dtype="float64"))
    network = convert(model)
    assert network.dtype == np.float64
    x = np.random.default_rng(0).normal(size=(50, 20))
    np.testing.assert_array_equal(run(network, x).dense(1)[:, 1], array(model(x)).astype(bool))


@pytest.mark.every_backend
def test_half_precision_is_said_and_converted_in_float32():
    model = build((4,), layers.Dense(3, dtype="mixed_float16", name="half"), brelu(dtype="mixed_float16"))
    with pytest.warns(UserWarning, match=r"half precision.*layers\[0\] \('half', Dense\) in float16"):
        assert convert(model).dtype == np.float32


@settings(max_examples=5 if BACKEND == "jax" else 15, deadline=None)  # JAX compiles every operation of each anew
@given(data=st.data())
def test_any_small_convnet_with_ties_spikes_as_keras_does(data):
    pick = data.draw
    # Not one channel: there TensorFlow 2.21 with oneDNN is wrong by far where strides differ and one column comes out.
    shape = (pick(st.integers(4, 9)), pick(st.integers(4, 9)), pick(st.integers(2, 3)))
    padding = st.sampled_from(["same", "valid"])
    small = st.integers(1, 3)
    stack = [layers.Conv2D(pick(st.integers(1, 4)), (pick(small), pick(small)), strides=(pick(small), pick(small)),
                           padding=pick(padding))]
    kind = pick(st.sampled_from([layers.MaxPooling2D, layers.AveragePooling2D]))
    pool = kind(pick(st.sampled_from([1, 2])), strides=pick(small), padding="same")
    neurons = pick(st.sampled_from([brelu, sigmoid]))()
    stack += [neurons, pool] if pick(st.booleans()) else [pool, neurons]
    stack += [layers.Conv2D(3, pick(small), padding="same"), brelu()]
    model = build(shape, *stack)
    rng = np.random.default_rng(pick(st.integers(0, 2**32 - 1)))
    model.set_weights([w if w.shape == () else rng.integers(-3, 4, w.shape) / 4 for w in model.get_weights()])
    x = (rng.integers(0, 3, (8, *shape)) / 2).astype(np.float32)
    found = run(convert(model), x).dense(1)[:, 1]
    np.testing.assert_array_equal(found, array(model(x)).astype(bool))
