"""Recipes: data that compile and sharpen the same way every time."""

import dataclasses

import keras
import numpy as np
import pytest
from backends import BACKEND, array, only_on, ready, without_graphs

from whetstone_lab.conversion.refusals import ConversionError
from whetstone_lab.method.policies import AdaptivePolicy, ScheduledPolicy, StepwisePolicy
from whetstone_lab.recipes import OPTIMIZERS, PUBLISHED, RECIPES, ROBUST, early, prepare, train
from whetstone_lab.records.trace import Trace
from whetstone_lab.training import _internals
from whetstone_lab.training.averaging import WhetstoneOptimizer
from whetstone_lab.training.layers import SpikingBReLU, spiking_layers
from whetstone_lab.training.models import mlp
from whetstone_lab.training.sharpeners import StepwiseSharpener


@pytest.fixture
def eagerly():
    with without_graphs():
        yield


STEPS = 1 if BACKEND == "torch" else 2  # Keras takes one batch at a time there

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
        model.run_eagerly = True
        sharpener = recipe.sharpener(monitor="loss")
        model.fit(np.zeros((8, 8)), np.arange(8) % 3, callbacks=[sharpener], verbose=0)
        assert sharpener.policy == recipe.policy
        assert type(model.optimizer).__name__ == recipe.optimizer["class_name"]
        assert [layer.surrogate_width for layer in spiking_layers(model)] == [recipe.surrogate_width] * 2
        assert model.layers[-1].temperature == (recipe.temperature or pytest.approx(np.sqrt(30) / 2))
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
def test_the_baseline_of_a_recipe_has_no_spikes(recipe):
    baseline = recipe.mlp(8, 3, spiking=False)
    with pytest.raises(ValueError, match="at least one spiking layer"):
        spiking_layers(baseline)


def blobs(seed=0, samples=320):
    """Three clouds of points that are easy to tell apart."""
    rng = np.random.default_rng(seed)
    y = np.arange(samples) % 3
    return (rng.normal(0, 0.25, (samples, 8)) + np.eye(3, 8)[y]).astype("f"), y


def assert_learnt(model, trace, optimizer):
    """Ten epochs of twenty batches of blobs were enough, and the optimizer is the one of that name."""
    assert isinstance(trace, Trace)
    assert (trace.epochs, trace.batches) == (10, 200)
    assert [float(array(layer.sharpness)) for layer in spiking_layers(model)] == [1.0, 1.0]
    assert type(model.optimizer.inner_optimizer).__name__.lower() == optimizer.lower()
    x, y = blobs(seed=1)
    assert np.mean(array(model(x)).argmax(-1) == y) > 0.9


@pytest.mark.every_backend
def test_one_call_trains_and_sharpens():
    keras.utils.set_random_seed(0)
    model = mlp(8, 3, hidden=(16,))
    assert_learnt(model, train(model, *blobs(), epochs=10, optimizer="Adam", batch_size=16, verbose=0), "Adam")


# What other backends do differently is in the optimizers' own tests.
@pytest.mark.parametrize("optimizer", sorted(set(OPTIMIZERS) - {"adam"}))
def test_it_does_with_any_optimizer_at_the_rate_that_comes_with_its_name(optimizer):
    keras.utils.set_random_seed(0)
    model, (x, y) = mlp(8, 3, hidden=(16,)), blobs()
    sharpener = prepare(model, epochs=10, optimizer=optimizer, metrics=None)  # as the one call does
    ready(model).fit(x, y, epochs=10, batch_size=16, callbacks=[sharpener], verbose=0)
    assert_learnt(model, sharpener.trace, optimizer)


@pytest.mark.every_backend
@pytest.mark.usefixtures("eagerly")
def test_one_call_takes_what_fit_and_compile_take():
    seen = []
    model = mlp(8, 3, hidden=(4,))
    x, y = blobs(samples=64)
    own = keras.optimizers.SGD(0.5)
    trace = train(model, x, keras.utils.to_categorical(y), epochs=2, optimizer=own, loss="categorical_crossentropy",
                  metrics=["mae"], probe=x[:8], validation_data=(x, keras.utils.to_categorical(y)), verbose=0,
                  callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))],
                  steps_per_execution=STEPS)
    assert seen == [0, 1]
    assert set(trace.epoch_logs[-1]) == {"loss", "mae", "val_loss", "val_mae"}
    assert np.isfinite(trace.firing_rates).all()
    assert model.optimizer.inner_optimizer is own
    assert model.steps_per_execution == STEPS
    sharpener = prepare(model, epochs=9, jit_compile=False, probe=x[:8])
    assert (model.jit_compile, model.steps_per_execution) == (False, 1)
    assert sharpener.probe is not None


