/* SPDX-License-Identifier: Apache-2.0 */
/* tools/train_unfreeze.c - --unfreeze-at: from an epoch on, all weights are trained.
 *
 * What was frozen stood as constants in the trainer's graph, so there is a new trainer:
 * made from the raw model with the weights of this moment, with the moments, averages
 * and counts of the old one. */
#include "formats/onnx_export.h"
#include "tools/train_run.h"

#include <string.h>

/* The weights as they are trained, not their average, into the raw model. */
static quern_status put_weights(qn_train_run *run, const qn_trainer *from,
                                quern_error *err)
{
    void *p;
    const int n = qn_trainer_n(from);
    QN_TRY(qn_mem_alloc(&run->mem, (size_t)n * sizeof(qn_export_weight), &p, err));
    qn_export_weight *w = p;
    for (int k = 0; k < n; k++) {
        const qn_trained *t = qn_trainer_at(from, k);
        w[k] = (qn_export_weight){t->name, t->data, t->n};
    }
    const quern_status status = qn_export_weights(run->raw, w, n, err);
    qn_mem_free(&run->mem, p, (size_t)n * sizeof *w);
    return status;
}

static const qn_trained *find(const qn_trainer *trainer, const char *name)
{
    for (int i = 0; i < qn_trainer_n(trainer); i++)
        if (strcmp(qn_trainer_at(trainer, i)->name, name) == 0)
            return qn_trainer_at(trainer, i);
    return NULL;
}

static void copy(float *to, const float *from, int64_t n)
{
    if (to && from) memcpy(to, from, (size_t)n * sizeof *to);
}

static void copy_state(qn_trainer *to, const qn_trainer *from)
{
    for (int i = 0; i < qn_trainer_n(to); i++) {
        qn_trained *t = qn_trainer_at(to, i);
        const qn_trained *old = find(from, t->name);
        if (!old) continue;
        copy(t->data, old->data, t->n);
        copy(t->held, old->held, t->n);
        copy(t->average, old->average, t->n);
        for (int k = 0; k < QN_MOMENTS; k++)
            copy(t->moment[k], old->moment[k], t->n);
    }
    qn_trainer_restore(to, qn_trainer_steps(from), qn_trainer_accumulated(from));
}

quern_status qn_train_unfreeze(qn_train_run *run, quern_error *err)
{
    qn_trainer *old = run->trainer;
    QN_TRY(put_weights(run, old, err));
    for (int i = 0; i < run->layers.n_weights; i++)
        run->layers.weights[i].is_frozen = false;
    run->trainer = NULL;
    const quern_status status = qn_train_make_trainer(run, err);
    if (status == QUERN_OK) {
        copy_state(run->trainer, old);
        run->is_unfrozen = true;
        if (!qn_arg_flag(run->args, "quiet"))
            qn_say("epoch %lld: all %s parameters are trained from here on",
                   (long long)run->epoch + 1, QN_COUNT(run->stats.n_trained));
    }
    qn_trainer_free(old);
    return status;
}
