"""The C functions that a network is made of, one for each operation. A file gets those that it needs and no others.

Each is written once for values of a type ``@T``: inputs, spikes or sums. ``@S`` is the type of sums, ``@W`` that of
weights. Images lie as in the simulator: rows, columns, channels, the last fastest.
"""

from __future__ import annotations

#: Name of a function -> its text. Sums are those of one place; whoever calls says what becomes of them.
KERNELS: dict[str, str] = {
    "finish": """
/* What becomes of the sums of one place: with thresholds its neurons fire, without them the sums are kept. */
static void wl_finish(@S *restrict sums, size_t count, const @S *bias, const @S *thresholds, size_t period,
                      size_t first, uint8_t *restrict fired, @S *restrict kept)
{
    size_t k, place = period ? first % period : 0;
    for (k = 0; k < count; k++) {
        const @S sum = bias ? sums[k] + bias[k] : sums[k];
        if (thresholds) {
            fired[first + k] = sum >= thresholds[place];
            if (++place == period)
                place = 0;
        } else {
            kept[first + k] = sum;
        }
    }
}
""",
    "dense": """
static void wl_dense_@K(const @T *in, size_t rows, size_t inputs, const @W *weights, const @S *bias, size_t outputs,
                     const @S *thresholds, size_t period, @S *restrict sums, uint8_t *restrict fired, @S *restrict kept)
{
    size_t row, i, k;
    for (row = 0; row < rows; row++, in += inputs) {
        for (k = 0; k < outputs; k++)
            sums[k] = 0;
        for (i = 0; i < inputs; i++) {
            const @W *w = weights + i * outputs;
            if (in[i] != 0) {
                @ADD(outputs)
            }
        }
        wl_finish(sums, outputs, bias, thresholds, period, row * outputs, fired, kept);
    }
}
""",
    "conv": """
static void wl_conv_@K(const @T *in, const size_t *shape, const @W *weights, const size_t *window, size_t groups,
                    const @S *bias, size_t filters, const size_t *out, const @S *thresholds, size_t period,
                    @S *restrict sums, uint8_t *restrict fired, @S *restrict kept)
{
    /* window: taps, strides, dilation and padding before, each along rows and columns */
    const size_t own = filters / groups, seen = shape[2] / groups;
    size_t row, column, i, j, channel, k;
    for (row = 0; row < out[0]; row++)
        for (column = 0; column < out[1]; column++) {
            for (k = 0; k < filters; k++)
                sums[k] = 0;
            for (i = 0; i < window[0]; i++) {
                const size_t y = row * window[2] + i * window[4] - window[6]; /* below 0 it wraps beyond the image */
                if (y >= shape[0])
                    continue;
                for (j = 0; j < window[1]; j++) {
                    const size_t x = column * window[3] + j * window[5] - window[7];
                    const @T *at;
                    if (x >= shape[1])
                        continue;
                    at = in + (y * shape[1] + x) * shape[2];
                    for (channel = 0; channel < shape[2]; channel++) {
                        const size_t group = channel / seen, first = group * own;
                        const @W *w = weights + ((i * window[1] + j) * seen + channel % seen) * filters + first;
                        if (at[channel] != 0) {
                            @ADD_AT(own)
                        }
                    }
                }
            }
            wl_finish(sums, filters, bias, thresholds, period, (row * out[1] + column) * filters, fired, kept);
        }
}
""",
    "conv_transpose": """
static void wl_conv_transpose_@K(const @T *in, const size_t *shape, const @W *weights, const size_t *window,
                              const @S *bias, size_t filters, const size_t *out, @S *restrict kept)
{
    /* window: taps, strides, dilation and places cut off before, each along rows and columns */
    size_t row, column, i, j, channel, k;
    const size_t places = out[0] * out[1];
    for (k = 0; k < places * filters; k++)
        kept[k] = 0;
    for (row = 0; row < shape[0]; row++)
        for (column = 0; column < shape[1]; column++)
            for (channel = 0; channel < shape[2]; channel++) {
                const @T v = in[(row * shape[1] + column) * shape[2] + channel];
                if (v == 0)
                    continue;
                for (i = 0; i < window[0]; i++)
                    for (j = 0; j < window[1]; j++) {
                        const size_t y = row * window[2] + i * window[4] - window[6];
                        const size_t x = column * window[3] + j * window[5] - window[7];
                        const @W *w = weights + ((i * window[1] + j) * shape[2] + channel) * filters;
                        @S *sums;
                        if (y >= out[0] || x >= out[1])
                            continue;
                        sums = kept + (y * out[1] + x) * filters;
                        @ADD_VALUE(filters)
                    }
            }
    if (bias)
        for (row = 0; row < places; row++)
            for (k = 0; k < filters; k++)
                kept[row * filters + k] += bias[k];
}
""",
    "fire": """
static void wl_fire_@K(const @T *in, size_t count, const @S *thresholds, size_t period, uint8_t *restrict fired)
{
    size_t k, place = 0;
    for (k = 0; k < count; k++) {
        fired[k] = (@S)in[k] >= thresholds[place];
        if (++place == period)
            place = 0;
    }
}
""",
    "max_pool": """
static void wl_max_pool_@K(const @T *in, const size_t *shape, const size_t *window, const size_t *out,
                        @T *restrict largest)
{
    size_t row, column, i, j, channel;
    for (row = 0; row < out[0]; row++)
        for (column = 0; column < out[1]; column++)
            for (channel = 0; channel < shape[2]; channel++) {
                @T best = 0;
                int any = 0;
                for (i = 0; i < window[0]; i++)
                    for (j = 0; j < window[1]; j++) {
                        const size_t y = row * window[2] + i - window[6], x = column * window[3] + j - window[7];
                        if (y < shape[0] && x < shape[1]) {
                            const @T v = in[(y * shape[1] + x) * shape[2] + channel];
                            if (!any || v > best)
                                best = v;
                            any = 1;
                        }
                    }
                largest[(row * out[1] + column) * shape[2] + channel] = best;
            }
}
""",
    "mean_pool": """
static void wl_mean_pool_@K(const @T *in, const size_t *shape, const size_t *window, const size_t *out,
                            @S *restrict mean)
{
    size_t row, column, i, j, channel;
    for (row = 0; row < out[0]; row++)
        for (column = 0; column < out[1]; column++)
            for (channel = 0; channel < shape[2]; channel++) {
                @S sum = 0, count = 0;
                for (i = 0; i < window[0]; i++)
                    for (j = 0; j < window[1]; j++) {
                        const size_t y = row * window[2] + i - window[6], x = column * window[3] + j - window[7];
                        if (y < shape[0] && x < shape[1]) {
                            sum += (@S)in[(y * shape[1] + x) * shape[2] + channel];
                            count += 1;
                        }
                    }
                mean[(row * out[1] + column) * shape[2] + channel] = sum / count;
            }
}
""",
    "pad": """
/* Zeros around an image; where the offsets are negative, which wraps, rows and columns are cut off. */
static void wl_pad_@K(const @T *in, const size_t *shape, size_t top, size_t left, const size_t *out,
                      @T *restrict padded)
{
    size_t row, column, channel;
    for (row = 0; row < out[0]; row++)
        for (column = 0; column < out[1]; column++) {
            const size_t y = row - top, x = column - left;
            for (channel = 0; channel < shape[2]; channel++)
                *padded++ = y < shape[0] && x < shape[1] ? in[(y * shape[1] + x) * shape[2] + channel] : 0;
        }
}
""",
    "repeat": """
static void wl_repeat_@K(const @T *in, const size_t *shape, size_t down, size_t along, @T *restrict out)
{
    size_t row, column, channel;
    for (row = 0; row < shape[0] * down; row++)
        for (column = 0; column < shape[1] * along; column++)
            for (channel = 0; channel < shape[2]; channel++)
                *out++ = in[((row / down) * shape[1] + column / along) * shape[2] + channel];
}
""",
    "permute": """
static void wl_permute_@K(const @T *in, size_t axes, const size_t *lengths, const size_t *steps, @T *restrict out)
{
    size_t count = 1, k, axis;
    for (axis = 0; axis < axes; axis++)
        count *= lengths[axis];
    for (k = 0; k < count; k++) {
        size_t rest = k, place = 0;
        for (axis = axes; axis-- > 0; rest /= lengths[axis])
            place += rest % lengths[axis] * steps[axis];
        out[k] = in[place];
    }
}
""",
    "copy": """
static void wl_copy_@K(const @T *in, size_t rows, size_t count, size_t stride, @R *restrict out)
{
    size_t row, k;
    for (row = 0; row < rows; row++)
        for (k = 0; k < count; k++)
            out[row * stride + k] = (@R)in[row * count + k];
}
""",
    "add": """
static void wl_add_@K(const @T *in, size_t count, @S *restrict sums)
{
    size_t k;
    for (k = 0; k < count; k++)
        sums[k] += (@S)in[k];
}
""",
    "scale": """
static void wl_scale_@K(const @T *in, size_t count, const @S *factor, const @S *offset, size_t period, @S *restrict out)
{
    size_t k, place = 0;
    for (k = 0; k < count; k++) {
        const @S product = (@S)in[k] * factor[place];
        out[k] = product + offset[place];
        if (++place == period)
            place = 0;
    }
}
""",
    "relu": """
static void wl_relu_@K(const @T *in, size_t count, @S *restrict out)
{
    size_t k;
    for (k = 0; k < count; k++)
        out[k] = in[k] > 0 ? (@S)in[k] : 0;
}
""",
}
