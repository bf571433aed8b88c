"""The names of the original Whetstone package, for scripts written against it.

``from whetstone_lab.compat import *`` in place of the original's imports. Layers and sharpeners behave as published
(the curve's own gradient, no temperature, training ends when every layer is sharp); defects are mended, and each
docstring says which.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from whetstone_lab.conversion.folding import fold_after, fold_batchnorm, linear_or_refuse, scale_and_shift
from whetstone_lab.conversion.makers.weights import to_numpy
from whetstone_lab.method import class_keys
from whetstone_lab.method.policies import ScheduledPolicy
from whetstone_lab.training import model_file
from whetstone_lab.training._internals import sync_weights
from whetstone_lab.training.layers import SpikingLayer, check_sharpness
from whetstone_lab.training.original_layers import (
    ScaledActivation,
    Softmax_Decode,
    Spiking_BRelu,
    Spiking_Sigmoid,
    key_generator,
)
from whetstone_lab.training.sharpener import Sharpener
from whetstone_lab.training.sharpeners import AdaptiveSharpener as _AdaptiveSharpener
from whetstone_lab.training.sharpeners import StepwiseSharpener

__all__ = [
    "AdaptiveSharpener",
    "ScheduledSharpener",
    "SimpleSharpener",
    "Softmax_Decode",
    "Spiking_BRelu",
    "Spiking_Sigmoid",
    "WhetstoneLogger",
    "copy_remove_batchnorm",
    "decode_from_key",
    "encode_with_key",
    "get_spiking_layer_indices",
    "key_generator",
    "load_model",
    "merge_batchnorm",
    "set_layer_sharpness",
    "set_model_sharpness",
]


def encode_with_key(key: Any, input_vec: Any) -> np.ndarray:
    """The target spikes of a one-hot vector, or of rows of them: ``input_vec @ key``."""
    return np.asarray(input_vec) @ class_keys.check_key(key)


def decode_from_key(key: Any, input_vec: Any) -> np.ndarray:
    """The one-hot vector of the class whose key matches output spikes best, or of rows of them."""
    return np.eye(len(key), dtype=np.int64)[class_keys.decode(input_vec, key)]


def get_spiking_layer_indices(model: keras.Model) -> list[int]:
    """Indices in ``model.layers`` of the layers that can be sharpened."""
    return [i for i, layer in enumerate(model.layers) if isinstance(layer, SpikingLayer)]


def set_layer_sharpness(model: keras.Model, values: Sequence[float]) -> None:
    """Sets the sharpness of each spiking layer, bottom first.

    Raises:
        ValueError: A value outside [0, 1], or not one for each layer; then nothing is set.
    """
    layers = [model.layers[i] for i in get_spiking_layer_indices(model)]
    checked = [check_sharpness(value) for value in values]
    if len(checked) != len(layers):
        raise ValueError(f"Expected a sharpness for each of the {len(layers)} spiking layers; got {len(checked)}.")
    sync_weights(model)
    for layer, value in zip(layers, checked, strict=True):
        layer.set_sharpness(value)


def set_model_sharpness(model: keras.Model, value: float, bottom_up: bool) -> list[float]:
    """Sets the sharpness of the whole model, one layer filled after the other or all alike; returns each layer's."""
    value, count = check_sharpness(value), len(get_spiking_layer_indices(model))
    values = [float(np.clip(value * count - i, 0, 1)) if bottom_up else value for i in range(count)]
    set_layer_sharpness(model, values)
    return values


def load_model(filepath: str | os.PathLike[str]) -> keras.Model:
    """Loads a model that was saved with spiking layers. Mended: a damaged ``.keras`` file is not called missing."""
    if str(filepath).endswith(".keras") and Path(filepath).is_file():
        model_file.check(Path(filepath))
    return keras.models.load_model(filepath)


