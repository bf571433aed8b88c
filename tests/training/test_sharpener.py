"""Sharpeners in real fits: the trace tells what happened batch by batch, and the layers are what it says."""

import copy
import json
import math
import pickle
import threading
import warnings

import keras
import numpy as np
import pytest
from backends import only_on, ready
from keras import ops
from published_rules import PublishedAdaptiveRule, PublishedSimpleRule
from rehearsal import rehearse as through_the_hooks

from whetstone_lab import curves, keys
from whetstone_lab.method.judging import Quantity
from whetstone_lab.method.layer_health import HISTOGRAM_BINS, METRICS
from whetstone_lab.method.policies import AdaptivePolicy
from whetstone_lab.records.trace import Trace
from whetstone_lab.training.decode import SoftmaxDecode
from whetstone_lab.training.layers import SpikingBReLU, SpikingSigmoid, spiking_layers
from whetstone_lab.training.sharpener import Sharpener
from whetstone_lab.training.sharpeners import AdaptiveSharpener, ScheduledSharpener, StepwiseSharpener
from whetstone_lab.view import scenes

SAMPLES, BATCH = 40, 4
BATCHES = SAMPLES // BATCH
RNG = np.random.default_rng(0)
X = RNG.normal(0.5, 1, (SAMPLES, 6)).astype(np.float32)
Y = (X[:, 0] + X[:, 1] > 1).astype(np.int64)


def make_model(layers=2, name="net", **compile_options):
    keras.utils.set_random_seed(1)
    hidden = [part for i in range(layers - 1) for part in (keras.layers.Dense(5), SpikingBReLU(name=f"hidden_{i}"))]
    model = keras.Sequential([keras.layers.Input((6,)), *hidden, keras.layers.Dense(8), SpikingSigmoid(name="top"),
                              SoftmaxDecode(keys.make_key(2, 8))], name=name)
    model.compile("sgd", "sparse_categorical_crossentropy", **compile_options)
    return ready(model)


def fit(model, sharpener, epochs, *others, **options):
    options = {"batch_size": BATCH, "verbose": 0, **options}
    return model.fit(X, Y, epochs=epochs, callbacks=[sharpener, *others], **options)


def rehearse(model, sharpener, epochs, *others, **options):
    """As ``fit``, without the training."""
    through_the_hooks(model, [sharpener, *others], epochs, batches=BATCHES, **options)


def sharpness_of(model):
    return [float(ops.convert_to_numpy(layer.sharpness)) for layer in spiking_layers(model)]


def eager(**parameters):
    """An adaptive sharpener that is through with two layers within some epochs, whatever the loss."""
    parameters = {"min_init_epochs": 1, "rate": 1.0, "cz_rate": 1.0, "patience": 0, "sig_increase": 1e9,
                  "sig_decrease": 1e9, **parameters}
    return AdaptiveSharpener(**parameters)


class Watch(keras.callbacks.Callback):
    """Notes what Keras and the layers have after every batch, independently of the sharpener."""

    def __init__(self):
        super().__init__()
        self.losses, self.rows, self.epoch_logs = [], [], []

    def on_train_batch_end(self, batch, logs=None):
        self.losses.append(logs["loss"])
        self.rows.append(sharpness_of(self.model))

    def on_epoch_end(self, epoch, logs=None):
        self.rows[-1] = sharpness_of(self.model)
        self.epoch_logs.append(dict(logs))


SHARPENERS = {
    "adaptive": eager, "adaptive, uniform": lambda: eager(bottom_up=False),
    "step-wise": lambda: StepwiseSharpener(1, 2), "by batches": lambda: StepwiseSharpener(1, 7, "batch"),
    "scheduled": lambda: ScheduledSharpener([(0.5, 2), (1.25, 3.5)]),
}


# -- the published rule, in real fits ---------------------------------------------------------------------------------


class Side(keras.callbacks.Callback):
    """Lets the rule judge what Keras reports, and compares the layers with it after every batch and every epoch."""

    def __init__(self, rule, rates):
        super().__init__()
        self.rule, self.rates, self.compared = rule, rates, 0

    def on_epoch_begin(self, epoch, logs=None):
        self.model.optimizer.learning_rate = self.rates[epoch]

    def on_train_batch_end(self, batch, logs=None):
        if isinstance(self.rule, PublishedAdaptiveRule):
            self.rule.batch_ended()
        self.compare()

    def on_epoch_end(self, epoch, logs=None):
        self.rule.epoch_ended(*[logs["loss"]] * isinstance(self.rule, PublishedAdaptiveRule))
        self.compare()

    def compare(self):
        self.compared += 1
        assert sharpness_of(self.model) == pytest.approx(self.rule.sharpness, abs=1e-6)


def fit_beside(sharpener, rule, rates):
    """Fits a model beside a rule; the learning rates of its epochs drive the loss up and down."""
    side = Side(rule, rates)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "(This fit is too short|Sharpness stalls)")
        fit(make_model(3), sharpener, len(rates), side)
    assert side.compared == len(rates) * (BATCHES + 1)
    np.testing.assert_allclose(sharpener.trace.sharpness[-1], rule.sharpness, atol=1e-6)


