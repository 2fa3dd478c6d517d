/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_update.c - three steps of every optimizer against its definition, written
 * out in double; clipping, accumulation, averages. */
#include "tests/op_case.h"

#include "engine/hyper.h"
#include "engine/ops/update.h"

#include <math.h>
#include <string.h>

enum { ROWS = 6, COLS = 10, N = ROWS * COLS, STEPS = 3, MOST = 24 };

typedef struct opt_case {
    const char *row;
    int n_moments;
    double rate, decay, beta1, beta2, epsilon, scale;
} opt_case;

/* What a definition works on: weights, this step's gradient, moments, the step's
 * number.
 */
typedef struct opt_state {
    double w[N], g[N], m[N], v[N];
    int t;
} opt_state;

static void sgd(const opt_case *c, opt_state *s)
{
    for (int i = 0; i < N; i++) {
        const double g = s->g[i] + c->decay * s->w[i];
        s->m[i] = c->beta1 * s->m[i] + g;
        s->w[i] -= c->rate * (g + c->beta1 * s->m[i]);
    }
}

static double adam(const opt_case *c, opt_state *s, int i)
{
    s->m[i] = c->beta1 * s->m[i] + (1 - c->beta1) * s->g[i];
    s->v[i] = c->beta2 * s->v[i] + (1 - c->beta2) * s->g[i] * s->g[i];
    const double m = s->m[i] / (1 - pow(c->beta1, s->t));
    const double v = s->v[i] / (1 - pow(c->beta2, s->t));
    return m / (sqrt(v) + c->epsilon);
}

static void adamw(const opt_case *c, opt_state *s)
{
    for (int i = 0; i < N; i++) {
        const double d = adam(c, s, i);
        s->w[i] = s->w[i] * (1 - c->rate * c->decay) - c->rate * d;
    }
}

static double norm(const double *x)
{
    double sum = 0;
    for (int i = 0; i < N; i++)
        sum += x[i] * x[i];
    return sqrt(sum);
}

static void lamb(const opt_case *c, opt_state *s)
{
    double d[N];
    for (int i = 0; i < N; i++)
        d[i] = adam(c, s, i) + c->decay * s->w[i];
    const double trust = norm(s->w) / norm(d);
    for (int i = 0; i < N; i++)
        s->w[i] -= c->rate * trust * d[i];
}

static void lion(const opt_case *c, opt_state *s)
{
    for (int i = 0; i < N; i++) {
        const double u = c->beta1 * s->m[i] + (1 - c->beta1) * s->g[i];
        s->w[i] -= c->rate * ((u > 0) - (u < 0) + c->decay * s->w[i]);
        s->m[i] = c->beta2 * s->m[i] + (1 - c->beta2) * s->g[i];
    }
}

/* x [m,n] = a x + (b G + c G^2) x, G = x x'. */
static void newton_schulz(int m, int n, double *x)
{
    double g[MOST][MOST] = {{0}}, p[MOST][MOST], next[MOST * MOST];
    for (int i = 0; i < m; i++)
        for (int j = 0; j < m; j++)
            for (int k = 0; k < n; k++)
                g[i][j] += x[i * n + k] * x[j * n + k];
    for (int i = 0; i < m; i++)
        for (int j = 0; j < m; j++) {
            p[i][j] = -4.7750 * g[i][j];
            for (int k = 0; k < m; k++)
                p[i][j] += 2.0315 * g[i][k] * g[k][j];
        }
    for (int i = 0; i < m * n; i++) {
        next[i] = 3.4445 * x[i];
        for (int k = 0; k < m; k++)
            next[i] += p[i / n][k] * x[k * n + i % n];
    }
    memcpy(x, next, (size_t)(m * n) * sizeof *x);
}

static void muon(const opt_case *c, opt_state *s)
{
    double d[N];
    for (int i = 0; i < N; i++) {
        s->m[i] = c->beta1 * s->m[i] + s->g[i];
        d[i] = s->g[i] + c->beta1 * s->m[i];
    }
    const double size = norm(d) + 1e-7;
    for (int i = 0; i < N; i++)
        d[i] /= size;
    for (int k = 0; k < 5; k++)
        newton_schulz(ROWS, COLS, d);
    for (int i = 0; i < N; i++)
        s->w[i] = s->w[i] * (1 - c->rate * c->decay) - c->rate * d[i];
}

typedef struct opt_row {
    opt_case c;
    void (*step)(const opt_case *c, opt_state *s);
} opt_row;

static const opt_row rows[] = {
    {{"Sgd", 1, 0.1, 0.01, 0.9, 0, 0, 1}, sgd},
    {{"Sgd", 1, 0.1, 0, 0, 0, 0, 0.5}, sgd},
    {{"AdamW", 2, 1e-2, 0.1, 0.9, 0.999, 1e-8, 1}, adamw},
    {{"AdamW", 2, 1e-2, 0, 0.8, 0.99, 1e-3, 0.25}, adamw},
    {{"Lamb", 2, 1e-2, 0.1, 0.9, 0.999, 1e-6, 1}, lamb},
    {{"Lion", 1, 1e-3, 0.1, 0.9, 0.99, 0, 1}, lion},
    {{"Muon", 1, 0.02, 0.1, 0.95, 0, 0, 1}, muon},
};
enum { N_ROWS = sizeof rows / sizeof *rows };

static void put_matrix(qn_op_case *x, int i, int m, int n, const float *v)
{
    qn_case_floats(x, i, m * n, v);
    x->in[i].rank = 2;
    x->in[i].dim[0] = m;
    x->in[i].dim[1] = n;
}

static void put(qn_op_case *x, int i, const float *v)
{
    put_matrix(x, i, ROWS, COLS, v);
}

