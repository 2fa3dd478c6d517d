/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/vloss.h - losses and optimizer steps for SUF f32 or f64; sums and steps
 * are computed in double. */
#define T QN_OF(t)

void QN_OF(nll)(const qn_nll *p, const T *logp, const T *weight, T *loss)
{
    double sum = 0, mass = 0;
    for (int64_t i = 0; i < p->n; i++)
        for (int64_t r = 0; r < p->rest; r++) {
            const int64_t at = i * p->rest + r;
            const int64_t label = p->wide ? ((const int64_t *)p->label)[at]
                                          : ((const int32_t *)p->label)[at];
            const bool counts = !p->has_ignored || label != p->ignored;
            const double w = !counts ? 0 : weight ? (double)weight[label] : 1;
            const double one =
                counts ? -w * (double)logp[(i * p->classes + label) * p->rest + r] : 0;
            if (p->reduction == QN_LOSS_NONE) loss[at] = (T)one;
            sum += one;
            mass += w;
        }
    if (p->reduction == QN_LOSS_SUM) loss[0] = (T)sum;
    if (p->reduction == QN_LOSS_MEAN) loss[0] = (T)(sum / mass);
}

void QN_OF(adagrad)(const qn_adagrad *p, int64_t n, const T *x, const T *g, const T *h,
                    T *new_x, T *new_h)
{
    for (int64_t i = 0; i < n; i++) {
        const double xi = (double)x[i], grad = p->decay * xi + (double)g[i];
        const double hi = (double)h[i] + grad * grad;
        new_h[i] = (T)hi;
        new_x[i] = (T)(xi - p->rate * grad / (sqrt(hi) + p->epsilon));
    }
}

void QN_OF(adam)(const qn_adam *p, int64_t n, const T *x, const T *g, const T *v,
                 const T *h, T *new_x, T *new_v, T *new_h)
{
    for (int64_t i = 0; i < n; i++) {
        const double xi = (double)x[i], grad = p->decay * xi + (double)g[i];
        const double vi = p->alpha * (double)v[i] + (1 - p->alpha) * grad;
        const double hi = p->beta * (double)h[i] + (1 - p->beta) * grad * grad;
        const double step = p->rate * vi / (sqrt(hi) + p->epsilon);
        new_v[i] = (T)vi;
        new_h[i] = (T)hi;
        new_x[i] = (T)((1 - p->decay_post) * (xi - step));
    }
}

void QN_OF(momentum)(const qn_momentum *p, int64_t n, const T *x, const T *g,
                     const T *v, T *new_x, T *new_v)
{
    for (int64_t i = 0; i < n; i++) {
        const double xi = (double)x[i], grad = p->decay * xi + (double)g[i];
        const double vi = p->alpha * (double)v[i] + p->beta * grad;
        new_v[i] = (T)vi;
        new_x[i] = (T)(xi - p->rate * (p->nesterov ? grad + p->alpha * vi : vi));
    }
}
#undef T
#undef SUF
