"""The Whetstone-aware optimizer: nothing but the wrapped one until all is sharp, then an average of what it does."""

import keras
import numpy as np
import pytest
from backends import EAGERLY, array, only_on, ready
from keras import ops, optimizers

from whetstone_lab import keys
from whetstone_lab.training import background
from whetstone_lab.training.averaging import WhetstoneOptimizer, find_whetstone
from whetstone_lab.training.decode import SoftmaxDecode
from whetstone_lab.training.layers import SpikingBReLU, spiking_layers
from whetstone_lab.training.sharpeners import ScheduledSharpener, StepwiseSharpener

pytestmark = pytest.mark.every_backend

X = np.random.default_rng(0).random((48, 6), np.float32)
Y = np.arange(48) % 3

KINDS = {
    "sgd": lambda: optimizers.SGD(0.1, momentum=0.9),
    "adam": lambda: optimizers.Adam(0.01),
    "adamw": lambda: optimizers.AdamW(0.01, weight_decay=0.1),
    "nadam": lambda: optimizers.Nadam(0.01),
    "rmsprop": lambda: optimizers.RMSprop(0.01),
    "adadelta": lambda: optimizers.Adadelta(1.0),
    "schedule": lambda: optimizers.Adam(optimizers.schedules.ExponentialDecay(0.01, 5, 0.5)),
    "clipped": lambda: optimizers.SGD(0.1, global_clipnorm=0.01),
    "averaged": lambda: optimizers.Adam(0.01, use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=3),
    "accumulated": lambda: optimizers.Adam(0.01, gradient_accumulation_steps=2),
}


def make(optimizer, run_eagerly=EAGERLY):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(5), SpikingBReLU(), keras.layers.Dense(6),
                              SpikingBReLU(), SoftmaxDecode(keys.make_key(3, 6))])
    model.compile(optimizer, "sparse_categorical_crossentropy", run_eagerly=run_eagerly)
    return ready(model)


def fit(model, *callbacks, epochs=3, **kwargs):
    return model.fit(X, Y, **{"batch_size": 24, "shuffle": False, "verbose": 0, **kwargs}, epochs=epochs,
                     callbacks=list(callbacks))


class Weights(keras.callbacks.Callback):
    """The trainable weights after each step; listed after the sharpener, which may be the one to swap them."""

    def __init__(self):
        super().__init__()
        self.steps = []

    def on_train_batch_end(self, batch, logs=None):
        if hasattr(self.model, "jax_state_sync"):
            self.model.jax_state_sync()
        self.steps.append(trainable(self.model))


def trainable(model):
    return [array(variable).copy() for variable in model.trainable_variables]


def average(steps):
    """With polynomial decay, written out: the weight of step j of n is (9 / (j + 8)) times what later ones leave."""
    n, shares = len(steps), []
    for j in range(1, n + 1):
        left = np.prod([1 - 9 / (k + 8) for k in range(j + 1, n + 1)])
        shares.append(9 / (j + 8) * left)
    assert sum(shares) == pytest.approx(1)
    return [sum(share * step[i] for share, step in zip(shares, steps, strict=True)) for i in range(len(steps[0]))]


def same(some, others, **tolerances):
    for one, other in zip(some, others, strict=True):
        np.testing.assert_allclose(one, other, **{"rtol": 1e-4, "atol": 1e-5, **tolerances})


def steps_of(optimizer):
    """Where an optimizer takes two weights in seven steps, which the gradients alone decide."""
    rng = np.random.default_rng(0)
    weights = [keras.Variable(rng.normal(size=(3, 2)), dtype="float32") for _ in range(2)]
    optimizer.build(weights)
    for _ in range(7):
        optimizer.apply([ops.convert_to_tensor(rng.normal(size=(3, 2)), "float32") for _ in weights], weights)
    optimizer.finalize_variable_values(weights)
    return [array(weight) for weight in weights]


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_sharpener_it_is_the_wrapped_optimizer(kind):
    same(steps_of(KINDS[kind]()), steps_of(WhetstoneOptimizer(KINDS[kind]())), rtol=1e-5, atol=1e-6)


def test_so_it_is_in_a_fit():
    plain, wrapped = (make(optimizer, run_eagerly=False)
                      for optimizer in (KINDS["averaged"](), WhetstoneOptimizer(KINDS["averaged"]())))
    fit(plain)
    fit(wrapped)
    same(plain.get_weights(), wrapped.get_weights(), rtol=1e-5, atol=1e-6)


