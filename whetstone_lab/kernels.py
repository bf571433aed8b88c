"""Loops over spikes as bits, compiled by Numba, the extra ``fast``: sums of weights, and at once which neurons fire.

What a layer's neurons receive is a sum of rows of weights, one row for each spike, as long as there are output
channels. Three kernels add them up, :data:`LANES` output channels at a time, which the processor does in a few
instructions:

- :func:`by_table`: four inputs are four bits, and they are the index of the sum of the rows of those that fired. A
  table of the sixteen sums is made once, and one addition then does the work of four products.
- :func:`by_spike`: each spike adds its row to all neurons that see it, so the work is that of the spikes.
- :func:`by_product`: for inputs that are no spikes.

Arrays are flat here, and aligned to :data:`ALIGNMENT`; who makes them is ``simulator.fused``. Each kernel takes a range
of its work, so that threads can share it; none holds Python's lock.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

#: Output channels that are summed at once: a row of weights is so many floats.
LANES = 32

#: Bytes: a row lies in as few lines of the cache as can be.
ALIGNMENT = 64

#: Inputs in bytes of eight that have their tables at once. Nine of them, such as those of a 3 x 3 window, take 36 KB,
#: which fit into the first cache.
CELLS = 9

#: Places that are summed at once: 2048 of them take 256 KB, which fit into the second cache.
TILE = 2048

_ROW = ir.VectorType(ir.FloatType(), LANES)


# -- rows of floats: the one type that Numba lacks --------------------------------------------------------------------


class _RowType(types.Type):
    """A row of 32 floats, which LLVM keeps in the processor's registers."""

    def __init__(self) -> None:
        super().__init__(name="Row")


_row = _RowType()


@register_model(_RowType)
class _RowModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, _ROW)


def _place(context, builder, kind, array, index):
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), _ROW.as_pointer())


@intrinsic
def load(typing, array, index):
    """The row at an index."""
    def build(context, builder, signature, args):
        return builder.load(_place(context, builder, signature.args[0], *args), align=4)

    return _row(array, types.intp), build


@intrinsic
def store(typing, array, index, row):
    """Writes a row to an index."""
    def build(context, builder, signature, args):
        builder.store(args[2], _place(context, builder, signature.args[0], *args[:2]), align=4)
        return context.get_dummy_value()

    return types.none(array, types.intp, _row), build


@intrinsic
def add(typing, a, b):
    """The sum of two rows."""
    return _row(_row, _row), lambda context, builder, signature, args: builder.fadd(*args)


@intrinsic
def add_times(typing, sums, factor, row):
    """A row plus a float times another, rounded once."""
    def build(context, builder, signature, args):
        first = builder.insert_element(ir.Constant(_ROW, ir.Undefined), args[1], ir.Constant(ir.IntType(32), 0))
        everywhere = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        kind = ir.FunctionType(_ROW, [_ROW] * 3)
        fused = cgutils.get_or_insert_function(builder.module, kind, f"llvm.fma.v{LANES}f32")
        return builder.call(fused, [builder.shuffle_vector(first, first, everywhere), args[2], args[0]])

    return _row(_row, types.float32, _row), build


@intrinsic
def zeros(typing):
    """A row of zeros."""
    return _row(), lambda context, builder, signature, args: ir.Constant(_ROW, [0.0] * LANES)


@intrinsic
def reaches(typing, a, b):
    """Where a row is at least another, as the bits of a word, the first float's lowest."""
    def build(context, builder, signature, args):
        return builder.bitcast(builder.fcmp_ordered(">=", *args), ir.IntType(LANES))

    return types.uint32(_row, _row), build


@intrinsic
def lowest(typing, word):
    """The number of the lowest bit that is set in a word that is not 0."""
    def build(context, builder, signature, args):
        return builder.zext(builder.cttz(args[0], ir.Constant(ir.IntType(1), 1)), ir.IntType(64))

    return types.int64(types.uint32), build


# -- the kernels ------------------------------------------------------------------------------------------------------


def _compiled(function: Callable) -> Callable:
    """Compiles when first called, and keeps the result on disk where there is a folder for it."""
    try:
        return njit(nogil=True, cache=True)(function)
    except RuntimeError:  # no such folder
        return njit(nogil=True)(function)


@_compiled
def _finish(sums, count, bias, threshold, fired, potentials, first, block, blocks):
    """Adds the bias; keeps which neurons reach their threshold, or the sums, whichever array is not empty."""
    offset, least = load(bias, block * LANES), load(threshold, block * LANES)
    for place in range(count):
        sum_ = add(load(sums, place * LANES), offset)
        at = (first + place) * blocks + block
        if len(fired):
            fired[at] = reaches(sum_, least)
        else:
            store(potentials, at * LANES, sum_)


@_compiled
def _fill(table, weights, first):
    """Tables of CELLS cells: of each four inputs, bit by bit, the sums of the rows of those whose bits are set."""
    for half in range(2 * CELLS):
        here = half * 16
        store(table, here * LANES, zeros())
        for bit in range(4):
            row = load(weights, (first * 8 + half * 4 + bit) * LANES)
            for index in range(1 << bit):
                store(table, (here + (1 << bit) + index) * LANES, add(load(table, (here + index) * LANES), row))


