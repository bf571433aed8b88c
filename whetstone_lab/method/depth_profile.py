"""Where a deep network loses when it is sharpened, layer by layer, as plain numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Pre-activations closer than this to the threshold count as near it.
MARGIN = 0.1


@dataclass(frozen=True, eq=False)
class DepthProfile:
    """What sharpening costs a network of L spiking layers, bottom first. Shares and accuracies are in [0, 1].

    *As it is* means at the sharpness that the layers had, or at the one that was asked for.

    Attributes:
        layers: Names of the spiking layers.
        sharpness: What each layer has as it is, shape ``(L,)``.
        accuracy: Of the network with its first k layers sharp and the others as they are, for k from 0 to L, shape
            ``(L + 1,)``; NaN where the output stands for no classes.
        loss: The mean loss in the same cases, shape ``(L + 1,)``.
        accuracy_alone: The accuracy with one layer sharp and all others as they are, shape ``(L,)``.
        loss_alone: The mean loss in the same cases.
        gradient: Norm of the gradient of a sample's loss by the pre-activations of each layer, the root of its mean
            square over the samples, as it is; shape ``(L,)``. NaN for a layer that cannot be looked into.
        gradient_sharp: The same with every layer sharp.
        near: Share of a layer's pre-activations that are nearer to the threshold than the margin, as it is.
        flips: Share that lies on one side of the threshold as it is, and on the other when all layers below are sharp.
        near_flips: The same share of those that are near the threshold alone; NaN where none is.
    """

    layers: tuple[str, ...]
    sharpness: np.ndarray
    accuracy: np.ndarray
    loss: np.ndarray
    accuracy_alone: np.ndarray
    loss_alone: np.ndarray
    gradient: np.ndarray
    gradient_sharp: np.ndarray
    near: np.ndarray
    flips: np.ndarray
    near_flips: np.ndarray

    @property
    def steepest(self) -> str:
        """The layer with whose sharpening the loss rises the most, when the layers below it are sharp."""
        return self.layers[int(np.argmax(np.diff(self.loss)))]


def flips(before: np.ndarray, after: np.ndarray, threshold: float,
          margin: float = MARGIN) -> tuple[float, float, float]:
    """How many pre-activations lie near the threshold, and how many change sides.

    Args:
        before: Pre-activations of a layer, any shape, at least one.
        after: The same neurons' on the same samples once something below has changed; of the same shape.
        threshold: At which the neurons fire, ``x >= threshold``.
        margin: How near is near, positive, in units of the pre-activation. Default: :data:`MARGIN`.

    Returns:
        The share of ``before`` with ``|x - threshold| < margin``, the share of all that change sides, and the share of
        the near ones that do; the last is NaN where none is near.

    Example:
        >>> flips(np.array([0.45, 0.55, 2.0, -1.0]), np.array([0.6, 0.7, 2.1, -1.0]), 0.5)
        (0.5, 0.25, 0.5)
    """
    near = np.abs(before - threshold) < margin
    flipped = (before >= threshold) != (after >= threshold)
    return float(near.mean()), float(flipped.mean()), float(flipped[near].mean()) if near.any() else float("nan")
