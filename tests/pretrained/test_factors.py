"""Numbers that must be equal come into one group, and no others do."""

import numpy as np
from keras import Input, Model, layers
from relu_nets import stack

from whetstone_lab.conversion.calls import layer_calls
from whetstone_lab.pretrained.factors import PINNED, Groups, factors_of


def of(model):
    calls = layer_calls(model)
    factors, cut = factors_of(calls, [tuple(tensor.shape[1:]) for tensor in model.inputs])
    return calls, factors, [call.layer.name for call in calls if id(call.layer) in cut]


def test_joined_numbers_have_the_lowest_as_their_root_however_long_the_chain():
    groups = Groups()
    numbers = groups.new(200)
    groups.join(numbers[:-1:2], numbers[1::2])
    groups.join(numbers[1:-1:2], numbers[2::2])
    apart = groups.new(2)
    roots = groups.roots()
    assert set(roots[numbers]) == {1}
    assert (roots[apart] == apart).all()
    groups.join(apart[:1], PINNED)
    assert groups.roots()[[apart[0], apart[1]]].tolist() == [PINNED, apart[1]]


def test_a_dense_neuron_that_fills_a_place_of_an_image_shares_the_factor_of_its_channel():
    model = stack((2,), layers.Dense(8, activation="relu"), layers.Reshape((2, 2, 2)), layers.Conv2D(1, 1))
    calls, factors, cut = of(model)
    roots = factors.roots[factors.after[id(calls[0].layer)]]
    assert cut == []
    assert len(set(roots)) == 2
    assert (roots.reshape(4, 2) == roots[:2]).all()


def test_a_skip_joins_what_it_adds_and_a_join_keeps_it_apart():
    inputs = Input((3,))
    a, b = (layers.Dense(2, activation="relu", name=name)(inputs) for name in "ab")
    x = layers.Concatenate()([layers.ReLU(name="sum")(layers.Add()([layers.Dense(2)(a), a])), b])
    calls, factors, _ = of(Model(inputs, layers.Dense(1)(x)))
    groups = {call.name: factors.roots[factors.relus[place][1].ravel()] for place, call in enumerate(calls)
              if place in factors.relus}
    assert (groups["a"] == groups["sum"]).all()
    last = factors.roots[factors.before[id(calls[-1].layer)]]
    assert len(set(last)) == len(last) == 4
    assert set(last) == {*groups["a"], *groups["b"]}


def test_only_the_relu_at_the_end_is_cut():
    names = ["one", "two", "end"]
    model = stack((3,), *(layers.Dense(3, activation="relu", name=name) for name in names))
    _, factors, cut = of(model)
    assert cut == ["end"]
    assert all((factors.roots[out] == PINNED).all() == (place == 2) for place, (_, out) in factors.relus.items())
    assert np.unique(factors.roots).size > 6
