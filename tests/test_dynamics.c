/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_dynamics.c - flows of labels and labels of flows: pictures that can be
 * judged by eye, the way there and back, steps one by one without early stops, every
 * kernel beside plain C, any number of threads, numbers that are none.
 * tests/cells_oracle.py compares with Cellpose itself. */
#include "kernels/kernels.h"
#include "tests/labels_kit.h"

#include <math.h>
#include <string.h>

static const qn_dynamics_options usual = QN_DYNAMICS_DEFAULT;

static qn_labels find(qn_dish *b, const qn_flow_field *f,
                      const qn_dynamics_options *opt, qn_pool *pool,
                      qn_dynamics_tally *tally)
{
    qn_labels out = {0};
    CHECK_OK(b->t, qn_dynamics_labels(f, opt, pool, &b->arena, &out, tally, &b->err),
             &b->err);
    return out;
}

/* ---- flows ----------------------------------------------------------------------- */

void test_cell_flows(qn_test *t)
{
    qn_dish b;
    qn_dish_init(&b, t);
    qn_labels l = qn_blank(&b, 41, 60);
    qn_add_disc(&l, 1, 20, 18, 12); /* two that touch */
    qn_add_disc(&l, 2, 20, 41, 12);
    const qn_flow_field f = qn_perfect_field(&b, &l);
    for (int64_t i = 0; i < 41 * 60; i++) {
        const double y = (double)(i / 60) - 20;
        const double x = (double)(i % 60) - (l.at[i] == 1 ? 18 : 41);
        const double length = hypot(f.dy[i], f.dx[i]), far = hypot(y, x);
        if (l.at[i] == 0) {
            CHECK_WITHIN(t, length, 0, 0);
        } else if (far > 1.5) { /* towards the middle, within 40 degrees */
            CHECK_WITHIN(t, length, 5, 1e-6);
            CHECK(t, -(y * f.dy[i] + x * f.dx[i]) > 0.77 * far * 5);
        }
    }
    qn_dish_done(&b);
}

/* A pixel alone has no gradient; the other part of a cell in parts gets no heat. */
void test_cell_flows_odd(qn_test *t)
{
    qn_dish b;
    qn_dish_init(&b, t);
    const qn_labels l = qn_spelled(&b, "1......222/.......2.2/.......222/2.........");
    const qn_flow_field f = qn_perfect_field(&b, &l);
    CHECK_WITHIN(t, hypot(f.dy[0], f.dx[0]), 0, 0);
    CHECK_WITHIN(t, hypot(f.dy[30], f.dx[30]), 0, 0);
    CHECK_WITHIN(t, hypot(f.dy[29], f.dx[29]), 5, 1e-6);
    qn_labels crumbs = qn_blank(&b, 300, 300); /* one cell all over the picture */
    for (int i = 0; i < 300 * 300; i += 77)
        crumbs.at[i] = 1;
    const qn_flow_field none = qn_perfect_field(&b, &crumbs);
    for (int i = 0; i < 300 * 300; i++)
        if (none.dy[i] != 0 || none.dx[i] != 0) {
            CHECK(t, !"heat where nothing touches");
            break;
        }
    qn_dish_done(&b);
}

void test_cell_flows_empty(qn_test *t)
{
    qn_dish b;
    double error[1] = {7};
    qn_dish_init(&b, t);
    const qn_labels l = qn_blank(&b, 3, 1);
    const qn_flow_field f = qn_perfect_field(&b, &l);
    CHECK_WITHIN(t, f.dy[1], 0, 0);
    CHECK_OK(t, qn_labels_flow_error(&l, 0, &f, NULL, &b.arena, error, &b.err), &b.err);
    CHECK_WITHIN(t, error[0], 0, 0);
    qn_dish_done(&b);
}

