"""An experiment as a Python script: what was picked and what was changed by hand, in the words of the library.

On the same backend, and on one thread, the script gives the run of the page again, batch by batch. A run that went on
from weights of another is given from its start: up to there it is the other one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from whetstone_lab.laboratory.nudges import Nudges
from whetstone_lab.laboratory.settings import Settings, layer_count, model_arguments, sharpener_arguments

#: Pictures on which the layers are looked into.
PROBE = 256

_REPLAY = '''
# What was changed by hand: in which epoch, after how many batches, and to what.
nudges = [
{nudges}
]


class Replay(keras.callbacks.Callback):
    def nudge(self, epoch):
        while nudges and nudges[0][0] <= epoch and nudges[0][1] <= sharpener.trace.batches:
            sharpener.steer(**nudges.pop(0)[2])

    def on_train_begin(self, logs=None):
        self.nudge(0)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        self.nudge(self.epoch)

    def on_epoch_end(self, epoch, logs=None):
        self.nudge(epoch + 1)

'''

_STOP = '''
# It was stopped by hand after {batches} batches.
stop = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: setattr(
    model, "stop_training", sharpener.trace.batches >= {batches}))

'''


def script(settings: Settings, thresholds: Mapping[str, float] | None = None, nudges: Nudges | None = None,
           stopped: int | None = None, more: int = 0) -> str:
    """The script of an experiment.

    Args:
        settings: Its settings.
        thresholds: Parameters of the sharpener with which the run began, where they are not those of the settings.
        nudges: What was changed by hand. Default: nothing.
        stopped: After how many batches it was stopped by hand. Default: it went on to its end.
        more: Epochs that were trained after it had ended, which the script does not do again and says. Default: none.
    """
    name, positional, named = model_arguments(settings)
    sharpener, parameters = sharpener_arguments(settings, layer_count(settings))
    parameters = {**parameters, **(thresholds or {})}
    made = nudges.asdict() if nudges else []
    callbacks = ["sharpener", *(["Replay()"] if made else []), *(["stop"] if stopped is not None else [])]
    flat = ", flatten=False" if settings.topology.filters else ""
    listed = "\n".join(f"    ({epoch}, {batches}, {values})," for epoch, batches, values in made)
    return (f'"""{settings.words()};\nfrom the laboratory of whetstone_lab."""\n\n'
            + ("import keras\n\n" if made or stopped is not None else "") + "import whetstone_lab as wl\n\n"
            f'data = wl.datasets.load("{settings.data}"{flat})\n'
            f"pictures = wl.Shuffled(data.x_train, data.y_train, batch_size={settings.batch_size}, "
            f"seed={settings.seed})\n\n"
            f"model = wl.models.{name}({_arguments(positional, named)})\n"
            f"sharpener = wl.{sharpener}(\n    {_arguments((), parameters)},\n    probe=data.x_train[:{PROBE}])\n"
            + (_REPLAY.format(nudges=listed) if made else "")
            + (_STOP.format(batches=stopped) if stopped is not None else "") +
            f'\ntrace = wl.train(model, pictures, shuffle=False, epochs={settings.epochs}, '
            f'optimizer="{settings.optimizer}",\n'
            "                 validation_data=(data.x_test, data.y_test),\n"
            f"                 callbacks=[{', '.join(callbacks)}], verbose=0)\n"
            + (f"# On the page it was trained on for {more} epochs; this script ends before.\n" if more > 0 else "") +
            'trace.save("run.npz")\nprint(trace)\n')


def _arguments(positional: tuple[Any, ...], named: Mapping[str, Any]) -> str:
    return ", ".join([*map(repr, positional), *(f"{name}={value!r}" for name, value in named.items())])
