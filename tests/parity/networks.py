"""Networks that Python and the browser must both send the very same spikes through, and what Python gives."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from whetstone_lab.method import class_keys
from whetstone_lab.simulator import Faults, Network, Node, run
from whetstone_lab.simulator.operations import (
    Add,
    AveragePool2D,
    Concatenate,
    Conv2D,
    Conv2DTranspose,
    Dense,
    GlobalAveragePool2D,
    GlobalMaxPool2D,
    MaxPool2D,
    Neurons,
    Pad2D,
    Permute,
    ReLU,
    Reshape,
    Scale,
    UpSample2D,
)
from whetstone_lab.view import scenes

#: How far potentials stay from their thresholds where sums are not exact: some hundred times the rounding of float32.
MARGIN = 1e-4


def quarters(rng: np.random.Generator, shape: Any, low: int = -4, high: int = 5) -> np.ndarray:
    """Multiples of 1/4: all sums of them are exact, and many lie right on a threshold."""
    return (rng.integers(low, high, shape) / 4).astype(np.float32)


def perceptron(sizes: tuple[int, ...], draw: Any, thresholds: Any, key: Any) -> Network:
    """A chain of dense layers with biases."""
    return Network(sizes[:1], [operation for inputs, outputs in itertools.pairwise(sizes) for operation in (
        Dense(draw((inputs, outputs)), draw(outputs)), Neurons(thresholds(outputs)))], key=key)


def convnet(draw: Any) -> Network:
    """Strides, both paddings, both pools, and a threshold for each channel."""
    return Network((7, 6, 2), [
        Conv2D(draw((3, 3, 2, 4)), draw(4), padding="same"), Neurons([0.5, 0.25, 0.0, 0.5]),
        MaxPool2D(2, padding="same"),
        Conv2D(draw((3, 2, 4, 6)), draw(6), strides=(2, 1), padding="same"), AveragePool2D((2, 3), strides=1,
                                                                                      padding="same"),
        Neurons(0.5), Reshape(), Dense(draw((36, 12)), draw(12)), Neurons(0.5)],
        key=class_keys.make_key(4, 12, seed=3))


def residual(draw: Any) -> Network:
    """A skip around a layer, with as many steps on both ways or not, and the largest value read."""
    return Network((5, 5, 3), [
        Node("low", Conv2D(draw((3, 3, 3, 4)), padding="same"), ("input",)), Node("a", Neurons(0.5), ("low",)),
        Node("mid", Conv2D(draw((3, 3, 4, 4)), draw(4), padding="same"), ("a",)), Node("b", Neurons(0.25), ("mid",)),
        Node("skip", Conv2D(draw((1, 1, 3, 4))), ("input",)), Node("sum", Add(), ("b", "skip", "a")),
        Node("c", Neurons(quarters(np.random.default_rng(9), (5, 5, 4), 0, 3)), ("sum",)),
        Node("pool", GlobalAveragePool2D(), ("c",)), Node("read", Dense(draw((4, 3)), draw(3)), ("pool",))],
        readout="softmax")


def everything(draw: Any) -> Network:
    """The kinds that the others lack."""
    return Network((4, 4, 4), [
        Node("groups", Conv2D(draw((2, 2, 2, 6)), draw(6), dilation=(1, 2), groups=2, padding="same"), ("input",)),
        Node("scale", Scale(draw(6), draw((4, 1, 6))), ("groups",)), Node("relu", ReLU(), ("scale",)),
        Node("a", Neurons(0.5), ("relu",)), Node("pad", Pad2D((1, -1), (0, 2)), ("a",)),
        Node("up", UpSample2D((1, 2)), ("pad",)),
        Node("back", Conv2DTranspose(draw((3, 2, 6, 2)), draw(2), size=(7, 12), strides=(2, 1), start=(1, 0)),
             ("up",)),
        Node("b", Neurons(0.25), ("back",)), Node("turn", Permute((1, 2, 0)), ("b",)), Node("max", GlobalMaxPool2D(),
                                                                                             ("turn",)),
        Node("mean", GlobalAveragePool2D(), ("turn",)), Node("both", Concatenate(0), ("max", "mean")),
        Node("answer", Dense(draw((14, 1)), draw(1)), ("both",))], readout="logit", threshold=-0.75)


def networks() -> Iterator[tuple[str, Network, bool]]:
    """Name, network, and whether all sums that neurons see are exact."""
    rng = np.random.default_rng(5)
    exact = lambda shape: quarters(rng, shape)  # noqa: E731
    any_weights = lambda shape: rng.normal(0, 0.6, shape).astype(np.float32)  # noqa: E731
    half = lambda outputs: np.full(outputs, 0.5, np.float32)  # noqa: E731
    key = class_keys.make_key(3, 9, seed=2)
    yield "perceptron in quarters", perceptron((5, 12, 7, 9), exact, lambda n: quarters(rng, n, 0, 4), key), True
    yield "perceptron", perceptron((16, 24, 12, 9), any_weights, half, key), False
    yield "perceptron in doubles", perceptron((6, 8, 9), lambda shape: rng.normal(0, 0.6, shape), half, key), False
    for name, make in (("convnet", convnet), ("residual", residual), ("everything", everything)):
        yield f"{name} in quarters", make(exact), True
        yield name, make(any_weights), False


def wave_cases() -> Iterator[dict[str, Any]]:
    """What Python gives for a few samples: spikes of each layer as bits, votes of a key and classes."""
    rng = np.random.default_rng(6)
    for name, network, exact in networks():
        inputs = quarters(rng, (5, *network.input_shape)) if exact else rng.normal(
            0, 1, (5, *network.input_shape)).astype(np.float32)
        record = run(network, inputs, membranes=True, engine="numpy")
        assert exact or _closest(network, record) > MARGIN, f"{name}: {_closest(network, record)}"
        yield {"network": name, "exact": exact, "sent": sent(scenes.page_network(network)),
               "inputs": inputs.reshape(len(inputs), -1), "fired": fired(record),
               "potentials": [record.membranes[layer][0, network.steps[name]] for layer, name in enumerate(
                   network.layers)] if exact else None,
               "votes": record.votes if network.key is not None else None, "classes": record.classes}


#: What is wrong with a network, fault by fault and all at once.
FAULTS: tuple[dict[str, Any], ...] = (
    {"dead": 0.25, "seed": 3}, {"stuck": 0.2}, {"jitter": 0.25, "seed": 1}, {"noise": 0.25}, {"lost": 0.3, "seed": 2},
    {"bits": 3}, {"dead": 0.1, "stuck": 0.1, "jitter": 0.1, "noise": 0.1, "lost": 0.1, "bits": 4, "seed": 4294967295})


def fault_cases() -> Iterator[dict[str, Any]]:
    """What Python gives for damaged networks; what these are stands among the cases of waves."""
    rng = np.random.default_rng(8)
    for name, network, _ in networks():
        if name not in ("perceptron", "convnet"):
            continue
        inputs = rng.normal(0, 1, (4, *network.input_shape)).astype(np.float32)
        for faults in FAULTS:
            record = run(network, inputs, faults=Faults(**faults), membranes=True)
            damaged = Faults(**faults).damage(network)
            assert _closest(damaged, record) > MARGIN / 4, f"{name}, {faults}: {_closest(damaged, record)}"
            yield {"network": name, "faults": faults,
                   "inputs": inputs.reshape(len(inputs), -1), "fired": fired(record), "classes": record.classes}


def random_cases() -> Iterator[dict[str, Any]]:
    """What NumPy draws from seeds of several lengths and sizes."""
    for seed in ([0, 0, 0], [7, 2, 1], [0, 1, 2, 3], [4294967295, 1, 5, 449], [1, 2, 3, 4, 5, 6]):
        normals = np.random.default_rng(seed).standard_normal(20_000)
        rare = np.flatnonzero(np.abs(normals) > 3.6541528853610088)[:3]
        yield {"seed": seed, "uniform": np.random.default_rng(seed).random(8), "normal": normals[:8],
               "count": len(normals), "rare": {"places": rare, "values": normals[rare]}, "last": normals[-1]}


def fired(record: Any) -> list[list[str]]:
    """The spikes of each sample, layer by layer, as a string of zeros and ones."""
    layers = [record.dense(layer).any(axis=1).reshape(record.samples, -1).astype(int) for layer in
              range(len(record.layers))]
    return [["".join(map(str, layer[sample])) for layer in layers] for sample in range(record.samples)]


def sent(value: Any) -> Any:
    """What is sent to a page, with bytes as JSON can hold them."""
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    if isinstance(value, dict):
        return {name: sent(item) for name, item in value.items()}
    return [sent(item) for item in value] if isinstance(value, list) else value


def _closest(network: Network, record: Any) -> float:
    """How close a potential came to its threshold."""
    thresholds = {node.name: node.operation.threshold for node in network.nodes if isinstance(node.operation, Neurons)}
    return min(float(np.abs(record.membranes[layer][:, network.steps[name]].reshape(-1, *network.shapes[name])
                            - thresholds[name].astype(float)).min()) for layer, name in enumerate(network.layers))
