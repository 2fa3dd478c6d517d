/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/veinsum.h - sum of products for one SUF; offsets follow an odometer. */
#define T QN_OF(t)

static QN_OF(acc)
    QN_OF(einsum_sum)(const qn_einsum *e, const T *const *in, const int64_t *start)
{
    QN_OF(acc) sum = 0;
    for (int64_t t = 0; t < e->terms; t++) {
        QN_OF(acc) product = 1;
        for (int i = 0; i < e->n_in; i++) {
            int64_t at = start[i], rest = t;
            for (int d = e->n_out + e->n_sum - 1; d >= e->n_out && rest > 0; d--) {
                at += rest % e->size[d] * e->step[i * QN_EINSUM_DIMS + d];
                rest /= e->size[d];
            }
            product *= (QN_OF(acc))in[i][at];
        }
        sum += product;
    }
    return sum;
}

void QN_OF(einsum)(const qn_einsum *e, const void *const *in, T *y, int64_t begin,
                   int64_t end)
{
    int64_t start[QN_EINSUM_DIMS];
    for (int64_t o = begin; o < end; o++) {
        for (int i = 0; i < e->n_in; i++) {
            int64_t rest = o;
            start[i] = 0;
            for (int d = e->n_out - 1; d >= 0; d--) {
                start[i] += rest % e->size[d] * e->step[i * QN_EINSUM_DIMS + d];
                rest /= e->size[d];
            }
        }
        y[o] = (T)QN_OF(einsum_sum)(e, (const T *const *)in, start);
    }
}
#undef T
#undef SUF
