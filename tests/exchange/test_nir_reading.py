"""NIR graphs of others: they do what their definitions say, or are refused by the name of the node."""

import warnings

import nir
import numpy as np
import pytest
from nir_graphs import cuba, graph_of, images, quarters
from numpy.lib.stride_tricks import sliding_window_view

from whetstone_lab.exchange.nir import from_nir, to_nir
from whetstone_lab.simulator import Network, run
from whetstone_lab.simulator.operations import Dense, Neurons, Reshape


def test_nodes_that_lead_nowhere_are_left_out():
    graph = graph_of(("a", cuba()), ("b", nir.Delay(np.ones(4))),
                     edges=[("input", "a"), ("input", "b"), ("a", "output")])
    assert from_nir(graph).layers == ("a",)


def euler(node, currents, step):
    """NIR's differential equations in steps of Euler's, as they stand in its definitions."""
    v, fired = np.zeros(4), []
    for current in currents:
        if isinstance(node, nir.IF):
            v = v + step * node.r * current
        elif isinstance(node, nir.LIF):
            v = v + step / node.tau * (node.v_leak - v + node.r * current)
        else:
            v = v + step / node.tau_mem * (node.v_leak - v + node.r * node.w_in * current)
        fired.append(v > node.v_threshold)
        v = np.where(fired[-1], node.v_reset, v)
    return np.array(fired)


@pytest.mark.parametrize("node", [
    nir.IF(np.full(4, 1e4), np.linspace(0.3, 2, 4)), nir.IF(np.full(4, 2500.0), np.ones(4)),
    nir.LIF(np.full(4, 8e-4), np.full(4, 8.0), np.zeros(4), np.linspace(0.3, 2, 4)),
    nir.LIF(np.full(4, 2e-4), np.array([1.0, 2, 3, 4]), np.zeros(4), np.ones(4)),
    cuba(tau_mem=np.full(4, 4e-4), r=np.full(4, 4.0)), cuba(r=np.full(4, 3.0), w_in=np.full(4, 0.5)),
], ids=lambda node: type(node).__name__)
def test_neurons_that_remember_follow_nirs_equations(node):
    trains = np.random.default_rng(0).random((20, 30, 4)).astype(np.float32)
    network = from_nir(graph_of(("n", node)))
    found = run(network, trains).dense("n")
    expected = np.array([euler(node, train.astype(np.float64), 1e-4) for train in trains])
    assert 0.02 < expected.mean() < 0.98
    assert (found != expected).sum() <= 2  # float32 against float64


def test_what_others_write_is_read():
    lif = nir.LIF(tau=np.full(4, 0.001), r=np.ones(4), v_leak=np.zeros(4), v_threshold=np.full(4, 0.25))
    graph = graph_of(("scale", nir.Scale(np.full(4, 2.0))), ("linear", nir.Linear(quarters(4, 4))), ("lif", lif),
                     ("threshold", nir.Threshold(np.float64([0.0, 0.5, 1, 2]))))
    x = images(from_nir(graph, step=0.001))
    potential = 2 * x @ quarters(4, 4).T
    assert (potential == 0.25).any()
    record = run(from_nir(graph, step=0.001), x)
    np.testing.assert_array_equal(record.dense("lif")[:, 0], potential > 0.25)
    np.testing.assert_array_equal(record.dense("threshold")[:, 1], (potential > 0.25) > np.array([0, 0.5, 1, 2]))


def test_pools_and_convolutions_of_others_are_read():
    image = np.random.default_rng(0).integers(0, 3, (5, 6, 7, 2)).astype(np.float32)
    weights = quarters(4, 1, 3, 3)
    graph = graph_of(("conv", nir.Conv2d((6, 7), weights, 1, "same", 1, 2, np.zeros(4))),
                     ("sum", nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0]))),
                     ("mean", nir.AvgPool2d(np.array([1, 2]), np.array([1, 1]), np.array([0, 0]))),
                     ("flat", nir.Flatten({"input": np.array([4, 3, 2])}, 1, -1)), size=(2, 6, 7))
    padded = np.pad(np.moveaxis(image, -1, 1), ((0, 0), (0, 0), (1, 1), (1, 1)))
    seen = sliding_window_view(padded, (3, 3), (2, 3)).repeat(2, axis=1)
    conv = np.einsum("nfyxij,fij->nfyx", seen, weights[:, 0])
    summed = sliding_window_view(conv, (2, 2), (2, 3))[:, :, ::2, ::2].sum((-1, -2))
    expected = (summed[..., :-1] + summed[..., 1:]) / 2
    np.testing.assert_array_equal(run(from_nir(graph), image).votes, expected.reshape(5, -1))