@_compiled
def by_table(octets, size, starts, offsets, weights, bias, threshold, fired, potentials, sums, table, first, last):
    """Adds up tables of four inputs. Places are counted through all samples; those from first to last are done.

    Args:
        octets: Spikes as bits, eight to an integer; each sample takes ``size`` of them.
        size: See above.
        starts: Where the window of each place of a sample begins.
        offsets: From there to each of its cells, which are eight inputs each.
        weights: Rows ``(block, cell, input)``, a block being 32 output channels.
        bias: For each output channel.
        threshold: The same.
        fired: Takes the spikes, a word ``(place, block)`` each; or empty.
        potentials: Takes the sums, rows ``(place, block)``; or empty.
        sums: Room for ``TILE`` rows.
        table: Room for ``32 CELLS`` rows.
        first: The first place to do.
        last: The first that is not to be done.
    """
    places, cells, blocks = len(starts), len(offsets), len(bias) // LANES
    begin = np.empty(TILE, np.uint64)  # without a sign, so that Numba need not ask for places counted from the end
    for tile in range(first, last, TILE):
        count = min(TILE, last - tile)
        for place in range(count):
            sample = (tile + place) // places
            begin[place] = np.uint64(sample * size + starts[tile + place - sample * places])
        for block in range(blocks):
            for place in range(count):
                store(sums, place * LANES, zeros())
            for cell in range(0, cells, CELLS):
                _fill(table, weights, block * cells + cell)
                here = offsets[cell : cell + CELLS]
                for place in range(count):
                    sum_ = load(sums, place * LANES)
                    for number in range(CELLS):
                        octet = np.intp(octets[begin[place] + here[number]])
                        low = load(table, (32 * number + (octet & 15)) * LANES)
                        high = load(table, (32 * number + 16 + (octet >> 4)) * LANES)
                        sum_ = add(sum_, add(low, high))
                    store(sums, place * LANES, sum_)
            _finish(sums, count, bias, threshold, fired, potentials, tile, block, blocks)


@_compiled
def by_product(values, size, starts, offsets, weights, bias, threshold, fired, potentials, sums, table, first, last):
    """Multiplies: as :func:`by_table`, but each cell is one value, a float."""
    places, cells, blocks = len(starts), len(offsets), len(bias) // LANES
    for tile in range(first, last, TILE):
        count = min(TILE, last - tile)
        for block in range(blocks):
            for place in range(count):
                sample = (tile + place) // places
                begin = sample * size + starts[tile + place - sample * places]
                sum_ = zeros()
                for cell in range(cells):
                    row = load(weights, (block * cells + cell) * LANES)
                    sum_ = add_times(sum_, values[begin + offsets[cell]], row)
                store(sums, place * LANES, sum_)
            _finish(sums, count, bias, threshold, fired, potentials, tile, block, blocks)


@_compiled
def by_spike(words, channels, down, along, stride, before, span, rows, columns, weights, bias, threshold, fired,
             potentials, sums, first, last):
    """Each spike adds its row to the neurons that see it, in the samples from first to last.

    A neuron's terms come one after the other: tap by tap, row by row of its window, and channel by channel.

    Args:
        words: Spikes as bits, shape ``(samples, rows, columns, words)``.
        channels: Rows of weights of a tap.
        down: For each row of taps and of the image, the row of windows whose tap lies there, or -1.
        along: The same of columns.
        stride: Rows from one window to the next.
        before: Rows of padding above the image.
        span: Rows from the first of a window to the last.
        rows: How many windows lie below each other.
        columns: How many lie side by side.
        weights: As in :func:`by_table`; a tap's rows lie side by side.
        bias: As in :func:`by_table`.
        threshold: As in :func:`by_table`.
        fired: As in :func:`by_table`.
        potentials: As in :func:`by_table`.
        sums: Room for ``max(TILE, columns)`` rows.
        first: The first sample to do.
        last: The first that is not to be done.
    """
    tall, wide, blocks = len(down), len(along), len(bias) // LANES
    per_block = len(weights) // len(bias)
    high = max(1, TILE // columns)
    for sample in range(first, last):
        for top in range(0, rows, high):
            bottom = min(top + high, rows)
            for block in range(blocks):
                for place in range((bottom - top) * columns):
                    store(sums, place * LANES, zeros())
                for row in range(max(0, top * stride - before),
                                 min(words.shape[1], (bottom - 1) * stride - before + span)):
                    for column in range(words.shape[2]):
                        for number in range(words.shape[3]):
                            word = words[sample, row, column, number]
                            while word:
                                channel = 32 * number + lowest(word)
                                word &= word - np.uint32(1)
                                for i in range(tall):
                                    if not top <= down[i, row] < bottom:
                                        continue
                                    for j in range(wide):
                                        if along[j, column] >= 0:
                                            at = ((down[i, row] - top) * columns + along[j, column]) * LANES
                                            weight = (block * per_block + (i * wide + j) * channels + channel) * LANES
                                            store(sums, at, add(load(sums, at), load(weights, weight)))
                _finish(sums, (bottom - top) * columns, bias, threshold, fired, potentials,
                        (sample * rows + top) * columns, block, blocks)