# That each kind of optimizer goes on as it is was shown above; these differ in how a step is counted and what it costs.
@pytest.mark.parametrize("kind", ["sgd", "adamw", "schedule", "accumulated"])
def test_the_weights_become_the_average_of_those_since_all_was_sharp(kind):
    model, weights = make(WhetstoneOptimizer(KINDS[kind]()), run_eagerly=False), Weights()
    # Six batches an epoch: sharp after the third batch of the second epoch.
    fit(model, ScheduledSharpener([(0, 0.5), (1, 1.5)]), weights, epochs=4, batch_size=8)
    assert len(weights.steps) == 24
    same(trainable(model), average(weights.steps[9:]))


def test_until_then_nothing_is_averaged():
    model, weights = make(WhetstoneOptimizer("adam")), Weights()
    fit(model, ScheduledSharpener([(0, 0.5), (2, 9)]), weights)
    same(trainable(model), weights.steps[-1], rtol=0, atol=0)
    assert model.optimizer.averaged == 0


def test_a_second_fit_starts_from_the_average_and_averages_anew():
    model, weights = make(WhetstoneOptimizer(KINDS["sgd"]())), Weights()
    sharpener = StepwiseSharpener(0, 1, bottom_up=False)
    fit(model, sharpener, epochs=3)
    before = trainable(model)
    fit(model, sharpener, weights, epochs=2)
    same(trainable(model), average(weights.steps))
    assert any(np.abs(one - other).max() > 1e-4 for one, other in zip(before, trainable(model), strict=True))


def test_a_network_that_is_soft_again_has_no_average():
    model, weights = make(WhetstoneOptimizer(KINDS["sgd"]())), Weights()
    fit(model, StepwiseSharpener(0, 1, bottom_up=False), epochs=2)
    model.layers[1].set_sharpness(0.2)
    fit(model, StepwiseSharpener(9, 1), weights, epochs=1)
    same(trainable(model), weights.steps[-1], rtol=0, atol=0)


def test_the_average_is_what_is_validated_and_training_goes_on_with_the_weights():
    model, weights, plain = make(WhetstoneOptimizer(KINDS["adam"]()), run_eagerly=False), Weights(), Weights()
    history = fit(model, StepwiseSharpener(0, 1, bottom_up=False), weights, epochs=4, validation_data=(X, Y))
    assert history.history["val_loss"][-1] == pytest.approx(model.evaluate(X, Y, verbose=0), rel=1e-4)
    fit(make(WhetstoneOptimizer(KINDS["adam"]())), StepwiseSharpener(0, 1, bottom_up=False), plain, epochs=4)
    same(weights.steps[-1], plain.steps[-1])


def test_what_is_validated_is_what_callbacks_keep_and_restore(tmp_path):
    model, seen = make(WhetstoneOptimizer(KINDS["adam"]())), []
    kept = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(
        (logs["val_loss"], trainable(model))))
    # The fourth epoch is made to look best: that is the one to bring back.
    best = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(best=float(abs(epoch - 3))))
    stop = keras.callbacks.EarlyStopping("best", mode="min", patience=9, restore_best_weights=True)
    save = keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", "best", mode="min", save_best_only=True)
    fit(model, StepwiseSharpener(0, 1, bottom_up=False), best, kept, stop, save, epochs=6, validation_data=(X, Y))
    saved = keras.models.load_model(tmp_path / "best.keras")
    for found in (model, saved):
        same(trainable(found), seen[3][1], rtol=0, atol=0)
        assert found.evaluate(X, Y, verbose=0) == pytest.approx(seen[3][0], rel=1e-4)
    assert not model.optimizer.swapped
    assert saved.optimizer.swapped  # the weights that training goes on with are in the file as well


def test_a_file_saved_while_the_average_was_in_place_goes_on_with_the_weights(tmp_path):
    whole, half = make(WhetstoneOptimizer(KINDS["adam"]())), make(WhetstoneOptimizer(KINDS["adam"]()))
    options = {"validation_data": (X, Y)}
    fit(whole, StepwiseSharpener(0, 1, bottom_up=False), epochs=4, **options)
    fit(half, StepwiseSharpener(0, 1, bottom_up=False), keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras"),
        epochs=2, **options)
    again = keras.models.load_model(tmp_path / "2.keras")
    fit(again, StepwiseSharpener(0, 1, bottom_up=False), epochs=4, initial_epoch=2, **options)
    same(trainable(again), trainable(whole))


