/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/vresize.h - one axis of interpolation, included once per type with T and
 * the names LINES, ACROSS, ALONG defined. */

/* A line of `inner` neighbours, all with the same taps. */
static void ACROSS(const qn_resize_axis *a, int64_t i, int64_t inner, const T *x, T *y)
{
    const int64_t *index = a->index + i * a->taps;
    const double *coef = a->coef + i * a->taps;
    if (a->taps == 2) {
        const T *p = x + index[0] * inner, *q = x + index[1] * inner;
        T c = (T)coef[0], d = (T)coef[1];
        for (int64_t j = 0; j < inner; j++)
            y[j] = c * p[j] + d * q[j];
        return;
    }
    for (int64_t j = 0; j < inner; j++)
        y[j] = 0;
    for (int64_t t = 0; t < a->taps; t++) {
        const T *p = x + index[t] * inner;
        T c = (T)coef[t];
        if (c == 0) continue; /* keeps an infinity that has no weight out */
        for (int64_t j = 0; j < inner; j++)
            y[j] += c * p[j];
    }
}

/* A whole row along the axis itself. */
static void ALONG(const qn_resize_axis *a, T outside, const T *x, T *y)
{
    const int64_t *index = a->index;
    const double *coef = a->coef;
    for (int64_t i = 0; i < a->out; i++, index += a->taps, coef += a->taps) {
        T sum = 0;
        if (index[0] < 0)
            sum = outside;
        else if (a->taps == 2)
            sum = (T)coef[0] * x[index[0]] + (T)coef[1] * x[index[1]];
        else
            for (int64_t t = 0; t < a->taps; t++)
                sum += coef[t] == 0 ? 0 : (T)coef[t] * x[index[t]];
        y[i] = sum;
    }
}

void LINES(const qn_resize_axis *a, int64_t inner, T outside, const T *x, T *y,
           int64_t begin, int64_t end)
{
    for (int64_t n = begin; n < end; n++) {
        if (inner == 1) {
            ALONG(a, outside, x + n * a->in, y + n * a->out);
            continue;
        }
        int64_t outer = n / a->out, i = n % a->out;
        T *to = y + n * inner;
        if (a->index[i * a->taps] >= 0)
            ACROSS(a, i, inner, x + outer * a->in * inner, to);
        else
            for (int64_t j = 0; j < inner; j++)
                to[j] = outside;
    }
}
