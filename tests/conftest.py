"""Which tests are the quick ones, and a run and a simulation to draw, made without Keras: the real adaptive policy on
losses that are made up."""

from __future__ import annotations

import gc
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
from made_up import MadeUpRun

from whetstone_lab import keys
from whetstone_lab.records.spikes import SpikeRecord
from whetstone_lab.records.trace import Trace

# TensorFlow convolves channels first, and transposed with dilation, on a CPU only with oneDNN, which it takes by itself
# on some processors alone.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
# On a GPU, JAX multiplies in TensorFloat-32 unless told otherwise; the tests compare spikes and decimals.
os.environ.setdefault("JAX_DEFAULT_MATMUL_PRECISION", "highest")

# A graph is a hundred thousand objects that are all in use; to look through them again and again takes a tenth of all.
gc.set_threshold(100_000, 20, 50)

# For a second and a third environment, where what is looked for differs with the version and not with the numbers.
hypothesis.settings.register_profile("few", max_examples=10)

TESTS = Path(__file__).parent
#: What ``pytest -m quick`` runs: the folders whose code never loads Keras, and the command line...
QUICK = {"method", "records", "datasets", "environments", "simulator", "exchange", "view", "course", "cli",
         "parity", "old_files"}
#: ... but for these files, which train or load a model, or ask Keras or PyTorch.
NOT_QUICK = {
    "cli/test_convert_command.py", "cli/test_demo.py", "datasets/test_keras_datasets.py", "exchange/test_nir_peers.py",
    "old_files/test_old_models.py", "simulator/test_neurobench_peers.py",
    # These wait for compilers, and for a server of JupyterLab.
    "cli/test_lab.py", "exchange/test_c.py", "exchange/test_verilog.py",
}
KERAS = {"keras", "tensorflow", "torch", "jax"}

#: How a browser is started for tests: it does nothing of its own accord.
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync"]


def is_quick(path: Path) -> bool:
    """Whether a file of tests is among the quick ones, or a folder may hold some."""
    inside = path.relative_to(TESTS) if path.is_relative_to(TESTS) else Path("elsewhere")
    return inside == Path() or (inside.parts[0] in QUICK and inside.as_posix() not in NOT_QUICK)


def only_quick(config: pytest.Config) -> bool:
    return config.getoption("markexpr") == "quick"


def pytest_configure(config: pytest.Config) -> None:
    if only_quick(config) and not config.getoption("--hypothesis-profile", None):
        hypothesis.settings.load_profile("few")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """To look into a file for its tests is to import it, and most of the others import Keras."""
    return True if only_quick(config) and not is_quick(collection_path) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if is_quick(item.path):
            item.add_marker("quick")


@pytest.fixture(autouse=True, scope="session")
def the_quick_tests_load_no_keras(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if only_quick(request.config):
        loaded = KERAS & set(sys.modules)
        assert not loaded, f"The quick tests loaded {', '.join(sorted(loaded))}: see QUICK in tests/conftest.py."


@pytest.fixture(autouse=True, scope="module")
def garbage_is_collected_where_it_is_made() -> Iterator[None]:
    """TensorFlow may take as long to end an iterator as it has lived, up to a minute; what lives on is not gone through
    again and again, which with a session's graphs takes seconds. Without Keras there is nothing of the kind."""
    yield
    if "keras" in sys.modules:
        gc.collect()
        gc.freeze()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A headless Chromium, the one that is installed."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="the browser tests need playwright")
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("the browser tests need a Chromium on the PATH")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Views leave an empty picture behind, where others are not looked at: to draw one takes a third of a second.

    That each view leaves a picture is seen in ``view/widgets/test_base.py``, that pages have them in
    ``view/test_page.py``, and what they show in ``view/plots``.
    """
    from whetstone_lab.view.widgets._view import _STILL, View

    monkeypatch.setattr(View, "left_behind", lambda view: {
        "text/plain": repr(view), "image/png": "", "text/html": _STILL.format(view=view.still, words="", png="")})


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


@pytest.fixture(scope="session")
def map_record() -> SpikeRecord:
    """Four pictures of 12 x 12 through one layer, read place by place as one of five classes; read it, do not write."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[:12, :12]
    truth = np.stack([(np.hypot(x - 5.5 - turn, y - 5.5) // 2.2).astype(int) % 5 for turn in range(4)])
    votes = np.eye(5, dtype=np.float32)[truth] + 0.2 * rng.random((4, 12, 12, 5), np.float32)
    fired = rng.random((4, 144)) < 0.3
    sample, neuron = (part.astype(np.int32) for part in np.nonzero(fired))
    inputs = (truth[..., None] / 5).astype(np.float32)
    return SpikeRecord(("hidden",), ((12, 12, 1),), 1, sample, 0 * sample, 0 * sample, neuron, inputs, votes)


@pytest.fixture(scope="session")
def silent_record() -> SpikeRecord:
    """Two samples of a network without neurons, which has four classes; read it, do not write to it."""
    nothing, rng = np.zeros(0, np.int32), np.random.default_rng(6)
    return SpikeRecord((), (), 1, nothing, nothing, nothing, nothing, rng.random((2, 6)).astype(np.float32),
                       rng.random((2, 4)).astype(np.float32))
