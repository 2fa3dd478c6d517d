/* SPDX-License-Identifier: Apache-2.0 */
/* tools/train_features.c - --cache-features: what frozen layers make of a picture is
 * the same in every epoch, so it is computed once.
 *
 * The network is cut at the last value through which everything passes from the frozen
 * nodes to those that are trained.  The part before runs over all training pictures;
 * the part behind is trained on what came out, in place of pixels. */
#include "engine/parameters.h"
#include "engine/raw.h"
#include "formats/onnx.h"
#include "engine/os.h"
#include "tools/term.h"
#include "tools/train_run.h"

#include <string.h>

/* ---- where to cut ---- */

/* A private copy of the network, its parameters marked. */
static quern_status copy_network(const qn_train_run *run, quern_model **out,
                                 quern_error *err)
{
    qn_buf buf;
    qn_buf_init(&buf, (qn_mem *)&run->mem);
    quern_status status = qn_onnx_write(&buf, run->raw, err);
    if (status == QUERN_OK) status = qn_onnx_parse_raw(buf.p, buf.n, NULL, out, err);
    qn_buf_done(&buf);
    QN_TRY(status);
    qn_parameters_mark(*out, qn_layers_is_frozen, (void *)(uintptr_t)&run->layers);
    return QUERN_OK;
}

static bool is_trained(const qn_node *node)
{
    for (int i = 0; i < node->n_in; i++)
        if (node->in[i] && node->in[i]->is_parameter) return true;
    return false;
}

/* For each place between two nodes: how many values cross it, and the sum of their
 * numbers, which is the number of the one where there is only one. */
typedef struct crossing {
    int64_t n, sum;
} crossing;

static int first_trained(const qn_graph *g)
{
    int at = 0;
    for (const qn_node *node = g->first; node && !is_trained(node); node = node->next)
        at++;
    return at;
}

/* Places are numbered by the node behind them; a value crosses those from behind its
 * producer to its last reader. */
static void count_crossings(const qn_graph *g, const int *last, crossing *at, int n)
{
    for (int i = 0; i < g->n_values; i++) {
        const qn_value *v = g->values[i];
        const bool flows =
            (v->producer || v->is_input) && !qn_raw_constant(v) && !v->constant;
        const int from = v->producer ? v->producer->mark + 1 : 0;
        for (int p = from; flows && p <= last[i] && p <= n; p++) {
            at[p].n++;
            at[p].sum += i;
        }
    }
}

static quern_status find_cut(const qn_graph *g, qn_arena *room, qn_value **out,
                             quern_error *err)
{
    void *p, *q;
    int n = 0;
    QN_TRY(qn_arena_array(room, (size_t)g->n_values, sizeof(int), &p, err));
    QN_TRY(qn_arena_array(room, (size_t)g->n_nodes + 1, sizeof(crossing), &q, err));
    int *last = p;
    for (int i = 0; i < g->n_values; i++) {
        g->values[i]->id = i;
        last[i] = -1;
    }
    for (qn_node *node = g->first; node; node = node->next, n++) {
        node->mark = n;
        for (int i = 0; i < node->n_in; i++)
            if (node->in[i]) last[node->in[i]->id] = n;
    }
    for (int i = 0; i < g->n_outputs; i++)
        last[g->outputs[i]->id] = n;
    const int most = first_trained(g);
    crossing *at = q;
    count_crossings(g, last, at, most);
    *out = NULL;
    for (int k = most; k > 0 && !*out; k--)
        if (at[k].n == 1 && g->values[at[k].sum]->producer) *out = g->values[at[k].sum];
    if (*out) return QUERN_OK;
    return qn_fail(
        err, QUERN_INVALID,
        "--cache-features: nothing but frozen layers stands before the first "
        "layer that is trained");
}

/* ---- the two parts ---- */

static qn_value *find_value(const qn_graph *g, const char *name)
{
    for (int i = 0; i < g->n_values; i++)
        if (strcmp(g->values[i]->name, name) == 0) return g->values[i];
    return NULL;
}

static quern_status keep_front(quern_model *model, qn_value *cut, quern_error *err)
{
    model->graph->outputs[0] = cut;
    model->graph->n_outputs = 1;
    return qn_raw_prune(model, err);
}

/* The cut becomes the input, of the shape that the front gave. */
static quern_status keep_back(quern_model *model, qn_value *cut, int rank,
                              const int64_t *dim, quern_error *err)
{
    qn_graph *g = model->graph;
    qn_graph_remove(g, cut->producer);
    g->inputs[0]->is_input = false;
    g->inputs[0] = cut;
    g->n_inputs = 1;
    cut->is_input = true;
    cut->dtype = QUERN_FLOAT;
    cut->rank = rank;
    memcpy(cut->dim, dim, (size_t)rank * sizeof *dim);
    memset(cut->symbol, 0, sizeof cut->symbol);
    cut->dim[0] = -1;
    cut->symbol[0] = "batch";
    return qn_raw_prune(model, err);
}

