/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_map8c.c - pooling, sums, scales, resizing and reordering of blocked
 * tensors: every row of every slot against double, in parts. */
#include "tests/planes.h"

#include <float.h>
#include <math.h>
#include <string.h>

typedef void any_fn(const void *what, const qn_task8c *t);

/* One case: the descriptor, the result and what it should be. */
typedef struct job {
    const char *slot;
    const void *what;
    qn_test_plane y;
    double *want, *tol;
} job;

static void make_want(qn_test *t, job *j)
{
    const qn_plane8c *p = &j->y.p;
    size_t n = (size_t)(j->y.n * p->c * p->h * p->w);
    j->want = qn_exact(t, n * sizeof(double));
    j->tol = qn_exact(t, n * sizeof(double));
    memset(j->want, 0, n * sizeof(double));
    memset(j->tol, 0, n * sizeof(double));
}

/* All images in parts of random sizes. */
static void run_parts(qn_test *t, const job *j, any_fn *fn)
{
    const qn_plane8c *p = &j->y.p;
    bool rows = strcmp(j->slot, "mean8c_f32") != 0;
    for (int64_t n = 0; n < j->y.n; n++)
        for (int64_t i = 0, ei; i < p->h; i = ei) {
            ei = rows ? qn_test_int(t, i + 1, p->h) : p->h;
            for (int64_t b = 0, eb; b < qn_blocks8c(p->c); b = eb) {
                eb = qn_test_int(t, b + 1, qn_blocks8c(p->c));
                const qn_task8c task = {n, i, ei, b, eb, NULL};
                fn(j->what, &task);
            }
        }
}

static void check_job(qn_test *t, const job *j)
{
    int n_rows;
    const qn_kernel_row *rows = qn_kernel_rows(&n_rows);
    for (int r = 0; r < n_rows; r++) {
        if (strcmp(rows[r].slot, j->slot) != 0) continue;
        if ((qn_cpu_isa() & rows[r].need) != rows[r].need) continue;
        qn_note(t, "%s c%d %dx%d", rows[r].name, (int)j->y.p.c, (int)j->y.p.h,
                (int)j->y.p.w);
        qn_reset_plane(&j->y);
        run_parts(t, j, (any_fn *)rows[r].fn);
        qn_check_plane(t, &j->y, j->want, j->tol);
    }
}

/* ---- pooling --------------------------------------------------------------------- */

typedef struct pool_spec {
    int c, h, w, kernel, stride, dilation, pad, end;
    bool mean, count_pad;
} pool_spec;

static double pool_window(const pool_spec *s, const float *x, int row, int col,
                          double *mass)
{
    double value = s->mean ? 0 : -INFINITY;
    int n = 0;
    *mass = 0;
    for (int k = 0; k < s->kernel * s->kernel; k++) {
        int r = row * s->stride + k / s->kernel * s->dilation - s->pad;
        int c = col * s->stride + k % s->kernel * s->dilation - s->pad;
        bool inside = r >= 0 && r < s->h && c >= 0 && c < s->w;
        n += inside || (s->count_pad && r < s->h + s->end && c < s->w + s->end);
        if (!inside) continue;
        double v = (double)x[r * s->w + c];
        *mass += fabs(v);
        value = s->mean ? value + v : isnan(value) || v <= value ? value : v;
    }
    *mass /= n;
    return s->mean ? value / n : value;
}

