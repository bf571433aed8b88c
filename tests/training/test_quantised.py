"""Values of a few bits: how they round, and how they learn."""

import keras
import numpy as np
import pytest
from backends import array

from whetstone_lab.training.quantised import Quantised


@pytest.mark.every_backend
def test_quantised_values_are_rounded_and_their_gradient_is_not():
    layer = Quantised(2)
    x = np.float32([-1, 0, 0.16, 0.17, 0.5001, 0.9, 3])
    np.testing.assert_allclose(array(layer(x)), np.float32([0, 0, 0, 1, 2, 3, 3]) / 3)
    assert Quantised.from_config(layer.get_config()).bits == 2
    model = keras.Sequential([keras.Input((7,)), keras.layers.Dense(7, use_bias=False, kernel_initializer="identity"),
                              Quantised(2), keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")])
    model.compile(keras.optimizers.SGD(1.0), lambda true, guess: guess, run_eagerly=True)
    model.train_on_batch(x[None], np.zeros((1, 1)))
    step = np.eye(7) - array(model.layers[0].kernel)
    moved = np.abs(step).sum(axis=0) > 1e-6
    assert moved.tolist()[2:] == [True, True, True, True, False]  # within [0, 1] it learns, beyond it does not
    with pytest.raises(ValueError, match="from 1 to 16; got 17"):
        Quantised(17)
