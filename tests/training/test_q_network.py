"""The Q network: what it begins with, and that it becomes spikes with what brings its numbers into range."""

import keras
import numpy as np
import pytest
from backends import array

import whetstone_lab as wl
from whetstone_lab.training.models import q_network

pytestmark = pytest.mark.every_backend

LOW, HIGH = [-4.8, -np.inf, 1.0, 3.0], [4.8, np.inf, 9.0, 3.0]


def test_numbers_are_brought_into_range_where_that_is_known_and_stay_so_in_a_file(tmp_path):
    q_network((4,), 2, hidden=(3,), bounds=(LOW, HIGH)).save(tmp_path / "net.keras")
    layer = keras.models.load_model(tmp_path / "net.keras").layers[0]
    one_array = q_network((4,), 2, hidden=(3,), bounds=np.array([LOW, HIGH])).layers[0]
    assert one_array.get_config()["scale"] == layer.get_config()["scale"]
    rows = np.array([[4.8, 7.0, 9.0, 3.0], [-2.4, -7.0, 5.0, 4.0]], np.float32)
    np.testing.assert_allclose(array(layer(rows)), [[4, 7, 4, 3], [-2, -7, 0, 4]], rtol=1e-6)


def test_it_values_all_actions_alike_at_first_and_its_planes_lie_all_over_what_is_seen():
    keras.utils.set_random_seed(0)
    model = q_network((4,), 3, bounds=(LOW, HIGH))
    rows = np.random.default_rng(0).uniform([-4.8, -2, 1, 3], [4.8, 2, 9, 3], (200, 4)).astype(np.float32)
    assert not array(model(rows)).any()
    fired = array(model.layers[1](array(model.layers[0](rows)))) >= 0.5
    assert (fired.any(axis=0) & ~fired.all(axis=0)).mean() > 0.75  # the others lie beyond what is seen


@pytest.mark.parametrize("options", [
    {"shape": (4,), "bounds": (LOW, HIGH), "hidden": (12, 5)},
    {"shape": (2, 2), "bounds": (np.reshape(LOW, (2, 2)), np.reshape(HIGH, (2, 2))), "hidden": (8,)},
    {"shape": (6, 6, 2), "bounds": (np.zeros((6, 6, 2)), np.full((6, 6, 2), 4)), "filters": (4,), "hidden": (7,)}])
def test_it_becomes_spikes_neuron_for_neuron(options):
    keras.utils.set_random_seed(1)
    model = q_network(**{"actions": 3, **options})
    model.layers[-1].kernel.assign(np.random.default_rng(2).normal(size=model.layers[-1].kernel.shape))
    for layer in wl.spiking_layers(model):
        layer.set_sharpness(1)
    rows = np.random.default_rng(0).normal(size=(50, *options["shape"])).astype(np.float32)
    record = wl.run(wl.convert(model), rows)
    inner = keras.Model(model.inputs[0], [layer.output for layer in wl.spiking_layers(model)])
    outputs = inner(rows)
    layers = [array(output) for output in (outputs if isinstance(outputs, list) else [outputs])]
    for number, expected in enumerate(layers):
        spikes = np.zeros((50, expected[0].size), np.float32)
        here = record.layer == number
        spikes[record.sample[here], record.neuron[here]] = 1
        np.testing.assert_array_equal(spikes, expected.reshape(50, -1))
    np.testing.assert_allclose(record.votes, array(model(rows)), rtol=1e-4, atol=1e-5)


def test_pixels_are_divided_by_the_largest_that_one_can_be():
    def seen(low, high):
        model = q_network((3, 3, 1), 2, filters=(1,), hidden=(1,), bounds=(np.full((3, 3, 1), low),
                                                                           np.full((3, 3, 1), high)))
        first = model.layers[0]
        return array(first(np.full((1, 3, 3, 1), 255.0)))[0, 0, 0, 0] if first.name == "rescaling" else None

    assert seen(0, 255) == pytest.approx(1)
    assert seen(-510, 255) == pytest.approx(0.5)
    assert [seen(*bounds) for bounds in ((0, 1), (-1, 1), (0, np.inf), (0, 0))] == [None] * 4


def test_its_baseline_has_relus_in_the_same_places():
    kinds = [[type(layer).__name__ for layer in q_network((6, 6, 2), 3, filters=(4,), spiking=spiking).layers]
             for spiking in (True, False)]
    assert [kind.replace("SpikingBReLU", "ReLU") for kind in kinds[0]] == kinds[1]


@pytest.mark.parametrize("bounds", [([0, 0], [1, 1]), (0, 1), ([1, 0, 0, 0], [0, 1, 1, 1])])
def test_bounds_that_do_not_fit_are_refused(bounds):
    with pytest.raises(ValueError, match=r"Expected bounds.*of shape \(4,\)"):
        q_network((4,), 2, bounds=bounds)
