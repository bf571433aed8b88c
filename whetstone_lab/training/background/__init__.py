"""Training in the background: ``fit`` returns at once, and the run can be watched, paused, stepped, steered, stopped.

Example:
    >>> run = live.fit(model, x, y, epochs=30, callbacks=[AdaptiveSharpener()])
    >>> run.pause(); run.steer(sig_increase=0.3); run.resume()
    >>> history = run.wait()
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from whetstone_lab.training.background.run import LiveRun, runs
from whetstone_lab.training.sharpener import Sharpener

__all__ = ["LiveRun", "fit", "runs"]


def fit(model: keras.Model, x: Any = None, y: Any = None, *,
        callbacks: Sequence[keras.callbacks.Callback] | None = None, sharpener: Sharpener | None = None,
        start: bool = True, **kwargs: Any) -> LiveRun:
    """``model.fit`` in the background.

    Args:
        model: A compiled model with spiking layers.
        x: Inputs, as for ``model.fit``.
        y: Targets, as for ``model.fit``.
        callbacks: As for ``model.fit``; one of them may be the sharpener.
        sharpener: The sharpener. Default: the one among the callbacks.
        start: Whether to start at once. Default: True; else :meth:`LiveRun.start` or :meth:`LiveRun.step` do.
        **kwargs: As for ``model.fit``, without ``verbose``: a thread must not print into another cell.

    Returns:
        The run.

    Raises:
        ValueError: There is no sharpener, or there are several; the model has no spiking layers.
        RuntimeError: The model or the sharpener is at work in the background already.
    """
    run = LiveRun(model, x, y, callbacks=callbacks, sharpener=sharpener, **kwargs)
    if start:
        run.start()
    return run
