/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_pool.c - pools against the definition, window by window in double, and the
 * corners that engines disagree on. */
#include "tests/op_case.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { AXES = 3 };

typedef struct pool_case {
    int rank;
    int64_t in[AXES], out[AXES], kernel[AXES], stride[AXES], dilation[AXES];
    int64_t pads[2 * AXES];
    bool ceil, count_pad;
    int64_t order, p;
} pool_case;

/* Size of the output: floor or ceil, and no window that begins in the right padding. */
static bool settle(pool_case *v)
{
    for (int d = 0; d < v->rank; d++) {
        int64_t reach = (v->kernel[d] - 1) * v->dilation[d] + 1;
        int64_t room = v->in[d] + v->pads[d] + v->pads[v->rank + d] - reach;
        if (room < 0) return false;
        v->out[d] = room / v->stride[d] + 1;
        if (v->ceil && room % v->stride[d] &&
            v->out[d] * v->stride[d] < v->in[d] + v->pads[d])
            v->out[d]++;
    }
    return true;
}

static void choose(qn_test *t, pool_case *v, int round)
{
    do {
        *v = (pool_case){.rank = 1 + round % AXES,
                         .ceil = qn_test_int(t, 0, 1),
                         .count_pad = qn_test_int(t, 0, 1),
                         .order = qn_test_int(t, 0, 1),
                         .p = qn_test_int(t, 1, 3)};
        for (int d = 0; d < v->rank; d++) {
            v->in[d] = qn_test_int(t, 1, v->rank == 3 ? 8 : 25);
            v->kernel[d] = qn_test_int(t, 1, 4);
            v->stride[d] = qn_test_int(t, 1, 3);
            v->dilation[d] = qn_test_int(t, 1, 3);
            v->pads[d] = qn_test_int(t, 0, v->kernel[d] - 1);
            v->pads[v->rank + d] = qn_test_int(t, 0, v->kernel[d] - 1);
        }
    } while (!settle(v));
}

static void begin(qn_test *t, qn_op_case *c, const pool_case *v, const char *name,
                  quern_dtype dtype)
{
    int64_t dim[2 + AXES] = {2, 3, v->in[0], v->in[1], v->in[2]};
    qn_case_begin(t, c, name, 19);
    qn_case_input(c, 0, dtype, 2 + v->rank, dim);
    for (int64_t i = 0, n = qn_tensor_count(&c->in[0]); i < n; i++)
        qn_set_real(&c->in[0], i, qn_test_uniform(t, -1, 1) * (dtype > 1 ? 100 : 1));
    qn_node_set_ints(c->node, "kernel_shape", v->rank, v->kernel, NULL);
    qn_node_set_ints(c->node, "strides", v->rank, v->stride, NULL);
    qn_node_set_ints(c->node, "dilations", v->rank, v->dilation, NULL);
    qn_node_set_ints(c->node, "pads", 2 * v->rank, v->pads, NULL);
    qn_node_set_int(c->node, "ceil_mode", v->ceil, NULL);
    qn_note(t, "%s over %d axes, in %lld %lld %lld, out %lld %lld %lld", name, v->rank,
            (long long)v->in[0], (long long)v->in[1], (long long)v->in[2],
            (long long)v->out[0], (long long)v->out[1], (long long)v->out[2]);
}

static bool step(int rank, const int64_t *dim, int64_t *at)
{
    for (int d = rank - 1; d >= 0; d--) {
        if (++at[d] < dim[d]) return true;
        at[d] = 0;
    }
    return false;
}

typedef struct window_sum {
    double best, sum, power; /* greatest; sums of x and of |x|^p */
    int64_t count, padded;   /* elements inside; inside or in the padding */
    int64_t where;           /* of the first greatest, by v->order; -1 for none */
} window_sum;

static window_sum look(const pool_case *v, const qn_tensor *x, int64_t plane,
                       const int64_t *at)
{
    window_sum w = {-INFINITY, 0, 0, 0, 0, -1};
    int64_t tap[AXES] = {0};
    do {
        int64_t size = 1, flat = 0, column = 0, pitch = 1;
        bool inside = true, padded = true;
        for (int d = 0; d < v->rank; d++) {
            int64_t i = at[d] * v->stride[d] + tap[d] * v->dilation[d] - v->pads[d];
            inside = inside && i >= 0 && i < v->in[d];
            padded = padded && i < v->in[d] + v->pads[v->rank + d];
            flat = flat * v->in[d] + i;
            column += i * pitch;
            pitch *= v->in[d];
            size *= v->in[d];
        }
        w.padded += padded;
        if (!inside) continue;
        double value = qn_get_real(x, plane * size + flat);
        w.count++;
        w.sum += value;
        w.power += pow(fabs(value), (double)v->p);
        if (value > w.best) {
            w.best = value;
            w.where = plane * size + (v->order ? column : flat);
        }
    } while (step(v->rank, v->kernel, tap));
    return w;
}

