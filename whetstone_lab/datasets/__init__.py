"""Pictures to learn on: scikit-learn's digits embedded, MNIST, Fashion-MNIST and CIFAR-10 from a file or through Keras.

The larger three are looked for in this order: the ``path`` that the caller names (then nowhere else); ``<name>.npz``
in the folder that the environment variable ``WHETSTONE_DATA`` names; ``<name>.npz`` in Keras's cache,
``~/.keras/datasets`` or below ``KERAS_HOME``; ``keras.datasets``, which downloads what it has not cached. An ``.npz``
holds ``x_train``, ``y_train``, ``x_test`` and ``y_test``, as Keras's ``mnist.npz`` does; where there is a network, one
is made by::

    (x_train, y_train), (x_test, y_test) = keras.datasets.fashion_mnist.load_data()
    np.savez_compressed("fashion_mnist.npz", x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from whetstone_lab.records import archive

_DIGITS = Path(__file__).parents[1] / "records" / "data" / "digits.npz"
_SPLITS = ("x_train", "y_train", "x_test", "y_test")


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled pictures, split into a part to train on and a part to test on.

    Attributes:
        name: As :func:`load` takes it.
        x_train, x_test: Pictures in [0, 1], float32, shape ``(samples, pixels)``, or ``(samples, *image_shape)``
            where they were not flattened.
        y_train, y_test: Labels from 0 to ``classes - 1``, int64, shape ``(samples,)``.
        classes: Number of classes.
        image_shape: Height, width and channels of a picture.
    """

    name: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    classes: int
    image_shape: tuple[int, int, int]

    def __repr__(self) -> str:
        height, width, channels = self.image_shape
        return (f"Dataset({self.name}: {len(self.x_train)} to train on, {len(self.x_test)} to test on, "
                f"{height}x{width}x{channels}, {self.classes} classes)")


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
    """
    arrays = archive.read_arrays(_DIGITS)
    images, labels = arrays["images"], arrays["labels"].astype(np.int64)
    held_out = round(test_fraction * len(labels)) if 0 < test_fraction < 1 else 0
    if not 0 < held_out < len(labels):
        raise ValueError(f"Expected test_fraction to hold out some of {len(labels)} digits, between 0 and 1; "
                         f"got {test_fraction!r}.")
    order = np.random.default_rng(seed).permutation(len(labels))
    test, train = order[:held_out], order[held_out:]
    pictures = _pictures(images, 16, (8, 8, 1), flatten)
    return Dataset("digits", pictures[train], labels[train], pictures[test], labels[test], 10, (8, 8, 1))


def load_mnist(path: str | os.PathLike[str] | None = None, flatten: bool = True) -> Dataset:
    """MNIST: 60,000 handwritten digits to train on and 10,000 to test on, 28x28 pixels in grey.

    Source: Y. LeCun, C. Cortes and C. J. C. Burges, "The MNIST database of handwritten digits", 1998.

    Args:
        path: An ``.npz`` file, or the folder with ``mnist.npz``. Default: looked for as the module says.
        flatten: Whether a picture is a row of 784 pixels or a 28x28x1 image. Default: a row.

    Returns:
        The digits, ten classes.

    Raises:
        FileNotFoundError: It is in none of the places and cannot be downloaded; the message lists them all.
        ArchiveError: The file found is damaged, or does not hold MNIST's arrays.
    """
    return _load("mnist", (28, 28, 1), path, flatten)


def load_fashion_mnist(path: str | os.PathLike[str] | None = None, flatten: bool = True) -> Dataset:
    """Fashion-MNIST: clothes in the format of MNIST, 60,000 to train on and 10,000 to test on.

    Source: H. Xiao, K. Rasul and R. Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking machine learning
    algorithms", 2017, arXiv 1708.07747.

    Args:
        path: An ``.npz`` file, or the folder with ``fashion_mnist.npz``. Default: looked for as the module says.
        flatten: Whether a picture is a row of 784 pixels or a 28x28x1 image. Default: a row.

    Returns:
        The clothes, ten classes.

    Raises:
        FileNotFoundError: It is in none of the places and cannot be downloaded; the message lists them all.
        ArchiveError: The file found is damaged, or does not hold Fashion-MNIST's arrays.
    """
    return _load("fashion_mnist", (28, 28, 1), path, flatten)


def load_cifar10(path: str | os.PathLike[str] | None = None, flatten: bool = True) -> Dataset:
    """CIFAR-10: small colour photographs, 50,000 to train on and 10,000 to test on, 32x32 pixels.

    Source: A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009.

    Args:
        path: An ``.npz`` file, or the folder with ``cifar10.npz``. Default: looked for as the module says.
        flatten: Whether a picture is a row of 3072 values or a 32x32x3 image. Default: a row.

    Returns:
        The photographs, ten classes.

    Raises:
        FileNotFoundError: It is in none of the places and cannot be downloaded; the message lists them all.
        ArchiveError: The file found is damaged, or does not hold CIFAR-10's arrays.
    """
    return _load("cifar10", (32, 32, 3), path, flatten)


#: Name -> the function that loads it.
LOADERS: dict[str, Callable[..., Dataset]] = {
    "digits": load_digits, "mnist": load_mnist, "fashion_mnist": load_fashion_mnist, "cifar10": load_cifar10,
}


def load(name: str, **options: Any) -> Dataset:
    """Loads a dataset by name.

    Args:
        name: ``digits``, ``mnist``, ``fashion_mnist`` or ``cifar10``.
        **options: The arguments of that one's own function, such as ``seed`` or ``path``.

    Raises:
        ValueError: There is no dataset of this name.
    """
    if name not in LOADERS:
        raise ValueError(f"Expected a dataset among {sorted(LOADERS)}; got {name!r}.")
    return LOADERS[name](**options)


def _load(name: str, image_shape: tuple[int, int, int], path: str | os.PathLike[str] | None, flatten: bool) -> Dataset:
    if path is not None:
        path = Path(path)
        file = path / f"{name}.npz" if path.is_dir() else path
        if not file.is_file():
            raise FileNotFoundError(f"There is no {name} at {file}. Expected an .npz file with the arrays "
                                    f"{', '.join(_SPLITS)}, or a folder that holds it as {name}.npz.")
        return _check(name, image_shape, archive.read_arrays(file), file, flatten)

    places = []
    if os.environ.get("WHETSTONE_DATA"):
        places.append(Path(os.environ["WHETSTONE_DATA"]).expanduser() / f"{name}.npz")
    places.append(Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser() / "datasets" / f"{name}.npz")
    for file in places:
        if file.is_file():
            return _check(name, image_shape, archive.read_arrays(file), file, flatten)
    try:
        arrays = _download(name)
    # Keras wraps what goes wrong on the net into a bare Exception.
    except Exception as error:
        tried = [f"{file}: no such file" for file in places] + [f"keras.datasets.{name}: {error}"]
        unset = "" if os.environ.get("WHETSTONE_DATA") else " (the environment variable WHETSTONE_DATA is not set)"
        raise FileNotFoundError(
            f"{name} is not on this machine and could not be downloaded. Tried{unset}:\n  " + "\n  ".join(tried)
            + f"\nPut {name}.npz with the arrays {', '.join(_SPLITS)} at {places[0]}, or name its folder in "
            "WHETSTONE_DATA, or pass path=...; how to make it stands at the top of whetstone_lab.datasets. "
            "The dataset 'digits' needs no file.") from error
    return _check(name, image_shape, arrays, f"keras.datasets.{name}", flatten)


def _download(name: str) -> dict[str, np.ndarray]:
    import keras  # where it is used: with a local file, Keras is never loaded

    (x_train, y_train), (x_test, y_test) = getattr(keras.datasets, name).load_data()
    return {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}


def _check(name: str, image_shape: tuple[int, int, int], arrays: dict[str, np.ndarray], source: Any,
           flatten: bool) -> Dataset:
    parts = {}
    for part in ("train", "test"):
        images, labels = arrays.get(f"x_{part}"), arrays.get(f"y_{part}")
        if images is None or labels is None:
            raise archive.ArchiveError(f"{source} is no {name}: expected the arrays {', '.join(_SPLITS)}; "
                                       f"got {', '.join(sorted(arrays)) or 'none'}.")
        # Grey pictures come with or without their one channel, labels in a row or in a column.
        shapes = [image_shape, image_shape[:2]] if image_shape[2] == 1 else [image_shape]
        if images.shape[1:] not in shapes or images.dtype != np.uint8:
            raise archive.ArchiveError(f"{source} is no {name}: expected x_{part} of shape (samples, "
                                       f"{', '.join(map(str, shapes[-1]))}) and dtype uint8; got shape {images.shape} "
                                       f"and dtype {images.dtype}.")
        if labels.shape not in ((len(images),), (len(images), 1)) or labels.dtype.kind not in "iu" or not len(images):
            raise archive.ArchiveError(f"{source} is no {name}: expected y_{part} to hold an integer label for each of "
                                       f"{len(images)} pictures; got shape {labels.shape} and dtype {labels.dtype}.")
        if labels.min() < 0 or labels.max() > 9:
            raise archive.ArchiveError(f"{source} is no {name}: expected labels from 0 to 9 in y_{part}; got "
                                       f"{labels.min()} to {labels.max()}.")
        parts[part] = _pictures(images, 255, image_shape, flatten), labels.ravel().astype(np.int64)
    return Dataset(name, *parts["train"], *parts["test"], 10, image_shape)


def _pictures(images: np.ndarray, white: int, image_shape: tuple[int, int, int], flatten: bool) -> np.ndarray:
    shape = (-1,) if flatten else image_shape
    return images.reshape(len(images), *shape) / np.float32(white)
