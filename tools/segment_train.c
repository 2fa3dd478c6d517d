/* SPDX-License-Identifier: Apache-2.0 */
/* tools/segment_train.c - the network of a training and its epochs. */
#include "tools/segment_train.h"

#include "engine/nets/cells.h"
#include "engine/os.h"
#include "engine/raw.h"
#include "formats/onnx.h"
#include "tools/term.h"
#include "tools/train_run.h"
#include "tools/trainer_files.h"

#include <math.h>
#include <string.h>

/* ---- the network ---- */

/* An imported one must be of Cellpose's kind: two planes in, three out, sides free. */
static quern_status open_model(qn_cell_run *run, quern_error *err)
{
    QN_TRY(qn_onnx_open_raw(run->model, NULL, &run->raw, err));
    const qn_graph *g = run->raw->graph;
    const qn_value *x = g->n_inputs == 1 ? g->inputs[0] : NULL;
    if (!x || x->rank != 4 || x->dim[1] != QN_CELL_PLANES || x->dim[2] >= 0 ||
        x->dim[3] >= 0)
        return qn_fail(err, QUERN_UNSUPPORTED,
                       "%s: its input is not [batch,%d,height,width] with free sides",
                       run->model, QN_CELL_PLANES);
    QN_TRY(qn_raw_inference(run->raw, err));
    return qn_raw_untie(run->raw, err);
}

static quern_status make_network(qn_cell_run *run, quern_error *err)
{
    qn_cells_net net = {.seed = (uint64_t)run->s.seed};
    if (run->model) return open_model(run, err);
    for (int i = 0; i < QN_CELLS_LEVELS; i++)
        net.width[i] = run->s.width << i;
    return qn_cells_net_build(&net, NULL, &run->raw, err);
}

/* The trainer's copy has sides of its own. */
static quern_status make_trainer(qn_cell_run *run, quern_error *err)
{
    quern_model *model;
    qn_value *x = run->raw->graph->inputs[0];
    const qn_value free_sides = *x;
    const qn_trainer_options opt = {
        .optimizer = qn_optimizer_find("adamw"),
        .loss = QN_TRAIN_FLOWS,
        .clips = run->s.clip > 0,
        .averages = run->s.ema > 0,
        .takes_features = true,
        .session = {.pool = run->pool, .seed = (uint64_t)run->s.seed}};
    x->dim[2] = x->dim[3] = run->s.crop;
    x->symbol[2] = x->symbol[3] = NULL;
    const quern_status status =
        qn_train_parse(run->raw, run->s.batch, NULL, NULL, &run->mem, &model, err);
    memcpy(x->dim, free_sides.dim, sizeof x->dim);
    memcpy(x->symbol, free_sides.symbol, sizeof x->symbol);
    QN_TRY(status);
    QN_TRY(qn_trainer_create(model, &opt, &run->trainer, err));
    return qn_trainer_plan(run->trainer, &run->stats, err);
}

/* Readers without the file beside it find the diameter in the model. */
static quern_status note_diameter(qn_cell_run *run, quern_error *err)
{
    char text[32];
    snprintf(text, sizeof text, "%g", run->s.diameter);
    return qn_model_set_metadata(run->raw, "quern.diam_mean", text, err);
}

quern_status qn_cell_run_make(qn_cell_run *run, quern_error *err)
{
    const qn_cell_settings *s = &run->s;
    const qn_cell_batches_options opt = {&run->set, s->batch, s->crop, s->diameter,
                                         (uint64_t)s->seed};
    QN_TRY(make_network(run, err));
    QN_TRY(note_diameter(run, err));
    QN_TRY(make_trainer(run, err));
    QN_TRY(qn_cell_batches(&run->mem, &opt, &run->batches, err));
    run->best = -INFINITY;
    run->best_epoch = -1;
    run->schedule = (qn_schedule){.kind = QN_SCHEDULE_COSINE,
                                  .peak = s->lr,
                                  .end = s->lr / 300,
                                  .n_steps = s->epochs * run->batches->per_epoch};
    run->schedule.warmup = (int64_t)(s->warmup * (double)run->batches->per_epoch);
    qn_schedule_start(&run->schedule);
    return QUERN_OK;
}

