"""NIR for readers that need a graph of their own: what is in the file, what is refused, and sinabs and spyx themselves.

The latter need environments of their own, and their tests are skipped elsewhere: sinabs 3.1.3 with nir 1.0.4, nirtorch
2.0.2 and torch 2.13.0; spyx 1.0.0 with nir 1.0.8. There, with pytest, pytest-timeout and hypothesis:

    python -m pytest -o addopts= tests/exchange/test_nir_readers.py -k "sinabs_has or spyx_has"
"""

import h5py
import nir
import numpy as np
import pytest
from exchange_networks import ties
from rounding import beyond_doubt

from whetstone_lab.exchange.nir import from_nir, to_nir
from whetstone_lab.exchange.nir.readers import READERS
from whetstone_lab.simulator import Network, Node, Output, run
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

SAMPLES = 60


def weights(kind, *shape):
    if kind == "ties":
        return ties(*shape)
    return np.random.default_rng(sum(shape)).normal(0.05, 2 / np.sqrt(np.prod(shape[:-1])), shape).astype(np.float32)


def mlp(kind):
    return Network((20,), [Dense(weights(kind, 20, 16), weights(kind, 16)), Neurons(), Dense(weights(kind, 16, 14)),
                           Neurons(0.0), Dense(weights(kind, 14, 12)), Neurons(np.float32(np.linspace(-0.25, 1, 12)))],
                   key=np.eye(3).repeat(4, 1))


def convnet(kind):
    return Network((9, 8, 2), [
        Conv2D(weights(kind, 3, 2, 2, 4), weights(kind, 4), padding="same", strides=2), Neurons([0.5, 0.25, 0, 1]),
        MaxPool2D(2, strides=1, padding="same"), Conv2D(weights(kind, 3, 3, 2, 6), padding="same", groups=2), Neurons(),
        AveragePool2D(2), Reshape(), Dense(weights(kind, 24, 12), weights(kind, 12)), Neurons()])


def residual(kind):
    return Network((6, 6, 2), [
        Node("stem", Conv2D(weights(kind, 3, 3, 2, 6), weights(kind, 6), padding="same"), ("input",)),
        Node("first", Neurons(), ("stem",)), Node("a", Conv2D(weights(kind, 3, 3, 6, 6), padding="same"), ("first",)),
        Node("middle", Neurons(), ("a",)), Node("b", Conv2D(weights(kind, 1, 1, 6, 6)), ("middle",)),
        Node("sum", Add(), ("b", "first")), Node("second", Neurons(), ("sum",)),
        Node("pool", GlobalMaxPool2D(), ("second",)), Node("dense", Dense(weights(kind, 6, 8)), ("pool",)),
        Node("third", Neurons(), ("dense",))])


def projection(kind):
    return Network((6, 6, 2), [
        Node("stem", Conv2D(weights(kind, 3, 3, 2, 6), padding="same"), ("input",)),
        Node("first", Neurons(), ("stem",)), Node("b", Conv2D(weights(kind, 1, 1, 6, 6)), ("first",)),
        Node("skip", Conv2D(weights(kind, 1, 1, 6, 6)), ("first",)), Node("sum", Add(), ("b", "skip")),
        Node("second", Neurons(), ("sum",))])


NETWORKS = {"mlp": mlp, "convnet": convnet, "residual": residual}


def pictures(network, kind):
    rng = np.random.default_rng(1)
    shape = (SAMPLES, *network.input_shape)
    return (rng.integers(0, 3, shape) / 2 if kind == "ties" else rng.normal(size=shape)).astype(np.float32)


#: What the constructors of NIR 1.0.4 take; an array of a file that they do not is a TypeError there.
TAKES_104 = {
    "Affine": {"weight", "bias"}, "Input": {"shape"}, "Output": {"shape"},
    "Conv2d": {"input_shape", "weight", "stride", "padding", "dilation", "groups", "bias"},
    "Flatten": {"input_type", "start_dim", "end_dim"}, "LIF": {"tau", "r", "v_leak", "v_threshold"},
}


