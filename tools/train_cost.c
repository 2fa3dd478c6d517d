/* SPDX-License-Identifier: Apache-2.0 */
/* tools/train_cost.c - what a run will take, before its first step: memory from the
 * plans of both graphs, seconds from a few real steps, disk from the files' sizes. */
#include "engine/os.h"
#include "engine/session.h"
#include "tools/train_run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { WARM = 2, MOST_STEPS = 12 };
#define ENOUGH 1.0 /* seconds of measured steps */
#define REPORT 8e6 /* bytes: pictures and pages of the report, cairo with its fonts */

/* ---- memory ---- */

/* The best model is evaluated beside the trainer, in batches of its own. */
static quern_status plan_session(qn_train_run *run, quern_model *model, qn_arena *room,
                                 quern_session_stats *stats, quern_error *err)
{
    const quern_session_options opt = {.size = sizeof opt, .pool = run->pool};
    const qn_recipe *r = &run->recipe;
    const int64_t most = run->n_val > run->n_test ? run->n_val : run->n_test;
    const int64_t batch =
        most < qn_train_check_batch(run) ? most : qn_train_check_batch(run);
    const size_t n = (size_t)batch * (size_t)r->channels * (size_t)r->height *
                     (size_t)r->width * sizeof(float);
    quern_session *session;
    quern_tensor x = {.dtype = QUERN_FLOAT,
                      .rank = 4,
                      .dim = {batch, r->channels, r->height, r->width}};
    QN_TRY(qn_arena_raw(room, n, &x.data, err)); /* its shape counts, not its numbers */
    QN_TRY(quern_session_create(model, &opt, &session, err));
    quern_status status = quern_session_bind(session, 0, &x, err);
    if (status == QUERN_OK) status = quern_session_plan(session, err);
    if (status == QUERN_OK) quern_session_get_stats(session, stats);
    stats->slab_bytes += n;
    quern_session_free(session);
    return status;
}

static quern_status plan_check(qn_train_run *run, qn_train_cost *cost, quern_error *err)
{
    qn_buf buf;
    qn_arena room;
    quern_model *model;
    quern_session_stats stats = {0};
    qn_buf_init(&buf, &run->mem);
    qn_arena_init(&room, &run->mem);
    quern_status status = qn_train_export(run, &buf, err);
    cost->model_bytes = (double)buf.n;
    if (run->n_val + run->n_test == 0) { /* nothing to check on */
        qn_buf_done(&buf);
        return status;
    }
    if (status == QUERN_OK) status = quern_model_parse(buf.p, buf.n, NULL, &model, err);
    if (status == QUERN_OK) {
        status = plan_session(run, model, &room, &stats, err);
        quern_model_free(model);
    }
    cost->check_bytes = (double)stats.slab_bytes + (double)stats.packed_bytes +
                        2 * (double)buf.n; /* as a file, and read again */
    qn_buf_done(&buf);
    qn_arena_done(&room);
    return status;
}

/* A checkpoint is put together in memory, beside nothing of the above. */
static double checkpoint_bytes(const qn_train_run *run)
{
    return (double)(run->stats.weight_bytes + run->stats.state_bytes);
}

quern_status qn_train_plan(qn_train_run *run, quern_error *err)
{
    qn_train_cost *cost = &run->cost;
    double now, peak;
    qn_os_resident(&now, &peak);
    QN_TRY(plan_check(run, cost, err));
    cost->step_bytes = (double)(run->stats.slab_bytes + run->stats.packed_bytes);
    const double later = fmax(cost->check_bytes, 2 * checkpoint_bytes(run)) + REPORT;
    cost->memory_bytes = fmax(now + cost->step_bytes + later, peak);
    const double limit = qn_arg_limit(run->args, "memory", INFINITY);
    if (cost->memory_bytes > limit)
        return qn_fail(err, QUERN_LIMIT,
                       "the run would take %.0f bytes of memory, the limit is %.0f: a "
                       "smaller --batch with --accum does the same in less",
                       cost->memory_bytes, limit);
    cost->disk_bytes = 2 * cost->model_bytes + 3 * checkpoint_bytes(run) +
                       200.0 * (double)(run->n_val + run->n_test) + 1e6;
    return QUERN_OK;
}

/* ---- time ---- */

static quern_status one_step(qn_train_run *run, int64_t i, double *seconds,
                             quern_error *err)
{
    qn_batch b;
    qn_step_result r;
    const qn_step_rule rule = qn_train_rule(run, qn_trainer_steps(run->trainer));
    const int64_t per_epoch = run->batches->per_epoch;
    const double start = qn_os_seconds();
    QN_TRY(run->batches->get(run->batches, i / per_epoch, i % per_epoch, &b, err));
    QN_TRY(qn_trainer_step(run->trainer, &b, &rule, &r, err));
    *seconds = qn_os_seconds() - start;
    return QUERN_OK;
}

/* Steps as they will be, on weights that are thrown away.  Validation runs the network
 * forward only: a third. */
static quern_status measure_steps(qn_train_run *run, quern_error *err)
{
    double sum = 0, seconds;
    int n = 0;
    for (int64_t i = 0; i < WARM + MOST_STEPS && sum < ENOUGH; i++) {
        QN_TRY(one_step(run, i, &seconds, err));
        if (i < WARM) continue;
        sum += seconds;
        n++;
    }
    const double step = sum / n, picture = step / (double)run->s.batch;
    run->cost.epoch_seconds =
        step * (double)run->batches->per_epoch + picture / 3 * (double)run->n_val;
    return QUERN_OK;
}

/* ---- telling ---- */

static void put_json(qn_train_run *run)
{
    const qn_train_cost *c = &run->cost;
    qn_buf out;
    qn_json j;
    qn_buf_init(&out, &run->mem);
    qn_json_begin(&j, &out);
    qn_json_int(&j, "parameters", run->stats.n_trained);
    qn_json_real(&j, "macs", run->stats.macs / (double)run->s.batch);
    qn_json_int(&j, "memory_bytes", (int64_t)c->memory_bytes);
    qn_json_real(&j, "seconds_per_epoch", c->epoch_seconds);
    qn_json_int(&j, "epochs", run->s.epochs);
    qn_json_int(&j, "disk_bytes", (int64_t)c->disk_bytes);
    qn_json_end(&j);
    qn_out_flush(&out);
    qn_buf_done(&out);
}

quern_status qn_train_try(qn_train_run *run, quern_error *err)
{
    QN_TRY(qn_train_plan(run, err));
    qn_train_show_plan(run);
    QN_TRY(measure_steps(run, err));
    if (qn_arg_flag(run->args, "json")) {
        put_json(run);
        return QUERN_OK;
    }
    printf("%s in memory, %.3g s for each of %lld epochs, %s on disk\n",
           QN_BYTES(run->cost.memory_bytes), run->cost.epoch_seconds,
           (long long)run->s.epochs, QN_BYTES(run->cost.disk_bytes));
    return QUERN_OK;
}
