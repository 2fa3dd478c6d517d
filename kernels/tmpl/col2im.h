/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/col2im.h - folding columns back, included once per type with T and
 * COL2IM (the name) defined.  The mirror of im2col.h: a sum where that copies. */

void COL2IM(const qn_window *w, const T *cols, T *image)
{
    int last = w->rank - 1;
    int64_t step = w->stride[last], outer = qn_window_product(w->out, last);
    int64_t tap[QN_MAX_SPATIAL] = {0};
    do {
        int64_t at[QN_MAX_SPATIAL] = {0}, from, to;
        qn_window_outs(w, last, tap[last], &from, &to);
        int64_t shift = tap[last] * w->dilation[last] - w->begin[last];
        for (int64_t c = 0; c < outer; c++, cols += w->out[last]) {
            int64_t row = 0;
            bool inside = true;
            for (int d = 0; d < last; d++) {
                int64_t i =
                    at[d] * w->stride[d] + tap[d] * w->dilation[d] - w->begin[d];
                inside = inside && i >= 0 && i < w->in[d];
                row = row * w->in[d] + i;
            }
            if (inside) {
                T *line = image + row * w->in[last];
                for (int64_t o = from; o < to; o++)
                    line[o * step + shift] = (T)(line[o * step + shift] + cols[o]);
            }
            qn_window_next(last, w->out, at);
        }
    } while (qn_window_next(w->rank, w->kernel, tap));
}