/* A field turned round is off by the square of 2. */
void test_cell_flow_error(qn_test *t)
{
    qn_dish b;
    double error[3];
    qn_dish_init(&b, t);
    qn_labels l = qn_blank(&b, 30, 60);
    qn_add_disc(&l, 1, 15, 14, 10);
    qn_add_disc(&l, 2, 15, 44, 10);
    const qn_flow_field f = qn_perfect_field(&b, &l);
    float *dy = (float *)(uintptr_t)f.dy, *dx = (float *)(uintptr_t)f.dx;
    for (int64_t i = 0; i < 30 * 60; i++)
        if (l.at[i] == 2) {
            dy[i] = -dy[i];
            dx[i] = -dx[i];
        }
    CHECK_OK(t, qn_labels_flow_error(&l, 2, &f, NULL, &b.arena, error, &b.err), &b.err);
    CHECK_WITHIN(t, error[1], 0, 1e-12);
    CHECK_WITHIN(t, error[2], 4, 0.05); /* the middle's flow may be none */
    for (int64_t i = 0; i < 30 * 60; i++)
        if (l.at[i] == 1) dy[i] = dx[i] = i % 2 ? NAN : INFINITY;
    CHECK_OK(t, qn_labels_flow_error(&l, 2, &f, NULL, &b.arena, error, &b.err), &b.err);
    CHECK_WITHIN(t, error[1], 1, 0.02); /* what is not finite is no flow */
    qn_dish_done(&b);
}

/* ---- there and back -------------------------------------------------------------- */

void test_dynamics_back(qn_test *t)
{
    static const struct {
        int64_t height, width;
        double radius;
    } cases[] = {{64, 64, 6}, {150, 211, 9}, {300, 200, 17}, {512, 512, 15}};
    qn_dish b;
    qn_dish_init(&b, t);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        qn_labels l =
            qn_random_discs(&b, cases[i].height, cases[i].width, cases[i].radius);
        const qn_flow_field f = qn_perfect_field(&b, &l);
        qn_dynamics_options opt = usual;
        qn_dynamics_tally tally;
        uint32_t n;
        opt.min_size = 1;
        opt.flow_threshold = 0;
        qn_labels got = find(&b, &f, &opt, NULL, &tally);
        /* Slivers of ten pixels and fewer have no seed. */
        CHECK_OK(t, qn_labels_drop_small(&l, qn_labels_max(&l), 16, &b.arena, &b.err),
                 &b.err);
        CHECK_OK(t, qn_labels_drop_small(&got, tally.n, 16, &b.arena, &b.err), &b.err);
        CHECK_OK(t, qn_labels_renumber(&l, &b.arena, &n, &b.err), &b.err);
        CHECK_OK(t, qn_labels_renumber(&got, &b.arena, &n, &b.err), &b.err);
        int64_t wrong = 0, cells = 0;
        for (int64_t k = 0; k < l.height * l.width; k++) {
            wrong += l.at[k] != got.at[k];
            cells += l.at[k] != 0;
        }
        qn_note(t, "%lld x %lld", (long long)l.width, (long long)l.height);
        CHECK_EQ(t, qn_labels_max(&got), qn_labels_max(&l));
        CHECK(t, wrong * 50 < cells);
    }
    qn_dish_done(&b);
}

/* By design: ten pixels are too few for a seed, 40 % of the picture too many. */
void test_dynamics_limits(qn_test *t)
{
    qn_dish b;
    qn_dynamics_tally tally;
    qn_dynamics_options opt = usual;
    qn_dish_init(&b, t);
    opt.min_size = 1;
    qn_labels l = qn_blank(&b, 60, 60);
    for (int i = 0; i < 10; i++)
        l.at[10 * 60 + 10 + i % 5 + i / 5 * 60] = 1;
    qn_add_disc(&l, 2, 40, 40, 10);
    qn_flow_field f = qn_perfect_field(&b, &l);
    find(&b, &f, &opt, NULL, &tally);
    CHECK_EQ(t, tally.n, 1);
    CHECK_EQ(t, tally.found, 1);
    for (int i = 0; i < 3600; i++)
        l.at[i] = 1;
    f = qn_perfect_field(&b, &l);
    find(&b, &f, &opt, NULL, &tally);
    CHECK_EQ(t, tally.n, 0);
    CHECK_EQ(t, tally.large, 1);
    opt.max_fraction = 1;
    find(&b, &f, &opt, NULL, &tally);
    CHECK_EQ(t, tally.n, 1);
    qn_dish_done(&b);
}

