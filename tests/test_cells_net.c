/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_cells_net.c - the network for cells, its loss, and a trainer that is held
 * to flows. */
#include "engine/nets/cells.h"
#include "engine/parameters.h"
#include "engine/train.h"
#include "formats/onnx.h"
#include "kernels/loss.h"
#include "tests/test.h"

#include <math.h>
#include <string.h>

/* ---- the loss ---- */

void test_flow_loss_values(qn_test *t)
{
    const double right[] = {5, -5, 0, 0, 0, 0}, goal[] = {1, -1, 0, 0, 1, 0};
    const double wrong[] = {3, -5, 0, 4, 40, -800};
    CHECK_WITHIN(t, qn_flow_loss_f64(2, right, goal), log(2), 1e-15);
    /* half of (4 + 16) / 4, and cells that are certain */
    CHECK_WITHIN(t, qn_flow_loss_f64(2, wrong, goal), 2.5, 1e-15);
    CHECK_WITHIN(t, qn_flow_loss_f64(0, wrong, goal), 0, 0);
}

void test_flow_loss_slopes(qn_test *t)
{
    enum { PIXELS = 7, N = 3 * PIXELS };
    double *x = qn_random_doubles(t, N), *y = qn_random_doubles(t, N);
    double d[N];
    float fx[N], fy[N], fd[N];
    for (int i = 0; i < N; i++) {
        fx[i] = (float)(x[i] *= 6);
        fy[i] = (float)(y[i] = i < 2 * PIXELS ? y[i] : y[i] > 0);
    }
    qn_flow_loss_grad_f64(PIXELS, 3, x, y, d);
    qn_flow_loss_grad_f32(PIXELS, 3, fx, fy, fd);
    for (int i = 0; i < N; i++) {
        const double at = x[i], step = 1e-6;
        x[i] = at + step;
        const double up = qn_flow_loss_f64(PIXELS, x, y);
        x[i] = at - step;
        const double down = qn_flow_loss_f64(PIXELS, x, y);
        x[i] = at;
        qn_note(t, "element %d", i);
        CHECK_WITHIN(t, d[i], 3 * (up - down) / (2 * step), 1e-7);
        CHECK_WITHIN(t, fd[i], d[i], 1e-5);
    }
}

/* ---- the network ---- */

static quern_model *small_net(qn_test *t)
{
    quern_error err;
    quern_model *raw = NULL;
    const qn_cells_net net = {{8, 16, 32, 64}, 1};
    CHECK_OK(t, qn_cells_net_build(&net, NULL, &raw, &err), &err);
    return raw;
}

/* 415,661 numbers in Cellpose's count, which has two diameters among them. */
void test_cells_net_size(qn_test *t)
{
    int64_t n = 0, statistics = 0;
    quern_error err;
    quern_model *raw = small_net(t);
    REQUIRE(t, raw);
    for (int i = 0; i < raw->graph->n_values; i++) {
        const qn_value *v = raw->graph->values[i];
        if (!v->constant) continue;
        const bool is_statistic = strstr(v->name, ".running_") != NULL;
        *(is_statistic ? &statistics : &n) += qn_tensor_count(v->constant);
    }
    CHECK_EQ(t, n, 415659);
    CHECK_EQ(t, statistics, 2392);
    quern_model_free(raw);
    const qn_cells_net none = {{8, 0, 32, 64}, 1};
    CHECK_FAILS(t, qn_cells_net_build(&none, NULL, &raw, &err), QUERN_INVALID, &err,
                "level 2 has 0 channels");
}

