/* SPDX-License-Identifier: Apache-2.0 */
/* tools/privacy_check.h - the proof behind `quern privacy verify`: every command runs
 * under a tracer on inputs made for it; then planted violations must be caught. */
#ifndef QN_TOOLS_PRIVACY_CHECK_H
#define QN_TOOLS_PRIVACY_CHECK_H

#include "tools/tracer.h"

typedef enum qn_promise {
#define QN_PROMISE(key, id, text) QN_PROMISE_##key,
#include "tools/privacy_promises.def"
#undef QN_PROMISE
    QN_N_PROMISES
} qn_promise;

typedef enum qn_kept {
    QN_KEPT,
    QN_BROKEN,
    QN_NOT_SHOWN /* this system or build lacks what it would take */
} qn_kept;

typedef struct qn_shown {
    const char *name; /* of the command or the control */
    qn_kept state;    /* a control: caught, missed, cannot be planted here */
    char why[240];    /* empty when kept */
    int64_t n_calls;
    int n_processes;
} qn_shown;

#define QN_SHOWN_MAX 96

typedef struct qn_privacy_check {
    char folder[QN_PATH_MAX];   /* of inputs and outputs */
    char quern[QN_PATH_MAX];    /* this program */
    char controls[QN_PATH_MAX]; /* quern-controls; empty: it is not installed */
    bool is_cut_off;
    qn_sandbox sandbox; /* what this system gives */
    struct {
        qn_kept state;
        char why[240];
    } promise[QN_N_PROMISES];
    qn_shown command[QN_SHOWN_MAX], control[QN_SHOWN_MAX];
    int n_commands, n_controls;
} qn_privacy_check;

const char *qn_promise_id(int promise);
const char *qn_promise_text(int promise);
/* "ptrace" or "netns+ptrace". */
const char *qn_privacy_method(const qn_privacy_check *check);

/* Runs it all in check->folder, which exists and is empty; step is told after each run.
 */
quern_status qn_privacy_check_run(qn_privacy_check *check,
                                  void (*step)(void *ctx, int done, int total),
                                  void *ctx, quern_error *err);

/* The inputs of privacy_recipes.def below folder/in. */
quern_status qn_privacy_inputs(const char *folder, qn_mem *mem, quern_error *err);

#endif
