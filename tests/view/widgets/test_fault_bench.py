import numpy as np
import pytest

from whetstone_lab import datasets
from whetstone_lab.course import kept
from whetstone_lab.simulator import predict
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
