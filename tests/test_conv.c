/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_conv.c - convolutions of every kind against sums in double, element by
 * element, from the definition.  |error| <= (terms + 2) * eps * sum |a*b|. */
#include "tests/conv_case.h"

#include <float.h>
#include <math.h>
#include <string.h>

static void random_input(qn_test *t, qn_op_case *c, int i, quern_dtype dtype, int rank,
                         const int64_t *dim)
{
    qn_case_input(c, i, dtype, rank, dim);
    qn_test_fill(t, &c->in[i]);
}

static void begin(qn_test *t, qn_op_case *c, const qn_conv_case *v, const char *name,
                  quern_dtype dtype)
{
    bool back = strcmp(name, "ConvTranspose") == 0;
    int64_t x[2 + QN_TEST_AXES] = {v->n, v->group * v->ic};
    int64_t w[2 + QN_TEST_AXES] = {back ? v->group * v->ic : v->group * v->oc,
                                   back ? v->oc : v->ic};
    int64_t channels = v->group * v->oc;
    for (int d = 0; d < v->rank; d++) {
        x[2 + d] = v->in[d];
        w[2 + d] = v->kernel[d];
    }
    qn_case_begin(t, c, name, 11);
    random_input(t, c, 0, dtype, 2 + v->rank, x);
    random_input(t, c, 1, dtype, 2 + v->rank, w);
    if (v->bias) random_input(t, c, 2, dtype, 1, &channels);
    qn_conv_attrs(c->node, v);
}

/* Channel o of image n at position `at`: the sum, and in *mass the sum of magnitudes.
 */
static double conv_at(const qn_op_case *c, const qn_conv_case *v, int64_t n, int64_t o,
                      const int64_t *at, double *mass)
{
    double sum = v->bias ? qn_get_real(&c->in[2], o) : 0;
    int64_t plane = qn_test_product(v->rank, v->in),
            taps = qn_test_product(v->rank, v->kernel);
    *mass = sum < 0 ? -sum : sum;
    for (int64_t i = 0; i < v->ic; i++) {
        int64_t tap[QN_TEST_AXES] = {0};
        do {
            int64_t from[QN_TEST_AXES];
            bool inside = true;
            for (int d = 0; d < v->rank; d++) {
                from[d] = at[d] * v->stride[d] + tap[d] * v->dilation[d] - v->pads[d];
                inside = inside && from[d] >= 0 && from[d] < v->in[d];
            }
            if (!inside) continue;
            int64_t channel = n * v->group * v->ic + o / v->oc * v->ic + i;
            double p =
                qn_get_real(&c->in[0],
                            channel * plane + qn_test_flat(v->rank, v->in, from)) *
                qn_get_real(&c->in[1], (o * v->ic + i) * taps +
                                           qn_test_flat(v->rank, v->kernel, tap));
            sum += p;
            *mass += p < 0 ? -p : p;
        } while (qn_test_step(v->rank, v->kernel, tap));
    }
    return sum;
}

static void check_conv(qn_test *t, const qn_op_case *c, const qn_conv_case *v,
                       double eps)
{
    double terms = (double)(v->ic * qn_test_product(v->rank, v->kernel) + 3);
    int64_t k = 0;
    for (int64_t n = 0; n < v->n; n++)
        for (int64_t o = 0; o < v->group * v->oc; o++) {
            int64_t at[QN_TEST_AXES] = {0};
            do {
                double mass, want = conv_at(c, v, n, o, at, &mass);
                CHECK_WITHIN(t, qn_get_real(&c->out[0], k++), want, terms * eps * mass);
            } while (qn_test_step(v->rank, v->out, at));
        }
    CHECK_EQ(t, qn_tensor_count(&c->out[0]), k);
}

void test_conv_random(qn_test *t)
{
    for (int round = 0; round < 240; round++) {
        qn_conv_case v;
        qn_op_case c;
        bool wide = round % 4 == 3;
        qn_conv_choose(t, &v, round);
        qn_conv_note(t, &v);
        begin(t, &c, &v, "Conv", wide ? QUERN_DOUBLE : QUERN_FLOAT);
        if (round % 2) qn_kernels_init(&c.kernels, QN_ISA_REF);
        if (CHECK_OK(t, qn_case_run(&c, 1), &c.err))
            check_conv(t, &c, &v, wide ? DBL_EPSILON : FLT_EPSILON);
        qn_case_end(&c);
    }
}

