/* SPDX-License-Identifier: Apache-2.0 */
/* tools/train_rate.c - --lr-find: the rate grows from step to step until the loss
 * breaks away; the best rate lies where the loss falls the steepest (Smith 2017,
 * Cyclical Learning Rates).  All that training changes is put back afterwards. */
#include "formats/csv_write.h"
#include "formats/files.h"
#include "tools/chart.h"
#include "tools/train_run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { STEPS = 100, SKIPPED = 5 /* points at either end */ };
#define SMOOTHING 0.9
#define BROKEN    4 /* times the lowest loss */

typedef struct ramp {
    double rate[STEPS], loss[STEPS], smooth[STEPS];
    int n;
    double steepest, lowest; /* rates; NaN: not found */
} ramp;

/* ---- weights kept ---- */

/* Calls fn on each array of the trainer and its copy. */
typedef void qn_array_fn(float *array, float *copy, size_t bytes);

static void keep(float *array, float *copy, size_t bytes)
{
    memcpy(copy, array, bytes);
}

static void put_back(float *array, float *copy, size_t bytes)
{
    memcpy(array, copy, bytes);
}

static size_t for_arrays(qn_trainer *trainer, float *copies, qn_array_fn *fn)
{
    size_t at = 0;
    for (int i = 0; i < qn_trainer_n(trainer); i++) {
        qn_trained *t = qn_trainer_at(trainer, i);
        float *arrays[] = {t->data, t->moment[0], t->moment[1], t->held, t->average};
        for (size_t k = 0; k < sizeof arrays / sizeof arrays[0]; k++) {
            if (!arrays[k]) continue;
            if (fn) fn(arrays[k], copies + at, (size_t)t->n * sizeof(float));
            at += (size_t)t->n;
        }
    }
    return at;
}

/* ---- the ramp ---- */

/* Batches to one update; *loss is their mean. */
static quern_status update(qn_train_run *run, int64_t *batch, double rate, double *loss,
                           quern_error *err)
{
    qn_step_rule rule = qn_train_rule(run, qn_trainer_steps(run->trainer));
    qn_step_result r = {.applied = false};
    rule.rate = (float)rate;
    *loss = 0;
    while (!r.applied) {
        qn_batch b;
        const int64_t per_epoch = run->batches->per_epoch;
        QN_TRY(run->batches->get(run->batches, *batch / per_epoch, *batch % per_epoch,
                                 &b, err));
        ++*batch;
        QN_TRY(qn_trainer_step(run->trainer, &b, &rule, &r, err));
        *loss += r.loss / (double)run->s.accum;
    }
    return QUERN_OK;
}

static void add_point(ramp *r, double rate, double loss, double *mean)
{
    *mean = SMOOTHING * *mean + (1 - SMOOTHING) * loss;
    r->rate[r->n] = rate;
    r->loss[r->n] = loss;
    r->smooth[r->n] = *mean / (1 - pow(SMOOTHING, r->n + 1));
    r->n++;
}

/* Ends early when the loss has broken away, which is what is looked for. */
static quern_status climb(qn_train_run *run, ramp *r, quern_error *err)
{
    const double low = (double)run->optimizer->rate * 1e-5;
    const double high = (double)run->optimizer->rate * 1e2;
    double mean = 0, least = INFINITY;
    int64_t batch = 0;
    for (int i = 0; i < STEPS; i++) {
        double loss;
        const double rate = low * pow(high / low, (double)i / (STEPS - 1));
        const quern_status status = update(run, &batch, rate, &loss, err);
        if (status == QUERN_DATA && r->n > 2 * SKIPPED) return QUERN_OK;
        QN_TRY(status);
        add_point(r, rate, loss, &mean);
        least = fmin(least, r->smooth[i]);
        if (r->smooth[i] > BROKEN * least) break;
    }
    return QUERN_OK;
}

static void judge(ramp *r)
{
    int lowest = 0;
    double slope = 0;
    r->steepest = r->lowest = NAN;
    for (int i = 0; i < r->n; i++)
        if (r->smooth[i] < r->smooth[lowest]) lowest = i;
    if (r->n) r->lowest = r->rate[lowest];
    for (int i = SKIPPED; i + 1 < r->n && i < lowest; i++) {
        const double s = r->smooth[i + 1] - r->smooth[i - 1];
        if (s < slope) {
            slope = s;
            r->steepest = r->rate[i];
        }
    }
}

