"""A perceptron that is trained by hand: the method in a page of NumPy, for a chapter to show before Keras is there.

It learns the digits in half a second. Its curves, policies and traces are those of the package, so that the same
widgets show its runs.

Example:
    >>> from whetstone_lab import datasets, policies
    >>> digits, perceptron = datasets.load_digits(), Perceptron(seed=1)
    >>> trace = train(perceptron, digits, policies.StepwisePolicy(start_epoch=8, steps=1), epochs=12)
    >>> perceptron.sharpness, perceptron.accuracy(digits.x_test, digits.y_test) > 0.8
    ((1.0, 1.0, 1.0), True)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from copy import deepcopy
from itertools import pairwise
from typing import Any

import numpy as np

from whetstone_lab.datasets.dataset import Dataset
from whetstone_lab.method import class_keys, surrogates
from whetstone_lab.method.curves import BOUNDED_RELU
from whetstone_lab.method.layer_health import HISTOGRAM_BINS, as_columns, layer_health
from whetstone_lab.method.policies import Policy
from whetstone_lab.records.trace import Trace
from whetstone_lab.simulator.network import Network
from whetstone_lab.simulator.operations import Dense, Neurons

#: What makes a step of a gradient: ``rule(gradient, memory, number)``, the number of the step from 1, gives the step
#: and the memory for the next. The first memory is None.
Rule = Callable[[np.ndarray, Any, int], tuple[np.ndarray, Any]]

#: Samples that a trace looks at after each epoch.
_PROBE = 128


class Perceptron:
    """Layers of neurons with a sharpening curve, read by a class key.

    Args:
        inputs: Length of an input. Default: 64, a digit of 8 x 8.
        classes: How many classes there are. Default: 10.
        hidden: Neurons of each hidden layer. Default: 64 and 32.
        width: Output neurons. Default: four for each class.
        temperature: Divisor of the scores before the softmax; 1 as published. Default: ``sqrt(width) / 2``.
        surrogate_width: Width of the blurred step that the backward pass sees; None for the curve's own gradient, as
            published. Default: None.
        seed: Seed of the weights to begin with, and of the key. Default: 0.

    Attributes:
        weights: Of each layer, shape ``(neurons below, neurons)``.
        biases: Of each layer, shape ``(neurons,)``; they begin at the threshold, 0.5.
        sharpness: Of each layer, bottom first, in [0, 1].
        key: Which output neuron speaks for which class, shape ``(classes, width)``.
    """

    def __init__(self, inputs: int = 64, classes: int = 10, *, hidden: Sequence[int] = (64, 32),
                 width: int | None = None, temperature: float | None = None, surrogate_width: float | None = None,
                 seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.key = class_keys.make_key(classes, 4 * classes if width is None else width, seed=seed)
        self.temperature = math.sqrt(self.key.shape[1]) / 2 if temperature is None else temperature
        self.surrogate_width = surrogate_width
        self._signs = 2.0 * self.key - 1.0  # 1 where a neuron should fire for a class, -1 where it should not
        sizes = [inputs, *hidden, self.key.shape[1]]
        self.weights = [rng.normal(0.0, below**-0.5, (below, above)) for below, above in pairwise(sizes)]
        self.biases = [np.full(size, BOUNDED_RELU.threshold) for size in sizes[1:]]
        self.sharpness = (0.0,) * len(self.weights)

    def forward(self, x: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """What each layer receives and what it answers.

        Args:
            x: Inputs, shape ``(samples, inputs)``.

        Returns:
            The pre-activations of each layer, and the activations: the inputs, then those of each layer.
        """
        received, answers = [], [x]
        for weights, bias, sharpness in zip(self.weights, self.biases, self.sharpness, strict=True):
            received.append(answers[-1] @ weights + bias)
            answers.append(BOUNDED_RELU.value(received[-1], sharpness))
        return received, answers

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """Softmax of the votes of the output neurons: shape ``(samples, width)`` to ``(samples, classes)``."""
        scores = (2.0 * outputs - 1.0) @ self._signs.T / self.temperature
        raised = np.exp(scores - scores.max(axis=1, keepdims=True))
        return raised / raised.sum(axis=1, keepdims=True)

    def gradients(self, x: np.ndarray, labels: np.ndarray) -> tuple[float, list[np.ndarray], list[np.ndarray]]:
        """The cross-entropy of some samples, and its gradients by weights and biases, by backpropagation."""
        received, answers = self.forward(x)
        probabilities = self.probabilities(answers[-1])
        rows = np.arange(len(x))
        loss = -np.log(np.maximum(probabilities[rows, labels], 1e-12)).mean()
        probabilities[rows, labels] -= 1.0
        upstream = 2.0 / self.temperature / len(x) * probabilities @ self._signs
        by_weights: list[np.ndarray] = []
        by_biases: list[np.ndarray] = []
        for layer in reversed(range(len(self.weights))):
            upstream = surrogates.gradient(BOUNDED_RELU, received[layer], self.sharpness[layer], self.surrogate_width,
                                           upstream)
            by_weights.insert(0, answers[layer].T @ upstream)
            by_biases.insert(0, upstream.sum(axis=0))
            upstream = upstream @ self.weights[layer].T
        return float(loss), by_weights, by_biases

    def classes(self, x: np.ndarray) -> np.ndarray:
        """The class with the most votes, for each sample."""
        return class_keys.decode(self.forward(x)[1][-1], self.key)

    def accuracy(self, x: np.ndarray, labels: np.ndarray) -> float:
        """The share of the samples that are read right, in [0, 1]."""
        return float(np.mean(self.classes(x) == labels))

    def at(self, *sharpness: float) -> Perceptron:
        """A copy with another sharpness of each layer, bottom first; of all where one is given."""
        other = deepcopy(self)
        other.sharpness = sharpness * len(self.weights) if len(sharpness) == 1 else sharpness
        return other

    def network(self) -> Network:
        """The integrate-and-fire network for the simulator.

        Raises:
            ValueError: A layer is not sharp.
        """
        if min(self.sharpness) < 1.0:
            raise ValueError(f"Expected every layer to be sharp, at 1; got the sharpness {self.sharpness}.")
        nodes = [node for weights, bias in zip(self.weights, self.biases, strict=True)
                 for node in (Dense(weights, bias), Neurons(BOUNDED_RELU.threshold))]
        return Network((len(self.weights[0]),), nodes, key=self.key)


def train(perceptron: Perceptron, data: Dataset, policy: Policy | None = None, *, epochs: int = 15,
          batch_size: int = 32, rule: Rule | None = None, average: bool = False, seed: int = 0) -> Trace:
    """Trains a perceptron and sharpens it on the way.

    Args:
        perceptron: The perceptron; it goes on from where it stands.
        data: What to learn, and what to test on after each epoch.
        policy: When to sharpen. Default: None, the sharpness stays as it is.
        epochs: Epochs of training. Default: 15.
        batch_size: Samples in a batch; what does not fill one is left out. Default: 32.
        rule: What makes a step of a gradient. Default: ``adam()``.
        average: Whether the weights are averaged once all layers are sharp, as
            :class:`whetstone_lab.WhetstoneOptimizer` does, and the average is kept and tested. Default: False.
        seed: Seed of the order of the samples. Default: 0.

    Returns:
        What happened, with ``val_accuracy`` on the test samples.
    """
    rule, rng = rule or adam(), np.random.default_rng(seed)
    x, labels = data.x_train.reshape(len(data.x_train), -1), data.y_train
    test = data.x_test.reshape(len(data.x_test), -1)
    batches = len(x) // batch_size
    layers = [*(f"hidden_{number + 1}" for number in range(len(perceptron.weights) - 1)), "output"]
    trace = Trace(layers, policy=policy.config() if policy else None, meta={"batches_per_epoch": batches})
    state = policy.start(perceptron.sharpness, batches) if policy else None
    parameters = perceptron.weights + perceptron.biases  # the arrays themselves: what is added to them is learnt
    memories: list[Any] = [None] * len(parameters)
    mean, averaged = [parameter.copy() for parameter in parameters], 0
    number = 0
    for epoch in range(epochs):
        order, total = rng.permutation(len(x)), 0.0
        for batch in range(batches):
            chosen = order[batch * batch_size:(batch + 1) * batch_size]
            loss, by_weights, by_biases = perceptron.gradients(x[chosen], labels[chosen])
            number, total = number + 1, total + loss
            for place, gradient in enumerate(by_weights + by_biases):
                step, memories[place] = rule(gradient, memories[place], number)
                parameters[place] += step
            if average and min(perceptron.sharpness) == 1.0:
                averaged += 1
                for summed, parameter in zip(mean, parameters, strict=True):
                    summed += 9.0 / (averaged + 8.0) * (parameter - summed)
            if policy is not None and state is not None:
                state, decisions = policy.end_batch(state, total / (batch + 1))
                _note(trace, decisions, epoch)
                perceptron.sharpness = state.sharpness
            trace.append_batch(epoch, total / (batch + 1), perceptron.sharpness)
        if policy is not None and state is not None:
            state, decisions = policy.end_epoch(state, total / batches)
            _note(trace, decisions, epoch)
            perceptron.sharpness = state.sharpness
        tested = _with(perceptron, mean) if averaged else perceptron
        received = tested.forward(x[:_PROBE])[0]
        columns = as_columns([layer_health(values, BOUNDED_RELU, sharpness, perceptron.surrogate_width)
                              for values, sharpness in zip(received, perceptron.sharpness, strict=True)])
        trace.append_epoch({"loss": total / batches, "val_accuracy": tested.accuracy(test, data.y_test)},
                           state.asdict() if state else None, columns.pop("firing_rates"), columns.pop("histograms"),
                           HISTOGRAM_BINS, perceptron.sharpness, columns)
    if averaged:
        for parameter, value in zip(parameters, mean, strict=True):
            parameter[...] = value
    trace.set_status("finished")
    return trace


def _note(trace: Trace, decisions: Sequence[Any], epoch: int) -> None:
    for decision in decisions:
        trace.append_event(decision.kind, decision.reason, epoch=epoch, layer=decision.layer, **decision.values)


def _with(perceptron: Perceptron, parameters: Sequence[np.ndarray]) -> Perceptron:
    other, count = perceptron.at(*perceptron.sharpness), len(perceptron.weights)
    other.weights, other.biases = list(parameters[:count]), list(parameters[count:])
    return other


# -- what makes a step of a gradient ----------------------------------------------------------------------------------


def sgd(rate: float = 0.03, momentum: float = 0.9) -> Rule:
    """Gradient descent with momentum: ``v = momentum v - rate g``, and v is the step."""
    def rule(gradient: np.ndarray, memory: Any, number: int) -> tuple[np.ndarray, Any]:
        step = (0.0 if memory is None else momentum * memory) - rate * gradient
        return step, step
    return rule


def rmsprop(rate: float = 0.002, decay: float = 0.9) -> Rule:
    """RMSprop: ``-rate g / sqrt(v)``, with v the moving average of the squared gradients."""
    def rule(gradient: np.ndarray, memory: Any, number: int) -> tuple[np.ndarray, Any]:
        square = (0.0 if memory is None else decay * memory) + (1.0 - decay) * gradient**2
        return -rate * gradient / (np.sqrt(square) + 1e-7), square
    return rule


def adadelta(rate: float = 4.0, decay: float = 0.95) -> Rule:
    """Adadelta: as RMSprop, with the moving average of the squared steps above the fraction line as well."""
    def rule(gradient: np.ndarray, memory: Any, number: int) -> tuple[np.ndarray, Any]:
        squares, steps = (0.0, 0.0) if memory is None else memory
        squares = decay * squares + (1.0 - decay) * gradient**2
        step = -np.sqrt(steps + 1e-8) / np.sqrt(squares + 1e-8) * gradient
        return rate * step, (squares, decay * steps + (1.0 - decay) * step**2)
    return rule


def adam(rate: float = 0.003, first: float = 0.9, second: float = 0.999) -> Rule:
    """Adam: ``-rate m / sqrt(v)``, with m and v the moving averages of the gradients and of their squares."""
    def rule(gradient: np.ndarray, memory: Any, number: int) -> tuple[np.ndarray, Any]:
        mean, square = (0.0, 0.0) if memory is None else memory
        mean, square = first * mean + (1.0 - first) * gradient, second * square + (1.0 - second) * gradient**2
        step = mean / (1.0 - first**number) / (np.sqrt(square / (1.0 - second**number)) + 1e-8)
        return -rate * step, (mean, square)
    return rule