# That it does so whatever the parameters and the losses is a matter of the session, and shown in its tests.


def test_a_real_fit_sharpens_as_the_published_adaptive_rule_after_every_batch():
    parameters = {"min_init_epochs": 2, "rate": 0.8, "cz_rate": 0.3, "critical": 0.6, "first_layer_relative_rate": 1.5,
                  "patience": 0, "sig_increase": 0.02, "sig_decrease": 0.05, "bottom_up": True}
    sharpener, rule = AdaptiveSharpener(**parameters), PublishedAdaptiveRule(3, BATCHES, **parameters)
    fit_beside(sharpener, rule, [0.1, 0.0, 0.0, -0.5, -0.5, 0.1, 0.0, 0.0, 0.0, 0.0])
    assert {event.kind for event in sharpener.trace.events} >= {"start", "stop"}


def test_a_real_fit_sharpens_as_the_published_simple_rule_after_every_batch():
    fit_beside(StepwiseSharpener(1, 2), PublishedSimpleRule(3, 1, 2, True), [0.1] * 8)


# -- the trace --------------------------------------------------------------------------------------------------------


@pytest.mark.every_backend
def test_the_trace_has_a_row_for_every_batch_and_all_that_keras_says_of_every_epoch():
    model, sharpener, watch = make_model(metrics=["accuracy"]), eager(), Watch()
    fit(model, sharpener, 6, watch, validation_data=(X, Y))
    assert_whole(sharpener, watch)
    assert set(sharpener.trace.epoch_logs[0]) == {"loss", "accuracy", "val_loss", "val_accuracy"}


@pytest.mark.parametrize("kind", SHARPENERS)
def test_whatever_the_policy_the_layers_are_what_the_trace_says(kind):
    sharpener, watch = SHARPENERS[kind](), Watch()
    rehearse(make_model(), sharpener, 6, watch)
    assert_whole(sharpener, watch)


def assert_whole(sharpener, watch):
    """The trace of six epochs, against what a watch after the sharpener saw."""
    trace = sharpener.trace
    assert (trace.batches, trace.epochs, trace.status) == (6 * BATCHES, 6, "finished")
    assert trace.layers == ("hidden_0", "top")
    assert trace.curves == ("bounded_relu", "sigmoid")
    assert trace.epoch_ends.tolist() == [BATCHES * (e + 1) for e in range(6)]
    assert trace.epoch_of_batch.tolist() == [e for e in range(6) for _ in range(BATCHES)]
    np.testing.assert_allclose(trace.loss, watch.losses)
    np.testing.assert_allclose(trace.sharpness, watch.rows, atol=1e-7)
    assert sharpness_of(sharpener.model) == [1, 1] == trace.sharpness[-1].tolist()
    assert trace.epoch_logs == [pytest.approx(logs) for logs in watch.epoch_logs]
    assert [state["sharpness"] for state in trace.states] == trace.sharpness[trace.epoch_ends - 1].tolist()
    assert trace.policy == sharpener.policy.config()
    assert trace.meta["batches_per_epoch"] == BATCHES


@pytest.mark.parametrize("kind", SHARPENERS)
def test_layers_get_sharp_one_by_one_with_an_event_after_the_batch_that_did_it(kind):
    sharpener = SHARPENERS[kind]()
    rehearse(make_model(), sharpener, 6)
    trace = sharpener.trace
    sharp = [event for event in trace.events if event.kind == "sharp"]
    for layer in range(2):
        (event,) = [event for event in sharp if event.layer == layer]
        first = int(np.flatnonzero(trace.sharpness[:, layer] == 1)[0])
        assert event.batch == first + 1
        assert event.epoch == trace.epoch_of_batch[first]
        assert event.reason == f"Layer {layer + 1} of 2 is fully sharp."
    assert [event.kind for event in trace.events].count("done") == 1


def test_decisions_come_with_the_numbers_behind_them():
    sharpener = AdaptiveSharpener(min_init_epochs=1, patience=0, sig_decrease=10, sig_increase=1e-9, rate=0.1)
    rehearse(make_model(), sharpener, 4, losses=[1.0, 1.1, 1.3, 1.4])
    started = next(event for event in sharpener.trace.events if event.kind == "start")
    stopped = next(event for event in sharpener.trace.events if event.kind == "stop")
    losses = sharpener.trace.epoch_metric("loss")
    assert (started.epoch, started.batch) == (1, 2 * BATCHES)
    assert "settled" in started.reason
    assert stopped.epoch == 2
    assert stopped.values["loss"] == pytest.approx(losses[2])
    assert stopped.values["change"] == pytest.approx((losses[2] - losses[1]) / losses[1])
    assert f"{stopped.values['change']:.1%}" in stopped.reason


