"""Models and weights that earlier versions saved load for good, predict what they did, and go on in mid-run."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

import whetstone_lab as wl

HERE = Path(__file__).parent

#: Of the runs in make.py: samples in a batch, batches in an epoch, epochs in all, and when they were saved.
BATCH, BATCHES, EPOCHS, SAVED = 4, 8, 7, 4


def arrays_of(name):
    with np.load(HERE / name) as arrays:
        return dict(arrays)


def values_of(name):
    return json.loads((HERE / name).read_text(encoding="utf-8"))


def load(path):
    _ = wl.SpikingBReLU, wl.WhetstoneOptimizer  # so that Keras knows the names in the file
    return keras.models.load_model(path)


def predict(model, inputs):
    return model.predict(inputs, verbose=0)


def fit(model, sharpener, initial_epoch, folder="0.1.0"):
    data = arrays_of(f"{folder}/training.npz")
    model.fit(data["x"], data["y"], callbacks=[sharpener], batch_size=BATCH, shuffle=False, verbose=0, epochs=EPOCHS,
              initial_epoch=initial_epoch)


def assert_same_columns(trace, expected, trained=0):
    """The trace of a run: what was in the file exactly, what came after the first ``trained`` batches to rounding."""
    for name in ("sharpness", "epoch_of_batch", "epoch_ends"):
        np.testing.assert_array_equal(getattr(trace, name), expected[name], name)
    assert list(trace.layers) == expected["layers"]
    assert list(trace.curves) == expected["curves"]
    decided = [[(event.batch, event.epoch, event.kind, event.layer) for event in trace.events],
               [(event["batch"], event["epoch"], event["kind"], event["layer"]) for event in expected["events"]]]
    assert decided[0] == decided[1]
    np.testing.assert_array_equal(trace.loss[:trained], expected["loss"][:trained])
    np.testing.assert_allclose(trace.loss, expected["loss"], rtol=1e-4)
    for name in ("firing_rates", "histograms"):
        np.testing.assert_allclose(getattr(trace, name), expected[name], rtol=1e-4, atol=1e-6, err_msg=name)


def assert_final_weights(model, expected):
    for number, weight in enumerate(model.weights):
        np.testing.assert_allclose(ops.convert_to_numpy(weight), expected[f"final_{number}"], rtol=1e-3, atol=1e-5)


@pytest.mark.every_backend
def test_a_sharp_model_predicts_and_spikes_as_it_did(old_file):
    model = load(old_file("0.1.0/sharp.keras"))
    assert [type(layer).__name__ for layer in wl.spiking_layers(model)] == [
        "SpikingBReLU", "SpikingSigmoid", "SpikingBReLU"]
    assert [float(ops.convert_to_numpy(layer.sharpness)) for layer in wl.spiking_layers(model)] == [1, 1, 1]
    assert [layer.surrogate_width for layer in wl.spiking_layers(model)] == [2, 2, None]
    expected = arrays_of("0.1.0/sharp.expected.npz")
    predicted = arrays_of("0.1.0/sharp.predicted.npz")["predicted"]
    np.testing.assert_allclose(predict(model, expected["inputs"]), predicted, rtol=1e-5, atol=1e-6)
    record = wl.run(wl.convert(model), expected["inputs"])
    for name in ("sample", "step", "layer", "neuron", "votes", "classes"):
        np.testing.assert_array_equal(getattr(record, name), expected[name], name)


@pytest.mark.every_backend
def test_a_soft_model_keeps_its_sharpness_and_options(old_file):
    model, expected = load(old_file("0.1.0/soft.keras")), arrays_of("0.1.0/soft.expected.npz")
    sharpness = [float(ops.convert_to_numpy(layer.sharpness)) for layer in wl.spiking_layers(model)]
    np.testing.assert_array_equal(sharpness, expected["sharpness"])
    assert sharpness == [0.125, 0.75]
    assert wl.spiking_layers(model)[-1].surrogate_width == 1.5
    assert model.layers[-1].temperature == 1.0
    np.testing.assert_allclose(predict(model, arrays_of("0.1.0/training.npz")["x"]), expected["predicted"], rtol=1e-5,
                               atol=1e-6)


def attached(model, folder):
    """A sharpener on a model saved after four epochs, once all is as it was when it was saved."""
    expected, arrays = values_of(f"{folder}/mid_run.expected.json"), arrays_of(f"{folder}/mid_run.expected.npz")
    x = arrays_of(f"{folder}/training.npz")["x"]
    np.testing.assert_allclose(predict(model, x), arrays["predicted"], rtol=1e-5, atol=1e-6)
    sharpener = wl.AdaptiveSharpener(1, 0.6, 0.3, patience=0, sig_increase=0.01, sig_decrease=0.5, probe=x[:9])
    sharpener.attach(model)
    assert sharpener.state.asdict() == expected["state"]
    assert sharpener.state.epoch == SAVED
    assert sharpener.policy.config() == expected["policy"]
    assert sharpener.policy.rate == 0.7  # as it was steered on the way
    assert_same_columns(sharpener.trace, expected["trace"], SAVED * BATCHES)
    for name in ("never_firing", "gradient_flow"):
        known = expected["trace"].get("layer_metrics", {name: np.full((SAVED, 2), np.nan)})[name]
        np.testing.assert_array_equal(sharpener.trace.layer_metric(name), np.float32(known))
    return sharpener


def test_a_run_saved_midway_goes_on_as_if_it_had_not_been_interrupted(old_file):
    model = load(old_file("0.1.0/mid_run.keras"))
    sharpener = attached(model, "0.1.0")
    fit(model, sharpener, SAVED)
    whole = values_of("0.1.0/mid_run.expected.json")["trace_of_the_whole_run"]
    assert_same_columns(sharpener.trace, whole, SAVED * BATCHES)
    assert [event["kind"] for event in whole["events"] if event["epoch"] >= SAVED] == [
        "sharp", "improve", "stop", "start"]
    assert_final_weights(model, arrays_of("0.1.0/mid_run.expected.npz"))


def test_a_run_saved_by_the_first_version_that_could_goes_on(old_file):
    """Its files lack the metrics of layers and what a roll-back asks for; its layers had another gradient."""
    model = load(old_file("resume/mid_run.keras"))
    sharpener = attached(model, "resume")
    before = sharpener.trace.sharpness.copy()
    fit(model, sharpener, SAVED, "resume")
    trace = sharpener.trace
    assert trace.epoch_ends.tolist() == [BATCHES * (epoch + 1) for epoch in range(EPOCHS)]
    np.testing.assert_array_equal(trace.sharpness[: len(before)], before)
    assert (np.diff(trace.sharpness, axis=0) >= 0).all()
    assert trace.sharpness[-1, 0] > before[-1, 0] or trace.sharpness[-1, 1] > before[-1, 1]
    assert np.isnan(trace.layer_metric("saturation")).all(axis=1).tolist() == [True] * SAVED + [False] * 3


def test_an_average_of_weights_saved_midway_goes_on(old_file):
    model, expected = load(old_file("0.1.0/mid_average.keras")), arrays_of("0.1.0/mid_average.expected.npz")
    x = arrays_of("0.1.0/training.npz")["x"]
    assert model.optimizer.averaged == expected["averaged"] > 0
    np.testing.assert_allclose(predict(model, x), expected["predicted"], rtol=1e-5, atol=1e-6)
    model.optimizer.swap()
    by_average = predict(model, x)
    model.optimizer.swap()
    np.testing.assert_allclose(by_average, expected["predicted_by_the_average"], rtol=1e-5, atol=1e-6)
    assert np.abs(by_average - expected["predicted"]).max() > 0.01
    fit(model, wl.StepwiseSharpener(0, 1, bottom_up=False), SAVED)
    assert_final_weights(model, expected)


def test_weights_saved_within_an_epoch_are_where_it_is_trained_again(old_file):
    model = keras.Sequential([
        keras.layers.Input((6,)), keras.layers.Dense(5), wl.SpikingBReLU(name="low"), keras.layers.Dropout(1e-9),
        keras.layers.Dense(8), wl.SpikingSigmoid(name="high"), wl.SoftmaxDecode(wl.make_key(2, 8))])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.load_weights(old_file("0.1.0/mid_epoch.weights.h5"))
    expected, x = values_of("0.1.0/mid_epoch.weights.expected.json"), arrays_of("0.1.0/training.npz")["x"]
    predicted = arrays_of("0.1.0/mid_epoch.weights.expected.npz")["predicted"]
    np.testing.assert_allclose(predict(model, x), predicted, rtol=1e-5, atol=1e-6)
    sharpener = wl.StepwiseSharpener(1, 9, "batch")
    sharpener.attach(model)
    assert sharpener.state.asdict() == expected["state"]
    assert (sharpener.state.epoch, sharpener.state.batch) == (1, 3)
    assert_same_columns(sharpener.trace, expected["trace"], len(expected["trace"]["loss"]))
    fit(model, sharpener, 1)
    whole = expected["trace_of_the_whole_run"]
    for name in ("sharpness", "epoch_of_batch", "epoch_ends"):
        np.testing.assert_array_equal(getattr(sharpener.trace, name), whole[name], name)
    assert [event.kind for event in sharpener.trace.events] == [event["kind"] for event in whole["events"]]
