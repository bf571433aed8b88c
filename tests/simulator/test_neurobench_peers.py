"""NeuroBench's own numbers for the same networks in PyTorch, and where they differ from ours: in what it cannot see.

Skipped where it is not installed. Seen with neurobench 2.3.0, torch 2.13.0 and Python 3.11; .ci/run has not got it.
"""

import numpy as np
import pytest

from whetstone_lab.simulator import Network, neurobench, run
from whetstone_lab.simulator.operations import Conv2D, Dense, MaxPool2D, Neurons, Reshape

pytestmark = pytest.mark.peers

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
benchmarks = pytest.importorskip("neurobench.benchmarks", reason="NeuroBench is not installed", exc_type=ImportError)
from neurobench import metrics  # noqa: E402
from neurobench.models import TorchModel  # noqa: E402


class Threshold(torch.nn.Module):
    """Neurons of ours."""

    def __init__(self, threshold):
        super().__init__()
        self.register_buffer("threshold", torch.tensor(threshold))

    def forward(self, x):
        return (x >= self.threshold).float()


def weights(*shape):
    """Quarters, of which some are 0."""
    return np.random.default_rng(sum(shape)).integers(-2, 4, shape).astype(np.float32) / 4


def mlp():
    return Network((9,), [Dense(weights(9, 12), weights(12)), Neurons(), Dense(weights(12, 6)), Neurons()])


def convnet():
    return Network((7, 6, 2), [
        Conv2D(weights(3, 3, 2, 5), weights(5), padding="same"), Neurons(), MaxPool2D(2),
        Conv2D(weights(3, 3, 5, 4), strides=1, padding="same"), Neurons(), Reshape(), Dense(weights(36, 4)), Neurons()])


class ChannelsLast(torch.nn.Module):
    """Flattens as we do."""

    def forward(self, x):
        return x.movedim(1, -1).flatten(1)


def twin(network):
    """The same in PyTorch, with the same arrays."""
    modules = []
    for node in network.nodes:
        operation = node.operation
        if isinstance(operation, Neurons):
            modules.append(Threshold(operation.threshold))
            continue
        if isinstance(operation, Reshape | MaxPool2D):
            modules.append(ChannelsLast() if isinstance(operation, Reshape) else torch.nn.MaxPool2d(2))
            continue
        bias = operation.bias is not None
        if isinstance(operation, Dense):
            module, array = torch.nn.Linear(*operation.weights.shape, bias=bias), operation.weights.T
        else:
            rows, columns, channels, filters = operation.weights.shape
            module = torch.nn.Conv2d(channels, filters, (rows, columns), padding="same", bias=bias)
            array = operation.weights.transpose(3, 2, 0, 1)
        module.weight.data = torch.tensor(array.copy())
        if bias:
            module.bias.data = torch.tensor(operation.bias)
        modules.append(module)
    return torch.nn.Sequential(*modules)


def theirs(network, x, batch=8, known=True):
    """NeuroBench's report, and the twin's output."""
    net, given = twin(network), torch.tensor(np.moveaxis(x, -1, 1).copy() if x.ndim > 2 else x)
    model = TorchModel(net)
    if known:
        model.add_activation_module(Threshold)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(given, torch.zeros(len(x))), batch_size=batch)
    wanted = [[metrics.static.Footprint, metrics.static.ConnectionSparsity],
              [metrics.workload.ActivationSparsity, metrics.workload.SynapticOperations]]
    with torch.no_grad():
        return benchmarks.Benchmark(model, loader, [], [], wanted).run(quiet=True), net(given).numpy()


def samples(network, spikes):
    x = np.random.default_rng(1).integers(0, 2 if spikes else 5, (24, *network.input_shape))
    return (x if spikes else x / 4).astype(np.float32)


@pytest.mark.parametrize("spikes", [True, False])
@pytest.mark.parametrize("make", [mlp, convnet])
def test_all_metrics_are_neurobench_s(make, spikes):
    network = make()
    x = samples(network, spikes)
    ours, (found, out) = neurobench(network, x), theirs(network, x)
    last = network.layers[-1]
    np.testing.assert_array_equal(out, run(network, x).dense(last)[:, network.steps[last]].reshape(out.shape))
    assert ours.footprint == found["Footprint"]
    assert round(ours.connection_sparsity, 4) == found["ConnectionSparsity"] > 0.05
    assert ours.activation_sparsity == pytest.approx(found["ActivationSparsity"])
    operations = found["SynapticOperations"]
    assert ours.effective_acs == operations["Effective_ACs"] > 0
    assert ours.effective_macs == operations["Effective_MACs"]
    assert (ours.effective_macs == 0) == spikes
    assert ours.dense == operations["Dense"]


def test_neurons_it_was_not_told_of_have_no_sparsity():
    network = mlp()
    x = samples(network, False)
    assert theirs(network, x, known=False)[0]["ActivationSparsity"] == 0
    assert neurobench(network, x).activation_sparsity > 0.1


def test_a_batch_of_zeros_and_ones_among_analog_ones_counts_as_spikes_there():
    network = mlp()
    x = samples(network, False)
    x[:8] = np.round(x[:8])
    found, ours = theirs(network, x)[0]["SynapticOperations"], neurobench(network, x)
    assert found["Effective_MACs"] < ours.effective_macs
    assert found["Effective_MACs"] + found["Effective_ACs"] == ours.effective_macs + ours.effective_acs
