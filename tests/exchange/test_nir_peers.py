"""NIR files in simulators that we did not write: snnTorch, Norse and SpikingJelly give the very same spikes, and so do
their own files here.

They are in the extra ``peers``; each test is skipped, and says so, where its simulator is not installed.
"""

from functools import partial

import numpy as np
import pytest
from rounding import beyond_doubt

from whetstone_lab.exchange.nir import from_nir, to_nir
from whetstone_lab.exchange.nir.names import TAKEN
from whetstone_lab.simulator import Network, Node, run
from whetstone_lab.simulator.operations import (
    Add,
    AveragePool2D,
    Conv2D,
    Dense,
    GlobalMaxPool2D,
    MaxPool2D,
    Neurons,
    Reshape,
)

pytestmark = pytest.mark.peers

nir = pytest.importorskip("nir")
torch = pytest.importorskip("torch", reason="the simulators that read NIR are not installed: whetstone-lab[peers]")

SAMPLES, STEPS = 100, 4


def by_snntorch(graph):
    return pytest.importorskip("snntorch.import_nir", reason="snnTorch is not installed").import_from_nir(graph)


def by_norse(graph):
    # Its own time step is another, and it does not say so.
    return pytest.importorskip("norse.torch", reason="Norse is not installed").from_nir(graph, dt=1e-4)


def by_spikingjelly(graph):
    exchange = pytest.importorskip("spikingjelly.activation_based.nir_exchange", reason="SpikingJelly is not installed")
    return exchange.import_from_nir(graph)


PEERS = {"snntorch": by_snntorch, "norse": by_norse, "spikingjelly": by_spikingjelly}


def weights(kind, *shape):
    """Multiples of 1/4, so that potentials lie right on thresholds and nothing is rounded; or anything."""
    rng = np.random.default_rng(len(shape) + shape[-1])
    if kind == "ties":
        return rng.integers(-3, 4, shape).astype(np.float32) / 4
    return rng.normal(0.02, 2.5 / np.sqrt(np.prod(shape[:-1])), shape).astype(np.float32)


def mlp(kind):
    return Network((30,), [Dense(weights(kind, 30, 24), weights(kind, 24)), Neurons(), Dense(weights(kind, 24, 20)),
                           Neurons(), Dense(weights(kind, 20, 15), weights(kind, 15)), Neurons()])


def convnet(kind):
    """Padding ``same`` at strides 1 and 2, a kernel that is no square, groups, both pools, and a dense end."""
    return Network((9, 8, 2), [
        Conv2D(weights(kind, 3, 2, 2, 6), weights(kind, 6), padding="same", strides=2), Neurons(),
        MaxPool2D(2, strides=1, padding="same"), Conv2D(weights(kind, 3, 3, 3, 6), padding="same", groups=2),
        Neurons(), AveragePool2D(2), Reshape(), Dense(weights(kind, 24, 15), weights(kind, 15)), Neurons(),
    ])


def length(kind):
    """Convolutions along a length, with padding, a stride, and a pool of spikes."""
    return Network((11, 3), [
        Reshape((1, 11, 3)), Conv2D(weights(kind, 1, 3, 3, 6), weights(kind, 6), padding="same"), Neurons(),
        MaxPool2D((1, 2)), Conv2D(weights(kind, 1, 2, 6, 8), strides=(1, 2)), Neurons(), Reshape(),
        Dense(weights(kind, 16, 15), weights(kind, 15)), Neurons(),
    ])


def identity(kind):
    """A residual network whose skip brings spikes as they are."""
    return Network((6, 6, 2), [
        Node("stem", Conv2D(weights(kind, 3, 3, 2, 6), weights(kind, 6), padding="same"), ("input",)),
        Node("first", Neurons(), ("stem",)),
        Node("branch", Conv2D(weights(kind, 3, 3, 6, 6), padding="same"), ("first",)),
        Node("sum", Add(), ("branch", "first")), Node("second", Neurons(), ("sum",)),
        Node("pool", GlobalMaxPool2D(), ("second",)),
        Node("dense", Dense(weights(kind, 6, 12), weights(kind, 12)), ("pool",)), Node("third", Neurons(), ("dense",)),
    ])


def potentials(kind):
    """A residual network whose skip brings what the neurons below it were compared with."""
    return Network((6, 6, 2), [
        Node("stem", Conv2D(weights(kind, 3, 3, 2, 6), padding="same"), ("input",)),
        Node("first", Neurons(), ("stem",)),
        Node("branch", Conv2D(weights(kind, 3, 3, 6, 6), padding="same"), ("first",)),
        Node("sum", Add(), ("branch", "stem")), Node("second", Neurons(), ("sum",)),
        Node("branch 2", Conv2D(weights(kind, 3, 3, 6, 6), padding="same"), ("second",)),
        Node("sum 2", Add(), ("branch 2", "sum")), Node("third", Neurons(), ("sum 2",)),
    ])


