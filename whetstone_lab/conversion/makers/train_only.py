"""Layers that do nothing at inference."""

from __future__ import annotations

from typing import Any

import keras

from whetstone_lab.conversion.makers.registry import Site, register
from whetstone_lab.simulator.operations import Operation

#: The layers; those that not every release of Keras has by their names.
TRAIN_ONLY: tuple[type | str, ...] = (
    keras.layers.ActivityRegularization, keras.layers.AlphaDropout, keras.layers.Dropout,
    keras.layers.GaussianDropout, keras.layers.GaussianNoise, keras.layers.Identity, keras.layers.RandomBrightness,
    keras.layers.RandomContrast, keras.layers.RandomFlip, keras.layers.RandomRotation, keras.layers.RandomTranslation,
    keras.layers.RandomZoom, keras.layers.SpatialDropout1D, keras.layers.SpatialDropout2D,
    keras.layers.SpatialDropout3D,
    "AugMix", "CutMix", "MixUp", "RandAugment", "RandomColorDegeneration", "RandomColorJitter",
    "RandomElasticTransform", "RandomErasing", "RandomGaussianBlur", "RandomGrayscale", "RandomHue", "RandomInvert",
    "RandomPerspective", "RandomPosterization", "RandomSaturation", "RandomSharpness", "RandomShear",
)


@register(*TRAIN_ONLY, idle=True, by_place=True)
def nothing(layer: Any, site: Site) -> list[Operation]:
    """No operation."""
    return []