static void fill_hyper(float *h, const opt_case *c, int t)
{
    memset(h, 0, QN_HYPER_N * sizeof *h);
    h[QN_HYPER_APPLY] = 1;
    h[QN_HYPER_RATE] = (float)c->rate;
    h[QN_HYPER_DECAY] = (float)c->decay;
    h[QN_HYPER_SCALE] = (float)c->scale;
    h[QN_HYPER_BETA1] = (float)c->beta1;
    h[QN_HYPER_BETA2] = (float)c->beta2;
    h[QN_HYPER_EPSILON] = (float)c->epsilon;
    h[QN_HYPER_FIX1] = (float)(1 - pow(c->beta1, t));
    h[QN_HYPER_FIX2] = (float)(1 - pow(c->beta2, t));
}

/* One step of the row: w, m and v are read from and written back to these arrays. */
static double run_row(qn_test *t, const opt_case *c, const float *hyper, float *w,
                      const float *g, float *moment[2])
{
    qn_op_case x;
    double sum = NAN;
    qn_case_begin(t, &x, c->row, 1);
    qn_case_floats(&x, 0, QN_HYPER_N, hyper);
    put(&x, QN_UPDATE_W, w);
    put(&x, QN_UPDATE_G, g);
    for (int k = 0; k < c->n_moments; k++)
        put(&x, QN_UPDATE_M + k, moment[k]);
    if (CHECK_OK(t, qn_case_run(&x, 1), &x.err)) {
        sum = qn_get_real(&x.out[0], 0);
        memcpy(w, x.in[QN_UPDATE_W].data, N * sizeof *w);
        for (int k = 0; k < c->n_moments; k++)
            memcpy(moment[k], x.in[QN_UPDATE_M + k].data, N * sizeof *w);
    }
    qn_case_end(&x);
    return sum;
}

/* Newton-Schulz with these numbers does not converge but hovers, and so does what is
 * lost in float32. */
void test_update_steps(qn_test *t)
{
    for (int r = 0; r < N_ROWS; r++) {
        opt_state s = {.t = 0};
        float *w = qn_random_floats(t, N), m[N] = {0}, v[N] = {0};
        float *moment[2] = {m, v}, hyper[QN_HYPER_N];
        for (int i = 0; i < N; i++)
            s.w[i] = (double)w[i];
        for (s.t = 1; s.t <= STEPS; s.t++) {
            const float *g = qn_random_floats(t, N);
            double squares = 0;
            for (int i = 0; i < N; i++) {
                s.g[i] = (double)g[i] * rows[r].c.scale;
                squares += (double)g[i] * (double)g[i];
            }
            fill_hyper(hyper, &rows[r].c, s.t);
            const double sum = run_row(t, &rows[r].c, hyper, w, g, moment);
            rows[r].step(&rows[r].c, &s);
            qn_note(t, "%s, row %d, step %d", rows[r].c.row, r, s.t);
            CHECK_WITHIN(t, sum, squares, 1e-5 * squares);
            for (int i = 0; i < N; i++)
                CHECK_WITHIN(t, (double)w[i], s.w[i], 2e-6);
        }
    }
}

/* A first step from zero weights: the direction alone.  A matrix with more rows than
 * columns is transposed, and its steps are longer. */
static void check_direction(qn_test *t, int m, int n)
{
    const opt_case c = {"Muon", 1, 1, 0, 0, 0, 0, 1};
    const int count = m * n;
    const float zero[MOST * MOST] = {0}, *g = qn_random_floats(t, count);
    float hyper[QN_HYPER_N];
    double d[MOST * MOST], size = 1e-7;
    qn_op_case x;
    for (int i = 0; i < count; i++)
        size = hypot(size, (double)g[i]);
    for (int i = 0; i < count; i++)
        d[i] = (double)g[i] / size;
    for (int k = 0; k < 5; k++)
        newton_schulz(m, n, d);
    fill_hyper(hyper, &c, 1);
    qn_case_begin(t, &x, c.row, 1);
    qn_case_floats(&x, 0, QN_HYPER_N, hyper);
    put_matrix(&x, QN_UPDATE_W, m, n, zero);
    put_matrix(&x, QN_UPDATE_G, m, n, g);
    put_matrix(&x, QN_UPDATE_M, m, n, zero);
    qn_note(t, "[%d,%d]", m, n);
    if (CHECK_OK(t, qn_case_run(&x, 1), &x.err)) {
        const float *w = x.in[QN_UPDATE_W].data;
        const double gain = sqrt(fmax(1, (double)m / n));
        for (int i = 0; i < count; i++)
            CHECK_WITHIN(t, (double)w[i], -gain * d[i], 1e-4);
    }
    qn_case_end(&x);
}

void test_update_muon(qn_test *t)
{
    static const int shape[][2] = {{1, 1},  {1, 24}, {8, 8},  {7, 9},  {9, 13}, {9, 14},
                                   {5, 24}, {9, 7},  {24, 5}, {23, 1}, {24, 24}};
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++)
        check_direction(t, shape[i][0], shape[i][1]);
}

/* While gradients are accumulated nothing moves, but their squares are told. */
void test_update_waits(qn_test *t)
{
    for (int r = 0; r < N_ROWS; r++) {
        float *w = qn_random_floats(t, N), m[N] = {0}, v[N] = {0}, before[N];
        const float *g = qn_random_floats(t, N);
        float *moment[2] = {m, v}, hyper[QN_HYPER_N];
        memcpy(before, w, sizeof before);
        fill_hyper(hyper, &rows[r].c, 1);
        hyper[QN_HYPER_APPLY] = 0;
        CHECK(t, run_row(t, &rows[r].c, hyper, w, g, moment) > 0);
        CHECK(t, memcmp(before, w, sizeof before) == 0 && m[0] == 0 && v[0] == 0);
    }
}
