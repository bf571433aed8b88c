"""The lowering to synapses: a wave over nothing but the lists gives the spikes and votes of the simulator."""

import numpy as np
import pytest
from exchange_networks import NETWORKS

from whetstone_lab.exchange.synapses import populations
from whetstone_lab.simulator import Network, Node, Output, run
from whetstone_lab.simulator import operations as ops


def wave(network, x):
    """Every population's spikes, and what is read, from the lists alone."""
    values = {"input": x.reshape(len(x), -1).astype(float)}
    for each in populations(network):
        sums = np.zeros((len(x), each.size)) + each.bias
        for source, found in each.synapses.items():
            for pre, post, weight in zip(found.pre, found.post, found.weight, strict=True):
                sums[:, post] += values[source][:, pre] * weight
        values[each.name] = sums if each.threshold is None else (sums >= each.threshold).astype(float)
    return values


@pytest.mark.parametrize("name", [name for name in NETWORKS if name not in (
    "arithmetic", "pool before thresholds of their own")])
def test_lists_of_synapses_do_what_the_network_does(name):
    network = NETWORKS[name]()
    x = np.random.default_rng(1).integers(-4, 5, (30, *network.input_shape)) / 4
    record, values = run(network, x.astype(network.dtype)), wave(network, x)
    for layer in network.layers:
        want = record.dense(layer)[:, network.steps[layer]].reshape(len(x), -1)
        np.testing.assert_array_equal(values[layer], want)
    last = values[populations(network)[-1].name]
    if network.readout == "logit":
        np.testing.assert_array_equal(last[:, 0] - network.head.threshold, record.votes[:, 1])
    elif network.readout != "spikes":
        np.testing.assert_array_equal(last, record.votes.reshape(len(x), -1))


def test_each_list_is_sorted_has_no_zeros_and_counts_what_the_network_counts():
    network = Network((5,), [ops.Dense(np.ones((5, 4), "f")), ops.Neurons(), ops.Dense(np.ones((4, 3), "f")),
                             ops.Neurons()], key=np.eye(3))
    *layers, votes = populations(network)
    assert [each.name for each in layers] == [*network.layers]
    found = [synapses for each in layers for synapses in each.synapses.values()]
    assert sum(len(each.pre) for each in found) == network.synapses
    for each in found:
        assert np.all(each.weight != 0)
        assert np.all(np.diff(each.post * 100 + each.pre) > 0)
    assert votes.threshold is None
    np.testing.assert_array_equal(votes.bias, [1, 1, 1])


def test_a_pool_of_spikes_and_one_of_sums_fire_if_any_of_their_window_does():
    pooled = populations(Network((4, 4, 1), [ops.Neurons(), ops.MaxPool2D(2), ops.Reshape(), ops.Dense(np.ones((4, 1))),
                                             ops.Neurons()]))
    assert [(each.name, each.pools) for each in pooled[:-1]] == [("neurons", False), ("maxpool2d", True),
                                                                 ("neurons_2", False)]
    (window,) = pooled[1].synapses.values()
    np.testing.assert_array_equal(window.pre[window.post == 1], [2, 3, 6, 7])
    sums = populations(Network((4, 4, 1), [ops.Conv2D(np.ones((1, 1, 1, 2))), ops.MaxPool2D(2), ops.Neurons([1, 2])]))
    assert [(each.name, each.size) for each in sums[:2]] == [("neurons_unpooled", 32), ("neurons", 8)]
    np.testing.assert_array_equal(sums[0].threshold, [1, 2] * 16)
    np.testing.assert_array_equal(sums[1].threshold, np.ones(8))


def test_new_names_are_nobody_s():
    nodes = [Node("n_unpooled", ops.Neurons(0.9), ("input",)), Node("p", ops.MaxPool2D(2), ("input",)),
             Node("n", ops.Neurons(0.1), ("p",)), Node("up", ops.UpSample2D(2), ("n",)),
             Node("sum", ops.Add(), ("n_unpooled", "up")), Node("out", ops.Neurons(1.5), ("sum",))]
    network = Network((2, 2, 1), nodes)
    x = np.random.default_rng(0).random((20, 2, 2, 1)).astype("f")
    record = run(network, x)
    names = [each.name for each in populations(network)]
    assert len(set(names)) == len(names)
    want = record.dense("out")[:, network.steps["out"]].reshape(20, -1)
    np.testing.assert_array_equal(wave(network, x)["out"], want)


@pytest.mark.parametrize(("network", "words"), [
    (lambda: Network((2,), [ops.ReLU(), ops.Neurons()]), r"'relu' \(ReLU\) .* no spike"),
    (lambda: Network((2,), [ops.Neurons(leak=0.5)]), "remember from step to step"),
    (lambda: Network((2, 2, 1), [ops.MaxPool2D(2), ops.Reshape(), ops.Neurons()]), "largest of sums is no spike"),
    (lambda: Network((2, 2, 1), [Node("p", ops.MaxPool2D(2), ("input",)), Node("n", ops.Neurons(), ("p",))],
                     outputs={"y": Output("p", "values")}), "largest of sums is no spike"),
    (lambda: NETWORKS["pool before thresholds of their own"](), "differ from place to place"),
    (lambda: Network((2,), [Node("one", ops.Neurons(), ("input",)), Node("two", ops.Neurons(0.75), ("input",))],
                     outputs={"x": Output("one"), "y": Output("two")}), r"outputs \['x', 'y'\]"),
])
def test_what_is_no_sum_of_spikes_is_refused_with_its_place(network, words):
    with pytest.raises(ValueError, match=words):
        populations(network())
