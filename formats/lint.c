/* SPDX-License-Identifier: Apache-2.0 */
/* formats/lint.c - see lint.h: the list of checks, and how findings are kept. */
#include "formats/lint.h"

#include "formats/dataset_build.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const qn_lint_check checks[] = {
#define QN_LINT(function, name, reads, about) {name, about, reads, qn_lint_##function},
#include "formats/lints.def"
#undef QN_LINT
};
#define N_CHECKS (int)(sizeof checks / sizeof checks[0])

const qn_lint_check *qn_lint_check_at(int i)
{
    return i >= 0 && i < N_CHECKS ? &checks[i] : NULL;
}

/* ---- findings ---- */

quern_status qn_lint_add(qn_lint *lint, const char *check, qn_severity severity,
                         int64_t count, const char *text, ...)
{
    char room[512];
    const char *kept;
    va_list args;
    va_start(args, text);
    vsnprintf(room, sizeof room, text, args);
    va_end(args);
    QN_TRY(qn_arena_text(lint->arena, room, strlen(room), &kept, lint->err));
    QN_TRY(qn_list_grow(lint->arena, &lint->findings, (size_t)lint->n_findings,
                        (size_t)lint->n_findings + 1, sizeof *lint->findings,
                        lint->err));
    lint->findings[lint->n_findings++] = (qn_finding){
        .check = check, .severity = severity, .count = count, .text = kept};
    lint->count[severity]++;
    return QUERN_OK;
}

quern_status qn_lint_example(qn_lint *lint, const char *text)
{
    qn_finding *f = &lint->findings[lint->n_findings - 1];
    for (size_t i = 0; i < sizeof f->example / sizeof f->example[0]; i++)
        if (!f->example[i])
            return qn_arena_text(lint->arena, text, strlen(text), &f->example[i],
                                 lint->err);
    return QUERN_OK;
}

quern_status qn_lint_example_item(qn_lint *lint, int64_t item)
{
    char room[QN_ITEM_TEXT];
    return qn_lint_example(lint, qn_item_name(lint->set, item, room));
}

/* ---- running ---- */

static quern_status count_items(qn_lint *lint)
{
    const qn_dataset *set = lint->set;
    void *room;
    QN_TRY(qn_arena_array(lint->arena, (size_t)set->n_classes, sizeof *lint->in_class,
                          &room, lint->err));
    lint->in_class = room;
    for (int64_t i = 0; i < set->n; i++) {
        lint->in_split[set->split[i]]++;
        if (set->label[i] >= 0) lint->in_class[set->label[i]][set->split[i]]++;
    }
    return QUERN_OK;
}

quern_status qn_lint_run(qn_lint *lint, quern_error *err)
{
    lint->err = err;
    lint->n_findings = 0;
    memset(lint->count, 0, sizeof lint->count);
    memset(lint->in_split, 0, sizeof lint->in_split);
    QN_TRY(count_items(lint));
    for (int i = 0; i < N_CHECKS; i++)
        if (!checks[i].reads || lint->survey) QN_TRY(checks[i].run(lint));
    return QUERN_OK;
}
