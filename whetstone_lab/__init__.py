"""whetstone_lab: train ordinary Keras networks into single-spike networks, and watch it happen.

Public names are imported when first used, so that ``import whetstone_lab`` loads neither Keras nor Jupyter.
"""

__version__ = "0.1.0"
