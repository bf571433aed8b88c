"""``WaveView``: what views of a run and of its networks have in common: a page asks for the spikes of a sample."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import traitlets

from whetstone_lab.laboratory import hands
from whetstone_lab.laboratory.settings import DATA, Settings, layer_shapes
from whetstone_lab.laboratory.snapshots import Snapshots
from whetstone_lab.simulator import Network
from whetstone_lab.view import scenes
from whetstone_lab.view.widgets._base import RunView
from whetstone_lab.view.widgets._growing import packed

#: Bytes that the networks of a run on a page without a kernel take at the most.
NETWORKS = 1_100_000


class WaveView(RunView):
    """A widget on a run and on its networks, as far as they are known. Its page asks for one wave of spikes at a time;
    without a kernel it computes them from the networks that it took along.
    """

    #: On a page without a kernel: the networks of the run at hand.
    networks = traitlets.Dict().tag(sync=True)

    @property
    def snapshots(self) -> Snapshots:
        """The network after some epochs of the run, and the samples that are shown to it."""
        raise NotImplementedError

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> dict[str, Any]:
        """The state of the widget; with the run come the pictures whose spikes can be looked at."""
        state = super().get_state(key, drop_defaults)
        return {**state, "pictures": hands.pictures(self.snapshots)} if "trace" in state else state

    def _alone(self, most: int) -> dict[str, Any]:
        """The state for a page without a kernel; its networks take so many bytes at most."""
        return {**super().state(), "pictures": hands.pictures(self.snapshots),
                "networks": hands.taken(self.snapshots, most)}

    def _receive(self, content: Mapping[str, Any]) -> None:
        if content.get("kind") == "wave":
            self._tell_wave(self.snapshots, content)
        else:
            super()._receive(content)

    def _tell_wave(self, snapshots: Snapshots, asked: Mapping[str, Any]) -> None:
        found = snapshots.wave(float(asked["epoch"]))
        if found is None:
            self._answer(asked, "wave")
            return
        sample = min(max(int(asked["sample"]), 0), found[1].samples - 1)
        self._answer(asked, "wave", **hands.wave(*found, sample))

    def _answer(self, asked: Mapping[str, Any], kind: str, **told: Any) -> None:
        """Tells what was asked, with the name of the page that asked, for every page of this view hears it, and of
        which other run it is, if of one.
        """
        message = {"kind": kind, **told, **{name: asked[name] for name in ("by", "number")
                                            if asked.get(name) is not None}}
        self.send(*packed(message)) if told else self.send(message)


def given_network(network: Network, x: Any, y: Any, epochs: int) -> Snapshots:
    """A network as it was after some epochs, and the samples that were given with it.

    Raises:
        ValueError: The samples do not suit the network.
    """
    given = Snapshots()
    if x is not None:
        values = scenes.Samples.of(network, x).values
        given = Snapshots.of_samples(values, y)
    given.add(epochs, network)
    given.wave()  # what does not suit the network is said now
    return given


def parts_to_be(settings: Settings) -> dict[str, Any]:
    """What there will be to draw of the network of an experiment that has none yet; see :func:`parts_of`."""
    return {"layers": _layers(layer_shapes(settings)), "picture": picture_part(DATA[settings.data].spec.image_shape)}


def parts_unknown() -> dict[str, Any]:
    """What there is to draw while nothing is known of a network; see :func:`parts_of`."""
    return {"layers": [], "picture": picture_part((1,))}


def parts_of(network: Network) -> dict[str, Any]:
    """What there is to draw of a network: its ``layers``, each with its name, its shape, its size and its grid, and the
    ``picture`` that it is shown, with what it is called.
    """
    inputs = next(iter(network.inputs.values()))
    picture = scenes.as_picture(np.zeros(inputs, np.uint8))
    shown = {"name": "input", **_part((math.prod(inputs),))} if picture is None else picture_part(picture.shape)
    return {"layers": _layers({name: network.shapes[name] for name in network.layers}), "picture": shown}


def picture_part(shape: Sequence[int]) -> dict[str, Any]:
    """A picture of a shape, to be drawn pixel by pixel."""
    return {"name": "picture", **_part(shape[:2])}


def _layers(shapes: Mapping[str, tuple[int, ...]]) -> list[dict[str, Any]]:
    return [{"name": name, "shape": list(shape), **_part(shape)} for name, shape in shapes.items()]


def _part(shape: Sequence[int]) -> dict[str, Any]:
    """What is to be drawn cell by cell: how many values it has, and how they are laid out."""
    return {"size": math.prod(shape), "grid": scenes.grid(shape)}
