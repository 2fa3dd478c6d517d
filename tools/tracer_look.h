/* SPDX-License-Identifier: Apache-2.0 */
/* tools/tracer_look.h - within the tracer: what is known of each thread, and what one
 * system call of it means. */
#ifndef QN_TOOLS_TRACER_LOOK_H
#define QN_TOOLS_TRACER_LOOK_H

#include "tools/tracer.h"

#define QN_LOOK_THREADS 256

typedef struct qn_looked {
    int pid; /* 0: free */
    qn_deed deed;
    const char *call; /* that it is in */
    bool is_open;     /* an open for reading, of which the file is looked at */
    char path[256];   /* of a file, for what is printed */
} qn_looked;

typedef struct qn_look {
    const qn_watch_plan *plan;
    qn_watch *out;
    int main;       /* the process that was started */
    bool has_begun; /* our own exec of it is over */
    bool has_ended;
    qn_looked thread[QN_LOOK_THREADS];
} qn_look;

/* Whether the thread was not known yet; it is from now on. */
bool qn_look_is_new(qn_look *look, int pid);
void qn_look_forget(qn_look *look, int pid);
void qn_look_kill_all(qn_look *look);
/* At a stop on the way into a call, or out of it. */
void qn_look_call(qn_look *look, int pid);
/* The main process is about to end; its file table is still there. */
void qn_look_end(qn_look *look);

#endif
