"""The curves on a backend of Keras's, beside the same functions in NumPy."""

import keras
import numpy as np
import pytest

from whetstone_lab.method.curves import CURVES

pytestmark = pytest.mark.every_backend


@pytest.mark.parametrize("name", sorted(CURVES))
def test_numpy_and_keras_agree(name):
    x = np.concatenate([np.linspace(-3, 3, 601), [0.5, np.nextafter(0.5, 0), -0.0]]).astype(np.float32)
    for sharpness in (0.0, 0.25, 0.5, 0.9, 0.999, 1.0):
        theirs = keras.ops.convert_to_numpy(CURVES[name].value(keras.ops.convert_to_tensor(x), sharpness, keras.ops))
        assert theirs.dtype == np.float32
        np.testing.assert_allclose(theirs, CURVES[name].value(x, sharpness), rtol=0, atol=2e-5)
    assert np.array_equal(theirs, CURVES[name].value(x, 1.0))