# -- metadata, names and units of others -------------------------------------------------------------------------------


@pytest.mark.parametrize("metadata", [
    {"key": "A minor"}, {"key": np.eye(3)}, {"readout": "mean rate"}, {"readout": 3}, {"readout": np.ones(4)},
    {"readout": b"\xff"}, {"readout": "key"}, {"readout": "linear"}, {"readout": "softmax", "key": "A minor"},
], ids=str)
def test_metadata_of_others_are_left_alone(metadata):
    network = from_nir(graph_of(("n", cuba()), metadata=metadata))
    assert (network.readout, network.key) == ("spikes", None)


@pytest.mark.parametrize("readout", ["linear", "softmax", "logit", "sigmoid", "values"])
def test_the_readout_that_was_written_is_read(readout, tmp_path):
    network = Network((4,), [Neurons(), Dense(quarters(4, 3))], readout=readout)
    to_nir(network, tmp_path / "network.nir")
    assert from_nir(tmp_path / "network.nir").readout == readout


def test_the_threshold_of_a_logit_is_read_where_it_is_a_number():
    network = Network((4,), [Dense(quarters(4, 1))], readout="logit", threshold=0.25)
    graph = to_nir(network)
    assert from_nir(graph).head.threshold == 0.25
    for said in ("high", np.ones(3)):
        graph.metadata["threshold"] = said
        assert from_nir(graph).head.threshold == 0


def test_spikes_that_are_flattened_at_the_end_have_their_readout():
    network = Network((3, 1, 1), [Neurons(), Reshape()])
    assert from_nir(to_nir(network)).readout == network.readout == "spikes"


def test_nodes_may_be_called_as_the_input_or_as_the_helpers_of_others():
    gain = cuba(r=np.full(4, 3.0))  # a helper, Scale, goes before it
    graph = graph_of(("fc_scale", nir.Linear(quarters(4, 4))), ("fc", gain), ("fc_scale_2", nir.Linear(quarters(4, 4))))
    x = images(from_nir(graph))
    network = from_nir(graph)
    assert [node.name for node in network.nodes] == ["fc_scale", "fc_scale_3", "fc", "fc_scale_2"]
    expected = (3 * (x @ quarters(4, 4).T) > 0.5) @ quarters(4, 4).T
    np.testing.assert_array_equal(run(network, x).votes, expected)

    nodes = {"in": nir.Input({"input": np.array([4])}), "input": nir.Linear(quarters(4, 4)), "input_2": cuba(),
             "out": nir.Output({"output": np.array([4])})}
    network = from_nir(nir.NIRGraph(nodes, [("in", "input"), ("input", "input_2"), ("input_2", "out")]))
    assert [node.name for node in network.nodes] == ["input_3", "input_2"]
    np.testing.assert_array_equal(run(network, x).dense("input_2")[:, 0], x @ quarters(4, 4).T > 0.5)


def test_identity_changes_nothing():
    shape = {"input": np.array([4]), "output": np.array([4])}
    identity = nir.ir.graph.Identity(shape)  # nir 1.0.8 has it here only, and reads none from a file
    plain, more = graph_of(("n", cuba())), graph_of(("a", identity), ("n", cuba()), ("b", identity))
    x = images(from_nir(plain))
    assert [node.name for node in from_nir(more).nodes] == ["n"]
    np.testing.assert_array_equal(run(from_nir(more), x).votes, run(from_nir(plain), x).votes)


@pytest.mark.parametrize("node", [
    nir.IF(np.ones(4), np.ones(4)), nir.IF(np.ones(4), np.full(4, 50.0)),
    nir.LIF(np.full(4, 20.0), np.ones(4), np.zeros(4), np.ones(4)), cuba(tau_mem=np.full(4, 20.0)),
], ids=lambda node: type(node).__name__)
def test_neurons_that_count_time_in_steps_are_pointed_out(node):
    graph = graph_of(("first", cuba()), ("n", node))
    with pytest.warns(UserWarning, match=r"the neurons of 'n' less than a thousandth .* pass step=1") as said:
        from_nir(graph)
    assert [warning.filename for warning in said] == [__file__]


