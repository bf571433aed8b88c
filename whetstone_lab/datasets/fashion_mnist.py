"""Fashion-MNIST, clothes in the format of MNIST and harder to tell apart."""

from __future__ import annotations

import os

from whetstone_lab.datasets.dataset import Dataset
from whetstone_lab.datasets.search import find
from whetstone_lab.datasets.spec import Spec

SPEC = Spec("fashion_mnist", (28, 28, 1), classes=10, white=255, idx_folder="fashion-mnist",
            package="dataset-fashion-mnist",
            source='H. Xiao, K. Rasul and R. Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking machine '
                   'learning algorithms", 2017, arXiv 1708.07747',
            licence="MIT")


def load_fashion_mnist(path: str | os.PathLike[str] | None = None, flatten: bool = True) -> Dataset:
    """Fashion-MNIST: clothes in the format of MNIST, 60,000 to train on and 10,000 to test on.

    On Debian, the package ``dataset-fashion-mnist`` brings it.

    Source: H. Xiao, K. Rasul and R. Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking machine learning
    algorithms", 2017, arXiv 1708.07747, MIT licence.

    Args:
        path: An ``.npz`` file, or the folder with ``fashion_mnist.npz`` or the four IDX files. Default: looked for as
            :mod:`whetstone_lab.datasets` says.
        flatten: Whether a picture is a row of 784 pixels or a 28x28x1 image. Default: a row.

    Returns:
        The clothes, ten classes.

    Raises:
        FileNotFoundError: It is in none of the places and cannot be downloaded; the message lists them all.
        ArchiveError: A file found is damaged, or does not hold Fashion-MNIST's arrays.
    """
    return find(SPEC, path, flatten)
