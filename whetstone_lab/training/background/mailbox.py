"""``Mailbox``: commands for a thread, carried out by it in the order in which they came."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable


class Mailbox:
    """A queue of commands that is open while somebody will look into it. Opening and closing are atomic.

    Attributes:
        open: Whether what is put in will be carried out.
    """

    def __init__(self) -> None:
        self._commands: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._open = False

    @property
    def open(self) -> bool:
        """Whether what is put in will be carried out."""
        with self._lock:
            return self._open

    def unlock(self) -> None:
        """Opens it."""
        with self._lock:
            self._open = True

    def put(self, command: Callable[[], None]) -> bool:
        """Puts a command in; returns whether the mailbox was open. If not, the command was not kept."""
        with self._lock:
            if self._open:
                self._commands.put(command)
            return self._open

    def take(self) -> Callable[[], None]:
        """The oldest command; waits for one."""
        return self._commands.get()

    def __len__(self) -> int:
        return self._commands.qsize()

    def close(self, then: Callable[[], None]) -> bool:
        """Closes it if it is empty, and calls ``then`` before anybody can see that it is closed.

        Returns:
            Whether it was empty; if not, it stays open.
        """
        with self._lock:
            if not self._commands.empty():
                return False
            then()
            self._open = False
            return True