/* Shapes that take each of the ways of conv.c, and the tails of their blocks. */
void test_conv_ways(qn_test *t)
{
    const char *const set = "NOTSET";
    const qn_conv_case cases[] = {
        /* pointwise */
        {2, true, 1, 1, 65, 70, {13, 35}, {0}, {1, 1}, {1, 1}, {1, 1}, {0}, set},
        {2, false, 1, 2, 40, 64, {5, 1}, {0}, {1, 1}, {1, 1}, {1, 1}, {0}, "VALID"},
        {2, true, 1, 1, 300, 2, {1, 1}, {0}, {1, 1}, {1, 1}, {1, 1}, {0}, "VALID"},
        /* columns shared by workers */
        {2, true, 1, 1, 70, 66, {7, 7}, {0}, {3, 3}, {1, 1}, {1, 1}, {0}, "SAME_UPPER"},
        /* depthwise: wide, narrow, the most taps, too many for it, one axis */
        {2, true, 1, 7, 1, 1, {61, 99}, {0}, {5, 5}, {2, 1}, {1, 2}, {2, 4, 2, 4}, set},
        {2, true, 1, 3, 1, 3, {9, 9}, {0}, {11, 11}, {1, 1}, {1, 1}, {5, 5, 5, 5}, set},
        {2, true, 1, 3, 1, 1, {9, 9}, {0}, {12, 12}, {1, 1}, {1, 1}, {6, 6, 6, 6}, set},
        {1, true, 2, 4, 1, 1, {50}, {0}, {3}, {1}, {1}, {2, 0}, set},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        qn_conv_case v = cases[k];
        qn_op_case c;
        REQUIRE(t, qn_conv_settle(&v));
        qn_conv_note(t, &v);
        begin(t, &c, &v, "Conv", QUERN_FLOAT);
        if (CHECK_OK(t, qn_case_run(&c, 1), &c.err)) check_conv(t, &c, &v, FLT_EPSILON);
        qn_case_end(&c);
    }
}

/* One row of slot dwtaps_f32 at one length: every element against its sum in double. */
static void check_dwtaps(qn_test *t, qn_dwtaps_f32_fn *fn, int64_t n, int taps)
{
    enum { MOST = 25, REACH = 60 };
    int64_t shift[MOST];
    for (int i = 0; i < taps; i++)
        shift[i] = qn_test_int(t, 0, REACH);
    shift[taps - 1] = REACH;
    const float *w = qn_random_floats(t, (size_t)taps);
    const float *x = qn_random_floats(t, (size_t)(n + REACH));
    float *y = qn_exact(t, (size_t)n * sizeof *y), bias = w[0];
    fn(n, taps, shift, w, bias, x, y);
    for (int64_t i = 0; i < n; i++) {
        double sum = (double)bias, mass = fabs(sum);
        for (int k = 0; k < taps; k++) {
            const double p = (double)w[k] * (double)x[i + shift[k]];
            sum += p;
            mass += fabs(p);
        }
        CHECK_WITHIN(t, (double)y[i], sum, (taps + 2) * FLT_EPSILON * mass);
    }
}

void test_dwtaps_rows(qn_test *t)
{
    static const int64_t sizes[] = {0, 1, 4, 7, 8, 9, 15, 31, 32, 33, 40, 47, 100};
    int n_rows;
    const qn_kernel_row *rows = qn_kernel_rows(&n_rows);
    for (int r = 0; r < n_rows; r++) {
        if (strcmp(rows[r].slot, "dwtaps_f32") != 0) continue;
        if ((qn_cpu_isa() & rows[r].need) != rows[r].need) continue;
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            for (int taps = 1; taps <= 25; taps += 8) {
                qn_note(t, "%s n %d taps %d", rows[r].name, (int)sizes[i], taps);
                check_dwtaps(t, (qn_dwtaps_f32_fn *)rows[r].fn, sizes[i], taps);
            }
    }
}

/* The same bits from one thread and from three. */
void test_conv_threads(qn_test *t)
{
    quern_pool *pool;
    quern_error err;
    REQUIRE_OK(t, quern_pool_create(3, &pool, &err), &err);
    for (int round = 0; round < 60; round++) {
        qn_conv_case v;
        qn_op_case c;
        qn_conv_choose(t, &v, round);
        qn_conv_note(t, &v);
        begin(t, &c, &v, "Conv", QUERN_FLOAT);
        if (CHECK_OK(t, qn_case_run(&c, 1), &c.err)) {
            qn_tensor alone = c.out[0];
            c.pool = pool;
            if (CHECK_OK(t, qn_case_run(&c, 1), &c.err))
                CHECK(t,
                      memcmp(alone.data, c.out[0].data, qn_tensor_bytes(&alone)) == 0);
        }
        qn_case_end(&c);
    }
    quern_pool_free(pool);
}

