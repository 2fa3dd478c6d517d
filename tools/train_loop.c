/* SPDX-License-Identifier: Apache-2.0 */
/* tools/train_loop.c - epochs: steps, validation, the best so far, reasons to stop. */
#include "engine/os.h"
#include "tools/term.h"
#include "tools/train_run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- numbers of a step ---- */

/* The moving average follows faster while it is young. */
static double average_rate(const qn_train_run *run)
{
    const double t = (double)qn_trainer_steps(run->trainer), d = run->s.ema;
    return d > 0 ? 1 - fmin(d, (1 + t) / (10 + t)) : 0;
}

qn_step_rule qn_train_rule(const qn_train_run *run, int64_t step)
{
    const qn_train_settings *s = &run->s;
    return (qn_step_rule){.rate = (float)qn_schedule_rate(&run->schedule, step),
                          .decay = (float)s->wd,
                          .clip = (float)s->clip,
                          .beta1 = (float)s->momentum,
                          .beta2 = (float)s->beta2,
                          .epsilon = run->optimizer->epsilon,
                          .average = (float)average_rate(run)};
}

/* A loss that is no number any more: where, and at what rate. */
static quern_status at_step(qn_train_run *run, const qn_step_rule *rule,
                            quern_status status, quern_error *err)
{
    qn_within(err, "epoch %lld, batch %lld of %lld, rate %g", (long long)run->epoch + 1,
              (long long)run->batch + 1, (long long)run->batches->per_epoch,
              (double)rule->rate);
    return status;
}

static quern_status step(qn_train_run *run, quern_error *err)
{
    qn_batch batch;
    qn_step_result r;
    QN_TRY(run->batches->get(run->batches, run->epoch, run->batch, &batch, err));
    const qn_step_rule rule = qn_train_rule(run, qn_trainer_steps(run->trainer));
    const quern_status status = qn_trainer_step(run->trainer, &batch, &rule, &r, err);
    if (status != QUERN_OK) return at_step(run, &rule, status, err);
    run->batch++;
    run->loss_sum += r.loss * (double)r.n;
    run->n_seen += r.n;
    run->n_correct += r.n_correct;
    return QUERN_OK;
}

/* ---- validation ---- */

double qn_train_metric(const qn_train_run *run, const qn_metrics *m)
{
    if (strcmp(run->s.metric, "loss") == 0) return -m->figure[QN_FIGURE_LOSS];
    if (strcmp(run->s.metric, "macro_f1") == 0) return m->figure[QN_FIGURE_MACRO_F1];
    return m->figure[QN_FIGURE_TOP1];
}

int64_t qn_train_check_batch(const qn_train_run *run)
{
    const int64_t n = run->s.batch;
    return n < QN_TRAIN_LEAST_CHECK  ? QN_TRAIN_LEAST_CHECK
           : n > QN_TRAIN_MOST_CHECK ? QN_TRAIN_MOST_CHECK
                                     : n;
}

static int stop_evaluation(void *ctx, int64_t done, int64_t total)
{
    (void)done;
    (void)total;
    return qn_interrupted(ctx);
}

quern_status qn_train_evaluate(qn_train_run *run, const qn_buf *model, qn_split split,
                               const qn_metrics_options *metrics, qn_arena *arena,
                               qn_evaluation *out, quern_error *err)
{
    quern_model *net;
    const quern_session_options session = {.size = sizeof session, .pool = run->pool};
    const qn_evaluate_options opt = {.split = split,
                                     .batch = qn_train_check_batch(run),
                                     .session = &session,
                                     .skip_bad = run->s.skip_bad,
                                     .metrics = *metrics,
                                     .step = stop_evaluation};
    QN_TRY(quern_model_parse(model->p, model->n, NULL, &net, err));
    const quern_status status = qn_evaluate(net, run->set, &opt, arena, out, err);
    quern_model_free(net);
    return status;
}

static quern_status validate(qn_train_run *run, const qn_buf *model, qn_train_row *row,
                             double *metric, quern_error *err)
{
    qn_arena room;
    qn_evaluation e = {0};
    const qn_metrics_options quick = {.no_ranking = true};
    *metric = -row->train_loss;
    if (run->n_val == 0) return QUERN_OK;
    qn_arena_init(&room, &run->mem);
    const quern_status status =
        qn_train_evaluate(run, model, QN_SPLIT_VAL, &quick, &room, &e, err);
    if (status == QUERN_OK) {
        row->val_loss = e.metrics.figure[QN_FIGURE_LOSS];
        row->val_acc = e.metrics.figure[QN_FIGURE_TOP1];
        row->val_f1 = e.metrics.figure[QN_FIGURE_MACRO_F1];
        *metric = qn_train_metric(run, &e.metrics);
    }
    qn_arena_done(&room);
    return status;
}

/* ---- the end of an epoch ---- */

double qn_train_clock(const qn_train_run *run)
{
    return run->seconds + qn_os_seconds() - run->started;
}

