"""A network as a header and a source in C99."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from whetstone_lab.exchange.c import files
from whetstone_lab.exchange.c.program import Program
from whetstone_lab.exchange.targets import identifier
from whetstone_lab.records import archive
from whetstone_lab.simulator.network import Network
from whetstone_lab.simulator.operations import Neurons


@dataclass(frozen=True)
class CProgram:
    """What was written, and what it takes.

    Attributes:
        source: Path of the ``.c`` file.
        header: Path of the ``.h`` file beside it.
        name: What all its public names begin with.
        integers: Whether it computes in integers.
        flash: Bytes of weights, biases and thresholds; the code comes to some kilobytes more.
        ram: Bytes of the memory that it works in.
        operations: Additions of a weight for one input if every neuron and input were active; they follow the spikes.
    """

    source: Path
    header: Path
    name: str
    integers: bool
    flash: int
    ram: int
    operations: int

    @property
    def costs(self) -> str:
        """What it takes, in words."""
        return (f"{self.flash:,} bytes of flash for weights and thresholds, {self.ram:,} bytes of RAM, at most "
                f"{self.operations:,} additions for one input")

    def __str__(self) -> str:
        return (f"{self.source} and {self.header.name}, in {'integers' if self.integers else 'floating point'}: "
                f"{self.costs}")


def to_c(network: Network, path: str | Path) -> CProgram:
    r"""Writes a network as C99: one source and one header, no allocation, nothing of the C library.

    Whoever calls the functions gives the input and the memory to work in:

    .. code-block:: c

        static net_memory memory;
        net_vote votes[NET_VOTES];
        net_run(input, votes, &memory);
        printf("%d\n", net_decide(votes));

    A network of whole numbers (see :func:`~whetstone_lab.exchange.integers.as_integers`) becomes one of ``int8_t`` to
    ``int32_t`` weights and ``int32_t`` sums, where nothing is rounded: its spikes are those of the simulator always.
    Other networks compute in ``float`` or ``double``. There, sums add up in the order of the inputs, and the bias last.
    Spikes are equal wherever sums are exact, ties included; else a neuron can differ whose potential is as near to
    its threshold as :func:`whetstone_lab.run` says. Compile with ``-ffp-contract=off``, since a fused
    multiply-add rounds once less. Work follows the spikes: a weight is read only where its input is not 0.

    Args:
        network: A network with one input and one output, whose neurons forget from one wave to the next. Its readout
            gives votes as :func:`whetstone_lab.run` does.
        path: The ``.c`` file. The ``.h`` file stands beside it, and their name is what the functions begin with.

    Returns:
        Where it was written, and what it takes.

    Raises:
        ValueError: The network has several inputs or outputs, or neurons that remember; or the name of the file
            does not end in ``.c``.
    """
    path = Path(path)
    if path.suffix != ".c":
        raise ValueError(f"Expected a file whose name ends in .c; got {path}.")
    if len(network.inputs) > 1 or len(network.heads) > 1:
        raise ValueError(f"C is written for one input and one output; the network has the inputs "
                         f"{list(network.inputs)} and the outputs {list(network.heads)}. Write a network for each "
                         "output.")
    for node in network.nodes:
        if isinstance(node.operation, Neurons) and node.operation.remembers:
            raise ValueError(f"Node {node.name!r}: these neurons remember from step to step (leak, refractory or "
                             "delay), which C is not written for. Run them in the simulator, or write NIR.")
    name = identifier(path)
    program = Program(network)
    header = path.with_suffix(".h")
    with archive.in_one_piece(header) as one, archive.in_one_piece(path) as other:
        one.write_text(files.header(program, name), encoding="utf-8")
        other.write_text(files.source(program, name, header.name), encoding="utf-8")
    return CProgram(path, header, name, program.integers, program.flash, program.ram, network.synapses)