@pytest.mark.parametrize("reader", ["1.0.4", "sinabs"])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_file_for_nir_1_0_4_holds_what_it_takes_and_is_read_here_too(name, reader, tmp_path):
    network = NETWORKS[name]("ties")
    to_nir(network, tmp_path / "net.nir", reader=reader)
    with h5py.File(tmp_path / "net.nir") as file:
        for node in file["node/nodes"].values():
            kind = node["type"][()].decode()
            assert set(node) - {"type", "metadata"} <= TAKES_104[kind]
    x = pictures(network, "ties")
    again, record = run(from_nir(tmp_path / "net.nir"), x), run(network, x)
    for layer in network.layers:
        np.testing.assert_array_equal(again.dense(layer).any(axis=1), record.dense(layer).any(axis=1))


def test_without_a_reader_the_file_is_as_it_was(tmp_path):
    if not hasattr(nir.CubaLIF, "v_reset"):
        pytest.skip("this is NIR 1.0.4")
    kinds = {type(node).__name__ for node in to_nir(mlp("ties"), tmp_path / "net.nir").nodes.values()}
    assert kinds == {"Input", "Affine", "CubaLIF", "Output"}
    with h5py.File(tmp_path / "net.nir") as file:
        assert "v_reset" in file["node/nodes/neurons"]


@pytest.mark.parametrize(("network", "reader", "words"), [
    (lambda: projection("ties"), "sinabs", r"sinabs would run 'second' before \['skip'\]"),
    (lambda: Network((2, 2, 1), [Neurons(np.float32([[[0.5], [1]], [[1], [1]]]))]), "sinabs",
     "sinabs has one threshold for each channel of an image; those of NIR node 'neurons' differ"),
    (lambda: Network((2,), [Neurons()], outputs={"a": Output("neurons"), "b": Output("neurons")}), "sinabs",
     "one input and one output"),
    (lambda: Network((5, 2), [Reshape((1, 5, 2)), Conv2D(ties(1, 3, 2, 2)), Neurons(), Reshape((3, 2))]), "sinabs",
     "sinabs 3.1.3 fails at every Conv1d, such as NIR node 'conv2d'"),
    (lambda: convnet("ties"), "spyx", "spyx gets perceptrons right: .* NIR node 'conv2d', Conv2d, is more"),
    (lambda: Network((2, 2), [Reshape(), Dense(ties(4, 3)), Neurons()]), "spyx", "Flatten, is more"),
    (lambda: Network((2,), [Node("a", Neurons(), ("input",)), Node("b", Dense(ties(2, 2)), ("a",)),
                            Node("c", Add(), ("a", "b")), Node("d", Neurons(), ("c",))]), "spyx", "leaves skips out"),
    (lambda: mlp("ties"), "rockpool", r"Rockpool 3.1.0: it takes tau.* ends in \.rockpool\.py"),
    (lambda: mlp("ties"), "norse", "reader to be one of '1.0.4', 'rockpool', 'sinabs', 'spyx', or none; got 'norse'"),
])
def test_what_a_reader_would_get_wrong_is_refused_and_not_written(network, reader, words, tmp_path):
    with pytest.raises(ValueError, match=words):
        to_nir(network(), tmp_path / "net.nir", reader=reader)
    assert not list(tmp_path.iterdir())


def test_every_reader_is_told_of():
    assert all(f'``"{name}"``' in to_nir.__doc__ for name in READERS)


# -- the readers themselves -------------------------------------------------------------------------------------------


def sure_of(network, record, kind):
    return np.ones(SAMPLES, bool) if kind == "ties" else beyond_doubt(network, record)


