/* SPDX-License-Identifier: Apache-2.0 */
/* formats/lint.h - what is wrong with a data set before a network learns from it.
 *
 * A check is a function in lint_table.c or lint_pictures.c and a row in lints.def; it
 * adds findings.  Errors make a training wrong or impossible: pictures that cannot be
 * read, the same picture or patient on both sides of a split.  Warnings are for
 * somebody to look at, notes are only told. */
#ifndef QN_FORMATS_LINT_H
#define QN_FORMATS_LINT_H

#include "formats/dataset.h"

typedef enum qn_severity { QN_NOTE, QN_WARNING, QN_ERROR } qn_severity;

typedef struct qn_finding {
    const char *check; /* "leaking-groups" */
    qn_severity severity;
    int64_t count;
    const char *text;       /* a sentence without its end */
    const char *example[5]; /* items, classes or groups; fewer: NULL behind the last */
} qn_finding;

typedef struct qn_lint {
    const qn_dataset *set;
    const qn_survey *survey; /* with sketches; NULL: pictures are not read */
    double near;             /* distance of near duplicates */
    qn_arena *arena;
    int64_t (*in_class)[4]; /* [n_classes], by split */
    int64_t in_split[4];
    qn_finding *findings;
    int n_findings;
    int count[3]; /* findings, by severity */
    quern_error *err;
} qn_lint;

typedef quern_status qn_lint_fn(qn_lint *lint);

typedef struct qn_lint_check {
    const char *name, *about;
    bool reads; /* needs the survey */
    qn_lint_fn *run;
} qn_lint_check;

const qn_lint_check *qn_lint_check_at(int i); /* NULL past the end */
/* Runs all checks; set, survey, near and arena are given. */
quern_status qn_lint_run(qn_lint *lint, quern_error *err);

/* ---- for the checks ---- */

/* Adds a finding; the text is formatted into the arena. */
quern_status qn_lint_add(qn_lint *lint, const char *check, qn_severity severity,
                         int64_t count, const char *text, ...)
    __attribute__((format(printf, 5, 6)));
/* Of the finding added last; the text is copied, more than five are ignored. */
quern_status qn_lint_example(qn_lint *lint, const char *text);
quern_status qn_lint_example_item(qn_lint *lint, int64_t item);

#define QN_LINT(function, name, reads, about) qn_lint_fn qn_lint_##function;
#include "formats/lints.def"
#undef QN_LINT

#endif