def projection(kind):
    """A residual network whose skip goes through weights of its own."""
    return Network((6, 6, 2), [
        Node("stem", Conv2D(weights(kind, 3, 3, 2, 6), padding="same"), ("input",)),
        Node("first", Neurons(), ("stem",)),
        Node("branch", Conv2D(weights(kind, 3, 3, 6, 8), padding="same", strides=2), ("first",)),
        Node("skip", Conv2D(weights(kind, 1, 1, 6, 8), strides=2), ("first",)),
        Node("sum", Add(), ("branch", "skip")), Node("second", Neurons(), ("sum",)),
    ])


def sigmoids(kind):
    """Neurons that fire at 0, as Whetstone's sigmoid does."""
    return Network((30,), [Dense(weights(kind, 30, 24), weights(kind, 24)), Neurons(0.0),
                           Dense(weights(kind, 24, 20), weights(kind, 20)), Neurons(0.0)])


def own_thresholds(kind):
    return Network((30,), [Dense(weights(kind, 30, 24)), Neurons(np.linspace(0.25, 1, 24, dtype=np.float32))])


NETWORKS = {"mlp": mlp, "convnet": convnet, "length": length, "identity": identity, "potentials": potentials,
            "projection": projection, "sigmoids": sigmoids}

#: What an importer gets wrong or refuses. Norse 1.1.0 misreads a skip that goes through weights of its own, and knows
#: no Conv1d; snnTorch 1.0.0 misreads a threshold of 0.
LIMITS = {("norse", "length"), ("norse", "projection"), ("snntorch", "sigmoids")}


def simulate(model, x):
    """The output spikes of each step, the same input at each."""
    given, state, spikes = torch.from_numpy(np.moveaxis(x, -1, 1).copy() if x.ndim > 2 else x), None, []
    with torch.no_grad():
        for _ in range(STEPS):
            output = model(given) if state is None else model(given, state)
            output, state = output if isinstance(output, tuple) else (output, None)
            spikes.append(output.numpy() > 0)
    return np.moveaxis(spikes, 2, -1) if spikes[0].ndim > 2 else np.array(spikes)


def both(name, kind, peer, tmp_path):
    """Our output spikes and those of each step of a peer, through a file, of the samples that rounding cannot turn."""
    network = NETWORKS[name](kind)
    to_nir(network, tmp_path / "network.nir")
    model = PEERS[peer](nir.read(tmp_path / "network.nir"))
    rng = np.random.default_rng(1)
    shape = (SAMPLES, *network.input_shape)
    x = (rng.integers(0, 3, shape) / 2 if kind == "ties" else rng.normal(size=shape)).astype(np.float32)
    record, last = run(network, x), network.layers[-1]
    sure = np.ones(SAMPLES, bool) if kind == "ties" else beyond_doubt(network, record)  # ties: nothing is rounded
    return record.dense(last)[sure, network.steps[last]], simulate(model, x)[:, sure]


@pytest.mark.parametrize("kind", ["ties", "random"])
@pytest.mark.parametrize(("peer", "name"), [(peer, name) for peer in PEERS for name in NETWORKS
                                            if (peer, name) not in LIMITS])
def test_spikes_are_the_very_same(peer, name, kind, tmp_path):
    ours, theirs = both(name, kind, peer, tmp_path)
    assert 0.02 < ours.mean() < 0.98
    assert len(ours) > 0.9 * SAMPLES
    for step in theirs:
        np.testing.assert_array_equal(step, ours)


@pytest.mark.parametrize("peer", PEERS)
def test_what_an_importer_cannot_is_still_so(peer, tmp_path):
    """If one of these fails, a newer release can do more: take it off the list."""
    for name in [name for other, name in LIMITS if other == peer]:
        try:
            ours, theirs = both(name, "ties", peer, tmp_path)
        except Exception as error:
            print(f"{peer} refuses {name}: {error}")
        else:
            assert (theirs != ours).any()


# -- and back ---------------------------------------------------------------------------------------------------------


def from_snntorch(net):
    snntorch, export = pytest.importorskip("snntorch"), pytest.importorskip("snntorch.export_nir")
    model = net(lambda size: snntorch.Leaky(beta=0.5 * torch.ones(size), threshold=torch.ones(size), init_hidden=True,
                                            reset_mechanism="zero"))
    graph = export.export_to_nir(model, torch.zeros(12))
    pytest.importorskip("snntorch.utils").reset(model)
    return model, graph, {}


