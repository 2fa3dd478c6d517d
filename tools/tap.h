/* SPDX-License-Identifier: Apache-2.0 */
/* tools/tap.h - a model and its session as one thing, and, where asked for, every value
 * inside the model as an output. */
#ifndef QN_TOOLS_TAP_H
#define QN_TOOLS_TAP_H

#include "tools/options.h"
#include "tools/values.h"

typedef struct qn_tap {
    const char *value, *node; /* name; label of the node that makes it */
    int output;               /* of the session */
} qn_tap;

typedef struct qn_run {
    quern_model *model;
    quern_session *session;
    qn_tap *taps; /* in the order of the nodes; they live as long as the model */
    int n_taps;
} qn_run;

/* Opens a model and makes its session.  Errors name the file. */
quern_status qn_run_open(qn_run *run, const qn_args *args, const char *path,
                         quern_error *err);
/* The same without graph passes, with every named value of the main graph as a further
 * output. */
quern_status qn_run_open_tapped(qn_run *run, const qn_args *args, const char *path,
                                quern_error *err);
void qn_run_close(qn_run *run);
/* Binds the first inputs and runs. */
quern_status qn_run_values(qn_run *run, const qn_tensor *values, int n,
                           quern_error *err);
int qn_run_find_tap(const qn_run *run, const char *value); /* or -1 */

#endif
