import numpy as np
import pytest
from matplotlib.image import AxesImage

from whetstone_lab.simulator import Network
from whetstone_lab.simulator.operations import Conv2D, Dense, Neurons, Reshape
from whetstone_lab.view import plots, scenes


def cells(axes):
    (image,) = [child for child in axes.get_children() if isinstance(child, AxesImage)]
    return image.get_array()


def test_each_neuron_that_fires_is_a_cell_of_its_layers_grid():
    key = [[1, 0, 1, 0], [0, 1, 0, 1]]
    network = Network((4, 4, 1), [Conv2D(np.ones((2, 2, 1, 3)) * [1, 0, -1]), Neurons([1, 1, -1]), Reshape(),
                                  Dense(np.eye(27, 4)), Neurons(0.5)], key=key)
    picture = np.zeros((4, 4, 1))
    picture[0, 0] = 1
    figure = plots.firing(network, picture)
    shown, maps, output, votes = figure.axes
    assert shown.get_title() == "shown"
    assert maps.get_title() == "neurons\n10 of 27 fire"
    fired = cells(maps)
    assert fired.shape == (7, 7)
    assert fired[0, 0] == 1
    assert fired[:3, 4:].sum() == 0
    assert fired[4:, :3].sum() == 9
    assert fired.mask[3].all(), "maps stand apart"
    # Class by class: neurons 0 and 2 are of class 0, neurons 1 and 3 of class 1.
    assert cells(output).tolist() == [[1, 1], [0, 0]]
    assert [bar.get_width() for bar in votes.patches] == [4, -4]
    assert figure.get_suptitle() == "Read as 0"


def test_a_network_without_a_picture_or_a_class_is_drawn():
    figure = plots.firing(Network((3,), [Neurons([0.5, 0.5, 2.0])]), [1.0, 0.0, 1.0])
    assert [axes.get_title() for axes in figure.axes] == ["neurons\n1 of 3 fire"]
    with pytest.raises(ValueError, match="Expected inputs of shape"):
        plots.firing(Network((3,), [Neurons(0.5)]), [1.0])


def test_every_value_has_a_cell_of_its_own():
    for shape, key in (((7,), None), ((3, 5), None), ((4, 3, 5), None), ((12,), np.eye(3, 12)), ((4,), [[1, 1, 0, 0]])):
        count = int(np.prod(shape))
        row, column = scenes.places(scenes.grid(shape, key), count)
        assert len(set(zip(row.tolist(), column.tolist(), strict=True))) == count
    overlapping = scenes.grid((3,), [[1, 1, 0], [0, 1, 1]])
    assert (overlapping["classes"], overlapping["order"]) == (0, None)
