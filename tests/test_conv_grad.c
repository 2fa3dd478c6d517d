/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_conv_grad.c - gradients of convolutions against the definition: every
 * product of a tap is dealt out in double.  |error| <= (terms + 2) * eps * sum |a*b|.
 */
#include "engine/model.h"
#include "tests/conv_case.h"
#include "tests/grad_kit.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* The operands of one convolution and what its gradients should be. */
typedef struct truth {
    qn_conv_case v;
    qn_tensor x, w, dy;
    double *dx, *dx_mass, *dw, *dw_mass;
} truth;

static void make(qn_test *t, qn_tensor *x, quern_dtype dtype, int rank, int64_t n,
                 int64_t c, const int64_t *spatial)
{
    int64_t dim[2 + QN_TEST_AXES] = {n, c};
    memcpy(dim + 2, spatial, (size_t)rank * sizeof *dim);
    qn_set_shape(x, dtype, 2 + rank, dim);
    x->data = qn_exact(t, qn_tensor_bytes(x));
    qn_test_fill(t, x);
}

static double *zeros(qn_test *t, const qn_tensor *like)
{
    size_t n = (size_t)qn_tensor_count(like);
    double *z = qn_exact(t, n * sizeof *z);
    memset(z, 0, n * sizeof *z);
    return z;
}

/* Twice X, as it is added in sessions. */
static void add_x(truth *r)
{
    for (int64_t i = 0; i < qn_tensor_count(&r->x); i++) {
        r->dx[i] += 2 * qn_get_real(&r->x, i);
        r->dx_mass[i] += 2 * fabs(qn_get_real(&r->x, i));
    }
}

/* Output `y` at `at`, channel o of image n, through all its taps. */
static void deal(truth *r, int64_t n, int64_t o, const int64_t *at, double dy)
{
    const qn_conv_case *v = &r->v;
    int64_t plane = qn_test_product(v->rank, v->in);
    int64_t taps = qn_test_product(v->rank, v->kernel), tap[QN_TEST_AXES] = {0};
    do {
        int64_t from[QN_TEST_AXES];
        bool inside = true;
        for (int d = 0; d < v->rank; d++) {
            from[d] = at[d] * v->stride[d] + tap[d] * v->dilation[d] - v->pads[d];
            inside = inside && from[d] >= 0 && from[d] < v->in[d];
        }
        for (int64_t i = 0; i < v->ic && inside; i++) {
            int64_t channel = (n * v->group + o / v->oc) * v->ic + i;
            int64_t xi = channel * plane + qn_test_flat(v->rank, v->in, from);
            int64_t wi = (o * v->ic + i) * taps + qn_test_flat(v->rank, v->kernel, tap);
            double a = dy * qn_get_real(&r->w, wi), b = dy * qn_get_real(&r->x, xi);
            r->dx[xi] += a, r->dx_mass[xi] += fabs(a);
            r->dw[wi] += b, r->dw_mass[wi] += fabs(b);
        }
    } while (qn_test_step(v->rank, v->kernel, tap));
}

static void find_truth(qn_test *t, truth *r, const qn_conv_case *v, quern_dtype dtype)
{
    *r = (truth){.v = *v};
    make(t, &r->x, dtype, v->rank, v->n, v->group * v->ic, v->in);
    make(t, &r->w, dtype, v->rank, v->group * v->oc, v->ic, v->kernel);
    make(t, &r->dy, dtype, v->rank, v->n, v->group * v->oc, v->out);
    r->dx = zeros(t, &r->x), r->dx_mass = zeros(t, &r->x);
    r->dw = zeros(t, &r->w), r->dw_mass = zeros(t, &r->w);
    int64_t k = 0;
    for (int64_t n = 0; n < v->n; n++)
        for (int64_t o = 0; o < v->group * v->oc; o++) {
            int64_t at[QN_TEST_AXES] = {0};
            if (qn_tensor_count(&r->dy) == 0) return;
            do
                deal(r, n, o, at, qn_get_real(&r->dy, k++));
            while (qn_test_step(v->rank, v->out, at));
        }
}

