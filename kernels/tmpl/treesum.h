/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/treesum.h - the sum of rows in pairs, included once per type with T and
 * TREE_SUM (the name) defined. */
void TREE_SUM(int64_t rows, int64_t ld, T *x, int64_t n, T *y)
{
    for (int64_t step = 1; step < rows; step *= 2)
        for (int64_t r = 0; r + step < rows; r += 2 * step) {
            T *to = x + r * ld;
            const T *from = to + step * ld;
            for (int64_t i = 0; i < n; i++)
                to[i] += from[i];
        }
    for (int64_t i = 0; i < n; i++)
        y[i] = x[i];
}