/* ---- features ---- */

struct qn_features {
    float *table;  /* [n][width] */
    int64_t *row;  /* [items of the set]: -1: not trained on */
    int64_t width; /* numbers to a picture */
};

/* Pixels as the network wants them: planes of (x / 255 - mean) / std. */
static void to_planes(const qn_recipe *r, const uint8_t *pixels, int64_t n, float *out)
{
    const int64_t area = (int64_t)r->height * r->width;
    const int channels = r->channels;
    for (int64_t i = 0; i < n; i++)
        for (int c = 0; c < channels; c++) {
            const int from = r->is_bgr ? channels - 1 - c : c;
            const float scale = (float)(1 / (255 * r->std[c]));
            const float shift = (float)(-r->mean[c] / r->std[c]);
            const uint8_t *x = pixels + i * area * channels + from;
            float *y = out + (i * channels + c) * area;
            for (int64_t k = 0; k < area; k++)
                y[k] = (float)x[k * channels] * scale + shift;
        }
}

static quern_status make_table(qn_train_run *run, const quern_tensor *y,
                               quern_error *err)
{
    void *p, *q, *t;
    size_t bytes = sizeof(float);
    if (y->dtype != QUERN_FLOAT || y->rank < 2)
        return qn_fail(err, QUERN_UNSUPPORTED,
                       "--cache-features: the frozen part gives no batch of floats");
    QN_TRY(qn_arena_alloc(&run->arena, sizeof(qn_features), &p, err));
    qn_features *f = run->features = p;
    f->width = 1;
    for (int d = 1; d < y->rank; d++)
        f->width *= y->dim[d];
    if (!qn_size_mul(bytes, (size_t)f->width, &bytes) ||
        !qn_size_mul(bytes, (size_t)run->n_train, &bytes) ||
        (qn_os_memory() && bytes > qn_os_memory() / 2))
        return qn_fail(err, QUERN_LIMIT,
                       "--cache-features: %lld numbers for each of %lld pictures are "
                       "more than half of this machine's memory",
                       (long long)f->width, (long long)run->n_train);
    QN_TRY(qn_arena_raw(&run->arena, bytes, &q, err));
    QN_TRY(qn_arena_array(&run->arena, (size_t)run->set->n, sizeof *f->row, &t, err));
    f->table = q;
    f->row = t;
    for (int64_t i = 0; i < run->set->n; i++)
        f->row[i] = -1;
    return QUERN_OK;
}

/* One batch through the front; the last may be short, its end is what was there before.
 */
static quern_status add_batch(qn_train_run *run, quern_session *front,
                              const qn_batch *batch, float *x, int64_t *n_rows,
                              quern_error *err)
{
    quern_tensor y;
    to_planes(&run->recipe, batch->pixels, batch->n, x);
    QN_TRY(quern_run(front, err));
    QN_TRY(quern_session_output(front, 0, &y, err));
    if (!run->features) QN_TRY(make_table(run, &y, err));
    qn_features *f = run->features;
    memcpy(f->table + *n_rows * f->width, y.data,
           (size_t)(batch->n * f->width) * sizeof(float));
    for (int64_t i = 0; i < batch->n; i++)
        f->row[batch->item[i]] = (*n_rows)++;
    if (run->feature_rank) return QUERN_OK;
    run->feature_rank = y.rank;
    memcpy(run->feature_dim, y.dim, sizeof run->feature_dim);
    return QUERN_OK;
}

static int show_features(qn_progress *p, int64_t done)
{
    qn_progress_step(p, done);
    return qn_interrupted(NULL);
}

static quern_status run_batches(qn_train_run *run, quern_session *front,
                                qn_batches *plain, qn_arena *room, quern_error *err)
{
    qn_progress p;
    qn_batch batch;
    int64_t n_rows = 0;
    quern_status status = QUERN_OK;
    const qn_recipe *r = &run->recipe;
    quern_tensor x = {.dtype = QUERN_FLOAT,
                      .rank = 4,
                      .dim = {plain->max_n, r->channels, r->height, r->width}};
    QN_TRY(qn_arena_array(room, (size_t)plain->max_n,
                          (size_t)r->channels * (size_t)r->height * (size_t)r->width *
                              sizeof(float),
                          &x.data, err));
    QN_TRY(quern_session_bind(front, 0, &x, err));
    qn_progress_begin(&p, "features", run->n_train, qn_arg_flag(run->args, "quiet"));
    for (int64_t b = 0; b < plain->per_epoch && status == QUERN_OK; b++) {
        status = plain->get(plain, 0, b, &batch, err);
        if (status == QUERN_OK)
            status = add_batch(run, front, &batch, x.data, &n_rows, err);
        if (status == QUERN_OK && show_features(&p, n_rows))
            status = qn_fail(err, QUERN_CANCELLED, "stopped before the first step");
    }
    qn_progress_end(&p);
    return status;
}