def test_an_if_that_counts_time_in_steps_fires_as_it_should_with_a_step_of_1():
    graph = graph_of(("n", nir.IF(np.ones(4), np.ones(4))))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        network = from_nir(graph, step=1)
    spikes = run(network, np.full((1, 51, 4), 0.0625, np.float32)).dense("n")
    assert spikes[0].sum(axis=0).tolist() == [3] * 4  # at the 17th of 1/16, above 1


@pytest.mark.parametrize("node", [
    nir.IF(np.full(4, 1e4), np.ones(4)), nir.IF(np.ones(4), np.full(4, 1e-3)), nir.IF(np.ones(4), np.zeros(4)),
    nir.LIF(np.full(4, 0.02), np.ones(4), np.zeros(4), np.ones(4)), nir.Threshold(np.full(4, 5000.0)),
    cuba(v_threshold=np.full(4, 5000.0)), nir.IF(np.linspace(1, 1e4, 4), np.ones(4)),
], ids=lambda node: type(node).__name__)
def test_neurons_that_can_fire_are_not_pointed_out(node):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        from_nir(graph_of(("n", node)))


# -- lengths, integrators, and graphs in graphs ------------------------------------------------------------------------


@pytest.mark.parametrize(("stride", "padding", "dilation", "groups"), [(1, "same", 1, 1), (2, 2, 1, 2), (1, 1, 2, 4),
                                                                      (3, "valid", 1, 1)])
