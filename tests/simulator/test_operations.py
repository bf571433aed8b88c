"""Each operation against an independent reference: loops over single numbers, written from the definition."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from whetstone_lab.simulator.operations import (
    KINDS,
    Add,
    AveragePool2D,
    Concatenate,
    Conv2D,
    Conv2DTranspose,
    Dense,
    GlobalAveragePool2D,
    GlobalMaxPool2D,
    MaxPool2D,
    Neurons,
    Operation,
    Pad2D,
    Permute,
    ReLU,
    Reshape,
    Scale,
    UpSample2D,
    conv,
    kind_name,
    sparsity,
    without_bias,
    without_scale,
)

GEOMETRIES = [
    {"size": (3, 3), "strides": 1, "padding": "valid"},
    {"size": (3, 3), "strides": 1, "padding": "same"},
    {"size": (2, 3), "strides": 2, "padding": "same"},
    {"size": (5, 1), "strides": (1, 3), "padding": "same"},
    {"size": (2, 2), "strides": (2, 1), "padding": "valid"},
    {"size": (4, 4), "strides": 3, "padding": "same"},
    {"size": (1, 1), "strides": 2, "padding": "same"},
]


def windows(image, size, strides, padding, dilation=(1, 1)):
    """Yields row, column and the (tap row, tap column, values) on the image, for one image (rows, columns, c)."""
    strides = (strides, strides) if isinstance(strides, int) else strides
    counts, before = [], []
    for length, taps, stride, gap in zip(image.shape[:2], size, strides, dilation, strict=True):
        reach = (taps - 1) * gap + 1
        count = -(-length // stride) if padding == "same" else len(range(0, length - reach + 1, stride))
        counts.append(count)
        before.append(max(0, (count - 1) * stride + reach - length) // 2 if padding == "same" else 0)
    for row, column in itertools.product(range(counts[0]), range(counts[1])):
        seen = []
        for i, j in itertools.product(range(size[0]), range(size[1])):
            y = row * strides[0] + i * dilation[0] - before[0]
            x = column * strides[1] + j * dilation[1] - before[1]
            if 0 <= y < image.shape[0] and 0 <= x < image.shape[1]:
                seen.append((i, j, image[y, x]))
        yield row, column, seen


@pytest.fixture
def spike_by_spike(monkeypatch):
    """Weights are applied spike by spike, however small they are and however many the spikes."""
    monkeypatch.setattr(sparsity, "MIN_PRODUCTS", 0)
    monkeypatch.setattr(sparsity, "MAX_ACTIVE", 1e6)


def conv_and_image(geometry, dilation, channels):
    rng = np.random.default_rng(0)
    conv = Conv2D(rng.integers(-4, 5, (*geometry["size"], channels, 4)) / 4, rng.integers(-4, 5, 4) / 4, dilation,
                  strides=geometry["strides"], padding=geometry["padding"])
    return conv, rng.integers(0, 3, (5, 9, 7, channels)) * rng.integers(0, 2, (5, 9, 7, 1)).astype(float)


def check_conv2d(geometry, dilation, channels):
    conv, x = conv_and_image(geometry, dilation, channels)
    found = conv.apply(x)
    assert found.shape[1:] == conv.output_shape((9, 7, channels))
    synapses = 0
    for row, column, seen in windows(x[2], geometry["size"], geometry["strides"], geometry["padding"], dilation):
        expected = conv.bias + sum(values @ conv.weights[i, j] for i, j, values in seen)
        np.testing.assert_array_equal(found[2, row, column], expected)
        synapses += len(seen) * channels * 4
    assert conv.synapses((9, 7, channels)) == synapses


@pytest.mark.parametrize("window_bytes", [1, 8000, 1 << 20])
@pytest.mark.parametrize("channels", [1, 5])
@pytest.mark.parametrize("dilation", [(1, 1), (2, 1)])
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_conv2d_sums_what_its_windows_see(geometry, dilation, channels, window_bytes, monkeypatch):
    monkeypatch.setattr(conv, "WINDOW_BYTES", window_bytes)  # a row at a time, some samples at a time, all
    check_conv2d(geometry, dilation, channels)


@pytest.mark.parametrize("channels", [1, 5])
@pytest.mark.parametrize("dilation", [(1, 1), (2, 1)])
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_conv2d_sends_spike_by_spike_what_its_windows_see(geometry, dilation, channels, spike_by_spike):
    check_conv2d(geometry, dilation, channels)


@pytest.mark.parametrize(("groups", "filters"), [(2, 6), (4, 4), (4, 8)])
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_groups_are_convolutions_side_by_side(geometry, groups, filters, monkeypatch):
    monkeypatch.setattr(conv, "WINDOW_BYTES", 4000)
    rng = np.random.default_rng(0)
    weights, bias = rng.integers(-4, 5, (*geometry["size"], 4 // groups, filters)) / 4, rng.integers(-4, 5, filters) / 4
    options = {"strides": geometry["strides"], "padding": geometry["padding"]}
    whole = Conv2D(weights, bias, groups=groups, **options)
    x = rng.integers(0, 3, (5, 9, 7, 4)).astype(float)
    parts = [Conv2D(w, b, **options) for w, b in zip(np.split(weights, groups, 3), np.split(bias, groups), strict=True)]
    alone = [part.apply(channels) for part, channels in zip(parts, np.split(x, groups, 3), strict=True)]
    np.testing.assert_array_equal(whole.apply(x), np.concatenate(alone, 3))
    assert whole.output_shape((9, 7, 4)) == (*alone[0].shape[1:3], filters)
    assert whole.synapses((9, 7, 4)) == sum(part.synapses((9, 7, 4 // groups)) for part in parts)


@pytest.mark.parametrize(("options", "places"), [
    ({"size": (9, 7)}, (7, 4)),
    ({"size": (7, 10), "strides": 2, "start": 1}, (4, 5)),
    ({"size": (5, 14), "strides": (1, 3), "dilation": (2, 1), "start": (2, 0)}, (3, 4)),
    ({"size": (8, 13), "strides": (2, 4)}, (3, 3)),  # gaps, and a column that no window covers
])
def test_a_transposed_convolution_adds_up_what_each_place_sends(options, places):
    rng = np.random.default_rng(0)
    weights, bias = rng.integers(-4, 5, (3, 4, 2, 5)) / 4, rng.integers(-4, 5, 5) / 4
    conv = Conv2DTranspose(weights, bias, **options)
    x = rng.integers(0, 3, (3, *places, 2)).astype(float)
    expected, synapses = np.tile(bias, (*conv.size, 1)), 0
    for row, column, i, j in itertools.product(range(places[0]), range(places[1]), range(3), range(4)):
        to = (row * conv.strides[0] + i * conv.dilation[0] - conv.start[0],
              column * conv.strides[1] + j * conv.dilation[1] - conv.start[1])
        if 0 <= to[0] < conv.size[0] and 0 <= to[1] < conv.size[1]:
            expected[to] += x[1, row, column] @ weights[i, j]
            synapses += 2 * 5
    np.testing.assert_array_equal(conv.apply(x)[1], expected)
    assert conv.output_shape((*places, 2)) == expected.shape
    assert conv.synapses((*places, 2)) == synapses


def test_axes_margins_and_repeats():
    x = np.arange(1, 25, dtype=np.float32).reshape(1, 2, 3, 4)
    for operation, expected in [
        (Permute((2, 0, 1)), x.transpose(0, 3, 1, 2)),
        (Pad2D((1, 0), (0, 2)), np.pad(x, ((0, 0), (1, 0), (0, 2), (0, 0)))),
        (Pad2D((-1, 2), (1, -2)), np.pad(x[:, 1:, :1], ((0, 0), (0, 2), (1, 0), (0, 0)))),
        (UpSample2D((3, 2)), np.kron(x, np.ones((1, 3, 2, 1)))),
    ]:
        np.testing.assert_array_equal(operation.apply(x), expected)
        assert operation.output_shape((2, 3, 4)) == expected.shape[1:]
        assert operation.keeps_spikes


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_pools_look_at_the_image_only(geometry):
    x = np.random.default_rng(1).normal(size=(2, 9, 7, 3)) - 5  # all negative: a padding of zeros would win
    largest, mean = MaxPool2D(**geometry), AveragePool2D(**geometry)
    high, middle = largest.apply(x), mean.apply(x)
    assert high.shape[1:] == middle.shape[1:] == largest.output_shape((9, 7, 3)) == mean.output_shape((9, 7, 3))
    for row, column, seen in windows(x[1], **geometry):
        np.testing.assert_array_equal(high[1, row, column], np.max([v for _, _, v in seen], axis=0))
        np.testing.assert_allclose(middle[1, row, column], np.mean([v for _, _, v in seen], axis=0), rtol=1e-12)


def test_a_pool_steps_by_its_size_unless_told_otherwise():
    assert MaxPool2D((2, 3)).strides == (2, 3)
    assert AveragePool2D(3).output_shape((9, 9, 1)) == (3, 3, 1)


@pytest.mark.parametrize("keepdims", [False, True])
def test_global_pools(keepdims):
    x = np.random.default_rng(2).normal(size=(2, 3, 4, 5)).astype(np.float32)
    for pool, expected in ((GlobalMaxPool2D(keepdims), x.max((1, 2))), (GlobalAveragePool2D(keepdims), x.mean((1, 2)))):
        found = pool.apply(x)
        assert found.shape == (2, *pool.output_shape((3, 4, 5)))
        assert found.shape == ((2, 1, 1, 5) if keepdims else (2, 5))
        np.testing.assert_allclose(found.reshape(2, 5), expected, rtol=1e-6)


def test_dense_acts_on_the_last_axis():
    dense = Dense([[1, 2, 3], [4, 5, 6]], [0, 0, 1])
    np.testing.assert_array_equal(dense.apply(np.float32([[[1, 0], [0, 1]]])), [[[1, 2, 4], [4, 5, 7]]])
    assert dense.output_shape((7, 2)) == (7, 3)
    assert dense.synapses((7, 2)) == 7 * 6


def test_dense_spike_by_spike_gives_the_same_sums(spike_by_spike):
    rng = np.random.default_rng(0)
    weights, x = rng.integers(-4, 5, (30, 20)) / 4, rng.integers(-1, 2, (7, 3, 30)) / 2
    x[2] = 0
    np.testing.assert_array_equal(Dense(weights, np.ones(20)).apply(x), x @ weights + 1)


@pytest.mark.parametrize(("operation", "shape"), [
    (Dense(np.ones((600, 600), np.float32)), (600,)),
    (Conv2D(np.ones((3, 3, 32, 32), np.float32), padding="same"), (24, 24, 32)),
])
def test_large_weights_are_applied_spike_by_spike_where_spikes_are_few(operation, shape, monkeypatch):
    taken = []
    way = type(operation)._spike_by_spike
    monkeypatch.setattr(type(operation), "_spike_by_spike", lambda *args: taken.append(1) or way(*args))
    rng = np.random.default_rng(0)
    for share, samples, expected in [(0.001, 1, 1), (0.5, 1, 0), (0.001, 3, 1), (0.0, 2, 1), (1.0, 2, 0), (0.5, 0, 0)]:
        x = (rng.random((samples, *shape)) < share).astype(np.float32)
        taken.clear()
        few = operation.apply(x)
        assert len(taken) == expected
        with monkeypatch.context() as dense:
            dense.setattr(sparsity, "MAX_ACTIVE", 0)
            np.testing.assert_array_equal(few, operation.apply(x))


def test_spikes_where_nobody_looked_only_cost_time():
    conv = Conv2D(np.ones((3, 3, 32, 32), np.float32), padding="same")
    x = np.ones((1, 24, 24, 32), np.float32)
    x[:, ::8] = 0  # the rows by which it guesses
    expected = conv.apply(x.astype(np.float64))
    np.testing.assert_array_equal(conv.apply(x), expected)
    np.testing.assert_array_equal(expected[0, 4, 4], np.full(32, 288.0))


def test_neurons_fire_at_the_threshold_and_above():
    below, at, above = np.nextafter(np.float32(0.5), np.float32([0, 0.5, 1]), dtype=np.float32)
    np.testing.assert_array_equal(Neurons().apply(np.float32([[below, at, above]])), [[0, 1, 1]])
    each = Neurons([0, 1])
    np.testing.assert_array_equal(each.fires(np.float32([[[0, 0], [1, 1]]])), [[[True, False], [True, True]]])


def test_shapes_scales_sums_and_joins():
    x = np.arange(12, dtype=np.float32).reshape(1, 2, 2, 3)
    assert Reshape().apply(x).shape == (1, 12)
    assert Reshape((4, -1)).apply(x).shape == (1, *Reshape((4, -1)).output_shape((2, 2, 3))) == (1, 4, 3)
    np.testing.assert_array_equal(Scale([1, 2, 3], -1).apply(x), x * [1, 2, 3] - 1)
    np.testing.assert_array_equal(Add().apply(x, x, x), 3 * x)
    assert Concatenate().output_shape((2, 2, 3), (2, 2, 1)) == (2, 2, 4)
    np.testing.assert_array_equal(Concatenate(0).apply(x, 2 * x), np.concatenate([x, 2 * x], 1))
    np.testing.assert_array_equal(Concatenate(-1).apply(x, 2 * x), np.concatenate([x, 2 * x], 3))


@pytest.mark.parametrize(("make", "words"), [
    (lambda: Dense([1, 2]), "weights to be an array of 2 axes"),
    (lambda: Dense([[1, np.nan], [np.inf, 0]]), "weights to be finite; 2 of 4"),
    (lambda: Dense([["a"]]), "weights to be an array"),
    (lambda: Dense([[1, 2]], [1]), "a bias for each of the 2 outputs"),
    (lambda: Conv2D(np.zeros((3, 3, 1))), "weights to be an array of 4 axes"),
    (lambda: Conv2D(np.zeros((3, 3, 1, 1)), padding="full"), "padding to be 'valid' or 'same'"),
    (lambda: Conv2D(np.zeros((3, 3, 1, 1)), strides=0), "strides to hold integers of at least 1; got 0"),
    (lambda: MaxPool2D((2, 2, 2)), "size to be an integer or a pair"),
    (lambda: MaxPool2D(2.5), "size to hold integers"),
    (lambda: Reshape((-1, -1)), "at most one -1"),
    (lambda: Neurons(np.nan), "threshold to be finite"),
    (lambda: Neurons("high"), "threshold to be numbers"),
    (lambda: Concatenate(True), "axis to hold integers"),
    (lambda: Conv2D(np.zeros((3, 3, 1, 3)), groups=2), "filters in 2 equal groups; got 3"),
    (lambda: Conv2DTranspose(np.zeros((3, 3, 1, 1)), size=(0, 3)), "size to hold integers of at least 1"),
    (lambda: Conv2D(np.zeros((3, 0, 1, 1))), r"something along each axis; got shape \(3, 0, 1, 1\)"),
    (lambda: Conv2DTranspose(np.zeros((0, 3, 1, 1)), size=3), "something along each axis"),
    (lambda: Permute((0, 2)), "axes that name each axis from 0 on once"),
    (lambda: Pad2D((1.5, 0)), "rows to hold integers; got 1.5"),
    (lambda: UpSample2D(0), "size to hold integers of at least 1"),
])
def test_bad_arguments_are_named(make, words):
    with pytest.raises(ValueError, match=words):
        make()


@pytest.mark.parametrize(("operation", "shapes", "words"), [
    (Dense(np.zeros((3, 2))), [(4,)], r"inputs of shape \(\.\.\., 3\)"),
    (Dense(np.zeros((3, 2))), [()], r"got \(\)"),
    (Dense(np.zeros((3, 2))), [(3,), (3,)], "one input; got 2"),
    (Conv2D(np.zeros((3, 3, 2, 1))), [(9, 9, 1)], "inputs of 2 channels"),
    (Conv2D(np.zeros((3, 3, 2, 1))), [(9, 9)], r"\(rows, columns, channels\)"),
    (Conv2D(np.zeros((3, 3, 2, 1))), [(2, 9, 2)], "a window of"),
    (MaxPool2D(3), [(9, 2, 2)], "a window of"),
    (Conv2D(np.zeros((3, 3, 2, 1)), padding="same", dilation=10**6), [(9, 9, 2)], "at most .* values with its padding"),
    (Conv2D(np.zeros((3, 3, 2, 4)), groups=2), [(9, 9, 2)], "inputs of 4 channels .* in 2 groups"),
    (Conv2DTranspose(np.zeros((3, 3, 2, 1)), size=9), [(7, 7, 1)], "inputs of 2 channels"),
    (Conv2DTranspose(np.zeros((3, 3, 2, 1)), size=11), [(7, 7, 2)], r"a size within the \(9, 9\) rows and columns"),
    (Permute((1, 0)), [(3, 4, 5)], "inputs of 2 axes"),
    (Pad2D((-3, 0)), [(3, 4, 5)], "to leave something of the image; it has 3"),
    (GlobalMaxPool2D(), [(9,)], r"\(rows, columns, channels\)"),
    (Reshape((5,)), [(2, 3)], "Expected 6 values"),
    (Reshape((4, -1)), [(2, 3)], "Expected 6 values"),
    (Neurons(np.zeros(3)), [(4,)], "thresholds that broadcast"),
    (Neurons(np.zeros((2, 4))), [(4,)], "thresholds that broadcast"),
    (Scale(np.zeros(3)), [(4,)], "a factor that broadcasts"),
    (Add(), [(4,), (5,)], "of one shape to add"),
    (Add(), [(4,)], "two or more"),
    (Concatenate(), [(4,), (5, 6)], "differ along axis -1 only"),
    (Concatenate(0), [(4, 2), (4, 3)], "differ along axis 0 only"),
])
def test_shapes_that_do_not_fit_are_refused(operation, shapes, words):
    with pytest.raises(ValueError, match=words):
        operation.output_shape(*shapes)


def test_arrays_keep_float64_and_everything_else_becomes_float32():
    assert Dense([[1.5]]).weights.dtype == np.float32
    assert Dense(np.ones((1, 1), np.float16)).weights.dtype == np.float32
    assert Dense(np.ones((1, 1), int)).weights.dtype == np.float32
    assert Dense(np.ones((1, 1))).weights.dtype == np.float64
    assert Dense(np.ones((1, 1))).astype(np.float32).weights.dtype == np.float32


def test_every_operation_has_a_name_in_files():
    def kinds(base):
        for kind in base.__subclasses__():
            yield kind
            yield from kinds(kind)

    shared = {kind for kind in kinds(Operation) if kind.__subclasses__()}
    assert set(KINDS.values()) == set(kinds(Operation)) - shared
    assert all(kind_name(kind.__new__(kind)) == name for name, kind in KINDS.items())


def test_the_names_in_files_are_those_of_the_first_release():
    assert list(KINDS) == ["Neurons", "Dense", "Conv2D", "Conv2DTranspose", "MaxPool2D", "AveragePool2D",
                           "GlobalMaxPool2D", "GlobalAveragePool2D", "Reshape", "Permute", "Pad2D", "UpSample2D",
                           "Scale", "Rectify", "Add", "Concatenate"]


def test_an_operation_that_files_do_not_know_is_refused():
    with pytest.raises(ValueError, match=r"a kind that files know, \['Neurons'.*; got Operation\(\)"):
        kind_name(Operation())


@pytest.mark.parametrize("operation", [
    Dense(np.ones((2, 3)), np.ones(3)), Conv2D(np.ones((2, 2, 1, 3)), None, 2, padding="same"),
    Conv2DTranspose(np.ones((2, 2, 1, 3)), np.ones(3), size=5, strides=2)])
def test_mapped_weights_change_and_nothing_else(operation):
    changed = operation.map_weights(lambda weights: weights * 3)
    assert type(changed) is type(operation)
    np.testing.assert_array_equal(changed.weights, 3 * operation.weights)
    np.testing.assert_array_equal(operation.weights, np.ones_like(operation.weights))
    assert changed.options() == operation.options()
    assert changed.bias is operation.bias


@pytest.mark.parametrize("operation", [Neurons(2.0), Scale(2.0, 1.0), MaxPool2D(), ReLU()])
def test_what_has_no_weights_is_left_alone(operation):
    assert operation.map_weights(lambda weights: weights * 3) is operation


finite = {32: st.floats(width=32, allow_nan=False, allow_infinity=False),
          64: st.floats(allow_nan=False, allow_infinity=False)}
near_half = {32: st.floats(-2, 2, width=32), 64: st.floats(-2, 2)}


@pytest.mark.parametrize("bits", [32, 64])
@settings(max_examples=2 * settings.default.max_examples, deadline=None)
@given(data=st.data())
def test_a_bias_moves_into_the_threshold_to_the_bit(bits, data):
    real = np.dtype(f"f{bits // 8}")
    numbers = data.draw(st.sampled_from([finite[bits], near_half[bits]]))
    threshold = data.draw(arrays(real, 4, elements=numbers))
    bias = data.draw(arrays(real, 4, elements=numbers))
    with np.errstate(over="ignore"):
        moved = without_bias(threshold, bias)
        assert moved.dtype == real
        assert not np.isnan(moved).any()
        # The definition: it is the smallest float that reaches the threshold once the bias is added.
        assert (moved + bias >= threshold).all()
        assert not (np.nextafter(moved, real.type(-np.inf)) + bias >= threshold).any()
        x = data.draw(arrays(real, 4, elements=numbers))
        np.testing.assert_array_equal(x >= moved, x + bias >= threshold)


def test_a_bias_that_rounding_swallows_shifts_the_threshold_by_half_a_step():
    # 0.5 - 0.5 = 0 would be wrong: from -2^-26 on, adding 0.5 rounds up to 0.5.
    assert without_bias(0.5, [0.5])[0] == np.float32(-(2.0**-26))
    assert without_bias(0.5, [1e-20])[0] == np.float32(0.5)
    bias = np.random.default_rng(0).uniform(-1, 1, 1000).astype(np.float32)
    assert (without_bias(0.5, bias) != np.float32(0.5) - bias).mean() > 0.1  # so plain subtraction would not do


@pytest.mark.parametrize("real", [np.float32, np.float64])
def test_thresholds_without_scale_fire_on_the_same_floats(real):
    rng = np.random.default_rng(1)
    threshold, offset = (np.append(rng.normal(size=200), [0, 0.5, 0]).astype(real) for _ in range(2))
    factor = np.append(rng.normal(size=200), [-0.3, 1.0, 0.1]).astype(real)
    signs, moved = without_scale(threshold, factor, offset)
    assert signs.dtype == moved.dtype == real
    at = signs * moved  # the float where it turns, and those around it
    for x in (at, np.nextafter(at, real(np.inf)), np.nextafter(at, real(-np.inf)), rng.normal(size=203).astype(real)):
        np.testing.assert_array_equal(signs * x >= moved, x * factor + offset >= threshold)
    assert ((threshold - offset) / np.abs(factor) != moved).mean() > 0.1  # so plain arithmetic would not do


def test_a_scale_by_zero_leaves_neurons_that_always_or_never_fire():
    signs, moved = without_scale(np.float32([0.5, 0.5]), np.float32(0), np.float32([0.5, 0.25]))
    x = np.float32([[-1e38, -1e38], [0, 0], [1e38, 1e38]])
    assert (signs * x >= moved).tolist() == [[True, False]] * 3
