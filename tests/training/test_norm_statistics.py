"""The statistics of batch norm, beside their formula in NumPy; and what is validated, kept and given back with them."""

import warnings

import keras
import numpy as np
import pytest
from backends import EAGERLY, array, only_on
from keras import layers
from test_fit_hooks import Seen

from whetstone_lab.method.class_keys import make_key
from whetstone_lab.recipes import train
from whetstone_lab.training import background
from whetstone_lab.training.averaging import WhetstoneOptimizer
from whetstone_lab.training.decode import SoftmaxDecode
from whetstone_lab.training.layers import SpikingBReLU
from whetstone_lab.training.norm_statistics import NormStatistics, batch_norms, estimate_norm_statistics, lagging
from whetstone_lab.training.sharpeners import StepwiseSharpener

pytestmark = pytest.mark.every_backend

RNG = np.random.default_rng(0)
X = RNG.normal(2, 3, (48, 6)).astype(np.float32)
Y = np.arange(48) % 3


class Batches(keras.utils.PyDataset):
    """Some rows of X a batch."""

    def __init__(self, *bounds, x=X):
        super().__init__()
        self.parts, self.x = np.split(np.arange(len(x)), bounds), x

    @property
    def num_batches(self):
        return len(self.parts)

    def __getitem__(self, index):
        return self.x[self.parts[index]], Y[self.parts[index]]


def statistics(model):
    return [array(value).copy() for norm in batch_norms(model) for value in (norm.moving_mean, norm.moving_variance)]


def same(some, others, **tolerances):
    for one, other in zip(some, others, strict=True):
        np.testing.assert_allclose(one, other, **{"rtol": 1e-5, "atol": 1e-5, **tolerances})


def population(*parts):
    """Mean and variance by channel, the last axis, of all that stands in the parts."""
    rows = np.concatenate([np.asarray(part, np.float64).reshape(-1, part.shape[-1]) for part in parts])
    return [rows.mean(0), ((rows - rows.mean(0)) ** 2).mean(0)]


# -- what is estimated ------------------------------------------------------------------------------------------------


def test_each_has_the_mean_and_variance_of_what_those_below_make_of_the_batches():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((6,)), layers.Dense(5), layers.BatchNormalization(epsilon=0.01),
                              layers.ReLU(), layers.Dropout(0.5), layers.Dense(4), layers.BatchNormalization()])
    first, second = model.layers[0], model.layers[4]
    first_norm, second_norm = batch_norms(model)
    assert estimate_norm_statistics(model, Batches(31)) == [first_norm, second_norm]
    parts = [part.astype(np.float64) @ array(first.kernel) for part in (X[:31], X[31:])]
    above = [np.maximum((part - part.mean(0)) / np.sqrt(part.var(0) + 0.01), 0) @ array(second.kernel)
             for part in parts]
    same(statistics(model), [*population(*parts), *population(*above)])


def between(*some, shape):
    return lambda: keras.Sequential([keras.Input(shape), *[layer() for layer in some]])


def called_twice():
    inputs, norm = keras.Input((6,)), layers.BatchNormalization()
    return keras.Model(inputs, layers.Add()([norm(inputs), norm(inputs * 2.0)]))


IMAGES = RNG.normal(1, 2, (20, 3, 4, 2)).astype(np.float32)
STEPS = np.where(RNG.random((20, 5, 1)) < 0.4, 0, RNG.normal(1, 2, (20, 5, 3))).astype(np.float32)


@pytest.mark.parametrize(("make", "x", "expected"), [
    (between(layers.BatchNormalization, shape=(3, 4, 2)), IMAGES, population(IMAGES)),
    (between(lambda: layers.BatchNormalization(axis=1), shape=(3, 4, 2)), IMAGES,
     population(np.moveaxis(IMAGES, 1, -1))),
    (between(layers.Masking, layers.BatchNormalization, shape=(5, 3)), STEPS, population(STEPS[STEPS.any(-1)])),
    (between(lambda: layers.TimeDistributed(layers.BatchNormalization()), shape=(5, 3)), STEPS, population(STEPS)),
    (called_twice, X, population(X, 2 * X)),
    (between(between(layers.BatchNormalization, shape=(6,)), shape=(6,)), X, population(X)),
    (between(lambda: layers.BatchNormalization(synchronized=keras.backend.backend() == "tensorflow"), shape=(6,)), X,
     population(X)),
], ids=["pixels", "channels first", "masked", "each step", "called twice", "within a model", "synchronised"])
def test_all_elements_of_a_channel_count_once(make, x, expected):
    model = make()
    estimate_norm_statistics(model, Batches(7, 13, x=x))
    same(statistics(model), expected)


