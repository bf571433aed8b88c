"""Layer calls put into another order, and with some left out."""

from dataclasses import replace
from types import SimpleNamespace

from keras import layers

from whetstone_lab.conversion import makers  # noqa: F401 registers the layers
from whetstone_lab.conversion.calls import Call
from whetstone_lab.conversion.order import neurons_before_pools, once_each, without
from whetstone_lab.training.layers import SpikingBReLU


def calls(*found):
    return [Call(layer, name, name, inputs) for layer, name, inputs in found]


def shown(found):
    return [(call.name, call.inputs) for call in found]


def test_neurons_go_before_every_pool_that_they_alone_read():
    chain = calls((layers.MaxPooling2D(), "one", (-1,)), (layers.GlobalMaxPooling2D(), "two", (0,)),
                  (SpikingBReLU(), "neurons", (1,)), (layers.Flatten(), "flat", (2,)))
    assert shown(neurons_before_pools(chain)) == [("neurons", (-1,)), ("one", (0,)), ("two", (1,)), ("flat", (2,))]
    assert neurons_before_pools(chain, stay=[id(chain[2].layer)]) == chain


def test_neurons_stay_behind_what_is_no_max_pool_and_what_others_read():
    average = calls((layers.AveragePooling2D(2), "mean", (-1,)), (SpikingBReLU(), "neurons", (0,)))
    assert neurons_before_pools(average) == average
    shared = calls((layers.MaxPooling2D(), "pool", (-1,)), (SpikingBReLU(), "neurons", (0,)),
                   (layers.Flatten(), "other", (0,)))
    assert neurons_before_pools(shared) == shared


def test_calls_are_left_out_and_their_readers_read_what_they_read():
    a, b, c, d = (SimpleNamespace() for _ in range(4))
    found = calls((a, "a", (-1,)), (b, "b", (0,)), (c, "c", (1,)), (d, "d", (1, 2)))
    assert shown(without(found, {id(b)})) == [("a", (-1,)), ("c", (0,)), ("d", (0, 1))]
    assert shown(without(found, {id(a), id(b)})) == [("c", (-1,)), ("d", (-1, 0))]
    assert without(found, ()) == found


def test_a_call_that_repeats_another_stands_once_and_gives_what_both_gave():
    neurons, pool, other = SpikingBReLU(), layers.MaxPooling2D(), layers.MaxPooling2D()
    found = calls((pool, "pool", (-1,)), (neurons, "neurons", (-1,)), (neurons, "neurons_2", (0,)),
                  (layers.Flatten(), "flat", (1,)), (other, "other", (2,)))
    found[2] = replace(found[2], outputs=("spikes",))
    ordered = neurons_before_pools(found)
    assert shown(ordered)[:3] == [("neurons_2", (-1,)), ("neurons", (-1,)), ("pool", (0,))]
    assert shown(once_each(ordered)) == [("neurons", (-1,)), ("pool", (0,)), ("flat", (0,)), ("other", (1,))]
    twice = calls((pool, "one", (-1,)), (pool, "two", (-1,)), (pool, "three", (-2,)), (other, "four", (1,)))
    twice[:2] = [replace(call, outputs=(call.name,)) for call in twice[:2]]
    once = once_each(twice)
    assert shown(once) == [("one", (-1,)), ("three", (-2,)), ("four", (0,))]
    assert once[0].outputs == ("one", "two")