static void put(qn_op_case *c, int i, const qn_tensor *x)
{
    qn_case_input(c, i, x->dtype, x->rank, x->dim);
    memcpy(c->in[i].data, x->data, qn_tensor_bytes(x));
}

/* Input 2 is there for its shape: what is read of it shows. */
static void begin(qn_op_case *c, const truth *r, const char *name, const qn_tensor *b,
                  const qn_tensor *shape)
{
    qn_case_begin(c->t, c, name, 1);
    put(c, 0, &r->dy);
    put(c, 1, b);
    put(c, 2, shape);
    memset(c->in[2].data, 0xff, qn_tensor_bytes(shape));
    qn_conv_attrs(c->node, &r->v);
}

static void check(qn_test *t, const qn_tensor *got, const double *want,
                  const double *mass, int64_t terms)
{
    double eps = got->dtype == QUERN_DOUBLE ? DBL_EPSILON : FLT_EPSILON;
    for (int64_t i = 0; i < qn_tensor_count(got); i++)
        CHECK_WITHIN(t, qn_get_real(got, i), want[i],
                     (double)(terms + 2) * eps * mass[i]);
}

static void check_case(qn_test *t, const qn_conv_case *v, quern_dtype dtype, bool ref)
{
    qn_op_case c = {.t = t};
    truth r;
    qn_conv_note(t, v);
    find_truth(t, &r, v, dtype);
    begin(&c, &r, "ConvGradX", &r.w, &r.x);
    if (ref) qn_kernels_init(&c.kernels, QN_ISA_REF);
    if (CHECK_OK(t, qn_case_run(&c, 1), &c.err))
        check(t, &c.out[0], r.dx, r.dx_mass,
              v->oc * qn_test_product(v->rank, v->kernel));
    qn_case_end(&c);
    begin(&c, &r, "ConvGradW", &r.x, &r.w);
    if (ref) qn_kernels_init(&c.kernels, QN_ISA_REF);
    if (CHECK_OK(t, qn_case_run(&c, 1), &c.err))
        check(t, &c.out[0], r.dw, r.dw_mass, v->n * qn_test_product(v->rank, v->out));
    qn_case_end(&c);
}

void test_conv_grad_random(qn_test *t)
{
    for (int round = 0; round < 120; round++) {
        qn_conv_case v;
        qn_conv_choose(t, &v, round);
        check_case(t, &v, round % 4 == 3 ? QUERN_DOUBLE : QUERN_FLOAT, round % 2);
    }
}

/* No images, channels, filters or positions: nothing, or zeros. */
void test_conv_grad_zero_size(qn_test *t)
{
    const qn_conv_case base = {2,   false,  1,      2,      3,   4,       {6, 5},
                               {0}, {3, 3}, {1, 1}, {1, 1}, {0}, "NOTSET"};
    for (int k = 0; k < 4; k++) {
        qn_conv_case v = base;
        if (k == 0) v.n = 0;
        if (k == 1) v.ic = 0;
        if (k == 2) v.in[0] = 0;
        if (k == 3) v.oc = 0;
        REQUIRE(t, qn_conv_settle(&v) || k == 2);
        if (k == 2) v.out[0] = 0, v.out[1] = 3;
        check_case(t, &v, QUERN_FLOAT, false);
    }
}

