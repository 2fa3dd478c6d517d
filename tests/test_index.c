/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_index.c - operators that read indices, and hostile attributes and inputs
 * of the whole data movement family. */
#include "engine/index.h"
#include "tests/op_case.h"

#include <math.h>
#include <string.h>

static bool smaller(const void *ctx, int64_t a, int64_t b)
{
    const int64_t *v = ctx;
    return v[a] < v[b];
}

void test_sort_is_stable(qn_test *t)
{
    for (int64_t n = 0; n < 200; n += n < 20 ? 1 : 37) {
        int64_t *v = qn_exact(t, (size_t)n * sizeof *v);
        int64_t *order = qn_exact(t, (size_t)n * sizeof *order);
        int64_t *spare = qn_exact(t, (size_t)n * sizeof *spare);
        for (int64_t k = 0; k < n; k++) {
            v[k] = qn_test_int(t, 0, 9);
            order[k] = k;
        }
        qn_sort_indices(order, spare, n, smaller, v);
        for (int64_t k = 1; k < n; k++)
            CHECK(t, v[order[k - 1]] < v[order[k]] ||
                         (v[order[k - 1]] == v[order[k]] && order[k - 1] < order[k]));
    }
}

/* Runs a case and looks at its failure. */
static void fails(qn_op_case *c, quern_status status, const char *part)
{
    CHECK_FAILS(c->t, qn_case_run(c, 1), status, &c->err, part);
    qn_case_end(c);
}

void test_indices_are_checked(qn_test *t)
{
    static const int64_t dim[2] = {3, 4}, bad[] = {3, -4, INT64_MAX, INT64_MIN};
    static const int64_t one[2] = {1, 1};
    for (size_t k = 0; k < 4; k++) {
        qn_op_case c;
        qn_case_begin(t, &c, "Gather", 13);
        qn_case_input(&c, 0, QUERN_FLOAT, 2, dim);
        qn_case_int(&c, 1, bad[k]);
        fails(&c, QUERN_DATA, "of 3");
        qn_case_begin(t, &c, "GatherElements", 13);
        qn_case_input(&c, 0, QUERN_FLOAT, 2, dim);
        qn_case_ints(&c, 1, 1, &bad[k]);
        qn_set_shape(&c.in[1], QUERN_INT64, 2, one);
        fails(&c, QUERN_DATA, "of 3");
        qn_case_begin(t, &c, "GatherND", 13);
        qn_case_input(&c, 0, QUERN_FLOAT, 2, dim);
        qn_case_ints(&c, 1, 1, &bad[k]);
        fails(&c, QUERN_DATA, "of 3");
        qn_case_begin(t, &c, "ScatterElements", 18);
        qn_case_input(&c, 0, QUERN_FLOAT, 2, dim);
        qn_case_ints(&c, 1, 1, &bad[k]);
        qn_set_shape(&c.in[1], QUERN_INT64, 2, one);
        qn_case_input(&c, 2, QUERN_FLOAT, 2, one);
        fails(&c, QUERN_DATA, "of 3");
        qn_case_begin(t, &c, "ScatterND", 18);
        qn_case_input(&c, 0, QUERN_FLOAT, 2, dim);
        qn_case_ints(&c, 1, 1, &bad[k]);
        qn_case_input(&c, 2, QUERN_FLOAT, 1, &dim[1]);
        fails(&c, QUERN_DATA, "of 3");
    }
}

