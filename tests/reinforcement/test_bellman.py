"""Bellman's equation as a Keras model: its errors, its gradient, and what it leaves alone."""

import keras
import numpy as np
import pytest
from backends import array

from whetstone_lab.reinforcement.bellman import BellmanError
from whetstone_lab.reinforcement.replay import Transitions

pytestmark = pytest.mark.every_backend

RNG = np.random.default_rng(0)
ONLINE, TARGET = RNG.normal(size=(2, 3, 4)).astype(np.float32)
SEEN = Transitions(RNG.normal(size=(6, 3)).astype(np.float32), np.array([0, 3, 1, 2, 2, 1], np.int32),
                   RNG.normal(size=6).astype(np.float32), RNG.normal(size=(6, 3)).astype(np.float32),
                   np.array([0.9, 0, 0.9, 0.81, 0, 0.9], np.float32))
ROWS = np.arange(6)


def linear(weights):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, use_bias=False)])
    model.set_weights([weights])
    return model


def expected_errors():
    best = (SEEN.following @ ONLINE).argmax(-1)
    worth = SEEN.rewards + SEEN.discounts * (SEEN.following @ TARGET)[ROWS, best]
    return worth - (SEEN.observations @ ONLINE)[ROWS, SEEN.actions]


def test_the_newer_network_chooses_and_the_older_one_values():
    errors = array(BellmanError(linear(ONLINE), linear(TARGET))(SEEN))
    np.testing.assert_allclose(errors, expected_errors(), rtol=1e-4, atol=1e-5)
    assert ((SEEN.following @ ONLINE).argmax(-1) != (SEEN.following @ TARGET).argmax(-1)).any()


def test_the_gradient_goes_through_the_value_of_the_chosen_action_alone():
    learner = BellmanError(linear(ONLINE), linear(TARGET))
    learner.compile(keras.optimizers.SGD(1.0), "mean_squared_error", run_eagerly=keras.backend.backend() != "jax")
    learner.train_on_batch(SEEN, np.zeros(6, np.float32))
    chosen = np.eye(4, dtype=np.float32)[SEEN.actions]
    step = SEEN.observations.T @ (chosen * expected_errors()[:, None]) * 2 / 6
    np.testing.assert_allclose(learner.online.get_weights()[0], ONLINE + step, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(learner.target.get_weights()[0], TARGET)