def test_a_trace_that_is_saved_and_loaded_is_the_same(tmp_path):
    sharpener = eager()
    sharpener.probe = X
    rehearse(make_model(), sharpener, 4)
    sharpener.steer(sig_increase=0.5)
    trace = sharpener.trace
    again = Trace.load(trace.save(tmp_path / "run.npz"))
    for name in ("layers", "curves", "policy", "meta", "events", "epoch_logs", "states", "batches", "epochs"):
        assert getattr(again, name) == getattr(trace, name), name
    for name in ("loss", "sharpness", "epoch_of_batch", "epoch_ends", "firing_rates", "histograms", "bins"):
        np.testing.assert_array_equal(getattr(again, name), getattr(trace, name), name)
    json.dumps([trace.policy, trace.meta, trace.states])


def test_subscribers_hear_of_every_batch_on_the_way():
    sharpener, seen = eager(), []
    rehearse(make_model(), sharpener, 1)
    sharpener.trace.subscribe(lambda trace, urgent: seen.append((trace.batches, urgent)))
    rehearse(sharpener.model, sharpener, 1)
    quiet = [batches for batches, urgent in seen if not urgent]
    assert quiet == [BATCHES + 1 + i for i in range(BATCHES)]
    assert seen[0] == (BATCHES, True)  # running
    assert seen[-2:] == [(2 * BATCHES, True), (2 * BATCHES, True)]  # the epoch, and finished


def test_readers_find_what_they_look_for_in_a_real_trace():
    sharpener = eager()
    rehearse(make_model(), sharpener, 3)
    table = scenes.epoch_table(sharpener.trace)
    np.testing.assert_allclose(table["loss"], sharpener.trace.epoch_metric("loss"))
    assert scenes.latest_sharpness(sharpener.trace).tolist() == sharpener.trace.sharpness[-1].tolist()


# -- from fit to fit --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", SHARPENERS)
def test_a_second_fit_carries_on(kind):
    whole, parts = SHARPENERS[kind](), SHARPENERS[kind]()
    model = make_model()
    losses = [1.0, 0.8, 0.9, 0.7, 0.5, 0.6]
    rehearse(make_model(), whole, 6, losses=losses)
    for epochs in (1, 2, 3):
        before = sharpness_of(model)
        rehearse(model, parts, epochs, losses=losses[parts.trace.epochs:])
        assert all(new >= old for new, old in zip(sharpness_of(model), before, strict=True))
    np.testing.assert_allclose(parts.trace.sharpness, whole.trace.sharpness, atol=1e-6)
    np.testing.assert_allclose(parts.trace.loss, whole.trace.loss, rtol=1e-5)
    assert parts.trace.epoch_of_batch.tolist() == whole.trace.epoch_of_batch.tolist()
    assert [event.kind for event in parts.trace.events] == [event.kind for event in whole.trace.events]


def test_a_model_that_is_sharp_in_part_stays_so_with_a_new_sharpener():
    model, sharpener = make_model(), eager(rate=0.1)
    spiking_layers(model)[0].set_sharpness(1.0)
    rehearse(model, sharpener, 4)
    assert sharpener.trace.sharpness[:, 0].tolist() == [1.0] * (4 * BATCHES)
    assert 0 < sharpness_of(model)[1] < 1


@pytest.mark.every_backend
def test_sharpness_set_by_hand_between_fits_is_where_it_goes_on():
    model, sharpener = make_model(), eager()
    fit(model, sharpener, 4)
    assert sharpness_of(model) == [1, 1]
    spiking_layers(model)[1].set_sharpness(0.25)
    fit(model, sharpener, 1)
    assert sharpener.trace.sharpness[4 * BATCHES, 1] == 0.25
    fit(model, sharpener, 3)
    assert sharpness_of(model) == [1, 1]


def test_another_model_starts_anew():
    sharpener = eager()
    rehearse(make_model(name="one"), sharpener, 4)
    old = sharpener.trace
    rehearse(make_model(3, name="other"), sharpener, 1)
    assert old.batches == 4 * BATCHES
    assert sharpener.trace is not old
    assert sharpener.trace.layers == ("hidden_0", "hidden_1", "top")
    assert sharpener.trace.sharpness.tolist() == [[0, 0, 0]] * BATCHES


def test_a_file_of_a_model_holds_no_run_of_another():
    one, other, sharpener = make_model(name="one"), make_model(name="other"), eager()
    kept = []
    for model in (one, other):
        sharpener.attach(model)
        kept.append([])
        for former in (one, other):
            store = {}
            spiking_layers(former)[0].save_own_variables(store)
            kept[-1].append("sharpener_facts" in store)
    assert kept == [[True, False], [False, True]]


@pytest.mark.parametrize(("polish", "epochs"), [(0, 4), (1, 5), (2, 6), (None, 8)])
def test_polishing_takes_whole_epochs_after_the_last_layer_is_sharp(polish, epochs):
    # The loss only starts things: epoch 0 sets the reference, 1 starts, 2 and 3 sharpen a layer each.
    sharpener = eager(sig_decrease=1e9)
    sharpener.polish_epochs = polish
    model = make_model()
    rehearse(model, sharpener, 8)
    assert sharpener.trace.epochs == epochs
    assert sharpness_of(model) == [1, 1]
    # In another fit it counts anew; one epoch is the least that Keras trains.
    rehearse(model, sharpener, 3)
    assert sharpener.trace.epochs == epochs + min(max(3 if polish is None else polish, 1), 3)


