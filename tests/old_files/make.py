"""Writes the files of one version, with what must come out when they are loaded. No test runs this.

Files that were written once must load for good, so they are never written again: a change of a format, or a new kind
of file, gets a folder of its own beside these. ``facts.json`` in each folder says which version wrote it.

    python tests/old_files/make.py today 0.1.0     all kinds of files, as version 0.1.0 writes them
    python tests/old_files/make.py first first     trace, record and network of the first format: at commit 52fbb56
    python tests/old_files/make.py resume resume   the first checkpoint with a sharpener's memory: at commit 9071903

Files in HDF5 are kept gzipped. Weights are multiples of 1/8 wherever spikes are compared, so that all sums are exact
and a tie is a tie.
"""

from __future__ import annotations

import gzip
import json
import math
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
from whetstone_lab.trace import Trace

import whetstone_lab
from whetstone_lab import keys
from whetstone_lab.simulator import Network, run
from whetstone_lab.simulator import operations as ops

HERE = Path(__file__).parent
KEY = np.array([[1, 1, 0, 0, 1, 0], [0, 0, 1, 1, 0, 1], [1, 0, 1, 0, 0, 1]])
EPOCHS, BATCHES, BATCH = 7, 8, 4


def eighths(shape, seed, low=-8, high=9):
    return (np.random.default_rng(seed).integers(low, high, shape) / 8).astype(np.float32)