def test_early_stopping_that_brings_back_a_soft_network_keeps_its_weights():
    model, weights = make(WhetstoneOptimizer(KINDS["sgd"]())), Weights()
    # Every epoch after the first looks worse: that is the one to bring back.
    worse = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(worse=float(epoch)))
    stop = keras.callbacks.EarlyStopping("worse", mode="min", patience=3, restore_best_weights=True)
    sharpener = ScheduledSharpener([(1, 1.5), (1, 1.5)])
    fit(model, sharpener, weights, worse, stop, epochs=9)
    assert len(weights.steps) == 8
    same(trainable(model), weights.steps[1], rtol=0, atol=0)
    assert [float(array(layer.sharpness)) for layer in spiking_layers(model)] == [0, 0] == list(
        sharpener.state.sharpness)


@only_on("tensorflow", why="there Keras itself builds the optimizer first")
def test_a_fit_traces_its_step_once():
    traced, model = [], make("sgd")

    def loss(y, found):
        traced.append(y)
        return keras.losses.sparse_categorical_crossentropy(y, found)

    for own in (keras.callbacks.Callback(), StepwiseSharpener(0, 1)):
        model.compile("adam", loss)
        fit(model, own, epochs=1)
        traced.append(None)
    assert [y is None for y in traced] == [False, False, True, False, True]


def test_a_model_that_is_built_by_its_first_batch_trains_all_its_weights():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.first, self.second, self.head = keras.layers.Dense(6), SpikingBReLU(), keras.layers.Dense(3)

        def call(self, x):
            return self.head(self.second(self.first(x)))

        def build(self, shape):  # says that it is built, which its layers are not
            self.built = True

    model = Own()
    model.compile(WhetstoneOptimizer("sgd"), keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                  run_eagerly=EAGERLY)
    fit(model, StepwiseSharpener(0, 1), epochs=2)
    assert model.optimizer.averaged == 0  # a fit's end ends the average
    assert len(model.trainable_variables) == 4
    assert all(np.abs(array(bias)).max() > 0 for bias in (model.first.bias, model.head.bias))


def test_in_a_loop_without_fit_the_average_is_there_to_swap():
    model, steps = make(WhetstoneOptimizer(KINDS["sgd"]()), run_eagerly=False), []
    sharpener = StepwiseSharpener(0, 1, bottom_up=False)
    sharpener.attach(model, batches=4)
    for _ in range(12):
        sharpener.step(model.train_on_batch(X[:8], Y[:8]))
        steps.append(trainable(model))
    model.optimizer.swap()
    same(trainable(model), average(steps[4:]))
    model.optimizer.swap()
    same(trainable(model), steps[-1], rtol=0, atol=0)


