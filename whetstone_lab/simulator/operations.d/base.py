"""What a network is made of: weights, pools, shapes and the threshold that makes neurons. Plain NumPy, channels last.

An operation knows its arithmetic and its shapes, and holds nothing else. It takes and gives arrays with a leading
axis of samples. The arithmetic follows Keras's in kind and in order (products are summed first, then the bias is
added; an average is a sum over the window, row by row, divided by the count), in the floating point type of the
weights. Only the order within a sum of products is the library's own, see :func:`whetstone_lab.simulator.runner`.

Where few inputs are other than zero, weights are applied **spike by spike**: the work grows with the spikes, not with
the synapses. Which way is taken depends on the inputs alone; ``benchmarks/simulator.py`` shows the crossover.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, fields, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.lib.stride_tricks import as_strided

from whetstone_lab.records.archive import MAX_VALUES

Shape = tuple[int, ...]

#: Along rows and columns: the number of windows, and the padding before and after.
Axes = list[tuple[int, int, int]]

#: The most bytes that a convolution gathers its windows into at once, unless a row of windows takes more. They are
#: read again at once by the matrix product, so they should still be in the cache.
WINDOW_BYTES = 1 << 19

#: Products below which the plain way is always taken: it needs some ten microseconds, so there is little to win.
WORTHWHILE = 1 << 18

#: The share of inputs other than zero below which a single sample goes through weights spike by spike. A matrix
#: product over n samples reads the weights once for all of them, so there the share must be smaller by sqrt(n).
SPARSE = 0.2


@dataclass(frozen=True, eq=False)
class Operation:
    """One step of a network. Operations are frozen: whoever wants other weights makes another operation."""

    #: Whether zeros and ones that go in come out as zeros and ones.
    keeps_spikes: ClassVar[bool] = False

    def output_shape(self, *inputs: Shape) -> Shape:
        """The shape of the output for inputs of these shapes, all without the axis of samples.

        Raises:
            ValueError: The operation does not fit them.
        """
        raise NotImplementedError

    def apply(self, *inputs: np.ndarray) -> np.ndarray:
        """The output for inputs of shape ``(samples, ...)``."""
        raise NotImplementedError

    def fan_out(self, shape: Shape) -> np.ndarray:
        """How many weighted connections leave each place of an input of this shape; 0 for what has no weights."""
        return np.zeros(shape, np.int64)

    def synapses(self, *inputs: Shape) -> int:
        """Number of weighted connections that arrive at the output; 0 for what has no weights."""
        return 0

    def arrays(self) -> dict[str, np.ndarray]:
        """The weights and other arrays by the name of their field."""
        return {name: value for name, value in self._values().items() if isinstance(value, np.ndarray)}

    def options(self) -> dict[str, Any]:
        """Whatever is not an array, JSON-able, by the name of its field."""
        return {name: value for name, value in self._values().items() if not isinstance(value, np.ndarray)}

    def astype(self, dtype: Any) -> Self:
        """The same operation with its arrays in another floating point type."""
        return replace(self, **{name: array.astype(dtype, copy=False) for name, array in self.arrays().items()})

    def _values(self) -> dict[str, Any]:
        return {item.name: getattr(self, item.name) for item in fields(self)}

    def _set(self, **values: Any) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)


@dataclass(frozen=True, eq=False)
class Neurons(Operation):
    """Integrate-and-fire neurons: each fires where its potential reaches its threshold.

    ``v[t] = (1 - leak) v[t - 1] + x[t]``, and a spike where ``v[t] >= threshold``, after which v is reset.

    As they come, with a leak of 1, they are Whetstone's: a wave brings each neuron all its input in one step and is
    then over. Fired or not, nothing is left, so no memory is needed, and the next wave may follow one step behind.

    Args:
        threshold: In units of the input: one for all, or an array that broadcasts against the layer's shape, so that
            ``(channels,)`` is one for each channel. Default: 0.5, as Whetstone's bounded ReLU has; its sigmoid has 0.
        leak: Share of the potential that is gone a step later, in [0, 1]. Default: 1; 0 is a perfect integrator.
        reset: After a spike the potential is 0 (``"zero"``, the default), or less by the threshold
            (``"subtract"``), which loses nothing of it.
        refractory: Steps after a spike in which a neuron takes no input and does not fire. Default: 0.
        delay: Steps that a spike takes on its way, besides the step that each layer takes. Default: 0.
    """

    threshold: Any = 0.5
    _: KW_ONLY
    leak: float = 1.0
    reset: str = "zero"
    refractory: int = 0
    delay: int = 0

    def __post_init__(self) -> None:
        leak = self.leak
        if isinstance(leak, bool) or not isinstance(leak, (int, float, np.number)) or not 0 <= leak <= 1:
            raise ValueError(f"Expected leak to be a share in [0, 1]; got {leak!r}.")
        if self.reset not in ("zero", "subtract"):
            raise ValueError(f"Expected reset to be 'zero' or 'subtract'; got {self.reset!r}.")
        self._set(threshold=_floats("threshold", self.threshold), leak=float(leak),
                  refractory=_integer("refractory", self.refractory, 0), delay=_integer("delay", self.delay, 0))

    @property
    def remembers(self) -> bool:
        """Whether a step depends on those before it."""
        return self.leak < 1 or self.refractory > 0 or self.delay > 0

    def output_shape(self, *inputs: Shape) -> Shape:
        shape = _single(inputs)
        if not _broadcasts(self.threshold.shape, shape):
            raise ValueError(f"Expected thresholds that broadcast to neurons of shape {shape}; got shape "
                             f"{self.threshold.shape}.")
        return shape

    def fires(self, potential: np.ndarray) -> np.ndarray:
        """Which neurons reach their threshold, as booleans."""
        return potential >= self.threshold

    def apply(self, *inputs: np.ndarray) -> np.ndarray:
        return self.fires(inputs[0]).astype(inputs[0].dtype)

    def integrate(self, currents: np.ndarray, noise: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Potentials before the reset, and which neurons fire, over time; the delay is left to the spikes' way.

        Args:
            currents: Input of each step, shape ``(samples, steps, ...)``.
            noise: What is added to the potentials when they are compared, of the same shape. Default: nothing.
        """
        potentials, fired = np.empty_like(currents), np.empty(currents.shape, bool)
        potential = np.zeros_like(currents[:, 0])
        waiting = np.zeros(potential.shape, np.int64)
        for step in range(currents.shape[1]):
            awake = waiting == 0
            kept = potential if self.leak == 0 else potential * currents.dtype.type(1 - self.leak)
            potential = np.where(awake, kept + currents[:, step], kept)
            potentials[:, step] = potential if noise is None else potential + noise[:, step]
            spikes = fired[:, step] = self.fires(potentials[:, step]) & awake
            left = potential - self.threshold if self.reset == "subtract" else np.zeros_like(potential)
            potential = np.where(spikes, left, potential)
            waiting = np.where(spikes, self.refractory, np.maximum(waiting - 1, 0))
        return potentials, fired