@pytest.mark.peers
@pytest.mark.parametrize("kind", ["ties", "random"])
@pytest.mark.parametrize("name", NETWORKS)
def test_sinabs_has_the_same_spikes(name, kind, tmp_path):
    sinabs = pytest.importorskip("sinabs", reason="sinabs is not installed")
    torch = pytest.importorskip("torch")
    from sinabs.activation import SingleSpike
    from sinabs.nir import from_nir

    network = NETWORKS[name](kind)
    to_nir(network, tmp_path / "net.nir", reader="sinabs")
    model, x = from_nir(nir.read(tmp_path / "net.nir"), batch_size=SAMPLES), pictures(network, kind)
    for layer in model.modules():
        if isinstance(layer, sinabs.layers.LIFSqueeze):
            layer.spike_fn = SingleSpike
    record = run(network, x)
    want = record.dense(network.layers[-1])[:, network.steps[network.layers[-1]]]
    sure, state = sure_of(network, record, kind), None
    assert 0.02 < want.mean() < 0.98
    given = torch.from_numpy(np.moveaxis(x, -1, 1).copy() if x.ndim > 2 else x)
    with torch.no_grad():
        for order in (slice(None), slice(None, None, -1)):  # nothing is left of the pictures before
            found, state = model(given[torch.arange(SAMPLES).flip(0) if order.step else slice(None)], state)
            np.testing.assert_array_equal(found.numpy()[sure[order]], want[order][sure[order]])


@pytest.mark.peers
@pytest.mark.parametrize("kind", ["ties", "random"])
def test_sinabs_has_its_own_spikes_here(kind, tmp_path):
    sinabs = pytest.importorskip("sinabs", reason="sinabs is not installed")
    torch = pytest.importorskip("torch")
    from sinabs.activation import MembraneReset, SingleSpike

    layers = []
    for below, above in ((12, 10), (10, 8)):
        linear = torch.nn.Linear(below, above)
        linear.weight.data = torch.from_numpy(weights(kind, below, above).T.copy())
        linear.bias.data = torch.from_numpy(weights(kind, above))
        layers += [linear, sinabs.layers.IAFSqueeze(batch_size=20, spike_fn=SingleSpike, reset_fn=MembraneReset())]
    model, rng = torch.nn.Sequential(*layers), np.random.default_rng(0)
    trains = (rng.integers(0, 9, (20, 8, 12)) / 4 if kind == "ties" else rng.normal(0.4, 1, (20, 8, 12))).astype("f")
    with torch.no_grad():
        theirs = np.stack([model(step).numpy() > 0 for step in torch.from_numpy(trains).unbind(1)], 1)
    nir.write(tmp_path / "net.nir", sinabs.nir.to_nir(model, torch.zeros(20, 12)))
    network = from_nir(tmp_path / "net.nir", step=1, at_threshold=True)
    last = network.layers[-1]
    ours = run(network, trains).dense(last)[:, network.steps[last]:][:, :8]
    assert 0.02 < ours.mean() < 0.98
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.peers
@pytest.mark.parametrize("kind", ["ties", "random"])
def test_spyx_has_the_same_spikes_once_they_have_come_through(kind, tmp_path):
    pytest.importorskip("spyx", reason="spyx is not installed")
    from spyx.nir import from_nir
    from spyx.nn import run as spyx_run

    network = mlp(kind)
    to_nir(network, tmp_path / "net.nir", reader="spyx")
    x, steps = pictures(network, kind), len(network.layers) + 1
    held = np.repeat(x[None], steps + 2, axis=0)
    model, _ = from_nir(nir.read(tmp_path / "net.nir"), held, dt=1e-4)
    spikes, _ = spyx_run(model, held)
    record = run(network, x)
    want = record.dense(network.layers[-1])[:, network.steps[network.layers[-1]]]
    sure = sure_of(network, record, kind)
    for step in np.asarray(spikes)[steps - 1:]:
        np.testing.assert_array_equal(step[sure], want[sure])
    assert (np.asarray(spikes)[steps - 2] != want).any()