def test_weights_set_as_an_epoch_ends_are_those_that_training_goes_on_with():
    model, begun, averaged = make(WhetstoneOptimizer(KINDS["sgd"]())), [], []

    class Prune(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            begun.append(array(self.model.layers[0].kernel).copy())
            averaged.append(self.model.optimizer.averaged)

        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                self.model.layers[0].set_weights([np.full_like(one, 7) for one in self.model.layers[0].get_weights()])

    sharpener = StepwiseSharpener(0, 1, bottom_up=False)
    fit(model, sharpener, Prune(), epochs=4, validation_data=(X, Y))
    assert (begun[2] == 7).all()
    assert averaged == [0, 0, 0, 2]  # another average has begun with what was set
    assert not (begun[3] == 7).all()


def test_validation_changes_nothing_about_where_training_ends():
    ends = []
    for data in (None, (X, Y)):
        model = make(WhetstoneOptimizer(KINDS["averaged"]()))
        fit(model, StepwiseSharpener(0, 1, bottom_up=False), epochs=4, validation_data=data)
        ends.append(trainable(model))
    same(*ends, rtol=1e-6, atol=1e-6)


def test_a_loop_may_validate_the_average_at_any_time():
    # The loop's own way to tell callbacks, and Keras's evaluate in a loop without fit.
    model = make(WhetstoneOptimizer(KINDS["sgd"]()), run_eagerly=False)
    sharpener = StepwiseSharpener(0, 1, bottom_up=False)
    callbacks = keras.callbacks.CallbackList([sharpener], model=model, epochs=2, steps=4, verbose=0)
    callbacks.on_train_begin()
    steps, validated = [], None
    for epoch in range(2):
        callbacks.on_epoch_begin(epoch)
        for batch in range(4):
            if epoch == 1 and batch == 3:
                callbacks.on_test_begin()
                validated = trainable(model)
                callbacks.on_test_end()
            callbacks.on_train_batch_begin(batch)
            loss = float(model.train_on_batch(X[:8], Y[:8]))
            callbacks.on_train_batch_end(batch, {"loss": loss})
            steps.append(trainable(model))
        callbacks.on_epoch_end(epoch, {"loss": loss})
    callbacks.on_train_end()
    same(validated, average(steps[4:7]))
    assert not model.optimizer.swapped
    same(trainable(model), steps[-1], rtol=0, atol=0)
    seen = keras.callbacks.LambdaCallback(on_test_begin=lambda logs: steps.append(trainable(model)))
    model.evaluate(X, Y, verbose=0, callbacks=[sharpener, seen])
    same(steps.pop(), average(steps[4:]))
    same(trainable(model), steps[-1], rtol=0, atol=0)


def test_a_loop_on_a_network_that_is_sharp_already_averages_too():
    model, steps = make(WhetstoneOptimizer(KINDS["sgd"]()), run_eagerly=False), []
    sharpener = StepwiseSharpener(0, 1, bottom_up=False)
    for layer in spiking_layers(model):
        layer.set_sharpness(1.0)
    sharpener.attach(model, batches=4)
    for _ in range(8):
        sharpener.step(model.train_on_batch(X[:8], Y[:8]))
        steps.append(trainable(model))
    model.optimizer.swap()
    same(trainable(model), average(steps[1:]))  # it begins once the first step has said where things stand


def broken_off_in_front(model, sharpener, fails):
    with sharpener.closing():
        fit(model, sharpener, fails, epochs=3, validation_data=(X, Y))


def broken_off_in_the_background(model, sharpener, fails):
    background.fit(model, X, Y, epochs=3, callbacks=[sharpener, fails], validation_data=(X, Y)).wait(60)


@pytest.mark.parametrize("broken_off", [broken_off_in_front, broken_off_in_the_background])
@only_on("tensorflow", "torch", why="there Keras itself ends a fit that is broken off, and the average stays")
def test_a_fit_that_is_broken_off_while_it_validates_leaves_the_weights_that_were_trained(broken_off):
    model = make(WhetstoneOptimizer(KINDS["sgd"]()))

    class Fails(Weights):
        def on_test_end(self, logs=None):
            if model.optimizer.swapped:
                raise OSError("The disk is full.")

    weights, sharpener = Fails(), StepwiseSharpener(0, 1, bottom_up=False)
    with pytest.raises(OSError, match="full"):
        broken_off(model, sharpener, weights)
    assert sharpener.trace.status == "failed"
    assert not model.optimizer.swapped
    same(trainable(model), weights.steps[-1], rtol=0, atol=0)


def test_it_is_saved_with_what_it_has_averaged(tmp_path):
    model = make(WhetstoneOptimizer(KINDS["adamw"]()))
    fit(model, StepwiseSharpener(0, 1, bottom_up=False), keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras"),
        epochs=4)
    again = keras.models.load_model(tmp_path / "2.keras")
    assert isinstance(again.optimizer, WhetstoneOptimizer)
    assert again.optimizer.inner_optimizer.weight_decay == 0.1
    assert again.optimizer.averaged == 2
    sharpener = StepwiseSharpener(0, 1, bottom_up=False)
    sharpener.attach(again)
    fit(again, sharpener, epochs=4, initial_epoch=2)
    same(model.get_weights(), again.get_weights())


def test_it_is_found_in_the_optimizer_that_mixed_precision_wraps_around_it():
    inner = WhetstoneOptimizer("sgd")
    assert find_whetstone(optimizers.LossScaleOptimizer(inner)) is inner
    assert find_whetstone(inner) is inner
    assert find_whetstone(optimizers.SGD()) is None
    assert find_whetstone(None) is None


def test_the_rate_can_be_set_as_ever():
    optimizer = WhetstoneOptimizer(KINDS["sgd"]())
    optimizer.learning_rate = 0.25
    assert float(array(optimizer.learning_rate)) == float(array(optimizer.inner_optimizer.learning_rate)) == 0.25


def test_what_is_no_optimizer_is_refused():
    with pytest.raises(ValueError, match="nonsense"):
        WhetstoneOptimizer("nonsense")
