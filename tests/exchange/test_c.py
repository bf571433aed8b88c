"""C programs that were compiled and run: every spike and every vote is the simulator's."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from exchange_networks import NETWORKS, chain, ties, with_random_weights
from rounding import beyond_doubt

from whetstone_lab.datasets import load_digits
from whetstone_lab.exchange.c import to_c
from whetstone_lab.exchange.integers import as_integers, whole_inputs
from whetstone_lab.exchange.targets import write
from whetstone_lab.simulator import Network, Node, Output, predict, run
from whetstone_lab.simulator import operations as ops

COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]
FLAGS = ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-pedantic", "-Werror", "-O1", "-ffp-contract=off",
         "-fsanitize=undefined", "-fno-sanitize-recover"]

pytestmark = pytest.mark.skipif(not COMPILERS, reason="There is no C compiler, gcc or clang.")

#: Reads samples, and says for each sample what the neurons of each layer did, the votes and the class.
MAIN = """
#include <stdio.h>
#include "net.h"
void net_trace(int layer, const uint8_t *fired, uint32_t count)
{
    uint32_t k;
    printf("%d ", layer);
    for (k = 0; k < count; k++)
        putchar(fired[k] ? '1' : '0');
    putchar('\\n');
}
int main(void)
{
    static net_memory memory;
    net_input input[NET_INPUTS];
    net_vote votes[NET_VOTES];
    while (fread(input, sizeof input, 1, stdin) == 1) {
        int k;
        net_run(input, votes, &memory);
        printf("votes");
        for (k = 0; k < NET_VOTES; k++)
            printf(" %.9g", (double)votes[k]);
        putchar('\\n');
    }
    return 0;
}
"""


def compiled(network, folder, compiler=COMPILERS[0] if COMPILERS else ""):
    """The program, compiled with every warning an error and every undefined behaviour a crash."""
    program = to_c(network, folder / "net.c")
    (folder / "main.c").write_text(MAIN)
    subprocess.run([compiler, *FLAGS, "-DNET_TRACE", "main.c", "net.c", "-o", "net"], cwd=folder, check=True)
    return program


def ran(network, x, folder, **kwargs):
    """What the program says: the spikes of each layer, and the votes."""
    program = compiled(network, folder, **kwargs)
    kind = np.int16 if program.integers else network.dtype
    out = subprocess.run([folder / "net"], input=np.ascontiguousarray(x.astype(kind)).tobytes(), capture_output=True,
                         check=True).stdout.decode().split("\n")[:-1]
    layers = len(network.layers)
    fired = [[[int(digit) for digit in line.split()[1]] for line in out[layer::layers + 1]] for layer in range(layers)]
    return [np.array(each) for each in fired], np.array([line.split()[1:] for line in out[layers::layers + 1]], float)


def simulated(network, x):
    record = run(network, x.astype(network.dtype))
    fired = []
    for number, shape in enumerate(record.shapes):
        each = np.zeros((len(x), int(np.prod(shape))), int)
        at = record.layer == number
        each[record.sample[at], record.neuron[at]] = 1
        fired.append(each)
    return fired, record


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("name", NETWORKS)
def test_every_spike_and_vote_is_the_simulator_s_also_at_ties(name, compiler, tmp_path):
    network = NETWORKS[name]()
    x = np.random.default_rng(1).integers(-4, 5, (30, *network.input_shape)) / 4
    expected, record = simulated(network, x)
    fired, votes = ran(network, x, tmp_path, compiler=compiler)
    assert len(fired) == len(expected)
    for got, want in zip(fired, expected, strict=True):
        np.testing.assert_array_equal(got, want)
        assert 0 < want.mean() < 1
    if network.head.columns:
        np.testing.assert_array_equal(votes, record.votes.reshape(len(x), -1))


@pytest.mark.parametrize("name", ["mlp", "convnet", "residual"])
def test_with_any_weights_only_neurons_near_their_threshold_may_differ(name, tmp_path):
    network = with_random_weights(NETWORKS[name]())
    x = np.random.default_rng(4).normal(size=(50, *network.input_shape)).astype("f")
    expected, record = simulated(network, x)
    fired, _ = ran(network, x, tmp_path)
    sure = beyond_doubt(network, record)
    assert sure.mean() > 0.7
    for got, want in zip(fired, expected, strict=True):
        np.testing.assert_array_equal(got[sure], want[sure])
        assert 0 < want.mean() < 1


def digits_network(data):
    """Random neurons, and a class for each digit by least squares: some nine in ten are right."""
    rng = np.random.default_rng(0)
    network = chain((64,), ops.Dense(rng.normal(0, 0.3, (64, 300)).astype("f"), rng.normal(0, 0.3, 300).astype("f")),
                    ops.Neurons())
    spikes, _ = simulated(network, data.x_train)
    weights, *_ = np.linalg.lstsq(spikes[0].astype(float), np.eye(10)[data.y_train] - 0.1, rcond=1e-3)
    return chain((64,), *(node.operation for node in network.nodes), ops.Dense(weights.astype("f")), readout="softmax")


@pytest.fixture(scope="module")
def digits():
    """The data, and a network that reads them."""
    data = load_digits()
    return data, digits_network(data)


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize(("bits", "lost"), [(6, 0.03), (8, 0.01)])
def test_in_integers_all_digits_are_read_as_by_the_simulator_bit_by_bit(bits, lost, compiler, digits, tmp_path):
    data, network = digits
    whole = as_integers(network, bits, step=1 / 16, largest=16)
    x = whole_inputs(whole, data.x_test)
    expected, record = simulated(whole, x)
    fired, votes = ran(whole, x, tmp_path, compiler=compiler)
    np.testing.assert_array_equal(fired[0], expected[0])
    np.testing.assert_array_equal(votes, record.votes)
    right = [(predict(each, inputs) == data.y_test).mean() for each, inputs in ((network, data.x_test), (whole, x))]
    assert right[0] > 0.88
    assert right[1] > right[0] - lost
    text = (tmp_path / "net.c").read_text()
    assert "const int8_t" in text
    assert "float" not in text
    assert "double" not in text


@pytest.mark.parametrize("compiler", COMPILERS)
def test_in_floats_all_digits_are_read_as_by_the_simulator_bit_by_bit(compiler, digits, tmp_path):
    """With weights of 1/64, and pixels of 1/16 as they are, no sum rounds in any order."""
    data, network = digits
    exact = network.with_nodes(Node(node.name, node.operation.map_weights(
        lambda weights: (np.rint(weights * 64) / 64).astype("f")), node.inputs) for node in network.nodes)
    expected, record = simulated(exact, data.x_test)
    fired, votes = ran(exact, data.x_test, tmp_path, compiler=compiler)
    np.testing.assert_array_equal(fired[0], expected[0])
    np.testing.assert_array_equal(votes, record.votes)
    assert (record.classes == data.y_test).mean() > 0.88


def test_the_digit_reader_reads_pictures_from_a_line_of_characters(digits, tmp_path):
    data, network = digits
    whole = as_integers(network, step=1 / 16, largest=16)
    to_c(whole, tmp_path / "net.c")
    example = Path(__file__).parents[2] / "examples" / "digit_reader" / "digit_reader.c"
    subprocess.run([COMPILERS[0], *FLAGS, "-I.", str(example), "net.c", "-o", "reader"], cwd=tmp_path, check=True)
    x = whole_inputs(whole, data.x_test[:40])
    pictures = "\n".join("".join("0123456789abcdefg"[shade] for shade in picture) for picture in x)
    out = subprocess.run([tmp_path / "reader"], input=pictures, capture_output=True, text=True, check=True).stdout
    assert [int(digit) for digit in out.split()] == predict(whole, x).tolist()


def test_what_it_takes_is_said(tmp_path):
    network = chain((64,), ops.Dense(ties(64, 32), ties(32)), ops.Neurons(), ops.Dense(ties(32, 20)), ops.Neurons(),
                    key=np.eye(10).repeat(2, 1))
    program = compiled(network, tmp_path)
    sizes = 4 * (64 * 32 + 32 + 1 + 32 * 20 + 1) + 10 * 20
    assert (program.flash, program.ram, program.operations) == (sizes, 32 + 20 + 4 * 32, 64 * 32 + 32 * 20)
    assert f"{program.flash:,} bytes of flash" in str(program)
    (tmp_path / "size.c").write_text('#include <stdio.h>\n#include "net.h"\nint main(void)\n{\n    '
                                     'printf("%u", (unsigned)sizeof(net_memory));\n    return 0;\n}\n')
    subprocess.run([COMPILERS[0], *FLAGS, "size.c", "-o", "size"], cwd=tmp_path, check=True)
    said = int(subprocess.run([tmp_path / "size"], capture_output=True, check=True).stdout)
    assert program.ram <= said < program.ram + 8  # alignment


def test_nothing_is_allocated_and_no_library_is_asked(tmp_path):
    for name, make in NETWORKS.items():
        to_c(make(), tmp_path / "net.c")
        text = (tmp_path / "net.c").read_text() + (tmp_path / "net.h").read_text()
        assert {line for line in text.splitlines() if line.startswith("#include")} == {
            "#include <stddef.h>", '#include "net.h"', "#include <stdint.h>"}, name
        assert "alloc" not in text


def test_the_class_is_that_of_the_most_votes_and_the_lowest_on_a_tie(tmp_path):
    network = chain((3,), ops.Dense(np.eye(3, dtype="f")), readout="linear")
    to_c(network, tmp_path / "net.c")
    (tmp_path / "main.c").write_text(
        '#include <stdio.h>\n#include "net.h"\nint main(void)\n{\n    static net_memory memory;\n'
        '    net_input in[3];\n    net_vote votes[3];\n    while (fread(in, sizeof in, 1, stdin) == 1) {\n'
        "        net_run(in, votes, &memory);\n        printf(\"%d\", net_decide(votes));\n    }\n    return 0;\n}\n")
    subprocess.run([COMPILERS[0], *FLAGS, "main.c", "net.c", "-o", "net"], cwd=tmp_path, check=True)
    x = np.array([[1, 2, 0], [2, 2, 1], [0, 3, 3], [-1, -1, -1]], np.float32)
    out = subprocess.run([tmp_path / "net"], input=x.tobytes(), capture_output=True, check=True).stdout.decode()
    assert out == "1010"
    assert [int(digit) for digit in out] == predict(network, x).tolist()


def test_a_residual_network_of_whole_numbers_stays_one(tmp_path):
    network = as_integers(NETWORKS["residual"](), 8, step=1 / 4, largest=4)
    assert to_c(network, tmp_path / "net.c").integers
    x = np.random.default_rng(1).integers(-4, 5, (30, *network.input_shape))
    expected, _ = simulated(network, x)
    for got, want in zip(ran(network, x, tmp_path)[0], expected, strict=True):
        np.testing.assert_array_equal(got, want)


def test_any_name_makes_a_program(tmp_path):
    nodes = [Node("2*/", ops.Dense(ties(3, 2)), ("a*/b",)), Node("na\nme", ops.Neurons(), ("2*/",))]
    network = Network({"a*/b": (3,)}, nodes)
    for stem in ("dense", "fire", "int", "größe"):
        program = to_c(network, tmp_path / f"{stem}.c")
        subprocess.run([COMPILERS[0], *FLAGS, "-c", f"{stem}.c"], cwd=tmp_path, check=True)
        assert program.name.isascii()


def test_layers_are_numbered_as_in_the_network_wherever_their_weights_stand(tmp_path):
    nodes = [Node("a", ops.Dense(ties(3, 2)), ("input",)), Node("b", ops.Dense(ties(3, 4)), ("input",)),
             Node("nb", ops.Neurons(), ("b",)), Node("na", ops.Neurons(), ("a",)),
             Node("both", ops.Concatenate(), ("na", "nb"))]
    network = Network((3,), nodes)
    assert network.layers == ("nb", "na")
    to_c(network, tmp_path / "net.c")
    lines = [line.strip() for line in (tmp_path / "net.c").read_text().splitlines()]
    calls = [line for line in lines if line.startswith("TRACE(")]
    assert sorted((call[6], call.split()[-1][:1]) for call in calls) == [("0", "4"), ("1", "2")]


def test_the_name_of_the_file_is_what_the_functions_begin_with(tmp_path):
    write(chain((3,), ops.Dense(ties(3, 2)), ops.Neurons()), tmp_path / "2nd net.c")
    text = (tmp_path / "2nd net.h").read_text()
    assert "void n2nd_net_run(const n2nd_net_input *input" in text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2nd net.c", "2nd net.h"]


@pytest.mark.parametrize(("network", "words"), [
    (lambda: chain((3,), ops.Dense(ties(3, 2)), ops.Neurons(leak=0.5)), "'neurons': these neurons remember"),
    (lambda: Network({"a": (2,), "b": (2,)}, [Node("sum", ops.Add(), ("a", "b")),
                                              Node("out", ops.Neurons(), ("sum",))]),
     r"inputs \['a', 'b'\]"),
    (lambda: Network((2,), [Node("one", ops.Neurons(), ("input",)), Node("two", ops.Neurons(0.75), ("input",))],
                     outputs={"x": Output("one"), "y": Output("two")}), r"outputs \['x', 'y'\]"),
])
def test_what_c_is_not_written_for_is_refused_by_name_and_writes_nothing(network, words, tmp_path):
    with pytest.raises(ValueError, match=words):
        to_c(network(), tmp_path / "net.c")
    assert not any(tmp_path.iterdir())
    with pytest.raises(ValueError, match=r"ends in \.c"):
        to_c(NETWORKS["mlp"](), tmp_path / "net.h")
    for name in ('a".c', "a\\.c", "a\n.c"):  # which would end the header's name, or a comment, within the source
        with pytest.raises(ValueError, match="a name without quotes, backslashes and line breaks"):
            to_c(NETWORKS["mlp"](), tmp_path / name)
    assert not any(tmp_path.iterdir())