/* ---- a step ---- */

/* The moving average follows faster while it is young. */
static qn_step_rule rule_of(const qn_cell_run *run)
{
    const int64_t at = qn_trainer_steps(run->trainer);
    const double t = (double)at, keep = fmin(run->s.ema, (1 + t) / (10 + t));
    return (qn_step_rule){.rate = (float)qn_schedule_rate(&run->schedule, at),
                          .decay = (float)run->s.wd,
                          .clip = (float)run->s.clip,
                          .beta1 = 0.9f,
                          .beta2 = 0.999f,
                          .epsilon = 1e-8f,
                          .average = (float)(run->s.ema > 0 ? 1 - keep : 0)};
}

static quern_status step(qn_cell_run *run, quern_error *err)
{
    qn_batch batch;
    qn_step_result r;
    QN_TRY(run->batches->get(run->batches, run->epoch, run->batch, &batch, err));
    const qn_step_rule rule = rule_of(run);
    const quern_status status = qn_trainer_step(run->trainer, &batch, &rule, &r, err);
    if (status != QUERN_OK) {
        qn_within(err, "epoch %lld, batch %lld of %lld, rate %g",
                  (long long)run->epoch + 1, (long long)run->batch + 1,
                  (long long)run->batches->per_epoch, (double)rule.rate);
        return status;
    }
    run->batch++;
    run->loss_sum += r.loss * (double)r.n;
    run->n_seen += r.n;
    return QUERN_OK;
}

/* ---- what people see ---- */

static void hide_line(qn_cell_run *run)
{
    if (run->has_line) fputs("\r\033[K", stderr);
    run->has_line = false;
}

static void show_step(qn_cell_run *run)
{
    char line[160];
    const double now = qn_os_seconds(), seconds = now - run->epoch_started;
    const bool is_tty = qn_term_is_tty(stderr);
    const int64_t done = run->batch - run->epoch_from;
    const int64_t rest =
        (run->s.epochs - run->epoch) * run->batches->per_epoch - run->batch;
    if (qn_arg_flag(run->args, "quiet") || done == 0 ||
        now - run->shown < (is_tty ? 0.1 : 10))
        return;
    run->shown = now;
    run->has_line = is_tty;
    snprintf(line, sizeof line,
             "epoch %lld/%lld %3.0f %%  loss %.4f  %.1f images/s  %.0f min left",
             (long long)run->epoch + 1, (long long)run->s.epochs,
             100 * (double)run->batch / (double)run->batches->per_epoch,
             run->loss_sum / (double)run->n_seen,
             (double)(done * run->s.batch) / seconds,
             seconds / (double)done * (double)rest / 60);
    fprintf(stderr, is_tty ? "\r%s\033[K" : "%s\n", line);
}

static void show_row(qn_cell_run *run, const qn_cell_row *row, bool is_best)
{
    char val[80] = "";
    hide_line(run);
    if (qn_arg_flag(run->args, "quiet")) return;
    if (!isnan(row->val_ap50))
        snprintf(val, sizeof val, "  val loss %.4f AP@0.5 %.4f%s", row->val_loss,
                 row->val_ap50, is_best ? " *" : "");
    fprintf(stderr, "epoch %lld/%lld  loss %.4f%s  %.1f images/s  %.0f s\n",
            (long long)row->epoch, (long long)run->s.epochs, row->train_loss, val,
            row->images_per_s, row->seconds);
}

/* ---- epochs ---- */

