"""Some data of a training in batches, drawn beside the training and without disturbing it."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any

import keras
import numpy as np
from keras import ops

#: Rows of arrays in a batch, and numbers in it; large batches cost less and have the statistics of the whole.
_FEWEST, _MOST, _NUMBERS = 32, 1024, 2**20


def trained_on(x: Any, validation_split: float | None = None) -> Any:
    """The ``x`` of a ``fit`` without the rows that only validate; None if it can be read once only.

    Args:
        x: As for ``fit``.
        validation_split: As for ``fit``: this share of arrays, at their end, is not trained on. Default: none.
    """
    if validation_split and _are_arrays(x):
        train = int(keras.tree.flatten(x)[0].shape[0] * (1 - validation_split))
        return keras.tree.map_structure(lambda leaf: leaf[:train], x)
    return None if isinstance(x, Iterator) else x


def inputs_in_batches(x: Any, samples: int) -> Iterator[Any] | None:
    """Inputs in batches, until there are as many as asked for; None if they cannot be read again.

    Args:
        x: Inputs: an array with a sample in each row, or arrays in a list or dict; or, as for ``fit``, data that give
            batches of inputs and targets.
        samples: How many, or all where there are fewer; whole batches until there are as many. Of arrays, rows are
            drawn at random, always the same ones; of a ``PyDataset`` batches at equal distances; of other data the
            first batches.
    """
    if _are_arrays(x):
        return _rows(x, samples)
    if isinstance(x, Iterator) or not isinstance(x, Iterable):
        return None
    return _until(samples, _spread(x, samples) if isinstance(x, keras.utils.PyDataset) else x)


def first_batch(data: Any) -> tuple[Any, Any] | None:
    """Inputs and targets of the first batch of data that come in batches, as arrays; None of anything else.

    Args:
        data: As for ``fit``. Of what can be read only once, such as a generator, nothing is taken.
    """
    if isinstance(data, (Iterator, list, tuple, dict)) or not isinstance(data, Iterable) or _are_arrays(data):
        return None
    if isinstance(data, keras.utils.PyDataset):
        batch = data[0] if data.num_batches != 0 else None
    else:
        batch = next(iter(data), None)
    if batch is None:
        return None
    inputs, targets, _ = keras.utils.unpack_x_y_sample_weight(batch)
    return keras.tree.map_structure(_array, inputs), keras.tree.map_structure(_array, targets)


def _array(leaf: Any) -> Any:
    """A leaf of a batch as an array; what is ragged or sparse stays as it is."""
    return np.asarray(leaf) if hasattr(leaf, "__array__") else leaf


def _are_arrays(x: Any) -> bool:
    leaves = keras.tree.flatten(x)
    return bool(leaves) and all(hasattr(leaf, "shape") for leaf in leaves)


def _rows(x: Any, samples: int) -> Iterator[Any]:
    """Rows drawn at random, in batches of the same size where there are enough, or else of nearly the same.

    A small last batch would have statistics of its own, and JAX compiles what it does for each size anew.
    """
    leaves = keras.tree.flatten(x)
    total = int(leaves[0].shape[0])
    if not total:
        return
    numbers = sum(int(np.prod(leaf.shape[1:])) for leaf in leaves)
    most = min(max(_NUMBERS // max(numbers, 1), _FEWEST), _MOST)
    wanted = min(samples, total)
    batches = -(-wanted // most)
    size = -(-wanted // batches)
    drawn = np.random.default_rng(0).choice(total, min(batches * size, total), replace=False)
    for rows in np.array_split(drawn, batches):
        yield keras.tree.map_structure(functools.partial(_taken, rows=np.sort(rows)), x)


def _taken(leaf: Any, rows: np.ndarray) -> Any:
    if ops.is_tensor(leaf):
        return ops.take(leaf, rows, axis=0)
    if hasattr(leaf, "toarray"):  # a sparse matrix of SciPy's
        return leaf[rows].toarray()
    return (leaf if isinstance(leaf, np.ndarray) else np.asarray(leaf))[rows]  # of a mapped file these rows alone


def _spread(data: Any, samples: int) -> Iterator[Any]:
    """Batches at equal distances, as the first ones may be of one kind; the first ones of endless data."""
    total = data.num_batches
    if total:
        size = keras.tree.flatten(data[0])[0].shape[0]
        wanted = min(-(-samples // size), total)
        yield from (data[number * total // wanted] for number in range(wanted))
    elif total is None:
        yield from (data[number] for number in count())


def _until(samples: int, batches: Iterable[Any]) -> Iterator[Any]:
    """The inputs of batches, until there are as many samples; until the first is asked for, nothing is touched."""
    source = iter(batches)
    while samples > 0 and (batch := next(source, None)) is not None:
        inputs = keras.tree.map_structure(lambda leaf: leaf if ops.is_tensor(leaf) else np.asarray(leaf),
                                          keras.utils.unpack_x_y_sample_weight(batch)[0])
        samples -= int(keras.tree.flatten(inputs)[0].shape[0])
        yield inputs