@pytest.mark.usefixtures("eagerly")
def test_prepare_gives_the_sharpener_for_a_fit_of_ones_own():
    model, (x, y) = mlp(8, 3, hidden=(4,)), blobs(samples=64)
    sharpener = prepare(model, epochs=4, polish_epochs=1)
    model.fit(x, y, epochs=4, callbacks=[sharpener], verbose=0)
    assert sharpener.trace.epochs == 3  # sharp in the second
    whetstone = WhetstoneOptimizer("sgd")
    prepare(model, optimizer=whetstone)
    assert model.optimizer is whetstone


@pytest.mark.parametrize(("epochs", "layers"), [(1, 1), (21, 3), (100, 12)])
def test_the_early_schedule_takes_all_layers_together(epochs, layers):
    policy = early(epochs, layers)
    assert isinstance(policy, ScheduledPolicy)
    np.testing.assert_allclose(policy.schedule, [[0.05 * epochs, 0.3 * epochs]] * layers)
    assert policy.fewest_epochs(layers, 10) <= max(1, np.ceil(0.3 * epochs))


@pytest.mark.parametrize("epochs", [0, -1, 2.5, True, "all"])
def test_impossible_epochs_are_refused(epochs):
    with pytest.raises(ValueError, match="Expected epochs to be an integer of at least 1; got"):
        train(mlp(8, 3), *blobs(), epochs=epochs)


def test_unknown_optimizers_and_models_without_spiking_layers_are_refused():
    with pytest.raises(ValueError, match=r"Expected an optimizer among .*, or a Keras optimizer; got .adagrad2."):
        train(mlp(8, 3), *blobs(), optimizer="adagrad2")
    with pytest.raises(ValueError, match="Expected a model with at least one spiking layer"):
        train(mlp(8, 3, spiking=False), *blobs())


def forgotten():
    return keras.Sequential([keras.Input((8,)), keras.layers.Dense(5, activation="relu", name="low"),
                             keras.layers.Dense(5), SpikingBReLU(), keras.layers.ELU(name="bent"),
                             keras.layers.Dense(3, activation="softmax")])


@pytest.mark.parametrize("start", [lambda model, **kwargs: train(model, X, Y, epochs=1, verbose=0, **kwargs), prepare])
def test_what_cannot_become_spikes_is_refused_before_it_is_trained_or_compiled(start):
    model = forgotten()
    before = [array(value) for value in model.get_weights()]
    with pytest.raises(ConversionError, match=r"(?s)got 2 things .*'low', Dense\).*\.SpikingBReLU\(\).*'bent', ELU\).*"
                                              r"Nothing was trained\. To train it all the same, pass check=False\."):
        start(model)
    assert not model.compiled
    assert all((array(value) == kept).all() for value, kept in zip(model.get_weights(), before, strict=True))


def test_it_is_trained_all_the_same_where_that_is_asked_for():
    model = forgotten()
    prepare(model, check=False)
    assert model.compiled
    with pytest.raises(ValueError, match="Expected a model with at least one spiking layer"):
        prepare(mlp(8, 3, spiking=False), check=False)


def test_what_sharpens_though_convert_cannot_follow_it_is_trained_with_a_word():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.first, self.second = keras.layers.Dense(3), SpikingBReLU()

        def call(self, x):
            return self.second(self.first(x))

    with pytest.warns(UserWarning, match=r"will sharpen, but convert cannot .* The model is a Own; .*") as told:
        prepare(Own())
    assert told[0].filename == __file__