/* ---- what comes of it ---- */

static quern_status write_csv(const qn_train_run *run, const ramp *r, quern_error *err)
{
    qn_csv csv;
    qn_buf buf;
    qn_buf_init(&buf, (qn_mem *)&run->mem);
    qn_csv_begin(&csv, &buf);
    qn_csv_header(&csv, "step,rate,loss,smoothed");
    for (int i = 0; i < r->n; i++) {
        qn_csv_int(&csv, i + 1);
        qn_csv_real(&csv, r->rate[i]);
        qn_csv_real(&csv, r->loss[i]);
        qn_csv_real(&csv, r->smooth[i]);
        qn_csv_end(&csv);
    }
    const quern_status status = qn_train_write(run, "lr_find.csv", &buf, err);
    qn_buf_done(&buf);
    return status;
}

static quern_status draw(qn_train_run *run, const ramp *r, quern_error *err)
{
    char path[QN_PATH_MAX];
    const size_t n = (size_t)r->n;
    const qn_series series[] = {
        {.name = "loss", .x = r->rate, .y = r->loss, .n = n, .is_dots = true},
        {.name = "smoothed", .x = r->rate, .y = r->smooth, .n = n, .colour = 1}};
    const qn_line_chart lines = {.title = "Loss by learning rate",
                                 .x = {.label = "learning rate", .is_log = true},
                                 .y = {.label = "loss"},
                                 .series = series,
                                 .n_series = 2,
                                 .mark = r->steepest,
                                 .mark_name = "steepest"};
    const qn_chart chart = {.draw = qn_chart_lines,
                            .data = &lines,
                            .width = 480,
                            .height = 320,
                            .title = "Loss by learning rate"};
    QN_TRY(qn_path_format(path, err, "%s/lr_find.png", run->s.out));
    const quern_status status = qn_chart_save(&run->mem, path, &chart, err);
    if (status != QUERN_UNSUPPORTED) return status;
    qn_say("no picture: %s", err->text);
    return QUERN_OK;
}

static void tell(qn_train_run *run, const ramp *r)
{
    qn_buf out;
    qn_json j;
    if (!qn_arg_flag(run->args, "json")) {
        if (isnan(r->steepest))
            printf("no rate found: the loss does not fall\n");
        else
            printf("suggested rate: %.3g (the loss falls the steepest; it is lowest at "
                   "%.3g)\n",
                   r->steepest, r->lowest);
        return;
    }
    qn_buf_init(&out, &run->mem);
    qn_json_begin(&j, &out);
    qn_json_real(&j, "suggested", r->steepest);
    qn_json_real(&j, "lowest", r->lowest);
    qn_json_int(&j, "steps", r->n);
    qn_json_end(&j);
    qn_out_flush(&out);
    qn_buf_done(&out);
}

static quern_status write_files(qn_train_run *run, const ramp *r, quern_error *err)
{
    if (!run->s.out) return QUERN_OK;
    QN_TRY(qn_dir_make(run->s.out, err));
    QN_TRY(write_csv(run, r, err));
    return draw(run, r, err);
}

quern_status qn_train_find_rate(qn_train_run *run, quern_error *err)
{
    void *p, *q;
    const uint64_t before = qn_trainer_hash(run->trainer);
    const int64_t steps = qn_trainer_steps(run->trainer);
    const int held = qn_trainer_accumulated(run->trainer);
    QN_TRY(qn_arena_alloc(&run->arena, sizeof(ramp), &p, err));
    ramp *r = p;
    QN_TRY(qn_arena_array(&run->arena, for_arrays(run->trainer, NULL, NULL),
                          sizeof(float), &q, err));
    for_arrays(run->trainer, q, keep);
    const quern_status status = climb(run, r, err);
    for_arrays(run->trainer, q, put_back);
    qn_trainer_restore(run->trainer, steps, held);
    QN_TRY(status);
    if (qn_trainer_hash(run->trainer) != before)
        return qn_fail(err, QUERN_INVALID, "the weights did not come back");
    judge(r);
    QN_TRY(write_files(run, r, err));
    tell(run, r);
    return QUERN_OK;
}
