"""``SpikeBits``: spikes as bits are the spikes."""

import numpy as np
import pytest

from whetstone_lab.simulator.spike_bits import SpikeBits


@pytest.mark.parametrize("channels", [1, 7, 8, 31, 32, 33, 100])
@pytest.mark.parametrize("dtype", [np.float32, bool])
def test_what_is_packed_comes_out_again(channels, dtype):
    spikes = np.random.default_rng(channels).random((3, 2, channels)) < 0.4
    bits = SpikeBits.pack(spikes.astype(dtype))
    assert bits.shape == spikes.shape
    assert bits.words.dtype == np.uint32
    assert bits.words.shape == (3, 2, -(-channels // 32))
    found = bits.unpack(dtype)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, spikes)
    for channel in range(channels):
        np.testing.assert_array_equal(bits.words[..., channel // 32] >> (channel % 32) & 1, spikes[..., channel])
        np.testing.assert_array_equal(bits.octets[..., channel // 8] >> (channel % 8) & 1, spikes[..., channel])


@pytest.mark.parametrize("channels", [32, 64, 5, 40])
@pytest.mark.parametrize("shape", [(3, -1), (3, 8, -1), (6, 4, -1)])
def test_another_shape_has_the_same_spikes(channels, shape):
    spikes = np.random.default_rng(0).random((3, 4, 2, channels)) < 0.4
    expected = spikes.reshape(shape)
    bits = SpikeBits.pack(spikes).reshape(*expected.shape)
    assert bits.shape == expected.shape
    np.testing.assert_array_equal(bits.unpack(bool), expected)
