"""``FusedPlan``: a network whose layers sum and fire at once, in compiled loops over spikes as bits."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from whetstone_lab.simulator.network import Network
from whetstone_lab.simulator.operations import (
    Conv2D,
    Dense,
    GlobalMaxPool2D,
    MaxPool2D,
    Neurons,
    Operation,
    Pad2D,
    Reshape,
    UpSample2D,
)
from whetstone_lab.simulator.operations.windows import Axes, Windows, padded
from whetstone_lab.simulator.plan import Watch
from whetstone_lab.simulator.spike_bits import SpikeBits

#: Synapses of all samples from which on it is worth to load compiled loops where nobody has asked for them: NumPy would
#: take some tenths of a second.
MIN_WORK = 1 << 33

#: Values of a window up to which inputs that are no spikes are multiplied in the kernel; beyond, a matrix product is
#: faster.
MAX_PRODUCTS = 128

#: Spikes for each eight inputs below which a layer adds them one by one. Single layers were as fast either way with
#: some 7 % of their inputs firing, and 1.6 to 4.7 times as fast one by one with 2 %.
MAX_SPIKES = 0.5

#: For so many places a table is looked up as long as it takes to make it.
PLACES = 24

#: Does work on the numbers from 0 up to a count, in parts from a first to a last.
Share = Callable[[Callable[[int, int], Any], int], None]


def available() -> bool:
    """Whether Numba, the extra ``fast``, is installed. It is not loaded."""
    return find_spec("numba") is not None


def threads() -> int:
    """How many threads compute: as many as the process may use, or fewer where ``OMP_NUM_THREADS`` says so."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, min(allowed, int(asked))) if asked.isdigit() else allowed


