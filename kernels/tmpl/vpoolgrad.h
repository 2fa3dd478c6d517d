/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/vpoolgrad.h - the way back through pooling of a plane, included once per
 * type with T and V(name), an exported name of that type, defined. */

void V(maxpool_grad)(const qn_window *w, const T *x, const T *y, const T *dy, T *dx)
{
    int last = w->rank - 1;
    int64_t at[QN_MAX_SPATIAL] = {0}, n = qn_window_product(w->out, w->rank);
    for (int64_t i = 0, all = qn_window_product(w->in, w->rank); i < all; i++)
        dx[i] = 0;
    for (int64_t o = 0; o < n; o++) {
        qn_rows rows;
        int64_t a, b, r;
        bool found = false;
        qn_rows_start(&rows, w, at);
        qn_window_taps(w, last, at[last], 0, w->in[last], &a, &b);
        int64_t start = at[last] * w->stride[last] - w->begin[last];
        while (!found && qn_rows_next(&rows, w, &r))
            for (int64_t k = a; k < b && !found; k++) {
                int64_t i = r * w->in[last] + start + k * w->dilation[last];
                found = x[i] == y[o] || (IS_NAN(x[i]) && IS_NAN(y[o]));
                if (found) dx[i] += dy[o];
            }
        qn_window_next(w->rank, w->out, at);
    }
}

void V(meanpool_grad)(const qn_window *w, bool count_pad, const T *dy, T *dx)
{
    int last = w->rank - 1;
    int64_t at[QN_MAX_SPATIAL] = {0}, n = qn_window_product(w->out, w->rank);
    for (int64_t i = 0, all = qn_window_product(w->in, w->rank); i < all; i++)
        dx[i] = 0;
    for (int64_t o = 0; o < n; o++, qn_window_next(w->rank, w->out, at)) {
        qn_rows rows;
        int64_t a, b, from, to, count = 1, low, high, r;
        for (int d = 0; d < w->rank; d++) {
            low = count_pad ? -w->begin[d] : 0;
            high = w->in[d] + (count_pad ? w->end[d] : 0);
            qn_window_taps(w, d, at[d], low, high, &from, &to);
            count *= to - from;
        }
        if (count == 0) continue;
        T part = dy[o] / (T)count;
        qn_rows_start(&rows, w, at);
        qn_window_taps(w, last, at[last], 0, w->in[last], &a, &b);
        int64_t start = at[last] * w->stride[last] - w->begin[last];
        while (qn_rows_next(&rows, w, &r))
            for (int64_t k = a; k < b; k++)
                dx[r * w->in[last] + start + k * w->dilation[last]] += part;
    }
}

void V(mean_grad)(T dy, T *dx, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        dx[i] = dy / (T)n;
}

void V(greatest_grad)(const T *x, T y, T dy, T *dx, int64_t n)
{
    bool found = false;
    for (int64_t i = 0; i < n; i++) {
        bool here = !found && (x[i] == y || (IS_NAN(x[i]) && IS_NAN(y)));
        dx[i] = here ? dy : 0;
        found = found || here;
    }
}
