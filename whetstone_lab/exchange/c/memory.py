"""Where values lie in memory: those that nobody reads any more make room for others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """One call.

    Attributes:
        text: The call, with ``$0`` for what it reads and ``$out`` for what it writes.
        reads: Names of the values that it reads.
        writes: Name of the value that it writes, or ``""``.
    """

    text: str
    reads: Sequence[str]
    writes: str


def place(steps: Sequence[Step], kinds: Mapping[str, str], count: Callable[[str], int],
          output: str) -> tuple[dict[str, int], dict[str, int]]:
    """Gives each value the first free place in the memory of its kind.

    Args:
        steps: The calls, in their order.
        kinds: Name of a value -> its kind; each kind has a memory of its own.
        count: How many numbers a value has.
        output: The value that is read after all calls.

    Returns:
        Name of a value -> its first place; kind -> how many numbers its memory has.

    Example:
        >>> steps = [Step("", ["x"], "a"), Step("", ["a"], "b"), Step("", ["b"], "c")]
        >>> place(steps, dict.fromkeys("abc", "sums"), {"a": 4, "b": 2, "c": 3}.get, "c")
        ({'a': 0, 'b': 4, 'c': 0}, {'sums': 6})
    """
    last = {name: number for number, step in enumerate(steps) for name in (*step.reads, step.writes)}
    last[output] = len(steps)
    places: dict[str, int] = {}
    room: dict[str, int] = {}
    taken: dict[str, list[tuple[int, int, int]]] = {}  # first, past the last, the step that reads it last
    for number, step in enumerate(steps):
        name = step.writes
        if not name or name in places:
            continue
        others = taken.setdefault(kinds[name], [])
        start, length = 0, count(name)
        for begin, end, _ in sorted(entry for entry in others if entry[2] >= number):
            if start + length <= begin:
                break
            start = max(start, end)
        places[name] = start
        others.append((start, start + length, last[name]))
        room[kinds[name]] = max(room.get(kinds[name], 0), start + length)
    return places, room
