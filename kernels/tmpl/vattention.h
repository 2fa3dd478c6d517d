/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/vattention.h - rows of attention scores for SUF f32 or f64. */
#define T QN_OF(t)

void QN_OF(softcap)(int64_t n, double cap, T *s)
{
    const T c = (T)cap;
    for (int64_t i = 0; i < n; i++)
        s[i] = c * QN_OF(tanh)(s[i] / c);
}

void QN_OF(attention_bias)(int64_t n, const double *bias, T *s)
{
    for (int64_t i = 0; i < n; i++)
        s[i] = bias[i] == -(double)INFINITY ? (T)-INFINITY : s[i] + (T)bias[i];
}

void QN_OF(attention_row)(int64_t n, const double *bias, T *s)
{
    bool open = !bias, alive = false;
    for (int64_t i = 0; bias && i < n; i++)
        open |= bias[i] != -(double)INFINITY;
    for (int64_t i = 0; i < n; i++)
        alive |= s[i] != (T)-INFINITY;
    if (open && alive)
        QN_OF(softmax)(QN_SOFTMAX, n, 1, s, s, 0, 1);
    else
        memset(s, 0, (size_t)n * sizeof *s);
}

void QN_OF(rotate)(const qn_rotary *p, const T *x, const T *cosine, const T *sine, T *y)
{
    const int64_t step = p->interleaved ? 2 : 1, apart = p->interleaved ? 1 : p->half;
    for (int64_t i = 0; i < p->half; i++) {
        const T a = x[i * step], b = x[i * step + apart];
        y[i * step] = cosine[i] * a - sine[i] * b;
        y[i * step + apart] = sine[i] * a + cosine[i] * b;
    }
    const int64_t rest = p->size - 2 * p->half;
    memcpy(y + 2 * p->half, x + 2 * p->half, (size_t)rest * sizeof *y);
}
#undef T
#undef SUF
