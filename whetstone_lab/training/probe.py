"""What the spiking layers of a model do on some inputs, the probe: they are called eagerly and looked into."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
from keras import ops

from whetstone_lab.method.layer_health import HISTOGRAM_BINS, METRICS, as_columns, layer_health
from whetstone_lab.training._internals import without_remat
from whetstone_lab.training.layers import SpikingLayer, all_layers, recorded_inputs

#: Layers that work along the last axis, wherever the channels were before.
ALONG_THE_LAST = (keras.layers.Dense, keras.layers.EinsumDense, keras.layers.Embedding, keras.layers.RNN,
                  keras.layers.Reshape)


def look(model: Any, layers: Sequence[SpikingLayer], probe: Any, sharpness: Sequence[float],
         bins: np.ndarray | None = None) -> dict[str, Any]:
    """What the layers do on some inputs, as :meth:`whetstone_lab.Trace.append_epoch` takes it.

    Args:
        model: The model, which is called on the probe eagerly.
        layers: Its spiking layers.
        probe: Inputs of the model; None looks at nothing.
        sharpness: The sharpness of each layer.
        bins: Edges of the histograms' bins: those of the trace so far, for a run that an earlier release began goes on
            with the bins that it had. Default, also where there are none yet: :data:`HISTOGRAM_BINS`.

    Returns:
        Firing rates, histograms, their bins and the layer metrics; empty without a probe. All are NaN, and the
        histogram is zero, for a layer that cannot be looked into: see :func:`inputs_on`.
    """
    if probe is None:
        return {}
    bins = HISTOGRAM_BINS if bins is None or not len(bins) else bins
    axes = channel_axes(model)
    health = [None if inputs is None else
              layer_health(by_neuron(inputs, axes.get(id(layer))), layer.curve, value, layer.surrogate_width,
                           bins)
              for layer, inputs, value in zip(layers, inputs_on(model, layers, probe), sharpness, strict=True)]
    columns = as_columns(health)
    return {"firing_rates": columns["firing_rates"], "histograms": columns["histograms"], "bins": bins,
            "layer_metrics": {name: columns[name] for name in METRICS}}


def inputs_on(model: Any, layers: Sequence[SpikingLayer], probe: Any) -> list[list[np.ndarray] | None]:
    """What each layer is fed while the model is called on the probe, an array for each call of the layer.

    A backend may trace a part of the model and run the trace: the loop of a recurrent layer and what is rematerialised
    on JAX, a ``tf.function``. A trace holds no values. The model is then called once more with all of this switched
    off.

    On TensorFlow a recurrent layer calls its cell once more on the first step, to learn the shape of its output, so
    that this step counts twice.

    Returns:
        A list for each layer. It is None for a layer that the probe does not reach, or whose values are in a trace that
        cannot be switched off, as that of ``jax.checkpoint`` or ``tf.vectorized_map``.
    """
    seen = _inputs_on(model, layers, probe)
    if any(inputs is None for inputs in seen):
        with _untraced(), without_remat([model, *all_layers(model)]):
            seen = _inputs_on(model, layers, probe)
    return seen


def _inputs_on(model: Any, layers: Sequence[SpikingLayer], probe: Any) -> list[list[np.ndarray] | None]:
    with recorded_inputs(layers) as seen:
        model(probe, training=False)
    return [_values(inputs) for inputs in seen]


def _values(inputs: Sequence[Any]) -> list[np.ndarray] | None:
    """The inputs as arrays, or None if there are none or one of them stands for values in a trace."""
    try:
        return [ops.convert_to_numpy(ops.cast(item, "float32")) for item in inputs] or None
    except Exception:  # each backend raises what it likes for a tensor without values
        return None


@contextmanager
def _untraced() -> Iterator[None]:
    """Runs what the backend would trace line by line, by the switch that each backend has for debugging."""
    match keras.backend.backend():
        case "tensorflow":
            import tensorflow as tf

            before = tf.config.functions_run_eagerly()
            tf.config.run_functions_eagerly(True)
            try:
                yield
            finally:
                tf.config.run_functions_eagerly(before)
        case "jax":
            import jax

            with jax.disable_jit():
                yield
        case "torch":
            import torch

            with torch.compiler.set_stance("force_eager"):
                yield
        case _:
            yield


def channel_axes(model: Any) -> dict[int, int]:
    """The axis of each spiking layer's neurons, counted from the last, -1: where the layer before it has its channels.

    That is the nearest layer before it, in the order of :func:`~whetstone_lab.training.layers.spiking_layers`, that
    says so: by its ``data_format``, whatever Keras's global setting is, or since it works along the last axis.

    Returns:
        ``id(layer)`` -> axis. Spiking layers of a model without any such layer are left out.
    """
    axis, axes, first = None, {}, []
    for layer in all_layers(model):
        match getattr(layer, "data_format", None):
            case "channels_last":
                axis = -1
            case "channels_first":
                axis = -1 - _spatial_axes(layer)
            case _ if isinstance(layer, ALONG_THE_LAST):
                axis = -1
            case _ if isinstance(layer, keras.layers.Permute) and axis is not None:
                count = len(layer.dims)
                axis = layer.dims.index(count + 1 + axis) - count if -axis <= count else -1
        if isinstance(layer, SpikingLayer):
            if axis is None:
                first.append(id(layer))  # a subclassed model may make its activations first
            else:
                axes[id(layer)] = axis
        elif axis is not None:
            axes |= dict.fromkeys(first, axis)
            first = []
    return axes


def _spatial_axes(layer: Any) -> int:
    """Over how many axes a layer convolves, pools, pads or repeats."""
    if hasattr(layer, "rank"):
        return layer.rank
    spec = layer.input_spec
    return (getattr(spec, "ndim", None) or getattr(spec, "min_ndim", None) or 4) - 2


def by_neuron(inputs: Sequence[np.ndarray], axis: int | None = None) -> np.ndarray:
    """What a layer was fed in several calls as rows of neurons; the neurons of a convolution are its feature maps.

    Args:
        inputs: What it was fed in each call, the samples first.
        axis: The axis of the neurons, counted from the last, -1. Default: None, not known. It is then the last one, or
            for images the first after the samples where ``keras.config.image_data_format()`` says so.

    Returns:
        Shape ``(rows, neurons)``.
    """
    rows = []
    for x in inputs:
        if axis is None and x.ndim > 3 and keras.config.image_data_format() == "channels_first":
            x = np.moveaxis(x, 1, -1)
        elif axis is not None and -axis < x.ndim:
            x = np.moveaxis(x, axis, -1)
        rows.append(x.reshape(-1, x.shape[-1]))
    return np.concatenate(rows)
