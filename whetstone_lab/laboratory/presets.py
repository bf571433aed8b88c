"""Presets: the settings of an experiment as a short line that a teacher writes on the board.

``digits wide adam adaptive e40 b32 s7 relu`` says all; what is as by default may be left out, so that ``wide e40 s7``
says the same but for ReLU beside it, which is the default. A word that ends in ``!`` cannot be changed on the page, and
one that ends in ``-`` is not shown there either: ``wide e40! adaptive-``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any

from whetstone_lab.laboratory.settings import CHOICES, Settings

#: Letter -> the number that it stands before.
_NUMBERS = {"e": "epochs", "b": "batch_size", "s": "seed"}

#: Word -> whether a ReLU network trains beside.
_BASELINE = {"relu": True, "norelu": False}


@dataclass(frozen=True)
class Preset:
    """Settings, and which of them the page holds fast.

    Attributes:
        settings: The settings. Default: those by default.
        locked: Names of settings that the page shows and does not let be changed. Default: none.
        hidden: Names of settings that it does not even show. Default: none.
    """

    settings: Settings = field(default_factory=Settings)
    locked: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()

    @property
    def fast(self) -> frozenset[str]:
        """Names of settings that cannot be changed."""
        return self.locked | self.hidden

    def hold(self, settings: Settings) -> Settings:
        """Other settings, but for what is held fast."""
        return replace(settings, **{name: getattr(self.settings, name) for name in self.fast})

    def with_typed(self, typed: Preset) -> Preset:
        """This preset with another one that is typed on its page, which may hold more fast, and lets nothing go."""
        return Preset(self.hold(typed.settings), self.locked | typed.locked, self.hidden | typed.hidden)

    def __str__(self) -> str:
        """The preset as a line; :func:`read` makes a preset of it again."""
        words = []
        for name, value in self.settings.asdict().items():
            mark = "-" if name in self.hidden else "!" if name in self.locked else ""
            if mark or value != getattr(Settings(), name):
                words.append(_word(name, value) + mark)
        return " ".join(words) or _word("data", self.settings.data)


def read(line: str) -> Preset:
    """Reads a preset.

    Args:
        line: Words in any order, in capitals or not, with commas between them or not.

    Raises:
        ValueError: A word means nothing, or two words say the same setting; the message lists what there is.
    """
    values: dict[str, Any] = {}
    marked: dict[str, set[str]] = {"!": set(), "-": set()}
    for word in re.split(r"[\s,;]+", line.strip().lower()):
        if not word:
            continue
        mark = word[-1] if word[-1] in marked else ""
        name, value = _meaning(word.removesuffix(mark))
        if name in values:
            raise ValueError(f"Expected each setting once; got {name} twice in {line!r}.")
        values[name] = value
        if mark:
            marked[mark].add(name)
    return Preset(replace(Settings(), **values), frozenset(marked["!"]), frozenset(marked["-"]))


def _word(name: str, value: Any) -> str:
    if name in CHOICES:
        return str(value)
    if name == "baseline":
        return "relu" if value else "norelu"
    return f"{next(letter for letter, number in _NUMBERS.items() if number == name)}{value}"


def _meaning(word: str) -> tuple[str, Any]:
    for name, choices in CHOICES.items():
        if word in choices:
            return name, word
    if word in _BASELINE:
        return "baseline", _BASELINE[word]
    number = re.fullmatch(r"([ebs])([0-9]{1,5})", word)
    if number:
        return _NUMBERS[number[1]], int(number[2])
    words = [*(known for choices in CHOICES.values() for known in choices), *_BASELINE]
    raise ValueError(f"Expected words among {words} or numbers such as e30 (epochs), b32 (batch "
                     f"size) and s7 (seed); got {word!r}.")