@pytest.mark.parametrize(("by", "polish", "epochs"), [("epoch", 1, 4), ("batch", 0, 2), ("batch", 1, 3)])
def test_polishing_starts_after_the_epoch_of_the_last_step(by, polish, epochs):
    sharpener = StepwiseSharpener(1, 2, by, bottom_up=False, polish_epochs=polish)
    rehearse(make_model(), sharpener, 6)
    assert sharpener.trace.epochs == epochs


# -- ways to train ----------------------------------------------------------------------------------------------------


@pytest.mark.every_backend
@only_on("tensorflow", "jax", why="Keras refuses several steps per execution")
@pytest.mark.parametrize("together", [3, 20])
def test_steps_per_execution_counts_the_batches_there_are(together):
    model, sharpener = make_model(steps_per_execution=together), StepwiseSharpener(1, 7, "batch")
    fit(model, sharpener, 3)
    assert sharpener.trace.epoch_ends.tolist() == [BATCHES, 2 * BATCHES, 3 * BATCHES]
    alone = StepwiseSharpener(1, 7, "batch")
    rehearse(make_model(), alone, 3)
    assert np.array_equal(sharpener.trace.sharpness, alone.trace.sharpness)
    assert sharpness_of(model) == pytest.approx(alone.trace.sharpness[-1].tolist())


@pytest.mark.parametrize("kind", ["adaptive", "by batches", "scheduled"])
def test_an_unknown_number_of_batches_is_learnt(kind):
    tf = pytest.importorskip("tensorflow", reason="its datasets of unknown length")

    data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(BATCH).filter(lambda x, y: True)  # of unknown length
    known, unknown = SHARPENERS[kind](), SHARPENERS[kind]()
    rehearse(make_model(), known, 5)
    with pytest.warns(UserWarning, match="ran out of data"):
        make_model().fit(data, epochs=5, callbacks=[unknown], verbose=0)
    assert unknown.trace.epoch_ends.tolist() == known.trace.epoch_ends.tolist()
    # Only in the first epoch may it matter, and nothing but the schedule sharpens there.
    assert np.array_equal(unknown.trace.sharpness[BATCHES - 1:], known.trace.sharpness[BATCHES - 1:])


def test_an_epoch_that_is_cut_short_does_not_tell_how_many_batches_there_are():
    tf = pytest.importorskip("tensorflow", reason="its datasets of unknown length")

    class Cut(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 1

    data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(BATCH).filter(lambda x, y: True)
    model, sharpener = make_model(), AdaptiveSharpener(min_init_epochs=1, patience=0, rate=0.2)
    model.fit(data, epochs=1, callbacks=[sharpener, Cut()], verbose=0)
    assert sharpener.trace.epoch_ends.tolist() == [2]
    assert sharpener.state.batches is None
    model.fit(data, epochs=3, callbacks=[sharpener], verbose=0)
    assert sharpener.state.batches == BATCHES


@pytest.mark.every_backend
@only_on("tensorflow", "jax", why="it traces nothing")
def test_sharpness_changes_in_a_fit_without_retracing():
    class Counting(keras.layers.Layer):
        calls = 0

        def call(self, inputs):
            Counting.calls += 1
            return inputs

    model = keras.Sequential([keras.layers.Input((6,)), Counting(), keras.layers.Dense(8), SpikingBReLU(),
                              SoftmaxDecode(keys.make_key(2, 8))])
    model.compile("sgd", "sparse_categorical_crossentropy")
    counts = []
    sharpener = StepwiseSharpener(0, 30, "batch")
    fit(model, sharpener, 3, keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: counts.append(Counting.calls)))
    assert len(counts) == 3 * BATCHES == len(np.unique(sharpener.trace.sharpness))
    assert len(set(counts)) == 1


@pytest.mark.every_backend
@only_on("tensorflow", "torch", why="the trainer itself writes to every weight")
def test_a_layer_is_written_to_only_when_its_sharpness_changes(monkeypatch):
    model, sharpener = make_model(), StepwiseSharpener(1, 2, bottom_up=False)
    written = []
    monkeypatch.setattr("whetstone_lab.training.sharpness.scalar_setter",
                        lambda variable: lambda value: (written.append(value), variable.assign(value)))
    rehearse(model, sharpener, 5)
    assert written == [0.5, 0.5, 1.0, 1.0]


# -- the probe --------------------------------------------------------------------------------------------------------


@pytest.mark.every_backend
def test_a_probe_sees_histograms_and_firing_rates():
    probe = X[:17]
    model = make_model()
    sharpener = StepwiseSharpener(1, 1, probe=probe)
    weights = []
    fit(model, sharpener, 3, keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: weights.append([ops.convert_to_numpy(weight) for weight in model.weights])))
    trace = sharpener.trace
    np.testing.assert_allclose(trace.histograms.sum(axis=-1), 1, atol=1e-6)
    assert np.array_equal(trace.bins, HISTOGRAM_BINS)
    for epoch, (kernel, bias, _, kernel2, bias2, _) in enumerate(weights):
        first, second = trace.states[epoch]["sharpness"]
        pre = probe @ kernel + bias
        hidden = curves.bounded_relu(pre, first)
        top = curves.sigmoid(hidden @ kernel2 + bias2, second)
        np.testing.assert_allclose(trace.firing_rates[epoch], [hidden.mean(), top.mean()], atol=2e-3)
        # Shares of the bins, one by one; what lies outside belongs to the outer bins.
        found = [np.clip(np.digitize(value, HISTOGRAM_BINS) - 1, 0, len(HISTOGRAM_BINS) - 2) for value in pre.ravel()]
        expected = [found.count(i) / len(found) for i in range(len(HISTOGRAM_BINS) - 1)]
        assert np.abs(trace.histograms[epoch, 0] - expected).sum() <= 4 / pre.size  # two may fall across an edge


