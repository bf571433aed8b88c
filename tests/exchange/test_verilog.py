"""Hardware that was simulated by Icarus Verilog: every spike and every vote is the simulator's."""

import re
import shutil
import subprocess

import numpy as np
import pytest
from exchange_networks import NETWORKS, potentials
from rounding import true_potentials

from whetstone_lab.exchange.integers import as_integers
from whetstone_lab.exchange.synapses import populations
from whetstone_lab.exchange.verilog import to_verilog
from whetstone_lab.simulator import Network, Node, predict, run
from whetstone_lab.simulator import operations as ops

needs_icarus = pytest.mark.skipif(shutil.which("iverilog") is None, reason="Icarus Verilog is not installed.")

BENCH = """
module bench;
    reg clk = 0, reset = 1, write = 0, start = 0;
    reg [31:0] address;
    reg signed [31:0] value;
    reg signed [31:0] shown [0:SHOWN - 1];
    wire busy, fired_valid, fired, vote_valid;
    wire signed [63:0] vote;
    wire [31:0] decision;
    integer sample, k;
    net_core core (clk, reset, write, address[A:0], value[V:0], start, busy, fired_valid, fired, vote_valid, vote[S:0],
              decision[D:0]);
    always #1 clk = !clk;
    always @(negedge clk) begin
        if (fired_valid) $write("%b", fired);
        if (vote_valid) $write(" %0d", $signed(vote[S:0]));
    end
    initial begin
        $readmemh("shown.hex", shown);
        @(negedge clk) reset = 0;
        for (sample = 0; sample < SAMPLES; sample = sample + 1) begin
            for (k = 0; k < INPUTS; k = k + 1) begin
                write = 1; address = k; value = shown[sample * INPUTS + k];
                @(negedge clk);
            end
            write = 0; start = 1;
            @(negedge clk) start = 0;
            while (busy) @(negedge clk);
            @(negedge clk);
            $write(" class %0d\\n", decision[D:0]);
        end
        $finish;
    end
endmodule
"""


def hardware(network, x, folder):
    """What the core says to each sample: spikes, votes and the class."""
    core = to_verilog(network, folder / "net.v")
    text = core.files[0].read_text()
    port = {name: int(re.search(rf"\[(\d+):0\] {name}\b", text)[1])
            for name in ("address", "value", "vote", "decision")}
    bench = BENCH
    words = {"SHOWN": x.size, "SAMPLES": len(x), "INPUTS": x[0].size}
    marks = {"address": "A", "value": "V", "vote": "S", "decision": "D"}
    for word, value in [*words.items(), *((f"{mark}:0", f"{port[name]}:0") for name, mark in marks.items())]:
        bench = bench.replace(word, str(value))
    (folder / "bench.v").write_text(bench)
    (folder / "shown.hex").write_text("".join(f"{int(value) & 0xffffffff:08x}\n" for value in x.ravel()))
    subprocess.run(["iverilog", "-g2001", "-Wall", "-o", "bench", "net.v", "bench.v"], cwd=folder, check=True)
    out = subprocess.run(["vvp", "-n", "bench"], cwd=folder, capture_output=True, text=True, check=True).stdout
    lines = [line.split() for line in out.splitlines() if "class" in line]
    fired = np.array([[int(digit) for digit in line[0]] for line in lines])
    votes = np.array([[int(vote) for vote in line[1:-2]] for line in lines])
    return core, fired, votes, [int(line[-1]) for line in lines]


def random(*shape, seed=0):
    return np.random.default_rng(seed + sum(shape)).normal(0, 0.5, shape).astype(np.float32)


def mlp():
    return Network((12,), [ops.Dense(random(12, 10), random(10)), ops.Neurons(), ops.Dense(random(10, 6), random(6)),
                           ops.Neurons()], key=np.eye(3).repeat(2, 1))


def convnet():
    return Network((6, 5, 2), [ops.Conv2D(random(3, 3, 2, 4), random(4), padding="same"), ops.MaxPool2D(2),
                               ops.Neurons(), ops.Conv2D(random(2, 2, 4, 3), padding="same"), ops.Neurons(),
                               ops.MaxPool2D(2, strides=1, padding="same"), ops.Reshape(),
                               ops.Dense(random(18, 4, seed=5))],
                   readout="softmax")


