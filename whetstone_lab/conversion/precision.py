"""Where Keras computes more coarsely than the network, so that spikes can differ."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import keras

from whetstone_lab.conversion.calls import Call


def warn_if_coarse(calls: Sequence[Call]) -> None:
    """Warns where the model's sums are rounded more than those of the network, which are in float32.

    Warns:
        UserWarning: A layer computes in half precision; or the backend multiplies in TensorFloat-32 on this machine.
    """
    half = [f"{call.place} in {call.layer.compute_dtype}" for call in calls
            if getattr(call.layer, "compute_dtype", "float32") not in ("float32", "float64")]
    if half:
        warnings.warn("These layers compute in half precision and the network will not, so spikes can differ where a "
                      f"potential is near its threshold: {'; '.join(half)}.", stacklevel=3)
    if remedy := exact_products():
        warnings.warn("On this machine's accelerator Keras multiplies with ten bits or fewer of each float32 weight"
                      " (TensorFloat-32) and the network with all, so spikes can differ where a potential is near its "
                      f"threshold. For the same spikes write, before the model computes: {remedy}", stacklevel=3)


def exact_products() -> str | None:
    """What to write so that the backend multiplies float32 weights as they are; None where it does so already.

    On a CPU they all do. On NVIDIA GPUs since Ampere, the defaults are TensorFloat-32 for all products on JAX and
    TensorFlow, and for convolutions alone on PyTorch.
    """
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        if jax.default_backend() != "cpu" and jax.config.jax_default_matmul_precision not in ("highest", "float32"):
            return 'jax.config.update("jax_default_matmul_precision", "highest")'
    elif backend == "tensorflow":
        import tensorflow as tf

        if (tf.config.list_physical_devices("GPU")
                and tf.config.experimental.tensor_float_32_execution_enabled()):
            return "tf.config.experimental.enable_tensor_float_32_execution(False)"
    elif backend == "torch":
        import torch

        if torch.cuda.is_available():
            if torch.get_float32_matmul_precision() != "highest":
                return 'torch.set_float32_matmul_precision("highest"); torch.backends.cudnn.allow_tf32 = False'
            if torch.backends.cudnn.allow_tf32:
                return "torch.backends.cudnn.allow_tf32 = False"
    return None
