"""How a network is kept in a file: an ``.npz`` without pickle. Nothing in a file is ever run.

**For readers in other languages.** The file is a ZIP archive (deflate) of ``NAME.npy`` members. Each of these is eight
bytes, ``93 4E 55 4D 50 59 01 00``, the length n of its header as a little-endian 16-bit integer, n bytes of ASCII such
as ``{'descr': '<f4', 'fortran_order': False, 'shape': (784, 256), }``, and the values, little-endian, the last axis
fastest. ``<f4`` is IEEE single, ``<f8`` double precision, ``|i1`` a signed and ``|u1`` an unsigned byte.

``header`` (``|u1``) is JSON text: ``format`` (``"whetstone_lab.network"``), ``version`` (1 or 2), ``input_shape``,
``readout``, ``threshold``, ``meta``, and ``nodes``, in an order in which they can run. Each node has a ``name``, an
``operation``, ``inputs`` (names of earlier nodes, or ``"input"``), ``options``, and ``arrays``: what node i names there
is member ``i_NAME``; an array that is absent is None in the options. Images are (rows, columns, channels). What the
operations do:

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
``readout`` is ``"linear"`` or ``"softmax"``. Where it is ``"logit"`` or ``"sigmoid"``, each output is a yes where it is
greater than ``threshold`` (0 if there is none in the header), else a no. Outputs that are ``"values"`` or ``"spikes"``
stand for no classes.

Version 2 is for networks with several inputs or outputs. In place of ``input_shape`` it has ``inputs``, the shape of
each by its name, which is what nodes refer to. In place of ``readout`` and ``threshold`` it has ``outputs``: for each
name the ``node`` that is read, its ``readout`` and ``threshold``, and ``key``, the name of the member that holds the
class key, or null.

``Network.absorb_biases`` first gives a file with few or no biases: weights and thresholds alone, as hardware likes
them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from whetstone_lab.simulator.operations import KINDS, Operation, Shape, kind_name
from whetstone_lab.simulator.readouts import Readout

KIND, VERSION = "whetstone_lab.network", 2

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


def pack_end(head: Readout) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The only output as it stands in a file: what the header says of it, and its key."""
    header: dict[str, Any] = {"readout": head.kind}
    if head.threshold:
        header["threshold"] = head.threshold
    return header, {} if head.key is None else {"key": head.key}


def unpack_end(header: Any, arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Readout, threshold and key of the only output of a file."""
    return {"readout": header["readout"], "threshold": header.get("threshold", 0.0), "key": arrays.get("key")}


def pack_ends(inputs: Mapping[str, Shape], read: Mapping[str, str],
              heads: Mapping[str, Readout]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Several inputs and outputs as they stand in a file: what the header says of them, and their keys.

    Args:
        inputs: Name of each input -> its shape.
        read: Name of each output -> the node that is read.
        heads: Name of each output -> how it is read.
    """
    outputs: dict[str, dict[str, Any]] = {}
    keys: dict[str, np.ndarray] = {}
    for number, (name, head) in enumerate(heads.items()):
        outputs[name] = {"node": read[name], "readout": head.kind, "threshold": head.threshold, "key": None}
        if head.key is not None:
            outputs[name]["key"] = f"key_{number}"
            keys[f"key_{number}"] = head.key
    return {"inputs": dict(inputs), "outputs": outputs}, keys


def unpack_ends(header: Any, arrays: Mapping[str, np.ndarray]) -> dict[str, dict[str, Any]]:
    """Name of each output of a file -> its node, readout, threshold and key."""
    return {name: {"node": str(end["node"]), "readout": end["readout"], "threshold": end["threshold"],
                   "key": None if end["key"] is None else arrays[end["key"]]}
            for name, end in header["outputs"].items()}