def residual():
    nodes = [Node("conv", ops.Conv2D(random(3, 3, 1, 3), random(3), padding="same"), ("input",)),
             Node("first", ops.Neurons(), ("conv",)),
             Node("branch", ops.Conv2D(random(3, 3, 3, 3), padding="same"), ("first",)),
             Node("sum", ops.Add(), ("branch", "first")), Node("second", ops.Neurons(), ("sum",)),
             Node("mean", ops.GlobalAveragePool2D(), ("second",)), Node("dense", ops.Dense(random(3, 1)), ("mean",))]
    return Network((4, 4, 1), nodes, readout="logit", threshold=0.05)


#: Networks whose weights are multiples of 1/4, so that many sums come out right on a threshold.
TIES = ["mlp", "convnet", "residual"]


@needs_icarus
@pytest.mark.parametrize("make", [mlp, convnet, residual, potentials, *(NETWORKS[name] for name in TIES)])
def test_every_spike_vote_and_class_is_the_simulator_s(make, tmp_path):
    network = as_integers(make(), 6, step=1 / 4, largest=7)
    x = np.random.default_rng(1).integers(-7, 8, (12, *network.input_shape))
    record = run(network, x.astype(np.float32))
    thresholds = {node.name: node.operation.threshold for node in network.nodes
                  if isinstance(node.operation, ops.Neurons)}
    ties = sum(int((sums == thresholds[layer]).sum()) for layer, sums, _ in true_potentials(network, record))
    assert ties > 3 or make in (mlp, convnet, residual)  # with random weights there need be none
    core, fired, votes, classes = hardware(network, x, tmp_path)
    start = 0
    for each in populations(network)[:-1]:
        if each.name in network.layers:
            want = record.dense(each.name)[:, network.steps[each.name]].reshape(len(x), -1)
            np.testing.assert_array_equal(fired[:, start:start + each.size], want)
            assert 0 < want.mean() < 1
        start += each.size
    assert start == fired.shape[1]
    if network.readout == "logit":
        np.testing.assert_array_equal(votes[:, 0], record.votes[:, 1])
    else:
        np.testing.assert_array_equal(votes, record.votes)
    assert classes == predict(network, x.astype(np.float32)).tolist()
    assert len(np.unique(votes, axis=0)) > 1
    assert core.cycles >= sum(len(found.pre) for each in populations(network) for found in each.synapses.values())
    assert f"{core.cycles:,} cycles" in str(core)


@needs_icarus
def test_what_no_synapse_leads_to_and_sums_at_their_limits_are_right(tmp_path):
    weights = np.array([[0, 1, -1], [0, 1, 1]], np.float32)
    network = as_integers(Network((2,), [ops.Dense(weights), ops.Neurons([0.0, 2.0, -2.0])]), 2, step=1.0, largest=1)
    x = np.array([[1, 1], [-1, -1], [1, -1], [-1, 1], [0, 0]])
    _, fired, _, _ = hardware(network, x, tmp_path)
    np.testing.assert_array_equal(fired, [[1, 1, 1], [1, 0, 1], [1, 0, 1], [1, 0, 1], [1, 0, 1]])


def test_what_hardware_does_not_take_is_refused_and_nothing_is_written(tmp_path):
    for network, path, words in (
            (mlp(), "net.v", "whole numbers.*as_integers.*--bits 8"),
            (as_integers(mlp()), "net.sv", "ends in .v; got"),
            (as_integers(mlp()), 'a".v', "name without quotes"),
            (Network({"a": (2,), "b": (2,)}, [Node("s", ops.Add(), ("a", "b")), Node("out", ops.Neurons(1), ("s",))],
                     meta={"integers": {"largest": 1}}), "net.v", "inputs"),
            (Network((2,), [ops.ReLU(), ops.Neurons(1)], meta={"integers": {"largest": 1}}), "net.v", "ReLU is no"),
            (Network((2,), [ops.Dense([[0.5], [1]]), ops.Neurons(1)], meta={"integers": {"largest": 1}}), "net.v",
             "whole numbers"),
            (as_integers(Network((4, 3), [ops.Dense(random(3, 2))], readout="softmax")), "net.v", "one decision")):
        with pytest.raises(ValueError, match=words):
            to_verilog(network, tmp_path / path)
    assert not any(tmp_path.iterdir())
