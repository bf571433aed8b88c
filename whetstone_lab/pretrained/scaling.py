"""The weights of a network in other units: each neuron's and each channel's divided by a factor of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from whetstone_lab.conversion.calls import Call
from whetstone_lab.conversion.makers.activations import activation_of
from whetstone_lab.conversion.makers.registry import Weights, kind_of
from whetstone_lab.conversion.makers.weights import to_numpy
from whetstone_lab.method.levels import spike_levels
from whetstone_lab.pretrained.factors import PINNED, Factors
from whetstone_lab.training.layers import SpikingLayer


class Scales:
    """The factor of every number of a model.

    Args:
        calls: The layer calls of the model.
        factors: Its numbers, and their groups.
        activations: What each ReLU gave on the calibration inputs, by the position of its call, shape ``(rows,
            columns)``, a column for each number.
    """

    def __init__(self, calls: Sequence[Call], factors: Factors, activations: Mapping[int, np.ndarray]) -> None:
        self._calls, self._factors, self._activations = calls, factors, activations
        values, groups = [], []
        for position, sides in factors.relus.items():
            for numbers in sides[:1] if sides[0] is sides[1] else sides:
                values.append(activations[position])
                groups.append(factors.roots[numbers.ravel()])
        levels = spike_levels(values, groups, len(factors.roots))
        for group in groups:
            # A channel that was silent in a layer that was not: some other input may move it.
            own = levels[group]
            if np.isfinite(own).any():
                levels[group] = np.where(np.isfinite(own), own, np.nanmedian(own))
        levels[PINNED] = 1.0
        #: The factor of each number, positive.
        self.of = np.where(np.isfinite(levels), levels, 1.0)[factors.roots]

    def around(self, position: int) -> tuple[float, float]:
        """Factors before and behind the neurons of a ReLU that is cut, so that they fire at the threshold they have."""
        given = {place for place, call in enumerate(self._calls) if call.layer is self._calls[position].layer}
        read, gives = (numbers.ravel()[0] for numbers in self._factors.relus[position])
        if self._factors.roots[read] != PINNED:
            level = self.of[read]
        elif self._factors.roots[gives] != PINNED:
            level = self.of[gives]
        else:
            values = [self._activations[place].reshape(-1, 1) for place in sorted(given)]
            level = float(np.nan_to_num(spike_levels(values, [np.zeros(1, int)] * len(values), 1)[0], nan=1.0))
        return float(self.of[read] / level), float(level / self.of[gives])

    def linear(self, layer: Any) -> Weights:
        """Kernel and bias of a linear layer in the new units."""
        return scaled_linear(layer, self.of[self._factors.before[id(layer)]], self.of[self._factors.after[id(layer)]])

    def write(self, layer: Any, new: Any) -> None:
        """Gives a new layer the weights of a linear layer or a batch norm, in the new units."""
        if isinstance(layer, keras.layers.BatchNormalization):
            before, after = (self.of[side[id(layer)]] for side in (self._factors.before, self._factors.after))
            for name, value in scaled_norm(layer, before, after).items():
                getattr(new, name).assign(value)
        else:
            write_linear(new, layer, self.linear(layer))


def write_linear(new: Any, layer: Any, weights: Weights) -> None:
    """Gives a new linear layer a kernel and a bias, and what it has besides from the layer that it replaces."""
    linear = kind_of(layer).linear
    assert linear is not None
    if hasattr(layer, "pointwise_kernel"):
        # A copy: on JAX the array itself would be given away by whichever of the two is trained or evaluated first.
        new.depthwise_kernel.assign(to_numpy(layer.depthwise_kernel))
    getattr(new, linear.variable).assign(linear.back(new, weights[0]))
    if weights[1] is not None:
        new.bias.assign(weights[1])
    if isinstance(neurons := activation_of(layer), SpikingLayer):
        new.activation.set_sharpness(float(neurons.sharpness))


def scaled_linear(layer: Any, before: np.ndarray, after: np.ndarray) -> Weights:
    """Kernel and bias of a linear layer that reads inputs divided by factors, and gives outputs divided by others.

    ``W' = W before / after`` by input and output channel, ``b' = b / after``.

    Args:
        layer: The layer.
        before: Factor of each input channel.
        after: Factor of each output channel.
    """
    linear = kind_of(layer).linear
    assert linear is not None
    kernel, bias = linear.read(layer)
    wide = kernel.astype(np.float64) * fan_in(layer, before, kernel.shape) / after
    return wide.astype(kernel.dtype), None if bias is None else (bias / after).astype(kernel.dtype)


def fan_in(layer: Any, before: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The factors of input channels, so that they multiply a kernel of some shape ``(..., inputs, outputs)``."""
    inputs, outputs = shape[-2:]
    if hasattr(layer, "depth_multiplier"):
        repeated = np.repeat(before, layer.depth_multiplier)
        # A separable convolution has its outputs behind those of the depthwise one, each of which reads one channel.
        return repeated if inputs == 1 and len(repeated) == outputs and not hasattr(layer, "pointwise_kernel") else (
            repeated[:, None])
    groups = len(before) // inputs
    return np.repeat(before.reshape(groups, inputs), outputs // groups, axis=0).T


def scaled_norm(layer: keras.layers.BatchNormalization, before: np.ndarray,
                after: np.ndarray) -> dict[str, np.ndarray]:
    """The weights of a batch norm that reads inputs divided by factors, and gives outputs divided by others.

    Its mean and its variance follow the inputs. Outside of training it then computes the same, ``epsilon`` included.

    Args:
        layer: The layer.
        before: Factor of each channel of its input.
        after: Factor of each channel of its output.

    Returns:
        Name of the variable -> its value.
    """
    mean, variance = (to_numpy(one).astype(np.float64) for one in (layer.moving_mean, layer.moving_variance))
    gamma = to_numpy(layer.gamma) if layer.scale else np.ones_like(mean)
    narrow = variance / before**2
    found = {"moving_mean": mean / before, "moving_variance": narrow, "gamma": gamma * before / after * np.sqrt(
        (narrow + layer.epsilon) / (variance + layer.epsilon))}
    if layer.center:
        found["beta"] = to_numpy(layer.beta) / after
    return found
