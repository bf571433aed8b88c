from __future__ import annotations

import threading
from typing import Any

import pytest


class Wire:
    """What a widget sends to the page: name of the state and bytes of each message."""

    def __init__(self) -> None:
        self.messages: list[tuple[dict[str, Any], int, str]] = []

    def states(self, name: str) -> list[int]:
        return [size for message, size, _ in self.messages if name in message.get("state", {})]

    def customs(self) -> list[dict[str, Any]]:
        return [message["content"] for message, _, _ in self.messages if message.get("method") == "custom"]

    def news(self) -> list[dict[str, Any]]:
        """What pages were told of a run besides all of it."""
        return [content for content in self.customs() if content["kind"] == "grown"]

    def answers(self) -> list[dict[str, Any]]:
        """The other messages."""
        return [content for content in self.customs() if content["kind"] != "grown"]

    def sizes(self, kind: str) -> list[int]:
        """Bytes of each message of a kind."""
        return [size for message, size, _ in self.messages
                if message.get("method") == "custom" and message["content"]["kind"] == kind]

    def bytes(self) -> int:
        return sum(size for _, size, _ in self.messages)


@pytest.fixture
def wire(monkeypatch) -> Wire:
    """Records what is sent from now on."""
    import ipywidgets
    from ipywidgets.widgets.widget import _remove_buffers
    from jupyter_client.jsonutil import json_default
    from jupyter_client.session import json_packer

    assert json_default
    found = Wire()

    def send(self, message, buffers=None):
        # As jupyter_client packs it, which refuses NaN and what JSON cannot carry.
        size = len(json_packer(_remove_buffers(message)[0])) + sum(memoryview(part).nbytes for part in buffers or [])
        found.messages.append((message, size, threading.current_thread().name))

    monkeypatch.setattr(ipywidgets.Widget, "_send", send)
    return found


class Run:
    """What a live run offers, with a list of what was asked of it."""

    def __init__(self, trace) -> None:
        self.trace = trace
        self.asked: list[tuple[str, tuple, dict]] = []

    def __getattr__(self, name):
        if name not in ("start", "pause", "resume", "step", "stop", "steer"):
            raise AttributeError(name)

        def ask(*args, **kwargs):
            if kwargs.get("sig_increase", 1) <= 0:
                raise ValueError("Expected sig_increase to be positive; got -1.")
            self.asked.append((name, args, kwargs))

        return ask


@pytest.fixture
def live_run(made_up_run):
    """A made-up run with the commands of a live one: ``live_run()`` gives the run that grows and the source."""

    def live_run(**parameters):
        run = made_up_run(**parameters)
        return run, Run(run.trace)

    return live_run
