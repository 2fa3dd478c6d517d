/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/bias.h - Y = alpha Y + beta C with C broadcast, once per SUF. */
#define T QN_OF(t)

void QN_OF(bias)(qn_bias p, double alpha, T *y, double beta, const T *c)
{
    for (int64_t i = 0; i < p.m; i++) {
        T *yi = y + i * p.n;
        const T *ci = c ? c + i * p.row : NULL;
        for (int64_t j = 0; j < p.n; j++) {
            const T add = ci ? ci[j * p.col] : 0;
            if (alpha == 0)
                yi[j] = beta == 1 ? add : QN_OF(narrow)(beta * (double)add);
            else if (alpha == 1 && beta == 1)
                yi[j] = (T)((QN_OF(acc))yi[j] + (QN_OF(acc))add);
            else
                yi[j] = QN_OF(narrow)(alpha * (double)yi[j] + beta * (double)add);
        }
    }
}
#undef T
#undef SUF