/* Between two steps: a checkpoint when one is due, or before the run gives up. */
static quern_status pause_if_asked(qn_cell_run *run, quern_error *err)
{
    quern_error why = {0};
    const bool stops = qn_interrupted(NULL);
    const double every = 60 * qn_arg_real(run->args, "save-every");
    if (!stops && qn_os_seconds() - run->saved < every) return QUERN_OK;
    const quern_status status = qn_cell_run_save(run, stops ? err : &why);
    if (stops) hide_line(run);
    if (status != QUERN_OK && stops) return status;
    if (status != QUERN_OK) /* the last good one is still there: go on */
        qn_say("no checkpoint: %s", why.text);
    if (!stops) return QUERN_OK;
    return qn_fail(err, QUERN_CANCELLED,
                   "stopped after batch %lld of epoch %lld; the same command with "
                   "--resume goes on",
                   (long long)run->batch, (long long)run->epoch + 1);
}

static quern_status run_epoch(qn_cell_run *run, double *seconds, quern_error *err)
{
    run->epoch_started = run->shown = qn_os_seconds();
    run->epoch_from = run->batch;
    while (run->batch < run->batches->per_epoch) {
        QN_TRY(step(run, err));
        show_step(run);
        if (run->batch < run->batches->per_epoch) QN_TRY(pause_if_asked(run, err));
    }
    *seconds = qn_os_seconds() - run->epoch_started;
    return QUERN_OK;
}

static bool is_check_due(const qn_cell_run *run)
{
    return run->epoch + 1 == run->s.epochs ||
           (run->epoch + 1) % run->s.check_every == 0;
}

/* The row of the epoch that is done, and the models that come of it. */
static quern_status close_epoch(qn_cell_run *run, double seconds, qn_buf *model,
                                quern_error *err)
{
    const int64_t here = (run->batch - run->epoch_from) * run->s.batch;
    const int64_t steps = qn_trainer_steps(run->trainer);
    qn_cell_row row = {.epoch = run->epoch + 1,
                       .step = steps,
                       .lr = qn_schedule_rate(&run->schedule, steps),
                       .train_loss = run->loss_sum / (double)run->n_seen,
                       .val_loss = NAN,
                       .val_ap50 = NAN,
                       .images_per_s = seconds > 0 ? (double)here / seconds : NAN,
                       .seconds = run->seconds + qn_os_seconds() - run->started,
                       .hash = qn_trainer_hash(run->trainer)};
    const bool checks = is_check_due(run);
    if (checks) {
        QN_TRY(qn_trainer_export(run->trainer, run->raw, &run->mem, model, err));
        QN_TRY(qn_cell_run_check(run, model, QN_CELLS_VAL, &row.val_loss, &row.val_ap50,
                                 err));
        QN_TRY(qn_cell_run_model(run, "last", model, err));
    }
    const double figure = isnan(row.val_ap50) ? -row.train_loss : row.val_ap50;
    const bool is_best = checks && figure >= run->best;
    if (is_best) {
        run->best = figure;
        run->best_epoch = row.epoch;
        QN_TRY(qn_cell_run_model(run, "model", model, err));
    }
    QN_TRY(qn_cell_run_row(run, &row, err));
    show_row(run, &row, is_best);
    run->epoch++;
    run->batch = run->n_seen = 0;
    run->loss_sum = 0;
    return QUERN_OK;
}

static quern_status all_epochs(qn_cell_run *run, qn_buf *model, quern_error *err)
{
    while (run->epoch < run->s.epochs) {
        double seconds;
        QN_TRY(run_epoch(run, &seconds, err));
        qn_buf_clear(model);
        const quern_status status = close_epoch(run, seconds, model, err);
        /* stopped while it was checked, which is done again when it goes on */
        if (status != QUERN_CANCELLED) QN_TRY(status);
        if (run->epoch < run->s.epochs) QN_TRY(pause_if_asked(run, err));
    }
    return qn_cell_run_save(run, err);
}

quern_status qn_cell_run_epochs(qn_cell_run *run, quern_error *err)
{
    qn_buf model;
    qn_buf_init(&model, &run->mem);
    run->started = run->saved = qn_os_seconds();
    const quern_status status = all_epochs(run, &model, err);
    hide_line(run);
    qn_buf_done(&model);
    run->seconds += qn_os_seconds() - run->started;
    return status;
}
