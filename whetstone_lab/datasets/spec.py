"""What is known of a data set before any of its files is read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Spec:
    """One data set of labelled pictures: what its files hold, where they come from, and what they are called.

    Attributes:
        name: As :func:`whetstone_lab.datasets.load` takes it.
        image_shape: Height, width and channels of a picture.
        classes: Number of classes; labels run from 0 to ``classes - 1``.
        white: The value of a white pixel in the files, which becomes 1.
        source: Who made it, and where it was published.
        licence: Under which terms it may be used.
        idx_folder: Name of the folder in which its four IDX files commonly lie. Default: it is not published so.
        package: Debian's package that brings it. Default: there is none.
        each_pixel: Whether each pixel has a label, and not the picture as a whole. Default: the picture has one.
        void: The label of pixels that belong to none of the classes, outside of them. Default: every pixel has a class.
        in_keras: Whether ``keras.datasets`` can download it. Default: it can.
    """

    name: str
    image_shape: tuple[int, int, int]
    classes: int
    white: int
    source: str
    licence: str
    idx_folder: str | None = None
    package: str | None = None
    each_pixel: bool = False
    void: int | None = None
    in_keras: bool = True

    @property
    def npz(self) -> str:
        """Name of the ``.npz`` file that holds the whole of it."""
        return f"{self.name}.npz"
