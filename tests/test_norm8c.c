/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_norm8c.c - batch normalisation of blocked tensors and the ways back
 * through it and through windows: every row of every slot against double. */
#include "tests/planes.h"

#include "kernels/elementwise.h"

#include <float.h>
#include <math.h>
#include <string.h>

static const double eps = (double)FLT_EPSILON;

typedef void any_fn(const void *what, const qn_task8c *t);

/* Calls `each` with every row of a slot that this machine can run. */
typedef void each_fn(qn_test *t, any_fn *fn, void *ctx);
static void each_row(qn_test *t, const char *slot, each_fn *each, void *ctx)
{
    int n_rows;
    const qn_kernel_row *rows = qn_kernel_rows(&n_rows);
    for (int r = 0; r < n_rows; r++) {
        if (strcmp(rows[r].slot, slot) != 0) continue;
        if ((qn_cpu_isa() & rows[r].need) != rows[r].need) continue;
        qn_note(t, "%s", rows[r].name);
        each(t, (any_fn *)rows[r].fn, ctx);
    }
}

/* All blocks of all images in parts, rows too if they may be cut. */
static void run_parts(qn_test *t, any_fn *fn, const void *what, int64_t images,
                      int64_t rows, int64_t c)
{
    for (int64_t n = 0; n < images; n++)
        for (int64_t i = 0, ei; i < (rows ? rows : 1); i = ei) {
            ei = rows ? qn_test_int(t, i + 1, rows) : 1;
            for (int64_t b = 0, eb; b < qn_blocks8c(c); b = eb) {
                eb = qn_test_int(t, b + 1, qn_blocks8c(c));
                fn(what, &(qn_task8c){n, i, ei, b, eb, NULL});
            }
        }
}

/* ---- normalisation --------------------------------------------------------------- */

typedef struct norm_case {
    int dims[4];
    qn_norm8c p;
    float *x, *dy;         /* plain */
    float *channel[5];     /* weight, bias, mean, shift, slope */
    qn_test_plane out;     /* y or dx */
    double *want, *tol;    /* of it */
    double *sums, *bounds; /* [n][c][2]: what the partial sums must be */
} norm_case;

static int plane_of(const norm_case *k)
{
    return k->dims[2] * k->dims[3];
}

static void make_case(qn_test *t, norm_case *k, const int *dims, int halo, int act)
{
    *k = (norm_case){.p.act = {(uint8_t)act, act == QN_ACT_CLIP ? -0.5f : 0.25f, 0.5f}};
    memcpy(k->dims, dims, sizeof k->dims);
    const int plane = plane_of(k), images = dims[0] * dims[1];
    const size_t n = (size_t)(images * plane), padded = (size_t)(dims[1] + 7) / 8 * 8;
    k->x = qn_random_floats(t, n);
    k->dy = qn_random_floats(t, n);
    for (int i = 0; i < 5; i++) {
        k->channel[i] = qn_exact(t, padded * sizeof(float));
        for (size_t c = 0; c < padded; c++)
            k->channel[i][c] = (int)c < dims[1] ? (float)qn_test_uniform(t, -2, 2) : 0;
    }
    k->p.weight = k->channel[0];
    k->p.bias = k->channel[1];
    k->p.mean = k->channel[2];
    k->p.shift = k->channel[3];
    k->p.slope = k->channel[4];
    k->p.x = qn_make_plane(t, k->x, dims, halo).p;
    k->p.dy = qn_make_plane(t, k->dy, dims, halo / 2).p;
    k->out = qn_make_plane(t, NULL, dims, 1);
    k->p.y = k->p.dx = k->out.p;
    k->p.sums = qn_exact(t, (size_t)dims[0] * padded * 2 * sizeof(double));
    k->want = qn_exact(t, n * sizeof(double));
    k->tol = qn_exact(t, n * sizeof(double));
    k->sums = qn_exact(t, (size_t)(2 * images) * sizeof(double));
    k->bounds = qn_exact(t, (size_t)(2 * images) * sizeof(double));
}

static void check_sums(qn_test *t, any_fn *fn, void *ctx)
{
    const norm_case *k = ctx;
    memset(k->p.sums, 0xff, (size_t)(k->dims[0] * qn_blocks8c(k->dims[1]) * 16) * 8);
    run_parts(t, fn, &k->p, k->dims[0], 0, k->dims[1]);
    for (int i = 0; i < k->dims[0] * k->dims[1]; i++) {
        const int c = i % k->dims[1];
        const double *got = qn_norm8c_sums(&k->p, i / k->dims[1], c / 8) + c % 8;
        for (int s = 0; s < 2; s++)
            CHECK_WITHIN(t, got[8 * s], k->sums[2 * i + s], k->bounds[2 * i + s]);
    }
}

static void check_out(qn_test *t, any_fn *fn, void *ctx)
{
    const norm_case *k = ctx;
    qn_reset_plane(&k->out);
    run_parts(t, fn, &k->p, k->dims[0], k->dims[2], k->dims[1]);
    qn_check_plane(t, &k->out, k->want, k->tol);
}