@pytest.mark.usefixtures("eagerly")
def test_loss_and_metrics_follow_the_heads_and_the_targets():
    inputs = keras.Input((8,))
    hidden = SpikingBReLU()(keras.layers.Dense(4)(inputs))
    model = keras.Model(inputs, [keras.layers.Dense(3, activation="softmax", name="kind")(hidden),
                                 keras.layers.Dense(1, name="size")(hidden)])
    trace = train(model, X, [keras.utils.to_categorical(Y), X[:, 0]], epochs=1, verbose=0)
    assert {"kind_accuracy", "size_mean_absolute_error"} <= set(trace.epoch_logs[-1])
    assert [getattr(loss, "name", loss) for loss in _internals.compile_arguments(model)["loss"]] == [
        "categorical_crossentropy", "mean_squared_error"]
    own = mlp(8, 3, hidden=(4,))
    prepare(own, loss="categorical_crossentropy", metrics=None)
    assert (own.loss, _internals.compile_arguments(own)["metrics"]) == ("categorical_crossentropy", None)


X, Y = np.random.default_rng(0).random((32, 8), np.float32), np.arange(32) % 3


@pytest.mark.usefixtures("eagerly")
def test_a_model_that_is_not_sharp_in_the_end_is_never_returned_without_a_word():
    stop = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: setattr(model, "stop_training", epoch == 1))
    model = mlp(8, 3, hidden=(5,))
    with pytest.warns(UserWarning, match=r"not fully sharp after 2 of 20 epochs: hidden_1 at 0\.\d+, output at 0\.\d+"):
        train(model, X, Y, epochs=20, verbose=0, callbacks=[stop])
    own = StepwiseSharpener(9, 1)  # its trace counts the epochs of all fits, the warning those of this one
    for _ in range(2):
        with pytest.warns(UserWarning, match="not fully sharp after 1 of 1 epochs"):
            train(model, X, Y, epochs=1, verbose=0, callbacks=[own])


@pytest.mark.usefixtures("eagerly")
def test_callbacks_come_as_keras_takes_them_and_a_sharpener_among_them_takes_the_place_of_train_s_own():
    seen = []
    watch = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))
    train(mlp(8, 3, hidden=(5,)), X, Y, epochs=4, verbose=0, callbacks=watch)
    model, own = mlp(8, 3, hidden=(5,)), StepwiseSharpener(0, 1)
    trace = train(model, X, Y, epochs=4, verbose=0, callbacks=[[watch, own]])
    assert seen == [0, 1, 2, 3] * 2
    assert trace is own.trace
    assert trace.policy["name"] == "stepwise"
    assert trace.sharpness[-1].tolist() == [float(array(layer.sharpness)) for layer in spiking_layers(model)] == [1, 1]
    with pytest.raises(ValueError, match="Expected at most one sharpener among the callbacks; got 2"):
        train(model, X, Y, epochs=4, callbacks=[own, StepwiseSharpener()])


@pytest.mark.usefixtures("eagerly")
def test_a_call_on_a_model_from_a_file_is_a_training_of_its_own_unless_it_is_to_resume(tmp_path):
    model = mlp(8, 3, hidden=(5,))
    train(model, X, Y, epochs=4, verbose=0)
    for layer in spiking_layers(model):
        layer.set_sharpness(0.0)
    model.save(tmp_path / "model.keras")
    anew, on = (train(keras.models.load_model(tmp_path / "model.keras"), X, Y, epochs=8, verbose=0, resume=resume)
                for resume in (None, True))
    assert (anew.epochs, on.epochs) == (8, 12)
    assert 0 < anew.sharpness[:, 0].mean() < 1


@only_on("tensorflow", "torch", why="Keras itself puts the average in place there, however a fit ends")
def test_an_interrupted_training_says_so_and_leaves_the_weights_that_trained():
    model, trained = mlp(8, 3, hidden=(5,)), []

    class Interrupt(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            trained[:] = [array(value) for value in self.model.get_weights()]

        def on_test_batch_end(self, batch, logs=None):
            if self.epoch == 6:  # sharp since the third, so that the average is being validated
                raise KeyboardInterrupt

        def on_epoch_begin(self, epoch, logs=None):
            self.epoch = epoch

    sharpener = StepwiseSharpener(0, 1, bottom_up=False)
    with pytest.raises(KeyboardInterrupt):
        train(model, X, Y, epochs=8, batch_size=8, verbose=0, validation_data=(X, Y),
              callbacks=[sharpener, Interrupt()])
    assert sharpener.trace.status == "stopped"
    for value, kept in zip(model.get_weights(), trained, strict=True):
        np.testing.assert_array_equal(array(value), kept)