def test_convolutions_along_a_length_are_read_and_written(stride, padding, dilation, groups, tmp_path):
    weights, bias = quarters(4, 4 // groups, 3), quarters(4, seed=1)
    thresholds = np.array([[0.0], [0.25], [0.5], [1.0]])
    conv = nir.Conv1d(11, weights, stride, padding, dilation, groups, bias)
    places = conv.output_type["output"][-1]
    graph = graph_of(("conv", conv), ("n", nir.Threshold(np.broadcast_to(thresholds, (4, places)).copy())),
                     ("flat", nir.Flatten({"input": np.array([4, places])}, -2, -1)),
                     ("read", nir.Affine(quarters(3, 4 * places), quarters(3))), size=(4, 11))
    x = np.random.default_rng(0).integers(0, 3, (40, 11, 4)).astype(np.float32) / 2
    ends = {"same": (dilation, dilation), "valid": (0, 0)}.get(padding, (padding, padding))
    padded = np.pad(x, ((0, 0), ends, (0, 0)))
    seen = sliding_window_view(padded, 2 * dilation + 1, 1)[:, ::stride, :, ::dilation]
    seen = seen.reshape(*seen.shape[:2], groups, 4 // groups, 3)
    potential = np.einsum("nlgct,gfct->nlgf", seen, weights.reshape(groups, 4 // groups, 4 // groups, 3))
    potential = potential.reshape(*seen.shape[:2], 4) + bias
    assert (potential == thresholds[:, 0]).any()
    spikes = potential > thresholds[:, 0]
    votes = spikes.transpose(0, 2, 1).reshape(40, -1) @ quarters(3, 4 * places).T + quarters(3)
    network = from_nir(graph)
    written = to_nir(network, tmp_path / "net.nir")
    assert {type(node).__name__ for node in written.nodes.values()} >= {"Conv1d", "CubaLIF"}
    for each in (network, from_nir(written), from_nir(tmp_path / "net.nir")):
        record = run(each, x)
        np.testing.assert_array_equal(record.dense("n")[:, 0], spikes)
        np.testing.assert_array_equal(record.votes, votes)


def test_values_that_remember_nothing_are_read_from_integrators():
    r = np.array([1, 2, 0.5, 1])
    for node in (nir.LI(np.full(4, 1e-4), r, np.array([0, 1, 0, 0.5])),
                 nir.CubaLI(np.full(4, 1e-4), np.full(4, 1e-4), r / 2, np.array([0, 1, 0, 0.5]), w_in=2.0)):
        graph = graph_of(("n", nir.Threshold(np.full(4, 0.5))), ("li", node))
        x = images(from_nir(graph))
        np.testing.assert_array_equal(run(from_nir(graph), x).votes, (x > 0.5) * r + [0, 1, 0, 0.5])


def test_an_integrator_at_the_end_is_what_adds_up_over_the_steps():
    neurons = ("n", nir.Threshold(np.full(4, 0.5)))
    integrator = ("i", nir.I(np.array([1e4, 5e3, 1e4, 2e4])))
    same = nir.ir.graph.Identity({"input": np.array([4]), "output": np.array([4])})
    trains = np.random.default_rng(0).random((5, 7, 4)).astype(np.float32)
    expected = (trains > 0.5).sum(axis=1) * np.array([1, 0.5, 1, 2])  # v += step r I, in each of seven steps
    for graph in (graph_of(neurons, integrator),
                  graph_of(neurons, ("inner", graph_of(integrator))),  # which leads to the inner graph's output
                  graph_of(neurons, integrator, ("same", same), ("delay", nir.Delay(np.zeros(4))))):
        np.testing.assert_allclose(run(from_nir(graph), trains).votes, expected, rtol=1e-6)


def test_a_delay_of_nothing_changes_nothing():
    graph = graph_of(("n", cuba()), ("delay", nir.Delay(np.zeros(4))))
    assert from_nir(graph).layers == ("n",)


def nested(depth):
    """Neurons in a graph within a graph, so many times."""
    graph = graph_of(("n", cuba()))
    for _ in range(depth):
        graph = graph_of(("inner", graph))
    return graph


def test_graphs_within_graphs_are_opened(tmp_path):
    inner = graph_of(("dense", nir.Affine(quarters(4, 4, seed=1), quarters(4))), ("n", cuba()))
    inner = graph_of(("deep", inner), edges=[("input", "deep"), ("deep", "output"), ("input", "output")])  # and a skip
    graph = graph_of(("first", nir.Threshold(np.full(4, 0.25))), ("inner", inner), ("second", inner),
                     ("last", nir.Threshold(np.ones(4))),
                     edges=[("input", "first"), ("first", "inner"), ("inner", "second"), ("second", "last"),
                            ("last", "output")])

    def block(spikes):
        return spikes + (spikes @ quarters(4, 4, seed=1).T + quarters(4) > 0.5)

    nir.write(tmp_path / "net.nir", graph)
    network = from_nir(tmp_path / "net.nir")
    assert network.layers == ("first", "inner.deep.n", "second.deep.n", "last")
    x = images(network)
    first = (x > 0.25).astype(float)
    record = run(network, x)
    np.testing.assert_array_equal(record.dense("last")[:, network.steps["last"]], block(block(first)) > 1)
    again = run(from_nir(to_nir(network)), x)
    assert (again.dense("last").any(axis=1) == record.dense("last").any(axis=1)).all()
    assert from_nir(nested(20)).neurons == 4


# -- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("graph", "words"), [
    (lambda: graph_of(("delay", nir.Delay(np.ones(4)))), "NIR node 'delay', Delay: expected no delay, as a layer"),
    (lambda: graph_of(("n", nir.IF(np.ones(4), np.ones(4), np.full(4, 0.1)))), "'n', IF: expected v_reset to be 0"),
    (lambda: graph_of(("conv", nir.Conv1d(4, quarters(1, 1, 1), 1, 0, 1, 1, np.zeros(1)))),
     "'conv', Conv1d: expected an input of channels and a length; got 1 axes"),
    (lambda: graph_of(("conv", nir.Conv1d(4, quarters(1, 1, 1), 2, "same", 1, 1, np.zeros(1))), size=(1, 4)),
     "'conv', Conv1d: expected padding 'same' with stride 1 only"),
    (lambda: graph_of(("i", nir.I(np.ones(4))), ("n", cuba())), r"'i', I: expected an integrator to be read.*\['n'\]"),
    (lambda: graph_of(("inner", graph_of(("i", nir.I(np.ones(4))))), ("n", cuba())),
     r"'inner\.i', I: expected an integrator to be read.*leads to \['n'\]"),
    (lambda: graph_of(("li", nir.LI(np.full(4, 2e-4), np.ones(4), np.zeros(4)))), "'li', LI: expected tau to be one"),
    (lambda: graph_of(("li", nir.CubaLI(np.full(4, 1e-4), np.full(4, 2e-4), np.ones(4), np.zeros(4)))),
     "'li', CubaLI: expected tau_mem to be one time step"),
    (lambda: graph_of(("li", nir.CubaLI(np.full(4, 2e-4), np.full(4, 1e-4), np.ones(4), np.zeros(4)))),
     "'li', CubaLI: expected tau_syn to be one time step"),
    (lambda: graph_of(("inner", graph_of(("n", cuba()), ("second", nir.Input({"input": np.array([4])})),
                                         edges=[("input", "n"), ("second", "n"), ("n", "output")]))),
     r"'inner', NIRGraph: expected one input, .* which of several it means; got \['input', 'second'\]"),
    (lambda: nested(21), "'inner', NIRGraph: expected graphs at most 20 deep"),
    (lambda: graph_of(("inner", graph_of(("n", cuba()), edges=[("input", "n"), ("n", "n"), ("n", "output")]))),
     r"without loops; got one through .*inner\.n"),
    (lambda: graph_of(("n", cuba(tau_syn=np.full(4, 0.01)))), "'n', CubaLIF: expected tau_syn to be one time step"),
    (lambda: graph_of(("n", cuba(tau_mem=np.full(4, 1e-5)))), "'n', CubaLIF: expected one tau_mem for all, at least"),
    (lambda: graph_of(("n", cuba(tau_mem=np.linspace(1, 2, 4)))), "expected one tau_mem for all"),
    (lambda: graph_of(("n", cuba(v_leak=np.ones(4)))), "expected v_leak to be 0; got 1 to 1"),
    (lambda: graph_of(("n", cuba(v_threshold=np.full(4, np.nan)))), "threshold to be finite"),
    (lambda: graph_of(("a", nir.Affine(np.ones((3, 5)), np.ones(3)))), r"'a', Affine: Expected inputs of shape"),
    (lambda: graph_of(("a", nir.Linear(np.full((4, 4), np.inf)))), "weights to be finite"),
    (lambda: graph_of(("pool", nir.SumPool2d(2, 2, 1)), size=(2, 6, 6)), "'pool', SumPool2d: expected no padding"),
    (lambda: graph_of(("pool", nir.SumPool2d(10**6, 2, 0)), size=(2, 6, 6)), "'pool', SumPool2d: .* fits into"),
    # What would be made for a node is no larger than what goes in or comes out.
    (lambda: graph_of(("pool", nir.SumPool2d(2**20, 1, 0)), size=(1, 2**20, 2**20)),
     "'input', Input: the input: expected at most 268435456 values"),
    (lambda: graph_of(("conv", nir.Conv2d(None, quarters(1, 1, 1, 1), 1, 2**26, 1, 1, np.zeros(1))), size=(1, 6, 6)),
     "'conv', Conv2d: its output: expected at most 268435456 values"),
    (lambda: graph_of(("n", cuba()), size=0), "'input', Input: expected a shape of positive lengths in .* got"),
    (lambda: graph_of(("n", cuba()), size=4.5), r"'input', Input: expected a shape of .* whole numbers; got \[4.5\]"),
    (lambda: graph_of(("n", cuba()), size=[[4]]), "'input', Input: expected a shape as a list of lengths; got 2 axes"),
    (lambda: graph_of(("n", cuba()), size=np.inf), "'input', Input: cannot convert float infinity"),
    (lambda: graph_of(("conv", nir.Conv2d(None, quarters(1, 2, 3, 3), 2, "same", 1, 1, np.zeros(1))), size=(2, 6, 6)),
     "padding 'same' with stride 1 only"),
    (lambda: graph_of(("flat", nir.Flatten({"input": np.array([2, 6, 6])}, 0, 1)), size=(2, 6, 6)), "all axes"),
    (lambda: graph_of(("a", cuba()), ("b", cuba()),
                      edges=[("input", "a"), ("a", "b"), ("b", "a"), ("b", "output")]), "without loops"),
    (lambda: graph_of(("a", cuba()), edges=[("input", "a"), ("a", "gone")]), "got 'a' to 'gone'"),
    (lambda: graph_of(("a", cuba()), edges=[("input", "a"), ("input", "a"), ("a", "output")]), "each once"),
    (lambda: graph_of(("a", cuba()), ("b", cuba()), edges=[("input", "a"), ("b", "output")]),
     "'b', CubaLIF: nothing leads"),
    (lambda: graph_of(), "with nodes between"),
    (lambda: graph_of(("other", nir.Input({"input": np.array([4])}))), "'other', Input: expected an input that"),
    (lambda: graph_of(("n", cuba()), metadata={"readout": "key", "key": np.eye(3)}), "key for 4 output neurons"),
    (lambda: "a graph" and cuba(), "Expected a NIR graph; got CubaLIF"),
])
def test_graphs_that_cannot_run_are_refused_with_the_node(graph, words):
    with pytest.raises(ValueError, match=words):
        from_nir(graph())


def convolution(axes, **changes):
    """A graph of one convolution along so many axes, with other fields than the plain ones."""
    weights = np.ones((2, 2, *[2] * axes), np.float32)
    node = (nir.Conv1d if axes == 1 else nir.Conv2d)(None, weights, 1, 0, 1, 1, np.zeros(2, np.float32))
    for name, value in changes.items():
        setattr(node, name, value)
    return graph_of(("conv", node), size=(2, *[6] * axes))


@pytest.mark.parametrize(("axes", "field", "value", "words"), [
    (1, "padding", -1, "a whole number of at least 0; got -1"), (1, "padding", [-1], r"at least 0; got \[-1\]"),
    (2, "padding", (0, -1), r"2 whole numbers, or one for all axes, of at least 0; got \[0, -1\]"),
    (2, "padding", -2, "of at least 0; got -2"), (2, "padding", 0.5, "got 0.5"), (2, "padding", (1, 1, 1), "got"),
    (1, "stride", 0, "at least 1; got 0"), (2, "stride", (1, 1.5), r"got \[1.0, 1.5\]"), (1, "dilation", -1, "got -1"),
    (2, "dilation", (np.nan, 1), "got"), (1, "groups", 1.5, "a whole number of at least 1; got 1.5"),
    (2, "groups", 0, "a whole number of at least 1; got 0"), (2, "padding", None, "got None"),
])
def test_a_convolution_is_not_rounded_nor_its_image_cut(axes, field, value, words):
    """PyTorch refuses such a padding, too; as a cut of the image it would give other spikes without a word."""
    with pytest.raises(ValueError, match=rf"NIR node 'conv', Conv{axes}d: expected {field} to be .*{words}"):
        from_nir(convolution(axes, **{field: value}))
    assert from_nir(convolution(axes)).output_shape == (*[5] * axes, 2)


@pytest.mark.parametrize("kind", [nir.SumPool2d, nir.AvgPool2d])
@pytest.mark.parametrize(("sizes", "words"), [
    (((2, 1.5), 2, 0), "expected kernel_size to be 2 whole numbers"), ((2, 0, 0), "expected stride to be .* got 0"),
    ((2, 2, -1), "expected no padding; got -1")])
def test_a_pool_is_not_rounded_nor_its_image_cut(kind, sizes, words):
    with pytest.raises(ValueError, match=f"NIR node 'pool', {kind.__name__}: {words}"):
        from_nir(graph_of(("pool", kind(*map(np.array, sizes))), size=(2, 6, 6)))


def test_neurons_that_fire_at_their_threshold_are_read_as_such():
    graph = graph_of(("n", nir.IF(np.full(4, 1e4), np.float64([0.5, 0.25, 0.0, 1.0]))))
    x = np.float32([[0.5, 0.25, 0.0, 0.75]])
    assert run(from_nir(graph), x).dense("n")[0, 0].tolist() == [0, 0, 0, 0]
    assert run(from_nir(graph, at_threshold=True), x).dense("n")[0, 0].tolist() == [1, 1, 1, 0]


@pytest.mark.parametrize("node", [nir.Affine(quarters(3, 4), quarters(3)), nir.Linear(quarters(3, 4))])
def test_an_axis_of_one_sample_is_taken_off_an_input(node):
    x = images(from_nir(graph_of(("a", node))))
    np.testing.assert_array_equal(run(from_nir(graph_of(("a", node), size=(1, 4))), x).votes,
                                  run(from_nir(graph_of(("a", node))), x).votes)
    conv = nir.Conv2d((6, 6), quarters(3, 2, 2, 2), 1, 0, 1, 1, quarters(3))
    assert from_nir(graph_of(("conv", conv), size=(1, 2, 6, 6))).input_shape == (6, 6, 2)
    length = nir.Conv1d(4, quarters(1, 1, 2), 1, 0, 1, 1, quarters(1))
    assert from_nir(graph_of(("conv", length), size=(1, 4))).input_shape == (4, 1)  # one channel


def test_a_step_of_no_time_is_refused():
    with pytest.raises(ValueError, match="step to be a positive time in seconds; got 0"):
        from_nir(graph_of(("n", cuba())), step=0)


# -- every kind of node there is --------------------------------------------------------------------------------------

FOUR, IMAGE = np.full(4, 1.0), {"input": np.array([2, 6, 6])}

#: Of every kind of node in NIR 1.0.8 one that is valid, the shape that goes in, and whether it runs here. What each
#: does where it runs is tested above and with the networks that are written; here, that none is left out.
NODES = {
    "Affine": (nir.Affine(quarters(4, 4), quarters(4)), 4, True),
    "AvgPool2d": (nir.AvgPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])), (2, 6, 6), True),
    "Conv1d": (nir.Conv1d(4, quarters(1, 1, 1), 1, 0, 1, 1, np.zeros(1)), (1, 4), True),
    "Conv2d": (nir.Conv2d((6, 6), quarters(3, 2, 2, 2), 1, 0, 1, 1, quarters(3)), (2, 6, 6), True),
    "CubaLI": (nir.CubaLI(tau_syn=FOUR * 1e-4, tau_mem=FOUR * 1e-4, r=FOUR, v_leak=FOUR), 4, True),
    "CubaLIF": (cuba(), 4, True),
    "Delay": (nir.Delay(FOUR), 4, False),
    "Flatten": (nir.Flatten(IMAGE, 0, -1), (2, 6, 6), True),
    "I": (nir.I(FOUR), 4, True),
    "IF": (nir.IF(FOUR * 1e4, FOUR), 4, True),
    "Identity": (nir.ir.graph.Identity({"input": np.array([4]), "output": np.array([4])}), 4, True),
    "LI": (nir.LI(FOUR * 1e-4, FOUR, FOUR), 4, True),
    "LIF": (nir.LIF(FOUR * 1e-4, FOUR, 0 * FOUR, FOUR), 4, True),
    "Linear": (nir.Linear(quarters(4, 4)), 4, True),
    "NIRGraph": (graph_of(("n", cuba())), 4, True),
    "Scale": (nir.Scale(FOUR), 4, True),
    "SumPool2d": (nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])), (2, 6, 6), True),
    "Threshold": (nir.Threshold(FOUR), 4, True),
}


