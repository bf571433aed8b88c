"""Recipes: data that compile and sharpen the same way every time."""

import dataclasses

import keras
import numpy as np
import pytest

from whetstone_lab.layers import spiking_layers
from whetstone_lab.policies import AdaptivePolicy, StepwisePolicy
from whetstone_lab.recipes import PUBLISHED, RECIPES, ROBUST

ALL = pytest.mark.parametrize("recipe", RECIPES.values(), ids=list(RECIPES))


def test_recipes_are_found_by_their_names():
    assert RECIPES == {"robust": ROBUST, "published": PUBLISHED}
    with pytest.raises(dataclasses.FrozenInstanceError):
        ROBUST.epochs = 1


@ALL
def test_a_recipe_can_be_followed_twice(recipe):
    before = repr(recipe)
    for _ in range(2):
        model = recipe.mlp(8, 3, hidden=(5,))
        recipe.compile(model, samples=100)
        sharpener = recipe.sharpener(monitor="loss")
        model.fit(np.zeros((8, 8)), np.arange(8) % 3, callbacks=[sharpener], verbose=0)
        assert sharpener.policy == recipe.policy
        assert type(model.optimizer).__name__ == recipe.optimizer["class_name"]
        assert [layer.surrogate_width for layer in spiking_layers(model)] == [recipe.surrogate_width] * 2
        assert model.layers[-1].temperature == (recipe.temperature or pytest.approx(np.sqrt(30)))
    assert repr(recipe) == before


@ALL
def test_the_epochs_of_a_recipe_can_sharpen_the_reference_net(recipe):
    for epochs in (recipe.epochs, 2 * recipe.epochs):
        policy = recipe.sharpener(epochs).policy
        assert policy.fewest_epochs(3, 40) <= epochs


@pytest.mark.parametrize(("epochs", "start", "steps"), [(None, 5, 5), (21, 5, 5), (42, 10, 10), (7, 1, 1), (1, 0, 1)])
def test_steps_are_stretched_with_the_training(epochs, start, steps):
    assert PUBLISHED.sharpener(epochs).policy == StepwisePolicy(start, steps)
    assert ROBUST.sharpener(epochs).policy == AdaptivePolicy(min_init_epochs=5)


@pytest.mark.parametrize(("samples", "size"), [(10**5, 32), (1280, 32), (1279, 31), (80, 2), (1, 1)])
def test_little_data_make_small_batches(samples, size):
    assert ROBUST.batches_of(samples) == size


def test_the_learning_rate_falls_to_nothing_over_the_whole_training():
    model = ROBUST.mlp(4, 2, hidden=(3,))
    ROBUST.compile(model, samples=1000, epochs=8)  # batches of 25, so 40 in an epoch
    schedule = model.optimizer._learning_rate
    rates = [float(schedule(step)) for step in range(0, 321, 32)]
    expected = 3e-3 * (1 + np.cos(np.pi * np.arange(0, 1.01, 0.1))) / 2
    np.testing.assert_allclose(rates, expected, atol=1e-9)


def test_the_published_recipe_is_as_published():
    model = PUBLISHED.mlp(4, 10)
    PUBLISHED.compile(model, samples=60000)
    config = model.optimizer.get_config()
    assert isinstance(model.optimizer, keras.optimizers.Adadelta)
    assert (config["learning_rate"], config["rho"], config["epsilon"]) == (4.0, 0.95, 1e-8)
    assert not [layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    key = model.layers[-1].key
    assert key.shape == (10, 100)
    assert (key.sum(axis=1) == 10).all()
    assert 0.25 < (key.sum(axis=0) == 0).mean() < 0.45  # a third of the outputs speak for no class


@ALL
def test_the_twin_of_a_recipe_has_no_spikes(recipe):
    twin = recipe.mlp(8, 3, spiking=False)
    with pytest.raises(ValueError, match="at least one spiking layer"):
        spiking_layers(twin)
