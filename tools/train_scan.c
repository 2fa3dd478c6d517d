/* SPDX-License-Identifier: Apache-2.0 */
/* tools/train_scan.c - every picture read once before training begins: those that
 * cannot be are listed with the reason, those that stand in two splits are told. */
#include "tools/term.h"
#include "tools/train_run.h"

#include <stdio.h>

enum { MAX_LISTED = 10, MAX_TWINS = 3 };

/* ---- pictures that are no good ---- */

static void list_rejects(const qn_train_run *run)
{
    const qn_dataset *set = run->set;
    if (qn_arg_flag(run->args, "quiet") && run->s.skip_bad) return;
    for (int i = 0; i < set->n_rejects && i < MAX_LISTED; i++)
        qn_say("%s: %s: %s", run->s.skip_bad ? "left out" : "bad",
               QN_CLEAN(set->rejects[i].item), QN_CLEAN(set->rejects[i].reason));
    if (set->n_rejects > MAX_LISTED)
        qn_say("and %d more (quern data info --read lists them all)",
               set->n_rejects - MAX_LISTED);
}

static quern_status judge_rejects(const qn_train_run *run, quern_error *err)
{
    const int n = run->set->n_rejects;
    list_rejects(run);
    if (n == 0 || run->s.skip_bad) return QUERN_OK;
    return qn_fail(err, QUERN_DATA,
                   "%d of its pictures cannot be used; --skip-bad trains without them",
                   n);
}

static int show_scan(void *ctx, int64_t done)
{
    qn_progress_step(ctx, done);
    return qn_interrupted(NULL);
}

/* What cannot be read loses its label, and with it its part in everything. */
static quern_status scan(qn_train_run *run, qn_survey *survey, quern_error *err)
{
    qn_progress p;
    qn_progress_begin(&p, "pictures checked", run->set->n,
                      qn_arg_flag(run->args, "quiet"));
    const qn_survey_watch watch = {.step = show_scan, .ctx = &p};
    const quern_status status =
        qn_dataset_survey(run->set, run->pool, &watch, &run->arena, survey, err);
    qn_progress_end(&p);
    for (int64_t i = 0; status == QUERN_OK && i < run->set->n; i++)
        if (!survey->is_good[i]) run->set->label[i] = -1;
    return status;
}

quern_status qn_train_scan(qn_train_run *run, quern_error *err)
{
    if (!run->set->array) QN_TRY(scan(run, &run->survey, err));
    return judge_rejects(run, err);
}

/* ---- pictures that stand in two splits ---- */

/* Pictures in one array are as good as read: only their digests are missing. */
static quern_status tell(qn_train_run *run, const qn_survey *survey, quern_error *err)
{
    char a[QN_ITEM_TEXT], b[QN_ITEM_TEXT];
    qn_twin *twins;
    int64_t n = 0;
    QN_TRY(qn_dataset_twins(run->set, survey, true, &run->arena, &twins, &n, err));
    if (n == 0) return QUERN_OK;
    qn_say("%s pictures are in two splits, which flatters the figures: "
           "they are counted as they stand",
           QN_COUNT(n));
    for (int64_t i = 0; i < n && i < MAX_TWINS; i++)
        qn_say("  %s = %s", QN_CLEAN(qn_item_name(run->set, twins[i].a, a)),
               QN_CLEAN(qn_item_name(run->set, twins[i].b, b)));
    return QUERN_OK;
}

quern_status qn_train_twins(qn_train_run *run, quern_error *err)
{
    if (qn_arg_flag(run->args, "quiet")) return QUERN_OK;
    if (run->set->array) {
        const qn_survey_watch quick = {.is_quick = true};
        QN_TRY(qn_dataset_survey(run->set, run->pool, &quick, &run->arena, &run->survey,
                                 err));
    }
    return tell(run, &run->survey, err);
}
