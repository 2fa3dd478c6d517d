/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/vscan.h - running sums and products along the middle axis of [outer][n]
 * [inner], included once per element type with T and SCAN (the name) defined.  x and y
 * may be the same memory unless the scan is exclusive. */

void SCAN(const qn_scan_shape *s, const void *from, void *to)
{
    int64_t step = s->reverse ? -s->inner : s->inner;
    for (int64_t o = 0; o < s->outer; o++) {
        int64_t first = (o * s->n + (s->reverse ? s->n - 1 : 0)) * s->inner;
        const T *x = (const T *)from + first;
        T *y = (T *)to + first;
        for (int64_t k = 0; k < s->n; k++, x += step, y += step)
            for (int64_t j = 0; j < s->inner; j++) {
                const T add = s->exclusive ? (k ? x[j - step] : (T)s->product) : x[j];
                if (k == 0)
                    y[j] = add;
                else
                    y[j] = s->product ? y[j - step] * add : y[j - step] + add;
            }
    }
}

#undef T
#undef SCAN