class Frozen(keras.Model):
    """Its first batch norm does not learn when the model does."""

    def __init__(self):
        super().__init__()
        self.frozen, self.free = layers.BatchNormalization(), layers.BatchNormalization()

    def call(self, x, training=None):
        return self.free(self.frozen(x, training=False), training=training)


def test_one_that_does_not_learn_keeps_what_it_has():
    model = Frozen()
    model(X)
    model.frozen.set_weights([np.full(6, value, np.float32) for value in (1, 0, 1, 4)])
    assert estimate_norm_statistics(model, X) == [model.free]
    same(statistics(model), [np.full(6, 1), np.full(6, 4), *population((X - 1) / np.sqrt(4 + 1e-3))])
    model.free.trainable = False
    assert estimate_norm_statistics(model, X + 1) == []


class Maskless(layers.BatchNormalization):
    """One with a call of its own, which takes no mask."""

    def call(self, inputs, training=None):
        return super().call(inputs, training=training)


def test_a_call_of_its_own_gets_what_it_takes():
    model = keras.Sequential([keras.Input((6,)), Maskless()])
    assert estimate_norm_statistics(model, X) == model.layers
    same(statistics(model), population(X))


def test_far_from_zero_the_variance_is_still_that_of_the_data():
    """Where a mean of squares less a square of the mean is noise, as in Keras's own moments on PyTorch."""
    model, far = keras.Sequential([keras.Input((6,)), layers.BatchNormalization()]), X + np.float32(20_000)
    estimate_norm_statistics(model, far)
    same(statistics(model), population(far), rtol=1e-3)


class Weighed(layers.Layer):
    """Writes a weight that is trained when it is called in training, as SpectralNormalization does."""

    def build(self, shape):
        self.factor = self.add_weight(shape=(), initializer="ones")

    def call(self, inputs, training=None):
        if training:
            self.factor.assign(self.factor * 2)
        return inputs * self.factor


def test_a_weight_that_is_written_in_training_stays_and_is_what_the_inputs_pass():
    model = keras.Sequential([keras.Input((6,)), Weighed(), layers.BatchNormalization()])
    estimate_norm_statistics(model, X)
    assert array(model.layers[0].factor) == 1
    same(statistics(model), population(X))


def test_nothing_else_changes():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((6,)), layers.Dropout(0.5, seed=1), layers.GaussianNoise(1.0),
                              layers.BatchNormalization(), SpikingBReLU(), layers.Dense(3)])
    model.layers[3].set_sharpness(0.5)
    norm = model.layers[2]
    before = [(variable, array(variable).copy()) for variable in model.variables]
    keras.utils.set_random_seed(5)
    expected = array(keras.random.uniform((3,)))
    keras.utils.set_random_seed(5)
    estimate_norm_statistics(model, X)
    np.testing.assert_array_equal(array(keras.random.uniform((3,))), expected)
    assert "call" not in vars(norm)
    for variable, value in before:
        if variable is not norm.moving_mean and variable is not norm.moving_variance:
            np.testing.assert_array_equal(array(variable), value)
    same(statistics(model), population(X))


@only_on("torch", why="a DataLoader")
def test_data_that_are_shuffled_leave_the_random_numbers_alone():
    import torch

    model = between(layers.BatchNormalization, shape=(6,))()
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.tensor(X), torch.zeros(48)), 16, True)
    before = torch.get_rng_state()
    estimate_norm_statistics(model, loader)
    assert torch.equal(torch.get_rng_state(), before)
    same(statistics(model), population(X))


def test_what_fails_midway_leaves_all_as_it_was():
    model = between(layers.BatchNormalization, shape=(6,))()
    norm = model.layers[0]
    own = norm.call = lambda inputs, training=None, mask=None: type(norm).call(norm, inputs, training=training)

    class Breaks(Batches):
        def __getitem__(self, index):
            if index:
                raise OSError("The disk is gone.")
            return super().__getitem__(index)

    with pytest.raises(OSError, match="gone"):
        estimate_norm_statistics(model, Breaks(20))
    assert norm.call is own
    same(statistics(model), [np.zeros(6), np.ones(6)], rtol=0, atol=0)


def test_one_that_renormalises_keeps_its_averages_and_it_is_said():
    model = between(lambda: layers.BatchNormalization(renorm=True, name="again"), shape=(6,))()
    before = [array(value).copy() for value in model.variables]
    with pytest.warns(UserWarning, match="statistics of batch norm again stay as they are"):
        assert estimate_norm_statistics(model, X) == []
    same([array(value) for value in model.variables], before, rtol=0, atol=0)


