/* SPDX-License-Identifier: Apache-2.0 */
/* tools/train_show.c - what people see of a training: the plan before the first step, a
 * line for each epoch, the result. */
#include "engine/os.h"
#include "tools/term.h"
#include "tools/train_run.h"

#include <math.h>
#include <string.h>

void qn_train_show_plan(const qn_train_run *run)
{
    const qn_train_settings *s = &run->s;
    const qn_trainer_stats *t = &run->stats;
    const double macs = t->macs / (double)s->batch;
    if (qn_arg_flag(run->args, "quiet")) return;
    qn_say("%s: %s pictures to train on, %s to choose by, %s to test; %d classes",
           QN_CLEAN(s->data), QN_COUNT(run->n_train), QN_COUNT(run->n_val),
           QN_COUNT(run->n_test), run->set->n_classes);
    qn_say("%s at %dx%dx%d: %s parameters, %s multiply-adds a picture and step",
           s->model ? QN_CLEAN(s->model) : s->arch, run->recipe.height,
           run->recipe.width, run->recipe.channels, QN_COUNT(t->n_trained),
           QN_SCALED(macs));
    qn_say("memory: %s at its peak: %s for steps, %s for checks, the rest pictures and "
           "weights",
           QN_BYTES(run->cost.memory_bytes), QN_BYTES(run->cost.step_bytes),
           QN_BYTES(run->cost.check_bytes));
    if (qn_os_memory() && run->cost.memory_bytes > (double)qn_os_memory())
        qn_say("this machine has %s: a smaller --batch with --accum does the same in "
               "less",
               QN_BYTES(qn_os_memory()));
    qn_say("%s, rate %g (%s), %lld epochs of %lld batches of %lld; augmentation %s",
           s->opt, s->lr, s->sched, (long long)s->epochs,
           (long long)run->batches->per_epoch, (long long)s->batch, s->aug);
    qn_say("run folder: %s", QN_CLEAN(s->out ? s->out : "(none)"));
}

/* ---- while it runs ---- */

/* "1:02:03", "2:03" */
static const char *clock_text(char text[QN_HUMAN_TEXT], double seconds)
{
    const int64_t s = (int64_t)(fmin(seconds, 1e9) + 0.5);
    if (s >= 3600)
        snprintf(text, QN_HUMAN_TEXT, "%lld:%02d:%02d", (long long)(s / 3600),
                 (int)(s / 60 % 60), (int)(s % 60));
    else
        snprintf(text, QN_HUMAN_TEXT, "%d:%02d", (int)(s / 60), (int)(s % 60));
    return text;
}

/* Of the whole run: batches at this epoch's pace, a validation for each epoch. */
static double seconds_left(const qn_train_run *run, double per_batch)
{
    const int64_t per_epoch = run->batches->per_epoch;
    const int64_t epochs = run->s.epochs - run->epoch;
    const int64_t batches = epochs * per_epoch - run->batch;
    return per_batch * (double)batches + run->val_seconds * (double)epochs;
}

static void draw_step(const qn_train_run *run, bool is_tty, double seconds)
{
    char line[256], left[QN_HUMAN_TEXT];
    const int64_t done = run->batch - run->epoch_from;
    const double n = run->n_seen ? (double)run->n_seen : 1;
    const double per_batch = done ? seconds / (double)done : 0;
    const double rate = per_batch > 0 ? (double)run->s.batch / per_batch : 0;
    snprintf(line, sizeof line,
             "epoch %lld/%lld %3.0f %%  loss %.4f  acc %.4f  %s images/s  %s left",
             (long long)run->epoch + 1, (long long)run->s.epochs,
             100 * (double)run->batch / (double)run->batches->per_epoch,
             run->loss_sum / n, (double)run->n_correct / n, QN_SCALED(rate),
             clock_text(left, seconds_left(run, per_batch)));
    if (is_tty)
        fprintf(stderr, "\r%.*s\033[K", qn_term_width(stderr) - 1, line);
    else
        fprintf(stderr, "%s\n", line);
}

/* On a terminal ten times a second, elsewhere every ten seconds. */
void qn_train_show_step(qn_train_run *run)
{
    const double now = qn_os_seconds();
    const bool is_tty = qn_term_is_tty(stderr);
    if (run->shown == 0) run->shown = run->epoch_started;
    if (qn_arg_flag(run->args, "quiet") || now - run->shown < (is_tty ? 0.1 : 10))
        return;
    run->shown = now;
    run->has_line = is_tty;
    draw_step(run, is_tty, now - run->epoch_started);
}

void qn_train_hide_step(qn_train_run *run)
{
    if (run->has_line) fputs("\r\033[K", stderr);
    run->has_line = false;
}

/* The loader could not keep up: said once. */
static void tell_waits(qn_train_run *run, double seconds)
{
    const double waited = run->batches->waited - run->waited;
    run->waited = run->batches->waited;
    if (run->told_waits || seconds < 1 || waited < 0.1 * seconds) return;
    run->told_waits = true;
    qn_say("input-bound: %.0f %% of the epoch was spent waiting for pictures",
           100 * fmin(waited / seconds, 1));
}

void qn_train_show_row(qn_train_run *run, const qn_train_row *row, bool is_best)
{
    char val[80] = "", spent[QN_HUMAN_TEXT], left[QN_HUMAN_TEXT];
    const double pictures = (double)run->batches->per_epoch * (double)run->s.batch;
    const double seconds = row->images_per_s > 0 ? pictures / row->images_per_s : 0;
    qn_train_hide_step(run);
    if (qn_arg_flag(run->args, "quiet")) return;
    if (!isnan(row->val_acc))
        snprintf(val, sizeof val, "  val loss %.4f acc %.4f%s", row->val_loss,
                 row->val_acc, is_best ? " *" : "");
    fprintf(stderr, "epoch %lld/%lld  loss %.4f acc %.4f%s  %s images/s  %s, %s left\n",
            (long long)row->epoch, (long long)run->s.epochs, row->train_loss,
            row->train_acc, val, QN_SCALED(row->images_per_s),
            clock_text(spent, row->seconds),
            clock_text(left, (double)(run->s.epochs - row->epoch) *
                                 (seconds + run->val_seconds)));
    tell_waits(run, seconds);
}

/* ---- in the end ---- */

void qn_train_show_result(const qn_train_run *run, const qn_evaluation *e)
{
    const qn_metrics *m = &e->metrics;
    if (qn_arg_flag(run->args, "quiet")) return;
    fprintf(stderr, "%s: %.2f %% of %s right [%.2f, %.2f], macro F1 %.4f, ECE %.4f\n",
            e->split, 100 * m->figure[QN_FIGURE_TOP1], QN_COUNT(m->n),
            100 * m->lo[QN_FIGURE_TOP1], 100 * m->hi[QN_FIGURE_TOP1],
            m->figure[QN_FIGURE_MACRO_F1], m->figure[QN_FIGURE_ECE]);
}
