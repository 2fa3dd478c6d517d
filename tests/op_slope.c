/* SPDX-License-Identifier: Apache-2.0 */
/* tests/op_slope.c - gradients of single nodes; see op_slope.h. */
#include "tests/op_slope.h"

#include <math.h>
#include <string.h>

int64_t qn_operand_count(const qn_operand *x)
{
    int64_t n = 1;
    for (int d = 0; d < x->rank; d++)
        n *= x->dim[d];
    return n;
}

qn_operand qn_random_operand(qn_test *t, int rank, const int64_t *dim, double lo,
                             double hi)
{
    qn_operand x = {.rank = rank};
    if (rank) memcpy(x.dim, dim, (size_t)rank * sizeof *dim);
    int64_t n = qn_operand_count(&x);
    x.v = qn_exact(t, (size_t)n * sizeof *x.v);
    for (int64_t e = 0; e < n; e++)
        x.v[e] = qn_test_uniform(t, lo, hi);
    return x;
}

bool qn_slope_run(qn_test *t, const qn_slope *s, quern_dtype dtype, qn_op_case *c)
{
    qn_case_begin(t, c, s->name, QN_OPSET_NEWEST);
    for (int i = 0; i < s->n_in; i++) {
        const qn_operand *x = &s->in[i];
        if (!x->v) continue;
        qn_case_input(c, i, dtype, x->rank, x->dim);
        for (int64_t e = 0; e < qn_operand_count(x); e++)
            qn_set_real(&c->in[i], e, x->v[e]);
    }
    if (s->attrs) s->attrs(c->node, s->spec);
    return CHECK_OK(t, qn_case_run(c, s->n_out ? s->n_out : 1), &c->err);
}

qn_operand qn_slope_output(qn_test *t, const qn_op_case *c, int i)
{
    qn_operand y = {.rank = c->out[i].rank};
    int64_t n = qn_tensor_count(&c->out[i]);
    memcpy(y.dim, c->out[i].dim, sizeof y.dim);
    y.v = qn_exact(t, (size_t)n * sizeof *y.v);
    for (int64_t e = 0; e < n; e++)
        y.v[e] = qn_get_real(&c->out[i], e);
    return y;
}

static double dot(qn_test *t, const qn_slope *s, const qn_operand *mix)
{
    qn_op_case c;
    double sum = NAN;
    if (qn_slope_run(t, s, QUERN_DOUBLE, &c) &&
        CHECK_EQ(t, qn_tensor_count(&c.out[0]), qn_operand_count(mix))) {
        sum = 0;
        for (int64_t e = 0; e < qn_operand_count(mix); e++)
            sum += mix->v[e] * qn_get_real(&c.out[0], e);
    }
    qn_case_end(&c);
    return sum;
}

/* The step of 1e-6 leaves rounding of 1e-10 times the terms of the sum. */
static void check_double(qn_test *t, const qn_slope *s, int i, const qn_operand *mix,
                         const qn_operand *got)
{
    const double step = 1e-6;
    const qn_operand *x = &s->in[i];
    int64_t n = qn_operand_count(x);
    double size = 0;
    for (int64_t e = 0; e < n; e++)
        size += got->v[e] * got->v[e] / (double)n;
    size = sqrt(size) + 1e-3;
    for (int64_t e = 0; e < n; e++) {
        const double at = x->v[e];
        x->v[e] = at + step;
        double above = dot(t, s, mix);
        x->v[e] = at - step;
        double below = dot(t, s, mix);
        x->v[e] = at;
        double want = (above - below) / (2 * step);
        if (!CHECK_WITHIN(t, got->v[e], want, 1e-5 * (size + fabs(want)))) return;
    }
}

static void check_float(qn_test *t, const qn_slope *back, const qn_operand *want,
                        int out)
{
    qn_op_case c;
    double off = 0, size = 0;
    if (qn_slope_run(t, back, QUERN_FLOAT, &c)) {
        for (int64_t e = 0; e < qn_operand_count(want); e++) {
            double d = qn_get_real(&c.out[out], e) - want->v[e];
            off += d * d;
            size += want->v[e] * want->v[e];
        }
        CHECK_WITHIN(t, sqrt(off), 0, 2e-5 * sqrt(size) + 1e-30);
    }
    qn_case_end(&c);
}

void qn_check_slope(qn_test *t, const qn_slope *s, int i, const qn_operand *mix,
                    const qn_slope *back, int out)
{
    qn_op_case c;
    if (qn_slope_run(t, back, QUERN_DOUBLE, &c)) {
        qn_operand got = qn_slope_output(t, &c, out);
        if (CHECK_EQ(t, qn_operand_count(&got), qn_operand_count(&s->in[i]))) {
            check_double(t, s, i, mix, &got);
            check_float(t, back, &got, out);
        }
    }
    qn_case_end(&c);
}