@only_on("tensorflow", why="a tf.function")
def test_one_that_cannot_be_looked_into_keeps_its_averages_and_works_as_before():
    import tensorflow as tf

    class Compiled(layers.Layer):
        def __init__(self):
            super().__init__()
            self.norm = layers.BatchNormalization(name="inside")

        @tf.function
        def call(self, x, training=None):
            return self.norm(x, training=training)

    model = between(Compiled, shape=(6,))()
    with pytest.warns(UserWarning, match="batch norm inside stay as they are"):
        assert estimate_norm_statistics(model, X) == []
    same(statistics(model), [np.zeros(6), np.ones(6)], rtol=0, atol=0)
    same([array(model(X, training=False))], [X / np.sqrt(1 + 1e-3)])


class Counted(keras.Model):
    """Says in Python how often it is called: once for each trace, or for each batch where there is none."""

    def __init__(self, branches):
        super().__init__()
        self.calls, self.branches, self.dense, self.norm = 0, branches, layers.Dense(4), layers.BatchNormalization()

    def call(self, x, training=None):
        self.calls += 1
        x = self.dense(x)
        return self.norm(-x if self.branches and x[0, 0] > 1e9 else x, training=training)


@only_on("jax", why="compiled")
@pytest.mark.parametrize("branches", [False, True], ids=["compiled", "cannot be traced"])
def test_batches_go_through_one_compiled_function_that_is_kept_or_are_called_eagerly(branches):
    model, calls = Counted(branches), []
    model(X)
    known = NormStatistics(model)
    for shift in (0, 1):
        before, kernel = model.calls, np.eye(6, 4) + shift
        model.dense.kernel.assign(kernel)
        assert known.estimate(Batches(12, 24, 36)) == [model.norm]
        same(statistics(model), population(X @ kernel))
        calls.append(model.calls - before)
    # As in training and as in use, and then never again; or a trace that fails, some rows, and four batches.
    assert calls == ([6, 6] if branches else [2, 0])
    model.norm.trainable = False
    assert known.estimate(X) == []
    model.norm.trainable, model.dense.trainable = True, False
    assert known.estimate(X + 1) == [model.norm]
    same(statistics(model), population((X + 1) @ kernel))


@pytest.mark.parametrize(("x", "samples", "words"), [
    (X, 0, "at least 1; got 0"), (X, True, "got True"), (iter([X]), 1, "read again: .* got list_iterator"),
    (X[:0], 1, "at least one training input")])
def test_what_cannot_be_estimated_from_is_refused(x, samples, words):
    with pytest.raises(ValueError, match=words):
        estimate_norm_statistics(between(layers.BatchNormalization, shape=(6,))(), x, samples=samples)


def test_the_warning_says_how_much_is_left_of_the_beginning():
    model = between(lambda: layers.BatchNormalization(momentum=0.5, name="fast"),
                    lambda: layers.BatchNormalization(name="slow"), shape=(6,))()
    assert "0.99, 250 steps leave 8% of what 'slow' began with" in lagging(model, 250)
    assert lagging(model, 500) is None
    model.layers[1].trainable = False
    assert "0.5, 5 steps leave 3% of what 'fast'" in lagging(model, 5)
    assert lagging(model, 10) is None
    assert lagging(between(SpikingBReLU, shape=(6,))(), 1) is None


# -- in a training ----------------------------------------------------------------------------------------------------