/* More images than shards: the same bits from one thread and from three. */
void test_conv_grad_threads(qn_test *t)
{
    quern_pool *pool;
    quern_error err;
    REQUIRE_OK(t, quern_pool_create(3, &pool, &err), &err);
    for (int round = 0; round < 30; round++) {
        qn_conv_case v;
        qn_op_case c = {.t = t};
        truth r;
        qn_conv_choose(t, &v, round);
        v.n = qn_test_int(t, 1, 35);
        qn_conv_note(t, &v);
        find_truth(t, &r, &v, QUERN_FLOAT);
        begin(&c, &r, round % 2 ? "ConvGradW" : "ConvGradX", round % 2 ? &r.x : &r.w,
              round % 2 ? &r.w : &r.x);
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

void test_conv_grad_refuses(qn_test *t)
{
    const qn_conv_case v = {2,      false,  1,      1,      3,   4,       {6, 5},
                            {4, 3}, {3, 3}, {1, 1}, {1, 1}, {0}, "NOTSET"};
    truth r;
    qn_op_case c = {.t = t};
    find_truth(t, &r, &v, QUERN_FLOAT);
    r.dy.dim[3]--;
    begin(&c, &r, "ConvGradX", &r.w, &r.x);
    CHECK_FAILS(t, qn_case_run(&c, 1), QUERN_SHAPE, &c.err,
                "dY is [1,4,4,2] but the convolution gives [1,4,4,3]");
    qn_case_end(&c);
    begin(&c, &r, "ConvGradW", &r.w, &r.w);
    CHECK_FAILS(t, qn_case_run(&c, 1), QUERN_SHAPE, &c.err, "dY is");
    qn_case_end(&c);
}

/* ---- in a session, which lays tensors out blocked ---- */

static qn_value *add_operand(quern_model *m, const qn_tensor *x, bool constant)
{
    qn_value *v = NULL;
    if (constant) {
        qn_graph_add_constant(m->graph, "c", x, &v, NULL);
        return v;
    }
    qn_graph_add_value(m->graph, "x", &v, NULL);
    v->dtype = x->dtype;
    v->is_input = true;
    v->rank = x->rank;
    memcpy(v->dim, x->dim, sizeof x->dim);
    m->graph->inputs[m->graph->n_inputs++] = v;
    return v;
}

/* The model out = name(dY, second, third), of the input's gradient twice X more; W is a
 * constant. */
static bool make_model(qn_test *t, truth *r, const char *name, quern_model **out)
{
    quern_error err;
    quern_model *m;
    qn_node *node;
    void *p, *q;
    const bool of_x = strcmp(name, "ConvGradX") == 0;
    if (!CHECK_OK(t, qn_model_create(NULL, &m, &err), &err)) return false;
    qn_arena_array(&m->arena, 3, sizeof(qn_value *), &p, NULL);
    qn_arena_array(&m->arena, 1, sizeof(qn_value *), &q, NULL);
    m->graph->inputs = p;
    m->graph->outputs = q;
    m->graph->n_outputs = 1;
    qn_graph_new_node(m->graph, name, "quern", 1, 3, 1, &node, NULL);
    node->in[0] = add_operand(m, &r->dy, false);
    node->in[1] = add_operand(m, of_x ? &r->w : &r->x, of_x);
    node->in[2] = add_operand(m, of_x ? &r->x : &r->w, !of_x);
    qn_graph_add_value(m->graph, "y", &node->out[0], NULL);
    m->graph->outputs[0] = node->out[0];
    m->purpose = QN_FOR_TRAINING;
    qn_conv_attrs(node, &r->v);
    qn_graph_insert(m->graph, node, NULL);
    if (of_x) {
        qn_value *x = node->in[2], *dx = node->out[0], *twice;
        qn_graph_emit(m->graph, node, "Add", 2, (qn_value *[]){x, x}, &twice, NULL);
        qn_graph_emit(m->graph, NULL, "Add", 2, (qn_value *[]){twice, dx},
                      &m->graph->outputs[0], NULL);
    }
    *out = m;
    return CHECK_OK(t, qn_model_finish(m, &err), &err);
}

static void bind(qn_test *t, quern_session *s, int i, const qn_tensor *x)
{
    quern_error err;
    quern_tensor q = {.dtype = x->dtype, .rank = x->rank, .data = x->data};
    memcpy(q.dim, x->dim, sizeof q.dim);
    CHECK_OK(t, quern_session_bind(s, i, &q, &err), &err);
}

static bool can_block(const qn_conv_case *v)
{
    return v->group == 1 || (v->ic == 1 && v->oc == 1) ||
           (v->ic % 8 == 0 && v->oc % 8 == 0);
}

/* Runs twice, the second time over a used slab; the result is copied to y. */
static bool run_session(qn_test *t, truth *r, const char *name,
                        const quern_session_options *opt, qn_tensor *y)
{
    quern_model *m;
    quern_session *s;
    quern_error err;
    quern_tensor out = {0};
    quern_session_stats stats;
    if (!make_model(t, r, name, &m)) return false;
    bool ok = CHECK_OK(t, quern_session_create(m, opt, &s, &err), &err);
    if (ok) {
        bind(t, s, 0, &r->dy);
        bind(t, s, 1, &r->x);
        ok = CHECK_OK(t, quern_run(s, &err), &err) &&
             CHECK_OK(t, quern_run(s, &err), &err) &&
             CHECK_OK(t, quern_session_output(s, 0, &out, &err), &err);
        quern_session_get_stats(s, &stats);
        CHECK_EQ(t, stats.reorders > 0, can_block(&r->v));
        if (ok) {
            qn_set_shape(y, out.dtype, out.rank, out.dim);
            y->data = qn_exact(t, qn_tensor_bytes(y));
            memcpy(y->data, out.data, qn_tensor_bytes(y));
        }
        quern_session_free(s);
    }
    quern_model_free(m);
    return ok;
}

static quern_session_options options(int threads, bool winograd, const char *isa)
{
    return (quern_session_options){.size = sizeof(quern_session_options),
                                   .n_threads = threads,
                                   .no_winograd = !winograd,
                                   .isa = isa,
                                   .layout = "blocked",
                                   .poison = 1};
}

static double most(const double *x, int64_t n)
{
    double best = 0;
    for (int64_t i = 0; i < n; i++)
        best = fmax(best, x[i]);
    return best;
}

static void check_blocked(qn_test *t, const qn_conv_case *v)
{
    static const char *const isas[] = {NULL, "ref"};
    truth r;
    qn_tensor y, alone;
    find_truth(t, &r, v, QUERN_FLOAT);
    add_x(&r);
    const int64_t x_terms = v->oc * qn_test_product(v->rank, v->kernel);
    const int64_t w_terms = v->n * qn_test_product(v->rank, v->out);
    for (int i = 0; i < 2; i++) {
        qn_conv_note(t, v);
        quern_session_options opt = options(1, false, isas[i]);
        if (run_session(t, &r, "ConvGradX", &opt, &y))
            check(t, &y, r.dx, r.dx_mass, x_terms);
        if (run_session(t, &r, "ConvGradW", &opt, &alone))
            check(t, &alone, r.dw, r.dw_mass, w_terms);
        opt.n_threads = 3;
        if (run_session(t, &r, "ConvGradW", &opt, &y))
            CHECK(t, memcmp(y.data, alone.data, qn_tensor_bytes(&y)) == 0);
    }
    /* Winograd's errors follow the largest of the neighbours. */
    quern_session_options opt = options(2, true, NULL);
    const double mass = most(r.dx_mass, qn_tensor_count(&r.x));
    for (int64_t k = 0; k < qn_tensor_count(&r.x); k++)
        r.dx_mass[k] = mass;
    const double w_mass = most(r.dw_mass, qn_tensor_count(&r.w));
    for (int64_t k = 0; k < qn_tensor_count(&r.w); k++)
        r.dw_mass[k] = w_mass;
    if (run_session(t, &r, "ConvGradX", &opt, &y)) check(t, &y, r.dx, r.dx_mass, 8);
    if (!run_session(t, &r, "ConvGradW", &opt, &alone)) return;
    check(t, &alone, r.dw, r.dw_mass, 8);
    opt.n_threads = 3;
    if (run_session(t, &r, "ConvGradW", &opt, &y))
        CHECK(t, memcmp(y.data, alone.data, qn_tensor_bytes(&y)) == 0);
}

#define SET "NOTSET"
static const qn_conv_case blocked_cases[] = {
    /* 3x3, direct and Winograd, whole and odd blocks */
    {2, false, 4, 1, 16, 32, {12, 12}, {0}, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, SET},
    {2, false, 3, 1, 20, 41, {13, 9}, {0}, {3, 3}, {1, 1}, {1, 1}, {0, 2, 1, 0}, SET},
    {2, false, 18, 1, 8, 16, {5, 5}, {0}, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, SET},
    /* strides, stride over kernel, dilation, asymmetric padding */
    {2, false, 2, 1, 16, 24, {9, 11}, {0}, {3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}, SET},
    {2, false, 2, 1, 32, 40, {9, 14}, {0}, {3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}, SET},
    {2, false, 2, 1, 9, 17, {10, 7}, {0}, {1, 1}, {2, 3}, {1, 1}, {0}, SET},
    {2, false, 1, 1, 8, 8, {11, 12}, {0}, {3, 2}, {2, 4}, {2, 3}, {3, 0, 1, 5}, SET},
    {2, false, 1, 1, 10, 12, {9, 9}, {0}, {3, 3}, {1, 1}, {2, 2}, {2, 2, 2, 2}, SET},
    {2, false, 2, 1, 7, 8, {1, 14}, {0}, {1, 5}, {1, 2}, {1, 1}, {0}, "SAME_LOWER"},
    /* phases that are 3x3 */
    {2, false, 1, 1, 24, 24, {32, 30}, {0}, {6, 6}, {2, 2}, {1, 1}, {2, 2, 2, 2}, SET},
    /* 1x1 */
    {2, false, 2, 1, 64, 70, {5, 7}, {0}, {1, 1}, {1, 1}, {1, 1}, {0}, SET},
    {2, false, 1, 1, 33, 8, {1, 1}, {0}, {1, 1}, {1, 1}, {1, 1}, {0}, SET},
    /* stems */
    {2, false, 3, 1, 3, 32, {14, 15}, {0}, {7, 7}, {2, 2}, {1, 1}, {3, 3, 3, 3}, SET},
    {2, false, 4, 1, 1, 20, {12, 12}, {0}, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, SET},
    /* groups: whole blocks, depthwise, and others */
    {2, false, 2, 3, 8, 16, {7, 7}, {0}, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, SET},
    {2, false, 2, 4, 2, 3, {7, 7}, {0}, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, SET},
    {2, false, 2, 19, 1, 1, {9, 8}, {0}, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, SET},
    {2, false, 2, 24, 1, 1, {9, 8}, {0}, {3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}, SET},
    {2, false, 2, 8, 1, 1, {9, 13}, {0}, {5, 5}, {1, 1}, {1, 1}, {2, 2, 2, 2}, SET},
    {2, false, 1, 9, 1, 1, {17, 9}, {0}, {7, 7}, {2, 1}, {1, 1}, {3, 3, 3, 3}, SET},
    {2, false, 2, 8, 1, 1, {9, 9}, {0}, {3, 4}, {1, 3}, {2, 1}, {1, 0, 0, 2}, SET},
};

void test_conv_grad_blocked(qn_test *t)
{
    for (size_t k = 0; k < sizeof blocked_cases / sizeof *blocked_cases; k++) {
        qn_conv_case v = blocked_cases[k];
        REQUIRE(t, qn_conv_settle(&v));
        check_blocked(t, &v);
    }
}

void test_channel_sum(qn_test *t)
{
    for (int round = 0; round < 20; round++) {
        const int64_t dim[4] = {qn_test_int(t, 0, 5), qn_test_int(t, 0, 20),
                                qn_test_int(t, 0, 9), qn_test_int(t, 1, 9)};
        const int rank = 2 + round % 3;
        qn_op_case c;
        qn_case_begin(t, &c, "ChannelSum", 1);
        qn_case_input(&c, 0, round % 2 ? QUERN_DOUBLE : QUERN_FLOAT, rank, dim);
        qn_test_fill(t, &c.in[0]);
        if (CHECK_OK(t, qn_case_run(&c, 1), &c.err)) {
            REQUIRE(t, c.out[0].rank == 1 && c.out[0].dim[0] == dim[1]);
            int64_t inner = qn_dims_count(&c.in[0], 2, rank);
            for (int64_t o = 0; o < dim[1]; o++) {
                double want = 0;
                for (int64_t i = 0; i < dim[0] * inner; i++)
                    want += qn_get_real(&c.in[0],
                                        (i / inner * dim[1] + o) * inner + i % inner);
                CHECK_WITHIN(t, qn_get_real(&c.out[0], o), want,
                             FLT_EPSILON * (1 + fabs(want)));
            }
        }
        qn_case_end(&c);
    }
}

/* A NaN reaches all that it is a factor of: filters of its channel, taps of its pixel,
 * whatever the others are; zeros do not hide it. */
void test_conv_grad_nan(qn_test *t)
{
    const int groups[] = {1, 16};
    for (int k = 0; k < 4; k++) {
        const int64_t g = groups[k % 2];
        qn_conv_case v = {2,   false,  3,      g,      16 / g,       16 / g, {8, 8},
                          {0}, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, SET};
        truth r;
        qn_tensor dw, dx;
        REQUIRE(t, qn_conv_settle(&v));
        find_truth(t, &r, &v, QUERN_FLOAT);
        memset(r.x.data, 0, qn_tensor_bytes(&r.x));
        memset(r.w.data, 0, qn_tensor_bytes(&r.w));
        /* channel 5, image 1, row 4, column 4: inside the reach of all taps */
        ((float *)r.dy.data)[((1 * 16 + 5) * 8 + 4) * 8 + 4] = NAN;
        quern_session_options opt = options(1, k / 2, NULL);
        qn_conv_note(t, &v);
        if (!run_session(t, &r, "ConvGradW", &opt, &dw)) return;
        const int64_t filter = 16 / g * 9;
        for (int64_t i = 0; i < 5 * filter; i++)
            CHECK(t, qn_get_real(&dw, i) == 0);
        for (int64_t i = 5 * filter; i < 6 * filter; i++)
            CHECK(t, isnan(qn_get_real(&dw, i)));
        if (!run_session(t, &r, "ConvGradX", &opt, &dx)) return;
        for (int64_t i = 0; i < 9; i++)
            CHECK(t, isnan(qn_get_real(&dx, ((1 * 16 + 5) * 8 + 3 + i / 3) * 8 + 3 +
                                                i % 3)));
        CHECK(t, qn_get_real(&dx, 0) == 0);
    }
}

/* ---- of graphs ---- */

#define GRAD(t, text, in, y, attributes)                                \
    CHECK_GRAD_NODE((t), .node = (text), .inputs = (in), .y_dims = (y), \
                    .with = (attributes))

void test_conv_grad_differences(qn_test *t)
{
    const char *conv = "Conv x w b -> y", *back = "ConvTranspose x w b -> y";
    GRAD(t, conv, "x 2 3 5 6; w 4 3 3 3; b 4", "2 4 5 6", "pads=1,1,1,1");
    GRAD(t, conv, "x 1 4 7 5; w 6 2 3 2; b 6", "1 6 3 3",
         "group=2 strides=2,2 pads=0,1,0,0");
    GRAD(t, conv, "x 2 3 6 6; w 3 1 3 3; b 3", "2 3 3 3",
         "group=3 strides=2,2 auto_pad=SAME_UPPER");
    GRAD(t, conv, "x 1 2 9; w 2 2 3; b 2", "1 2 7", "dilations=[2] pads=2,0");
    GRAD(t, conv, "x 1 1 3 3 4; w 2 1 2 2 2; b 2", "1 2 2 2 2", "strides=1,1,2");
    GRAD(t, back, "x 1 2 3 3; w 2 2 3 3; b 2", "1 2 6 6",
         "strides=2,2 auto_pad=SAME_UPPER");
    GRAD(t, back, "x 1 2 3 3; w 2 2 3 3; b 2", "1 2 7 6",
         "strides=2,2 output_shape=7,6");
}