@dataclass(frozen=True, eq=False)
class Dense(Operation):
    """Every input to every output, along the last axis: ``x @ weights + bias``.

    Args:
        weights: Shape ``(inputs, outputs)``, as in Keras.
        bias: Shape ``(outputs,)``, or None.
    """

    weights: Any
    bias: Any = None

    def __post_init__(self) -> None:
        self._set(weights=_floats("weights", self.weights, 2))
        self._set(bias=_bias(self.bias, self.weights))

    def output_shape(self, *inputs: Shape) -> Shape:
        shape = _single(inputs)
        if not shape or shape[-1] != len(self.weights):
            raise ValueError(f"Expected inputs of shape (..., {len(self.weights)}) for weights of shape "
                             f"{self.weights.shape}; got {shape}.")
        return (*shape[:-1], self.weights.shape[1])

    def apply(self, *inputs: np.ndarray) -> np.ndarray:
        (x,) = inputs
        if x.ndim != 2:
            return self.apply(x.reshape(-1, x.shape[-1])).reshape(*x.shape[:-1], -1)
        weights = self.weights
        sums = self._spike_by_spike(x) if weights.size >= WORTHWHILE and self._is_sparse(x) else x.dot(weights)
        return _add_bias(sums, self.bias)

    def _is_sparse(self, x: np.ndarray) -> bool:
        some = x[:8]  # to count them all would cost large batches more than the choice is worth
        return bool(np.count_nonzero(some) < SPARSE * some.size / math.sqrt(len(x) or 1))

    def _spike_by_spike(self, x: np.ndarray) -> np.ndarray:
        sums = np.empty((len(x), self.weights.shape[1]), np.result_type(x, self.weights))
        for row, total in zip(x, sums, strict=True):
            (active,) = row.nonzero()
            np.dot(row[active], self.weights.take(active, axis=0), out=total)
        return sums

    def fan_out(self, shape: Shape) -> np.ndarray:
        return np.full(shape, self.weights.shape[1])

    def synapses(self, *inputs: Shape) -> int:
        return math.prod(inputs[0][:-1]) * self.weights.size


