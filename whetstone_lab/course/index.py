"""The chapters of the course, in the order in which they lead from one to the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Chapter:
    """A chapter of the course.

    Args:
        number: Where it stands, from 1.
        name: What its quiz is called; with the number, the name of its notebook.
        title: Its heading.
        question: What it answers.
    """

    number: int
    name: str
    title: str
    question: str

    @property
    def notebook(self) -> str:
        """The name of its file, such as ``"01_why_spikes.ipynb"``."""
        return f"{self.number:02}_{self.name}.ipynb"


#: One line a chapter. To add one: its notebook, its quiz in ``quizzes/``, and a line here.
CHAPTERS = tuple(Chapter(number, *words) for number, words in enumerate([
    ("why_spikes", "Why spikes", "What becomes of a network when its neurons may only fire or not?"),
    ("drop_in", "Three changes", "How does a Keras model become a network of spikes?"),
    ("bottom_up", "The toothpaste tube", "In which order should the layers become sharp?"),
    ("adaptive", "Your hand on the thresholds", "When may the network sharpen, and who decides?"),
    ("batch_norm", "Batch normalisation", "What does batch normalisation save, and where does it go on a chip?"),
    ("optimizers", "Optimizers", "Which optimizers survive the sharpening?"),
    ("redundant_outputs", "Ten neurons a class", "Why does one neuron for each class not suffice?"),
    ("convolutions", "Convolutions", "How do filter size and depth bear on the price of spikes?"),
    ("residual", "Residual networks", "What do skip connections do for spikes in deep networks?"),
    ("autoencoders", "Autoencoders", "How much of a picture passes through a few spikes?"),
    ("segmentation", "Segmentation", "Can spikes say what each place of a picture shows?"),
    ("reinforcement", "Reinforcement learning", "Can a network of spikes balance a pole?"),
    ("network_to_chip", "From network to chip", "What does the finished network cost, and what can break?"),
    ("your_own_model", "Your own model", "How do I take my own model all the way?"),
], start=1))


def notebooks_in(folder: Path, names: Sequence[str] = ()) -> list[Path]:
    """The notebooks of a folder, in the order of their names.

    Args:
        folder: Where they lie.
        names: Which of them, without ``.ipynb``, in the order wanted. Default: all.

    Raises:
        FileNotFoundError: There is none, or none of such a name.
    """
    there = {path.stem: path for path in sorted(folder.glob("*.ipynb"))}
    unknown = sorted(set(names) - set(there))
    if unknown or not there:
        raise FileNotFoundError(f"Expected notebooks among {list(there)} in {folder}; got {unknown or 'none'}.")
    return [there[name] for name in names] if names else list(there.values())
