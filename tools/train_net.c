/* SPDX-License-Identifier: Apache-2.0 */
/* tools/train_net.c - the network of a training: chosen, made ready, fed, written out.
 */
#include "engine/raw.h"
#include "formats/csv_read.h"
#include "formats/files.h"
#include "formats/onnx_export.h"
#include "tools/train_run.h"
#include "tools/trainer_files.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- settings that follow from others ---- */

/* By size: small pictures are what the fast networks are made for. */
static const char *usual_net(const qn_recipe *r)
{
    const int side = r->height > r->width ? r->height : r->width;
    return side <= 40 ? "fast16" : side <= 64 ? "fast32" : "mobile-s";
}

static void fill_real(double *field, double otherwise)
{
    if (isnan(*field)) *field = otherwise;
}

static void settle_optimizer(qn_train_run *run)
{
    qn_train_settings *s = &run->s;
    const qn_net *net = run->net;
    const bool own = !s->opt;
    if (own) s->opt = net ? net->optimizer : "sgd";
    const qn_optimizer *o = run->optimizer = qn_optimizer_find(s->opt);
    const double share = (double)(s->batch * s->accum) / 128;
    const double rate = own && net ? net->rate : run->s.model ? 0.01 : (double)o->rate;
    fill_real(&s->lr, (strcmp(o->row, "Sgd") == 0 ? share : sqrt(share)) * rate);
    fill_real(&s->momentum, (double)o->beta1);
    fill_real(&s->beta2, (double)o->beta2);
    fill_real(&s->wd, own && net ? net->decay : (double)o->decay);
}

static void settle(qn_train_run *run)
{
    qn_train_settings *s = &run->s;
    if (!s->model && !s->arch) s->arch = usual_net(&run->recipe);
    run->net = s->model ? NULL : qn_net_find(s->arch);
    const qn_net *net = run->net;
    if (s->epochs == QN_UNSAID_INT) s->epochs = net ? net->n_epochs : 5;
    fill_real(&s->label_smoothing, net ? net->smoothing : 0.05);
    fill_real(&s->head_lr, s->model ? 10 : 1);
    /* in short runs more than mirror images costs accuracy */
    if (!s->aug) s->aug = s->epochs <= 10 || !net ? "flip=0.5" : net->augment;
    settle_optimizer(run);
}

/* ---- the network ---- */

static quern_status build(qn_train_run *run, quern_error *err)
{
    const qn_net_options opt = {.height = run->recipe.height,
                                .width = run->recipe.width,
                                .channels = run->recipe.channels,
                                .n_classes = run->set->n_classes,
                                .multiplier = run->s.multiplier,
                                .seed = (uint64_t)run->s.seed};
    return qn_net_build(run->net, &opt, NULL, &run->raw, err);
}

/* An imported network gets weights of its own for each reader, a free batch, and a head
 * for the classes of the data. */
static quern_status check_size(const qn_train_run *run, quern_error *err)
{
    const qn_value *x = run->raw->graph->inputs[0];
    const int64_t height = run->recipe.height, width = run->recipe.width;
    if (x->rank != 4 || ((x->dim[2] < 0 || x->dim[2] == height) &&
                         (x->dim[3] < 0 || x->dim[3] == width)))
        return QUERN_OK;
    return qn_fail(err, QUERN_INVALID,
                   "--size: the model takes pictures of %lldx%lld, not of %lldx%lld",
                   (long long)x->dim[2], (long long)x->dim[3], (long long)height,
                   (long long)width);
}

static quern_status adapt(qn_train_run *run, quern_error *err)
{
    const qn_head_options opt = {.n_classes = run->set->n_classes,
                                 .node = run->s.head,
                                 .keep = run->s.keep_head,
                                 .seed = (uint64_t)run->s.seed};
    QN_TRY(check_size(run, err));
    QN_TRY(qn_raw_inference(run->raw, err));
    QN_TRY(qn_raw_untie(run->raw, err));
    QN_TRY(qn_raw_free_batch(run->raw, err));
    return qn_head_replace(run->raw, &opt, &run->head, err);
}

static quern_status find_layers(qn_train_run *run, quern_error *err)
{
    QN_TRY(qn_layers_find(run->raw, &run->arena, &run->layers, err));
    return run->s.freeze ? qn_layers_freeze(&run->layers, run->s.freeze, err)
                         : QUERN_OK;
}

