/* SPDX-License-Identifier: Apache-2.0 */
/* tools/train_show.c - what people see of a training: the plan before the first step, a
 * line for each epoch, the result. */
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
    qn_say("memory: %s activations and gradients, %s weights, %s packed, %s moments",
           QN_BYTES(t->slab_bytes), QN_BYTES(t->weight_bytes),
           QN_BYTES(t->packed_bytes), QN_BYTES(t->state_bytes));
    qn_say("%s, rate %g (%s), %lld epochs of %lld batches of %lld; augmentation %s",
           s->opt, s->lr, s->sched, (long long)s->epochs,
           (long long)run->batches->per_epoch, (long long)s->batch, s->aug);
    qn_say("run folder: %s", QN_CLEAN(s->out ? s->out : "(none)"));
}

void qn_train_show_row(const qn_train_run *run, const qn_train_row *row, bool is_best)
{
    char val[80] = "";
    const double left =
        (double)(run->s.epochs - row->epoch) *
        (row->images_per_s > 0 ? (double)run->batches->per_epoch *
                                     (double)run->s.batch / row->images_per_s
                               : 0);
    if (qn_arg_flag(run->args, "quiet")) return;
    if (!isnan(row->val_acc))
        snprintf(val, sizeof val, "  val loss %.4f acc %.4f%s", row->val_loss,
                 row->val_acc, is_best ? " *" : "");
    fprintf(
        stderr,
        "epoch %lld/%lld  loss %.4f acc %.4f%s  %.0f images/s  %.0f s, %.0f s left\n",
        (long long)row->epoch, (long long)run->s.epochs, row->train_loss,
        row->train_acc, val, row->images_per_s, row->seconds, left);
}

void qn_train_show_result(const qn_train_run *run, const qn_evaluation *e)
{
    const qn_metrics *m = &e->metrics;
    if (qn_arg_flag(run->args, "quiet")) return;
    fprintf(stderr, "%s: %.2f %% of %s right [%.2f, %.2f], macro F1 %.4f, ECE %.4f\n",
            e->split, 100 * m->figure[QN_FIGURE_TOP1], QN_COUNT(m->n),
            100 * m->lo[QN_FIGURE_TOP1], 100 * m->hi[QN_FIGURE_TOP1],
            m->figure[QN_FIGURE_MACRO_F1], m->figure[QN_FIGURE_ECE]);
}
