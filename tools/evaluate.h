/* SPDX-License-Identifier: Apache-2.0 */
/* tools/evaluate.h - runs a classifier over the labelled pictures of a data set.
 *
 * Pictures become tensors as the model's metadata says; classes are matched by name,
 * never by place.  `quern eval` and `quern train` call the same function. */
#ifndef QN_TOOLS_EVALUATE_H
#define QN_TOOLS_EVALUATE_H

#include "formats/evaluation.h"
#include "tools/recipe.h"

typedef struct qn_evaluate_options {
    qn_split split; /* QN_SPLIT_NONE: test where there is one, else val, else all */
    bool all;       /* every item, whatever its split */
    int64_t batch;  /* pictures at a time; 0: 64 */
    /* NULL: the defaults.  Without a pool one of n_threads is made. */
    const quern_session_options *session;
    const qn_recipe *recipe; /* NULL: what the model's metadata says */
    bool flip;               /* mirror images, too */
    bool skip_bad;           /* pictures that cannot be read are listed, not an error */
    qn_metrics_options metrics; /* its pool is not used: the session's is */
    /* Called after each batch with the pictures done and all there are; may be NULL.
     * Not 0: stop, with QUERN_CANCELLED. */
    int (*step)(void *ctx, int64_t done, int64_t total);
    void *ctx;
} qn_evaluate_options;

/* opt NULL: the defaults.  What out points to lives in the arena, or is the set's. */
quern_status qn_evaluate(const quern_model *model, const qn_dataset *set,
                         const qn_evaluate_options *opt, qn_arena *arena,
                         qn_evaluation *out, quern_error *err);
/* Adds a slice for each text that a column of the manifest holds. */
quern_status qn_evaluate_slices(qn_evaluation *e, const char *column,
                                const qn_metrics_options *opt, qn_arena *arena,
                                quern_error *err);
/* Fits a temperature on one evaluation and adds to another what it gives there. */
quern_status qn_evaluate_tempered(qn_evaluation *e, const qn_evaluation *fit_on,
                                  const qn_metrics_options *opt, qn_arena *arena,
                                  quern_error *err);

/* ---- parts ----------------------------------------------------------------------- */

/* Which items: fills split, item and predictions.n.  Fails when there are none. */
quern_status qn_evaluate_choose(const qn_dataset *set, qn_split split, bool all,
                                qn_arena *arena, qn_evaluation *e, quern_error *err);
/* *map [set->n_classes]: the model's class that has the name of each class of the set.
 * Without names on one side (a set whose classes are called 0, 1, .. has none) it is
 * the same number and *is_by_index is set.  A name that the model lacks fails, with
 * both lists. */
quern_status qn_evaluate_match(const qn_dataset *set, const char *const *classes,
                               int n_classes, qn_arena *arena, int32_t **map,
                               bool *is_by_index, quern_error *err);
/* From the logits of e: p (the memory behind e->predictions.p) and all metrics; with
 * flipped, the logits of the mirror images, those of the mean, which takes their place.
 */
quern_status qn_evaluate_figures(qn_evaluation *e, float *p, float *flipped,
                                 const qn_metrics_options *opt, qn_arena *arena,
                                 quern_error *err);

#endif
