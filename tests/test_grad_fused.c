/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_grad_fused.c - rows that are gradients of whole operators: float32 against
 * double, and the same bits at any number of threads.  That they are right in double is
 * test_grad_rows.c's business. */
#include "tests/op_slope.h"

#include "engine/pool.h"

#include <math.h>
#include <string.h>

static void layer(qn_node *node, const void *spec)
{
    qn_node_set_int(node, "axis", -1, NULL);
    qn_node_set_int(node, "rms", *(const int *)spec, NULL);
}

static void group(qn_node *node, const void *spec)
{
    qn_node_set_int(node, "groups", *(const int *)spec, NULL);
}

static void resize(qn_node *node, const void *spec)
{
    const qn_attr_value mode = {
        .name = "mode", .kind = QN_ATTR_STRING, .s = {"linear", 6}};
    (void)spec;
    qn_node_set_attr(node, &mode, NULL);
}

enum { N_CASES = 5 };

static qn_slope a_case(qn_test *t, int k)
{
    static const int spec[N_CASES] = {0, 1, 3, 0, 0};
    static const int64_t rows[] = {150, 37}, planes[] = {5, 6, 7, 4};
    static const int64_t wide[] = {5, 6, 14, 8}, len[] = {37, 6};
    qn_slope s = {.name = k < 2 ? "LayerNormGrad" : "GroupNormGrad",
                  .attrs = k < 2 ? layer : group,
                  .spec = &spec[k],
                  .n_in = 3,
                  .n_out = 3};
    const int rank = k < 2 ? 2 : 4;
    s.in[0] = qn_random_operand(t, rank, k < 2 ? rows : planes, -1, 1);
    s.in[1] = qn_random_operand(t, rank, k < 2 ? rows : planes, 2, 4);
    s.in[2] = qn_random_operand(t, 1, &len[k >= 2], 0.5, 1.5);
    if (k < 4) return s;
    s.name = "ResizeGrad";
    s.attrs = resize;
    s.n_in = 4;
    s.n_out = 1;
    s.in[0] = qn_random_operand(t, 4, wide, -1, 1);
    s.in[2].v = NULL;
    s.in[3] = qn_random_operand(t, 1, (int64_t[]){4}, 1, 1);
    s.in[3].v[2] = s.in[3].v[3] = 2;
    return s;
}

/* scales are float32 whatever the rest is, so X and dY are changed by hand. */
static bool run(qn_test *t, const qn_slope *s, quern_dtype dtype, qn_op_case *c,
                quern_pool *pool)
{
    qn_case_begin(t, c, s->name, QN_OPSET_NEWEST);
    c->pool = pool;
    for (int i = 0; i < s->n_in; i++) {
        const qn_operand *x = &s->in[i];
        if (!x->v) continue;
        qn_case_input(c, i, i == 3 ? QUERN_FLOAT : dtype, x->rank, x->dim);
        for (int64_t e = 0; e < qn_operand_count(x); e++)
            qn_set_real(&c->in[i], e, x->v[e]);
    }
    s->attrs(c->node, s->spec);
    return CHECK_OK(t, qn_case_run(c, s->n_out), &c->err);
}

void test_grad_fused_floats(qn_test *t)
{
    for (int k = 0; k < N_CASES; k++) {
        qn_op_case wide, narrow;
        const qn_slope s = a_case(t, k);
        qn_note(t, "case %d", k);
        if (run(t, &s, QUERN_DOUBLE, &wide, NULL) &&
            run(t, &s, QUERN_FLOAT, &narrow, NULL))
            for (int o = 0; o < s.n_out; o++) {
                double off = 0, size = 0;
                for (int64_t e = 0; e < qn_tensor_count(&wide.out[o]); e++) {
                    const double want = qn_get_real(&wide.out[o], e);
                    const double d = qn_get_real(&narrow.out[o], e) - want;
                    off += d * d;
                    size += want * want;
                }
                CHECK(t, size > 0);
                CHECK_WITHIN(t, sqrt(off / size), 0, 2e-5);
            }
        qn_case_end(&wide);
        qn_case_end(&narrow);
    }
}

void test_grad_fused_threads(qn_test *t)
{
    quern_error err;
    quern_pool *pool;
    REQUIRE_OK(t, quern_pool_create(3, &pool, &err), &err);
    for (int k = 0; k < N_CASES; k++) {
        qn_op_case alone, shared;
        const qn_slope s = a_case(t, k);
        qn_note(t, "case %d", k);
        if (run(t, &s, QUERN_FLOAT, &alone, NULL) &&
            run(t, &s, QUERN_FLOAT, &shared, pool))
            for (int o = 0; o < s.n_out; o++)
                CHECK(t, memcmp(alone.out[o].data, shared.out[o].data,
                                qn_tensor_bytes(&alone.out[o])) == 0);
        qn_case_end(&alone);
        qn_case_end(&shared);
    }
    quern_pool_free(pool);
}
