"""Whetstone in Keras: layers, sharpeners, recipes.

Importing any of it registers what Keras must know to load a model: the layers and the optimizer.
"""

from whetstone_lab.training import averaging, decode, layers

__all__ = ["averaging", "decode", "layers"]
