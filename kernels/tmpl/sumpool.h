/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/sumpool.h - means and Lp norms of windows and planes, included once per
 * type with T, MATH(f) (the libc name for T) and the names SUMPOOL, POWERS, ROOT, MEAN,
 * GREATEST, LPNORM defined. */

/* to[i] (+)= |from[i]|^p, or from[i] itself for a mean (p 0). */
static void POWERS(int64_t p, int64_t n, const T *from, bool first, T *to)
{
    for (int64_t i = 0; i < n && first; i++)
        to[i] = 0;
    if (p == 0)
        for (int64_t i = 0; i < n; i++)
            to[i] += from[i];
    else if (p == 1)
        for (int64_t i = 0; i < n; i++)
            to[i] += MATH(fabs)(from[i]);
    else if (p == 2)
        for (int64_t i = 0; i < n; i++)
            to[i] += from[i] * from[i];
    else
        for (int64_t i = 0; i < n; i++)
            to[i] += MATH(pow)(MATH(fabs)(from[i]), (T)p);
}

static T ROOT(int64_t p, T sum)
{
    return p == 1 ? sum : p == 2 ? MATH(sqrt)(sum) : MATH(pow)(sum, 1 / (T)p);
}

void SUMPOOL(const qn_window *w, const qn_pool_sum *how, const T *x, T *y, T *row)
{
    int last = w->rank - 1;
    int64_t width = w->in[last], step = w->stride[last], at[QN_MAX_SPATIAL] = {0};
    int64_t outer = qn_window_product(w->out, last), tap0, tap1;
    qn_window_reach(w, last, &tap0, &tap1);
    for (int64_t n = 0; n < outer; n++, y += w->out[last]) {
        qn_rows rows;
        qn_rows_start(&rows, w, at);
        int64_t n_rows = 0;
        for (int64_t r; qn_rows_next(&rows, w, &r); n_rows++)
            POWERS(how->p, width, x + r * width, n_rows == 0, row);
        for (int64_t o = 0; o < w->out[last]; o++)
            y[o] = 0;
        for (int64_t k = tap0; k < tap1 && n_rows > 0; k++) {
            int64_t a, b, shift = k * w->dilation[last] - w->begin[last];
            qn_window_outs(w, last, k, &a, &b);
            for (int64_t o = a; o < b; o++)
                y[o] += row[o * step + shift];
        }
        int64_t area = how->count_pad ? qn_rows_padded(w, at) : n_rows;
        for (int64_t o = 0; o < w->out[last]; o++) {
            int64_t a, b, low = how->count_pad ? -w->begin[last] : 0;
            int64_t high = width + (how->count_pad ? w->end[last] : 0);
            if (how->p > 0) {
                y[o] = ROOT(how->p, y[o]);
                continue;
            }
            qn_window_taps(w, last, o, low, high, &a, &b);
            if (area * (b - a) > 0) y[o] /= (T)(area * (b - a));
        }
        qn_window_next(last, w->out, at);
    }
}

T MEAN(const T *x, int64_t n)
{
    double lane[8] = {0}, sum = 0;
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int64_t j = 0; j < 8; j++)
            lane[j] += (double)x[i + j];
    for (; i < n; i++)
        sum += (double)x[i];
    for (int j = 0; j < 8; j++)
        sum += lane[j];
    return (T)(sum / (double)n);
}

T GREATEST(const T *x, int64_t n)
{
    T m = -(T)INFINITY;
    for (int64_t i = 0; i < n; i++)
        m = x[i] > m || x[i] != x[i] ? x[i] : m;
    return m;
}

T LPNORM(const T *x, int64_t n, int64_t p)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        double v = fabs((double)x[i]);
        sum += p == 1 ? v : p == 2 ? v * v : pow(v, (double)p);
    }
    return (T)(p == 1 ? sum : p == 2 ? sqrt(sum) : pow(sum, 1 / (double)p));
}
