import threading

import pytest

from whetstone_lab import plots
from whetstone_lab.records.trace import Trace


@pytest.mark.parametrize("trace", [Trace([]), Trace(["a"]), Trace(["a", "b"], ["sigmoid", "bounded_relu"])])
def test_an_empty_run_is_drawn_too(trace):
    for figure in (plots.activation_curves(trace), plots.sharpener_chart(trace), plots.layer_health(trace)):
        figure.canvas.draw()


def test_figures_show_themselves_and_stay_out_of_pyplot(finished_trace):
    import matplotlib.pyplot as plt

    figure = plots.sharpener_chart(finished_trace)
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert plt.get_fignums() == []


def test_figures_can_be_drawn_on_another_thread(finished_trace):
    pictures = []
    threads = [threading.Thread(target=lambda: pictures.append(plots.activation_curves(finished_trace).png()))
               for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(pictures) == 2
    assert pictures[0] == pictures[1]
