/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_norm.c - normalisations against two-pass moments in double.  An output is
 * a few roundings from exact: |error| <= 8 * eps * (|y| + |scale * x / deviation| + 1).
 */
#include "tests/op_case.h"

#include <float.h>
#include <math.h>

static void random_input(qn_test *t, qn_op_case *c, int i, quern_dtype dtype, int rank,
                         const int64_t *dim, double low)
{
    qn_case_input(c, i, dtype, rank, dim);
    for (int64_t k = 0, n = qn_tensor_count(&c->in[i]); k < n; k++)
        qn_set_real(&c->in[i], k, qn_test_uniform(t, low, low + 2));
}

static double at(const qn_op_case *c, int i, int64_t k)
{
    return qn_get_real(&c->in[i], k);
}

/* Moments of the elements of input 0 for which group[k] is g. */
static void moments(const qn_op_case *c, const int64_t *group, int64_t g, double *mean,
                    double *variance)
{
    int64_t n = qn_tensor_count(&c->in[0]), count = 0;
    double sum = 0, squares = 0;
    for (int64_t k = 0; k < n; k++)
        if (group[k] == g) sum += at(c, 0, k), count++;
    *mean = sum / (double)count;
    for (int64_t k = 0; k < n; k++)
        if (group[k] == g) squares += (at(c, 0, k) - *mean) * (at(c, 0, k) - *mean);
    *variance = squares / (double)count;
}

static void check_at(qn_test *t, const qn_op_case *c, int64_t k, double want,
                     double size)
{
    double eps = c->out[0].dtype == QUERN_DOUBLE ? DBL_EPSILON : FLT_EPSILON;
    CHECK_WITHIN(t, qn_get_real(&c->out[0], k), want,
                 8 * eps * (fabs(want) + fabs(size) + 1));
}

enum { N = 2, C = 6, H = 3, W = 5, ALL = N * C * H * W };
static const int64_t image[] = {N, C, H, W};

static int64_t channel_of(int64_t k)
{
    return k / (H * W) % C;
}

void test_batch_norm(qn_test *t)
{
    for (int round = 0; round < 8; round++) {
        qn_op_case c;
        bool training = round % 2;
        quern_dtype dtype = round % 4 < 2 ? QUERN_FLOAT : QUERN_DOUBLE;
        int64_t channels = C, group[ALL];
        qn_case_begin(t, &c, "BatchNormalization", 15);
        random_input(t, &c, 0, dtype, 4, image, 3);
        for (int i = 1; i < 5; i++)
            random_input(t, &c, i, round < 4 ? dtype : QUERN_FLOAT, 1, &channels, 0.5);
        qn_node_set_int(c.node, "training_mode", training, NULL);
        for (int k = 0; k < ALL; k++)
            group[k] = channel_of(k);
        if (CHECK_OK(t, qn_case_run(&c, training ? 3 : 1), &c.err))
            for (int k = 0; k < ALL; k++) {
                int64_t ch = channel_of(k);
                double mean = at(&c, 3, ch), variance = at(&c, 4, ch), m = mean,
                       v = variance, keep = (double)0.9f;
                if (training) {
                    moments(&c, group, ch, &mean, &variance);
                    CHECK_WITHIN(t, qn_get_real(&c.out[1], ch),
                                 keep * m + (1 - keep) * mean, 1e-6);
                    CHECK_WITHIN(t, qn_get_real(&c.out[2], ch),
                                 keep * v + (1 - keep) * variance, 1e-6);
                }
                double scale = at(&c, 1, ch) / sqrt(variance + (double)1e-5f);
                check_at(t, &c, k, (at(&c, 0, k) - mean) * scale + at(&c, 2, ch),
                         at(&c, 0, k) * scale);
            }
        qn_case_end(&c);
    }
}

/* Form 6 trains unless is_test says otherwise; form 9 trains when it has more outputs.
 */
void test_batch_norm_lowering(qn_test *t)
{
    for (int round = 0; round < 4; round++) {
        qn_op_case c;
        int64_t channels = C;
        bool training = round % 2;
        qn_case_begin(t, &c, "BatchNormalization", round < 2 ? 6 : 9);
        random_input(t, &c, 0, QUERN_FLOAT, 4, image, 3);
        for (int i = 1; i < 5; i++)
            random_input(t, &c, i, QUERN_FLOAT, 1, &channels, 0.5);
        if (round < 2) qn_node_set_int(c.node, "is_test", !training, NULL);
        CHECK_OK(t, qn_case_run(&c, training && round > 1 ? 3 : 1), &c.err);
        CHECK_EQ(t, qn_node_int(c.node, "training_mode", -1), training);
        qn_case_end(&c);
    }
}

void test_group_norm(qn_test *t)
{
    static const struct {
        const char *name;
        int64_t opset, groups, scales; /* 0: by channel */
    } forms[] = {{"InstanceNormalization", 6, 0, C},
                 {"GroupNormalization", 21, 3, C},
                 {"GroupNormalization", 21, 1, C},
                 {"GroupNormalization", 18, 2, 2}};
    for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
        qn_op_case c;
        int64_t group[ALL], groups = forms[f].groups ? forms[f].groups : C;
        qn_case_begin(t, &c, forms[f].name, forms[f].opset);
        random_input(t, &c, 0, QUERN_FLOAT, 4, image, -7);
        random_input(t, &c, 1, QUERN_FLOAT, 1, &forms[f].scales, -1);
        random_input(t, &c, 2, QUERN_FLOAT, 1, &forms[f].scales, -1);
        if (forms[f].groups) qn_node_set_int(c.node, "num_groups", groups, NULL);
        for (int k = 0; k < ALL; k++)
            group[k] = k / (C * H * W) * groups + channel_of(k) / (C / groups);
        qn_note(t, "%s-%lld", forms[f].name, (long long)forms[f].opset);
        if (CHECK_OK(t, qn_case_run(&c, 1), &c.err))
            for (int k = 0; k < ALL; k++) {
                double mean, variance;
                int64_t s = channel_of(k) / (C / forms[f].scales);
                moments(&c, group, group[k], &mean, &variance);
                double scale = at(&c, 1, s) / sqrt(variance + (double)1e-5f);
                check_at(t, &c, k, (at(&c, 0, k) - mean) * scale + at(&c, 2, s),
                         at(&c, 0, k) * scale);
            }
        qn_case_end(&c);
    }
}

