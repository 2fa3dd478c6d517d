/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/dw8c.h - DW_N neighbouring outputs of a depthwise convolution, one block
 * of channels: the weights of one kernel row and the accumulators stay in registers,
 * and an input is loaded once for all outputs it belongs to.  Included once per DW_N,
 * DW_K (kernel width) and DW_S (stride). */
static void DW_FN(DW_K, DW_S, DW_N)(const qn_dwk8c *a, const float *x, const float *add,
                                    float *y)
{
    __m256 sum[DW_N], w[DW_K];
#pragma GCC unroll 8
    for (int i = 0; i < DW_N; i++)
        sum[i] = a->bias;
    const float *weight = a->weight;
    for (int64_t ky = 0; ky < a->rows; ky++, x += a->row, weight += 8 * DW_K) {
#pragma GCC unroll 8
        for (int k = 0; k < DW_K; k++)
            w[k] = _mm256_loadu_ps(weight + 8 * k);
#pragma GCC unroll 32
        for (int j = 0; j < (DW_N - 1) * DW_S + DW_K; j++) {
            const __m256 v = _mm256_loadu_ps(x + 8 * j);
#pragma GCC unroll 8
            for (int i = 0; i < DW_N; i++)
                if (j >= i * DW_S && j - i * DW_S < DW_K)
                    sum[i] = _mm256_fmadd_ps(v, w[j - i * DW_S], sum[i]);
        }
    }
    if (add)
#pragma GCC unroll 8
        for (int i = 0; i < DW_N; i++)
            sum[i] = _mm256_add_ps(sum[i], _mm256_loadu_ps(add + 8 * i));
    if (a->bounds.has_lo)
#pragma GCC unroll 8
        for (int i = 0; i < DW_N; i++)
            sum[i] = _mm256_max_ps(qn_set8(a->bounds.lo), sum[i]);
    if (a->bounds.has_hi)
#pragma GCC unroll 8
        for (int i = 0; i < DW_N; i++)
            sum[i] = _mm256_min_ps(qn_set8(a->bounds.hi), sum[i]);
#pragma GCC unroll 8
    for (int i = 0; i < DW_N; i++)
        _mm256_storeu_ps(y + 8 * i, sum[i]);
}
#undef DW_N