static void check_pool(qn_test *t, const pool_spec *s)
{
    int reach = (s->kernel - 1) * s->dilation + 1;
    int oh = (s->h + s->pad + s->end - reach) / s->stride + 1;
    int ow = (s->w + s->pad + s->end - reach) / s->stride + 1;
    const int dims[] = {2, s->c, s->h, s->w}, out[] = {2, s->c, oh, ow};
    int64_t plane = s->h * s->w;
    size_t n = (size_t)(2 * s->c * plane);
    float *x = s->mean ? qn_random_floats(t, n) : qn_hard_floats(t, n);
    qn_pool8c p = {.x = qn_make_plane(t, x, dims, 1).p,
                   .kernel = {s->kernel, s->kernel},
                   .stride = {s->stride, s->stride},
                   .dilation = {s->dilation, s->dilation},
                   .pad = {s->pad, s->pad},
                   .end = {s->end, s->end},
                   .mean = s->mean,
                   .count_pad = s->count_pad};
    job j = {.slot = "pool8c_f32", .what = &p, .y = qn_make_plane(t, NULL, out, 1)};
    p.y = j.y.p;
    make_want(t, &j);
    for (int e = 0; e < 2 * s->c * oh * ow; e++) {
        double mass;
        j.want[e] =
            pool_window(s, x + e / (oh * ow) * s->h * s->w, e / ow % oh, e % ow, &mass);
        j.tol[e] = s->mean ? (s->kernel * s->kernel + 2) * FLT_EPSILON * mass : 0;
    }
    check_job(t, &j);
}

void test_map8c_pool(qn_test *t)
{
    /* c  h  w  k  s  d  pad end */
    static const pool_spec specs[] = {
        {8, 12, 13, 3, 2, 1, 1, 1, false, false},
        {16, 8, 8, 2, 2, 1, 0, 0, false, false},
        {11, 7, 9, 3, 1, 1, 1, 1, false, false},
        {8, 10, 10, 3, 2, 1, 0, 1, false, false},
        {8, 13, 13, 5, 1, 1, 2, 2, false, false},
        {19, 5, 14, 3, 1, 1, 2, 2, false, false}, /* rows of one, two and three taps */
        {8, 6, 15, 3, 2, 1, 2, 1, false, false},
        {8, 3, 3, 3, 2, 1, 0, 0, false, false},
        {8, 14, 14, 3, 3, 1, 1, 1, false, false},
        {8, 14, 15, 3, 2, 2, 1, 1, false, false},
        {8, 2, 9, 3, 1, 1, 1, 1, false, false},
        {8, 9, 9, 2, 1, 3, 1, 1, false, false},
        {24, 8, 8, 2, 2, 1, 0, 0, true, false},
        {8, 9, 7, 3, 1, 1, 1, 1, true, false},
        {13, 9, 7, 3, 2, 1, 1, 1, true, true},
        {8, 10, 10, 3, 2, 1, 0, 1, true, true},
        {8, 3, 3, 7, 1, 1, 3, 3, true, false},
        {8, 1, 1, 1, 1, 1, 0, 0, true, true},
    };
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++)
        check_pool(t, specs + i);
}

void test_map8c_mean(qn_test *t)
{
    for (int w = 1; w <= 30; w += 7) { /* the shortest and longest without halo */
        const int dims[] = {2, 19, 7, w}, out[] = {2, 19, 1, 1};
        int64_t row = w;
        float *x = qn_random_floats(t, (size_t)(2 * 19 * 7 * row));
        qn_map8c m = {.x = qn_make_plane(t, x, dims, w > 8 && w < 29).p};
        job j = {.slot = "mean8c_f32", .what = &m, .y = qn_make_plane(t, NULL, out, 0)};
        m.y = j.y.p;
        make_want(t, &j);
        for (int c = 0; c < 2 * 19; c++) {
            for (int e = 0; e < 7 * w; e++) {
                j.want[c] += (double)x[c * 7 * w + e] / (7 * w);
                j.tol[c] += fabs((double)x[c * 7 * w + e]) / (7 * w);
            }
            j.tol[c] *= (9 + w) * FLT_EPSILON;
        }
        check_job(t, &j);
    }
}

/* ---- sums and scales ------------------------------------------------------------- */