def merge_batchnorm(layer: keras.layers.Layer, batchnorm: keras.layers.BatchNormalization) -> tuple[
        keras.layers.Layer, tuple[np.ndarray, np.ndarray]]:
    """A layer with bias that does what a Dense or convolution and the batch norm after it do.

    Mended: it uses the batch norm's own epsilon, inside the root; it is right for transposed and depthwise
    convolutions, for low-rank updates (LoRA), which become part of the kernel, and for layers with an activation, whose
    output the new layer scales and shifts. A separable convolution becomes the plain one that it equals.

    Args:
        layer: A built Dense or convolution of any kind.
        batchnorm: A built batch norm over the layer's channels.

    Returns:
        The new layer, not yet built, and its kernel and bias, as its ``set_weights`` takes them.

    Raises:
        ValueError: The layer is no such, or its weights are quantised; or another number of channels is normalised.
    """
    linear = linear_or_refuse(layer, f"The layer {layer.name!r}")
    kernel, bias = linear.read(layer)
    scale, shift = scale_and_shift(batchnorm)
    if len(scale) != kernel.shape[-1]:
        raise ValueError(f"Expected a batch norm over the {kernel.shape[-1]} channels of {layer.name!r}; got one over "
                         f"{len(scale)}.")
    config = {name: value for name, value in layer.get_config().items() if not name.startswith("lora_")}
    config["use_bias"] = True
    if layer.activation is keras.activations.linear:
        kernel, bias = fold_after(kernel, bias, scale, shift)
    else:
        first = getattr(layer, "data_format", None) == "channels_first"
        config["activation"] = ScaledActivation(layer.activation, scale.tolist(), shift.tolist(),
                                                 1 - kernel.ndim if first else -1)
        bias = np.zeros(kernel.shape[-1], kernel.dtype) if bias is None else bias
    if not hasattr(layer, "depthwise_kernel"):
        return type(layer).from_config(config), (linear.back(layer, kernel), bias)
    plain = keras.layers.Conv1D if kernel.ndim == 3 else keras.layers.Conv2D
    config = {name: value for name, value in config.items() if not name.startswith(("depth", "pointwise_"))}
    return plain.from_config(config), (_whole_kernel(to_numpy(layer.depthwise_kernel), kernel), bias)


def _whole_kernel(depthwise: np.ndarray, pointwise: np.ndarray) -> np.ndarray:
    """The kernel of the plain convolution that a separable one equals, summed in float64."""
    *taps, channels, multiplier = depthwise.shape
    each = pointwise.reshape(channels, multiplier, -1).astype(np.float64)
    whole = np.einsum("tcm,cmf->tcf", depthwise.reshape(-1, channels, multiplier).astype(np.float64), each)
    return whole.reshape(*taps, channels, -1).astype(pointwise.dtype)


def copy_remove_batchnorm(model: keras.Model) -> keras.Model:
    """An equal model without batch norm. Mended: right epsilon, and functional models too."""
    return fold_batchnorm(model)


class SimpleSharpener(StepwiseSharpener):
    """The step-wise sharpener. Mended: ``epochs=False`` works, and no epoch is spent after the last step.

    Args:
        start_epoch: Epoch on which to begin, from 0.
        steps: Steps by which each layer becomes sharp. Default: 4.
        epochs: Step on each epoch, else on each batch. Default: True.
        bottom_up: One layer after the other, or all together. Default: True.
        verbose: Print every decision. Default: False.
    """

    def __init__(self, start_epoch: int, steps: int = 4, epochs: bool = True, bottom_up: bool = True,
                 verbose: bool = False) -> None:
        super().__init__(start_epoch, steps, "epoch" if epochs else "batch", bottom_up, polish_epochs=0,
                         verbose=int(verbose))


