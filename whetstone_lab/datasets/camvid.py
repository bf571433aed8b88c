"""CamVid, driving videos with a class for each pixel."""

from __future__ import annotations

import os

from whetstone_lab.datasets.dataset import Dataset
from whetstone_lab.datasets.search import find
from whetstone_lab.datasets.spec import Spec

SPEC = Spec("camvid", (120, 160, 3), classes=11, white=255, each_pixel=True, void=11, in_keras=False,
            source='G. Brostow, J. Fauqueur and R. Cipolla, "Semantic object classes in video: a high-definition '
                   'ground truth database", Pattern Recognition Letters 30, 2009; split and classes as in V. '
                   'Badrinarayanan, A. Kendall and R. Cipolla, "SegNet", 2015, arXiv 1511.00561',
            licence="for research; not redistributed here")


def load_camvid(path: str | os.PathLike[str] | None = None) -> Dataset:
    """CamVid: frames of driving videos, 120 x 160, with one of 11 classes or void for each pixel.

    367 frames to train on and 233 to test on, those of a video side by side in their order (``scene_test``); a part to
    validate on that a file may hold is left out. The videos may be had from their authors for research, and nothing
    here downloads them.

    Source: G. Brostow, J. Fauqueur and R. Cipolla, "Semantic object classes in video: a high-definition ground truth
    database", Pattern Recognition Letters 30, 2009; the split and the classes are those of V. Badrinarayanan, A.
    Kendall and R. Cipolla, "SegNet", 2015, arXiv 1511.00561.

    Args:
        path: An ``.npz`` file, or the folder with ``camvid.npz``. Default: looked for as
            :mod:`whetstone_lab.datasets` says. Pictures are uint8, labels 0 to 10, or 11 for void; ``names_train`` and
            ``names_test`` name the frames, as ``0001TP_006690.png``, the video before the ``_``.

    Returns:
        The frames, eleven classes, labels of shape ``(samples, 120, 160)``, ``void`` 11.

    Raises:
        FileNotFoundError: It is in none of the places; the message lists them all.
        ArchiveError: A file found is damaged, or does not hold CamVid's arrays.
    """
    return find(SPEC, path, flatten=False)