class FusedLayer:
    """A layer of weights, and the neurons that follow it if any, for the kernels.

    Args:
        weighted: A ``Conv2D`` or ``Dense`` that :func:`takes` has found fit.
        neurons: Neurons that alone hear them, with a threshold for each channel; or None: then it gives sums, as the
            operation itself does.
        spikes: Whether its inputs are spikes, as bits; else they are values.
    """

    def __init__(self, weighted: Any, neurons: Neurons | None, spikes: bool) -> None:
        from whetstone_lab import kernels

        self._kernels, self._spikes, self._fires = kernels, spikes, neurons is not None
        # A dense layer is a convolution over an image of one place.
        self._image = isinstance(weighted, Conv2D)
        self._windows = weighted.windows if isinstance(weighted, Conv2D) else Windows((1, 1), (1, 1), "valid")
        *_, channels, self._filters = weighted.weights.shape
        self._blocks = -(-self._filters // kernels.LANES)
        #: Of each tap: eight inputs are a cell where they are spikes, else one.
        self._cells = -(-channels // 8) if spikes else channels
        rows = np.zeros((*self._windows.size, self._cells * 8 if spikes else channels, self._blocks * kernels.LANES),
                        np.float32)
        rows[:, :, :channels, : self._filters] = weighted.weights
        rows = np.moveaxis(rows.reshape(-1, self._blocks, kernels.LANES), 1, 0)
        if spikes:  # cells without weights fill the last tables
            rows = np.pad(rows, ((0, 0), (0, -rows.shape[1] % (8 * kernels.CELLS)), (0, 0)))
        self._weights = self._room(rows.size)
        self._weights[:] = rows.ravel()
        self._bias = self._row(0, 0 if weighted.bias is None else weighted.bias)
        self._threshold = self._row(np.inf, np.inf if neurons is None else neurons.threshold)

    def _room(self, count: int) -> np.ndarray:
        """An aligned array of so many floats, with anything in it."""
        octets = np.empty(4 * count + self._kernels.ALIGNMENT, np.uint8)
        return octets[-octets.ctypes.data % self._kernels.ALIGNMENT :][: 4 * count].view(np.float32)

    def _row(self, beyond: float, values: Any) -> np.ndarray:
        row = self._room(self._blocks * self._kernels.LANES)
        row[:] = beyond
        row[: self._filters] = values
        return row

    def apply(self, value: Any, share: Share, in_sequence: bool = False) -> Any:
        """The layer's spikes, as bits, or its sums.

        Args:
            value: Spikes, as bits or as zeros and ones, or values; with a leading axis of samples.
            share: How the work is divided among threads.
            in_sequence: Whether all terms are added one after the other. Default: by what is faster.
        """
        given = value
        if self._spikes:
            given = (value if isinstance(value, SpikeBits) else SpikeBits.pack(value)).words
        image = np.ascontiguousarray(given if self._image else given.reshape(-1, 1, 1, given.shape[-1]))
        axes = self._windows.axes(image.shape[1:])
        shape = (len(image), axes[0][0], axes[1][0]) if self._image else given.shape[:-1]
        places = math.prod(shape)
        fired = np.empty(places * self._blocks if self._fires else 0, np.uint32)
        sums = self._room(0 if self._fires else places * self._blocks * self._kernels.LANES)
        results = (self._weights, self._bias, self._threshold, fired, sums)
        if self._spikes and (in_sequence or self._is_sparse(image, places)):
            self._by_spike(image, axes, results, share)
        else:
            self._by_place(image, axes, results, share, places)
        if self._fires:
            return SpikeBits(fired.reshape(*shape, self._blocks), self._filters)
        wide = sums.reshape(*shape, self._blocks * self._kernels.LANES)
        return np.ascontiguousarray(wide[..., : self._filters])

    def _is_sparse(self, words: np.ndarray, places: int) -> bool:
        some = words[:8].view(np.uint8)  # to count them all would cost large batches more than the choice is worth
        spikes = np.count_nonzero(np.unpackbits(some))
        cells = math.prod(some.shape[:3]) * self._cells
        return bool(spikes < MAX_SPIKES * (1 + PLACES * threads() / places) * cells) if places else False

    def _by_place(self, image: np.ndarray, axes: Axes, results: Any, share: Share, places: int) -> None:
        """Place by place: sums of tables of spikes, or of products with values."""
        kernels, windows = self._kernels, self._windows
        kernel = kernels.by_table if self._spikes else kernels.by_product
        values = np.ascontiguousarray(padded(image, axes, 0))
        values = values.view(np.uint8) if self._spikes else values
        (rows, _, _), (columns, _, _) = axes
        wide, depth = values.shape[2:]
        corners = windows.strides[0] * np.arange(rows)[:, None] * wide + windows.strides[1] * np.arange(columns)
        taps = (windows.dilation[0] * np.arange(windows.size[0])[:, None] * wide
                + windows.dilation[1] * np.arange(windows.size[1]))
        cells = (taps[..., None] * depth + np.arange(self._cells)).ravel().astype(np.uint64)
        if self._spikes:
            cells = np.pad(cells, (0, -len(cells) % kernels.CELLS))

        def work(first: int, last: int) -> None:
            kernel(values.reshape(-1), math.prod(values.shape[1:]), corners.ravel() * depth, cells, *results,
                   self._room(kernels.TILE * kernels.LANES), self._room(32 * kernels.CELLS * kernels.LANES),
                   first, last)

        share(work, places)

    def _by_spike(self, words: np.ndarray, axes: Axes, results: Any, share: Share) -> None:
        """Spike by spike, each to the places that see it."""
        kernels, windows = self._kernels, self._windows
        (rows, before, _), (columns, _, _) = axes
        down, along = (np.where(there, window, -1) for window, there in (
            windows.seen_by(np.arange(words.shape[axis + 1]), axis, axes) for axis in (0, 1)))
        span = (windows.size[0] - 1) * windows.dilation[0] + 1

        def work(first: int, last: int) -> None:
            kernels.by_spike(words, 8 * self._cells, down, along, windows.strides[0], before, span, rows, columns,
                             *results, self._room(max(kernels.TILE, columns) * kernels.LANES), first, last)

        share(work, len(words))


def takes(operation: Operation, spikes: bool) -> bool:
    """Whether the kernels know an operation, on spikes or on other values."""
    if isinstance(operation, Conv2D):
        return operation.groups == 1 and (spikes or math.prod(operation.weights.shape[:3]) <= MAX_PRODUCTS)
    return isinstance(operation, Dense) and spikes


def on_bits(operation: Operation, spikes: SpikeBits) -> SpikeBits | None:
    """What an operation does to spikes as bits; None where it needs them as zeros and ones."""
    words, channels = spikes.words, spikes.channels
    if isinstance(operation, MaxPool2D):
        taps = operation.windows.taps(words, 0)
        some = next(taps).copy()
        for seen in taps:
            some |= seen
        return SpikeBits(some, channels)
    if isinstance(operation, GlobalMaxPool2D):
        some = np.bitwise_or.reduce(words.reshape(len(words), -1, words.shape[-1]), axis=1)
        return SpikeBits(some[:, None, None] if operation.keepdims else some, channels)
    if isinstance(operation, (Pad2D, UpSample2D)):
        return SpikeBits(operation.apply(words), channels)
    if isinstance(operation, Reshape):
        return spikes.reshape(len(words), *operation.output_shape(spikes.shape[1:]))
    return None


class FusedPlan:
    """A network in the order in which it runs, for neurons that remember nothing and no faults.

    Neurons that alone hear a layer of weights are computed with it. Spikes stay bits where they can; whatever the
    kernels do not know is done by the operations themselves.
    """

    def __init__(self, network: Network) -> None:
        heard = network.heard
        nodes = {node.name: node for node in network.nodes}
        layers = {name: number for number, name in enumerate(network.layers)}
        known = {node.name for node in network.nodes if takes(node.operation, network.spiking[node.inputs[0]])}
        fused = {node.name: nodes[node.inputs[0]] for node in network.nodes
                 if isinstance(node.operation, Neurons) and node.inputs[0] in known and heard[node.inputs[0]] == 1
                 and node.operation.by_channel(network.shapes[node.name])}
        self._inputs, self._read, self._dtype = tuple(network.inputs), tuple(network.read.values()), network.dtype
        #: What each node does, the values it takes, its name, and the number of its layer of neurons or -1.
        self._stages: list[tuple[Any, tuple[str, ...], str, int]] = []
        absorbed = {source.name for source in fused.values()}
        for node in network.nodes:
            if node.name in absorbed:
                continue
            operation: Any = node.operation
            inputs = node.inputs
            if node.name in fused:
                source = fused[node.name]
                inputs = source.inputs
                operation = FusedLayer(source.operation, operation, network.spiking[inputs[0]])
            elif node.name in known:
                operation = FusedLayer(operation, None, network.spiking[inputs[0]])
            self._stages.append((operation, inputs, node.name, layers.get(node.name, -1)))
        last = {name: node for _, inputs, node, _ in self._stages for name in inputs if name not in self._read}
        self._done = {node: [name for name, listener in last.items() if listener == node] for node in last.values()}

    def compute(self, batch: Sequence[np.ndarray], watch: Watch | None = None,
                in_sequence: bool = False) -> list[np.ndarray]:
        """The network's outputs for a batch, in their order.

        Args:
            batch: Each input, shape ``(samples, ...)``.
            watch: Is shown the number of each layer, None, and which of its neurons fired. Default: nobody.
            in_sequence: Whether each neuron's terms are added one after the other: row by row of its window, column by
                column, channel by channel. Default: as is fastest.
        """
        workers = threads()
        if workers == 1:
            return self._compute(batch, watch, lambda work, count: work(0, count), in_sequence)
        with ThreadPoolExecutor(workers) as pool:
            def share(work: Callable[[int, int], Any], count: int) -> None:
                ends = [count * part // workers for part in range(workers + 1)]
                list(pool.map(work, ends[:-1], ends[1:]))

            return self._compute(batch, watch, share, in_sequence)

    def _compute(self, batch: Sequence[np.ndarray], watch: Watch | None, share: Share,
                 in_sequence: bool) -> list[np.ndarray]:
        values: dict[str, Any] = dict(zip(self._inputs, batch, strict=True))
        for operation, inputs, name, layer in self._stages:
            given, value = [values[name] for name in inputs], None
            if isinstance(operation, FusedLayer):
                value = operation.apply(given[0], share, in_sequence)
            elif layer >= 0:
                value = SpikeBits.pack(operation.fires(self._floats(given[0])))
            else:
                if isinstance(given[0], SpikeBits):
                    value = on_bits(operation, given[0])
                if value is None:
                    value = operation.apply(*map(self._floats, given))
            if layer >= 0 and watch:
                watch(layer, None, value.unpack(bool))
            values[name] = value
            for gone in self._done.get(name, ()):
                del values[gone]
        return [self._floats(values[name]) for name in self._read]

    def _floats(self, value: Any) -> np.ndarray:
        return value.unpack(self._dtype) if isinstance(value, SpikeBits) else value


_PLANS: WeakKeyDictionary[Network, FusedPlan] = WeakKeyDictionary()


def fused_plan_of(network: Network) -> FusedPlan:
    """The fused plan of a network, made when it is first asked for and kept as long as the network lives."""
    plan = _PLANS.get(network)
    if plan is None:
        plan = _PLANS[network] = FusedPlan(network)
    return plan
