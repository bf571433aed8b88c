"""A network as a program for a simulator of single neurons: a short script, and its numbers in an ``.npz`` beside it.

Every such target shares what stands here: the network as populations and synapses
(:mod:`~whetstone_lab.exchange.synapses`), the time step in which a wave reaches each, and what is read of the last. A
target brings one text of its own, :class:`Simulator`, which makes the tool's neurons of that and runs them.

A neuron of Whetstone fires where the sum of its synapses plus its bias reaches its threshold. Written is the threshold
less the bias, in double precision, so that no tool needs a current for the bias.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent
from typing import Any

import numpy as np

from whetstone_lab.exchange.synapses import Population, populations
from whetstone_lab.exchange.targets import Target
from whetstone_lab.records import archive
from whetstone_lab.simulator.network import Network

_HEAD = '''\
"""A network of spiking neurons in {tool}, written by whetstone_lab.

Started with a file of pictures, as np.save writes it, it runs them through the network and prints what it decides:
the class of each picture, or what the network reads else.
``simulate(pictures)`` gives the spikes of every population, ``votes(pictures, spikes)`` what is read of them.

{timing}
"""

import sys
from pathlib import Path

import numpy as np

try:
{imports}
except ImportError as error:
    raise ImportError("This script runs in {tool}: pip install {package}") from error

{constants}
# {network}

#: Input -> shape of a picture.
INPUTS = {inputs}

#: Population -> how many neurons, and how many steps a wave takes to it. In the .npz: threshold_0, ... of each.
POPULATIONS = {populations}

#: From where to where. In the .npz: pre_0, post_0, weight_0 and so on, one row a synapse. A neuron's bias is taken off
#: its threshold already.
CONNECTIONS = {connections}

#: What is read: pre_read_0, post_read_0, weight_read_0 and so on from each of these, plus offset_read.
READ = {read}
DATA = np.load(Path(__file__).with_suffix(".npz"))


def by_input(pictures):
    """Flat pictures by the name of their input; where there is one input they may come as an array."""
    if not hasattr(pictures, "keys"):
        pictures = {{next(iter(INPUTS)): pictures}}
    if set(pictures) != set(INPUTS):
        raise ValueError(f"Expected pictures for the inputs {{[*INPUTS]}}; got them for {{[*pictures]}}.")
    flat = {{}}
    for name, shape in INPUTS.items():
        shown = np.asarray(pictures[name], float)
        if np.prod(shown.shape[1:]) != np.prod(shape):
            raise ValueError(f"Expected an array of pictures of shape {{shape}} for {{name!r}}; got one of shape "
                             f"{{shown.shape}}.")
        flat[name] = shown.reshape(len(shown), -1)
    return flat

'''

_READ = '''

def votes(pictures, spikes):
    """What is read of the spikes, shape (pictures, *{votes}): {said}."""
    values = {{**by_input(pictures), **spikes}}
    count = len(next(iter(values.values())))
    read = np.tile(DATA["offset_read"], (count, 1))
    for number, source in enumerate(READ):
        pre, post, weight = (DATA[f"{{part}}_read_{{number}}"] for part in ("pre", "post", "weight"))
        for picture in range(count):
            read[picture] += np.bincount(post, weight * values[source][picture, pre], read.shape[1])
    return read.reshape(count, *{votes})


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"Usage: python {{Path(__file__).name}} PICTURES, " + {usage!r})
    shown = np.load(sys.argv[1])
    {fires}
    for name, layer in fired.items():
        print(f"{{name}}: {{layer.sum(axis=1).mean():.1f}} of {{layer.shape[1]}} neurons fire for a picture")
    print({decided})
'''


@dataclass(frozen=True)
class Simulator:
    """How networks are written for one simulator.

    Attributes:
        tool: Its name and the version that was tried.
        suffix: How the names of its scripts end, such as ``".brian2.py"``.
        package: What pip calls it.
        imports: Lines that import it.
        constants: Lines that set what the body needs.
        body: The text of a function ``simulate(pictures)``, which returns population -> spikes, shape ``(pictures,
            neurons)`` and boolean. It finds what :data:`_HEAD` defines.
        timing: When the spikes of a picture come, in a sentence.
        fires: The lines of the program that make ``fired``, the spikes, of ``shown``, and may print what else it tells.
        strict: Where its neurons fire above their threshold only, the precision in which it compares: written is the
            float below ours.
    """

    tool: str
    suffix: str
    package: str
    imports: str
    constants: str
    body: str
    timing: str
    fires: str = "fired = simulate(shown)"
    strict: type[np.floating] | None = None

    def write(self, network: Network, path: str | Path) -> tuple[Path, Path]:
        """Writes the script and its numbers.

        Args:
            network: A network with one output whose neurons forget from one wave to the next.
            path: The script; its numbers stand beside it, in a file whose name ends in ``.npz`` in place of ``.py``,
                which with these suffixes is not the network's own file.

        Returns:
            Both paths.

        Raises:
            ValueError: The network has several outputs, or a part of it is no sum of what spikes send; or the name
                does not end in the suffix.
        """
        path = Path(path)
        if not path.name.endswith(self.suffix):
            raise ValueError(f"Expected a file whose name ends in {self.suffix}; got {path}.")
        *neurons, read = populations(network)
        connections, arrays = _arrays(neurons, read, self.strict)
        waves = steps(network, neurons)
        head, shape = network.head, _votes(network)
        decided = {True: f"votes(shown, fired)[..., 0] > {head.threshold!r}" if head.kind in ("logit", "sigmoid")
                   else "votes(shown, fired).argmax(axis=-1)", False: "votes(shown, fired)"}[head.decides]
        # Names are anybody's: they stand as literals, or in a comment of one line.
        text = _HEAD.format(
            network=" ".join(repr(network).split()), tool=self.tool, timing=self.timing,
            package=self.package, imports=indent(self.imports, 4 * " "), constants=self.constants,
            inputs=_table(dict(network.inputs)),
            populations=_table({each.name: (each.size, waves[each.name]) for each in neurons}),
            connections=_table(connections), read=[*read.synapses])
        text += self.body + _READ.format(said="a vote for each class" if head.decides else "the output", votes=shape,
                                         decided=decided, fires=self.fires, usage=_usage(network))
        files = path, path.with_suffix(".npz")
        with ExitStack() as stack:
            script, numbers = (stack.enter_context(archive.in_one_piece(file)) for file in files)
            script.write_text(text, encoding="utf-8")
            with numbers.open("wb") as file:
                np.savez_compressed(file, **arrays)
        return files

    def target(self, write: Callable[[Network, Path], Any], needs: str) -> Target:
        """The entry in the table of targets; ``needs`` is what must be there to run a script."""
        return Target(
            self.suffix, write=write, read=None, package=None,
            keeps=f"Every spike and every vote; not the metadata. {self.timing}",
            about=f"a script for {self.tool}, which runs where {needs}",
            use="python FILE pictures.npy, with an array of pictures as np.save writes it; it prints how many neurons "
                "fire, and what is decided.")


def steps(network: Network, neurons: list[Population]) -> dict[str, int]:
    """Input or population -> steps after its picture in which a wave reaches it, where each synapse takes one."""
    found = dict.fromkeys(network.inputs, 0)
    for each in neurons:
        found[each.name] = 1 + max((found[source] for source in each.synapses), default=0)
    return found


def _arrays(neurons: list[Population], read: Population, strict: type[np.floating] | None
            ) -> tuple[list[tuple[str, str]], dict[str, Any]]:
    """From where to where, and the numbers of all populations and connections."""
    connections: list[tuple[str, str]] = []
    arrays: dict[str, Any] = {"offset_read": read.bias.astype(np.float64)}
    for number, each in enumerate(neurons):
        assert each.threshold is not None
        limit = each.threshold.astype(np.float64) - each.bias
        arrays[f"threshold_{number}"] = limit if strict is None else _below(limit, strict)
        for source, found in each.synapses.items():
            arrays |= _columns(str(len(connections)), found)
            connections.append((source, each.name))
    for number, found in enumerate(read.synapses.values()):
        arrays |= _columns(f"read_{number}", found)
    return connections, arrays


def _below(limit: np.ndarray, precision: type[np.floating]) -> np.ndarray:
    """The largest floats of a precision that are below."""
    rounded = limit.astype(precision)
    return np.where(rounded < limit, rounded, np.nextafter(rounded, precision(-np.inf)))


def _columns(name: str, found: Any) -> dict[str, np.ndarray]:
    return {f"pre_{name}": found.pre.astype(np.int32), f"post_{name}": found.post.astype(np.int32),
            f"weight_{name}": found.weight}


def _usage(network: Network) -> str:
    """What file of pictures a script takes."""
    if len(network.inputs) == 1:
        return f"as np.save writes an array of pictures of shape {network.input_shape}."
    return f"as np.savez writes an array of pictures for each of {[*network.inputs]}."


def _votes(network: Network) -> tuple[int, ...]:
    """Shape of what is read for a picture."""
    head = network.head
    return (*head.places, len(head.key)) if head.key is not None else network.output_shape


def _table(rows: Mapping[str, Any] | list[Any]) -> str:
    """A dict or a list as a program has it, one row a line."""
    if isinstance(rows, Mapping):
        return "{\n" + "".join(f"    {name!r}: {value!r},\n" for name, value in rows.items()) + "}"
    return "[\n" + "".join(f"    {row!r},\n" for row in rows) + "]"