/* How pictures become inputs goes with the model. */
static quern_status set_metadata(qn_train_run *run, quern_error *err)
{
    const qn_recipe *r = &run->recipe;
    qn_export_recipe to = {.height = r->height,
                           .width = r->width,
                           .resize = run->s.resize,
                           .channels = run->s.channels,
                           .n_channels = r->channels,
                           .classes = run->set->classes,
                           .n_classes = run->set->n_classes};
    memcpy(to.mean, r->mean, sizeof to.mean);
    memcpy(to.std, r->std, sizeof to.std);
    return qn_export_metadata(run->raw, &to, err);
}

/* ---- the trainer ---- */

quern_status qn_train_parse(const quern_model *raw, int64_t batch,
                            qn_is_frozen_fn *is_frozen, void *ctx, qn_mem *mem,
                            quern_model **out, quern_error *err)
{
    qn_buf buf;
    const quern_model_options opt = {.size = sizeof opt, .log = qn_out_log};
    qn_buf_init(&buf, mem);
    quern_status status = qn_onnx_write(&buf, raw, err);
    if (status == QUERN_OK) status = qn_onnx_parse_raw(buf.p, buf.n, &opt, out, err);
    qn_buf_done(&buf);
    QN_TRY(status);
    qn_parameters_mark(*out, is_frozen, ctx);
    status = qn_batch_fix(*out, batch, err);
    if (status == QUERN_OK) status = qn_model_finish(*out, err);
    if (status != QUERN_OK) quern_model_free(*out);
    return status;
}

/* Layers may learn the slower the earlier they are, and a new head faster. */
static float rate_of(void *ctx, const char *name)
{
    const qn_train_run *run = ctx;
    const double rate = qn_layers_rate(&run->layers, name, run->s.layer_decay);
    const qn_head *head = &run->head;
    const bool is_head = head->weight && !head->is_kept &&
                         (strcmp(name, head->weight) == 0 ||
                          (head->bias && strcmp(name, head->bias) == 0));
    return (float)(is_head ? rate * run->s.head_lr : rate);
}

quern_status qn_train_make_trainer(qn_train_run *run, quern_error *err)
{
    const qn_train_settings *s = &run->s;
    float mean[3], std[3];
    quern_model *model;
    for (int c = 0; c < 3; c++) {
        mean[c] = (float)run->recipe.mean[c];
        std[c] = (float)run->recipe.std[c];
    }
    const qn_trainer_options opt = {
        .optimizer = run->optimizer,
        .smoothing = (float)s->label_smoothing,
        .accumulate = (int)s->accum,
        .clips = s->clip > 0,
        .averages = s->ema > 0,
        .takes_features = run->features != NULL,
        .keeps_statistics = strcmp(s->bn, "eval") == 0,
        .mean = mean,
        .std = std,
        .bgr = run->recipe.is_bgr,
        .rate_of = rate_of,
        .rate_ctx = run,
        .session = {.pool = run->pool, .seed = (uint64_t)s->seed}};
    QN_TRY(qn_train_parse(run->back ? run->back : run->raw, s->batch,
                          qn_layers_is_frozen, &run->layers, &run->mem, &model, err));
    QN_TRY(qn_trainer_create(model, &opt, &run->trainer, err));
    return qn_trainer_plan(run->trainer, &run->stats, err);
}

/* ---- batches and rate ---- */

static int find_class(const qn_dataset *set, const char *name)
{
    for (int k = 0; k < set->n_classes; k++)
        if (strcmp(set->classes[k], name) == 0) return k;
    return -1;
}

static quern_status take_weight(const qn_train_run *run, char **fields, int n,
                                float *weights, quern_error *err)
{
    double w = -1;
    const int k = n == 2 ? find_class(run->set, fields[0]) : -1;
    if (n == 2 && k < 0)
        return qn_fail(err, QUERN_DATA, "the data have no class '%.60s'", fields[0]);
    if (n != 2 || !qn_word_real(fields[1], &w) || !(w >= 0 && w <= 1e6))
        return qn_fail(err, QUERN_FORMAT,
                       "'%.60s': a line is class,weight with a weight from 0 to 1e6",
                       fields[n > 1]);
    weights[k] = (float)w;
    return QUERN_OK;
}

/* Lines of class,weight; classes that are not listed weigh 1. */
static quern_status read_weights(qn_train_run *run, float **out, quern_error *err)
{
    char *text, *fields[2];
    size_t bytes;
    void *p;
    int n = 0;
    qn_csv_reader csv;
    QN_TRY(qn_arena_array(&run->arena, (size_t)run->set->n_classes, sizeof **out, &p,
                          err));
    *out = p;
    for (int k = 0; k < run->set->n_classes; k++)
        (*out)[k] = 1;
    QN_TRY(qn_file_text(&run->arena, run->s.class_weights, &text, &bytes, err));
    quern_status status = qn_csv_read_begin(&csv, text, bytes, 0, err);
    while (status == QUERN_OK) {
        status = qn_csv_read_row(&csv, fields, 2, &n, err);
        if (n == 0) break;
        if (status == QUERN_OK) status = take_weight(run, fields, n, *out, err);
        if (status != QUERN_OK) qn_within(err, "line %lld", (long long)csv.row);
    }
    if (status != QUERN_OK) qn_within(err, "%s", run->s.class_weights);
    return status;
}

