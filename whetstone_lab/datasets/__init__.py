"""Pictures to learn on: scikit-learn's digits embedded, alone and in moving scenes; the larger ones from files.

MNIST, Fashion-MNIST, CIFAR-10 and CamVid are looked for in this order: the ``path`` that the caller names (then
nowhere else); the folder that the environment variable ``WHETSTONE_DATA`` names; Keras's cache, ``~/.keras/datasets``
or below ``KERAS_HOME``; the system's ``/usr/share/datasets``, where Debian's package ``dataset-fashion-mnist`` lies;
``keras.datasets``, which downloads what it has not cached, but has no CamVid. In each folder it is ``<name>.npz``, or
for MNIST and Fashion-MNIST the folder ``mnist`` or ``fashion-mnist`` with the four IDX files in which they were
published, packed as ``.gz`` or not.

An ``.npz`` holds ``x_train``, ``y_train``, ``x_test`` and ``y_test``, as Keras's ``mnist.npz`` does; where there is a
network, one is made by::

    (x_train, y_train), (x_test, y_test) = keras.datasets.fashion_mnist.load_data()
    np.savez_compressed("fashion_mnist.npz", x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)

Of scenes and CamVid each pixel has a label, for networks that segment.

To add a data set, write a file with its ``Spec`` and its function, and name that function here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from whetstone_lab.datasets.camvid import load_camvid
from whetstone_lab.datasets.cifar10 import load_cifar10
from whetstone_lab.datasets.dataset import Dataset
from whetstone_lab.datasets.digits import load_digits
from whetstone_lab.datasets.fashion_mnist import load_fashion_mnist
from whetstone_lab.datasets.mnist import load_mnist
from whetstone_lab.datasets.scenes import load_scenes
from whetstone_lab.datasets.spec import Spec
from whetstone_lab.datasets.split import Split

__all__ = ["LOADERS", "Dataset", "Spec", "Split", "is_drawn", "load", "load_camvid", "load_cifar10",
           "load_digits", "load_fashion_mnist", "load_mnist", "load_scenes"]

#: Name -> the function that loads it.
LOADERS: dict[str, Callable[..., Dataset]] = {
    "digits": load_digits, "mnist": load_mnist, "fashion_mnist": load_fashion_mnist, "cifar10": load_cifar10,
    "scenes": load_scenes, "camvid": load_camvid,
}


def load(name: str, **options: Any) -> Dataset:
    """Loads a data set by name.

    Args:
        name: ``digits``, ``mnist``, ``fashion_mnist`` or ``cifar10``; ``scenes`` or ``camvid``, with a class a pixel.
        **options: The arguments of that one's own function, such as ``seed`` or ``path``.

    Returns:
        The pictures and their labels.

    Raises:
        ValueError: There is no data set of this name.
        FileNotFoundError: Its files are in none of the places; the message lists them all.
        ArchiveError: A file found is damaged, or does not hold this data set.

    Example:
        >>> from whetstone_lab import datasets
        >>> datasets.load("digits", flatten=False).x_test.shape
        (449, 8, 8, 1)
    """
    if name not in LOADERS:
        raise ValueError(f"Expected a dataset among {sorted(LOADERS)}; got {name!r}.")
    return LOADERS[name](**options)


def is_drawn(name: str) -> bool:
    """Whether the part to test on is drawn by ``test_fraction`` and ``seed``; else it is as published.

    Args:
        name: A name in :data:`LOADERS`; of any other the answer is False.
    """
    return name in LOADERS and "seed" in inspect.signature(LOADERS[name]).parameters
