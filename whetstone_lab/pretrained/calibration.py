"""What the ReLUs of a model give on some inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import keras
import numpy as np
from keras import ops

from whetstone_lab.conversion.calls import Call
from whetstone_lab.training._internals import without_remat
from whetstone_lab.training.heads import input_names
from whetstone_lab.training.layers import all_layers
from whetstone_lab.training.norm_statistics import torch_left_alone
from whetstone_lab.training.training_inputs import inputs_in_batches

#: How many numbers of each layer are kept, drawn at random from all places of all samples.
_KEPT = 2**20


def checked_batches(model: Any, x: Any, samples: int) -> list[Any]:
    """Inputs for calibration in batches.

    Args:
        model: The model that they are for.
        x: As for :func:`whetstone_lab.spiking`.
        samples: How many to take, or all where there are fewer.

    Raises:
        ValueError: They cannot be read again, there are none, they are no numbers or not finite, or they have the wrong
            shape. The message says what was expected and what came.
    """
    if isinstance(samples, bool) or not isinstance(samples, int) or samples < 1:
        raise ValueError(f"Expected samples to be an integer of at least 1; got {samples!r}.")
    x = _as_arrays(x, len(model.inputs))
    leaves = keras.tree.flatten(x)
    if leaves and all(hasattr(leaf, "shape") for leaf in leaves):
        _check(model, x)  # in whole, so that rows can be drawn from it
    batches = inputs_in_batches(x, samples)
    if batches is None:
        raise ValueError("Expected calibration inputs that can be read: arrays, a tf.data.Dataset, a DataLoader or a "
                         f"PyDataset; got {type(x).__name__}.")
    found = list(batches)
    if not found:
        raise ValueError("Expected at least one calibration input; got none.")
    for batch in found:
        _check(model, batch)
        for name, leaf in _named(model, batch):
            array = ops.convert_to_numpy(leaf) if ops.is_tensor(leaf) else np.asarray(leaf)
            if array.dtype.kind in "fc" and not np.isfinite(array).all():
                bad = int((~np.isfinite(array)).sum())
                raise ValueError(f"Expected calibration inputs that are finite; got {bad} numbers of {array.size} in "
                                 f"{name} that are NaN or infinite.")
    return found


def _as_arrays(x: Any, inputs: int) -> Any:
    """Lists of numbers as arrays, also in a dict or, for several inputs, in a list; all else as it is."""
    shapes = [tuple(leaf.shape) for leaf in x if hasattr(leaf, "shape")] if isinstance(x, (list, tuple)) else []
    if inputs == 1 and len(set(shapes)) > 1:
        raise ValueError(f"Expected one array of calibration inputs; got {len(x)} of the shapes {shapes}. Give the "
                         "inputs alone, without their targets.")
    try:
        if isinstance(x, Mapping):
            return {name: _array(leaf) for name, leaf in x.items()}
        if isinstance(x, (list, tuple)):
            one = inputs == 1 and not (len(x) == 1 and hasattr(x[0], "shape"))
            return np.asarray(x) if one else [_array(leaf) for leaf in x]
    except ValueError as error:
        raise ValueError("Expected calibration inputs of one shape; got lists of several, which are no array: "
                         f"{error}") from error
    return x


def _array(leaf: Any) -> Any:
    return leaf if hasattr(leaf, "shape") else np.asarray(leaf)


def _named(model: Any, batch: Any) -> list[tuple[str, Any]]:
    """The arrays of a batch in the order of the model's inputs, each as it is called in a message."""
    names = input_names(model)
    if isinstance(batch, Mapping):
        if set(batch) != set(names):
            raise ValueError(f"Expected calibration inputs by the names {names}; got {sorted(batch)}.")
        leaves = [batch[name] for name in names]
    else:
        leaves = list(batch) if isinstance(batch, (list, tuple)) else [batch]
    if len(leaves) != len(names):
        raise ValueError(f"Expected calibration inputs for {len(names)} inputs, {names}; got {len(leaves)}.")
    if len(names) == 1:
        return [("the calibration inputs", leaves[0])]
    return [(f"the calibration input {name!r}", leaf) for name, leaf in zip(names, leaves, strict=True)]