def make(optimizer=None):
    """A net with batch norm whose moving averages would take hundreds of steps."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((6,)), layers.Dense(8), layers.BatchNormalization(), SpikingBReLU(),
                              layers.Dense(9), SpikingBReLU(), SoftmaxDecode(make_key(3, 9))])
    model.compile(optimizer or WhetstoneOptimizer(keras.optimizers.SGD(0.1)), "sparse_categorical_crossentropy",
                  run_eagerly=EAGERLY)
    return model


def fit(model, *callbacks, x=X, y=Y, **kwargs):
    return model.fit(x, y, callbacks=list(callbacks), **{
        "batch_size": 16, "epochs": 3, "shuffle": False, "verbose": 0, **kwargs})


def fed(model):
    """Mean and variance of what the batch norm is fed by X, with the weights that are there."""
    return population(X @ array(model.layers[0].kernel) + array(model.layers[0].bias))


def sharpener(**kwargs):
    return StepwiseSharpener(0, 1, bottom_up=False, **kwargs)


@pytest.mark.parametrize("optimizer", [None, "sgd"], ids=["averaged", "plain"])
@pytest.mark.parametrize("validated", [True, False])
def test_callbacks_keep_and_fit_gives_the_statistics_of_the_weights_that_are_there(optimizer, validated, tmp_path):
    model, kept = make(optimizer), []
    watch = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: kept.append(
        (logs.get("val_loss"), statistics(model), fed(model))))
    fake = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(best=float(abs(epoch - 1))))
    best = keras.callbacks.EarlyStopping("best", mode="min", patience=9, restore_best_weights=True)
    save = keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras")
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        fit(model, sharpener(), fake, watch, best, save, validation_data=(X, Y) if validated else None)
    assert len(kept) == 3
    for _, found, expected in kept:
        same(found, expected, rtol=1e-4, atol=1e-4)
    saved = keras.models.load_model(tmp_path / "2.keras")
    for found in (model, saved):  # the second epoch, which looked best
        same(statistics(found), kept[1][1], rtol=0, atol=0)
        same(statistics(found), fed(found), rtol=1e-4, atol=1e-4)
        if validated:
            assert found.evaluate(X, Y, verbose=0) == pytest.approx(kept[1][0], rel=1e-4)


def test_a_file_without_validation_holds_the_average_and_goes_on_with_the_weights(tmp_path):
    whole, half = make(), make()
    fit(whole, sharpener(), epochs=4)
    fit(half, sharpener(), keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras"), epochs=2)
    again = keras.models.load_model(tmp_path / "2.keras")
    assert again.optimizer.swapped
    same(again.get_weights(), half.get_weights(), rtol=0, atol=0)
    fit(again, sharpener(), epochs=4, initial_epoch=2)
    same(again.get_weights(), whole.get_weights())


def test_the_weights_are_trained_as_if_nothing_was_estimated():
    known, unknown = make("sgd"), make("sgd")
    fit(known, sharpener())
    with pytest.warns(UserWarning, match="9 steps leave 91%"):
        fit(unknown, sharpener(), x=((X[i:i + 16], Y[i:i + 16]) for i in (0, 16, 32) * 3), y=None, batch_size=None,
            steps_per_epoch=3)
    same([array(variable) for variable in known.trainable_variables],
         [array(variable) for variable in unknown.trainable_variables], rtol=1e-6, atol=1e-6)


def test_data_that_are_read_once_need_inputs_beside_them():
    model = make()
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        fit(model, sharpener(norm_data=X), x=((X, Y) for _ in range(3)), y=None, batch_size=None, steps_per_epoch=1)
    same(statistics(model), fed(model), rtol=1e-4, atol=1e-4)


def test_inputs_that_cannot_be_used_end_no_training():
    model = make()
    with pytest.warns(UserWarning, match="could not be estimated anew") as said:
        fit(model, sharpener(norm_data=X[:, :2]))
    assert sum("estimated anew:" in str(one.message) for one in said) == 1
    assert any("9 steps leave 91%" in str(one.message) for one in said)


def test_without_batch_norm_nothing_is_said_and_nothing_is_called():
    class Fails(Batches):
        def __getitem__(self, index):
            raise AssertionError("The data were read.")

    model = keras.Sequential([keras.Input((6,)), layers.Dense(9), SpikingBReLU(), SoftmaxDecode(make_key(3, 9))])
    model.compile("sgd", "sparse_categorical_crossentropy")
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        fit(model, sharpener(norm_data=Fails()), epochs=1)


def test_train_leaves_out_the_rows_that_only_validate():
    model, seen = make(), Seen()
    train(model, X, Y, epochs=4, batch_size=12, validation_split=0.5, shuffle=False, verbose=0, callbacks=[seen])
    assert len(seen.seen[0]) == 24
    same(statistics(model), population(X[:24] @ array(model.layers[0].kernel) + array(model.layers[0].bias)),
         rtol=1e-4, atol=1e-4)


def test_a_copy_of_a_live_run_has_the_statistics_of_its_weights():
    model, found = make(), []
    run = background.LiveRun(model, X, Y, epochs=2, batch_size=16, sharpener=sharpener(), callbacks=[
        keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: found.append(run.snapshot()))])
    run.start()
    run.wait(60)
    assert len(found) == 6
    for copy in found:
        same(statistics(copy), fed(copy), rtol=1e-4, atol=1e-4)


def test_a_loop_of_ones_own_validates_with_them_too():
    model, callback = make(), sharpener(norm_data=X)
    callback.attach(model, batches=2)
    for _ in range(4):
        callback.step(model.train_on_batch(X[:16], Y[:16]))
        seen = keras.callbacks.LambdaCallback(on_test_begin=lambda logs: same(
            statistics(model), fed(model), rtol=1e-4, atol=1e-4))
        model.evaluate(X, Y, verbose=0, callbacks=[callback, seen])
