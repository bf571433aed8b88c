"""More than one device: at every step sharpness is the same on all replicas, and training what it is on one."""

import json
import socket
from pathlib import Path

import numpy as np
import pytest
from backends import BACKEND, only_on
from fresh import FreshProcess

pytestmark = pytest.mark.every_backend

PROGRAM = Path(__file__).with_name("distributed_run.py").read_text(encoding="utf-8")


def results(*arguments):
    """What the program printed in processes that run beside each other, each with its own arguments."""
    found = [process.wait() for process in [FreshProcess(PROGRAM, *own) for own in arguments]]
    assert not any(process.returncode for process in found), found
    return [json.loads(process.stdout.splitlines()[-1]) for process in found]


def check(result, alone, replicas):
    """Replicas agree with each other and with the trace, and have learnt what one device learns."""
    seen = np.array(result["replicas"])
    assert seen.shape == (len(result["sharpness"]), 2, replicas)
    for replica in range(replicas):
        np.testing.assert_array_equal(seen[:, :, replica], result["sharpness"])
    assert seen[-1].min() == 1
    assert len(np.unique(seen)) == 5
    np.testing.assert_array_equal(result["sharpness"], alone["sharpness"])
    np.testing.assert_allclose(result["loss"], alone["loss"], rtol=1e-4)
    for ours, theirs in zip(result["weights"], alone["weights"], strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.fixture(scope="module")
def alone_and_on_two_devices():
    (printed,) = results(["mirrored" if BACKEND == "tensorflow" else "data_parallel"])
    check(printed["alone"], printed["alone"], 1)
    return printed["alone"], printed["on two devices"]


@only_on("tensorflow", "jax", why="it has neither tf.distribute nor Keras's data parallelism")
def test_two_devices_in_one_process(alone_and_on_two_devices):
    alone, on_two_devices = alone_and_on_two_devices
    check(on_two_devices, alone, 2)


@only_on("tensorflow", why="tf.distribute is TensorFlow's own")
def test_two_worker_processes(alone_and_on_two_devices):
    # Keras's own fit and train_on_batch do not run under this strategy, with or without us, so the loop is its user's.
    with socket.socket() as one, socket.socket() as other:
        for each in (one, other):
            each.bind(("127.0.0.1", 0))
        ports = [each.getsockname()[1] for each in (one, other)]
    alone, _ = alone_and_on_two_devices
    for result in results(*(["workers", number, *ports] for number in (0, 1))):
        check(result, alone, 1)
