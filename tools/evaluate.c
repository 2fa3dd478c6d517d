/* SPDX-License-Identifier: Apache-2.0 */
/* tools/evaluate.c - a classifier over a data set, batch by batch: all threads read
 * pictures into the batch, then all run the model; see evaluate.h. */
#include "tools/evaluate.h"

#include "engine/os.h"
#include "tools/classifier.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* A thread's own memory for the picture it decodes. */
typedef struct reader {
    qn_mem mem;
    qn_arena arena;
} reader;

typedef struct evaluator {
    const qn_dataset *set;
    const qn_evaluate_options *opt;
    qn_classifier net;
    qn_pool *pool, *owned_pool;
    reader *readers; /* [threads of the pool] */
    qn_arena *arena; /* of the results */
    qn_arena room;   /* of a batch */
    qn_evaluation *e;
    int32_t *map;         /* class of the set to class of the model */
    const int64_t *items; /* [n_items] */
    int64_t n_items, batch;
    quern_error *errors; /* [batch]: of reading */
    int64_t *item;       /* what e points to, still to be written */
    int32_t *label;
    float *logits, *p, *weight, *flipped; /* flipped: logits of the mirror images */
} evaluator;

/* ---- reading --------------------------------------------------------------------- */

typedef struct batch_ctx {
    evaluator *v;
    const int64_t *items;
    qn_tensor x, y; /* the pictures; their mirror images, data NULL: not wanted */
} batch_ctx;

enum { READ_GRAIN = 8 }; /* pictures that a thread takes at a time */

static void mirror(qn_image *image)
{
    const int w = image->width, c = image->channels;
    for (int row = 0; row < image->height; row++) {
        uint8_t *p = image->pixels + (int64_t)row * w * c;
        for (int a = 0, b = w - 1; a < b; a++, b--)
            for (int k = 0; k < c; k++) {
                const uint8_t kept = p[a * c + k];
                p[a * c + k] = p[b * c + k];
                p[b * c + k] = kept;
            }
    }
}

static quern_status put_item(batch_ctx *c, int64_t k, qn_encoded *e, qn_arena *arena)
{
    const qn_recipe *recipe = &c->v->net.recipe;
    QN_TRY(e->status);
    QN_TRY(qn_recipe_apply(recipe, &e->image, arena, &c->x, k, &e->err));
    if (!c->y.data) return QUERN_OK;
    mirror(&e->image);
    return qn_recipe_apply(recipe, &e->image, arena, &c->y, k, &e->err);
}

static void read_range(void *ctx, int64_t begin, int64_t end, int worker)
{
    batch_ctx *c = ctx;
    reader *r = &c->v->readers[worker];
    qn_encoded each[QN_READ_TOGETHER];
    for (int64_t k = begin; k < end;) {
        qn_arena_reset(&r->arena);
        const int n = qn_dataset_read_some(c->v->set, c->items + k, (int)(end - k),
                                           &r->arena, each);
        for (int i = 0; i < n; i++, k++) {
            each[i].status = put_item(c, k, &each[i], &r->arena);
            c->v->errors[k] = each[i].err;
            c->v->errors[k].status = each[i].status;
        }
    }
}

/* Room for a batch.  Where the model leaves the size open, the first picture says it.
 */
static quern_status make_batch(batch_ctx *c, int64_t n, quern_error *err)
{
    evaluator *v = c->v;
    const qn_recipe *r = &v->net.recipe;
    qn_image like = {1, 1, 1, NULL};
    if (!r->height || !r->width || r->fitting == QN_FIT)
        QN_TRY(qn_dataset_read(v->set, c->items[0], &v->room, &like, err));
    QN_TRY(qn_classifier_blank(&v->net, &like, n, &v->room, &c->x, err));
    if (!v->opt->flip) return QUERN_OK;
    return qn_classifier_blank(&v->net, &like, n, &v->room, &c->y, err);
}

/* A picture that could not be read: on the list, or the end. */
static quern_status reject(evaluator *v, int64_t item, const quern_error *why,
                           quern_error *err)
{
    char room[QN_ITEM_TEXT];
    qn_evaluation *e = v->e;
    const char *name = qn_item_name(v->set, item, room);
    if (!v->opt->skip_bad || why->status == QUERN_MEMORY)
        return qn_fail(err, why->status, "%s", why->text);
    if (!e->rejects) {
        void *list;
        QN_TRY(qn_arena_array(v->arena, (size_t)v->n_items, sizeof *e->rejects, &list,
                              err));
        e->rejects = list;
    }
    qn_reject *r = &e->rejects[e->n_rejects++];
    QN_TRY(qn_arena_text(v->arena, name, strlen(name), &r->item, err));
    return qn_arena_text(v->arena, why->text, strlen(why->text), &r->reason, err);
}

