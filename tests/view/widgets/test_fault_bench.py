import math

import numpy as np
import pytest

from whetstone_lab import datasets
from whetstone_lab.course import kept
from whetstone_lab.simulator import Faults, Network, evaluate, predict
from whetstone_lab.simulator.operations import Dense
from whetstone_lab.view.widgets import FaultBench


def test_it_has_samples_to_count_on_and_leaves_a_picture():
    digits, network = datasets.load_digits(), kept.network("digits")
    bench = FaultBench(network, digits.x_test[:20], digits.y_test[:20])
    assert repr(bench) == "FaultBench(420 neurons, 20 samples)"
    assert bench.samples["labels"] == digits.y_test[:20].tolist()
    assert bench.picture().get_suptitle() == f"Read as {predict(network, digits.x_test[:1])[0]}"


@pytest.mark.parametrize(("x", "y"), [(slice(5), None), (slice(0), np.zeros(0, int))])
def test_without_samples_and_classes_there_is_no_accuracy(x, y):
    with pytest.raises(ValueError, match="Expected samples and their true classes, at least one"):
        FaultBench(kept.network("digits"), datasets.load_digits().x_test[x], y)


def test_what_is_broken_on_the_page_is_broken_in_python():
    digits, network = datasets.load_digits(), kept.network("digits")
    x, y = digits.x_test[:40], digits.y_test[:40]
    bench = FaultBench(network, x, y)
    whole = bench.table()
    assert whole["accuracy"].tolist() == whole["unbroken"].tolist()
    assert whole["accuracy"][-1] == evaluate(network, x, y)["accuracy"]
    bench.set_state({"broken": {"dead": 0.1, "stuck": 0, "silent": 0, "lost": 0.2, "jitter": 0, "noise": 0, "bits": 3,
                                "seed": 4, "voters": 10, "sample": 7, "fates": [], "pixels": []}})
    assert bench.faults == Faults(dead=0.1, lost=0.2, bits=3, seed=4)
    table = bench.table()
    assert table["accuracy"][-1] == evaluate(network, x, y, faults=bench.faults)["accuracy"]
    assert (table["neurons_a_class"].tolist(), table["lost"].tolist()) == ([*range(1, 11)], [0.2] * 10)
    lasting = Faults(dead=0.1, bits=3, seed=4).damage(network)
    assert bench.picture().get_suptitle() == f"Read as {predict(lasting, x)[7]}"
    # What hands have done, and inputs that are silent.
    bench.broken = {"silent": 0.5, "seed": 1, "fates": [[0, 3, "dead"], [2, 5, "stuck"]], "pixels": [9]}
    thresholds = [node.operation.threshold for node in bench.damaged().nodes if node.name in network.layers]
    assert (thresholds[0][3], thresholds[2][5]) == (np.finfo("f4").max, -np.finfo("f4").max)
    silent = np.random.default_rng([1, 4]).random(64) < 0.5
    silent[9] = True
    np.testing.assert_array_equal(bench.shown_to_it(), np.where(silent, 0, x))
    assert [bench.table()[name][0] for name in ("killed", "forced", "silenced", "silent")] == [1, 1, 1, 0.5]
    assert math.isnan(bench.table()["bits"][0])
    assert bench.state()["broken"] == bench.broken, "a page that is taken along is as broken"


def test_an_output_without_a_key_has_one_accuracy():
    network = Network((16,), [Dense(np.eye(16, 3, dtype=np.float32))])
    bench = FaultBench(network, np.eye(16, dtype=np.float32)[:3], [0, 1, 0])
    assert (bench.table()["neurons_a_class"].tolist(), bench.table()["accuracy"].tolist()) == ([1], [2 / 3])