void test_layer_norm(qn_test *t)
{
    for (int round = 0; round < 16; round++) {
        qn_op_case c;
        int axis = round % 4;
        bool rms = round >= 8, narrow = round % 8 >= 4;
        int64_t group[ALL], len = 1, last = W;
        qn_case_begin(t, &c, rms ? "RMSNormalization" : "LayerNormalization", 23);
        random_input(t, &c, 0, round % 2 ? QUERN_DOUBLE : QUERN_FLOAT, 4, image, -2.5);
        for (int d = axis; d < 4; d++)
            len *= image[d];
        for (int i = 1; i < (rms ? 2 : 3); i++)
            random_input(t, &c, i, c.in[0].dtype, narrow ? 1 : 4 - axis,
                         narrow ? &last : image + axis, -1);
        qn_node_set_int(c.node, "axis", axis - (round % 8 >= 2 ? 4 : 0), NULL);
        for (int k = 0; k < ALL; k++)
            group[k] = k / len;
        qn_note(t, "axis %d", axis);
        if (CHECK_OK(t, qn_case_run(&c, rms ? 1 : 3), &c.err))
            for (int k = 0; k < ALL; k++) {
                double mean, variance;
                int64_t s = k % (narrow ? W : len);
                moments(&c, group, group[k], &mean, &variance);
                if (rms) variance += mean * mean, mean = 0;
                double inverse = 1 / sqrt(variance + (double)1e-5f);
                double scale = at(&c, 1, s) * inverse;
                check_at(t, &c, k,
                         (at(&c, 0, k) - mean) * scale + (rms ? 0 : at(&c, 2, s)),
                         at(&c, 0, k) * scale);
                if (rms) continue;
                CHECK_WITHIN(t, qn_get_real(&c.out[1], k / len), mean, 1e-6);
                CHECK_WITHIN(t, qn_get_real(&c.out[2], k / len), inverse, 1e-6);
            }
        qn_case_end(&c);
    }
}

void test_mean_variance_norm(qn_test *t)
{
    qn_op_case c;
    int64_t group[ALL];
    qn_case_begin(t, &c, "MeanVarianceNormalization", 13);
    random_input(t, &c, 0, QUERN_FLOAT, 4, image, 1);
    for (int k = 0; k < ALL; k++)
        group[k] = channel_of(k);
    if (CHECK_OK(t, qn_case_run(&c, 1), &c.err))
        for (int k = 0; k < ALL; k++) {
            double mean, variance;
            moments(&c, group, group[k], &mean, &variance);
            check_at(t, &c, k, (at(&c, 0, k) - mean) / (sqrt(variance) + 1e-9), 0);
        }
    qn_case_end(&c);
}

void test_lrn(qn_test *t)
{
    for (int size = 1; size <= 8; size++) {
        qn_op_case c;
        double beta = size % 2 ? 0.75 : 0.5;
        qn_case_begin(t, &c, "LRN", 13);
        random_input(t, &c, 0, QUERN_FLOAT, 4, image, -1);
        qn_node_set_int(c.node, "size", size, NULL);
        qn_node_set_attr(
            c.node,
            &(qn_attr_value){.name = "beta", .kind = QN_ATTR_FLOAT, .f = (float)beta},
            NULL);
        if (CHECK_OK(t, qn_case_run(&c, 1), &c.err))
            for (int k = 0; k < ALL; k++) {
                double sum = 0;
                for (int64_t d = -(size - 1) / 2; d <= size / 2; d++)
                    if (channel_of(k) + d >= 0 && channel_of(k) + d < C)
                        sum += at(&c, 0, k + d * H * W) * at(&c, 0, k + d * H * W);
                check_at(t, &c, k,
                         at(&c, 0, k) / pow(1 + (double)1e-4f / size * sum, beta), 0);
            }
        qn_case_end(&c);
    }
}

void test_lp_norm(qn_test *t)
{
    for (int round = 0; round < 8; round++) {
        qn_op_case c;
        int axis = round / 2, p = 1 + round % 2;
        int64_t inner = 1;
        qn_case_begin(t, &c, "LpNormalization", 1);
        random_input(t, &c, 0, QUERN_FLOAT, 4, image, -1);
        qn_node_set_int(c.node, "axis", axis, NULL);
        qn_node_set_int(c.node, "p", p, NULL);
        for (int d = axis + 1; d < 4; d++)
            inner *= image[d];
        if (CHECK_OK(t, qn_case_run(&c, 1), &c.err))
            for (int k = 0; k < ALL; k++) {
                int64_t first = k - k / inner % image[axis] * inner;
                double sum = 0;
                for (int64_t j = 0; j < image[axis]; j++)
                    sum += pow(fabs(at(&c, 0, first + j * inner)), p);
                check_at(t, &c, k, at(&c, 0, k) / pow(sum, 1.0 / p), 0);
            }
        qn_case_end(&c);
    }
}
