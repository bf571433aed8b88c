import random

import keras
import numpy as np
import pytest

from whetstone_lab.training.models import convnet, mlp
from whetstone_lab.training.shuffling import Shuffled

X, Y = np.arange(20, dtype=np.float32).reshape(10, 2), np.arange(10)


def orders(data, epochs, **fit):
    """The targets in the order in which ``fit`` came to them."""
    seen = []

    class Note(keras.losses.Loss):
        def call(self, y_true, y_pred):
            seen.append(int(keras.ops.convert_to_numpy(y_true).ravel()[0]))
            return keras.ops.mean(y_pred, axis=-1) * 0.0

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", Note(), run_eagerly=True)
    model.fit(data, epochs=epochs, shuffle=False, verbose=0, **fit)
    return np.reshape(seen, (-1, 10)).tolist()


def test_each_epoch_has_an_order_of_its_own_which_a_later_start_finds_again():
    whole = orders(Shuffled(X, Y, 1, seed=3), epochs=3)
    assert [sorted(order) for order in whole] == [list(range(10))] * 3
    assert len({tuple(order) for order in whole}) == 3
    assert orders(Shuffled(X, Y, 1, seed=3, epoch=1), epochs=3, initial_epoch=1) == whole[1:]
    assert orders(Shuffled(X, Y, 1, seed=4), epochs=1) != whole[:1]


def test_inputs_and_targets_stay_together_and_the_last_batch_is_short():
    batches = list(Shuffled(X, Y, 4))
    assert [len(targets) for _, targets in batches] == [4, 4, 2]
    for inputs, targets in batches:
        np.testing.assert_array_equal(inputs, X[targets])


@pytest.mark.parametrize("arguments", [(X, Y[:3]), (X[:0], Y[:0])])
def test_what_does_not_belong_together_is_refused(arguments):
    with pytest.raises(ValueError, match="Expected a target for each input"):
        Shuffled(*arguments)
    with pytest.raises(ValueError, match="batch_size of at least 1"):
        Shuffled(X, Y, 0)


def test_weights_come_from_the_seed_whatever_else_is_drawn():
    makes = (lambda **seed: mlp(4, 2, hidden=(3,), **seed),
             lambda **seed: mlp(4, 2, hidden=(3,), spiking=False, **seed),
             lambda **seed: convnet((8, 8, 1), 2, filters=(2,), hidden=(3,), padding="same", **seed))
    for make in makes:
        state = random.getstate()
        first = make(seed=7)
        assert random.getstate() == state, "it takes nothing from the chance of the process"
        random.random()
        for one, other in zip(first.variables, make(seed=7).variables, strict=True):
            np.testing.assert_array_equal(one.numpy(), other.numpy())  # those of dropout are among them
        assert not np.array_equal(first.weights[0].numpy(), make(seed=8).weights[0].numpy())
        assert not np.array_equal(first.weights[0].numpy(), make().weights[0].numpy())