void test_data_ops_refuse(qn_test *t)
{
    static const int64_t dim[2] = {3, 4}, huge[2] = {INT64_MAX, 2}, two[2] = {1, 1};
    static const int64_t repeated[2] = {0, -2}, four[4] = {0, 0, INT64_MAX, 0};
    qn_op_case c;
    qn_case_begin(t, &c, "Reshape", 14);
    qn_case_input(&c, 0, QUERN_FLOAT, 2, dim);
    qn_case_ints(&c, 1, 2, huge);
    fails(&c, QUERN_SHAPE, "");
    qn_case_begin(t, &c, "Reshape", 14);
    qn_case_input(&c, 0, QUERN_FLOAT, 2, dim);
    qn_case_ints(&c, 1, 2, (int64_t[]){-1, -1});
    fails(&c, QUERN_SHAPE, "-1");
    qn_case_begin(t, &c, "Squeeze", 13);
    qn_case_input(&c, 0, QUERN_FLOAT, 2, two);
    qn_case_ints(&c, 1, 2, repeated);
    fails(&c, QUERN_SHAPE, "repeated");
    qn_case_begin(t, &c, "Unsqueeze", 13);
    qn_case_input(&c, 0, QUERN_FLOAT, 2, dim);
    qn_case_ints(&c, 1, 7, (int64_t[]){0, 1, 2, 3, 4, 5, 6});
    fails(&c, QUERN_LIMIT, "rank 9");
    qn_case_begin(t, &c, "Transpose", 13);
    qn_case_input(&c, 0, QUERN_FLOAT, 2, dim);
    qn_node_set_ints(c.node, "perm", 2, repeated, NULL);
    fails(&c, QUERN_INVALID, "permutation");
    qn_case_begin(t, &c, "Expand", 13);
    qn_case_input(&c, 0, QUERN_FLOAT, 2, two);
    qn_case_ints(&c, 1, 2, (int64_t[]){INT64_MAX, INT64_MAX});
    CHECK(t, qn_case_run(&c, 1) != QUERN_OK);
    qn_case_end(&c);
    qn_case_begin(t, &c, "Tile", 13);
    qn_case_input(&c, 0, QUERN_FLOAT, 2, dim);
    qn_case_ints(&c, 1, 2, huge);
    fails(&c, QUERN_SHAPE, "repeats");
    qn_case_begin(t, &c, "Pad", 19);
    qn_case_input(&c, 0, QUERN_FLOAT, 2, dim);
    qn_case_ints(&c, 1, 4, four);
    fails(&c, QUERN_SHAPE, "pads");
    qn_case_begin(t, &c, "Slice", 13);
    qn_case_input(&c, 0, QUERN_FLOAT, 2, dim);
    qn_case_ints(&c, 1, 1, four);
    qn_case_ints(&c, 2, 1, four);
    qn_case_ints(&c, 4, 1, four);
    fails(&c, QUERN_DATA, "step");
    qn_case_begin(t, &c, "Split", 18);
    qn_case_input(&c, 0, QUERN_FLOAT, 2, dim);
    qn_case_ints(&c, 1, 1, (int64_t[]){-3});
    fails(&c, QUERN_SHAPE, "-3");
    qn_case_begin(t, &c, "Range", 11);
    qn_case_int(&c, 0, INT64_MIN);
    qn_case_int(&c, 1, INT64_MAX);
    qn_case_int(&c, 2, 1);
    fails(&c, QUERN_DATA, "range");
    qn_case_begin(t, &c, "TopK", 11);
    qn_case_input(&c, 0, QUERN_FLOAT, 2, dim);
    qn_case_ints(&c, 1, 1, (int64_t[]){5});
    fails(&c, QUERN_DATA, "5");
    qn_case_begin(t, &c, "DepthToSpace", 13);
    qn_case_input(&c, 0, QUERN_FLOAT, 4, (int64_t[]){1, 4, 2, 2});
    qn_node_set_int(c.node, "blocksize", INT64_MAX, NULL);
    fails(&c, QUERN_INVALID, "blocksize");
    qn_case_begin(t, &c, "ConstantOfShape", 9);
    qn_case_ints(&c, 0, 2, (int64_t[]){2, -1});
    fails(&c, QUERN_SHAPE, "-1");
    qn_case_begin(t, &c, "ReverseSequence", 10);
    qn_case_input(&c, 0, QUERN_FLOAT, 2, dim);
    qn_case_ints(&c, 1, 4, (int64_t[]){1, 2, 3, 4});
    fails(&c, QUERN_DATA, "length 4");
    qn_case_begin(t, &c, "DFT", 20);
    qn_case_input(&c, 0, QUERN_FLOAT, 3, (int64_t[]){1, 4, 3});
    fails(&c, QUERN_SHAPE, "1 or 2");
}

