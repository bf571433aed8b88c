"""MNIST, the handwritten digits that most papers begin with."""

from __future__ import annotations

import os

from whetstone_lab.datasets.dataset import Dataset
from whetstone_lab.datasets.search import find
from whetstone_lab.datasets.spec import Spec

SPEC = Spec("mnist", (28, 28, 1), classes=10, white=255, idx_folder="mnist",
            source='Y. LeCun, C. Cortes and C. J. C. Burges, "The MNIST database of handwritten digits", 1998',
            licence="CC BY-SA 3.0, as Keras, which distributes it, says")


def load_mnist(path: str | os.PathLike[str] | None = None, flatten: bool = True) -> Dataset:
    """MNIST: 60,000 handwritten digits to train on and 10,000 to test on, 28x28 pixels in grey.

    Source: Y. LeCun, C. Cortes and C. J. C. Burges, "The MNIST database of handwritten digits", 1998.

    Args:
        path: An ``.npz`` file, or the folder with ``mnist.npz`` or the four IDX files. Default: looked for as
            :mod:`whetstone_lab.datasets` says.
        flatten: Whether a picture is a row of 784 pixels or a 28x28x1 image. Default: a row.

    Returns:
        The digits, ten classes.

    Raises:
        FileNotFoundError: It is in none of the places and cannot be downloaded; the message lists them all.
        ArchiveError: The file found is damaged, or does not hold MNIST's arrays.
    """
    return find(SPEC, path, flatten)