/* A picture without flow, one of a single pixel, one row, and nothing at all. */
void test_dynamics_still(qn_test *t)
{
    static const int64_t sizes[][2] = {{1, 1}, {1, 50}, {50, 1}, {33, 35}};
    qn_dish b;
    qn_dynamics_tally tally;
    qn_dish_init(&b, t);
    for (int i = 0; i < 4; i++) {
        const size_t n = (size_t)(sizes[i][0] * sizes[i][1]);
        float *zero = qn_exact(t, n * sizeof *zero),
              *one = qn_exact(t, n * sizeof *one);
        for (size_t k = 0; k < n; k++) {
            zero[k] = 0;
            one[k] = 1;
        }
        const qn_flow_field still = {sizes[i][0], sizes[i][1], zero, zero, one};
        find(&b, &still, &usual, NULL, &tally);
        CHECK_EQ(t, tally.n, 0);
        CHECK_EQ(t, tally.pixels, (int64_t)n);
        const qn_flow_field none = {sizes[i][0], sizes[i][1], one, one, zero};
        find(&b, &none, &usual, NULL, &tally);
        CHECK_EQ(t, tally.pixels, 0);
    }
    qn_dish_done(&b);
}

void test_dynamics_no_numbers(qn_test *t)
{
    qn_dish b;
    qn_dynamics_tally tally;
    qn_dish_init(&b, t);
    const size_t n = 70 * 90;
    const qn_flow_field hard = {70, 90, qn_hard_floats(t, n), qn_hard_floats(t, n),
                                qn_hard_floats(t, n)};
    find(&b, &hard, &usual, NULL, &tally);
    qn_labels l = qn_random_discs(&b, 70, 90, 9);
    const qn_flow_field f = qn_perfect_field(&b, &l);
    const qn_labels want = find(&b, &f, &usual, NULL, &tally);
    float *prob = (float *)(uintptr_t)f.prob, *dy = (float *)(uintptr_t)f.dy;
    for (size_t i = 0; i < n; i++)
        if (l.at[i] == 0) {
            prob[i] = NAN;
            dy[i] = i % 2 ? NAN : -INFINITY;
        }
    const qn_labels got = find(&b, &f, &usual, NULL, &tally);
    CHECK(t, qn_same_labels(&got, &want));
    qn_dish_done(&b);
}

void test_dynamics_flow_check(qn_test *t)
{
    qn_dish b;
    qn_dynamics_tally tally;
    qn_dynamics_options opt = usual;
    qn_dish_init(&b, t);
    qn_labels l = qn_blank(&b, 40, 80);
    qn_add_disc(&l, 1, 20, 20, 12);
    qn_add_disc(&l, 2, 20, 60, 12);
    const qn_flow_field f = qn_perfect_field(&b, &l);
    float *dy = (float *)(uintptr_t)f.dy, *dx = (float *)(uintptr_t)f.dx;
    for (int64_t i = 0; i < 40 * 80; i++)
        if (l.at[i] == 2) { /* the right way, but four times too fast */
            dy[i] *= 4;
            dx[i] *= 4;
        }
    find(&b, &f, &opt, NULL, &tally);
    CHECK_EQ(t, tally.bad, 1);
    CHECK_EQ(t, tally.n, 1);
    opt.flow_threshold = 0;
    find(&b, &f, &opt, NULL, &tally);
    CHECK_EQ(t, tally.bad, 0);
    CHECK_EQ(t, tally.n, 2);
    opt.height = 20;
    opt.width = 120;
    const qn_labels other = find(&b, &f, &opt, NULL, &tally);
    CHECK_EQ(t, other.height, 20);
    CHECK_EQ(t, other.width, 120);
    CHECK_EQ(t, tally.n, 2);
    opt.steps = 0;
    qn_labels out;
    CHECK_FAILS(t, qn_dynamics_labels(&f, &opt, NULL, &b.arena, &out, NULL, &b.err),
                QUERN_INVALID, &b.err, "0 steps");
    CHECK_EQ(t, qn_dynamics_steps(30), 200);
    CHECK_EQ(t, qn_dynamics_steps(0), 1);
    CHECK_EQ(t, qn_dynamics_steps(45), 300);
    qn_dish_done(&b);
}