def kinds_of_nodes():
    """All classes of nodes that the installed NIR has."""
    found, left = set(), [nir.NIRNode]
    while left:
        new = left.pop().__subclasses__()
        found |= {kind.__name__ for kind in new if kind.__module__.startswith("nir")}
        left += new
    return found


def test_every_kind_of_node_runs_or_is_refused_by_its_name_and_kind():
    """If the first line fails, a newer NIR has more of them."""
    assert kinds_of_nodes() == NODES.keys() | {"Input", "Output"}
    for kind, (node, size, runs) in NODES.items():
        assert type(node).__name__ == kind
        end = [("neurons", nir.Threshold(np.ones(4)))] if kind == "Identity" else []
        graph = graph_of(("it", node), *end, size=size)
        if runs:
            record = run(from_nir(graph), np.ones((2, *from_nir(graph).input_shape), np.float32))
            assert np.isfinite(record.votes).all()
        else:
            with pytest.raises(ValueError, match=f"'it', {kind}: expected"):
                from_nir(graph)


@pytest.mark.parametrize("kind", [kind for kind, (_, _, runs) in NODES.items() if kind not in ("Identity", "NIRGraph")])
def test_a_file_is_read_as_the_graph_is(kind, tmp_path):
    node, size, runs = NODES[kind]
    nir.write(tmp_path / "net.nir", graph_of(("it", node), size=size))
    if not runs:
        with pytest.raises(ValueError, match=f"'it', {kind}"):
            from_nir(tmp_path / "net.nir")
        return
    x = images(from_nir(tmp_path / "net.nir"))
    np.testing.assert_array_equal(run(from_nir(tmp_path / "net.nir"), x).votes,
                                  run(from_nir(graph_of(("it", node), size=size)), x).votes)