def from_norse(net, step=1e-3, leaky=True):
    norse = pytest.importorskip("norse.torch", reason="Norse is not installed")
    write = pytest.importorskip("norse.torch.utils.export_nir").to_nir

    def cell(size):
        ones = torch.ones(size)
        if leaky:
            return norse.LIFBoxCell(norse.LIFBoxParameters(tau_mem_inv=500 * ones, v_th=ones, v_leak=0 * ones), dt=step)
        return norse.IAFCell(norse.IAFParameters(v_th=ones))

    model = norse.SequentialState(*net(cell))
    return model, write(model, torch.zeros(1, 12), dt=step), {"step": step * step if leaky else 1}


def from_spikingjelly(net, kind="LIFNode", **options):
    jelly = pytest.importorskip("spikingjelly.activation_based", reason="SpikingJelly is not installed")
    exchange = pytest.importorskip("spikingjelly.activation_based.nir_exchange")
    kind = getattr(jelly.neuron, kind)
    model = net(lambda size: kind(v_threshold=1.0, v_reset=0.0, **options))
    graph = exchange.export_to_nir(model, torch.zeros(1, 12))
    jelly.functional.reset_net(model)
    return model, graph, {"at_threshold": True}


WRITERS = {
    "snnTorch's Leaky": from_snntorch, "Norse's LIFBoxCell": from_norse,
    "Norse's IAFCell": partial(from_norse, leaky=False),
    "SpikingJelly's LIFNode": partial(from_spikingjelly, tau=2.0),
    "SpikingJelly's IFNode": partial(from_spikingjelly, kind="IFNode"),
    "SpikingJelly's CUBALIFNode": partial(from_spikingjelly, kind="CUBALIFNode", c_decay=0.0, v_decay=0.5),
}


@pytest.mark.parametrize("kind", ["ties", "random"])
@pytest.mark.parametrize("name", WRITERS)
def test_what_a_peer_writes_spikes_here_as_it_does_there(name, kind, tmp_path):
    """Step by step, with what the neurons keep; halves of quarters are exact, and so are their sums."""
    def net(neurons):
        layers = []
        for below, above in ((12, 10), (10, 8)):
            linear = torch.nn.Linear(below, above)
            linear.weight.data = torch.from_numpy(weights(kind, below, above).T.copy())
            linear.bias.data = torch.from_numpy(weights(kind, above))
            layers += [linear, neurons(above)]
        return torch.nn.Sequential(*layers)

    model, graph, options = WRITERS[name](net)
    rng, state, theirs = np.random.default_rng(0), None, []
    trains = (rng.integers(0, 9, (20, 8, 12)) / 4 if kind == "ties" else rng.normal(0.4, 1, (20, 8, 12))).astype("f")
    with torch.no_grad():
        for step in torch.from_numpy(trains).unbind(1):
            made = model(step, state) if name.startswith("Norse") else model(step)
            made, state = made if isinstance(made, tuple) else (made, None)
            theirs.append(made.numpy() > 0)
    nir.write(tmp_path / "net.nir", graph)
    for source in (graph, tmp_path / "net.nir"):
        network = from_nir(source, **options)
        assert network.input_shape == (12,)
        last = network.layers[-1]
        ours = run(network, trains).dense(last)[:, network.steps[last]:][:, :8]
        assert 0.02 < ours.mean() < 0.98
        np.testing.assert_array_equal(ours, np.stack(theirs, 1))


@pytest.mark.parametrize("peer", ["snntorch", "spikingjelly"])
def test_a_threshold_for_each_neuron_is_refused_not_misread(peer):
    with pytest.raises((AssertionError, ValueError), match=r"same for all neurons|must be same|uniform"):
        PEERS[peer](to_nir(own_thresholds("ties")))


def test_the_names_that_modules_have_taken_are_known():
    """If this fails, a newer PyTorch has more of them: add them to the list."""
    attributes = {*dir(torch.fx.GraphModule), *vars(torch.nn.Module())}
    assert {name for name in attributes if not name.startswith("_")} <= TAKEN


@pytest.mark.parametrize("name", [
    "output", "self", "execution_order", "return_state", "graph", "train", "type", "_modules", "__init__", "0", "if",
])
@pytest.mark.parametrize("peer", PEERS)
def test_a_node_may_have_any_name(peer, name):
    eye = np.eye(4, dtype=np.float32)
    for nodes in ([Node(name, Dense(eye), ("input",)), Node("spikes", Neurons(), (name,))],
                  [Node("dense", Dense(eye), ("input",)), Node(name, Neurons(), ("dense",))]):
        output = PEERS[peer](to_nir(Network((4,), nodes)))(torch.tensor([[1.0, 0, 0.75, 0.25]]))
        spikes = output[0] if isinstance(output, tuple) else output
        assert spikes.tolist() == [[1, 0, 1, 0]]
