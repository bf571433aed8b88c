"""A fuzzer over every reader: whatever stands in a file, it gives something that can be used, or a clear error.

Files are damaged in two ways: as bytes, and, since checksums find nearly all of that, fact by fact and array by array,
written anew so that only the reader's own checks stand in between.
"""

import copy
import itertools
import warnings

import h5py
import nir
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_up import MadeUpRun

from whetstone_lab import keys
from whetstone_lab.exchange.nir import from_nir
from whetstone_lab.records import archive
from whetstone_lab.records.archive import ArchiveError
from whetstone_lab.records.trace import Trace
from whetstone_lab.simulator import Network, Node, Output, SpikeRecord, count_operations, run
from whetstone_lab.simulator.operations import (
    Add,
    Conv2D,
    Conv2DTranspose,
    Dense,
    MaxPool2D,
    Neurons,
    Pad2D,
    Permute,
    Reshape,
    Scale,
    UpSample2D,
)

SMALL = 10**6  # what is larger than this is not used here, only loaded
FUZZ = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def network():
    """One of each operation that a file can get wrong."""
    rng = np.random.default_rng(0)

    def quarters(*shape):
        return rng.integers(-3, 4, shape).astype(np.float32) / 4

    return Network((8, 8, 2), [
        Pad2D((1, 1), (0, 1)), Conv2D(quarters(3, 3, 1, 4), quarters(4), groups=2, strides=2, padding="same"),
        Neurons(leak=0.5, delay=1), MaxPool2D(), UpSample2D(2),
        Conv2DTranspose(quarters(2, 2, 4, 3), quarters(3), size=8, strides=2), Neurons(), Permute((2, 0, 1)),
        Reshape(), Scale(2.0, 1.0), Dense(quarters(192, 4)), Neurons()], key=keys.make_key(2, 4))


def record():
    x = np.random.default_rng(1).random((3, 8, 8, 2))
    return run(network(), x, membranes=True, labels=[0, 1, 0])


def network_of_several():
    """Two inputs, and an output of each kind that has something of its own in the file."""
    return Network({"left": (3,), "right": (2,)}, [
        Node("wide", Dense(np.ones((2, 3), np.float32)), ("right",)), Node("sum", Add(), ("left", "wide")),
        Node("fired", Neurons(), ("sum",)), Node("end", Dense(np.ones((3, 1), np.float32)), ("fired",))], outputs={
            "kind": Output("fired", key=np.eye(3)), "sure": Output("end", "logit", threshold=0.5),
            "size": Output("end", "values")})


def record_of_several():
    x = np.random.default_rng(1).random((3, 3)), np.random.default_rng(2).random((3, 2))
    return run(network_of_several(), x, membranes=True, labels={"kind": [0, 1, 2], "size": [[1.0], [2.0], [3.0]]})


def trace():
    made_up = MadeUpRun()
    for _ in range(3):
        made_up.epoch()
    return made_up.trace


def use_network(loaded):
    assert "Network(" in loaded.summary()
    if max(np.prod(shape, dtype=float) for shape in loaded.shapes.values()) < SMALL:
        x = {name: np.ones((2, *shape), np.float32) for name, shape in loaded.inputs.items()}
        assert run(loaded, x).samples == len(count_operations(loaded, x).spikes) == 2


def use_record(loaded):
    assert loaded.counts().sum() == loaded.spikes
    assert loaded.select(range(loaded.samples)).spikes == loaded.spikes
    assert all(loaded.output(name).samples == loaded.samples for name in loaded.outputs)
    for layer, size in enumerate(loaded.sizes):
        if size * loaded.samples * loaded.steps < SMALL:
            assert loaded.dense(layer).sum() <= loaded.spikes


def use_trace(loaded):
    assert len(loaded.loss) == loaded.batches
    assert len(loaded.firing_rates) == loaded.epochs
    loaded.to_parts()