@pytest.mark.every_backend
def test_a_probe_does_not_change_what_is_learnt():
    models = [make_model(), make_model()]
    for model, probe in zip(models, (None, X), strict=True):
        keras.utils.set_random_seed(5)
        fit(model, StepwiseSharpener(1, 2, probe=probe), 3)
    for one, other in zip(models[0].get_weights(), models[1].get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


def test_without_a_probe_rates_are_unknown_and_there_are_no_histograms():
    sharpener = eager()
    rehearse(make_model(), sharpener, 2)
    assert np.isnan(sharpener.trace.firing_rates).all()
    assert sharpener.trace.histograms.shape == (2, 2, 0)


@pytest.mark.every_backend
def test_a_probe_tells_dead_neurons_saturation_and_the_flow_of_the_gradient():
    model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(4), SpikingBReLU(surrogate_width=0.5),
                              keras.layers.Dense(2), SpikingSigmoid(surrogate_width=None), keras.layers.Dense(1)])
    # Four neurons: never, always, on the way, and both.
    model.layers[0].set_weights([np.array([[0.1, 0.1, 1.0, 100.0]]), np.array([-3.0, 3.0, 0.0, -50.0])])
    model.layers[2].set_weights([np.array([[0, 0], [0, 0], [0, 0], [40, 0]]), np.array([-20.0, 0.0])])
    probe = np.linspace(0.05, 0.95, 10)[:, None]
    sharpener = StepwiseSharpener(9, probe=probe)
    rehearse(model, sharpener, 1)
    metrics = {name: sharpener.trace.layer_metric(name)[0].tolist() for name in METRICS}
    # The first layer lets a tenth or more through within 1.5 / pi of its threshold, where the third neuron is for all
    # ten inputs. The second layer is steep at 0 alone.
    assert metrics == {name: pytest.approx(values) for name, values in {
        "never_firing": [0.25, 0.0], "always_firing": [0.25, 0.0], "saturation": [0.75, 0.5],
        "gradient_flow": [0.25, 0.5]}.items()}
    assert not sharpener.trace.events


@pytest.mark.every_backend
def test_in_a_sharp_layer_the_gradient_flows_within_the_blurred_step_alone():
    for width, flow in ((0.25, 0.5), (1.0, 1.0), (None, 0.0)):
        model = keras.Sequential([keras.layers.Input((1,)), SpikingBReLU(1.0, surrogate_width=width)])
        probe = np.linspace(0.025, 0.975, 20)[:, None]
        sharpener = StepwiseSharpener(9, probe=probe)
        rehearse(model, sharpener, 1)
        assert sharpener.trace.layer_metric("gradient_flow")[0].tolist() == pytest.approx([flow])
        assert sharpener.trace.layer_metric("saturation")[0].tolist() == [1]


@pytest.mark.every_backend
def test_the_neurons_of_a_convolution_are_its_feature_maps():
    model = keras.Sequential([keras.layers.Input((6, 6, 1)), keras.layers.Conv2D(2, 3), SpikingBReLU(1.0)])
    kernel = np.zeros((3, 3, 1, 2))
    kernel[1, 1] = 1  # one map fires where the picture is bright, however seldom, the other nowhere
    model.layers[0].set_weights([kernel, np.array([0.0, -9.0])])
    picture = np.zeros((3, 6, 6, 1))
    picture[0, 2, 2] = 1
    sharpener = StepwiseSharpener(9, probe=picture)
    rehearse(model, sharpener, 1)
    assert sharpener.trace.layer_metric("never_firing").tolist() == [[0.5]]


def test_a_layer_that_dies_is_warned_of_once():
    model, sharpener = make_model(), StepwiseSharpener(9, probe=X)
    rehearse(model, sharpener, 2)
    assert not sharpener.trace.events
    hidden = model.layers[0]
    hidden.set_weights([hidden.get_weights()[0] * 0, np.full(5, -4.0)])
    with pytest.warns(UserWarning, match="Layer 1 of 2 is dead: on the whole probe 100% of its neurons never fire"):
        rehearse(model, sharpener, 2)
    (event,) = sharpener.trace.events
    assert (event.kind, event.layer, event.epoch) == ("warning", 0, 2)


