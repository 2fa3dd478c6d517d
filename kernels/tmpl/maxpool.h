/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/maxpool.h - largest of a window, included once per type with T, LOWEST,
 * IS_NAN(v) and the names MAXPOOL, MAXPOOL_INDEX, GREATER, MAX_OF, MAX_INTO defined. */

/* Whether v takes the place of m: the larger, and the first NaN for good. */
static inline bool GREATER(T v, T m)
{
    return v > m || (IS_NAN(v) && !IS_NAN(m));
}

static void MAX_OF(int64_t n, const T *restrict a, const T *restrict b, T *restrict to)
{
    for (int64_t i = 0; i < n; i++)
        to[i] = b[i] > a[i] || IS_NAN(b[i]) ? b[i] : a[i];
}

/* to[i] = the larger of to[i] and from[i*step]. */
static void MAX_INTO(int64_t n, int64_t step, const T *restrict from, T *restrict to)
{
    if (step == 1)
        for (int64_t i = 0; i < n; i++)
            to[i] = from[i] > to[i] || IS_NAN(from[i]) ? from[i] : to[i];
    else if (step == 2)
        for (int64_t i = 0; i < n; i++)
            to[i] = from[2 * i] > to[i] || IS_NAN(from[2 * i]) ? from[2 * i] : to[i];
    else
        for (int64_t i = 0; i < n; i++)
            to[i] = GREATER(from[i * step], to[i]) ? from[i * step] : to[i];
}

void MAXPOOL(const qn_window *w, const T *x, T *y, T *row)
{
    int last = w->rank - 1;
    int64_t width = w->in[last], step = w->stride[last], at[QN_MAX_SPATIAL] = {0};
    int64_t outer = qn_window_product(w->out, last), tap0, tap1;
    qn_window_reach(w, last, &tap0, &tap1);
    for (int64_t n = 0; n < outer; n++, y += w->out[last]) {
        qn_rows rows;
        const T *from = row;
        qn_rows_start(&rows, w, at);
        int64_t n_rows = 0;
        for (int64_t r; qn_rows_next(&rows, w, &r); n_rows++) {
            const T *line = x + r * width;
            if (n_rows == 0) {
                from = line;
                continue;
            }
            if (n_rows == 1)
                MAX_OF(width, from, line, row);
            else
                MAX_INTO(width, 1, line, row);
            from = row;
        }
        for (int64_t o = 0; o < w->out[last]; o++)
            y[o] = LOWEST;
        for (int64_t k = tap0; k < tap1 && n_rows > 0; k++) {
            int64_t a, b, shift = k * w->dilation[last] - w->begin[last];
            qn_window_outs(w, last, k, &a, &b);
            if (a < b) MAX_INTO(b - a, step, from + shift + a * step, y + a);
        }
        qn_window_next(last, w->out, at);
    }
}

void MAXPOOL_INDEX(const qn_window *w, const T *x, T *y, const qn_pool_index *to)
{
    int last = w->rank - 1;
    int64_t at[QN_MAX_SPATIAL] = {0}, n = qn_window_product(w->out, w->rank);
    for (int64_t o = 0; o < n; o++) {
        qn_rows rows;
        int64_t a, b, best = -1, best_row = 0;
        T value = LOWEST;
        qn_rows_start(&rows, w, at);
        qn_window_taps(w, last, at[last], 0, w->in[last], &a, &b);
        int64_t start = at[last] * w->stride[last] - w->begin[last];
        for (int64_t r; qn_rows_next(&rows, w, &r);)
            for (int64_t k = a; k < b; k++) {
                int64_t i = start + k * w->dilation[last];
                T v = x[r * w->in[last] + i];
                if (best >= 0 && !GREATER(v, value)) continue;
                value = v;
                best = i;
                best_row = r;
            }
        if (y) y[o] = value;
        to->index[o] = to->base - (best < 0);
        if (best >= 0) {
            int64_t where[QN_MAX_SPATIAL];
            qn_window_unflatten(best_row, last, w->in, where);
            where[last] = best;
            for (int d = 0; d < w->rank; d++)
                to->index[o] += where[d] * to->pitch[d];
        }
        qn_window_next(w->rank, w->out, at);
    }
}
