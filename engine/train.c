/* SPDX-License-Identifier: Apache-2.0 */
/* engine/train.c - a trainer: the graph of a step, its session, and the count of steps.
 */
#include "engine/train.h"

#include "engine/hyper.h"
#include "engine/session.h"
#include "engine/train_graph.h"

#include <math.h>
#include <string.h>

struct qn_trainer {
    quern_model *model;
    quern_session *session;
    qn_trained *list;
    int n;
    int accumulate, n_accumulated;
    int64_t n_steps;
    float hyper[QN_HYPER_N];
};

/* ---- optimizers ---- */

static const qn_optimizer optimizers[] = {
#define QN_OPTIMIZER(name, row, moments, rate, beta1, beta2, epsilon, decay, about) \
    {#name, row, moments, rate, beta1, beta2, epsilon, decay, about},
#include "engine/optimizers.def"
#undef QN_OPTIMIZER
};

const qn_optimizer *qn_optimizer_at(int i)
{
    const int n = (int)(sizeof optimizers / sizeof optimizers[0]);
    return i >= 0 && i < n ? &optimizers[i] : NULL;
}

const qn_optimizer *qn_optimizer_find(const char *name)
{
    const qn_optimizer *o = NULL;
    for (int i = 0; (o = qn_optimizer_at(i)); i++)
        if (strcmp(o->name, name) == 0) break;
    return o;
}

/* ---- create and free ---- */

static quern_status create(qn_trainer *t, const qn_trainer_options *opt,
                           quern_error *err)
{
    qn_trainer_options o = *opt;
    if (!o.optimizer) o.optimizer = qn_optimizer_at(0);
    t->accumulate = o.accumulate > 1 ? o.accumulate : 1;
    o.session.size = sizeof o.session;
    QN_TRY(qn_train_list(t->model, &o, &t->list, &t->n, err));
    QN_TRY(qn_train_build(t->model, &o, t->list, t->n, err));
    return quern_session_create(t->model, &o.session, &t->session, err);
}

quern_status qn_trainer_create(quern_model *model, const qn_trainer_options *opt,
                               qn_trainer **out, quern_error *err)
{
    void *p;
    *out = NULL;
    quern_status status = qn_arena_alloc(&model->arena, sizeof **out, &p, err);
    if (status != QUERN_OK) {
        quern_model_free(model);
        return status;
    }
    qn_trainer *t = p; /* lives in the model's arena */
    t->model = model;
    status = create(t, opt, err);
    if (status != QUERN_OK)
        qn_trainer_free(t);
    else
        *out = t;
    return status;
}

void qn_trainer_free(qn_trainer *t)
{
    if (!t) return;
    quern_session_free(t->session);
    quern_model_free(t->model);
}

/* ---- a step ---- */

static void fill_hyper(qn_trainer *t, const qn_step_rule *rule, bool applies)
{
    const double step = (double)(t->n_steps + 1);
    float *h = t->hyper;
    h[QN_HYPER_APPLY] = applies;
    h[QN_HYPER_RATE] = rule->rate;
    h[QN_HYPER_DECAY] = rule->decay;
    h[QN_HYPER_SCALE] = 1.0f / (float)t->accumulate;
    h[QN_HYPER_CLIP] = rule->clip;
    h[QN_HYPER_BETA1] = rule->beta1;
    h[QN_HYPER_BETA2] = rule->beta2;
    h[QN_HYPER_EPSILON] = rule->epsilon;
    h[QN_HYPER_FIX1] = (float)(1 - pow((double)rule->beta1, step));
    h[QN_HYPER_FIX2] = (float)(1 - pow((double)rule->beta2, step));
    h[QN_HYPER_AVERAGE] = rule->average;
}

/* Tensors for the graph's inputs; the shapes are those that the graph declares. */
static quern_status bind(qn_trainer *t, const qn_batch *batch, quern_error *err)
{
    const void *data[QN_STEP_INPUTS] = {batch->pixels, batch->target, batch->weight,
                                        t->hyper};
    const int64_t n = t->model->graph->inputs[0]->dim[0];
    if (batch->n != n)
        return qn_fail(err, QUERN_SHAPE, "a batch of %lld for a step of %lld",
                       (long long)batch->n, (long long)n);
    for (int i = 0; i < QN_STEP_INPUTS; i++) {
        const qn_value *v = t->model->graph->inputs[i];
        quern_tensor x = {.dtype = v->dtype, .rank = v->rank};
        memcpy(x.dim, v->dim, sizeof x.dim);
        x.data = (void *)(uintptr_t)data[i];
        QN_TRY(quern_session_bind(t->session, i, &x, err));
    }
    return QUERN_OK;
}

static int64_t count_correct(const qn_batch *batch, const quern_tensor *logits)
{
    const int64_t n_classes = logits->dim[1];
    const float *x = logits->data;
    int64_t n = 0;
    for (int64_t i = 0; i < batch->n; i++, x += n_classes) {
        int64_t best = 0;
        for (int64_t c = 1; c < n_classes; c++)
            if (x[c] > x[best]) best = c;
        n += best == batch->label[i];
    }
    return n;
}

static quern_status read_result(qn_trainer *t, const qn_batch *batch,
                                qn_step_result *result, quern_error *err)
{
    quern_tensor loss, logits, norm;
    QN_TRY(quern_session_output(t->session, QN_STEP_LOSS, &loss, err));
    QN_TRY(quern_session_output(t->session, QN_STEP_LOGITS, &logits, err));
    QN_TRY(quern_session_output(t->session, QN_STEP_NORM, &norm, err));
    result->loss = (double)*(const float *)loss.data;
    result->norm = sqrt((double)*(const float *)norm.data);
    result->n = batch->n;
    result->n_correct = logits.rank == 2 ? count_correct(batch, &logits) : 0;
    return QUERN_OK;
}

static void touch(qn_trainer *t)
{
    for (int i = 0; i < t->n; i++)
        t->list[i].value->version++;
}

quern_status qn_trainer_step(qn_trainer *t, const qn_batch *batch,
                             const qn_step_rule *rule, qn_step_result *result,
                             quern_error *err)
{
    const bool applies = t->n_accumulated + 1 >= t->accumulate;
    fill_hyper(t, rule, applies);
    QN_TRY(bind(t, batch, err));
    QN_TRY(quern_run(t->session, err));
    if (applies) touch(t);
    t->n_accumulated = applies ? 0 : t->n_accumulated + 1;
    t->n_steps += applies;
    QN_TRY(read_result(t, batch, result, err));
    result->applied = applies;
    if (isfinite(result->loss) && isfinite(result->norm)) return QUERN_OK;
    return qn_fail(err, QUERN_DATA, "the loss is %g and the gradient's norm %g",
                   result->loss, result->norm);
}

/* ---- state ---- */

void qn_trainer_shapes(const qn_trainer *t, int64_t pixels[4], int64_t *n_classes)
{
    qn_value *const *in = t->model->graph->inputs;
    memcpy(pixels, in[QN_STEP_PIXELS]->dim, 4 * sizeof *pixels);
    *n_classes = in[QN_STEP_TARGET]->dim[1];
}

int qn_trainer_n(const qn_trainer *t)
{
    return t->n;
}

qn_trained *qn_trainer_at(const qn_trainer *t, int i)
{
    return &t->list[i];
}

int64_t qn_trainer_steps(const qn_trainer *t)
{
    return t->n_steps;
}

int qn_trainer_accumulated(const qn_trainer *t)
{
    return t->n_accumulated;
}

void qn_trainer_restore(qn_trainer *t, int64_t n_steps, int n_accumulated)
{
    t->n_steps = n_steps;
    t->n_accumulated = n_accumulated;
    /* random numbers of a run go by its number */
    t->session->n_runs = (uint64_t)(n_steps * t->accumulate + n_accumulated);
    touch(t);
}

/* FNV-1a over words instead of bytes. */
static uint64_t hash_words(uint64_t hash, const float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        hash = (hash ^ bits) * UINT64_C(0x100000001b3);
    }
    return hash;
}

