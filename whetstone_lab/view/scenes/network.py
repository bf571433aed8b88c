"""A network as a page needs it to send waves of spikes by itself, and samples to show to it, both as bytes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from whetstone_lab.simulator import Network
from whetstone_lab.simulator.inputs import check_inputs
from whetstone_lab.simulator.operations import Neurons, Operation, kind_name
from whetstone_lab.view.scenes.raster import as_picture

#: What whole numbers up to 255 may be divided by to be samples: bits, the 17 shades of the digits, and bytes.
_WHITES = (1, 16, 255)

#: Rows of output neurons that stand class by class, at the most: as many as votes are listed beside them. More would be
#: specks in a thin line.
_MOST_ROWS = 24

#: Samples that are sent to a page at the most.
MOST_SAMPLES = 500


def page_network(network: Network) -> dict[str, Any]:
    """A network for ``static/wave.mjs``, which computes in the browser what the simulator computes here.

    Values are numbered: 0 is the input, ``number + 1`` the output of node ``number``.

    Args:
        network: A network with one input and one output, whose neurons remember nothing from step to step.

    Returns:
        ``dtype``, ``"float32"`` or ``"float64"``; ``input``, the shape of a sample, and its ``grid``; ``nodes``, each
        with its ``name``, its ``kind`` as files have it, ``from``, the values it takes, its ``shape``, its ``step``,
        its ``grid`` as :func:`grid` gives it, its ``options`` and its ``arrays``, each a shape and bytes, little end
        first; ``output``, the value that is read; ``readout``, how: its ``kind``, its ``key``, rows of zeros and ones
        or None, and its ``threshold``; and ``decides``, whether that is a class a sample.

    Raises:
        TypeError: It is no network.
        ValueError: The network has several inputs or outputs, or neurons that remember.

    Example:
        >>> from whetstone_lab.simulator.operations import Dense
        >>> sent = page_network(Network((2,), [Dense([[1], [2]]), Neurons(0.5)]))
        >>> [(node["kind"], node["from"], node["shape"]) for node in sent["nodes"]]
        [('Dense', [0], [1]), ('Neurons', [1], [1])]
    """
    if not isinstance(network, Network):
        raise TypeError(f"Expected a Network, as convert(model) makes one of a trained Keras model and Network.load "
                        f"reads one; got {type(network).__name__}.")
    head = network.head
    numbers = {name: number for number, name in enumerate(network.shapes)}
    nodes = []
    for node in network.nodes:
        operation: Operation = node.operation
        if isinstance(operation, Neurons) and operation.remembers:
            raise ValueError(f"Expected neurons that remember nothing from step to step, as a page shows one wave; "
                             f"{node.name!r} has leak={operation.leak}, refractory={operation.refractory} and "
                             f"delay={operation.delay}. Look at a record of it with SpikeRaster.")
        nodes.append({"name": node.name, "kind": kind_name(operation), "from": [numbers[name] for name in node.inputs],
                      "shape": list(network.shapes[node.name]), "step": network.steps[node.name],
                      "grid": grid(network.shapes[node.name], head.key if node.name == network.output else None),
                      "options": _plain(operation.options()),
                      "arrays": {name: _array(values) for name, values in operation.arrays().items()}})
    picture = as_picture(np.zeros(network.input_shape, np.uint8))
    return {"dtype": network.dtype.name, "input": list(network.input_shape),
            "grid": grid(network.input_shape if picture is None else picture.shape), "nodes": nodes,
            "output": numbers[network.output],
            "readout": {"kind": head.kind, "key": None if head.key is None else np.asarray(head.key, int).tolist(),
                        "threshold": head.threshold},
            "decides": head.decides and not head.places}


def grid(shape: Sequence[int], key: Any = None) -> dict[str, Any]:
    """How the values of a shape are laid out in two dimensions, each in a cell of its own.

    A row of values becomes a grid as square as can be; channels of an image become maps side by side, a cell apart.
    Output neurons of which each votes for one class at the most stand class by class, a row each, where 24 rows hold
    them.

    Args:
        shape: Shape of the values, without the axis of samples.
        key: The class key by which they are read, shape ``(classes, width)``. Default: none.

    Returns:
        ``map``, rows and columns of a map; ``across``, how many maps stand side by side; ``gap``, cells between them;
        ``order``, the slot of each map, or None where they stand in their order; and ``classes``, how many rows are
        those of classes, 0 where none is. :func:`places` makes places of it.

    Example:
        >>> grid((100,))["across"], grid((5, 4, 12))
        (10, {'map': [5, 4], 'across': 4, 'gap': 1, 'order': None, 'classes': 0})
    """
    rows, columns, maps = (*shape, 1) if len(shape) == 2 else shape if len(shape) == 3 else (1, 1, math.prod(shape))
    across = max(math.ceil(math.sqrt(maps)), 1)
    if key is not None and len(shape) == 1:
        hot = np.asarray(key, bool)
        voters = int(hot.sum(axis=1).max())
        spare = int((hot.sum(axis=0) == 0).sum())
        if (hot.sum(axis=0) <= 1).all() and len(hot) + math.ceil(spare / voters) <= _MOST_ROWS:
            slots = np.full(maps, -1)
            for number, row in enumerate(hot):
                slots[row] = number * voters + np.arange(row.sum())
            slots[slots < 0] = len(hot) * voters + np.arange((slots < 0).sum())
            return {"map": [1, 1], "across": voters, "gap": 0, "order": slots.tolist(), "classes": len(hot)}
    if rows * columns == 1:
        across = next((length for length in range(across, int(1.5 * across) + 1) if maps % length == 0), across)
    return {"map": [rows, columns], "across": across, "gap": 0 if rows * columns == 1 else 1, "order": None,
            "classes": 0}


def places(grid: dict[str, Any], count: int) -> np.ndarray:
    """The row and the column of the cell of each value in a grid, integers, shape ``(2, count)``."""
    rows, columns = grid["map"]
    value = np.arange(count)
    maps = count // (rows * columns)
    slot = value % maps if grid["order"] is None else np.asarray(grid["order"])[value % maps]
    row, column = value // maps // columns, value // maps % columns
    return np.stack([slot // grid["across"] * (rows + grid["gap"]) + row,
                     slot % grid["across"] * (columns + grid["gap"]) + column])


@dataclass(frozen=True, eq=False)
class Samples:
    """Samples to show to a network, and their classes.

    Attributes:
        values: In the type that the network computes in, shape ``(samples, *network.input_shape)``.
        labels: Their true classes, shape ``(samples,)``; empty where unknown.
    """

    values: np.ndarray
    labels: np.ndarray

    @classmethod
    def of(cls, network: Network, x: Any, y: Any = None) -> Samples:
        """The first samples of a data set, at most :data:`MOST_SAMPLES`.

        Args:
            network: What they are shown to.
            x: Samples without time, shape ``(samples, *network.input_shape)``. It may also be flat, or have axes of
                length 1 more or less, or be a picture where the network takes flat ones. None: there are none.
            y: Their true classes, as Keras takes them. Default: unknown.

        Raises:
            ValueError: They are of another shape or number, or not finite.
        """
        if x is None:
            if y is not None:
                raise ValueError("Expected samples beside their classes: give x as well as y.")
            return cls(np.zeros((0, *network.input_shape), network.dtype), np.zeros(0, np.int64))
        values = np.asarray(x)
        if _same_order(values.shape[1:], network.input_shape):
            values = values.reshape(len(values), *network.input_shape)
        if check_inputs(network, values).stepwise:
            raise ValueError(f"Expected samples without steps in time, of shape (samples, "
                             f"{', '.join(map(str, network.input_shape))}); got {values.shape}.")
        labels = np.zeros(0, np.int64) if y is None else network.head.check_labels(y, len(values))
        return cls(values[:MOST_SAMPLES].astype(network.dtype), labels[:MOST_SAMPLES])

    def sent(self) -> dict[str, Any]:
        """The samples for a page: how many there are, their values as bytes, what these are divided by, and the labels.

        Values that are whole numbers up to 255, divided by 1, 16 or 255 in the network's type, go as one byte each, to
        the bit; others go as they are, with a ``white`` of 0.
        """
        for white in _WHITES:
            whole = np.round(self.values * self.values.dtype.type(white))
            if ((whole >= 0) & (whole <= 255)).all() and (
                    whole / self.values.dtype.type(white) == self.values).all():
                return {"count": len(self.values), "white": white, "values": whole.astype(np.uint8).tobytes(),
                        "labels": self.labels.tolist()}
        return {"count": len(self.values), "white": 0, "values": _bytes(self.values), "labels": self.labels.tolist()}


def _same_order(shape: Sequence[int], wanted: Sequence[int]) -> bool:
    """Whether a sample of a shape, read value by value, is one of another: channels first are not channels last."""
    if not shape or math.prod(shape) != math.prod(wanted):
        return False
    long, also = ([length for length in each if length != 1] for each in (shape, wanted))
    return long == also or len(long) <= 1 or len(also) <= 1


def picture_shape(network: Network) -> tuple[int, int, int]:
    """Rows, columns and channels of a network's input as a picture.

    Raises:
        ValueError: Its input does not look like a picture.
    """
    seen = as_picture(np.zeros(network.input_shape, np.uint8))
    if seen is None:
        raise ValueError(f"Expected a network that is shown pictures, of input shape (rows, columns), "
                         f"(rows, columns, 1 or 3) or (side * side,) with a side from 4 on; got {network.input_shape}.")
    rows, columns, *channels = seen.shape
    return rows, columns, channels[0] if channels else 1


def preparation(network: Network) -> dict[str, Any]:
    """How a drawing is made into a picture of a network's input, by the size of the picture.

    Pictures of 8x8 pixels are made as those of :func:`whetstone_lab.datasets.load_digits` were: a drawing fills 32 rows
    and 22 columns of 32x32 small squares, in height and in breadth each by itself, its lines as thick as it takes to
    ink 0.305 of them, as in the data set, and a pixel is the share of its 4x4 squares that are inked. Pictures of 28x28
    are made as those of MNIST: the drawing fills a box of 20x20 pixels, its breadth in proportion, and its centre of
    mass is put in the middle. Others fill seven eighths, in proportion.

    Returns:
        ``rows``, ``columns`` and ``channels`` of the picture; ``box``, rows and columns that are filled; ``stretch``,
        whether each by itself; ``centre``, ``"box"`` or ``"mass"``; ``pen``, the width of lines in pixels; ``ink``, the
        share that is inked, or None for lines of that width; and ``words`` that say so.

    Raises:
        ValueError: The network's input does not look like a picture.
    """
    rows, columns, channels = picture_shape(network)
    size = {"rows": rows, "columns": columns, "channels": channels}
    if (rows, columns) == (8, 8):
        return {**size, "box": [8, 5.5], "stretch": True, "centre": "box", "pen": 1.25, "ink": 0.305,
                "words": "stretched to the full height, in the middle, its lines as thick as those of the digits"}
    if (rows, columns) == (28, 28):
        return {**size, "box": [20, 20], "stretch": False, "centre": "mass", "pen": 2.4, "ink": None,
                "words": "scaled to 20x20 pixels, its centre of mass in the middle, as the pictures of MNIST"}
    box = [7 / 8 * rows, 7 / 8 * columns]
    return {**size, "box": box, "stretch": False, "centre": "box", "pen": max(min(rows, columns) / 11, 1), "ink": None,
            "words": "scaled to seven eighths of the picture, in the middle"}


def _array(values: np.ndarray) -> dict[str, Any]:
    return {"shape": list(values.shape), "values": _bytes(values)}


def _bytes(values: np.ndarray) -> bytes:
    return np.ascontiguousarray(values, values.dtype.newbyteorder("<")).tobytes()


def _plain(options: dict[str, Any]) -> dict[str, Any]:
    """Options as JSON holds them."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in options.items()}
