/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/widen.h - 8-bit integers to int32 minus a zero point, and back by a
 * scale; included once per element type with T, LEAST, MOST, WIDEN and RESCALE defined.
 */

void WIDEN(int64_t m, int64_t n, const T *x, qn_zero zero, int32_t *y)
{
    static const T none = 0;
    const T *z = zero.v ? zero.v : &none;
    const int64_t row = zero.v ? zero.row : 0, col = zero.v ? zero.col : 0;
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++)
            y[i * n + j] = (int32_t)x[i * n + j] - (int32_t)z[i * row + j * col];
}

void RESCALE(int64_t n, const int32_t *x, const qn_rescale *s, T *y)
{
    for (int64_t j = 0; j < n; j++) {
        const float scale = s->a * s->b[j * s->b_step] / s->y;
        const double v = rint((double)x[j] * (double)scale) + s->zero;
        y[j] = (T)(v > MOST ? MOST : v > LEAST ? v : LEAST); /* NaN: the least */
    }
}
