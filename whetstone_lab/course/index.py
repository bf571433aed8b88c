"""The chapters of the course, in the order in which they lead from one to the next."""

from __future__ import annotations

from dataclasses import dataclass


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
