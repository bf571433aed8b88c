"""The channels-first lowering: values, weights and kernels lie where PyTorch's conventions have them."""

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from whetstone_lab.exchange.layout import (
    Layout,
    channels_first,
    channels_last,
    kernel_channels_first,
    kernel_channels_last,
    symmetric,
    window_mean,
    window_sum,
)
from whetstone_lab.simulator.operations import (
    AveragePool2D,
    Conv2D,
    Dense,
    GlobalAveragePool2D,
    MaxPool2D,
    Permute,
    Reshape,
)


def whole(*shape, seed=0):
    """Whole numbers, of which sums are exact."""
    return np.random.default_rng(seed).integers(-4, 5, shape).astype(np.float32)


def there(x):
    """Images with channels last as images with channels first."""
    return np.moveaxis(x, -1, 1)


def convolved(x, kernel, strides=(1, 1), padding=(0, 0), dilation=(1, 1)):
    """A convolution of one group, channels first, from its definition."""
    x = np.pad(x, ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2))
    reach = [(taps - 1) * gap + 1 for taps, gap in zip(kernel.shape[2:], dilation, strict=True)]
    seen = sliding_window_view(x, reach, (2, 3))
    seen = seen[:, :, :: strides[0], :: strides[1], :: dilation[0], :: dilation[1]]
    return np.einsum("ncyxij,fcij->nfyx", seen, kernel)


@pytest.mark.parametrize(("last", "first"), [((5,), (5,)), ((4, 3), (3, 4)), ((2, 3, 4), (4, 2, 3))])
def test_shapes_there_and_back(last, first):
    assert (channels_first(last), channels_last(first), Layout.of(last).shape) == (first, last, first)


def test_values_lie_where_channels_first_has_them():
    x = whole(2, 3, 4)
    np.testing.assert_array_equal(Layout.of(x.shape).arranged(x), np.moveaxis(x, -1, 0))
    # Thresholds of each channel reach every place.
    np.testing.assert_array_equal(Layout.of(x.shape).arranged(np.arange(4))[:, 1, 2], [0, 1, 2, 3])
    np.testing.assert_array_equal(Layout.of(x.shape).arranged(np.array(0.5)), np.full((4, 2, 3), 0.5))


@pytest.mark.parametrize("moves", [[Reshape()], [Permute((2, 0, 1)), Reshape()],
                                   [Reshape((6, 4)), Permute((1, 0)), Reshape()]])
def test_a_dense_layer_behind_any_order_of_ours_does_the_same_there(moves):
    x, dense = whole(5, 2, 3, 4), Dense(whole(24, 7))
    layout, here = Layout.of(x.shape[1:]), x
    for move in moves:
        layout, here = layout.rearranged(move), move.apply(here)
    flat = there(x).reshape(5, -1)
    np.testing.assert_array_equal(flat @ layout.flat().dense_weights(dense.weights).T, dense.apply(here))
    assert not layout.is_conventional


def test_an_order_is_conventional_or_the_same():
    layout = Layout.of((2, 3, 4))
    assert layout.is_conventional
    turned = layout.rearranged(Permute((1, 0, 2)))
    assert not turned.is_conventional
    assert not layout.same_order(turned)
    assert layout.same_order(turned.rearranged(Permute((1, 0, 2))))


def test_kernels_there_and_back():
    weights = whole(3, 2, 4, 5)
    first = kernel_channels_first(weights)
    assert first.shape == (5, 4, 3, 2)
    assert first[4, 1, 2, 0] == weights[2, 0, 1, 4]
    np.testing.assert_array_equal(kernel_channels_last(first), weights)


@pytest.mark.parametrize(("conv", "rows", "columns"), [
    (Conv2D(whole(3, 3, 2, 4), padding="same"), (0, 0), (0, 0)),
    (Conv2D(whole(3, 2, 2, 4), strides=2, padding="same"), (1, 0), (0, 2)),
    (Conv2D(whole(2, 3, 1, 4), strides=(2, 1), groups=2), (1, 0), (0, 2)),
    (Conv2D(whole(3, 2, 1, 6), dilation=(2, 1), groups=2), (0, 0), (1, 0)),
])
def test_a_symmetric_kernel_does_what_the_convolution_does(conv, rows, columns):
    x = whole(3, 8, 7, 2, seed=1)
    layout = Layout.of(x.shape[1:]).padded(rows, columns)
    assert layout.image == (8 + sum(rows), 7 + sum(columns))
    assert layout.is_padded == any(rows + columns)
    kernel, padding = symmetric(conv, layout)
    assert kernel.shape[0] == kernel.shape[1]
    assert kernel.shape[2] == 2
    found = convolved(there(x), kernel_channels_first(kernel), conv.strides, padding, conv.dilation)
    expected = conv.apply(np.pad(x, ((0, 0), rows, columns, (0, 0))))
    np.testing.assert_array_equal(found, there(expected))


def test_a_kernel_that_cannot_be_symmetric_is_refused():
    with pytest.raises(ValueError, match=r"no kernel of as many rows as columns, .* of \(1, 2\) does .* \(8, 8\)"):
        symmetric(Conv2D(whole(1, 2, 2, 4)), Layout.of((8, 8, 2)))


@pytest.mark.parametrize("pool", [
    AveragePool2D((2, 4)), AveragePool2D(2, strides=1), GlobalAveragePool2D(keepdims=True),
])
def test_a_mean_over_windows_is_a_convolution_to_the_last_bit(pool):
    x = np.random.default_rng(0).normal(size=(3, 4, 8, 2)).astype(np.float16).astype(np.float32)  # sums are exact
    np.testing.assert_array_equal(window_mean(pool, x.shape[1:]).apply(x), pool.apply(x))


def test_a_sum_over_windows_of_spikes_is_where_their_maximum_is():
    x, pool = (whole(4, 6, 7, 3) > 2).astype(np.float32), MaxPool2D(2, padding="same")
    summed = window_sum(pool, x.shape[1:]).apply(x)
    np.testing.assert_array_equal(summed > 0, pool.apply(x) > 0)
    assert summed.max() > 1


@pytest.mark.parametrize(("pool", "words"), [
    (AveragePool2D(3), "over 9 values is exact as weights only for 2, 4, 8"),
    (AveragePool2D(4, strides=3, padding="same"), "averages count padding"),
])
def test_means_that_weights_cannot_give_are_refused(pool, words):
    with pytest.raises(ValueError, match=words):
        window_mean(pool, (8, 8, 2))