/* ---- running --------------------------------------------------------------------- */

static quern_status floats(qn_arena *arena, int64_t n, int64_t each, float **out,
                           quern_error *err)
{
    void *room;
    QN_TRY(qn_arena_array(arena, (size_t)n, (size_t)each * sizeof(float), &room, err));
    *out = room;
    return QUERN_OK;
}

/* How many classes there are is known after the first run. */
static quern_status make_results(evaluator *v, quern_error *err)
{
    qn_evaluation *e = v->e;
    const int n = v->net.n_classes;
    void *label;
    if (e->classes && v->net.recipe.n_classes != n)
        return qn_fail(err, QUERN_INVALID, "the model names %d classes and scores %d",
                       v->net.recipe.n_classes, n);
    if (e->is_by_index && v->set->n_classes > n)
        return qn_fail(err, QUERN_INVALID, "%s has %d classes, the model %d",
                       v->set->path, v->set->n_classes, n);
    QN_TRY(floats(v->arena, v->n_items, n, &v->logits, err));
    QN_TRY(floats(v->arena, v->n_items, n, &v->p, err));
    if (v->opt->flip) QN_TRY(floats(v->arena, v->n_items, n, &v->flipped, err));
    if (v->set->weight) QN_TRY(floats(v->arena, v->n_items, 1, &v->weight, err));
    QN_TRY(qn_arena_array(v->arena, (size_t)v->n_items, sizeof *v->label, &label, err));
    v->label = label;
    e->predictions = (qn_predictions){.n_classes = n,
                                      .p = v->p,
                                      .logits = v->logits,
                                      .label = v->label,
                                      .weight = v->weight};
    return QUERN_OK;
}

/* Row k of the model's output as logits, over the model's temperature. */
static void take_logits(const evaluator *v, const qn_tensor *out, int64_t k, double *z,
                        float *logits)
{
    const int n = v->net.n_classes;
    const double temperature = v->net.recipe.temperature;
    for (int i = 0; i < n; i++)
        z[i] = qn_get_real(out, k * n + i);
    const bool are_logits = qn_scores_softmax(z, n, temperature);
    for (int i = 0; i < n; i++)
        logits[i] = are_logits ? (float)(qn_get_real(out, k * n + i) / temperature)
                               : (float)log(fmax(z[i], FLT_MIN));
}

static quern_status run(evaluator *v, const qn_tensor *x, int64_t n, bool is_mirror,
                        quern_error *err)
{
    qn_tensor out;
    void *z;
    QN_TRY(qn_classifier_scores(&v->net, x, &v->room, &out, err));
    if (!v->logits) QN_TRY(make_results(v, err));
    const int n_classes = v->e->predictions.n_classes;
    if (v->net.n_classes != n_classes)
        return qn_fail(err, QUERN_SHAPE, "the model scores %d classes, then %d",
                       n_classes, v->net.n_classes);
    QN_TRY(qn_arena_array(&v->room, (size_t)n_classes, sizeof(double), &z, err));
    float *to = (is_mirror ? v->flipped : v->logits) + v->e->predictions.n * n_classes;
    for (int64_t k = 0; k < n; k++) {
        if (v->errors[k].status != QUERN_OK) continue;
        take_logits(v, &out, k, z, to);
        to += n_classes;
    }
    return QUERN_OK;
}

/* What is known of the pictures that were read; the others are told. */
static quern_status note_items(evaluator *v, const int64_t *items, int64_t n,
                               quern_error *err)
{
    for (int64_t k = 0; k < n; k++) {
        const int64_t item = items[k];
        if (v->errors[k].status != QUERN_OK) {
            QN_TRY(reject(v, item, &v->errors[k], err));
            continue;
        }
        const int64_t at = v->e->predictions.n++;
        const int32_t label = v->set->label[item];
        v->item[at] = item;
        v->label[at] = label < 0 ? -1 : v->map[label];
        if (v->weight) v->weight[at] = v->set->weight[item];
    }
    return QUERN_OK;
}