void test_conv_zero_size(qn_test *t)
{
    const qn_conv_case base = {2,   true,   1,      2,      3,   4,       {6, 5},
                               {0}, {3, 3}, {1, 1}, {1, 1}, {0}, "NOTSET"};
    for (int k = 0; k < 4; k++) {
        qn_conv_case v = base;
        qn_op_case c;
        if (k == 0) v.n = 0;
        if (k == 1) v.ic = 0;
        if (k == 2) v.in[0] = 0;
        if (k == 3) v.oc = 0;
        begin(t, &c, &v, "Conv", QUERN_FLOAT);
        qn_note(t, "case %d", k);
        if (CHECK_OK(t, qn_case_run(&c, 1), &c.err)) {
            CHECK_EQ(t, qn_tensor_count(&c.out[0]), k == 1 ? 8 * 4 * 3 : 0);
            for (int64_t i = 0; i < qn_tensor_count(&c.out[0]); i++) /* nothing but B */
                CHECK_WITHIN(t, qn_get_real(&c.out[0], i),
                             qn_get_real(&c.in[2], i / 12), 0);
        }
        qn_case_end(&c);
    }
}

void test_conv_refuses(qn_test *t)
{
    const qn_conv_case base = {2,   false,  1,      2,      3,   4,       {4, 5},
                               {0}, {3, 3}, {1, 1}, {1, 1}, {0}, "NOTSET"};
    const char *const parts[] = {"window reaches", "group 3",  "strides[1] is 0",
                                 "pads has 3",     "auto_pad", "kernel_shape[0] is 2"};
    for (int k = 0; k < 6; k++) {
        qn_conv_case v = base;
        qn_op_case c;
        const int64_t two[2] = {2, 3};
        if (k == 0) v.kernel[0] = 5;
        begin(t, &c, &v, "Conv", QUERN_FLOAT);
        if (k == 1) qn_node_set_int(c.node, "group", 3, NULL);
        if (k == 2) qn_node_set_ints(c.node, "strides", 2, (int64_t[]){1, 0}, NULL);
        if (k == 3) qn_node_set_ints(c.node, "pads", 3, (int64_t[]){1, 1, 1}, NULL);
        if (k == 4) qn_node_set_str(c.node, "auto_pad", "SAME", NULL);
        if (k == 5) qn_node_set_ints(c.node, "kernel_shape", 2, two, NULL);
        quern_status status = qn_case_run(&c, 1);
        CHECK(t, status == QUERN_SHAPE || status == QUERN_INVALID);
        CHECK_HAS(t, c.err.text, parts[k]);
        qn_case_end(&c);
    }
}

/* ---- transposed ---- */

/* Scatters every product to where it lands; y and mass have room for the whole output.
 */
static void scatter(const qn_op_case *c, const qn_conv_case *v, double *y, double *mass)
{
    int64_t taps = qn_test_product(v->rank, v->kernel),
            plane = qn_test_product(v->rank, v->in);
    int64_t image = qn_test_product(v->rank, v->out), channels = v->group * v->oc;
    for (int64_t k = 0; k < v->n * channels * image; k++) {
        y[k] = v->bias ? qn_get_real(&c->in[2], k / image % channels) : 0;
        mass[k] = y[k] < 0 ? -y[k] : y[k];
    }
    for (int64_t from = 0; from < v->n * v->group * v->ic; from++) {
        int64_t at[QN_TEST_AXES] = {0};
        do {
            double x =
                qn_get_real(&c->in[0], from * plane + qn_test_flat(v->rank, v->in, at));
            int64_t tap[QN_TEST_AXES] = {0};
            do {
                int64_t to[QN_TEST_AXES];
                bool inside = true;
                for (int d = 0; d < v->rank; d++) {
                    to[d] = at[d] * v->stride[d] + tap[d] * v->dilation[d] - v->pads[d];
                    inside = inside && to[d] >= 0 && to[d] < v->out[d];
                }
                for (int64_t o = 0; o < v->oc && inside; o++) {
                    int64_t ci = from % (v->group * v->ic), g = from / v->ic;
                    int64_t k =
                        (g * v->oc + o) * image + qn_test_flat(v->rank, v->out, to);
                    double p =
                        x * qn_get_real(&c->in[1],
                                        (ci * v->oc + o) * taps +
                                            qn_test_flat(v->rank, v->kernel, tap));
                    y[k] += p;
                    mass[k] += p < 0 ? -p : p;
                }
            } while (qn_test_step(v->rank, v->kernel, tap));
        } while (qn_test_step(v->rank, v->in, at));
    }
}

/* The size of Y and what is cut off it; extra is output_padding. */
static void settle_back(qn_conv_case *v, const int64_t *extra, bool fixed)
{
    bool upper = strcmp(v->auto_pad, "SAME_UPPER") == 0;
    for (int d = 0; d < v->rank; d++) {
        int64_t full = (v->in[d] - 1) * v->stride[d] + qn_conv_reach(v, d) + extra[d];
        int64_t *begin = &v->pads[d], *end = &v->pads[v->rank + d];
        if (!fixed && v->auto_pad[0] != 'S') {
            if (v->auto_pad[0] == 'V') *begin = *end = 0;
            v->out[d] = full - *begin - *end;
            continue;
        }
        if (!fixed) v->out[d] = v->in[d] * v->stride[d];
        int64_t total = full > v->out[d] ? full - v->out[d] : 0;
        *begin = upper ? total / 2 : (total + 1) / 2;
    }
}

