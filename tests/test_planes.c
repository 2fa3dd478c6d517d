/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_planes.c - blocked tensors with sentinels where a kernel has no business.
 */
#include "tests/planes.h"

#include <math.h>

static const float sentinel = 7.25f;

void qn_reset_plane(const qn_test_plane *plane)
{
    for (int64_t i = 0; i < plane->n * plane->p.image; i++)
        plane->buffer[i] = sentinel;
}

qn_test_plane qn_make_plane(qn_test *t, const float *plain, const int *dims, int halo)
{
    qn_test_plane plane = {.n = dims[0]};
    qn_plane8c *p = &plane.p;
    qn_plane8c_shape(p, dims[1], dims[2], dims[3], halo, &plane.origin);
    plane.buffer = qn_exact(t, (size_t)(plane.n * p->image) * sizeof *plane.buffer);
    p->data = plane.buffer + plane.origin;
    qn_reset_plane(&plane);
    if (!plain) return plane;
    for (int64_t i = 0; i < plane.n * p->image; i++)
        plane.buffer[i] = 0;
    for (int64_t i = 0; i < plane.n; i++)
        for (int64_t c = 0; c < p->c; c++)
            for (int64_t r = 0; r < p->h; r++)
                for (int64_t x = 0; x < p->w; x++)
                    p->data[i * p->image + c / 8 * p->plane + r * p->row + x * 8 +
                            c % 8] = *plain++;
    return plane;
}

void qn_check_plane(qn_test *t, const qn_test_plane *plane, const double *want,
                    const double *tol)
{
    const qn_plane8c *p = &plane->p;
    int64_t bad_halo = 0, bad_tail = 0, bad = 0, inside = 0;
    for (int64_t e = 0; e < plane->n * p->image; e++) {
        int64_t n = e / p->image, b = e % p->image / p->plane, lane = e % 8;
        int64_t at = e % p->image % p->plane - plane->origin;
        int64_t row = at < 0 ? -1 : at / p->row, col = at < 0 ? -1 : at % p->row / 8;
        double got = (double)plane->buffer[e];
        if (row < 0 || row >= p->h || col >= p->w) {
            bad_halo += got != (double)sentinel;
            continue;
        }
        inside++;
        if (b * 8 + lane >= p->c) {
            bad_tail += got != 0;
            continue;
        }
        int64_t i = ((n * p->c + b * 8 + lane) * p->h + row) * p->w + col;
        bool ok = fabs(got - want[i]) <= tol[i] || (isnan(got) && isnan(want[i])) ||
                  (isinf(got) && got == want[i]);
        if (!ok && bad++ == 0) CHECK_WITHIN(t, got, want[i], tol[i]);
    }
    CHECK_EQ(t, bad, 0);
    CHECK_EQ(t, bad_halo, 0);
    CHECK_EQ(t, bad_tail, 0);
    CHECK_EQ(t, inside, plane->n * qn_blocks8c(p->c) * p->h * p->w * 8);
}

double qn_exact_act(const qn_act *a, double x)
{
    switch (a->kind) {
    case QN_ACT_RELU:
        return x > 0 ? x : 0;
    case QN_ACT_CLIP:
        return fmin(fmax(x, (double)a->alpha), (double)a->beta);
    case QN_ACT_LEAKY_RELU:
        return x < 0 ? (double)a->alpha * x : x;
    case QN_ACT_HARD_SIGMOID:
        return fmax(0, fmin(1, (double)a->alpha * x + (double)a->beta));
    case QN_ACT_HARD_SWISH:
        return x * fmax(0, fmin(1, x / 6 + 0.5));
    case QN_ACT_SIGMOID:
        return 1 / (1 + exp(-x));
    case QN_ACT_SILU:
        return x / (1 + exp(-x));
    case QN_ACT_TANH:
        return tanh(x);
    case QN_ACT_GELU:
        return x / 2 * (1 + erf(x / sqrt(2)));
    default:
        return x;
    }
}