/* Any sides that are multiples of 8, any batch. */
void test_cells_net_runs(qn_test *t)
{
    static const int64_t dims[][4] = {{1, 2, 8, 8}, {2, 2, 24, 40}, {1, 2, 64, 16}};
    qn_mem mem;
    qn_buf buf;
    quern_error err;
    quern_model *raw = small_net(t), *net = NULL;
    quern_session *session = NULL;
    quern_tensor out;
    REQUIRE(t, raw);
    qn_mem_init(&mem, NULL, 0);
    qn_buf_init(&buf, &mem);
    CHECK_OK(t, qn_onnx_write(&buf, raw, &err), &err);
    quern_model_free(raw);
    const bool opens =
        CHECK_OK(t, quern_model_parse(buf.p, buf.n, NULL, &net, &err), &err) &&
        CHECK_OK(t, quern_session_create(net, NULL, &session, &err), &err);
    for (int i = 0; opens && i < 3; i++) {
        quern_tensor x = {.dtype = QUERN_FLOAT, .rank = 4};
        int64_t n = 1, bad = 0;
        for (int d = 0; d < 4; d++)
            n *= x.dim[d] = dims[i][d];
        x.data = qn_random_floats(t, (size_t)n);
        CHECK_OK(t, quern_session_bind(session, 0, &x, &err), &err);
        if (!CHECK_OK(t, quern_run(session, &err), &err) ||
            !CHECK_OK(t, quern_session_output(session, 0, &out, &err), &err))
            break;
        CHECK_EQ(t, out.dim[0], x.dim[0]);
        CHECK_EQ(t, out.dim[1], 3);
        CHECK_EQ(t, out.dim[2], x.dim[2]);
        CHECK_EQ(t, out.dim[3], x.dim[3]);
        for (int64_t k = 0; k < n / 2 * 3; k++)
            bad += !isfinite(((const float *)out.data)[k]);
        CHECK_EQ(t, bad, 0);
    }
    quern_session_free(session);
    quern_model_free(net);
    qn_buf_done(&buf);
}

/* ---- a trainer ---- */

static qn_trainer *make_trainer(qn_test *t, quern_pool *pool)
{
    quern_error err;
    quern_model *m = NULL;
    qn_trainer *out = NULL;
    const qn_cells_net net = {{4, 8, 8, 16}, 1};
    const qn_trainer_options opt = {.optimizer = qn_optimizer_find("adamw"),
                                    .loss = QN_TRAIN_FLOWS,
                                    .takes_features = true,
                                    .session = {.pool = pool}};
    if (!CHECK_OK(t, qn_cells_net_build(&net, NULL, &m, &err), &err)) return NULL;
    qn_value *x = m->graph->inputs[0];
    x->dim[0] = 3;
    x->dim[2] = x->dim[3] = 16;
    qn_parameters_mark(m, NULL, NULL);
    if (CHECK_OK(t, qn_model_finish(m, &err), &err)) /* else the model is lost here */
        CHECK_OK(t, qn_trainer_create(m, &opt, &out, &err), &err);
    return out;
}

enum { N = 3, SIDE = 16, PIXELS = SIDE * SIDE };

/* 60 steps on one batch, whose squares are to flow down; the hash of the weights. */
static uint64_t train(qn_test *t, int threads, const float *noise, double loss[2])
{
    quern_error err;
    quern_pool *pool;
    qn_step_result r = {0};
    static const float weight[N] = {1, 0.5f, 2};
    float *x = qn_exact(t, N * 2 * PIXELS * sizeof(float));
    float *target = qn_exact(t, N * 3 * PIXELS * sizeof(float));
    memset(target, 0, N * 3 * PIXELS * sizeof(float));
    memcpy(x, noise, N * 2 * PIXELS * sizeof(float));
    for (int n = 0; n < N; n++)
        for (int i = 0; i < PIXELS; i++) {
            const bool in = i / SIDE / 4 % 3 && i % SIDE / 4 % 3;
            target[n * 3 * PIXELS + i] = in;
            target[n * 3 * PIXELS + 2 * PIXELS + i] = in;
            x[n * 2 * PIXELS + i] += 2 * in;
        }
    if (!CHECK_OK(t, quern_pool_create(threads, &pool, &err), &err)) return 0;
    qn_trainer *trainer = make_trainer(t, pool);
    const qn_batch batch = {
        .n = N, .pixels = (const uint8_t *)x, .target = target, .weight = weight};
    const qn_step_rule rule = {
        .rate = 1e-2f, .beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 1e-8f};
    for (int i = 0; trainer && i < 60; i++) {
        if (!CHECK_OK(t, qn_trainer_step(trainer, &batch, &rule, &r, &err), &err))
            break;
        loss[i > 0] = r.loss;
    }
    const uint64_t hash = trainer ? qn_trainer_hash(trainer) : 0;
    qn_trainer_free(trainer);
    quern_pool_free(pool);
    return hash;
}

void test_cells_net_learns(qn_test *t)
{
    double one[2] = {0}, two[2] = {0};
    const float *noise = qn_random_floats(t, N * 2 * PIXELS);
    const uint64_t a = train(t, 1, noise, one), b = train(t, 3, noise, two);
    qn_note(t, "loss %g, then %g", one[0], one[1]);
    CHECK(t, one[0] > 1 && one[1] < one[0] / 2);
    CHECK(t, a != 0 && a == b);
}
