"""Keeps TensorFlow's own lines off the terminal."""

import os


def quieten_tensorflow() -> None:
    """Tells TensorFlow, before it is loaded, to log errors alone and to leave oneDNN out, unless the user said else.

    Its start-up lines would stand above ours. They say that oneDNN may add in another order; without it, a seed gives
    the same figures on more machines.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
