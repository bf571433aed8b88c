"""A run and a simulation to draw, made without Keras: the real adaptive policy on losses that are made up."""

from __future__ import annotations

import math
import os

import numpy as np
import pytest

from whetstone_lab import keys
from whetstone_lab.policies import AdaptivePolicy
from whetstone_lab.simulator.record import SpikeRecord
from whetstone_lab.trace import Trace

# TensorFlow convolves channels first, and transposed with dilation, on a CPU only with oneDNN, which it takes by itself
# on some processors alone.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

BATCHES = 20
EDGES = np.linspace(-2.0, 3.0, 51)


class MadeUpRun:
    """A trace that grows like that of an adaptive run: the loss falls, rises while layers sharpen, and settles."""

    def __init__(self, layers: int = 3, probe: bool = True, **parameters) -> None:
        self.policy = AdaptivePolicy(**{"min_init_epochs": 4, "rate": 0.5, "cz_rate": 0.4, **parameters})
        names = [f"spiking_{i + 1}" for i in range(layers)]
        self.trace = Trace(names, policy=self.policy.config(), meta={"batches_per_epoch": BATCHES})
        self.state = self.policy.start([0.0] * layers, BATCHES)
        self.rng = np.random.default_rng(7)
        self.probe, self.level = probe, 2.2

    def batch(self) -> None:
        before, epoch = sum(self.state.sharpness), self.state.epoch
        noise = 0.05 * self.rng.normal()
        self.state, decided = self.policy.end_batch(self.state, self.level)
        gained = sum(self.state.sharpness) - before
        self.level += 0.035 * (0.16 + 0.03 * before - self.level) + gained * (0.9 if self.state.sharpness[-1] else 0.45)
        self._note(epoch, decided)
        self.trace.append_batch(epoch, self.level * math.exp(noise), self.state.sharpness)
        self.trace.publish()

    def end_epoch(self) -> None:
        loss = float(np.mean(self.trace.loss[-BATCHES:]))
        epoch = self.state.epoch
        self.state, decided = self.policy.end_epoch(self.state, loss)
        self._note(epoch, decided)
        accuracy = 1 - 0.42 * self.level / 2.2
        self.trace.append_epoch({"loss": loss, "accuracy": accuracy, "val_accuracy": accuracy - 0.01},
                                self.state.asdict(), **self._look())
        self.trace.publish(urgent=True)

    def epoch(self) -> None:
        for _ in range(BATCHES):
            self.batch()
        self.end_epoch()

    def _note(self, epoch, decided) -> None:
        for decision in decided:
            self.trace.append_event(decision.kind, decision.reason, epoch=epoch, layer=decision.layer,
                                    **decision.values)

    def _look(self) -> dict:
        if not self.probe:
            return {}
        progress = min(self.trace.epochs / 25, 1.0)
        rows = []
        for i in range(len(self.trace.layers)):
            apart = 0.25 + 0.55 * progress + 0.1 * i
            x = np.concatenate([self.rng.normal(0.45 - apart, 0.4, 500), self.rng.normal(0.55 + apart, 0.35, 300)])
            rows.append(np.histogram(np.clip(x, EDGES[0], EDGES[-1]), EDGES)[0] / x.size)
        return {"firing_rates": [0.4] * len(rows), "histograms": np.array(rows), "bins": EDGES}


@pytest.fixture
def made_up_run():
    """The class of runs that can be grown batch by batch: ``made_up_run(layers=3)``."""
    return MadeUpRun


@pytest.fixture(scope="session")
def finished_trace() -> Trace:
    """A whole adaptive run of three layers with histograms; read it, do not write to it."""
    run = MadeUpRun()
    while not run.state.sharp and run.trace.epochs < 60:
        run.epoch()
    run.epoch()
    run.trace.status = "recorded"
    return run.trace


@pytest.fixture(scope="session")
def spike_record() -> SpikeRecord:
    """Twelve pictures of 8 x 8 through three layers, one wave of spikes; read it, do not write to it."""
    rng = np.random.default_rng(3)
    sizes, classes, samples = (256, 64, 100), 10, 12
    key = keys.make_key(classes, sizes[-1])
    labels = np.arange(samples) % classes
    y, x = np.mgrid[:8, :8]
    radius, angle = np.hypot(x - 3.5, y - 3.5), np.arctan2(y - 3.5, x - 3.5)
    pictures = 16 * np.exp(-((radius - 2.4) ** 2)) * (np.cos(angle - labels[:, None, None] * 0.6) > -0.3)
    fired = [rng.random((samples, size)) < share for size, share in zip(sizes[:-1], (0.22, 0.35), strict=True)]
    output = key[labels].astype(bool) ^ (rng.random((samples, sizes[-1])) < 0.06)
    output[5] = key[3].astype(bool)  # one that is read wrong
    events = [(sample, layer, layer, neuron) for sample in range(samples)
              for layer, spikes in enumerate([*fired, output]) for neuron in np.flatnonzero(spikes[sample])]
    sample, step, layer, neuron = (np.array(column, np.int32) for column in zip(*events, strict=True))
    return SpikeRecord(("spiking_1", "spiking_2", "output"), tuple((size,) for size in sizes), 3, sample, step, layer,
                       neuron, pictures.reshape(samples, -1).astype(np.float32), keys.votes(output, key), labels)