class ScheduledSharpener(Sharpener):
    """The scheduled sharpener. Mended: it starts in the epoch it is told to, and one batch is enough.

    Args:
        schedule: ``(start, stop)`` for each layer, in epochs from 0.
        num_layers: Number of spiking layers, for a schedule to be made from it and the next three.
        start: Epoch on which to begin.
        duration: Epochs to sharpen a layer.
        intermission: Epochs between layers.
        bottom_up: Taken for the original's sake; the schedule says it all.
        verbose: Print every decision. Default: False.
    """

    def __init__(self, schedule: Any = None, num_layers: int | None = None, start: int | None = None,
                 duration: int | None = None, intermission: int | None = None, bottom_up: bool = True,
                 verbose: bool = False) -> None:
        if schedule is None:
            if num_layers is None or start is None or duration is None or intermission is None:
                raise ValueError("Expected a schedule, or num_layers, start, duration and intermission; got neither.")
            schedule = ScheduledPolicy(None, start, duration, intermission).pairs(num_layers)
        super().__init__(ScheduledPolicy(tuple(schedule)), polish_epochs=0, verbose=int(verbose))


class AdaptiveSharpener(_AdaptiveSharpener):
    """The adaptive sharpener with the original's arguments; training ends when every layer is sharp."""

    def __init__(self, *args: Any, verbose: bool = False, **kwargs: Any) -> None:
        kwargs.setdefault("polish_epochs", 0)
        super().__init__(*args, verbose=int(verbose), **kwargs)


class WhetstoneLogger(keras.callbacks.Callback):
    """Writes what a run did to a folder, a subfolder for each epoch. Mended: JSON and ``.npz``, no pickle.

    Every ``epoch_N`` (from 0) has ``log.json``: Keras's logs, the sharpness of each layer and, with a test set, loss
    and metrics of the network as it is (``test``) and as it would be fully sharp (``test_sharp``). With a sharpener,
    ``trace.npz`` in the folder is the trace so far.

    Args:
        logdir: The folder; made if it is not there.
        sharpener: The sharpener whose trace to keep.
        test_set: ``(x_test, y_test)``.
        log_weights: Whether to write ``weights.npz`` for each epoch. Default: False.
    """

    def __init__(self, logdir: str | os.PathLike[str], sharpener: Sharpener | None = None,
                 test_set: tuple[Any, Any] | None = None, log_weights: bool = False) -> None:
        super().__init__()
        self.logdir = Path(logdir)
        self.sharpener, self.test_set, self.log_weights = sharpener, test_set, log_weights

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Writes the epoch."""
        folder = self.logdir / f"epoch_{epoch}"
        folder.mkdir(parents=True, exist_ok=True)
        layers = [self.model.layers[i] for i in get_spiking_layer_indices(self.model)]
        sharpness = [float(keras.ops.convert_to_numpy(layer.sharpness)) for layer in layers]
        facts: dict[str, Any] = {"logs": _numbers(logs), "sharpness": sharpness}
        if self.test_set is not None:
            facts["test"] = self._test()
            set_layer_sharpness(self.model, [1.0] * len(layers))
            facts["test_sharp"] = self._test()
            set_layer_sharpness(self.model, sharpness)
        (folder / "log.json").write_text(json.dumps(facts, indent=1))
        if self.log_weights:
            weights = {f"{i:03d}_{weight.path.replace('/', '.')}": keras.ops.convert_to_numpy(weight)
                       for i, weight in enumerate(self.model.weights)}
            np.savez(folder / "weights.npz", allow_pickle=False, **weights)
        if self.sharpener is not None:
            self.sharpener.trace.save(self.logdir / "trace.npz")

    def _test(self) -> dict[str, Any]:
        assert self.test_set is not None
        return _numbers(self.model.evaluate(*self.test_set, verbose=0, return_dict=True))


def _numbers(values: Mapping[str, Any] | None) -> dict[str, Any]:
    """Numbers as JSON has them; a metric may have one for each class."""
    return {name: np.asarray(value, np.float64).tolist() for name, value in (values or {}).items()}
