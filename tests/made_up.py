"""A run to draw, to save and to damage, made without Keras: the real adaptive policy on losses that are made up."""

from __future__ import annotations

import math

import numpy as np

from whetstone_lab.method.policies import AdaptivePolicy
from whetstone_lab.records.trace import Trace

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
