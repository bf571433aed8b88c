"""What the widgets have in common: the picture left behind, and how a run that grows on another thread reaches a page.

What has been of a run is sent once: whole when a page opens or asks, and from then on, a few times a second, a message
with what is new. Each message has a number; a page that has missed one, as when its connection was lost, asks for the
whole. What a page wants, it sends as a message too, and the handler does no more than pass it on, so whichever thread
it arrives on does not matter.

Jupyter keeps every widget for the life of the kernel, so a view cannot tell by itself that nobody needs it any more. A
page says when it begins to show a view and when it ceases, and a view that no page shows rests: it does not listen to
its run. Pages may also vanish without a word, so a new view asks after the older ones of its kind on its run; see
:meth:`RunView._ask_after_older_views`. A view that rests goes on, and catches up, as soon as a page shows it again.
"""

from __future__ import annotations

import logging
import math
import threading
import time
import uuid
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from whetstone_lab.records.trace import Trace
from whetstone_lab.view import scenes
from whetstone_lab.view.widgets._growing import Growing, Past, packed
from whetstone_lab.view.widgets._view import View, layer_names, number

#: Seconds between two updates of the page; what is urgent goes sooner, but not more often than the second.
_INTERVAL, _URGENT_INTERVAL = 0.1, 0.02

#: What the page may ask of a live run.
_COMMANDS = ("start", "pause", "resume", "step", "stop")

#: What a page is told of an epoch's logs.
_LOGS = ("accuracy", "val_accuracy")

#: The name of all that has been of a run, as a part of a view's state.
RUN = "run"

#: A run that has one of these goes no further by itself.
_ENDED = ("finished", "stopped", "failed")

#: What a record says that its run was doing when it was taken along: it is not the whole of what was to be.
_CUT_SHORT = ("running", "paused", "failed")