static quern_status make_batches(qn_train_run *run, quern_error *err)
{
    float *given = NULL;
    const bool is_file = strcmp(run->s.class_weights, "none") != 0 &&
                         strcmp(run->s.class_weights, "balanced") != 0;
    if (is_file) QN_TRY(read_weights(run, &given, err));
    const qn_train_settings *s = &run->s;
    const qn_loader_options opt = {
        .set = run->set,
        .split = QN_SPLIT_TRAIN,
        .subset = s->subset,
        .frame = qn_recipe_frame(&run->recipe),
        .batch = s->batch,
        .shuffle = true,
        .drop_last = true,
        .seed = (uint64_t)s->seed,
        .sampler = strcmp(s->sampler, "balanced") == 0 ? QN_SAMPLE_BALANCED
                                                       : QN_SAMPLE_UNIFORM,
        .weights = is_file                                     ? QN_WEIGHT_GIVEN
                   : strcmp(s->class_weights, "balanced") == 0 ? QN_WEIGHT_BALANCED
                                                               : QN_WEIGHT_NONE,
        .class_weight = given,
        .augment = s->aug,
        .mixup = s->mixup,
        .cutmix = s->cutmix,
        .n_epochs = s->epochs,
        .mix_off_epochs = s->mix_off,
        .n_threads = 1};
    return qn_loader_create(&run->mem, &opt, &run->batches, err);
}

static quern_status make_schedule(qn_train_run *run, quern_error *err)
{
    const qn_train_settings *s = &run->s;
    qn_schedule *plan = &run->schedule;
    const double per_epoch = (double)run->batches->per_epoch / (double)s->accum;
    if (!qn_schedule_find(s->sched, &plan->kind))
        return qn_fail(err, QUERN_INVALID, "no schedule '%.40s'", s->sched);
    plan->peak = s->lr;
    plan->end = s->lr_end;
    plan->n_steps = (int64_t)ceil(per_epoch * (double)s->epochs);
    plan->warmup = (int64_t)(per_epoch * s->warmup);
    qn_schedule_start(plan);
    return QUERN_OK;
}

quern_status qn_train_make(qn_train_run *run, quern_error *err)
{
    int64_t most = run->s.subset > 0 && run->s.subset < run->n_train ? run->s.subset
                                                                     : run->n_train;
    settle(run);
    if (run->s.batch > most) run->s.batch = most; /* a step needs a whole batch */
    QN_TRY(run->raw ? adapt(run, err) : build(run, err));
    QN_TRY(set_metadata(run, err));
    QN_TRY(find_layers(run, err));
    if (run->s.cache_features) QN_TRY(qn_train_cache_features(run, err));
    QN_TRY(qn_train_make_trainer(run, err));
    QN_TRY(make_batches(run, err));
    if (run->features) QN_TRY(qn_train_feature_batches(run, err));
    return make_schedule(run, err);
}

/* ---- the result ---- */

quern_status qn_train_export(qn_train_run *run, qn_buf *buf, quern_error *err)
{
    return qn_trainer_export(run->trainer, run->raw, &run->mem, buf, err);
}

/* ---- an imported model ---- */

/* How it wants its pictures: as its metadata says, or as torchvision's networks do. */
quern_status qn_train_open_model(qn_train_run *run, quern_error *err)
{
    quern_info input;
    qn_recipe *r = &run->recipe;
    QN_TRY(qn_onnx_open_raw(run->s.model, NULL, &run->raw, err));
    quern_status status = QUERN_OK;
    if (!quern_model_input(run->raw, 0, &input))
        status = qn_fail(err, QUERN_INVALID, "it has no input");
    if (status == QUERN_OK)
        status = qn_recipe_read(r, run->raw, &input, NULL, &run->arena, err);
    if (status != QUERN_OK) {
        qn_within(err, "%s", run->s.model);
        return status;
    }
    if (r->is_said || r->channels != 3) return QUERN_OK;
    QN_TRY(qn_recipe_say(r, "mean", "0.485,0.456,0.406", err));
    return qn_recipe_say(r, "std", "0.229,0.224,0.225", err);
}
