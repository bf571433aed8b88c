"""How a network is kept in a file: an ``.npz`` without pickle. Nothing in a file is ever run.

**For readers in other languages.** The file is a ZIP archive (deflate) of ``NAME.npy`` members. Each of these is eight
bytes, ``93 4E 55 4D 50 59 01 00``, the length n of its header as a little-endian 16-bit integer, n bytes of ASCII such
as ``{'descr': '<f4', 'fortran_order': False, 'shape': (784, 256), }``, and the values, little-endian, the last axis
fastest. ``<f4`` is IEEE single, ``<f8`` double precision, ``|i1`` a signed and ``|u1`` an unsigned byte.

``header`` (``|u1``) is JSON text: ``format`` (``"whetstone_lab.network"``), ``version`` (1), ``input_shape``,
``readout``, ``meta``, and ``nodes``, in an order in which they can run. Each node has a ``name``, an ``operation``,
``inputs`` (names of earlier nodes, or ``"input"``), ``options``, and ``arrays``: what node i names there is member
``i_NAME``; an array that is absent is None in the options. Images are (rows, columns, channels). What the operations
do:

- ``Neurons``: 1 where ``x >= threshold``, else 0. ``threshold`` is a single value, or broadcasts against the last axes
  of x: shape (channels,) is one for each channel. That is all of it where ``leak`` is 1 and ``refractory`` and
  ``delay`` are 0, as Whetstone has them.
- ``Dense``: ``y[o] = sum over i of x[i] weights[i, o]``, then ``+ bias[o]``; ``weights`` (inputs, outputs).
- ``Conv2D``: ``y[r, c, f] = sum over i, j, k of x[r strides[0] + i dilation[0] - top, c strides[1] + j dilation[1] -
  left, k] weights[i, j, k, f]``, then ``+ bias[f]``; x is 0 outside the image. With padding ``"valid"`` top and left
  are 0 and windows lie on the image; with ``"same"`` there are ``ceil(size / stride)`` windows, and top is half,
  rounded down, of what the windows need beyond the image. In g ``groups``, filter f sees channel
  ``k + (f g / filters rounded down) channels / g``.
- All others are described by their classes in ``whetstone_lab.simulator.operations``, with the options as arguments;
  ``KINDS`` there has the class of each name, such as ``ReLU`` for ``Rectify``.

``key`` (``|i1``, classes by outputs), if there is one: the winner is the class c with the greatest
``sum over o of (2 y[o] - 1) (2 key[c, o] - 1)``, the lowest on a tie. Without a key, the largest output wins where
``readout`` is ``"linear"`` or ``"softmax"``; outputs that are ``"values"`` or ``"spikes"`` stand for no classes.

``Network.absorb_biases`` first gives a file with few or no biases: weights and thresholds alone, as hardware likes
them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from whetstone_lab.simulator.operations import KINDS, Operation, kind_name

KIND, VERSION = "whetstone_lab.network", 1

#: Name, operation and inputs of a node.
Place = tuple[str, Operation, tuple[str, ...]]


def pack(nodes: Iterable[Place]) -> tuple[list[dict[str, Any]], dict[str, np.ndarray]]:
    """Nodes as they stand in a file: the header's ``nodes``, and their arrays by the name of the member."""
    header: list[dict[str, Any]] = []
    arrays: dict[str, np.ndarray] = {}
    for number, (name, operation, inputs) in enumerate(nodes):
        header.append({"name": name, "operation": kind_name(operation), "inputs": inputs,
                       "options": operation.options(), "arrays": list(operation.arrays())})
        arrays |= {f"{number}_{field}": np.asarray(array, order="C") for field, array in operation.arrays().items()}
    return header, arrays


def unpack(header: Any, arrays: Mapping[str, np.ndarray]) -> list[Place]:
    """The nodes of a file, bottom first; any of the errors that Python has where the header is damaged."""
    return [(str(entry["name"]),
             KINDS[entry["operation"]](**{field: arrays[f"{number}_{field}"] for field in entry["arrays"]},
                                       **entry["options"]),
             tuple(entry["inputs"])) for number, entry in enumerate(header)]