static qn_train_row row_of(const qn_train_run *run, double seconds)
{
    const double n = run->n_seen ? (double)run->n_seen : 1;
    const int64_t steps = qn_trainer_steps(run->trainer);
    return (qn_train_row){.epoch = run->epoch + 1,
                          .step = steps,
                          .lr = (double)qn_train_rule(run, steps - 1).rate,
                          .train_loss = run->loss_sum / n,
                          .train_acc = (double)run->n_correct / n,
                          .val_loss = NAN,
                          .val_acc = NAN,
                          .val_f1 = NAN,
                          .images_per_s = seconds > 0 ? n / seconds : 0,
                          .hash = qn_trainer_hash(run->trainer)};
}

static quern_status write_models(qn_train_run *run, const qn_buf *model, bool is_best,
                                 quern_error *err)
{
    QN_TRY(qn_train_write(run, "last.onnx", model, err));
    return is_best ? qn_train_write(run, "model.onnx", model, err) : QUERN_OK;
}

static void print_row(qn_train_run *run, const qn_train_row *row)
{
    qn_buf out;
    qn_buf_init(&out, &run->mem);
    qn_train_row_json(&out, row);
    qn_out_flush(&out);
    fflush(stdout); /* who reads along sees it now */
    qn_buf_done(&out);
}

static quern_status close_epoch(qn_train_run *run, double seconds, qn_buf *model,
                                quern_error *err)
{
    double metric;
    qn_train_row row = row_of(run, seconds);
    QN_TRY(qn_train_export(run, model, err));
    const double start = qn_os_seconds();
    QN_TRY(validate(run, model, &row, &metric, err));
    run->val_seconds = qn_os_seconds() - start;
    row.seconds = qn_train_clock(run);
    const bool is_best = run->best_epoch < 0 || metric > run->best;
    if (is_best) {
        run->best = metric;
        run->best_epoch = row.epoch;
    }
    qn_schedule_observe(&run->schedule, metric);
    QN_TRY(write_models(run, model, is_best, err));
    QN_TRY(qn_train_add_row(run, &row, err));
    QN_TRY(qn_train_write_rows(run, err));
    qn_train_show_row(run, &row, is_best);
    if (qn_arg_flag(run->args, "json")) print_row(run, &row);
    run->epoch++;
    run->batch = 0;
    run->loss_sum = 0;
    run->n_seen = run->n_correct = 0;
    return QUERN_OK;
}

/* ---- epochs ---- */

static bool is_late(const qn_train_run *run)
{
    double limit;
    return run->s.time_limit && qn_word_seconds(run->s.time_limit, &limit) &&
           qn_train_clock(run) >= limit;
}

/* Until the epoch is through or time is up, which ends the epoch early. */
static quern_status run_epoch(qn_train_run *run, double *seconds, quern_error *err)
{
    quern_status status = QUERN_OK;
    run->epoch_started = qn_os_seconds();
    run->epoch_from = run->batch;
    while (run->batch < run->batches->per_epoch && status == QUERN_OK) {
        status = step(run, err);
        if (status == QUERN_OK) qn_train_show_step(run);
        if (is_late(run)) break;
        if (status == QUERN_OK && run->batch < run->batches->per_epoch)
            status = qn_train_pause(run, err);
    }
    qn_train_hide_step(run);
    *seconds = qn_os_seconds() - run->epoch_started;
    const int64_t done = run->batch - run->epoch_from;
    if (run->epoch_from > 0) /* of all pictures seen, at this pace; 0: not known */
        *seconds *= done > 0 ? (double)run->batch / (double)done : 0;
    return status;
}

static bool is_over(const qn_train_run *run)
{
    if (run->epoch >= run->s.epochs) return true;
    if (run->s.early_stop > 0 && run->epoch - run->best_epoch >= run->s.early_stop &&
        run->best_epoch > 0) {
        qn_say("no gain for %lld epochs: stopping early", (long long)run->s.early_stop);
        return true;
    }
    if (run->epoch == 0 || !is_late(run)) return false;
    qn_say("the time limit of %s is reached in epoch %lld", run->s.time_limit,
           (long long)run->epoch);
    return true;
}

/* Frozen weights join at the start of the epoch that the settings name. */
static quern_status unfreeze_if_due(qn_train_run *run, quern_error *err)
{
    const int64_t from = run->s.unfreeze_at;
    if (!run->s.freeze || from == 0 || run->is_unfrozen || run->epoch + 1 < from)
        return QUERN_OK;
    return qn_train_unfreeze(run, err);
}

static quern_status all_epochs(qn_train_run *run, qn_buf *model, quern_error *err)
{
    while (!is_over(run)) {
        double seconds;
        QN_TRY(unfreeze_if_due(run, err));
        QN_TRY(run_epoch(run, &seconds, err));
        qn_buf_clear(model);
        const quern_status status = close_epoch(run, seconds, model, err);
        /* stopped while it was checked, which is done again when it goes on */
        if (status != QUERN_CANCELLED) QN_TRY(status);
        QN_TRY(qn_train_pause(run, err));
    }
    return QUERN_OK;
}

quern_status qn_train_epochs(qn_train_run *run, quern_error *err)
{
    qn_buf model;
    run->started = run->saved = qn_os_seconds();
    qn_buf_init(&model, &run->mem);
    const quern_status status = all_epochs(run, &model, err);
    qn_buf_done(&model);
    run->seconds = qn_train_clock(run);
    return status;
}
