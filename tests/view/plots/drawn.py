"""What is seen of a figure."""

import numpy as np


def texts(figure) -> str:
    """The words in the figure's axes."""
    return " ".join(text.get_text() for axes in figure.axes for text in axes.findobj(
        match=lambda artist: hasattr(artist, "get_text") and artist.get_visible()))


def is_drawn(figure) -> bool:
    """Whether more than a hundredth of its pixels is drawn on, and some of it is not."""
    figure.canvas.draw()
    return 0.01 < (np.asarray(figure.canvas.buffer_rgba())[..., 3] > 0).mean() < 0.97