/* The same pictures that are trained on, in the set's order, as they are. */
static quern_status plain_batches(qn_train_run *run, qn_batches **out, quern_error *err)
{
    const qn_loader_options opt = {.set = run->set,
                                   .split = QN_SPLIT_TRAIN,
                                   .subset = run->s.subset,
                                   .frame = qn_recipe_frame(&run->recipe),
                                   .batch = run->s.batch,
                                   .seed = (uint64_t)run->s.seed,
                                   .cache = QN_CACHE_OFF,
                                   .n_epochs = 1,
                                   .n_threads = 1};
    return qn_loader_create(&run->mem, &opt, out, err);
}

static quern_status run_front(qn_train_run *run, const quern_model *front,
                              quern_error *err)
{
    qn_buf buf;
    qn_arena room;
    quern_model *model;
    quern_session *session = NULL;
    qn_batches *plain = NULL;
    const quern_session_options opt = {.size = sizeof opt, .pool = run->pool};
    qn_buf_init(&buf, &run->mem);
    qn_arena_init(&room, &run->mem);
    quern_status status = qn_onnx_write(&buf, front, err);
    if (status == QUERN_OK) status = quern_model_parse(buf.p, buf.n, NULL, &model, err);
    qn_buf_done(&buf);
    if (status != QUERN_OK) return status;
    status = quern_session_create(model, &opt, &session, err);
    if (status == QUERN_OK) status = plain_batches(run, &plain, err);
    if (status == QUERN_OK) status = run_batches(run, session, plain, &room, err);
    if (plain) plain->free(plain);
    quern_session_free(session);
    quern_model_free(model);
    qn_arena_done(&room);
    return status;
}

/* ---- all of it ---- */

static quern_status check(const qn_train_run *run, quern_error *err)
{
    const qn_train_settings *s = &run->s;
    if (!s->freeze)
        return qn_fail(err, QUERN_INVALID, "--cache-features needs --freeze");
    if (strcmp(s->aug, "none") == 0 && s->mixup == 0 && s->cutmix == 0 &&
        s->unfreeze_at == 0)
        return QUERN_OK;
    return qn_fail(err, QUERN_INVALID,
                   "--cache-features looks at each picture once: it goes with --aug "
                   "none, without --mixup, --cutmix and --unfreeze-at");
}

static quern_status cut_and_run(qn_train_run *run, quern_model *front, qn_arena *room,
                                quern_error *err)
{
    qn_value *cut;
    QN_TRY(copy_network(run, &run->back, err));
    QN_TRY(find_cut(run->back->graph, room, &cut, err));
    qn_value *same = find_value(front->graph, cut->name);
    QN_TRY(keep_front(front, same, err));
    QN_TRY(run_front(run, front, err));
    if (!qn_arg_flag(run->args, "quiet"))
        qn_say("features: %lld numbers a picture behind '%s', computed once",
               (long long)run->features->width, QN_CLEAN(cut->name));
    return keep_back(run->back, cut, run->feature_rank, run->feature_dim, err);
}

quern_status qn_train_cache_features(qn_train_run *run, quern_error *err)
{
    qn_arena room;
    quern_model *front;
    QN_TRY(check(run, err));
    QN_TRY(copy_network(run, &front, err));
    qn_arena_init(&room, &run->mem);
    const quern_status status = cut_and_run(run, front, &room, err);
    qn_arena_done(&room);
    quern_model_free(front);
    return status;
}

/* ---- batches of features ---- */

typedef struct feature_batches {
    qn_batches b;
    qn_batches *inner; /* says which pictures */
    const qn_features *f;
    float *rows; /* [max_n][width] */
} feature_batches;

static quern_status get(qn_batches *b, int64_t epoch, int64_t batch, qn_batch *out,
                        quern_error *err)
{
    feature_batches *fb = (feature_batches *)b;
    const int64_t width = fb->f->width;
    QN_TRY(fb->inner->get(fb->inner, epoch, batch, out, err));
    for (int64_t i = 0; i < out->n; i++)
        memcpy(fb->rows + i * width, fb->f->table + fb->f->row[out->item[i]] * width,
               (size_t)width * sizeof(float));
    out->pixels = (const uint8_t *)fb->rows;
    b->waited = fb->inner->waited;
    return QUERN_OK;
}

static void done(qn_batches *b)
{
    feature_batches *fb = (feature_batches *)b;
    fb->inner->free(fb->inner);
}

quern_status qn_train_feature_batches(qn_train_run *run, quern_error *err)
{
    void *p, *q;
    const qn_batches *inner = run->batches;
    QN_TRY(qn_arena_alloc(&run->arena, sizeof(feature_batches), &p, err));
    QN_TRY(qn_arena_array(&run->arena, (size_t)inner->max_n,
                          (size_t)run->features->width * sizeof(float), &q, err));
    feature_batches *fb = p;
    *fb = (feature_batches){
        .b = *inner, .inner = run->batches, .f = run->features, .rows = q};
    fb->b.get = get;
    fb->b.free = done;
    run->batches = &fb->b;
    return QUERN_OK;
}