static const int shapes[][4] = {
    {2, 8, 7, 7}, {1, 19, 5, 3}, {3, 16, 1, 1}, {1, 3, 40, 33}, {1, 9, 2, 600}};
enum { N_SHAPES = sizeof shapes / sizeof *shapes };

/* Around a mean that is far from 0. */
static void want_moments(norm_case *k)
{
    const int plane = plane_of(k);
    for (int i = 0; i < k->dims[0] * k->dims[1]; i++) {
        double mean = 0, squares = 0;
        for (int e = 0; e < plane; e++)
            mean += (double)k->x[i * plane + e] / plane;
        for (int e = 0; e < plane; e++)
            squares += pow((double)k->x[i * plane + e] - mean, 2);
        k->sums[2 * i] = mean;
        k->bounds[2 * i] = 8 * eps;
        k->sums[2 * i + 1] = squares;
        k->bounds[2 * i + 1] = squares * (QN_NORM8C_STRETCH / 2 + 8) * eps + 1e-12;
    }
}

void test_norm8c_moments(qn_test *t)
{
    for (int s = 0; s < N_SHAPES; s++)
        for (int halo = 0; halo < 2; halo++) {
            norm_case k;
            make_case(t, &k, shapes[s], halo, QN_ACT_NONE);
            for (int e = 0; e < k.dims[0] * k.dims[1] * plane_of(&k); e++)
                k.x[e] = 100 + k.x[e];
            k.p.x = qn_make_plane(t, k.x, shapes[s], halo).p;
            want_moments(&k);
            each_row(t, "moments8c_f32", check_sums, &k);
        }
}

void test_norm8c(qn_test *t)
{
    for (int act = QN_ACT_NONE; act <= QN_ACT_GELU; act++) {
        norm_case k;
        make_case(t, &k, shapes[act % N_SHAPES], act & 1, act);
        for (int e = 0; e < k.dims[0] * k.dims[1] * plane_of(&k); e++) {
            const int c = e / plane_of(&k) % k.dims[1];
            const double y =
                (double)k.channel[0][c] * (double)k.x[e] + (double)k.channel[1][c];
            k.want[e] = qn_exact_act(&k.p.act, y);
            k.tol[e] = eps * (4 * fabs(y) + 8);
        }
        each_row(t, "norm8c_f32", check_out, &k);
    }
}

/* dy before the activation; exactly at its corners nothing is compared. */
static double before_act(const norm_case *k, int e)
{
    const qn_act *act = &k->p.act;
    const int c = e / plane_of(k) % k->dims[1];
    double y = (double)k->channel[0][c] * (double)k->x[e] + (double)k->channel[1][c];
    double g = (double)k->dy[e];
    const double with[2] = {act->kind == QN_ACT_SILU ? 1 : (double)act->alpha,
                            (double)act->beta};
    if (act->kind == QN_ACT_NONE) return g;
    const enum qn_unary_op op = (enum qn_unary_op)qn_act_function(act->kind);
    if (qn_unary_grad_from_value(op)) y = qn_exact_act(act, y);
    qn_unary_grad(op, QN_E_F64)(&g, &y, &g, 1, with);
    return g;
}

void test_norm8c_sums(qn_test *t)
{
    for (int act = QN_ACT_NONE; act <= QN_ACT_GELU; act++) {
        norm_case k;
        make_case(t, &k, shapes[(act + 3) % N_SHAPES], 2 * (act & 1), act);
        const int plane = plane_of(&k);
        for (int i = 0; i < k.dims[0] * k.dims[1]; i++)
            for (int s = 0; s < 2; s++) {
                double sum = 0, mass = 0;
                for (int e = i * plane; e < (i + 1) * plane; e++) {
                    const double g = before_act(&k, e);
                    const double off =
                        (double)k.x[e] - (double)k.channel[2][i % k.dims[1]];
                    sum += s ? g * off : g;
                    mass += fabs(s ? g * off : g) + 0.1;
                }
                k.sums[2 * i + s] = sum;
                k.bounds[2 * i + s] = 64 * eps * mass;
            }
        each_row(t, "normsums8c_f32", check_sums, &k);
    }
}

void test_norm8c_grad(qn_test *t)
{
    for (int act = QN_ACT_NONE; act <= QN_ACT_GELU; act++) {
        norm_case k;
        make_case(t, &k, shapes[(act + 1) % N_SHAPES], 2 * (act & 1), act);
        for (int e = 0; e < k.dims[0] * k.dims[1] * plane_of(&k); e++) {
            const int c = e / plane_of(&k) % k.dims[1];
            const double off = (double)k.x[e] - (double)k.channel[2][c];
            k.want[e] =
                (double)k.channel[0][c] * (before_act(&k, e) - (double)k.channel[3][c] -
                                           off * (double)k.channel[4][c]);
            k.tol[e] = 64 * eps;
        }
        each_row(t, "normgrad8c_f32", check_out, &k);
    }
}