class RunView(View):
    """A widget on a run: a recorded trace, or one that grows on another thread while the page watches.

    Args:
        source: A ``Trace``, or something with a ``.trace``: a live run (which the page may then command), a sharpener.
            Or another view of a run: this one then shows the same.

    Raises:
        TypeError: The source has no trace.
    """

    #: What grows with a run and is shown.
    _GROWS: ClassVar[tuple[Callable[[], Growing], ...]] = (Past,)

    _unsubscribe: Callable[[], None] | None = None

    def __init__(self, source: Any) -> None:
        self.source: Any = source.source if isinstance(source, RunView) else source
        self._kind = type(self)  # now, for anywidget gives each instance a class of its own
        self._lock = threading.RLock()
        self._stamp: tuple[Any, ...] = ()
        self._sent_at = -math.inf
        self._pictured = ""
        #: What has changed and was not yet sent, for it came too soon after what was sent before; None if nothing.
        self._owed: object | None = None
        #: Whether a page shows this view or a cell has displayed it, as far as is known since it was last asked.
        self._noticed = False
        self._trace = scenes.trace_of(self.source)
        #: The number of what pages were told last, and of which trace it was.
        self._told, self._told_of = 0, self._trace
        #: What the run is about: layers, curves, the kind of policy, and whether it takes commands. A view that was
        #: opened before its run began learns it when it begins. And what the run is doing now.
        self.about, self.now = self._about(self._trace), self._now(self._trace)
        self._growing = [grows() for grows in self._GROWS]
        super().__init__()
        self._ask_after_older_views()
        self._follow()

    @property
    def live(self) -> bool:
        """Whether the source takes commands; an experiment that was kept takes none."""
        commands = all(callable(getattr(self.source, name, None)) for name in (*_COMMANDS, "steer"))
        return commands and self._trace.status != "recorded"

    def state(self) -> dict[str, Any]:
        """What a page without a kernel needs: of a live run what has been so far, as a recorded one."""
        trace, was = self._trace, self._trace.status
        if was != "recorded" or self.live:
            trace = Trace.from_parts(*trace.to_parts())
        # All of it, without having told it: pages that show this view are told of what is new since they were told.
        run = self._whole(trace, [type(grows)() for grows in self._growing])
        now = {**run["now"], "was": was, "message": self._trace.message} if was in _CUT_SHORT else run["now"]
        return self._own({**super().get_state(None), **run, "now": now, "about": {**run["about"], "live": False}})

    def close(self) -> None:
        """Ends the widget; it listens to its run no longer."""
        if self._unsubscribe is not None:  # one that could not be made closes too
            self._rest()
        super().close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({layer_names(self._trace.layers) or 'no layers yet'})"

    # -- whether anybody looks ----------------------------------------------------------------------------------------

    def _ask_after_older_views(self) -> None:
        """Lets the older views of this kind on this run rest where nobody looks at them.

        A view that was neither displayed nor shown rests at once. Of the others the pages are asked, and a view for
        which none has answered by the next time rests then: its page may have gone without a word, as a closed tab
        does. An answer may have to wait until a cell has run, so that silence, for however long, means nothing.
        """
        for view in self._others():
            if view._unsubscribe is None:
                continue
            if view._noticed:
                view._noticed = False
                view.send({"kind": "ask"})
            else:
                view._rest()

    def _others(self) -> list[RunView]:
        """The other views of this kind on this run, of which this is one from now on."""
        with _TURN:
            views = list(_VIEWS)
            _VIEWS.add(self)
        return [view for view in views
                if view is not self and view._kind is self._kind and view._trace is self._trace]

    def _follow(self) -> None:
        """Listens to the run from now on, and catches up with what was written meanwhile."""
        with self._lock:
            if self._unsubscribe is not None or self.comm is None:
                return
            if not isinstance(self.source, Trace):
                self._trace = scenes.trace_of(self.source)  # a run that was begun anew may have gone on in another
            self._unsubscribe = self._trace.subscribe(self._grown)
            self._update(self._trace)

    def _rest(self) -> None:
        """Listens no longer, until :meth:`_follow`."""
        with self._lock:
            unsubscribe, self._unsubscribe = self._unsubscribe, None
            if unsubscribe is not None:
                unsubscribe()

    def _ipython_display_(self) -> None:
        self._noticed = True
        self._follow()
        super()._ipython_display_()

    # -- from the run to the page -------------------------------------------------------------------------------------

    def _grown(self, trace: Trace, urgent: bool) -> None:
        try:
            self._trace = trace
            self._look(trace)
            with self._lock:
                waited = time.monotonic() - self._sent_at
                turned = (trace.status, trace.message) != self._stamp[:2]
                urgent = urgent or self._owed is not None
                if turned or waited >= _INTERVAL or (urgent and waited >= _URGENT_INTERVAL):
                    self._update(trace)
                elif urgent and self._owed is None:
                    self._owe()
            if trace.status in _ENDED and threading.current_thread() is threading.main_thread():
                self._renew_picture(trace)
        except Exception:
            # A page that fails must not end the training that it watches.
            self._rest()
            logging.getLogger(__name__).exception("%r follows its run no longer.", self)

    def _look(self, trace: Trace) -> None:
        """What a view looks at besides, on the thread that trains, each time that its run has grown."""

    def _owe(self) -> None:
        """Sends what is urgent a little later, if nothing else does: a run that pauses or has ended says no more."""
        owed = self._owed = object()

        def settle() -> None:
            with self._lock:
                if self._owed is owed and self._unsubscribe is not None:
                    self._update(self._trace)

        timer = threading.Timer(2 * _URGENT_INTERVAL, settle)
        timer.daemon = True
        timer.start()

    def _update(self, trace: Trace) -> None:
        """Tells the pages what is new."""
        with self._lock:
            self._owed = None
            before, self.now = self.now, self._now(trace)
            if trace is not self._told_of or self._about(trace) != self.about:
                self.send_state(RUN)
            else:
                news = [grows.news(trace) for grows in self._growing]
                if any(part is None for part in news):
                    self.send_state(RUN)
                else:
                    self._told += 1
                    fresh = {name: value for name, value in self.now.items() if value != before[name]}
                    self.send(*packed({"kind": "grown", "told": self._told, "now": fresh,
                                       **{name: value for part in news for name, value in (part or {}).items()}}))
            self._stamp, self._sent_at = (trace.status, trace.message), time.monotonic()

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> dict[str, Any]:
        """The state of the widget; for a page that opens, with all that has been of the run."""
        if key not in (None, RUN):
            return dict(super().get_state(key, drop_defaults))
        with self._lock:
            state = {} if key == RUN else super().get_state(None, drop_defaults)
            trace = self._told_of = self._trace
            self._told += 1
            run = self._whole(trace, self._growing)
            self.about, self.now = run["about"], run["now"]
            return {**state, **run}

    def _whole(self, trace: Trace, growing: Sequence[Growing]) -> dict[str, Any]:
        """All that has been of a run, and by which name a page knows it."""
        parts = [grows.whole(trace) for grows in growing]
        return {"about": self._about(trace), "told": self._told, "now": self._now(trace), "trace": _name(self._trace),
                **{name: value for part in parts for name, value in part.items()}}

    def _renew_picture(self, trace: Trace) -> None:
        state = f"{trace.status} {trace.batches}"
        if state != self._pictured:
            self._pictured = state
            self.snapshot()

    def _about(self, trace: Trace) -> dict[str, Any]:
        judged = scenes.monitored(trace)
        return {"layers": list(trace.layers), "curves": list(trace.curves), "live": self.live,
                "thresholds": [scenes.threshold(curve) for curve in trace.curves],
                "policy": trace.policy.get("name"), "judged": judged.words, "mode": judged.mode}

    def _now(self, trace: Trace) -> dict[str, Any]:
        batches, epochs = trace.batches, trace.epochs
        last = np.array([batches - 1]) if batches else np.zeros(0, np.int64)
        state = trace.states[epochs - 1] if epochs else {}
        logs = trace.epoch_logs[epochs - 1] if epochs else {}
        return {"status": trace.status, "message": trace.message, "batch": batches, "epochs": epochs,
                "at": round(float(scenes.positions(trace, last)[0]), 5) if batches else 0.0,
                "loss": _short(trace.loss[batches - 1]) if batches else None,
                "sharpness": [round(float(value), 5) for value in scenes.latest_sharpness(trace)],
                "policy": trace.thresholds_at(batches), "reference": number(state.get("reference")),
                "sharpening": bool(state.get("sharpening")), "waiting": int(state.get("waiting") or 0),
                "logs": {name: _short(logs[name]) for name in _LOGS if name in logs}}

    # -- from the page to the run -------------------------------------------------------------------------------------

    def _receive(self, content: Mapping[str, Any]) -> None:
        kind, name = content.get("kind"), content.get("name")
        if kind == "here":
            self._noticed, missed = True, content.get("told", self._told) != self._told
            self._follow()
            if missed:
                self.send_state(RUN)
        elif kind == "gone":
            self._noticed = False
            self._rest()
            self.send({"kind": "ask"})  # another page, or another place on the page, may still show it
        elif not self.live:
            raise RuntimeError("This run takes no commands: it is a record, or was not started with live.fit.")
        elif kind == "steer":
            self.source.steer(**content["values"], **({"gesture": content["gesture"]} if "gesture" in content else {}))
            if "mark" in content:  # which the page waits for; what is in force now comes just before
                self._update(self._trace)
                self.send({"kind": "steered", "mark": content["mark"]})
        elif kind == "command" and name in _COMMANDS:
            getattr(self.source, name)(**({"unit": content["unit"]} if name == "step" else {}))
        else:
            raise ValueError(f"Expected 'steer' or a command among {_COMMANDS}; got {dict(content)!r}.")


def _short(value: Any) -> float | None:
    """A number that is only read, with as many digits as are ever shown of it."""
    found = number(value)
    return None if found is None else float(f"{found:.6g}")


def _name(trace: Trace) -> str:
    """What a page calls a run, so that it knows which of its views show the same one."""
    return _NAMES.setdefault(trace, uuid.uuid4().hex)


_NAMES: weakref.WeakKeyDictionary[Trace, str] = weakref.WeakKeyDictionary()

#: Every view of a run, for those that are made later; held while it is looked through or changed.
_VIEWS: weakref.WeakSet[RunView] = weakref.WeakSet()
_TURN = threading.Lock()
