/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/vpermute.h - strided to dense for elements of one size; T and PERMUTE
 * are defined by the includer. */

void PERMUTE(int rank, const int64_t *dim, const int64_t *step, const void *x, void *y)
{
    const T *from = x;
    T *to = y;
    int64_t at[QN_EINSUM_DIMS] = {0}, rows = 1;
    const int64_t n = rank > 0 ? dim[rank - 1] : 1, s = rank > 0 ? step[rank - 1] : 1;
    for (int d = 0; d < rank - 1; d++)
        rows *= dim[d];
    for (int64_t r = 0; r < rows; r++, to += n) {
        for (int64_t j = 0; j < n; j++)
            to[j] = from[j * s];
        for (int d = rank - 2; d >= 0; d--) {
            from += step[d];
            if (++at[d] < dim[d]) break;
            from -= step[d] * dim[d];
            at[d] = 0;
        }
    }
}