@dataclass(frozen=True, eq=False)
class _Windowed(Operation):
    """What convolutions and pools share: windows that step over the rows and columns of an image."""

    _: KW_ONLY
    strides: Any = None
    padding: str = "valid"

    def _extents(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Taps of the window along rows and columns, and from one tap to the next."""
        raise NotImplementedError

    def _axes(self, shape: Shape) -> Axes:
        axes = []
        for size, taps, gap, stride in zip(shape[:2], *self._extents(), self.strides, strict=True):
            span = (taps - 1) * gap + 1
            count = -(-size // stride) if self.padding == "same" else (size - span) // stride + 1
            spare = max((count - 1) * stride + span - size, 0) if self.padding == "same" else 0
            axes.append((count, spare // 2, spare - spare // 2))
        return axes

    def _windows(self, inputs: tuple[Shape, ...]) -> tuple[int, int, int]:
        """Rows and columns of windows, and the channels of the input."""
        shape = _image(inputs)
        rows, columns = (count for count, _, _ in self._axes(shape))
        if rows < 1 or columns < 1:
            taps, gaps = self._extents()
            raise ValueError(f"Expected an image that a window of {taps} taps, {gaps} apart, fits into; got "
                             f"{shape[:2]} rows and columns.")
        return rows, columns, shape[2]

    def _taps(self, x: np.ndarray, fill: float) -> Iterator[np.ndarray]:
        """What each tap of the windows sees, row by row, shape ``(samples, rows, columns, channels)``."""
        (rows, _, _), (columns, _, _) = axes = self._axes(x.shape[1:])
        (tall, wide), (down, along) = self._extents()
        x = _padded(x, axes, fill)
        for row in range(0, tall * down, down):
            for column in range(0, wide * along, along):
                yield x[:, row : row + (rows - 1) * self.strides[0] + 1 : self.strides[0],
                        column : column + (columns - 1) * self.strides[1] + 1 : self.strides[1]]

    def _taps_inside(self, shape: Shape) -> list[np.ndarray]:
        """Along rows and columns: how many taps of each window lie on the image, not on its padding."""
        inside = []
        for size, taps, gap, stride, (count, before, _) in zip(shape[:2], *self._extents(), self.strides,
                                                               self._axes(shape), strict=True):
            place = np.arange(count)[:, None] * stride - before + np.arange(taps) * gap
            inside.append(((place >= 0) & (place < size)).sum(1))
        return inside


@dataclass(frozen=True, eq=False)
class Conv2D(_Windowed):
    """Two-dimensional convolution as neural networks have it: the kernel is not flipped.

    Args:
        weights: Shape ``(rows, columns, channels / groups, filters)``, as in Keras.
        bias: Shape ``(filters,)``, or None.
        dilation: Rows and columns from one tap of a window to the next, an integer or a pair. Default: 1.
        groups: Into how many groups channels and filters fall, in order; filters see their own group's channels alone.
            As many groups as channels make a depthwise convolution. Default: 1.
        strides: Rows and columns from one window to the next, an integer or a pair. Default: 1.
        padding: ``"valid"`` (default): whole windows only. ``"same"``: ``ceil(size / stride)`` windows, an odd row or
            column of zeros at the end, as TensorFlow and Keras pad.
    """

    weights: Any
    bias: Any = None
    dilation: Any = 1
    groups: int = 1

    def __post_init__(self) -> None:
        self._set(weights=_floats("weights", self.weights, 4), groups=_integer("groups", self.groups, 1))
        strides = 1 if self.strides is None else self.strides
        self._set(bias=_bias(self.bias, self.weights), strides=_pair("strides", strides),
                  dilation=_pair("dilation", self.dilation), padding=_padding(self.padding))
        if self.weights.shape[3] % self.groups:
            raise ValueError(f"Expected filters in {self.groups} equal groups; got {self.weights.shape[3]} filters.")

    def _extents(self) -> tuple[tuple[int, int], tuple[int, int]]:
        return self.weights.shape[:2], self.dilation

    def output_shape(self, *inputs: Shape) -> Shape:
        rows, columns, channels = self._windows(inputs)
        if channels != self.weights.shape[2] * self.groups:
            raise ValueError(f"Expected inputs of {self.weights.shape[2] * self.groups} channels for weights of shape "
                             f"{self.weights.shape} in {self.groups} groups; got {channels} in {inputs[0]}.")
        return rows, columns, self.weights.shape[3]

    def apply(self, *inputs: np.ndarray) -> np.ndarray:
        (x,) = inputs
        axes = self._axes(x.shape[1:])
        shape = (len(x), axes[0][0], axes[1][0], self.weights.shape[3])
        worthwhile = self.groups == 1 and math.prod(x.shape[1:]) * self.weights.shape[3] >= WORTHWHILE
        sums = self._spike_by_spike(x, axes, shape) if worthwhile and self._is_sparse(x) else None
        return _add_bias(self._window_by_window(x, axes, shape) if sums is None else sums, self.bias)

    def _window_by_window(self, x: np.ndarray, axes: Axes, shape: Shape) -> np.ndarray:
        x = _padded(x, axes, 0)
        samples, rows, columns, filters = shape
        tall, wide, channels, _ = self.weights.shape
        groups, taps = self.groups, tall * wide * channels
        kernel = self.weights.reshape(taps, groups, -1).swapaxes(0, 1)
        sums = np.empty((samples, rows, columns, groups, filters // groups), np.result_type(x, kernel))
        sample, row, column, channel = x.strides
        windows = as_strided(x, (groups, samples, rows, columns, tall, wide, channels),
                             (channels * channel, sample, row * self.strides[0], column * self.strides[1],
                              row * self.dilation[0], column * self.dilation[1], channel), writeable=False)
        fit = max(1, WINDOW_BYTES // (columns * taps * groups * x.itemsize))
        some, high = (fit // rows, rows) if fit >= rows else (1, fit)
        for first in range(0, samples, some):
            for top in range(0, rows, high):
                part = windows[:, first : first + some, top : top + high]
                out = sums[first : first + some, top : top + high].reshape(-1, groups, filters // groups)
                if groups > 1:
                    out[:] = (part.reshape(groups, -1, taps) @ kernel).swapaxes(0, 1)
                # Copies go in long runs: along the taps and channels of a window or, where those are few, along the
                # image.
                elif channels > 3:
                    np.dot(part.reshape(-1, taps), kernel[0], out=out[:, 0])
                else:
                    np.dot(part[0].transpose(3, 4, 5, 0, 1, 2).reshape(taps, -1).T, kernel[0], out=out[:, 0])
        return sums.reshape(shape)

    def _limit(self) -> float:
        """The share of places of an image with any spike below which to go spike by spike; a place costs its own."""
        channels = self.weights.shape[2]
        return SPARSE * channels / (channels + 16)

    def _is_sparse(self, x: np.ndarray) -> bool:
        some = x[:1, ::8].any(axis=-1)
        return bool(np.count_nonzero(some) < self._limit() * some.size)

    def _spike_by_spike(self, x: np.ndarray, axes: Axes, shape: Shape) -> np.ndarray | None:
        """Each place with spikes sends to the windows that see it; None where more send than a few rows let hope."""
        sample, row, column = np.nonzero(x.any(axis=-1))
        if len(sample) > self._limit() * math.prod(x.shape[:3]):
            return None
        _, rows, columns, filters = shape
        tall, wide, channels, _ = self.weights.shape
        sent = x[sample, row, column].dot(self.weights.transpose(2, 0, 1, 3).reshape(channels, -1))
        sent = sent.reshape(-1, tall, wide, filters)
        sums = np.zeros((shape[0] * rows * columns, filters), sent.dtype)
        down, seen_down = self._seen_by(row, 0, axes)
        along, seen_along = self._seen_by(column, 1, axes)
        for i in range(tall):
            for j in range(wide):
                (kept,) = (seen_down[i] & seen_along[j]).nonzero()
                sums[(sample[kept] * rows + down[i, kept]) * columns + along[j, kept]] += sent[kept, i, j]
        return sums.reshape(shape)

    def _seen_by(self, places: np.ndarray, axis: int, axes: Axes) -> tuple[np.ndarray, np.ndarray]:
        """Along an axis, for each tap and place: the window whose tap lies on the place, and whether there is one."""
        count, before, _ = axes[axis]
        taps = np.arange(self.weights.shape[axis])[:, None] * self.dilation[axis]
        window, between = np.divmod(places + before - taps, self.strides[axis])
        return window, (between == 0) & (window >= 0) & (window < count)

    def fan_out(self, shape: Shape) -> np.ndarray:
        axes = self._axes(shape)
        rows, columns = (self._seen_by(np.arange(shape[axis]), axis, axes)[1].sum(axis=0) for axis in (0, 1))
        return np.broadcast_to(np.outer(rows, columns)[..., None] * (self.weights.shape[3] // self.groups), shape)

    def synapses(self, *inputs: Shape) -> int:
        tall, wide = self._taps_inside(inputs[0])
        return int(tall.sum()) * int(wide.sum()) * self.weights.shape[2] * self.weights.shape[3]


@dataclass(frozen=True, eq=False)
class Conv2DTranspose(Operation):
    """Transposed convolution: each place of the image sends its own window of weights to the output, where they add up.

    What lands ``t`` taps into the window of row ``r`` goes to row ``r * strides + t * dilation - start``.

    Args:
        weights: Shape ``(rows, columns, channels, filters)``; Keras has the last two the other way round.
        bias: Shape ``(filters,)``, or None.
        size: Rows and columns of the output, an integer or a pair.
        strides: Rows and columns between the windows of neighbouring places, an integer or a pair. Default: 1.
        dilation: Rows and columns from one tap of a window to the next, an integer or a pair. Default: 1.
        start: Rows and columns that are cut off at the top and the left, an integer or a pair. Default: 0.
    """

    weights: Any
    bias: Any = None
    _: KW_ONLY
    size: Any
    strides: Any = 1
    dilation: Any = 1
    start: Any = 0

    def __post_init__(self) -> None:
        self._set(weights=_floats("weights", self.weights, 4))
        self._set(bias=_bias(self.bias, self.weights), size=_pair("size", self.size),
                  strides=_pair("strides", self.strides), dilation=_pair("dilation", self.dilation),
                  start=_pair("start", self.start, 0))

    def _reach(self, shape: Shape) -> tuple[int, int]:
        """Rows and columns that the windows of an image cover."""
        tall, wide = ((length - 1) * stride + (taps - 1) * gap + 1 for length, stride, taps, gap in
                      zip(shape[:2], self.strides, self.weights.shape[:2], self.dilation, strict=True))
        return tall, wide

    def output_shape(self, *inputs: Shape) -> Shape:
        shape = _image(inputs)
        if shape[2] != self.weights.shape[2]:
            raise ValueError(f"Expected inputs of {self.weights.shape[2]} channels for weights of shape "
                             f"{self.weights.shape}; got {shape[2]} in {shape}.")
        for size, start, reach, stride in zip(self.size, self.start, self._reach(shape), self.strides, strict=True):
            if start + size > reach + stride:
                raise ValueError(f"Expected a size within the {self._reach(shape)} rows and columns that the windows "
                                 f"cover, or a stride more; got size {self.size} from {self.start} on.")
        return *self.size, self.weights.shape[3]

    def apply(self, *inputs: np.ndarray) -> np.ndarray:
        (x,) = inputs
        samples, rows, columns, channels = x.shape
        tall, wide, _, filters = self.weights.shape
        (down, along), (top, left), (high, broad) = self.strides, self.start, self.size
        sent = x.reshape(-1, channels).dot(self.weights.transpose(2, 0, 1, 3).reshape(channels, -1))
        sent = sent.reshape(samples, rows, columns, tall, wide, filters)
        reach = [max(pair) for pair in zip(self._reach(x.shape[1:]), (top + high, left + broad), strict=True)]
        sums = np.zeros((samples, *reach, filters), sent.dtype)
        for i in range(tall):
            for j in range(wide):
                row, column = i * self.dilation[0], j * self.dilation[1]
                sums[:, row : row + (rows - 1) * down + 1 : down,
                     column : column + (columns - 1) * along + 1 : along] += sent[:, :, :, i, j]
        return _add_bias(sums[:, top : top + high, left : left + broad], self.bias)

    def fan_out(self, shape: Shape) -> np.ndarray:
        kept = []
        for length, taps, size, stride, gap, start in zip(shape[:2], self.weights.shape[:2], self.size, self.strides,
                                                          self.dilation, self.start, strict=True):
            place = np.arange(length)[:, None] * stride + np.arange(taps) * gap - start
            kept.append(((place >= 0) & (place < size)).sum(axis=1))
        return np.broadcast_to(np.outer(*kept)[..., None] * self.weights.shape[3], shape)

    def synapses(self, *inputs: Shape) -> int:
        return int(self.fan_out(inputs[0]).sum())


@dataclass(frozen=True, eq=False)
class MaxPool2D(_Windowed):
    """The largest value in each window of each channel; of spikes, whether any neuron fired.

    Args:
        size: Rows and columns of the window, an integer or a pair. Default: 2.
        strides: Rows and columns from one window to the next. Default: the window's size.
        padding: ``"valid"`` (default) or ``"same"``; padding never wins.
    """

    size: Any = 2

    keeps_spikes: ClassVar[bool] = True

    def __post_init__(self) -> None:
        strides = self.size if self.strides is None else self.strides
        self._set(size=_pair("size", self.size), strides=_pair("strides", strides), padding=_padding(self.padding))

    def _extents(self) -> tuple[tuple[int, int], tuple[int, int]]:
        return self.size, (1, 1)

    def output_shape(self, *inputs: Shape) -> Shape:
        return self._windows(inputs)

    def apply(self, *inputs: np.ndarray) -> np.ndarray:
        taps = self._taps(inputs[0], -np.inf)
        largest = next(taps).copy()
        for seen in taps:
            np.maximum(largest, seen, out=largest)
        return largest


@dataclass(frozen=True, eq=False)
class AveragePool2D(_Windowed):
    """The mean of each window of each channel, over the image only: padding is not counted.

    Args:
        size: Rows and columns of the window, an integer or a pair. Default: 2.
        strides: Rows and columns from one window to the next. Default: the window's size.
        padding: ``"valid"`` (default) or ``"same"``.
    """

    size: Any = 2

    def __post_init__(self) -> None:
        strides = self.size if self.strides is None else self.strides
        self._set(size=_pair("size", self.size), strides=_pair("strides", strides), padding=_padding(self.padding))

    def _extents(self) -> tuple[tuple[int, int], tuple[int, int]]:
        return self.size, (1, 1)

    def output_shape(self, *inputs: Shape) -> Shape:
        return self._windows(inputs)

    def apply(self, *inputs: np.ndarray) -> np.ndarray:
        (x,) = inputs
        taps = self._taps(x, 0)
        total = next(taps).copy()
        for seen in taps:
            total += seen
        tall, wide = self._taps_inside(x.shape[1:])
        total /= np.outer(tall, wide)[..., None].astype(x.dtype)
        return total


@dataclass(frozen=True, eq=False)
class GlobalMaxPool2D(Operation):
    """The largest value of each channel; of spikes, whether any neuron fired.

    Args:
        keepdims: Whether the output is ``(1, 1, channels)`` instead of ``(channels,)``. Default: False.
    """

    keepdims: bool = False

    keeps_spikes: ClassVar[bool] = True

    def output_shape(self, *inputs: Shape) -> Shape:
        return _channels(inputs, self.keepdims)

    def apply(self, *inputs: np.ndarray) -> np.ndarray:
        return inputs[0].max(axis=(1, 2), keepdims=self.keepdims)


@dataclass(frozen=True, eq=False)
class GlobalAveragePool2D(Operation):
    """The mean of each channel.

    Args:
        keepdims: Whether the output is ``(1, 1, channels)`` instead of ``(channels,)``. Default: False.
    """

    keepdims: bool = False

    def output_shape(self, *inputs: Shape) -> Shape:
        return _channels(inputs, self.keepdims)

    def apply(self, *inputs: np.ndarray) -> np.ndarray:
        (x,) = inputs
        return x.sum(axis=(1, 2), keepdims=self.keepdims) / x.dtype.type(x.shape[1] * x.shape[2])


@dataclass(frozen=True, eq=False)
class Reshape(Operation):
    """The same values in another shape, the last axis fastest.

    Args:
        shape: The new shape without the axis of samples; one length may be -1. Default: ``(-1,)``, flat.
    """

    shape: Any = (-1,)

    keeps_spikes: ClassVar[bool] = True

    def __post_init__(self) -> None:
        shape = tuple(_integer("shape", length, -1) for length in self.shape)
        if 0 in shape or shape.count(-1) > 1:
            raise ValueError(f"Expected a shape of positive lengths with at most one -1; got {shape}.")
        self._set(shape=shape)

    def output_shape(self, *inputs: Shape) -> Shape:
        source = _single(inputs)
        size, known = math.prod(source), math.prod(n for n in self.shape if n != -1)
        if size % known or (-1 not in self.shape and size != known):
            raise ValueError(f"Expected {size} values, shape {source}, to fill shape {self.shape}; they do not.")
        return tuple(size // known if n == -1 else n for n in self.shape)

    def apply(self, *inputs: np.ndarray) -> np.ndarray:
        return inputs[0].reshape(len(inputs[0]), *self.output_shape(inputs[0].shape[1:]))


@dataclass(frozen=True, eq=False)
class Permute(Operation):
    """The same values with their axes in another order.

    Args:
        axes: For each axis of the output the axis of the input that it is, counted from 0 without the axis of samples.
    """

    axes: Any

    keeps_spikes: ClassVar[bool] = True

    def __post_init__(self) -> None:
        axes = tuple(_integer("axes", axis, 0) for axis in self.axes)
        if sorted(axes) != list(range(len(axes))):
            raise ValueError(f"Expected axes that name each axis from 0 on once; got {axes}.")
        self._set(axes=axes)

    def output_shape(self, *inputs: Shape) -> Shape:
        shape = _single(inputs)
        if len(shape) != len(self.axes):
            raise ValueError(f"Expected inputs of {len(self.axes)} axes for axes {self.axes}; got {shape}.")
        return tuple(shape[axis] for axis in self.axes)

    def apply(self, *inputs: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(inputs[0].transpose(0, *(axis + 1 for axis in self.axes)))


@dataclass(frozen=True, eq=False)
class Pad2D(Operation):
    """Rows and columns of zeros around an image, or, where negative, cut off from it.

    Args:
        rows: Rows at the top and at the bottom. Default: none.
        columns: Columns at the left and at the right. Default: none.
    """

    rows: Any = (0, 0)
    columns: Any = (0, 0)

    keeps_spikes: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self._set(rows=_pair("rows", self.rows, None), columns=_pair("columns", self.columns, None))

    def output_shape(self, *inputs: Shape) -> Shape:
        rows, columns, channels = _image(inputs)
        for name, length, ends in (("rows", rows, self.rows), ("columns", columns, self.columns)):
            if length + sum(min(end, 0) for end in ends) < 1:
                raise ValueError(f"Expected {name} {ends} to leave something of the image; it has {length}.")
        return rows + sum(self.rows), columns + sum(self.columns), channels

    def apply(self, *inputs: np.ndarray) -> np.ndarray:
        (x,) = inputs
        (top, bottom), (left, right) = self.rows, self.columns
        x = x[:, max(-top, 0) : x.shape[1] - max(-bottom, 0), max(-left, 0) : x.shape[2] - max(-right, 0)]
        return np.pad(x, ((0, 0), (max(top, 0), max(bottom, 0)), (max(left, 0), max(right, 0)), (0, 0)))


@dataclass(frozen=True, eq=False)
class UpSample2D(Operation):
    """Each place of an image repeated.

    Args:
        size: How often, along rows and columns, an integer or a pair. Default: 2.
    """

    size: Any = 2

    keeps_spikes: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self._set(size=_pair("size", self.size))

    def output_shape(self, *inputs: Shape) -> Shape:
        rows, columns, channels = _image(inputs)
        return rows * self.size[0], columns * self.size[1], channels

    def apply(self, *inputs: np.ndarray) -> np.ndarray:
        return inputs[0].repeat(self.size[0], axis=1).repeat(self.size[1], axis=2)


@dataclass(frozen=True, eq=False)
class Scale(Operation):
    """Each value by itself: ``x * factor + offset``.

    Args:
        factor: A number, or an array that broadcasts against the input. Default: 1.
        offset: The same. Default: 0.
    """

    factor: Any = 1.0
    offset: Any = 0.0

    def __post_init__(self) -> None:
        self._set(factor=_floats("factor", self.factor), offset=_floats("offset", self.offset))

    def output_shape(self, *inputs: Shape) -> Shape:
        shape = _single(inputs)
        for name, array in self.arrays().items():
            if not _broadcasts(array.shape, shape):
                raise ValueError(f"Expected a {name} that broadcasts to shape {shape}; got shape {array.shape}.")
        return shape

    def apply(self, *inputs: np.ndarray) -> np.ndarray:
        return inputs[0] * self.factor + self.offset


@dataclass(frozen=True, eq=False)
class Rectify(Operation):
    """``max(x, 0)``: what the ReLU twin of a spiking network has in the place of neurons."""

    def output_shape(self, *inputs: Shape) -> Shape:
        return _single(inputs)

    def apply(self, *inputs: np.ndarray) -> np.ndarray:
        return np.maximum(inputs[0], 0)


@dataclass(frozen=True, eq=False)
class Add(Operation):
    """The sum of two or more inputs of one shape, added in the order given."""

    def output_shape(self, *inputs: Shape) -> Shape:
        if len(inputs) < 2 or len(set(inputs)) != 1:
            raise ValueError(f"Expected two or more inputs of one shape to add; got shapes {list(inputs)}.")
        return inputs[0]

    def apply(self, *inputs: np.ndarray) -> np.ndarray:
        total = inputs[0] + inputs[1]
        for more in inputs[2:]:
            total += more
        return total


@dataclass(frozen=True, eq=False)
class Concatenate(Operation):
    """Two or more inputs side by side.

    Args:
        axis: The axis they are joined along, without the axis of samples, or counted from the last. Default: -1.
    """

    axis: int = -1

    keeps_spikes: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self._set(axis=_integer("axis", self.axis, -32))

    def output_shape(self, *inputs: Shape) -> Shape:
        ranks = {len(shape) for shape in inputs}
        rank = ranks.pop() if len(ranks) == 1 else 0
        axis = self.axis if self.axis >= 0 else rank + self.axis
        if len(inputs) < 2 or not 0 <= axis < rank or len({(*s[:axis], *s[axis + 1 :]) for s in inputs}) != 1:
            raise ValueError(f"Expected two or more inputs whose shapes differ along axis {self.axis} only; got shapes "
                             f"{list(inputs)}.")
        return (*inputs[0][:axis], sum(shape[axis] for shape in inputs), *inputs[0][axis + 1 :])

    def apply(self, *inputs: np.ndarray) -> np.ndarray:
        return np.concatenate(inputs, axis=self.axis if self.axis < 0 else self.axis + 1)


#: Name -> operation, as files name them.
OPERATIONS: dict[str, type[Operation]] = {
    kind.__name__: kind
    for kind in (Neurons, Dense, Conv2D, Conv2DTranspose, MaxPool2D, AveragePool2D, GlobalMaxPool2D,
                 GlobalAveragePool2D, Reshape, Permute, Pad2D, UpSample2D, Scale, Rectify, Add, Concatenate)
}


def without_bias(threshold: Any, bias: Any) -> np.ndarray:
    """The thresholds that make neurons without a bias fire exactly as with it.

    On a chip a bias is a threshold shift, ``threshold - bias``; but rounded to a float that is not always the same
    neuron. Rounding never turns an order around, so ``x + bias``, rounded, grows with x, and there is one smallest x
    at which it reaches the threshold. That x, found by bisection over all floats, is the new threshold:
    ``x >= new`` if and only if ``x + bias >= threshold``, for every x and to the bit.

    Args:
        threshold: Thresholds with a bias, finite, an array or a number.
        bias: Biases, finite, that broadcast against them.

    Returns:
        Thresholds without a bias, in the widest floating point type of the two.
    """
    threshold, bias = np.broadcast_arrays(_floats("threshold", threshold), _floats("bias", bias))
    real = np.result_type(threshold, bias)
    threshold, bias = threshold.astype(real), bias.astype(real)
    ordinal = np.dtype(f"i{real.itemsize}").type
    # A float's bits, read as an integer with a sign, count the floats from zero: minus to plus infinity is the range.
    infinity = np.array(np.inf, real).view(ordinal)
    low, high = np.full(bias.shape, -infinity), np.full(bias.shape, infinity)
    for _ in range(8 * real.itemsize):
        middle = (low >> 1) + (high >> 1) + (low & high & 1)
        x = np.copysign(np.abs(middle).view(real), middle.astype(real))
        with np.errstate(over="ignore"):
            reached = x + bias >= threshold
        high, low = np.where(reached, middle, high), np.where(reached, low, middle)
    return np.copysign(np.abs(high).view(real), high.astype(real))


def _floats(name: str, value: Any, ndim: int | None = None) -> np.ndarray:
    """A finite array of float32, or of float64 where an array of it came."""
    array = np.asarray(value)
    if array.dtype.kind not in "biuf" or (ndim is not None and array.ndim != ndim):
        wanted = "numbers" if ndim is None else f"an array of {ndim} axes"
        raise ValueError(f"Expected {name} to be {wanted}; got shape {array.shape} and dtype {array.dtype}.")
    if not (isinstance(value, np.ndarray) and array.dtype == np.float64):
        array = array.astype(np.float32, copy=False)
    wrong = array.size - int(np.isfinite(array).sum())
    if wrong:
        raise ValueError(f"Expected {name} to be finite; {wrong} of {array.size} values are NaN or infinite.")
    return array


def _bias(bias: Any, weights: np.ndarray) -> np.ndarray | None:
    if bias is None:
        return None
    array = _floats("bias", bias, 1)
    if len(array) != weights.shape[-1]:
        raise ValueError(f"Expected a bias for each of the {weights.shape[-1]} outputs of weights of shape "
                         f"{weights.shape}; got {len(array)}.")
    return array


def _padded(x: np.ndarray, axes: Axes, fill: float) -> np.ndarray:
    (_, top, bottom), (_, left, right) = axes
    if not (top or bottom or left or right):
        return x
    samples, rows, columns, channels = x.shape
    wide = np.full((samples, top + rows + bottom, left + columns + right, channels), fill, x.dtype)
    wide[:, top : top + rows, left : left + columns] = x
    return wide


def _add_bias(sums: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
    if bias is not None:
        sums += bias
    return sums


def _single(inputs: tuple[Shape, ...]) -> Shape:
    if len(inputs) != 1:
        raise ValueError(f"Expected one input; got {len(inputs)}.")
    return inputs[0]


def _image(inputs: tuple[Shape, ...]) -> Shape:
    shape = _single(inputs)
    if len(shape) != 3:
        raise ValueError(f"Expected inputs of shape (rows, columns, channels); got {shape}.")
    return shape


def _channels(inputs: tuple[Shape, ...], keepdims: bool) -> Shape:
    channels = _image(inputs)[2]
    return (1, 1, channels) if keepdims else (channels,)


def _broadcasts(shape: Shape, to: Shape) -> bool:
    try:
        return np.broadcast_shapes(shape, to) == to
    except ValueError:
        return False


def _integer(name: str, value: Any, least: int | None) -> int:
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or abs(int(value)) > MAX_VALUES or (least is not None and value < least):
        wanted = "integers" if least is None else f"integers of at least {least}"
        raise ValueError(f"Expected {name} to hold {wanted}; got {value!r}.")
    return int(value)


def _pair(name: str, value: Any, least: int | None = 1) -> tuple[int, int]:
    values = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(values) != 2:
        raise ValueError(f"Expected {name} to be an integer or a pair; got {value!r}.")
    return _integer(name, values[0], least), _integer(name, values[1], least)


def _padding(padding: Any) -> str:
    if padding not in ("valid", "same"):
        raise ValueError(f"Expected padding to be 'valid' or 'same'; got {padding!r}.")
    return str(padding)
