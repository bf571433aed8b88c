"""``whetstone-lab page``: what was recorded as one page that opens in any browser, without a network."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from whetstone_lab.cli import split
from whetstone_lab.cli.arguments import Commands, command

if TYPE_CHECKING:
    from whetstone_lab.view.widgets._view import View

#: Samples of a network that can be picked in its raster.
_SAMPLES = 24


def add(commands: Commands) -> None:
    """Declares the command and its arguments."""
    parser = command(commands, "page", run,
                     "make one page of recorded runs, spikes and networks that opens in any browser, without a network")
    parser.add_argument("files", metavar="FILE", nargs="+", type=Path,
                        help="what is to be seen: a run's trace, a record of spikes or a network, such as demo writes "
                             "them, or an experiment of a laboratory: its trace, or the folder of all, of which the "
                             "newest is shown first; several are shown one below the other")
    parser.add_argument("-o", "--out", metavar="PAGE", type=Path, required=True, help="where to write, an .html file")
    parser.add_argument("--title", metavar="TEXT", default=None,
                        help="what the page is called (default: the names of the files)")
    parser.add_argument("--text", metavar="TEXT", default="", help="what stands above it all (default: nothing)")
    parser.add_argument("--data", metavar="NAME", default=None,
                        help="a data set whose test samples a network is run on (default: the one that it was trained "
                             "on; digits where its file does not say)")
    split.add_split(parser)
    parser.add_argument("--overwrite", action="store_true", help="replace the page if it is there already")


def run(args: argparse.Namespace) -> None:
    """Writes the page, and says what is in it.

    Raises:
        FileNotFoundError: There is no such file.
        FileExistsError: The page is there already.
        ArchiveError: A file is damaged or something else.
        ValueError: A file is nothing that can be seen, the name of the page ends otherwise, or a network is not for
            the pictures of the data set.
    """
    out: Path = args.out
    if out.suffix not in (".html", ".htm"):
        raise ValueError(f"Expected to write a page whose name ends in .html; got {out}.")
    if out.exists() and not args.overwrite:
        raise FileExistsError(f"There is {out} already. Name another page by -o, or give --overwrite.")
    views = [view for path in args.files for view in views_of(path, args)]

    from whetstone_lab.view.page import page

    out.parent.mkdir(parents=True, exist_ok=True)
    text = page(views, out, title=args.title or ", ".join(path.stem for path in args.files), text=args.text)
    for view in views:
        print(view)
    print(f"Wrote {out}, {len(text.encode()) / 1e6:.2f} MB: open it in a browser, it asks for nothing else.")


def views_of(path: Path, args: argparse.Namespace) -> list[View]:
    """What there is to see of a file.

    Args:
        path: The file.
        args: ``data``, ``seed`` and ``test_fraction`` say on what a network is run.

    Raises:
        FileNotFoundError, ArchiveError, ValueError: As for :func:`run`.
    """
    from whetstone_lab.exchange import targets
    from whetstone_lab.records import archive

    if path.is_dir() or (path.stem.isdecimal() and path.with_suffix(".json").is_file()):
        laboratory = _of_experiment(path)
        if laboratory:
            return laboratory
    if path.suffix == ".keras":
        raise ValueError(f"Expected a trace, a record of spikes or a network; got the Keras model {path}. Make a "
                         f"network of it first: whetstone-lab convert {path} -o {path.with_suffix('.npz')}")
    readable = path.suffix != ".npz" and path.suffix in targets.targets()
    kind = "whetstone_lab.network" if readable else archive.kind_of(path)
    if kind not in VIEWS:
        raise ValueError(f"Expected a trace, a record of spikes or a network; {path} holds {kind!r}.")
    return VIEWS[kind](path, args)


def _of_experiment(path: Path) -> list[View]:
    """The laboratory on an experiment that it kept: the one of a trace, or the newest in a folder of them.

    A file that happens to be called like such a trace is something else: of it there is nothing.
    """
    from whetstone_lab.laboratory.bench import Bench
    from whetstone_lab.laboratory.experiments import Experiments
    from whetstone_lab.laboratory.page import Laboratory

    experiments = Experiments(path if path.is_dir() else path.parent)
    kept = [each.number for each in experiments.all()]
    asked = kept[:1] if path.is_dir() else [number for number in kept if f"{number:03}" == path.stem]
    if not asked:
        if path.is_dir():
            raise ValueError(f"Expected a folder in which a laboratory has kept experiments; got {path}.")
        return []
    bench = Bench(experiments=experiments)
    bench.look(asked[0])
    return [Laboratory(bench)]


def _of_trace(path: Path, args: argparse.Namespace) -> list[View]:
    from whetstone_lab.records.trace import Trace
    from whetstone_lab.view.widgets import ActivationCurves, SharpenerChart

    trace = Trace.load(path)
    return [ActivationCurves(trace), SharpenerChart(trace)]


def _of_spikes(path: Path, args: argparse.Namespace) -> list[View]:
    from whetstone_lab.records.spikes import SpikeRecord
    from whetstone_lab.view.widgets import SpikeRaster

    return [SpikeRaster(SpikeRecord.load(path))]


def _of_network(path: Path, args: argparse.Namespace) -> list[View]:
    from whetstone_lab.cli import simulate
    from whetstone_lab.datasets import Split
    from whetstone_lab.view.widgets import DrawingPad, FaultBench, SpikeRaster

    network = simulate.read_network(path)
    dataset = split.load(Split.of(network.meta), args.data, args.seed, args.test_fraction)
    simulate.check_pictures(network, dataset, path)
    raster = SpikeRaster(simulate.record(network, dataset, _SAMPLES), samples=_SAMPLES)
    # What the page itself computes takes a network that reads a picture as one class; others are shown as they ran.
    with contextlib.suppress(ValueError):
        return [make(network, dataset.x_test, dataset.y_test) for make in (DrawingPad, FaultBench)] + [raster]
    return [raster]


#: The format that a file's header names -> what makes its views. To show another kind of file, add it here.
VIEWS: dict[str, Callable[[Path, argparse.Namespace], list[View]]] = {
    "whetstone_lab.trace": _of_trace,
    "whetstone_lab.spike_record": _of_spikes,
    "whetstone_lab.network": _of_network,
}