void test_maxpool_random(qn_test *t)
{
    static const quern_dtype dtypes[] = {QUERN_FLOAT, QUERN_DOUBLE, QUERN_INT8,
                                         QUERN_UINT8};
    for (int round = 0; round < 240; round++) {
        pool_case v;
        qn_op_case c;
        int n_out = 1 + round % 2;
        choose(t, &v, round);
        begin(t, &c, &v, "MaxPool", dtypes[round / 2 % 4]);
        qn_node_set_int(c.node, "storage_order", v.order, NULL);
        if (CHECK_OK(t, qn_case_run(&c, n_out), &c.err))
            for (int64_t plane = 0, k = 0; plane < 6; plane++) {
                int64_t at[AXES] = {0};
                do {
                    window_sum w = look(&v, &c.in[0], plane, at);
                    if (w.count) CHECK_WITHIN(t, qn_get_real(&c.out[0], k), w.best, 0);
                    if (w.count && n_out == 2)
                        CHECK_EQ(t, qn_get_int(&c.out[1], k), w.where);
                    k++;
                } while (step(v.rank, v.out, at));
            }
        qn_case_end(&c);
    }
}

void test_averagepool_random(qn_test *t)
{
    for (int round = 0; round < 160; round++) {
        pool_case v;
        qn_op_case c;
        choose(t, &v, round);
        begin(t, &c, &v, "AveragePool", round % 2 ? QUERN_DOUBLE : QUERN_FLOAT);
        qn_node_set_int(c.node, "count_include_pad", v.count_pad, NULL);
        if (CHECK_OK(t, qn_case_run(&c, 1), &c.err))
            for (int64_t plane = 0, k = 0; plane < 6; plane++) {
                int64_t at[AXES] = {0};
                do {
                    window_sum w = look(&v, &c.in[0], plane, at);
                    double n = (double)(v.count_pad ? w.padded : w.count);
                    CHECK_WITHIN(t, qn_get_real(&c.out[0], k++), n > 0 ? w.sum / n : 0,
                                 66 * FLT_EPSILON * 100);
                } while (step(v.rank, v.out, at));
            }
        qn_case_end(&c);
    }
}

void test_lppool_random(qn_test *t)
{
    for (int round = 0; round < 90; round++) {
        pool_case v;
        qn_op_case c;
        choose(t, &v, round);
        begin(t, &c, &v, "LpPool", round % 2 ? QUERN_DOUBLE : QUERN_FLOAT);
        qn_node_set_int(c.node, "p", v.p, NULL);
        if (CHECK_OK(t, qn_case_run(&c, 1), &c.err))
            for (int64_t plane = 0, k = 0; plane < 6; plane++) {
                int64_t at[AXES] = {0};
                do {
                    double want =
                        pow(look(&v, &c.in[0], plane, at).power, 1 / (double)v.p);
                    CHECK_WITHIN(t, qn_get_real(&c.out[0], k++), want,
                                 70 * FLT_EPSILON * want);
                } while (step(v.rank, v.out, at));
            }
        qn_case_end(&c);
    }
}

static void on_line(qn_test *t, qn_op_case *c, const char *name, int64_t n,
                    int64_t kernel, int64_t stride)
{
    qn_case_begin(t, c, name, 19);
    qn_case_input(c, 0, QUERN_FLOAT, 3, (int64_t[]){1, 1, n});
    qn_node_set_ints(c->node, "kernel_shape", 1, &kernel, NULL);
    qn_node_set_ints(c->node, "strides", 1, &stride, NULL);
}