void test_conv_transpose_random(qn_test *t)
{
    for (int round = 0; round < 150; round++) {
        qn_conv_case v;
        qn_op_case c;
        int64_t extra[QN_TEST_AXES] = {0};
        bool fixed = round % 5 == 4, wide = round % 4 == 3;
        qn_conv_choose(t, &v, round);
        for (int d = 0; d < v.rank; d++) {
            v.pads[d] = qn_test_int(t, 0, qn_conv_reach(&v, d) / 2);
            v.pads[v.rank + d] = qn_test_int(t, 0, qn_conv_reach(&v, d) / 2);
            extra[d] = qn_test_int(t, 0, v.stride[d] - 1);
            if (fixed) v.out[d] = qn_test_int(t, 1, (v.in[d] + 2) * v.stride[d]);
        }
        settle_back(&v, extra, fixed);
        qn_conv_note(t, &v);
        begin(t, &c, &v, "ConvTranspose", wide ? QUERN_DOUBLE : QUERN_FLOAT);
        qn_node_set_ints(c.node, "output_padding", v.rank, extra, NULL);
        if (fixed) qn_node_set_ints(c.node, "output_shape", v.rank, v.out, NULL);
        if (CHECK_OK(t, qn_case_run(&c, 1), &c.err)) {
            int64_t n = v.n * v.group * v.oc * qn_test_product(v.rank, v.out);
            REQUIRE(t, n == qn_tensor_count(&c.out[0]));
            double *y = qn_exact(t, (size_t)n * sizeof *y);
            double *mass = qn_exact(t, (size_t)n * sizeof *mass);
            double terms = (double)(v.ic * qn_test_product(v.rank, v.kernel) + 3);
            scatter(&c, &v, y, mass);
            for (int64_t k = 0; k < n; k++)
                CHECK_WITHIN(t, qn_get_real(&c.out[0], k), y[k],
                             terms * (wide ? DBL_EPSILON : FLT_EPSILON) * mass[k]);
        }
        qn_case_end(&c);
    }
}

/* ---- integers ---- */

static void random_bytes(qn_test *t, qn_tensor *x)
{
    for (int64_t i = 0, n = qn_tensor_count(x); i < n; i++)
        ((uint8_t *)x->data)[i] = (uint8_t)qn_test_int(t, 0, 255);
}

void test_conv_integer_random(qn_test *t)
{
    for (int round = 0; round < 60; round++) {
        qn_conv_case v;
        qn_op_case c;
        qn_conv_choose(t, &v, round);
        v.bias = false;
        qn_conv_note(t, &v);
        quern_dtype dtype = round % 2 ? QUERN_INT8 : QUERN_UINT8;
        int64_t one = 1, channels = v.group * v.oc;
        begin(t, &c, &v, "ConvInteger", dtype);
        random_bytes(t, &c.in[0]);
        random_bytes(t, &c.in[1]);
        qn_case_input(&c, 2, dtype, round % 4 < 2 ? 0 : 1, &one);
        qn_case_input(&c, 3, dtype, 1, round % 3 ? &one : &channels);
        random_bytes(t, &c.in[2]);
        random_bytes(t, &c.in[3]);
        if (CHECK_OK(t, qn_case_run(&c, 1), &c.err)) {
            /* The same with everything less its zero point, in double: exact. */
            qn_op_case wide = {.in = {c.in[0], c.in[1]}};
            int64_t n = qn_tensor_count(&c.in[0]), m = qn_tensor_count(&c.in[1]);
            int64_t zeros = qn_tensor_count(&c.in[3]);
            for (int k = 0; k < 2; k++) {
                wide.in[k].dtype = QUERN_DOUBLE;
                wide.in[k].data = qn_exact(t, (size_t)(k ? m : n) * sizeof(double));
            }
            for (int64_t k = 0; k < n; k++)
                qn_set_real(&wide.in[0], k,
                            qn_get_real(&c.in[0], k) - qn_get_real(&c.in[2], 0));
            for (int64_t k = 0; k < m; k++)
                qn_set_real(&wide.in[1], k,
                            qn_get_real(&c.in[1], k) -
                                qn_get_real(&c.in[3], k / (m / channels) % zeros));
            wide.out[0] = c.out[0];
            check_conv(t, &wide, &v, 0);
        }
        qn_case_end(&c);
    }
}
