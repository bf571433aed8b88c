"""``Mailbox``: commands for a thread, carried out by it in the order in which they came."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable


class Mailbox:
    """A queue of commands that is open while somebody will look into it. Opening and closing are atomic.

    Attributes:
        open: Whether what is put in will be carried out.
    """

    def __init__(self) -> None:
        self._commands: deque[Callable[[], None]] = deque()
        self._changed = threading.Condition()
        self._open = False

    @property
    def open(self) -> bool:
        """Whether what is put in will be carried out."""
        with self._changed:
            return self._open

    def unlock(self) -> None:
        """Opens it."""
        with self._changed:
            self._open = True

    def put(self, command: Callable[[], None]) -> bool:
        """Puts a command in; returns whether the mailbox was open. If not, the command was not kept."""
        with self._changed:
            if self._open:
                self._commands.append(command)
                self._changed.notify()
            return self._open

    def take(self) -> Callable[[], None]:
        """The oldest command; waits for one."""
        with self._changed:
            self._changed.wait_for(lambda: self._commands)
            return self._commands.popleft()

    def __len__(self) -> int:
        return len(self._commands)

    def close(self, then: Callable[[], None]) -> bool:
        """Closes it if it is empty, and calls ``then`` before anybody can see that it is closed.

        Returns:
            Whether it was empty; if not, it stays open.
        """
        with self._changed:
            if self._commands:
                return False
            then()
            self._open = False
            return True
