/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/dg8c.h - DG_R rows of DG_K taps of one block of a depthwise filter's
 * gradient, over an image: DG_P pixels at a time, each with sums of its own, so that
 * there are enough of them to keep the pipelines busy.  Included once per size. */
static void DG_FN(const qn_dg8c *a, const float *x, float *sum)
{
    qn_v8 acc[DG_P][DG_R * DG_K];
#pragma GCC unroll 16
    for (int i = 0; i < DG_P * DG_R * DG_K; i++)
        acc[i / (DG_R * DG_K)][i % (DG_R * DG_K)] = qn_zero8();
    for (int64_t r = 0; r < a->h; r++) {
        const float *dy = a->dy + r * a->dy_row, *from = x + r * a->x_row;
        int64_t left = a->w;
        for (; left >= DG_P; left -= DG_P, dy += 8 * DG_P, from += DG_P * a->x_col)
#pragma GCC unroll 4
            for (int p = 0; p < DG_P; p++) {
                const qn_v8 d = qn_load8(dy + 8 * p);
#pragma GCC unroll 9
                for (int k = 0; k < DG_R * DG_K; k++)
                    acc[p][k] = qn_fma8(d,
                                        qn_load8(from + p * a->x_col +
                                                 k / DG_K * a->tap_row + k % DG_K * 8),
                                        acc[p][k]);
            }
        for (; left > 0; left--, dy += 8, from += a->x_col) {
            const qn_v8 d = qn_load8(dy);
#pragma GCC unroll 9
            for (int k = 0; k < DG_R * DG_K; k++)
                acc[0][k] =
                    qn_fma8(d, qn_load8(from + k / DG_K * a->tap_row + k % DG_K * 8),
                            acc[0][k]);
        }
    }
#pragma GCC unroll 9
    for (int k = 0; k < DG_R * DG_K; k++) {
        qn_v8 all = acc[0][k];
#pragma GCC unroll 4
        for (int p = 1; p < DG_P; p++)
            all = qn_add8(all, acc[p][k]);
        qn_store8(sum + 8 * k, qn_add8(qn_load8(sum + 8 * k), all));
    }
}
#undef DG_K
#undef DG_R
#undef DG_P