def test_sharpness_that_stalls_is_warned_of_once():
    sharpener = AdaptiveSharpener(min_init_epochs=1, rate=0.1, patience=0, sig_decrease=1e9, sig_increase=1e-9)
    model = make_model()
    rehearse(model, sharpener, 4)
    assert 0 < sharpener.trace.sharpness[-1, 0] < 1
    sharpener.steer(patience=99, sig_increase=1e-9)
    with pytest.warns(UserWarning, match=r"Sharpness stalls: nothing has changed for 10 epochs, and layer 1 of 2 stan"):
        rehearse(model, sharpener, 20, losses=[1.1])  # it rises: sharpening stops, and then waits long
    assert [event.kind for event in sharpener.trace.events].count("warning") == 1


# -- steering ---------------------------------------------------------------------------------------------------------


def test_steering_changes_the_policy_and_the_trace_notes_who_did_it():
    sharpener = AdaptiveSharpener()
    sharpener.steer(rate=0.5)  # before anything: it is simply the policy
    assert sharpener.trace.events == []
    rehearse(make_model(), sharpener, 1)
    heard = []
    sharpener.trace.subscribe(lambda trace, urgent: heard.append(urgent))
    sharpener.steer(sig_increase=0.3, patience=1)
    assert sharpener.policy == AdaptivePolicy(rate=0.5, sig_increase=0.3)
    (event,) = sharpener.trace.events  # patience was 1 before
    assert (event.kind, event.batch, event.epoch) == ("threshold", BATCHES, 1)
    assert event.values == {"name": "sig_increase", "old": 0.15, "new": 0.3, "by": "hand"}
    assert event.reason == "sig_increase changed from 0.15 to 0.3 by hand."
    assert heard == [True]
    assert sharpener.trace.thresholds_at(BATCHES)["sig_increase"] == 0.3
    assert sharpener.trace.thresholds_at(BATCHES - 1)["sig_increase"] == 0.15
    sharpener.steer(by="a test", sig_decrease=0.2)
    assert sharpener.trace.events[-1].values["by"] == "a test"


@pytest.mark.parametrize(("parameters", "words"), [
    ({"pace": 3}, r"parameters of the adaptive policy among .* got \['pace'\]"),
    ({"rate": 0.3, "sig_increase": -1}, r"sig_increase to be a number in \(0, inf\); got -1")])
def test_steering_that_cannot_be_changes_nothing(parameters, words):
    sharpener = AdaptiveSharpener()
    rehearse(make_model(), sharpener, 1)
    with pytest.raises(ValueError, match=words):
        sharpener.steer(**parameters)
    assert sharpener.policy == AdaptivePolicy()
    assert sharpener.trace.events == []


def test_a_schedule_is_not_steered_to_another_number_of_layers():
    sharpener = ScheduledSharpener()
    rehearse(make_model(), sharpener, 1)
    with pytest.raises(ValueError, match="for each of the 2 spiking layers; got one for 1"):
        sharpener.steer(schedule=[(0, 1)])
    sharpener.steer(schedule=[(0, 1), (1, 2)])
    assert sharpener.policy.schedule == ((0, 1), (1, 2))


# -- rolling back ------------------------------------------------------------------------------------------------------


class Meddle(keras.callbacks.Callback):
    """Makes an epoch look bad to the callbacks after it, and keeps the weights of the network after every epoch."""

    def __init__(self, bad):
        super().__init__()
        self.bad, self.weights = bad, []

    def on_epoch_end(self, epoch, logs=None):
        self.weights.append([layer.get_weights() for layer in self.model.layers if layer.name.startswith("dense")])
        if epoch in self.bad:
            logs["loss"] *= 10


def assert_equal_weights(ones, others):
    for one, other in zip(ones, others, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.every_backend
@pytest.mark.filterwarnings("ignore:Rolled back")
def test_a_step_that_breaks_the_network_is_taken_back_and_a_smaller_one_is_tried():
    model, meddle = make_model(), Meddle([3])
    sharpener = StepwiseSharpener(1, 2, bottom_up=False, roll_back=0.5)
    states = []
    after = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: states.append(
        ([layer.get_weights() for layer in model.layers if layer.name.startswith("dense")], sharpness_of(model))))
    model.optimizer.learning_rate = 1e-3
    fit(model, meddle, 5, sharpener, after)
    # Epoch 1 ended with a step to 0.5, 2 with one to 1; in 3 the network broke.
    assert [sharpness for _, sharpness in states[:4]] == [[0, 0], [0.5, 0.5], [1, 1], [0.5, 0.5]]
    assert_equal_weights(states[3][0], meddle.weights[2])
    assert sharpener.policy.steps == 4
    assert states[4][1] == [0.75, 0.75]
    changed, said = [event for event in sharpener.trace.events if event.epoch == 3]
    assert (changed.kind, changed.values["by"], changed.values["new"]) == ("threshold", "the roll-back", 4)
    assert "Rolled back: loss was" in said.reason
    assert said.values["rolled_back"] is True
    assert sharpener.trace.epochs == 5


def test_a_rise_of_the_loss_without_a_step_is_no_break():
    sharpener = StepwiseSharpener(9, roll_back=0.5)
    rehearse(make_model(), sharpener, 3, losses=[1.0, 10.0, 1.0])
    assert not sharpener.trace.events


