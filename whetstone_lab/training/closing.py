"""``closing``: a fit that leaves weights and trace as they are to be, also where it is broken off."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from whetstone_lab.training.sharpener import Sharpener


@contextmanager
def closing(sharpener: Sharpener) -> Iterator[None]:
    """Sees to it that a fit within leaves weights and trace as they are to be, also where it is broken off.

    Keras tells its callbacks nothing of an interrupt or an error. Within this context, the trace then says so and the
    weights that were trained are in the model, not the average that was being validated. On JAX, Keras itself ends such
    a fit as one that is done, and the average of a sharp network then takes the place of its weights.

    Args:
        sharpener: The sharpener that is among the callbacks of the fit.

    Example:
        >>> with closing(sharpener):
        ...     history = model.fit(x, y, epochs=30, callbacks=[sharpener])

    Raises:
        RuntimeError: The sharpener is at work in the background.
    """
    sharpener.check_driver()
    try:
        yield
    except BaseException as error:
        interrupted = isinstance(error, KeyboardInterrupt)
        sharpener.trace.set_status("stopped" if interrupted else "failed",
                                   "" if interrupted else f"{type(error).__name__}: {error}")
        sharpener.break_off()
        raise