static quern_status run_batch(evaluator *v, int64_t begin, quern_error *err)
{
    const int64_t left = v->n_items - begin, n = left < v->batch ? left : v->batch;
    batch_ctx c = {.v = v, .items = v->items + begin};
    qn_arena_reset(&v->room);
    QN_TRY(make_batch(&c, n, err));
    qn_parallel_for(v->pool, n, READ_GRAIN, read_range, &c);
    QN_TRY(run(v, &c.x, n, false, err));
    if (c.y.data) QN_TRY(run(v, &c.y, n, true, err));
    return note_items(v, c.items, n, err);
}

static quern_status run_all(evaluator *v, quern_error *err)
{
    const qn_evaluate_options *opt = v->opt;
    const double start = qn_os_seconds();
    for (int64_t i = 0; i < v->n_items; i += v->batch) {
        QN_TRY(run_batch(v, i, err));
        const int64_t done = i + v->batch < v->n_items ? i + v->batch : v->n_items;
        if (opt->step && opt->step(opt->ctx, done, v->n_items))
            return qn_fail(err, QUERN_CANCELLED, "interrupted");
    }
    v->e->seconds = qn_os_seconds() - start;
    if (v->e->seconds > 0) v->e->images_per_s = (double)v->n_items / v->e->seconds;
    return QUERN_OK;
}

/* ---- all of it ------------------------------------------------------------------- */

static quern_status prepare(evaluator *v, const quern_model *model, quern_error *err)
{
    const qn_evaluate_options *opt = v->opt;
    quern_session_options session = {.size = sizeof session};
    void *room;
    if (opt->session) session = *opt->session;
    if (!session.pool) {
        QN_TRY(quern_pool_create(session.n_threads, &v->owned_pool, err));
        session.pool = v->owned_pool;
    }
    v->pool = session.pool;
    QN_TRY(qn_evaluate_choose(v->set, opt->split, opt->all, v->arena, v->e, err));
    v->n_items = v->e->predictions.n;
    v->items = v->e->item;
    QN_TRY(qn_classifier_attach(&v->net, model, &session, opt->recipe, v->arena, err));
    v->e->classes = v->net.recipe.classes;
    QN_TRY(qn_evaluate_match(v->set, v->e->classes, v->net.recipe.n_classes, v->arena,
                             &v->map, &v->e->is_by_index, err));
    v->batch = qn_classifier_batch(&v->net, opt->batch > 0 ? opt->batch : 64);
    QN_TRY(qn_arena_array(v->arena, (size_t)v->batch, sizeof *v->errors, &room, err));
    v->errors = room;
    QN_TRY(qn_arena_array(v->arena, (size_t)v->n_items, sizeof *v->item, &room, err));
    v->item = room;
    v->e->item = v->item;
    return QUERN_OK;
}

static quern_status make_readers(evaluator *v, quern_error *err)
{
    void *room;
    const int n = qn_pool_size(v->pool);
    QN_TRY(qn_arena_array(v->arena, (size_t)n, sizeof *v->readers, &room, err));
    v->readers = room;
    for (int i = 0; i < n; i++) {
        qn_mem_init(&v->readers[i].mem, NULL, v->arena->mem->budget);
        qn_arena_init(&v->readers[i].arena, &v->readers[i].mem);
    }
    return QUERN_OK;
}

static quern_status evaluate(evaluator *v, const quern_model *model, quern_error *err)
{
    QN_TRY(prepare(v, model, err));
    QN_TRY(make_readers(v, err));
    QN_TRY(run_all(v, err));
    qn_metrics_options opt = v->opt->metrics;
    opt.pool = v->pool;
    return qn_evaluate_figures(v->e, v->p, v->flipped, &opt, v->arena, err);
}

quern_status qn_evaluate(const quern_model *model, const qn_dataset *set,
                         const qn_evaluate_options *opt, qn_arena *arena,
                         qn_evaluation *out, quern_error *err)
{
    const qn_evaluate_options defaults = {0};
    *out = (qn_evaluation){.set = set};
    evaluator v = {.set = set, .opt = opt ? opt : &defaults, .arena = arena, .e = out};
    qn_arena_init(&v.room, arena->mem);
    const quern_status status = evaluate(&v, model, err);
    for (int i = 0; v.readers && i < qn_pool_size(v.pool); i++)
        qn_arena_done(&v.readers[i].arena);
    qn_classifier_close(&v.net);
    quern_pool_free(v.owned_pool);
    qn_arena_done(&v.room);
    return status;
}