/* Empty tensors and scalars: the shape of the first output, "" for a failure. */
void test_data_ops_at_zero_size(qn_test *t)
{
    static const int64_t none[3] = {2, 0, 3};
    static const char *const same[] = {"Identity", "Transpose", "Flatten", "Trilu",
                                       "NonZero",  "Unique",    "Squeeze", "Size"};
    static const char *const shapes[] = {"[2,0,3]", "[3,0,2]", "[2,0]",   "[2,0,3]",
                                         "[3,0]",   "[0]",     "[2,0,3]", "[]"};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        qn_op_case c;
        qn_note(t, "%s", same[i]);
        qn_case_begin(t, &c, same[i], 23);
        qn_case_input(&c, 0, QUERN_FLOAT, 3, none);
        if (CHECK_OK(t, qn_case_run(&c, 1), &c.err))
            CHECK_STR(t, QN_SHAPE(&c.out[0]), shapes[i]);
        qn_case_end(&c);
    }
    qn_op_case c;
    qn_case_begin(t, &c, "Gather", 13);
    qn_case_input(&c, 0, QUERN_FLOAT, 3, none);
    qn_case_ints(&c, 1, 0, NULL);
    if (CHECK_OK(t, qn_case_run(&c, 1), &c.err))
        CHECK_STR(t, QN_SHAPE(&c.out[0]), "[0,0,3]");
    qn_case_end(&c);
    qn_case_begin(t, &c, "Reshape", 14);
    qn_case_input(&c, 0, QUERN_FLOAT, 3, none);
    qn_case_ints(&c, 1, 2, (int64_t[]){0, -1});
    if (CHECK_OK(t, qn_case_run(&c, 1), &c.err))
        CHECK_STR(t, QN_SHAPE(&c.out[0]), "[2,0]");
    qn_case_end(&c);
    qn_case_begin(t, &c, "CumSum", 14);
    qn_case_input(&c, 0, QUERN_FLOAT, 3, none);
    qn_case_int(&c, 1, -1);
    CHECK_OK(t, qn_case_run(&c, 1), &c.err);
    qn_case_end(&c);
    qn_case_begin(t, &c, "TopK", 11);
    qn_case_input(&c, 0, QUERN_FLOAT, 3, none);
    qn_case_ints(&c, 1, 1, (int64_t[]){0});
    CHECK_OK(t, qn_case_run(&c, 2), &c.err);
    qn_case_end(&c);
}

void test_topk_orders(qn_test *t)
{
    static const float v[] = {1, NAN, 3, -INFINITY, 3, 2, NAN, INFINITY};
    static const int64_t largest[] = {1, 6, 7, 2, 4, 5, 0, 3};
    static const int64_t smallest[] = {3, 0, 5, 2, 4, 7, 1, 6};
    for (int64_t k = 0; k <= 8; k++)
        for (int side = 0; side < 2; side++) {
            qn_op_case c;
            qn_case_begin(t, &c, "TopK", 11);
            qn_case_floats(&c, 0, 8, v);
            qn_case_ints(&c, 1, 1, &k);
            qn_node_set_int(c.node, "largest", side, NULL);
            if (CHECK_OK(t, qn_case_run(&c, 2), &c.err))
                for (int64_t i = 0; i < k; i++)
                    CHECK_EQ(t, ((int64_t *)c.out[1].data)[i],
                             (side ? largest : smallest)[i]);
            qn_case_end(&c);
        }
}

void test_unique_orders(qn_test *t)
{
    static const float v[] = {2, NAN, 1, -0.0f, NAN, 0, 2};
    static const int64_t sorted[] = {3, 2, 0, 1}, seen[] = {0, 1, 2, 3};
    for (int order = 0; order < 2; order++) {
        qn_op_case c;
        qn_case_begin(t, &c, "Unique", 11);
        qn_case_floats(&c, 0, 7, v);
        qn_node_set_int(c.node, "sorted", order, NULL);
        if (CHECK_OK(t, qn_case_run(&c, 4), &c.err)) {
            CHECK_EQ(t, c.out[1].dim[0], 4);
            for (int k = 0; k < 4; k++)
                CHECK_EQ(t, ((int64_t *)c.out[1].data)[k], (order ? sorted : seen)[k]);
            for (int k = 0; k < 7; k++) {
                int64_t g = ((int64_t *)c.out[2].data)[k];
                float y = ((float *)c.out[0].data)[g];
                CHECK(t, v[k] == y || (isnan(v[k]) && isnan(y)));
            }
        }
        qn_case_end(&c);
    }
}

