"""The perceptron that is trained by hand: its gradients against differences, its rules against their formulas, and what
the chapters say of its trainings."""

from types import SimpleNamespace

import numpy as np
import pytest

from whetstone_lab import datasets, policies, simulator
from whetstone_lab.course import by_hand


@pytest.fixture(scope="module")
def digits():
    return datasets.load_digits()


def test_gradients_are_those_of_the_loss(digits):
    perceptron = by_hand.Perceptron(hidden=(5,), width=12, seed=2).at(0.0)
    x, labels = digits.x_train[:7], digits.y_train[:7]
    _, by_weights, by_biases = perceptron.gradients(x, labels)
    for parameter, gradient in zip(perceptron.weights + perceptron.biases, by_weights + by_biases, strict=True):
        place = np.unravel_index(np.abs(gradient).argmax(), gradient.shape)
        losses = []
        for step in (1e-6, -2e-6):
            parameter[place] += step
            losses.append(perceptron.gradients(x, labels)[0])
        parameter[place] += 1e-6
        assert gradient[place] == pytest.approx((losses[0] - losses[1]) / 2e-6, rel=1e-4)


def test_a_sharp_layer_passes_no_gradient_but_for_a_surrogate(digits):
    sharp = by_hand.Perceptron(seed=1).at(1.0)
    assert not any(gradient.any() for gradient in sharp.gradients(digits.x_train[:9], digits.y_train[:9])[1])
    sharp.surrogate_width = 2.0
    assert all(gradient.any() for gradient in sharp.gradients(digits.x_train[:9], digits.y_train[:9])[1])


@pytest.mark.parametrize(("rule", "steps"), [
    (by_hand.sgd(0.1, 0.9), [-0.1, -0.19]),
    (by_hand.rmsprop(0.1, 0.9), [-0.1 / 0.1**0.5, -0.1 / 0.19**0.5]),
    (by_hand.adam(0.1), [-0.1, -0.1]),
    (by_hand.adadelta(1.0, 0.95), [-(1e-8 / 0.05)**0.5, -((1e-8 + 0.05 * 1e-8 / 0.05) / 0.0975)**0.5]),
], ids=["sgd", "rmsprop", "adam", "adadelta"])
def test_rules_step_by_their_formulas_on_a_constant_gradient(rule, steps):
    memory = None
    for number, expected in enumerate(steps, start=1):
        step, memory = rule(np.ones(2), memory, number)
        np.testing.assert_allclose(step, expected, rtol=1e-4)


def test_training_writes_a_trace_and_leaves_a_network_that_the_simulator_reads_alike(digits):
    perceptron = by_hand.Perceptron(hidden=(16,), seed=1)
    few = SimpleNamespace(x_train=digits.x_train[:320], y_train=digits.y_train[:320], x_test=digits.x_test[:100],
                          y_test=digits.y_test[:100])
    with pytest.raises(ValueError, match="every layer to be sharp"):
        perceptron.network()
    trace = by_hand.train(perceptron, few, policies.StepwisePolicy(start_epoch=1, steps=1), epochs=4)
    assert (trace.layers, trace.epochs, trace.batches) == (("hidden_1", "output"), 4, 40)
    assert trace.sharpness[trace.epoch_ends - 1].tolist() == [[0, 0], [1, 0], [1, 1], [1, 1]]
    assert [event.kind for event in trace.events] == ["sharp", "sharp", "done"]
    assert trace.epoch_metric("val_accuracy")[-1] == perceptron.accuracy(few.x_test, few.y_test)
    np.testing.assert_allclose(trace.histograms.sum(axis=-1), 1, rtol=1e-5)
    assert (simulator.predict(perceptron.network(), few.x_test) == perceptron.classes(few.x_test)).all()


def test_the_average_is_that_of_the_weights_since_all_was_sharp(digits):
    few = SimpleNamespace(x_train=digits.x_train[:64], y_train=digits.y_train[:64], x_test=digits.x_test[:9],
                          y_test=digits.y_test[:9])
    ends = []
    for epochs in (1, 2):  # the same steps, as far as they go
        alone = by_hand.Perceptron(hidden=(4,), surrogate_width=2.0).at(1.0)
        by_hand.train(alone, few, epochs=epochs, batch_size=64)
        ends.append(alone.weights[0])
    averaged = by_hand.Perceptron(hidden=(4,), surrogate_width=2.0).at(1.0)
    by_hand.train(averaged, few, epochs=2, batch_size=64, average=True)
    np.testing.assert_allclose(averaged.weights[0], ends[0] + 9 / 10 * (ends[1] - ends[0]))


@pytest.fixture(scope="module")
def soft(digits):
    perceptron = by_hand.Perceptron(seed=1)
    by_hand.train(perceptron, digits, epochs=10)
    return perceptron


@pytest.mark.parametrize(("together", "surrogate", "low", "high"), [
    (True, None, 0.0, 0.7), (False, None, 0.75, 1.0), (True, 2.0, 0.92, 1.0),
], ids=["together", "bottom-up", "together with a surrogate"])
def test_layers_that_sharpen_together_without_a_surrogate_ruin_it(digits, soft, together, surrogate, low, high):
    policy = policies.ScheduledPolicy(((0, 9),) * 3 if together else ((0, 3), (3, 6), (6, 9)))
    perceptron = soft.at(0.0)
    perceptron.surrogate_width = surrogate
    by_hand.train(perceptron, digits, policy, epochs=10)
    assert low <= perceptron.accuracy(digits.x_test, digits.y_test) <= high