def _check(model: Any, batch: Any) -> None:
    """Refuses arrays of another shape than the model's inputs, or with something else than numbers in them."""
    rows = []
    for (name, leaf), tensor in zip(_named(model, batch), model.inputs, strict=True):
        want, came = tuple(tensor.shape[1:]), tuple(leaf.shape)
        kind = "number" if ops.is_tensor(leaf) else np.dtype(leaf.dtype).kind
        if kind != "number" and kind not in "biuf":
            raise ValueError(f"Expected numbers in {name}; got an array of type {leaf.dtype}.")
        if len(came) != len(want) + 1 or any(length not in (None, found)
                                             for length, found in zip(want, came[1:], strict=True)):
            one = " It looks like a single sample: put it into a batch, x[None]." if came == want else ""
            raise ValueError(f"Expected {name} in the shape (samples, {', '.join(map(str, want))}); got {came}.{one}")
        rows.append(came[0])
    if len(set(rows)) > 1:
        raise ValueError(f"Expected as many samples for each input; got {rows}.")
    if not rows[0]:
        raise ValueError("Expected at least one calibration input; got none.")


def activations_on(model: Any, batches: Sequence[Any], calls: Sequence[Call], numbers: Mapping[int, np.ndarray],
                   before: Mapping[int, Callable[[Any], Any]]) -> tuple[dict[int, np.ndarray], dict[int, np.ndarray]]:
    """What some layers give while a model is called on batches, and what others are fed.

    Args:
        model: The model. It is called as in use, and stays as it is.
        batches: Its inputs.
        calls: Its layer calls.
        numbers: Position of a call -> an array that broadcasts to the shape of one sample that it gives. Of what
            differs along its axes a column each is kept, of all else some rows, drawn at random.
        before: Position of a call -> a function of what the layer is fed, of whose result the last axis is kept.

    Returns:
        Position of the call -> an array of shape ``(rows, columns)``, for each of the two.
    """
    places: dict[int, list[int]] = {}
    for position in (*numbers, *before):
        places.setdefault(id(calls[position].layer), []).append(position)
    rng = np.random.default_rng(0)
    kept: dict[int, list[np.ndarray]] = {position: [] for position in (*numbers, *before)}
    turn = dict.fromkeys(places, 0)

    def note(layer: Any, fed: Any, given: Any) -> None:
        own = places[id(layer)]
        position = own[turn[id(layer)] % len(own)]
        turn[id(layer)] += 1
        if position in before:
            made = _numpy(before[position](fed))
            rows = made.reshape(-1, made.shape[-1])
        else:
            rows = columns(_numpy(given), numbers[position])
        most = max(_KEPT // (rows.shape[1] * len(batches)), 16)
        kept[position].append(rows if len(rows) <= most else rows[np.sort(rng.choice(len(rows), most, False))])

    with ExitStack() as stack:
        stack.enter_context(torch_left_alone())
        stack.enter_context(without_remat([model, *all_layers(model)]))
        for layer in {id(calls[position].layer): calls[position].layer for position in kept}.values():
            stack.enter_context(_watched(layer, note))
        for batch in batches:
            model(batch, training=False)
    found = {position: np.concatenate(arrays) for position, arrays in kept.items()}
    return {position: found[position] for position in numbers}, {position: found[position] for position in before}


def columns(values: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """What a layer gives as rows, a column for each number.

    Args:
        values: Shape ``(samples, ...)``.
        numbers: An array that broadcasts to the shape of one sample.
    """
    axes = [axis for axis in range(-numbers.ndim, 0) if numbers.shape[axis] > 1]
    moved = np.moveaxis(values, axes, range(-len(axes), 0)) if axes else values
    return moved.reshape(-1, numbers.size)


def _numpy(tensor: Any) -> np.ndarray:
    return ops.convert_to_numpy(ops.cast(tensor, "float32"))


@contextmanager
def _watched(layer: Any, note: Callable[[Any, Any, Any], None]) -> Iterator[None]:
    """Stands between a layer or an operation and its call; afterwards the instance is as it was."""
    own, call = vars(layer).get("call"), layer.call

    def between(*args: Any, **kwargs: Any) -> Any:
        given = call(*args, **kwargs)
        note(layer, args[0] if args else next(iter(kwargs.values())), given)
        return given

    layer.call = between
    try:
        yield
    finally:
        if own is None:
            del layer.call
        else:
            layer.call = own