def write_json(path, values):
    lines = [f"{json.dumps(name)}: {json.dumps(value, default=_plain)}" for name, value in values.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def _plain(value):
    # The shortest decimals that are the same float32.
    if isinstance(value, np.ndarray) and value.dtype == np.float32:
        return [_plain(row) for row in value] if value.ndim > 1 else [float(str(number)) for number in value]
    return value.tolist()


def facts(folder, **more):
    root = Path(whetstone_lab.__file__).parents[1]
    commit = subprocess.run(["git", "-C", root, "log", "-1", "--format=%h of %as"], capture_output=True, text=True,
                            check=True).stdout.strip()
    write_json(folder / "facts.json", {
        "written_by": {"whetstone_lab": whetstone_lab.__version__, "commit": commit, "numpy": np.__version__,
                       "python": platform.python_version(), **more}})


# -- networks, and what they do ---------------------------------------------------------------------------------------


def save_network(folder, name, network, inputs, **options):
    network.save(folder / f"{name}.npz")
    return save_simulation(folder, name, network, inputs, **options)


def save_simulation(folder, name, network, inputs, **options):
    record = run(network, inputs, membranes=True, **options)
    potentials = {f"potentials_{layer}": values for layer, values in record.membranes.items()}
    np.savez_compressed(
        folder / f"{name}.expected.npz", inputs=inputs, sample=record.sample, step=record.step, layer=record.layer,
        neuron=record.neuron, votes=record.votes, classes=record.classes, steps=record.steps,
        facts=np.frombuffer(json.dumps({
            "layers": record.layers, "shapes": record.shapes, "readout": network.readout, "neurons": network.neurons,
            "synapses": network.synapses, "latency": network.latency, "dtype": str(network.dtype),
            "meta": network.meta, "names": [node.name for node in network.nodes]}).encode(), np.uint8),
        **({} if network.key is None else {"key": network.key}), **potentials)
    shares = [float(record.dense(layer).any(axis=1).mean()) for layer in record.layers]
    print(name, network, "share of neurons that fire:", [round(share, 2) for share in shares])
    assert all(0 < share < 1 for share in shares), "a layer in which all neurons do the same shows nothing"
    return record


def make_networks(folder):
    node = whetstone_lab.simulator.Node
    kinds = set()

    def save(name, network, inputs):
        kinds.update(type(node.operation).__name__ for node in network.nodes)
        return save_network(folder, name, network, inputs)

    chain = Network((8, 8, 2), [
        ops.Pad2D((1, 0), (-1, 2)), ops.Conv2D(eighths((3, 3, 1, 4), 1), eighths(4, 2), (1, 2), 2, strides=(2, 1),
                                               padding="same"),
        ops.Neurons([0.5, 0.25, 1.0, 0.0]), ops.MaxPool2D((2, 3), strides=2, padding="same"),
        ops.Conv2D(eighths((2, 2, 4, 5), 3)), ops.Neurons(0.5), ops.UpSample2D((1, 2)), ops.Reshape(),
        ops.Dense(eighths((80, 6), 4), eighths(6, 5)), ops.Neurons(0.0)], key=KEY, meta={"name": "chain", "n": 3})
    save("network_chain", chain, eighths((12, 8, 8, 2), 6, 0))
    absorbed = chain.absorb_biases()
    save("network_without_biases", absorbed, eighths((12, 8, 8, 2), 6, 0))
    branches = Network((4, 4, 3), [
        node("scaled", ops.Scale([0.5, 1, 2], 0.25), ("input",)),
        node("conv", ops.Conv2D(eighths((1, 1, 3, 4), 7)), ("scaled",)),
        node("spikes", ops.Neurons(0.5), ("conv",)),
        node("up", ops.Conv2DTranspose(eighths((3, 2, 4, 2), 8), eighths(2, 9), size=(8, 8), strides=2, start=(1, 0)),
             ("spikes",)),
        node("rectified", ops.Rectify(), ("up",)),
        node("averaged", ops.AveragePool2D(2, padding="same"), ("rectified",)),
        node("turned", ops.Permute((1, 0, 2)), ("averaged",)),
        node("both", ops.Concatenate(-1), ("turned", "spikes")),
        node("more", ops.Neurons([0.25, 0.5, 0.5, 1, 0.5, 0.75]), ("both",)),
        node("mixed", ops.Conv2D(eighths((1, 1, 6, 4), 10)), ("more",)),
        node("added", ops.Add(), ("mixed", "conv", "spikes")),
        node("largest", ops.GlobalMaxPool2D(True), ("added",)),
        node("mean", ops.GlobalAveragePool2D(True), ("added",)),
        node("side by side", ops.Concatenate(2), ("largest", "mean")),
        node("flat", ops.Reshape((8,)), ("side by side",)),
        node("read", ops.Dense(eighths((8, 5), 11), eighths(5, 12)), ("flat",))], readout="softmax")
    save("network_branches", branches, eighths((10, 4, 4, 3), 13))
    over_time = Network((5,), [
        ops.Dense(eighths((5, 8), 14).astype(np.float64), eighths(8, 15)),
        ops.Neurons(1.0, leak=0.25, refractory=1), ops.Dense(eighths((8, 8), 16)),
        ops.Neurons(0.75, leak=0, reset="subtract", delay=2), ops.Dense(eighths((8, 4), 17))], readout="linear")
    save("network_over_time", over_time, eighths((6, 9, 5), 18))
    places = Network((3, 4, 2), [ops.Dense(eighths((2, 8), 19)), ops.Neurons(0.25), ops.Dense(eighths((8, 6), 20)),
                                 ops.Neurons(0.5)], key=KEY)
    record = save("network_of_places", places, eighths((5, 3, 4, 2), 21))
    record.save(folder / "record_of_places.npz")
    spikes = Network((6,), [ops.Dense(eighths((6, 7), 22)), ops.Neurons(0.5), ops.Dense(eighths((7, 3), 23)),
                            ops.Neurons(0.25)])
    save("network_of_spikes", spikes, eighths((9, 6), 24))
    assert kinds == set(ops.OPERATIONS), set(ops.OPERATIONS) - kinds


def make_records(folder):
    network = Network((5,), [ops.Dense(eighths((5, 9), 30)), ops.Neurons(0.5), ops.Dense(eighths((9, 6), 31)),
                             ops.Neurons(0.0)], key=KEY, meta={"name": "record"})
    inputs, labels = eighths((11, 5), 32), np.arange(11) % 3
    record = run(network, inputs, membranes=True, labels=labels)
    record.meta["note"] = "with labels and membranes"
    record.save(folder / "record.npz")
    np.savez_compressed(
        folder / "record.expected.npz", inputs=inputs, labels=labels, sample=record.sample, step=record.step,
        layer=record.layer, neuron=record.neuron, votes=record.votes, classes=record.classes, latency=record.latency,
        counts=record.counts(), potentials_0=record.membranes[0], potentials_1=record.membranes[1])


def make_nir(folder):
    image = Network((6, 6, 2), [
        ops.Conv2D(eighths((3, 3, 2, 4), 40), eighths(4, 41), padding="same"), ops.Neurons([0.5, 0.25, 1.0, 0.0]),
        ops.MaxPool2D(2), ops.AveragePool2D(2, strides=1), ops.Reshape(),
        ops.Dense(eighths((16, 6), 42), eighths(6, 43)), ops.Neurons(0.25)], key=KEY)
    whetstone_lab.to_nir(image, folder / "image.nir")
    save_simulation(folder, "image", whetstone_lab.from_nir(folder / "image.nir"), eighths((8, 6, 6, 2), 44, 0))
    linear = Network((4,), [ops.Dense(eighths((4, 7), 45)), ops.Neurons(0.5), ops.Dense(eighths((7, 3), 46))])
    whetstone_lab.to_nir(linear, folder / "linear.nir")
    save_simulation(folder, "linear", whetstone_lab.from_nir(folder / "linear.nir"), eighths((8, 4), 47))


# -- traces -----------------------------------------------------------------------------------------------------------


def columns(trace):
    """All that a trace holds, by the names of its attributes."""
    found = {name: getattr(trace, name) for name in (
        "layers", "curves", "policy", "meta", "loss", "epoch_of_batch", "sharpness", "epoch_ends", "firing_rates",
        "histograms", "bins", "epoch_logs", "states")}
    found["layers"] = list(trace.layers)
    found["events"] = [{name: getattr(event, name) for name in ("batch", "epoch", "kind", "reason", "layer", "values")}
                       for event in trace.events]
    if hasattr(trace, "layer_metric"):
        found["layer_metrics"] = {name: trace.layer_metric(name) for name in (
            "never_firing", "always_firing", "gradient_flow", "saturation")}
    found["thresholds_at_the_end"] = trace.thresholds_at(trace.batches)
    return found


def make_trace(path):
    """A run of the adaptive policy on losses that are made up, which has a decision of every kind."""
    from whetstone_lab.policies import AdaptivePolicy

    policy = AdaptivePolicy(min_init_epochs=2, rate=0.5, cz_rate=0.5, patience=1)
    trace = Trace(["low", "high"], ["bounded_relu", "sigmoid"], policy.config(),
                  {"batches_per_epoch": 3, "monitor": "loss", "backend": "none"})
    state, rng, bins = policy.start([0.0, 0.0], 3), np.random.default_rng(50), np.linspace(-2, 3, 11)
    losses = [2.0, 1.5, 1.4, 1.4, 1.9, 1.2, 1.2, 1.2, math.nan, 1.15, 1.1, 1.1, 1.1, 1.1, 1.1, 1.05]
    for epoch, level in enumerate(losses):
        found = []
        for _ in range(3):
            loss = level * (1 + 0.05 * rng.normal())
            state, decisions = policy.end_batch(state, loss)
            trace.append_batch(epoch, loss, state.sharpness)
            found += [(trace.batches, decision) for decision in decisions]
            for decision in decisions:
                trace.append_event(decision.kind, decision.reason, epoch=epoch, layer=decision.layer, **decision.values)
        state, decisions = policy.end_epoch(state, level)
        looked = {} if epoch == 3 else {
            "firing_rates": rng.random(2), "histograms": rng.dirichlet(np.ones(10), 2), "bins": bins}
        if looked and hasattr(trace, "layer_metric"):
            looked["layer_metrics"] = {"never_firing": rng.random(2), "gradient_flow": rng.random(2),
                                       "saturation": rng.random(2)}
        trace.append_epoch({"loss": level, "accuracy": 1 - level / 3}, state.asdict(), **looked)
        for decision in decisions:
            trace.append_event(decision.kind, decision.reason, epoch=epoch, layer=decision.layer, **decision.values)
        if epoch == 4:
            policy = policy.steered(sig_decrease=0.125) if hasattr(policy, "steered") else policy
            trace.append_event("threshold", "sig_decrease changed from 0.15 to 0.125 by hand.", epoch=epoch,
                               name="sig_decrease", old=0.15, new=0.125, by="hand")
    kinds = {event.kind for event in trace.events}
    assert kinds == {"start", "stop", "improve", "wait", "sharp", "done", "threshold", "warning"}, kinds
    trace.set_status("finished")
    trace.save(path)
    write_json(path.with_suffix(".expected.json"), columns(trace))


# -- Keras ------------------------------------------------------------------------------------------------------------


def training_data():
    rng = np.random.default_rng(0)
    x = rng.normal(0.5, 1, (BATCHES * BATCH, 6)).astype(np.float32)
    return x, (x[:, 0] + x[:, 1] > 1).astype(np.int64)


def dense_model(optimizer):
    import keras
    from whetstone_lab.layers import SoftmaxDecode, SpikingBReLU, SpikingSigmoid

    keras.utils.set_random_seed(1)
    model = keras.Sequential([
        # So small a rate that nothing is dropped; but the state of its generator is in the file.
        keras.layers.Input((6,)), keras.layers.Dense(5, name="dense_1"), SpikingBReLU(name="low"),
        keras.layers.Dropout(1e-9, name="dropout"), keras.layers.Dense(8, name="dense_2"), SpikingSigmoid(name="high"),
        SoftmaxDecode(keys.make_key(2, 8), name="decode")], name="dense_model")
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


class Outage(Exception):  # noqa: N818
    pass


def outage_after(batches):
    import keras

    class Interrupt(keras.callbacks.Callback):
        left = batches

        def on_train_batch_end(self, batch, logs=None):
            self.left -= 1
            if not self.left:
                raise Outage

    return Interrupt()


def fit(model, callbacks, **options):
    x, y = training_data()
    model.fit(x, y, callbacks=callbacks, batch_size=BATCH, shuffle=False, verbose=0, **{"epochs": EPOCHS, **options})


def interrupted(model, callbacks, batches):
    try:
        fit(model, [*callbacks, outage_after(batches)])
    except Outage:
        return
    raise AssertionError("the run was to end before its time")


def weights_of(model):
    from keras import ops as keras_ops

    return [keras_ops.convert_to_numpy(weight) for weight in model.weights]


def make_sharp_model(folder):
    """Every layer of ours, fully sharp."""
    import keras
    from whetstone_lab.layers import SoftmaxDecode, SpikingBReLU, SpikingSigmoid, spiking_layers

    keras.utils.set_random_seed(2)
    model = keras.Sequential([
        keras.layers.Input((8, 8, 1)), keras.layers.Conv2D(4, 3, name="conv"), SpikingBReLU(name="brelu"),
        keras.layers.MaxPooling2D(2, name="pool"), keras.layers.Flatten(name="flatten"),
        keras.layers.Dense(10, name="dense"), SpikingSigmoid(name="sigmoid"), keras.layers.Dense(6, name="out"),
        SpikingBReLU(name="last", surrogate_width=None), SoftmaxDecode(KEY, name="decode")], name="sharp")
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.set_weights([eighths(weight.shape, 60 + i) for i, weight in enumerate(model.get_weights())])
    for layer in spiking_layers(model):
        layer.set_sharpness(1.0)
    inputs = eighths((12, 8, 8, 1), 61, 0)
    model.save(folder / "sharp.keras")
    save_simulation(folder, "sharp", whetstone_lab.convert(model), inputs)
    np.savez_compressed(folder / "sharp.predicted.npz", predicted=model.predict(inputs, verbose=0))


def make_soft_model(folder):
    """Curves in part sharp, without a sharpener, with options that are not the defaults."""
    import keras
    from whetstone_lab.layers import SoftmaxDecode, SpikingBReLU, SpikingSigmoid, spiking_layers

    keras.utils.set_random_seed(3)
    model = keras.Sequential([
        keras.layers.Input((6,)), keras.layers.Dense(5, activation=SpikingBReLU(0.125, name="within"), name="dense"),
        keras.layers.Dense(8, name="out"), SpikingSigmoid(0.25, surrogate_width=1.5, name="sigmoid"),
        SoftmaxDecode(keys.make_key(2, 8), temperature=1.0, name="decode")], name="soft")
    spiking_layers(model)[-1].set_sharpness(0.75)
    model.save(folder / "soft.keras")
    np.savez_compressed(folder / "soft.expected.npz", predicted=model.predict(training_data()[0], verbose=0),
                        sharpness=[float(layer.sharpness) for layer in spiking_layers(model)])


def make_mid_run(folder, name, optimizer):
    """A model saved after four epochs of seven by an adaptive sharpener that somebody has steered."""
    import keras
    from whetstone_lab.sharpeners import AdaptiveSharpener

    x, _ = training_data()

    def make():
        sharpener = AdaptiveSharpener(1, 0.6, 0.3, patience=0, sig_increase=0.01, sig_decrease=0.5, probe=x[:9])
        steer = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: sharpener.steer(rate=0.7) if epoch == 1 else None)
        return dense_model(type(optimizer).from_config(optimizer.get_config())), sharpener, steer

    model, sharpener, steer = make()
    fit(model, [sharpener, steer])
    whole, whole_weights = columns(sharpener.trace), weights_of(model)
    model, sharpener, steer = make()
    interrupted(model, [sharpener, steer, keras.callbacks.ModelCheckpoint(folder / f"{name}.keras")], 4 * BATCHES + 3)
    model, sharpener, _ = make()
    model = keras.models.load_model(folder / f"{name}.keras")
    sharpener.attach(model)
    state, trace = sharpener.state.asdict(), columns(sharpener.trace)
    predicted = model.predict(x, verbose=0)
    fit(model, [sharpener], initial_epoch=4)
    for one, other in zip(weights_of(model), whole_weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
    write_json(folder / f"{name}.expected.json", {
        "state": state, "policy": sharpener.policy.config(), "trace": trace, "trace_of_the_whole_run": whole})
    np.savez_compressed(folder / f"{name}.expected.npz", predicted=predicted,
                        **{f"final_{i}": weight for i, weight in enumerate(whole_weights)})
    for event in whole["events"]:
        print(name, event["epoch"], event["kind"], event["values"])


def make_mid_average(folder):
    """A model saved while a ``WhetstoneOptimizer`` was averaging its weights."""
    import keras
    from whetstone_lab.optimizers import WhetstoneOptimizer
    from whetstone_lab.sharpeners import StepwiseSharpener

    x, _ = training_data()

    def make():
        return (dense_model(WhetstoneOptimizer(keras.optimizers.SGD(0.02, momentum=0.5))),
                StepwiseSharpener(0, 1, bottom_up=False))

    model, sharpener = make()
    fit(model, [sharpener])
    whole = weights_of(model)
    model, sharpener = make()
    interrupted(model, [sharpener, keras.callbacks.ModelCheckpoint(folder / "mid_average.keras")], 4 * BATCHES + 1)
    model = keras.models.load_model(folder / "mid_average.keras")
    averaged, predicted = model.optimizer.averaged, model.predict(x, verbose=0)
    model.optimizer.swap()
    by_average = model.predict(x, verbose=0)
    model.optimizer.swap()
    assert averaged == 3 * BATCHES
    fit(model, [make()[1]], initial_epoch=4)
    for one, other in zip(weights_of(model), whole, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
    np.savez_compressed(folder / "mid_average.expected.npz", averaged=averaged, predicted=predicted,
                        predicted_by_the_average=by_average,
                        **{f"final_{i}": weight for i, weight in enumerate(whole)})


def make_weights(folder):
    """Weights saved within an epoch by a sharpener that steps by batches."""
    import keras
    from whetstone_lab.sharpeners import StepwiseSharpener

    x, _ = training_data()
    sharpener = StepwiseSharpener(1, 9, "batch")
    fit(dense_model("sgd"), [sharpener])
    whole = columns(sharpener.trace)
    path, sharpener = folder / "mid_epoch.weights.h5", StepwiseSharpener(1, 9, "batch")
    interrupted(dense_model("sgd"), [sharpener, keras.callbacks.ModelCheckpoint(
        path, save_weights_only=True, save_freq=BATCHES + 3)], BATCHES + 4)
    model, sharpener = dense_model("sgd"), StepwiseSharpener(1, 9, "batch")
    model.load_weights(path)
    sharpener.attach(model)
    write_json(path.with_suffix(".expected.json"), {
        "state": sharpener.state.asdict(), "trace": columns(sharpener.trace), "trace_of_the_whole_run": whole})
    np.savez_compressed(path.with_suffix(".expected.npz"), predicted=model.predict(x, verbose=0))


def main(what, name):
    folder = HERE / name
    folder.mkdir()
    if what == "first":
        network = Network((6, 6, 2), [
            ops.Conv2D(eighths((3, 3, 2, 4), 1), eighths(4, 2), padding="same"), ops.Neurons([0.5, 0.25, 1.0, 0.0]),
            ops.MaxPool2D(2), ops.Reshape(), ops.Dense(eighths((36, 6), 3), eighths(6, 4)), ops.Neurons(0.25)], key=KEY)
        save_network(folder, "network", network, eighths((8, 6, 6, 2), 5, 0)).save(folder / "record.npz")
        make_trace(folder / "trace.npz")
        facts(folder)
        return
    import keras

    if what == "today":
        make_networks(folder)
        make_records(folder)
        make_nir(folder)
        make_trace(folder / "trace.npz")
        make_sharp_model(folder)
        make_soft_model(folder)
        make_mid_average(folder)
        make_weights(folder)
    make_mid_run(folder, "mid_run", keras.optimizers.Adam(0.05) if what == "today" else keras.optimizers.SGD(0.5))
    x, y = training_data()
    np.savez_compressed(folder / "training.npz", x=x, y=y)
    for suffix in ("*.keras", "*.h5", "*.nir"):  # HDF5 is mostly air
        for path in folder.glob(suffix):
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))
            path.unlink()
    facts(folder, keras=keras.__version__, backend=keras.backend.backend())


if __name__ == "__main__":
    main(*sys.argv[1:])
