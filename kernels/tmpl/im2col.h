/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/im2col.h - unfolding, included once per type with IM2COL (the name),
 * FROM and TO (the types), VALUE(v) (FROM to TO) and ZERO_ARG (a further parameter)
 * defined. Runs along the last axis; all other axes are an odometer, so any rank is one
 * code. */

void IM2COL(const qn_window *w, const qn_cols *part, const FROM *x ZERO_ARG, TO *cols)
{
    int last = w->rank - 1;
    int64_t taps = qn_window_product(w->kernel, w->rank);
    int64_t plane = qn_window_product(w->in, w->rank);
    int64_t step = w->stride[last], width = w->out[last];
    for (int64_t r = part->row0; r < part->row1; r++, cols += part->ld) {
        int64_t tap[QN_MAX_SPATIAL], at[QN_MAX_SPATIAL], from, to;
        const FROM *image = x + r / taps * plane;
        qn_window_unflatten(r % taps, w->rank, w->kernel, tap);
        qn_window_unflatten(part->col0, w->rank, w->out, at);
        qn_window_outs(w, last, tap[last], &from, &to);
        int64_t shift = tap[last] * w->dilation[last] - w->begin[last];
        for (int64_t c = part->col0; c < part->col1;) {
            int64_t o0 = at[last], o1 = width;
            if (o1 - o0 > part->col1 - c) o1 = o0 + part->col1 - c;
            int64_t row = 0;
            bool inside = true;
            for (int d = 0; d < last; d++) {
                int64_t i =
                    at[d] * w->stride[d] + tap[d] * w->dilation[d] - w->begin[d];
                inside = inside && i >= 0 && i < w->in[d];
                row = row * w->in[d] + i;
            }
            TO *out = cols + (c - part->col0) - o0; /* out[o], o0 <= o < o1 */
            int64_t a = inside && from > o0 ? from : o0,
                    b = inside && to < o1 ? to : o1;
            if (!inside || a > o1) a = o1;
            if (!inside || b < a) b = a;
            for (int64_t o = o0; o < a; o++)
                out[o] = 0;
            if (a < b) {
                const FROM *in = image + row * w->in[last] + a * step + shift;
                if (step == 1)
                    for (int64_t o = 0; o < b - a; o++)
                        out[a + o] = VALUE(in[o]);
                else
                    for (int64_t o = 0; o < b - a; o++)
                        out[a + o] = VALUE(in[o * step]);
            }
            for (int64_t o = b; o < o1; o++)
                out[o] = 0;
            c += o1 - o0;
            at[last] = 0;
            qn_window_next(last, w->out, at);
        }
    }
}
