"""A network as hardware: a small synthesizable core in Verilog, and its memory as files for ``$readmemh``.

The core goes through the list of synapses, one in each cycle of the clock: it adds the weight times what stands at the
synapse's source, and at the last synapse of a neuron compares the sum with the neuron's threshold. So any network is
the same core with other memories, and a wave takes as many cycles as there are synapses.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from whetstone_lab.exchange.integers import is_whole
from whetstone_lab.exchange.synapses import Population, populations
from whetstone_lab.exchange.targets import Target, identifier
from whetstone_lab.records import archive
from whetstone_lab.simulator.network import Network

_CORE = """\
// {network}, written by whetstone_lab.
//
// A wave of spikes through integrate-and-fire neurons: write the {inputs} inputs to addresses 0 to {last_input}, raise
// start for a cycle, and wait for busy to fall, {synapses} cycles later. Each neuron's answer comes with fired_valid,
// bottom first; what is read at the end, {said}, with vote_valid.
// {file}_synapses.hex: a word for each synapse, {{last of its neuron, address of its source, weight}}.
// {file}_limits.hex: the threshold of each neuron, then what is added to each vote.
`default_nettype none

module {name}_core (
    input wire clk,
    input wire reset,
    input wire write,
    input wire [{a}:0] address,
    input wire signed [{v}:0] value,
    input wire start,
    output reg busy,
    output reg fired_valid,
    output reg fired,
    output reg vote_valid,
    output reg signed [{s}:0] vote,
    output reg [{d}:0] decision
);
    localparam INPUTS = {inputs}, NEURONS = {neurons}, VOTES = {votes}, SYNAPSES = {synapses};

    // Read in the cycle of their address, as the distributed memory of an FPGA is.
    reg signed [{v}:0] values [0:INPUTS + NEURONS - 1];
    reg [{w}:0] synapses [0:SYNAPSES - 1];
    reg signed [{s}:0] limits [0:NEURONS + VOTES - 1];
    initial begin
        $readmemh("{file}_synapses.hex", synapses);
        $readmemh("{file}_limits.hex", limits);
    end

    reg [{k}:0] synapse;
    reg [{n}:0] neuron;
    reg signed [{s}:0] sum, best;

    wire [{w}:0] word = synapses[synapse];
    wire last = word[{w}];
    wire signed [{q}:0] weight = $signed(word[{q}:0]);
    wire signed [{v}:0] source = values[word[{high}:{low}]];
    wire signed [{s}:0] limit = limits[neuron];
    wire signed [{s}:0] total = sum + source * weight;
    wire reached = total >= limit;
    wire signed [{s}:0] number = total + limit;

    always @(posedge clk) begin
        fired_valid <= 1'b0;
        vote_valid <= 1'b0;
        if (reset) begin
            busy <= 1'b0;
        end else if (!busy) begin
            if (write)
                values[address] <= value;
            if (start) begin
                busy <= 1'b1;
                synapse <= 0;
                neuron <= 0;
                sum <= 0;
                decision <= 0;
            end
        end else begin
            synapse <= synapse + 1'b1;
            sum <= last ? 0 : total;
            if (last) begin
                neuron <= neuron + 1'b1;
                if (neuron < NEURONS) begin
                    values[INPUTS + neuron] <= reached ? 1 : 0;
                    fired <= reached;
                    fired_valid <= 1'b1;
                end else begin
                    vote <= number;
                    vote_valid <= 1'b1;
                    {decide}
                end
                if (neuron == NEURONS + VOTES - 1)
                    busy <= 1'b0;
            end
        end
    end
endmodule

`default_nettype wire
"""

#: The first of the largest votes; or a yes where the only one is above 0.
_LARGEST = """if (neuron == NEURONS || number > best) begin
                        best <= number;
                        decision <= neuron - NEURONS;
                    end"""
_YES = """best <= number;
                    decision <= number > 0 ? 1 : 0;"""


@dataclass(frozen=True)
class VerilogCore:
    """What was written, and what it takes.

    Attributes:
        files: The ``.v`` file, then those of its memories.
        name: What the name of the module begins with; it ends in ``_core``.
        cycles: Cycles of the clock that a wave takes.
        memory: Bits of synapses, thresholds and values.
    """

    files: tuple[Path, ...]
    name: str
    cycles: int
    memory: int

    @property
    def costs(self) -> str:
        """What it takes, in words."""
        return f"{self.cycles:,} cycles for an input, {self.memory:,} bits of memory"

    def __str__(self) -> str:
        return f"{self.files[0]} with {' and '.join(path.name for path in self.files[1:])}: {self.costs}"


def to_verilog(network: Network, path: str | Path) -> VerilogCore:
    """Writes a network of whole numbers as a core in Verilog-2001 and its memories.

    Args:
        network: A network that :func:`~whetstone_lab.exchange.integers.as_integers` made, of one input and one output.
            Nothing is rounded: its spikes are those of the simulator always.
        path: The ``.v`` file. ``NAME_synapses.hex`` and ``NAME_limits.hex`` stand beside it, where the tools must find
            them.

    Returns:
        What was written, and what it takes.

    Raises:
        ValueError: The network is not of whole numbers, has several inputs or outputs, or a part that is no sum of what
            spikes send; or the name of the file does not end in ``.v``.
    """
    path = Path(path)
    if path.suffix != ".v":
        raise ValueError(f"Expected a file whose name ends in .v; got {path}.")
    if not is_whole(network):
        raise ValueError("Expected a network of whole numbers, as hardware has them; make one of this first: "
                         "whetstone_lab.as_integers(network, bits=8), or --bits 8 on the command line.")
    if len(network.inputs) > 1:
        raise ValueError(f"Expected a network with one input; got the inputs {list(network.inputs)}.")
    if len(network.heads) == 1 and network.head.places:
        raise ValueError(f"Expected a network with one decision for an input; this one decides at the places "
                         f"{network.head.places}.")
    *neurons, read = populations(network)
    words, limits, sizes = _memories(network, neurons, read)
    name = identifier(path)
    inputs, count = math.prod(network.input_shape), sum(each.size for each in neurons)
    a, q, s, v = sizes
    w = a + q + 1
    text = _CORE.format(
        network=" ".join(repr(network).split()), name=name, file=path.stem, inputs=inputs, last_input=inputs - 1,
        neurons=count, votes=read.size, synapses=len(words), a=a - 1, v=v - 1, s=s - 1, w=w - 1, q=q - 1,
        high=a + q - 1, low=q,
        d=max(read.size - 1, 1).bit_length() - 1, k=len(words).bit_length() - 1,
        n=(count + read.size).bit_length() - 1, decide=_YES if network.head.kind in ("logit", "sigmoid") else _LARGEST,
        said="a vote for each class" if network.head.decides else "the output")
    files = (path, *(path.with_name(f"{path.stem}_{part}.hex") for part in ("synapses", "limits")))
    with ExitStack() as stack:
        for file, content in zip(files, (text, _hex(words, w), _hex(limits, s)), strict=True):
            stack.enter_context(archive.in_one_piece(file)).write_text(content, encoding="utf-8")
    return VerilogCore(files, name, len(words), len(words) * w + len(limits) * s + (inputs + count) * v)


def _memories(network: Network, neurons: list[Population], read: Population) -> tuple[list[int], list[int], list[int]]:
    """Words of synapses, limits, and the bits of an address, a weight, a sum and a value."""
    base: dict[str, int] = {}
    start = 0  # of the next address
    for name, size in [*((name, math.prod(shape)) for name, shape in network.inputs.items()),
                       *((each.name, each.size) for each in neurons)]:
        base[name] = start
        start += size
    rows: list[np.ndarray] = []
    limits: list[int] = []
    reach, largest = 1.0, network.meta["integers"]["largest"]
    for each in [*neurons, read]:
        parts = [np.stack([found.post, base[root] + found.pre, found.weight.astype(int)], axis=1)
                 for root, found in each.synapses.items()]
        # Neurons that nothing leads to get a synapse of weight 0.
        lonely = np.setdiff1d(np.arange(each.size), np.concatenate([np.zeros(0), *(part[:, 0] for part in parts)]))
        rows.append(np.concatenate([*parts, np.stack([lonely, 0 * lonely, 0 * lonely], axis=1)]).astype(int))
        rows[-1] = rows[-1][np.lexsort(rows[-1].T[::-1])]
        limit = each.threshold - each.bias if each.threshold is not None else each.bias - network.head.threshold
        limits += [int(value) for value in limit]
        post, source, weight = rows[-1].T
        size = np.where(source < math.prod(network.input_shape), largest, 1) * np.abs(weight)
        reach = max(reach, float(np.bincount(post, size).max() + np.abs(limit).max()))
    table = np.concatenate(rows)
    last = np.append(table[1:, 0] != table[:-1, 0], True)
    last |= np.append(np.diff(np.repeat(np.arange(len(rows)), [len(each) for each in rows])) > 0, True)
    address, bits = max(start - 1, 1).bit_length(), int(np.abs(table[:, 2]).max()).bit_length() + 1
    words = [int(end) << (address + bits) | int(source) << bits | int(number) & (1 << bits) - 1
             for end, (_, source, number) in zip(last, table, strict=True)]
    return words, limits, [address, bits, int(reach).bit_length() + 2, int(largest).bit_length() + 1]


def _hex(values: Iterable[int], bits: int) -> str:
    digits, mask = -(-bits // 4), (1 << bits) - 1
    return "".join(f"{value & mask:0{digits}x}\n" for value in values)


TARGET = Target(
    ".v", write=to_verilog, read=None, package=None,
    keeps="Every spike and every vote of a network of whole numbers, as a core and its memories; not the metadata.",
    about="Verilog, for FPGAs and chips of one's own",
    use="iverilog -g2001 bench.v FILE, where bench.v is yours; the head of the file says how an input goes in and what "
        "comes out. Start it in the folder of its .hex files.")
