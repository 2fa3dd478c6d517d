/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_pool_grad.c - the ways back through pooling against central differences,
 * and who takes the gradient when there is more than one greatest element. */
#include "tests/op_slope.h"

#include <math.h>

typedef struct pool_spec {
    int rank; /* of X */
    int64_t dim[5], kernel[3], strides[3], pads[6], dilations[3];
    int64_t ceil_mode, count_include_pad;
    const char *auto_pad;
} pool_spec;

static const pool_spec specs[] = {
    {4, {2, 3, 6, 8}, {2, 2}, {2, 2}, {0}, {1, 1}, 0, 0, NULL},
    {4, {1, 2, 7, 5}, {3, 3}, {2, 2}, {1, 1, 1, 1}, {1, 1}, 0, 0, NULL},
    {4, {1, 2, 7, 6}, {3, 2}, {1, 2}, {1, 0, 1, 1}, {1, 1}, 0, 1, NULL},
    {4, {1, 2, 6, 6}, {3, 3}, {2, 2}, {0}, {1, 1}, 1, 0, NULL},
    {4, {1, 2, 6, 6}, {3, 3}, {2, 2}, {0, 1, 0, 1}, {1, 1}, 1, 1, NULL},
    {4, {1, 1, 9, 9}, {3, 3}, {1, 2}, {2, 2, 2, 2}, {2, 2}, 0, 0, NULL},
    {4, {1, 1, 5, 5}, {1, 1}, {3, 3}, {0}, {1, 1}, 0, 0, NULL},
    {4, {1, 2, 5, 7}, {2, 3}, {2, 2}, {0}, {1, 1}, 0, 0, "SAME_LOWER"},
    {3, {2, 2, 11}, {4}, {3}, {1, 2}, {1}, 0, 1, NULL},
    {5,
     {1, 2, 4, 3, 5},
     {2, 2, 2},
     {2, 1, 2},
     {0, 0, 0, 1, 0, 1},
     {1, 1, 1},
     0,
     0,
     NULL},
};

static void pool_attrs(qn_node *node, const void *ctx)
{
    const pool_spec *s = ctx;
    int n = s->rank - 2;
    qn_node_set_ints(node, "kernel_shape", n, s->kernel, NULL);
    qn_node_set_ints(node, "strides", n, s->strides, NULL);
    qn_node_set_ints(node, "dilations", n, s->dilations, NULL);
    qn_node_set_int(node, "ceil_mode", s->ceil_mode, NULL);
    if (s->auto_pad)
        qn_node_set_str(node, "auto_pad", s->auto_pad, NULL);
    else
        qn_node_set_ints(node, "pads", 2 * n, s->pads, NULL);
}

static void mean_attrs(qn_node *node, const void *ctx)
{
    const pool_spec *s = ctx;
    pool_attrs(node, ctx);
    qn_node_set_int(node, "count_include_pad", s->count_include_pad, NULL);
}

/* forward: the pool; name: its gradient, with Y as an input or without. */
static void check_pool(qn_test *t, qn_slope *forward, const char *name, bool with_y)
{
    qn_op_case c;
    qn_slope back = {.name = name,
                     .attrs = forward->attrs,
                     .spec = forward->spec,
                     .in = {[1] = forward->in[0]},
                     .n_in = with_y ? 3 : 2};
    if (qn_slope_run(t, forward, QUERN_DOUBLE, &c)) {
        back.in[2] = qn_slope_output(t, &c, 0);
        back.in[0] = qn_random_operand(t, back.in[2].rank, back.in[2].dim, -1, 1);
        if (!with_y) back.in[2].v = NULL;
        qn_check_slope(t, forward, 0, &back.in[0], &back, 0);
    }
    qn_case_end(&c);
}

void test_pool_grad(qn_test *t)
{
    for (size_t k = 0; k < sizeof specs / sizeof *specs; k++) {
        const pool_spec *p = &specs[k];
        qn_slope s = {.name = "MaxPool", .attrs = pool_attrs, .spec = p, .n_in = 1};
        s.in[0] = qn_random_operand(t, p->rank, p->dim, -1, 1);
        qn_note(t, "greatest, case %d", (int)k);
        check_pool(t, &s, "MaxPoolGrad", true);
        s.name = "AveragePool";
        s.attrs = mean_attrs;
        qn_note(t, "mean, case %d", (int)k);
        check_pool(t, &s, "AveragePoolGrad", false);
    }
}

void test_pool_grad_global(qn_test *t)
{
    for (int rank = 2; rank <= 5; rank++) {
        qn_slope s = {.name = "GlobalMaxPool", .n_in = 1};
        s.in[0] = qn_random_operand(t, rank, (int64_t[]){2, 3, 4, 3, 2}, -1, 1);
        qn_note(t, "rank %d", rank);
        check_pool(t, &s, "GlobalMaxPoolGrad", true);
        s.name = "GlobalAveragePool";
        check_pool(t, &s, "GlobalAveragePoolGrad", false);
    }
}

/* x [1,1,2,4] by windows of 2x2: ties, NaN. */
void test_pool_grad_first(qn_test *t)
{
    static const pool_spec p = {4, {1, 1, 2, 4}, {2, 2}, {2, 2}, {0}, {1, 1}, 0,
                                0, NULL};
    double x[] = {1, 3, NAN, 5, 3, 3, 7, NAN}, y[] = {3, NAN}, dy[] = {10, 20};
    const double want[] = {0, 10, 20, 0, 0, 0, 0, 0};
    qn_op_case c;
    qn_slope back = {.name = "MaxPoolGrad", .attrs = pool_attrs, .spec = &p, .n_in = 3};
    back.in[0] = (qn_operand){4, {1, 1, 1, 2}, dy};
    back.in[1] = (qn_operand){4, {1, 1, 2, 4}, x};
    back.in[2] = (qn_operand){4, {1, 1, 1, 2}, y};
    for (int dtype = 0; dtype < 2; dtype++) {
        if (qn_slope_run(t, &back, dtype ? QUERN_DOUBLE : QUERN_FLOAT, &c))
            for (int e = 0; e < 8; e++)
                CHECK_WITHIN(t, qn_get_real(&c.out[0], e), want[e], 0);
        qn_case_end(&c);
    }
}
