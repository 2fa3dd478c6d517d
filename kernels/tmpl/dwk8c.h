/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/dwk8c.h - DW_N neighbouring outputs of a depthwise convolution, one
 * block of channels: the weights of one kernel row and the accumulators stay in
 * registers, and an input is loaded once for all outputs it belongs to.  Included once
 * per DW_N, DW_K (kernel width) and DW_S (stride). */
static void DW_FN(DW_K, DW_S, DW_N)(const qn_dwk8c *a, const float *x, const float *add,
                                    float *y)
{
    qn_v8 sum[DW_N], w[DW_K];
#pragma GCC unroll 8
    for (int i = 0; i < DW_N; i++)
        sum[i] = a->bias;
    const float *weight = a->weight;
    for (int64_t ky = 0; ky < a->rows; ky++, x += a->row, weight += 8 * DW_K) {
#pragma GCC unroll 8
        for (int k = 0; k < DW_K; k++)
            w[k] = qn_load8(weight + 8 * k);
#pragma GCC unroll 32
        for (int j = 0; j < (DW_N - 1) * DW_S + DW_K; j++) {
            const qn_v8 v = qn_load8(x + 8 * j);
#pragma GCC unroll 8
            for (int i = 0; i < DW_N; i++)
                if (j >= i * DW_S && j - i * DW_S < DW_K)
                    sum[i] = qn_fma8(v, w[j - i * DW_S], sum[i]);
        }
    }
    if (add)
#pragma GCC unroll 8
        for (int i = 0; i < DW_N; i++)
            sum[i] = qn_add8(sum[i], qn_load8(add + a->y_step * i));
    if (a->bounds.has_lo)
#pragma GCC unroll 8
        for (int i = 0; i < DW_N; i++)
            sum[i] = qn_max8(qn_set8(a->bounds.lo), sum[i]);
    if (a->bounds.has_hi)
#pragma GCC unroll 8
        for (int i = 0; i < DW_N; i++)
            sum[i] = qn_min8(qn_set8(a->bounds.hi), sum[i]);
    if (a->hard_swish)
#pragma GCC unroll 8
        for (int i = 0; i < DW_N; i++)
            sum[i] = qn_hard_swish8(sum[i]);
#pragma GCC unroll 8
    for (int i = 0; i < DW_N; i++)
        qn_store8(y + a->y_step * i, sum[i]);
}
#undef DW_N