@pytest.mark.every_backend
@pytest.mark.filterwarnings("ignore:(Rolled back|The loss became)")
@pytest.mark.parametrize("spoilt", [0, 2])
def test_weights_that_are_no_numbers_any_more_are_restored_with_the_moments_of_the_optimizer(spoilt):
    model, sharpener = make_model(), eager(roll_back=0.5)
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
    spoil = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: setattr(
        model.optimizer, "learning_rate", math.nan if epoch == spoilt else 1e-3))
    fit(model, sharpener, 5, spoil)
    assert np.flatnonzero(np.isnan(sharpener.trace.epoch_metric("loss"))).tolist() == [spoilt]
    assert all(np.isfinite(ops.convert_to_numpy(weight)).all() for weight in model.optimizer.variables)
    assert sharpener.policy.rate == 0.5
    before = sharpener.trace.sharpness[spoilt * BATCHES - 1].tolist() if spoilt else [0, 0]
    assert sharpener.trace.sharpness[(spoilt + 1) * BATCHES - 1].tolist() == before


def test_only_what_can_take_smaller_steps_rolls_back():
    with pytest.raises(ValueError, match=r"smaller steps to roll back with, adaptive or stepwise; got a scheduled one"):
        ScheduledSharpener(roll_back=0.5)
    with pytest.raises(ValueError, match="roll_back to be a positive number or None; got 0"):
        AdaptiveSharpener(roll_back=0)


# -- warnings, words and errors ---------------------------------------------------------------------------------------


def test_a_loss_that_is_no_number_is_warned_of_and_noted(tmp_path):
    sharpener = eager()
    with pytest.warns(UserWarning, match="The loss of the epoch is nan: it is left out of account"):
        rehearse(make_model(), sharpener, 2, losses=[math.nan])
    assert [event.kind for event in sharpener.trace.events] == ["warning"] * 3  # at the batch, and at both epochs
    assert sharpener.trace.events[0].reason.startswith("The loss became nan in batch ")
    assert np.isnan(Trace.load(sharpener.trace.save(tmp_path / "nan.npz")).epoch_metric("loss")).all()


def test_verbose_prints_every_decision(capsys):
    sharpener = eager()
    sharpener.verbose = 1
    rehearse(make_model(), sharpener, 4)
    printed = capsys.readouterr().out
    for event in sharpener.trace.events:
        assert f"Epoch {event.epoch + 1}: {event.reason}" in printed
    assert "Layer 1 of 2 is fully sharp." in printed


def test_a_monitor_that_is_not_there_ends_the_fit_at_the_first_batch():
    sharpener = AdaptiveSharpener(monitor="los")
    with pytest.raises(ValueError, match=r"monitored value 'los' among Keras's logs; got \['loss'\]"):
        rehearse(make_model(), sharpener, 3)
    assert sharpener.trace.batches == 0


def test_a_metric_of_the_validation_data_can_be_judged_too():
    sharpener = eager(monitor="val_loss")
    rehearse(make_model(), sharpener, 3, val_loss=0.75)
    assert sharpener.trace.states[-1]["reference"] == 0.75
    assert sharpener.trace.meta["monitor"] == "val_loss"
    with pytest.raises(ValueError, match=r"monitored value 'val_loss' among Keras's logs"):
        rehearse(make_model(), AdaptiveSharpener(monitor="val_loss"), 3)