uint64_t qn_trainer_hash(const qn_trainer *t)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (int i = 0; i < t->n; i++) {
        hash = hash_words(hash, t->list[i].data, t->list[i].n);
        if (t->list[i].average)
            hash = hash_words(hash, t->list[i].average, t->list[i].n);
    }
    return hash;
}

quern_status qn_trainer_plan(qn_trainer *t, qn_trainer_stats *stats, quern_error *err)
{
    static const qn_batch none;
    qn_batch batch = none;
    batch.n = t->model->graph->inputs[0]->dim[0];
    batch.pixels = (const uint8_t *)t->hyper; /* shapes count here, not numbers */
    batch.target = batch.weight = t->hyper;
    QN_TRY(bind(t, &batch, err));
    QN_TRY(quern_session_plan(t->session, err));
    quern_session_stats s = {0};
    quern_session_get_stats(t->session, &s);
    *stats = (qn_trainer_stats){.slab_bytes = s.slab_bytes,
                                .packed_bytes = s.packed_bytes,
                                .macs = s.macs,
                                .instrs = s.instrs,
                                .reorders = s.reorders,
                                .threads = s.threads};
    for (int i = 0; i < t->n; i++) {
        const qn_trained *p = &t->list[i];
        const int64_t arrays = (p->moment[0] != NULL) + (p->moment[1] != NULL) +
                               (p->held != NULL) + (p->average != NULL);
        stats->n_parameters += p->n;
        stats->n_trained += p->is_statistic ? 0 : p->n;
        stats->weight_bytes += (size_t)p->n * sizeof(float);
        stats->state_bytes += (size_t)(arrays * p->n) * sizeof(float);
    }
    return QUERN_OK;
}