void test_old_forms_are_lowered(qn_test *t)
{
    static const int64_t dim[3] = {1, 6, 1}, axis[1] = {2}, two[2] = {2, 4};
    static const int64_t pads[6] = {0, 1, 0, 0, 2, 0};
    qn_op_case c;
    qn_case_begin(t, &c, "Squeeze", 11);
    qn_case_input(&c, 0, QUERN_FLOAT, 3, dim);
    qn_node_set_ints(c.node, "axes", 1, axis, NULL);
    if (CHECK_OK(t, qn_case_run(&c, 1), &c.err))
        CHECK_STR(t, QN_SHAPE(&c.out[0]), "[1,6]");
    qn_case_end(&c);
    qn_case_begin(t, &c, "Split", 2);
    qn_case_input(&c, 0, QUERN_FLOAT, 3, dim);
    qn_node_set_int(c.node, "axis", 1, NULL);
    qn_node_set_ints(c.node, "split", 2, two, NULL);
    if (CHECK_OK(t, qn_case_run(&c, 2), &c.err)) CHECK_EQ(t, c.out[1].dim[1], 4);
    qn_case_end(&c);
    qn_case_begin(t, &c, "Split", 18);
    qn_case_input(&c, 0, QUERN_FLOAT, 3, dim);
    qn_node_set_int(c.node, "axis", 1, NULL);
    qn_node_set_int(c.node, "num_outputs", 4, NULL);
    if (CHECK_OK(t, qn_case_run(&c, 4), &c.err)) CHECK_EQ(t, c.out[3].dim[1], 0);
    qn_case_end(&c);
    qn_case_begin(t, &c, "Pad", 2);
    qn_case_input(&c, 0, QUERN_FLOAT, 3, dim);
    qn_node_set_ints(c.node, "pads", 6, pads, NULL);
    if (CHECK_OK(t, qn_case_run(&c, 1), &c.err))
        CHECK_STR(t, QN_SHAPE(&c.out[0]), "[1,9,1]");
    qn_case_end(&c);
    qn_case_begin(t, &c, "Slice", 1);
    qn_case_input(&c, 0, QUERN_FLOAT, 3, dim);
    qn_node_set_ints(c.node, "starts", 2, two, NULL);
    qn_node_set_ints(c.node, "ends", 2, (int64_t[]){9, 9}, NULL);
    qn_node_set_ints(c.node, "axes", 2, (int64_t[]){1, 0}, NULL);
    if (CHECK_OK(t, qn_case_run(&c, 1), &c.err))
        CHECK_STR(t, QN_SHAPE(&c.out[0]), "[0,4,1]");
    qn_case_end(&c);
    qn_case_begin(t, &c, "TopK", 1);
    qn_case_input(&c, 0, QUERN_FLOAT, 3, dim);
    qn_node_set_int(c.node, "axis", 1, NULL);
    qn_node_set_int(c.node, "k", 2, NULL);
    if (CHECK_OK(t, qn_case_run(&c, 2), &c.err))
        CHECK_EQ(t, ((int64_t *)c.out[1].data)[0], 5);
    qn_case_end(&c);
}

void test_scatter_reduces(qn_test *t)
{
    static const quern_dtype types[] = {QUERN_FLOAT,  QUERN_DOUBLE,  QUERN_INT8,
                                        QUERN_UINT64, QUERN_FLOAT16, QUERN_BFLOAT16};
    static const char *const names[] = {"none", "add", "mul", "max", "min"};
    static const double want[] = {4, 5, 0, 4, 0}; /* 1 with 0, 2 and 4 in this order */
    static const int64_t n = 3, dim[1] = {2};
    for (size_t k = 0; k < sizeof types / sizeof *types; k++)
        for (size_t r = 0; r < 5; r++) {
            qn_op_case c;
            qn_note(t, "%s %s", names[r], quern_dtype_name(types[k]));
            qn_case_begin(t, &c, "ScatterElements", 18);
            qn_case_input(&c, 0, types[k], 1, dim);
            qn_case_ints(&c, 1, n, (int64_t[]){1, -1, 1});
            qn_case_input(&c, 2, types[k], 1, &n);
            qn_set_real(&c.in[2], 1, 2);
            qn_set_real(&c.in[2], 2, 4);
            if (r == 1) qn_set_real(&c.in[2], 1, 0);
            qn_node_set_str(c.node, "reduction", names[r], NULL);
            if (CHECK_OK(t, qn_case_run(&c, 1), &c.err)) {
                CHECK_WITHIN(t, qn_get_real(&c.out[0], 0), 0, 0);
                CHECK_WITHIN(t, qn_get_real(&c.out[0], 1), want[r], 0);
            }
            qn_case_end(&c);
        }
}

void test_fourier_lengths(qn_test *t)
{
    for (int64_t n = 1; n < 70; n += n < 12 ? 1 : 5) {
        qn_op_case c;
        const int64_t dim[3] = {1, n, 1};
        qn_note(t, "n=%lld", (long long)n);
        qn_case_begin(t, &c, "DFT", 20);
        qn_case_input(&c, 0, QUERN_DOUBLE, 3, dim);
        double *x = c.in[0].data;
        for (int64_t k = 0; k < n; k++)
            x[k] = qn_test_uniform(t, -1, 1);
        if (CHECK_OK(t, qn_case_run(&c, 1), &c.err))
            for (int64_t k = 0; k < n; k++) {
                double re = 0, im = 0;
                for (int64_t j = 0; j < n; j++) {
                    double angle = -2 * acos(-1.0) * (double)(j * k % n) / (double)n;
                    re += x[j] * cos(angle);
                    im += x[j] * sin(angle);
                }
                CHECK_WITHIN(t, ((double *)c.out[0].data)[2 * k], re, 1e-12);
                CHECK_WITHIN(t, ((double *)c.out[0].data)[2 * k + 1], im, 1e-12);
            }
        qn_case_end(&c);
    }
}