def test_a_model_without_spiking_layers_is_refused_before_training():
    model = keras.Sequential([keras.layers.Input((6,)), keras.layers.Dense(2, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    weights = model.get_weights()
    with pytest.raises(ValueError, match="at least one spiking layer"):
        fit(model, AdaptiveSharpener(), 1)
    assert all(np.array_equal(old, new) for old, new in zip(weights, model.get_weights(), strict=True))


def test_a_policy_that_does_not_fit_is_refused_before_training():
    with pytest.raises(ValueError, match="for each of the 2 spiking layers; got one for 3"):
        fit(make_model(), ScheduledSharpener([(0, 1)] * 3), 1)


def test_a_fit_that_is_too_short_to_sharpen_every_layer_is_warned_of_as_it_starts():
    def make():
        return ScheduledSharpener([(0, 1), (2, 3.5)])

    model, sharpener, trained, least = make_model(), make(), [], 4
    count = keras.callbacks.LambdaCallback(on_train_batch_begin=lambda batch, logs: trained.append(batch))

    words = rf"too short to sharpen every layer: it has 3 epochs, and the \w+ policy takes at least {least} from here"
    with warnings.catch_warnings():
        warnings.filterwarnings("error", ".*too short")
        with pytest.raises(UserWarning, match=words):
            fit(model, sharpener, 5, count, initial_epoch=2)
        assert not trained
        rehearse(model, make(), least)  # long enough, and it is
        assert sharpness_of(model) == [1, 1]
        rehearse(model, make(), 1)  # there is nothing to sharpen


def test_a_fit_that_carries_on_is_not_warned_of_for_being_short():
    model, sharpener = make_model(), StepwiseSharpener(1, 2)
    with pytest.warns(UserWarning, match="it has 1 epoch, and the stepwise policy takes at least 5"):
        rehearse(model, sharpener, 1)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", ".*too short")
        rehearse(model, sharpener, 1)
    assert not sharpener.trace.events
    with pytest.warns(UserWarning, match="takes more than 103 from here"):
        rehearse(make_model(), StepwiseSharpener(200), 3)


def test_of_a_fit_too_long_to_look_ahead_nothing_is_foretold(monkeypatch):
    monkeypatch.setattr("whetstone_lab.training.diagnostics.FORESEEN", 2)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", ".*too short")
        rehearse(make_model(), StepwiseSharpener(200), 3)


@pytest.mark.parametrize("polish", [-1, 1.5, "all"])
def test_polish_epochs_must_be_a_count(polish):
    with pytest.raises(ValueError, match="Expected polish_epochs to be an integer of at least 0 or None; got"):
        AdaptiveSharpener(polish_epochs=polish)


def test_the_three_sharpeners_hand_their_arguments_to_their_policies():
    parameters = {"min_init_epochs": 2, "rate": 0.3, "cz_rate": 0.2, "critical": 0.6, "first_layer_relative_rate": 2.0,
                  "patience": 3, "sig_increase": 0.1, "sig_decrease": 0.05, "bottom_up": False}
    assert AdaptiveSharpener(**parameters).policy.config() == {"name": "adaptive", **parameters}
    assert AdaptiveSharpener(*parameters.values()).policy.config() == {"name": "adaptive", **parameters}
    steps = {"start_epoch": 1, "steps": 2, "by": "batch", "bottom_up": False}
    assert StepwiseSharpener(**steps).policy.config() == {"name": "stepwise", **steps}
    times = {"schedule": ((1.0, 2.0),), "start_epoch": 1, "duration": 2, "intermission": 3}
    assert ScheduledSharpener(**times).policy.config() == {"name": "scheduled", **times}
    assert isinstance(Sharpener(AdaptivePolicy()), keras.callbacks.Callback)


def test_a_metric_that_should_rise_is_judged_by_what_it_was_compiled_as():
    model, sharpener = make_model(1, run_eagerly=True), AdaptiveSharpener(min_init_epochs=1, monitor="area")
    model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=True,
                  metrics=[keras.metrics.SparseCategoricalAccuracy(name="area")])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "This fit is too short")
        fit(model, sharpener, 1)
    assert sharpener.session.quantity == Quantity("area", "max")
    assert (sharpener.trace.meta["monitor"], sharpener.trace.meta["mode"]) == ("area", "max")


def test_a_rise_of_an_accuracy_stops_nothing_and_a_fall_does():
    sharpener = AdaptiveSharpener(min_init_epochs=1, monitor="accuracy", patience=0)
    sharpener.attach(make_model(1), batches=1)
    for accuracy in (0.2, 0.2, 0.2, 0.5, 0.9, 0.6):
        sharpener.step(1.0, accuracy=accuracy, for_each_class=np.ones(3))
    stops = [event for event in sharpener.trace.events if event.kind == "stop"]
    assert [event.epoch for event in stops] == [5]
    assert stops[0].reason.startswith("The accuracy fell by 33.3%")
    assert sharpener.trace.epoch_logs[0] == {"loss": 1.0, "accuracy": 0.2}


def test_roll_back_takes_back_a_fall_of_an_accuracy_and_can_be_set_later():
    model, sharpener = make_model(1), StepwiseSharpener(0, 4, by="batch", monitor="accuracy")
    sharpener.attach(model, batches=1)
    sharpener.step(1.0, accuracy=0.5)
    sharpener.roll_back = 0.2
    sharpener.step(1.0, accuracy=0.1)  # no weights were kept as this epoch began: nothing can be taken back
    assert not [event for event in sharpener.trace.events if event.values.get("rolled_back")]
    sharpener.step(1.0, accuracy=0.9)
    before = sharpness_of(model)
    sharpener.step(1.0, accuracy=0.6)
    (event,) = [event for event in sharpener.trace.events if event.values.get("rolled_back")]
    assert event.reason.startswith("Rolled back: accuracy was 0.6 after 0.9.")
    assert sharpness_of(model) == before
    assert sharpener.roll_back == 0.2
    with pytest.raises(ValueError, match="roll_back to be a positive number"):
        sharpener.roll_back = -1


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda item: pickle.loads(pickle.dumps(item))])
def test_a_copy_of_a_sharpener_at_work_has_its_run_and_no_model(copied):
    model, sharpener = make_model(1), StepwiseSharpener(0, 4, by="batch", roll_back=0.5)
    sharpener.attach(model, batches=2)
    sharpener.step(1.0)
    sharpener.driver = threading.current_thread()
    other = copied(sharpener)
    assert (other.driver, other.model, other.roll_back) == (None, None, 0.5)
    assert (other.trace.status, other.trace.batches, other.state) == ("stopped", 1, sharpener.session.state)
    other.attach(make_model(1), batches=2)
    other.step(1.0)
    assert sharpness_of(model) == [0.25], "the copy has nothing to do with the model of the first"
    assert (sharpener.trace.status, sharpener.trace.batches) == ("running", 1)
