"""What is said of a layer that cannot become spikes: where it stands, what is wrong, and what to write instead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class RefusedError(ValueError):
    """A layer cannot become spikes.

    Args:
        problem: What was expected and what came, without a full stop.
        remedy: What to write instead, a sentence.
        sharpens: As in :class:`Finding`. Default: False.
    """

    def __init__(self, problem: str, remedy: str, sharpens: bool = False) -> None:
        super().__init__(f"{problem}. {remedy}")
        self.problem, self.remedy, self.sharpens = problem, remedy, sharpens


@dataclass(frozen=True)
class Finding:
    """One thing about a model that keeps it from becoming a network of spikes.

    Attributes:
        layer: The name of the layer, after those of the models around it, ``"block/dense"``; that of the model where
            the whole of it is meant.
        place: Where it stands, ``"layers[2].layers[0] ('dense', Dense)"``.
        problem: What was expected and what came.
        remedy: What to write instead; empty where ``problem`` says it.
        sharpens: Whether the model becomes spikes in Keras all the same: the layer holds spiking layers, and only
            ``convert`` cannot follow what it does with them.
    """

    layer: str
    place: str
    problem: str
    remedy: str = ""
    sharpens: bool = False

    @classmethod
    def of(cls, layer: str, place: str, error: Exception) -> Finding:
        """What an error says of a layer."""
        if isinstance(error, RefusedError):
            return cls(layer, place, error.problem, error.remedy, error.sharpens)
        return cls(layer, place, str(error).removesuffix("."))

    def __str__(self) -> str:
        """One or two sentences that begin with the place."""
        said = self.problem if self.place in self.problem else f"{self.place}: {self.problem}"
        return f"{said}. {self.remedy}".rstrip()


class ConversionError(ValueError):
    """A model cannot become a network of spikes.

    Args:
        findings: What keeps it from that, bottom first, at least one.
        advice: A sentence to end with. Default: none.

    Attributes:
        findings: The same.
    """

    def __init__(self, findings: Sequence[Finding], advice: str = "") -> None:
        self.findings = tuple(findings)
        lines = [str(self.findings[0])] if len(self.findings) == 1 else [
            f"Expected a model that can become spikes; got {len(self.findings)} things in it that cannot:",
            *(f"- {finding}" for finding in self.findings)]
        super().__init__(("\n" if len(lines) > 1 else " ").join([*lines, advice]).rstrip())
        self.advice = advice

    def __reduce__(self) -> tuple[type, tuple[Sequence[Finding], str]]:
        """Pickles as it was made, since an exception is otherwise made again of its message."""
        return type(self), (self.findings, self.advice)
