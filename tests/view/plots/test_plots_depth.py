import numpy as np
from drawn import is_drawn

from whetstone_lab import plots
from whetstone_lab.method.depth_profile import DepthProfile


def made(count, classes=True):
    rng = np.random.default_rng(0)
    one, (accuracy, loss) = rng.random((8, count)), rng.random((2, count + 1))
    if not classes:
        accuracy[:] = np.nan
    return DepthProfile(tuple(f"layer_{i}" for i in range(count)), one[0], accuracy, loss, *one[1:])


def test_the_panels_draw_what_the_profile_has():
    profile = made(3)
    figure = plots.depth_profile(profile)
    assert is_drawn(figure)
    top, middle, bottom = figure.axes
    for axes, wanted in ((top, (profile.accuracy, profile.accuracy_alone)),
                         (middle, (profile.gradient, profile.gradient_sharp)),
                         (bottom, (profile.near, profile.flips, profile.near_flips))):
        for line, values in zip(axes.lines, wanted, strict=True):
            assert line.get_xdata().tolist() == [*range(4 - len(values), 4)]
            np.testing.assert_array_equal(line.get_ydata(), values)
    assert [label.get_text() for label in bottom.get_xticklabels()] == ["none", *profile.layers]
    assert middle.get_yscale() == "log"


def test_where_there_are_no_classes_the_loss_is_drawn():
    profile = made(2, classes=False)
    top = plots.depth_profile(profile).axes[0]
    assert top.get_title(loc="left") == "loss"
    np.testing.assert_array_equal(top.lines[0].get_ydata(), profile.loss)


def test_of_many_layers_the_numbers_are_written():
    figure = plots.depth_profile(made(40))
    assert is_drawn(figure)
    assert figure.axes[2].get_xlabel() == "layer, from the bottom"