#: What it is -> the name and version of its format, what is written, how it is read, and what is done with it.
READERS = {
    "network": ("whetstone_lab.network", 1, network, Network.load, use_network),
    "network of several": ("whetstone_lab.network", 2, network_of_several, Network.load, use_network),
    "record": ("whetstone_lab.spike_record", 1, record, SpikeRecord.load, use_record),
    "record of several": ("whetstone_lab.spike_record", 2, record_of_several, SpikeRecord.load, use_record),
    "trace": ("whetstone_lab.trace", 1, trace, Trace.load, use_trace),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A file of each format."""
    folder = tmp_path_factory.mktemp("whole")
    files = {kind: make().save(folder / f"{kind}.npz") for kind, (_, _, make, _, _) in READERS.items()}
    files["nir"] = folder / "graph.nir"
    nir.write(files["nir"], graph())
    return files


def read(kind, path):
    """Reads a file and uses what came; nothing may go wrong but what the reader says."""
    if kind == "nir":
        load, use, refusal = from_nir, use_network, ValueError
    else:
        *_, load, use = READERS[kind]
        refusal = ArchiveError
    try:
        loaded = load(path)
    except refusal:
        return
    with np.errstate(all="ignore"):  # numbers may be absurd
        use(loaded)


# -- bytes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [*READERS, "nir"])
@settings(FUZZ, max_examples=50)
@given(data=st.data())
def test_any_damage_to_the_bytes(kind, data, whole, tmp_path):
    content = bytearray(whole[kind].read_bytes())
    place = int(data.draw(st.floats(0, 1, exclude_max=True)) * len(content))
    match data.draw(st.sampled_from(["flip", "cut", "fill", "swap"])):
        case "flip":
            content[place] ^= 1 << data.draw(st.integers(0, 7))
        case "cut":
            del content[place:]
        case "fill":
            content[place : place + 8] = data.draw(st.sampled_from([b"\0" * 8, b"\xff" * 8]))
        case "swap":
            content = content[place:] + content[:place]
    path = tmp_path / "damaged"
    path.write_bytes(content)
    read(kind, path)


# -- facts and arrays -------------------------------------------------------------------------------------------------


def places(value, place=()):
    """Every place within nested lists and dictionaries, as keys and numbers on the way there."""
    yield place
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield from places(value[key], (*place, key))


FACTS = st.sampled_from([None, True, -1, 0, 1, 3, 10**9, 10**30, -(10**30), 1.5, float("nan"), float("inf"), "",
                         "valid", "input", "Neurons", [], [1], [1, 1], [-1], [1, 2, 3], [10**9, 10**9], [10**30],
                         [float("inf")], [-5, -5], [[]], [None], ["a"], {}, {"a": 1}]
                        ).map(copy.deepcopy)  # a second change may be within the first

CHANGES = {
    "gone": lambda array: None, "empty": lambda array: array[..., :0] if array.ndim else None,
    "negative": lambda array: -array if array.dtype.kind in "if" else array,
    "largest": lambda array: np.full_like(array, np.finfo(array.dtype).max if array.dtype.kind == "f" else
                                          np.iinfo(array.dtype).max if array.dtype.kind in "iu" else 1),
    "not a number": lambda array: np.full(array.shape, np.nan),
    "integers": lambda array: np.nan_to_num(array).astype(np.int64),
    "without sign": lambda array: np.nan_to_num(array).astype(np.uint64), "doubles": lambda array: array.astype(float),
    "flat": np.ravel, "one axis more": lambda array: array[None],
    "shorter": lambda array: array[1:] if array.ndim else array,
    "turned round": lambda array: array.T, "backwards": lambda array: array[::-1] if array.ndim else array,
}


@pytest.mark.parametrize("kind", READERS)
@settings(FUZZ, max_examples=100)
@given(data=st.data())
def test_any_change_to_facts_and_arrays(kind, data, whole, tmp_path):
    name_of, version, *_ = READERS[kind]
    header, arrays = archive.read(whole[kind], name_of, version)
    for _ in range(data.draw(st.integers(1, 2))):
        if data.draw(st.booleans()):
            *way, last = data.draw(st.sampled_from([place for place in places(header) if place]))
            value = header
            for key in way:
                value = value[key]
            if data.draw(st.integers(0, 3)):
                value[last] = data.draw(FACTS)
            else:
                del value[last]
        elif arrays:
            name = data.draw(st.sampled_from(sorted(arrays)))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)
                changed = CHANGES[data.draw(st.sampled_from(sorted(CHANGES)))](arrays.pop(name))
            if changed is not None:
                arrays[name] = changed
        if not header:
            break
    read(kind, archive.write(tmp_path / "changed.npz", name_of, version, header, arrays))


# -- NIR --------------------------------------------------------------------------------------------------------------


def graph():
    """One of each kind of node that is read."""
    image = np.ones((4, 3, 3))
    nodes = {
        "input": nir.Input({"input": np.array([2, 6, 7])}),
        "conv": nir.Conv2d((6, 7), np.ones((4, 1, 3, 3)), 1, "same", 1, 2, np.zeros(4)),
        "sum": nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])),
        "lif": nir.LIF(tau=1e-3 * image, r=image, v_leak=0 * image, v_threshold=image),
        "mean": nir.AvgPool2d(np.array([1, 2]), np.array([1, 1]), np.array([0, 0])),
        "scale": nir.Scale(np.full((4, 3, 2), 2.0)),
        "flat": nir.Flatten({"input": np.array([4, 3, 2])}, 0, -1),
        "affine": nir.Affine(np.ones((6, 24)), np.ones(6)), "if": nir.IF(np.full(6, 1e4), np.ones(6)),
        "linear": nir.Linear(np.ones((5, 6))),
        "cuba": nir.CubaLIF(np.full(5, 1e-4), np.full(5, 1e-4), np.ones(5), np.zeros(5), np.ones(5)),
        "threshold": nir.Threshold(np.full(5, 0.5)), "output": nir.Output({"output": np.array([5])}),
    }
    names = list(nodes)
    return nir.NIRGraph(nodes, list(itertools.pairwise(names)), type_check=False)


def test_the_graph_runs_as_it_stands(whole):
    assert from_nir(whole["nir"]).layers == ("lif", "if", "cuba", "threshold")


NUMBERS = st.sampled_from([0, -1, 1, 2, 10**6, 2**20, 2**40, 2**62, 1.5, float("nan"), float("inf"), 1e-300])
WORDS = st.sampled_from(["", "x", "same", "valid", "IF", "Conv2d", "NIRGraph", "Input", "Output", "Delay"])


@settings(FUZZ, max_examples=100)
@given(data=st.data())
def test_any_change_to_a_graph(data, whole, tmp_path):
    path = tmp_path / "changed.nir"
    path.write_bytes(whole["nir"].read_bytes())
    with h5py.File(path, "r+") as file:
        for _ in range(data.draw(st.integers(1, 3))):
            names: list[str] = []
            file.visit(names.append)
            if not names:
                break
            name = data.draw(st.sampled_from(names))
            old = file[name][()] if isinstance(file[name], h5py.Dataset) else None
            del file[name]
            if isinstance(old, np.ndarray) and data.draw(st.booleans()):
                change = data.draw(st.sampled_from(["fill", "one axis more", "turned round", "flat", "empty"]))
                file[name] = np.full(old.shape, data.draw(NUMBERS), float) if change == "fill" else \
                    CHANGES[change](old)
            elif old is not None and data.draw(st.integers(0, 3)):
                file[name] = data.draw(st.one_of(NUMBERS, WORDS, st.lists(NUMBERS, min_size=1, max_size=4)))
    read("nir", path)