void test_dynamics_threads(qn_test *t)
{
    qn_dish b;
    qn_dynamics_tally tally, one;
    qn_dish_init(&b, t);
    qn_labels l = qn_random_discs(&b, 260, 310, 11);
    const qn_flow_field f = qn_perfect_field(&b, &l);
    float *dy = (float *)(uintptr_t)f.dy;
    for (int64_t i = 0; i < 260 * 310; i++)
        dy[i] += (float)qn_test_uniform(t, -1.5, 1.5);
    const qn_labels want = find(&b, &f, &usual, NULL, &one);
    CHECK(t, one.n > 50);
    for (int n = 2; n <= 8; n++) {
        qn_pool *pool;
        REQUIRE_OK(t, quern_pool_create(n, &pool, &b.err), &b.err);
        const qn_labels got = find(&b, &f, &usual, pool, &tally);
        CHECK(t, qn_same_labels(&got, &want));
        CHECK(t, !memcmp(&tally, &one, sizeof one));
        quern_pool_free(pool);
    }
    qn_dish_done(&b);
}

void test_dynamics_memory(qn_test *t)
{
    qn_dish b;
    qn_labels out;
    qn_dish_init(&b, t);
    qn_labels l = qn_random_discs(&b, 90, 90, 9);
    const qn_flow_field f = qn_perfect_field(&b, &l);
    for (int n = 1; n < 60; n++) {
        qn_arena arena;
        b.mem.fail_at = n;
        qn_arena_init(&arena, &b.mem);
        const quern_status status =
            qn_dynamics_labels(&f, &usual, NULL, &arena, &out, NULL, &b.err);
        CHECK(t, status == QUERN_OK || status == QUERN_MEMORY);
        qn_arena_done(&arena);
    }
    b.mem.fail_at = 0;
    qn_dish_done(&b);
}

/* ---- kernels --------------------------------------------------------------------- */

/* Every step that was asked for, one pixel at a time. */
static uint32_t walk_all(const qn_drift *d, uint32_t pixel)
{
    float y = (float)(d->top + pixel / d->width), x = (float)(pixel % d->width);
    const float y0 = (float)d->top, y1 = (float)(d->top + d->rows - 1);
    const float x1 = (float)(d->width - 1);
    for (int64_t s = 0; s < d->steps; s++) {
        const int32_t iy = (int32_t)y, ix = (int32_t)x;
        const double fy = (double)y - iy, fx = (double)x - ix;
        const float *a = d->flow + 2 * ((iy - d->top) * (d->width + 1) + ix);
        const float *c = a + 2 * (d->width + 1);
        float move[2];
        for (int k = 0; k < 2; k++)
            move[k] = (float)(a[k] * (1 - fy) * (1 - fx) + a[2 + k] * (1 - fy) * fx +
                              c[k] * fy * (1 - fx) + c[2 + k] * fy * fx);
        y = fminf(y1, fmaxf(y0, y + move[0]));
        x = fminf(x1, fmaxf(0, x + move[1]));
    }
    return (uint32_t)(((int64_t)y - d->top) * d->width + (int64_t)x);
}

/* Whirls and sinks: fixed points, pairs, longer rounds, the picture's edge. */
static float *make_flow(qn_test *t, int64_t rows, int64_t width)
{
    float *flow = qn_exact(t, (size_t)((rows + 1) * (width + 1)) * 2 * sizeof *flow);
    for (int64_t y = 0; y <= rows; y++)
        for (int64_t x = 0; x <= width; x++) {
            const int64_t v = y < rows ? y : rows - 1, u = x < width ? x : width - 1;
            const double cy = (double)(v % 13 - 6), cx = (double)(u % 13 - 6);
            const double turn = (v / 13 + u / 13) % 3 == 0 ? 0.9 : 0.05;
            float *at = flow + 2 * (y * (width + 1) + x);
            at[0] = (float)(-0.4 * cy + turn * cx);
            at[1] = (float)(-0.4 * cx - turn * cy);
        }
    return flow;
}