/* ---- windows --------------------------------------------------------------------- */

typedef struct window_case {
    qn_poolgrad8c p;
    qn_test_plane dx;
    double *want, *tol;
} window_case;

typedef struct window_spec {
    int c, h, w, kernel, stride, dilation, pad, end;
    bool mean, count_pad;
} window_spec;

static void check_windows(qn_test *t, any_fn *fn, void *ctx)
{
    const window_case *k = ctx;
    qn_reset_plane(&k->dx);
    run_parts(t, fn, &k->p, 2, 0, k->p.dx.c);
    qn_check_plane(t, &k->dx, k->want, k->tol);
}

/* One output: who gets how much. */
static void give(const window_spec *s, const float *x, double dy, int row, int col,
                 double *dx)
{
    int best = -1, n = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int k = 0; k < s->kernel * s->kernel; k++) {
            int r = row * s->stride + k / s->kernel * s->dilation - s->pad;
            int c = col * s->stride + k % s->kernel * s->dilation - s->pad;
            bool inside = r >= 0 && r < s->h && c >= 0 && c < s->w;
            if (pass == 0)
                n += inside || (s->count_pad && r < s->h + s->end && c < s->w + s->end);
            if (!inside) continue;
            if (pass == 0 && (best < 0 || x[r * s->w + c] > x[best]))
                best = r * s->w + c;
            if (pass == 1 && s->mean) dx[r * s->w + c] += dy / n;
        }
    if (!s->mean && best >= 0) dx[best] += dy;
}

static void check_spec(qn_test *t, const window_spec *s)
{
    int reach = (s->kernel - 1) * s->dilation + 1;
    int oh = (s->h + s->pad + s->end - reach) / s->stride + 1;
    int ow = (s->w + s->pad + s->end - reach) / s->stride + 1;
    const int in[] = {2, s->c, s->h, s->w}, out[] = {2, s->c, oh, ow};
    const size_t n = (size_t)(2 * s->c * s->h * s->w), m = (size_t)(2 * s->c * oh * ow);
    float *x = qn_random_floats(t, n), *dy = qn_random_floats(t, m);
    for (size_t e = 0; e < n; e++)
        x[e] = floorf(x[e] * 4); /* ties */
    window_case k = {.dx = qn_make_plane(t, NULL, in, 1)};
    qn_test_plane y = qn_make_plane(t, NULL, out, 1);
    k.p.pool = (qn_pool8c){.x = qn_make_plane(t, x, in, 2).p,
                           .y = y.p,
                           .kernel = {s->kernel, s->kernel},
                           .stride = {s->stride, s->stride},
                           .dilation = {s->dilation, s->dilation},
                           .pad = {s->pad, s->pad},
                           .end = {s->end, s->end},
                           .mean = s->mean,
                           .count_pad = s->count_pad};
    qn_kernels ref;
    qn_kernels_init(&ref, QN_ISA_REF);
    for (int64_t i = 0; i < 2; i++)
        for (int64_t b = 0; b < qn_blocks8c(s->c); b++)
            ref.pool8c_f32(&k.p.pool, &(qn_task8c){i, 0, oh, b, b + 1, NULL});
    k.p.dy = qn_make_plane(t, dy, out, 0).p;
    k.p.dx = k.dx.p;
    k.want = qn_exact(t, n * sizeof(double));
    k.tol = qn_exact(t, n * sizeof(double));
    memset(k.want, 0, n * sizeof(double));
    for (size_t e = 0; e < n; e++)
        k.tol[e] = s->kernel * s->kernel * eps;
    for (int e = 0; e < (int)m; e++)
        give(s, x + e / (oh * ow) * s->h * s->w, (double)dy[e], e / ow % oh, e % ow,
             k.want + e / (oh * ow) * s->h * s->w);
    qn_note(t, "k%d s%d", s->kernel, s->stride);
    each_row(t, "poolgrad8c_f32", check_windows, &k);
}

void test_pool8c_grad(qn_test *t)
{
    /* c  h  w  k  s  d  pad end */
    static const window_spec specs[] = {
        {16, 8, 6, 2, 2, 1, 0, 0, false, false},
        {11, 7, 9, 2, 2, 1, 0, 0, false, false},
        {11, 7, 9, 3, 2, 1, 1, 1, false, false},
        {8, 10, 10, 3, 2, 1, 0, 1, false, false},
        {8, 7, 7, 3, 1, 1, 1, 1, false, false},
        {8, 9, 9, 2, 1, 3, 1, 1, false, false},
        {9, 9, 9, 3, 3, 1, 0, 0, false, false},
        {24, 8, 8, 2, 2, 1, 0, 0, true, false},
        {13, 9, 7, 3, 2, 1, 1, 1, true, true},
        {8, 9, 7, 3, 1, 1, 1, 1, true, false},
        {8, 5, 5, 5, 1, 1, 0, 0, true, false},
        {8, 10, 10, 3, 2, 1, 0, 1, true, true},
    };
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++)
        check_spec(t, specs + i);
}
