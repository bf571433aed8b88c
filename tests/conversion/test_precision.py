"""Products that a GPU rounds are said before they are compared: checked on what each backend says of itself, since
tests have no GPU. (On one, with these defaults, JAX's spikes differ; ``tests/conftest.py`` asks for exact products.)"""

import warnings

import keras
import pytest
from backends import BACKEND
from spiking_models import brelu, build

from whetstone_lab import convert
from whetstone_lab.conversion.precision import exact_products

pytestmark = pytest.mark.every_backend


@pytest.fixture
def on_a_gpu(monkeypatch):
    """As on a GPU with the backend's defaults; gives the remedy, run where only monkeypatch sees it."""
    if BACKEND == "jax":
        import jax

        monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
        before = jax.config.jax_default_matmul_precision
        jax.config.update("jax_default_matmul_precision", None)
        yield {"jax": jax}
        jax.config.update("jax_default_matmul_precision", before)
    elif BACKEND == "tensorflow":
        import tensorflow as tf

        before = tf.config.experimental.tensor_float_32_execution_enabled()
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: ["a GPU"])
        tf.config.experimental.enable_tensor_float_32_execution(True)
        yield {"tf": tf}
        tf.config.experimental.enable_tensor_float_32_execution(before)
    else:
        import torch

        before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        torch.set_float32_matmul_precision("high")
        torch.backends.cudnn.allow_tf32 = True
        yield {"torch": torch}
        torch.set_float32_matmul_precision(before[0])
        torch.backends.cudnn.allow_tf32 = before[1]


def test_products_that_a_gpu_rounds_are_said_with_the_remedy(on_a_gpu):
    model = build((4,), keras.layers.Dense(3), brelu())
    with pytest.warns(UserWarning, match="TensorFloat-32") as said:
        convert(model, require_sharp=False)
    remedy = exact_products()
    assert str(said[0].message).endswith(remedy)
    exec(remedy, on_a_gpu)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        convert(model, require_sharp=False)


def test_on_a_cpu_nothing_is_said():
    if BACKEND == "torch":
        import torch

        if torch.cuda.is_available():
            pytest.skip("On a GPU PyTorch rounds convolutions unless told otherwise, and that is said.")
    assert exact_products() is None


@pytest.mark.skipif(BACKEND != "torch", reason="PyTorch alone rounds for convolutions and not for other products.")
def test_convolutions_alone_count_too(on_a_gpu):
    on_a_gpu["torch"].set_float32_matmul_precision("highest")
    assert exact_products() == "torch.backends.cudnn.allow_tf32 = False"