void test_pool_corners(qn_test *t)
{
    qn_op_case c;
    /* The last window of ceil_mode hangs over the edge: it counts what it covers. */
    on_line(t, &c, "AveragePool", 6, 3, 2);
    qn_node_set_int(c.node, "ceil_mode", 1, NULL);
    qn_node_set_int(c.node, "count_include_pad", 1, NULL);
    if (CHECK_OK(t, qn_case_run(&c, 1), &c.err)) {
        CHECK_EQ(t, c.out[0].dim[2], 3);
        CHECK_WITHIN(t, qn_get_real(&c.out[0], 2), 4.5, 0); /* (4 + 5) / 2 */
    }
    qn_case_end(&c);
    /* A window that would begin in the right padding is dropped. */
    on_line(t, &c, "MaxPool", 4, 1, 3);
    qn_node_set_int(c.node, "ceil_mode", 1, NULL);
    qn_node_set_ints(c.node, "pads", 2, (int64_t[]){0, 1}, NULL);
    if (CHECK_OK(t, qn_case_run(&c, 1), &c.err)) CHECK_EQ(t, c.out[0].dim[2], 2);
    qn_case_end(&c);
    /* NaN comes through, wherever in the window it lies. */
    for (int at = 0; at < 5; at++) {
        on_line(t, &c, "MaxPool", 5, 5, 1);
        ((float *)c.in[0].data)[at] = NAN;
        if (CHECK_OK(t, qn_case_run(&c, 1), &c.err))
            CHECK_WITHIN(t, qn_get_real(&c.out[0], 0), NAN, 0);
        qn_case_end(&c);
    }
    /* Same padding puts the odd element at the end, or at the beginning. */
    for (int lower = 0; lower < 2; lower++) {
        on_line(t, &c, "MaxPool", 4, 2, 1);
        qn_node_set_str(c.node, "auto_pad", lower ? "SAME_LOWER" : "SAME_UPPER", NULL);
        if (CHECK_OK(t, qn_case_run(&c, 1), &c.err))
            CHECK_WITHIN(t, qn_get_real(&c.out[0], 0), lower ? 0 : 1, 0);
        qn_case_end(&c);
    }
    /* A kernel far larger than the line costs no more than the line. */
    on_line(t, &c, "AveragePool", 6, INT32_MAX, 1);
    qn_node_set_str(c.node, "auto_pad", "SAME_LOWER", NULL);
    if (CHECK_OK(t, qn_case_run(&c, 1), &c.err))
        CHECK_WITHIN(t, qn_get_real(&c.out[0], 5), 2.5, 0);
    qn_case_end(&c);
    /* Nothing in, nothing out. */
    on_line(t, &c, "AveragePool", 0, 1, 1);
    if (CHECK_OK(t, qn_case_run(&c, 1), &c.err)) CHECK_EQ(t, c.out[0].dim[2], 0);
    qn_case_end(&c);
}

void test_global_pools(qn_test *t)
{
    static const char *const names[] = {"GlobalAveragePool", "GlobalMaxPool",
                                        "GlobalLpPool"};
    for (int k = 0; k < 3; k++) {
        qn_op_case c;
        double sum[2] = {0}, squares[2] = {0}, most[2] = {-1, -1};
        qn_case_begin(t, &c, names[k], 1 + k / 2);
        qn_case_input(&c, 0, QUERN_FLOAT, 4, (int64_t[]){1, 2, 3, 7});
        for (int i = 0; i < 42; i++) {
            double v = (double)(float)qn_test_uniform(t, -1, 1);
            qn_set_real(&c.in[0], i, v);
            sum[i / 21] += v;
            squares[i / 21] += v * v;
            if (v > most[i / 21]) most[i / 21] = v;
        }
        if (CHECK_OK(t, qn_case_run(&c, 1), &c.err))
            for (int i = 0; i < 2; i++)
                CHECK_WITHIN(t, qn_get_real(&c.out[0], i),
                             k == 0   ? sum[i] / 21
                             : k == 1 ? most[i]
                                      : sqrt(squares[i]),
                             FLT_EPSILON * 4);
        CHECK_EQ(t, c.out[0].dim[3], 1);
        qn_case_end(&c);
    }
}

void test_max_unpool(qn_test *t)
{
    qn_op_case c;
    const int64_t places[] = {5, 7, 13, 15};
    for (int round = 0; round < 3; round++) {
        qn_case_begin(t, &c, "MaxUnpool", 11);
        qn_case_input(&c, 0, QUERN_FLOAT, 4, (int64_t[]){1, 1, 2, 2});
        qn_case_input(&c, 1, QUERN_INT64, 4, (int64_t[]){1, 1, 2, 2});
        for (int i = 0; i < 4; i++) {
            qn_set_real(&c.in[0], i, i + 1);
            qn_set_real(&c.in[1], i, (double)places[i]);
        }
        if (round == 1) qn_case_ints(&c, 2, 4, (int64_t[]){1, 1, 5, 5});
        if (round == 2) ((int64_t *)c.in[1].data)[3] = 16;
        qn_node_set_ints(c.node, "kernel_shape", 2, (int64_t[]){2, 2}, NULL);
        qn_node_set_ints(c.node, "strides", 2, (int64_t[]){2, 2}, NULL);
        if (round == 2) {
            CHECK_FAILS(t, qn_case_run(&c, 1), QUERN_DATA, &c.err, "index 16");
        } else if (CHECK_OK(t, qn_case_run(&c, 1), &c.err)) {
            int64_t side = round ? 5 : 4;
            CHECK_EQ(t, qn_tensor_count(&c.out[0]), side * side);
            for (int i = 0; i < 4; i++)
                CHECK_WITHIN(
                    t, qn_get_real(&c.out[0], places[i] / 4 * side + places[i] % 4),
                    i + 1, 0);
        }
        qn_case_end(&c);
    }
}