/* An odd number of channels has no halo, so that rows are one. */
static void check_map(qn_test *t, bool multiply, bool unary, int act, int c)
{
    const int dims[] = {2, c, 5, 11}, small[] = {2, c, 1, 1};
    int n = 2 * c * 55, nz = multiply ? 2 * c : n;
    float *x = qn_random_floats(t, (size_t)n), *z = qn_random_floats(t, (size_t)nz);
    for (int e = 0; e < n; e++)
        x[e] *= 12;
    qn_map8c m = {.x = qn_make_plane(t, x, dims, c % 2 == 0).p,
                  .act = {(uint8_t)act, act == QN_ACT_CLIP ? 0.125f : 0.2f, 0.5f}};
    if (!unary) m.z = qn_make_plane(t, z, multiply ? small : dims, 0).p;
    job j = {.slot = multiply ? "scale8c_f32" : "add8c_f32",
             .what = &m,
             .y = qn_make_plane(t, NULL, dims, c % 2 ? 0 : 2)};
    m.y = j.y.p;
    make_want(t, &j);
    for (int e = 0; e < n; e++) {
        double a = (double)x[e], b = unary ? 0 : (double)z[multiply ? e / 55 : e];
        double v = multiply ? a * b : a + b;
        j.want[e] = qn_exact_act(&m.act, v);
        j.tol[e] = FLT_EPSILON * (2 * fabs(v) + 4);
    }
    check_job(t, &j);
}

void test_map8c_elementwise(qn_test *t)
{
    for (int act = QN_ACT_NONE; act <= QN_ACT_GELU; act++) {
        check_map(t, false, false, act, 8 + act);
        check_map(t, false, true, act, 24 - act);
        check_map(t, true, false, act, 16 + act);
    }
}

/* Wider vectors do the same operations: their rows have the bits of AVX2's. */
void test_map8c_wider(qn_test *t)
{
    enum { N = 1003 };
    const unsigned isa = qn_cpu_isa();
    if (!(isa & QN_ISA_AVX512)) {
        qn_skip(t, "this processor has no wider vectors");
        return;
    }
    qn_kernels wide, narrow;
    qn_kernels_init(&wide, isa);
    qn_kernels_init(&narrow, isa & ~(unsigned)QN_ISA_AVX512);
    const int dims[] = {1, 8, 1, N};
    float *x = qn_hard_floats(t, 8 * N);
    for (int i = 200; i < 8 * N; i++)
        x[i] = (float)qn_test_int(t, -100000, 100000) * 2e-4f;
    for (int act = QN_ACT_NONE; act <= QN_ACT_GELU; act++) {
        const qn_test_plane a = qn_make_plane(t, NULL, dims, 0);
        const qn_test_plane b = qn_make_plane(t, NULL, dims, 0);
        qn_map8c m = {.x = qn_make_plane(t, x, dims, 0).p,
                      .act = {(uint8_t)act, 0.2f, 0.5f},
                      .y = a.p};
        const qn_task8c task = {0, 0, 1, 0, 1, NULL};
        narrow.add8c_f32(&m, &task);
        m.y = b.p;
        wide.add8c_f32(&m, &task);
        qn_note(t, "activation %d", act);
        for (int i = 0; i < 8 * N; i++) {
            const float v = a.p.data[i], w = b.p.data[i];
            CHECK(t, memcmp(&v, &w, sizeof v) == 0 || (isnan(v) && isnan(w)));
        }
    }
}

/* ---- resizing -------------------------------------------------------------------- */

static void check_resize(qn_test *t, bool linear, int c, int h, int w, int scale)
{
    const int dims[] = {2, c, h, w}, out[] = {2, c, h * scale, w * scale};
    int64_t plane = h * w;
    float *x = qn_random_floats(t, (size_t)(2 * c * plane));
    int32_t at[4][64];
    float part[2][64];
    for (int d = 0; d < 2; d++)
        for (int i = 0; i < dims[2 + d] * scale; i++) {
            double pos = linear ? (i + 0.5) / scale - 0.5 : floor((double)i / scale);
            pos = fmin(fmax(pos, 0), dims[2 + d] - 1);
            at[2 * d][i] = (int32_t)pos;
            at[2 * d + 1][i] = (int32_t)fmin((int)pos + 1, dims[2 + d] - 1);
            part[d][i] = (float)(pos - (int)pos);
        }
    qn_resize8c r = {.x = qn_make_plane(t, x, dims, 0).p,
                     .row0 = at[0],
                     .row1 = at[1],
                     .col0 = at[2],
                     .col1 = at[3],
                     .row_mix = linear ? part[0] : NULL,
                     .col_mix = linear ? part[1] : NULL};
    job j = {.slot = "resize8c_f32", .what = &r, .y = qn_make_plane(t, NULL, out, 1)};
    r.y = j.y.p;
    make_want(t, &j);
    for (int e = 0; e < 2 * c * out[2] * out[3]; e++) {
        int row = e / out[3] % out[2], col = e % out[3];
        const float *p = x + e / (out[2] * out[3]) * h * w;
        double a = linear ? (double)part[1][col] : 0,
               b = linear ? (double)part[0][row] : 0;
        const float *top = p + at[0][row] * w, *bottom = p + at[1][row] * w;
        j.want[e] =
            (1 - b) *
                ((1 - a) * (double)top[at[2][col]] + a * (double)top[at[3][col]]) +
            b * ((1 - a) * (double)bottom[at[2][col]] + a * (double)bottom[at[3][col]]);
        j.tol[e] = linear ? 6 * FLT_EPSILON : 0;
    }
    check_job(t, &j);
}