void test_drift_kernels(qn_test *t)
{
    static const int64_t sizes[][3] = {
        {1, 1, 0}, {1, 40, 0}, {61, 3, 100}, {67, 83, 7}};
    int n_rows;
    const qn_kernel_row *rows = qn_kernel_rows(&n_rows);
    for (int i = 0; i < n_rows; i++) {
        if (strcmp(rows[i].slot, "drift_f32") != 0) continue;
        if ((qn_cpu_isa() & rows[i].need) != rows[i].need) continue;
        for (int k = 0; k < 16; k++) {
            const int64_t *s = sizes[k % 4], n = s[0] * s[1];
            static const int64_t steps[] = {1, 2, 77, 200};
            const qn_drift d = {s[2], s[0], s[1], make_flow(t, s[0], s[1]),
                                steps[k / 4]};
            uint32_t *pixel = qn_exact(t, (size_t)n * sizeof *pixel);
            for (int64_t p = 0; p < n; p++)
                pixel[p] = (uint32_t)p;
            ((qn_drift_f32_fn *)rows[i].fn)(&d, n, pixel);
            qn_note(t, "%s, %lld x %lld, %lld steps", rows[i].name, (long long)s[1],
                    (long long)s[0], (long long)d.steps);
            int64_t wrong = 0;
            for (int64_t p = 0; p < n; p++)
                wrong += pixel[p] != walk_all(&d, (uint32_t)p);
            CHECK_EQ(t, wrong, 0);
        }
    }
}

enum { HEAT_SIDE = 23, HEAT_STRIDE = HEAT_SIDE + QN_HEAT_PAD };

typedef struct hot_plate {
    double weight[HEAT_SIDE * HEAT_STRIDE], from[HEAT_SIDE * HEAT_STRIDE];
    double to[HEAT_SIDE * HEAT_STRIDE];
    int32_t lo[HEAT_SIDE], hi[HEAT_SIDE];
} hot_plate;

/* Heat as it is defined, over the whole plate. */
static void heat_all(hot_plate *p, int row, int column, int steps)
{
    static const int dy[] = {0, -1, 1, 0, 0, -1, -1, 1, 1};
    static const int dx[] = {0, 0, 0, -1, 1, -1, 1, -1, 1};
    for (int s = 0; s < steps; s++) {
        p->from[row * HEAT_STRIDE + column] += 1;
        for (int y = 1; y < HEAT_SIDE - 1; y++)
            for (int x = 1; x < HEAT_SIDE - 1; x++) {
                double sum = 0;
                for (int k = 0; k < 9; k++)
                    sum += p->from[(y + dy[k]) * HEAT_STRIDE + x + dx[k]];
                p->to[y * HEAT_STRIDE + x] = p->weight[y * HEAT_STRIDE + x] * sum;
            }
        memcpy(p->from, p->to, sizeof p->from);
    }
}

static void make_plate(qn_test *t, hot_plate *p)
{
    *p = (hot_plate){.from = {0}};
    for (int y = 1; y < HEAT_SIDE - 1; y++)
        for (int x = 1; x < HEAT_SIDE - 1; x++) {
            if (qn_test_int(t, 0, 5) == 0 && (y != 11 || x != 9)) continue;
            p->weight[y * HEAT_STRIDE + x] = 1 / 9.;
            if (p->hi[y] == 0) p->lo[y] = x;
            p->hi[y] = x + 1;
        }
}

void test_heat_kernels(qn_test *t)
{
    int n_rows;
    const qn_kernel_row *rows = qn_kernel_rows(&n_rows);
    for (int i = 0; i < n_rows; i++) {
        if (strcmp(rows[i].slot, "heat_f64") != 0) continue;
        if ((qn_cpu_isa() & rows[i].need) != rows[i].need) continue;
        for (int steps = 0; steps < 90; steps += 9) {
            hot_plate *want = qn_exact(t, sizeof *want),
                      *got = qn_exact(t, sizeof *got);
            make_plate(t, want);
            *got = *want;
            heat_all(want, 11, 9, steps);
            const qn_heat h = {.stride = HEAT_STRIDE,
                               .first = 1,
                               .last = HEAT_SIDE - 1,
                               .lo = got->lo,
                               .hi = got->hi,
                               .weight = got->weight,
                               .from = got->from,
                               .to = got->to,
                               .row = 11,
                               .column = 9,
                               .steps = steps};
            ((qn_heat_f64_fn *)rows[i].fn)(&h);
            const double *end = steps % 2 ? got->to : got->from;
            qn_note(t, "%s, %d steps", rows[i].name, steps);
            CHECK(t, !memcmp(end, want->from, sizeof want->from));
        }
    }
}
