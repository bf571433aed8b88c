"""The handwritten digits that are in the package: small enough to train on in seconds."""

from __future__ import annotations

import numbers

import numpy as np

from whetstone_lab.datasets.dataset import Dataset, pictures
from whetstone_lab.datasets.spec import Spec
from whetstone_lab.datasets.split import Split
from whetstone_lab.records import archive
from whetstone_lab.records.recorded import DATA

SPEC = Spec("digits", (8, 8, 1), classes=10, white=16,
            source='E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning '
                   "Repository, 1998, https://doi.org/10.24432/C50P49; its test set",
            licence="CC BY 4.0")


def load_digits(test_fraction: float = 0.25, seed: int = 0, flatten: bool = True) -> Dataset:
    """The 1797 handwritten digits of scikit-learn, 8x8 pixels in 17 shades, from the package itself.

    Source: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository,
    1998, https://doi.org/10.24432/C50P49, CC BY 4.0; its test set.

    Args:
        test_fraction: Share of the pictures that is held out, in (0, 1). Default: a quarter.
        seed: Seed of the draw of the pictures held out. Default: 0.
        flatten: Whether a picture is a row of 64 pixels or an 8x8x1 image. Default: a row.

    Returns:
        The digits, ten classes.

    Raises:
        ValueError: ``test_fraction`` leaves nothing to train on or nothing to test on.

    Example:
        >>> from whetstone_lab import datasets
        >>> datasets.load_digits()
        Dataset(digits: 1348 to train on, 449 to test on, 8x8x1, 10 classes)
    """
    arrays = archive.read_arrays(DATA / SPEC.npz)
    labels = arrays["labels"].astype(np.int64)
    held_out = round(test_fraction * len(labels)) if 0 < test_fraction < 1 else 0
    if not 0 < held_out < len(labels):
        raise ValueError(f"Expected test_fraction to hold out some of {len(labels)} digits, between 0 and 1; "
                         f"got {test_fraction!r}.")
    order = np.random.default_rng(seed).permutation(len(labels))
    test, train = order[:held_out], order[held_out:]
    x = pictures(SPEC, arrays["images"], flatten)
    # NumPy also takes seeds that no file can keep, and None, which draws another split each time.
    split = Split(SPEC.name, float(test_fraction), int(seed)) if isinstance(seed, numbers.Integral) else None
    return Dataset(SPEC.name, x[train], labels[train], x[test], labels[test], SPEC.classes, SPEC.image_shape, split)