void test_map8c_resize(qn_test *t)
{
    for (int linear = 0; linear < 2; linear++)
        for (int scale = 1; scale <= 3; scale++) {
            check_resize(t, linear, 16, 5, 7, scale);
            check_resize(t, linear, 11, 1, 13, scale);
        }
}

/* ---- reordering ------------------------------------------------------------------ */

static void check_reorder(qn_test *t, int c, int h, int w)
{
    const int dims[] = {2, c, h, w};
    int64_t plane = h * w;
    size_t n = (size_t)(2 * c * plane);
    float *x = qn_random_floats(t, n);
    qn_plane8c plain = {x, w, plane, c * plane, c, h, w};
    qn_map8c m = {.x = plain};
    job j = {.slot = "to8c_f32", .what = &m, .y = qn_make_plane(t, NULL, dims, 1)};
    m.y = j.y.p;
    make_want(t, &j);
    for (size_t e = 0; e < n; e++)
        j.want[e] = (double)x[e];
    check_job(t, &j);

    float *back = qn_exact(t, n * sizeof *back);
    qn_map8c reverse = {.x = qn_make_plane(t, x, dims, 2).p, .y = plain};
    reverse.y.data = back;
    int n_rows;
    const qn_kernel_row *rows = qn_kernel_rows(&n_rows);
    for (int r = 0; r < n_rows; r++) {
        if (strcmp(rows[r].slot, "from8c_f32") != 0) continue;
        if ((qn_cpu_isa() & rows[r].need) != rows[r].need) continue;
        memset(back, 0, n * sizeof *back);
        const job all = {"from8c_f32", &reverse, {.p = reverse.y, .n = 2}, NULL, NULL};
        run_parts(t, &all, (any_fn *)rows[r].fn);
        CHECK_EQ(t, memcmp(x, back, n * sizeof *back), 0);
    }
}

void test_map8c_reorder(qn_test *t)
{
    for (int c = 1; c <= 25; c += 3)
        check_reorder(t, c, 3, 5 + c);
    check_reorder(t, 16, 9, 16);
    check_reorder(t, 8, 1, 1);
}

/* The halo is zeros after clear_halo, and nothing else has changed. */
void test_map8c_halo(qn_test *t)
{
    for (int halo = 0; halo < 4; halo++) {
        const int dims[] = {2, 12, 5, 6};
        qn_test_plane a = qn_make_plane(t, NULL, dims, halo);
        int64_t zeros = 0;
        qn_plane8c_clear_halo(&a.p, a.origin, 1);
        for (int64_t i = 0; i < a.p.image; i++)
            zeros += a.buffer[a.p.image + i] == 0, CHECK(t, a.buffer[i] != 0);
        CHECK_EQ(t, zeros, a.p.image - 2 * 5 * 6 * 8);
        for (int b = 0; b < 2; b++)
            for (int e = 0; e < 5 * 6 * 8; e++)
                CHECK(t,
                      a.p.data[a.p.image + b * a.p.plane + e / 48 * a.p.row + e % 48] !=
                          0);
    }
}
