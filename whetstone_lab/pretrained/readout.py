"""From the scores of a trained read-out to output neurons that are read by a class key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from whetstone_lab.conversion.calls import Call, unwrapped
from whetstone_lab.conversion.makers.activations import activation_of
from whetstone_lab.conversion.makers.registry import Weights, kind_of
from whetstone_lab.method.class_keys import check_key
from whetstone_lab.pretrained.turning import without_activation
from whetstone_lab.training.decode import SoftmaxDecode
from whetstone_lab.training.heads import IDLE, ending, output_names
from whetstone_lab.training.layers import SpikingBReLU


@dataclass(frozen=True)
class KeyedHead:
    """A linear layer that is to end in a class key.

    Attributes:
        position: Where it is called.
        key: Its class key, shape ``(classes, width)``.
        gone: The layers behind it that only computed a softmax.
    """

    position: int
    key: np.ndarray
    gone: tuple[Any, ...]

    def layers(self, layer: Any, name: str) -> list[Any]:
        """The layers in its place: as many neurons as the key is wide, and what decodes them."""
        width = {"units" if isinstance(layer, keras.layers.Dense) else "filters": self.key.shape[1]}
        wide = without_activation(layer, use_bias=True, **width)
        return [wide, SpikingBReLU(name=name, dtype=layer.dtype_policy), SoftmaxDecode(self.key)]

    def weights(self, weights: Weights, scores: np.ndarray) -> Weights:
        """The weights of the output neurons, so that they begin with the decisions of the scores.

        Of each class, the neurons read the same score ``z``, less the mean of all classes, which changes no decision.
        They fire at thresholds ``t`` of their own: ``(z - t) / w + 0.5 >= 0.5``. So the higher a score, the more of its
        neurons fire, and the votes count them. The thresholds lie at evenly spaced quantiles of where decisions fall,
        the two highest scores of each sample; ``w`` is the distance between the quantiles 0.1 and 0.9. A neuron that
        speaks for several classes reads the mean of their scores.

        Args:
            weights: Kernel, shape ``(..., inputs, classes)``, and bias of the layer that gives the scores.
            scores: The scores of some samples, shape ``(samples, classes)``.

        Returns:
            Kernel and bias for as many outputs as the key is wide.
        """
        kernel, bias = weights
        share = self.key / np.maximum(self.key.sum(axis=0), 1)
        share = share - share.sum(axis=0) / len(self.key)  # the mean of all classes is taken off
        centred = scores - scores.mean(axis=1, keepdims=True)
        decisive = np.sort(centred, axis=1)[:, -2:]
        low, high = np.quantile(decisive, (0.1, 0.9))
        spread = high - low if high > low else 1.0
        # How many neurons of the same class stand before each one.
        first = self.key.argmax(axis=0)
        rank = np.array([(first[:place] == own).sum() for place, own in enumerate(first)])
        number = np.bincount(first, minlength=len(self.key))[first]
        thresholds = np.quantile(decisive, (rank + 0.5) / number)
        old = np.zeros(kernel.shape[-1]) if bias is None else bias
        return (kernel @ share / spread).astype(kernel.dtype), (
            (old @ share - thresholds) / spread + 0.5).astype(kernel.dtype)


def keyed_heads(model: Any, calls: Sequence[Call], key: Any) -> list[KeyedHead]:
    """The read-outs that are to be replaced by class keys.

    Args:
        model: The model.
        calls: Its layer calls.
        key: A class key; of several outputs a dict by name, in which some may be missing; None for none.

    Raises:
        ValueError: A key is none, or not for as many classes as the output has; there is no such output; or the output
            does not come from a linear layer of its own.
    """
    if key is None:
        return []
    names = output_names(model)
    if not isinstance(key, Mapping):
        if len(names) > 1:
            raise ValueError(f"Expected a dict of class keys by name, as the model has the outputs {names}; got one "
                             "key for all.")
        key = {names[0]: key}
    if unknown := [name for name in key if name not in names]:
        raise ValueError(f"Expected class keys for the outputs {names}; got some for {unknown}.")
    return [_head(calls, name, check_key(own)) for name, own in key.items()]


def _head(calls: Sequence[Call], name: str, key: np.ndarray) -> KeyedHead:
    position = next(place for place, call in enumerate(calls) if name in call.outputs)
    gone = []
    while True:
        layer = unwrapped(calls[position].layer)
        softmax = ending(layer) == "softmax" and kind_of(layer).linear is None
        if not softmax and not isinstance(layer, IDLE):
            break
        if softmax:
            gone.append(calls[position].layer)
        position = calls[position].inputs[0]
        if position < 0:
            raise ValueError(f"Expected output {name!r} to come from a layer with weights, which can take a class key; "
                             "it is an input of the model.")
    call, reads = calls[position], sum(position in other.inputs for other in calls)
    layer = call.layer
    expected = (f"Expected output {name!r} to come from a Dense layer or a convolution of its own, so that a class key "
                "can take its place")
    last = isinstance(layer, keras.layers.Dense) or (
        hasattr(layer, "filters") and getattr(layer, "data_format", None) == "channels_last")
    if not last or kind_of(layer).linear is None or getattr(layer, "groups", 1) > 1 or activation_of(layer) not in (
            keras.activations.linear, keras.activations.softmax):
        raise ValueError(f"{expected}, with a softmax or none; got {call.place}.")
    if sum(other.layer is layer for other in calls) > 1 or reads + len(call.outputs) > 1:
        raise ValueError(f"{expected}; {call.place} is used elsewhere too.")
    classes = kind_of(layer).linear.read(layer)[0].shape[-1]  # type: ignore[union-attr]
    if len(key) != classes:
        raise ValueError(f"Expected a class key for the {classes} classes of output {name!r}; got one for {len(key)}.")
    return KeyedHead(position, key, tuple(gone))
