/* SPDX-License-Identifier: Apache-2.0 */
/* tools/tracer.h - runs a program and looks at every system call that it, its threads
 * and its children make (ptrace(2)): a proof that does not take the program's word. */
#ifndef QN_TOOLS_TRACER_H
#define QN_TOOLS_TRACER_H

#include "engine/error.h"
#include "tools/sandbox.h"

/* What is looked for. */
typedef enum qn_deed {
    QN_DEED_NONE,
    QN_DEED_NETWORK, /* a call of the socket family, of any kind of socket */
    QN_DEED_RING,    /* io_uring, whose calls nobody sees */
    QN_DEED_FOREIGN, /* the calls of a 32-bit or x32 program */
    QN_DEED_PROGRAM, /* another program started */
    QN_DEED_WRITE,   /* a file made, changed or removed outside the folders named */
    QN_N_DEEDS
} qn_deed;

typedef struct qn_watch_plan {
    const char *const *argv; /* argv[0] is the path of the program */
    const char *folder;      /* that it starts in */
    const char *output;      /* file for what it prints */
    const char *inputs;      /* files below: read from inside the sandbox only */
    const char *writable;    /* folder below which files may be written; NULL: none */
    bool is_caged;           /* enters the sandbox of a command with helpers first */
    bool is_cut_off;         /* in an empty network namespace */
    unsigned seconds;        /* after which it is killed */
} qn_watch_plan;

typedef struct qn_watch {
    int64_t n_calls;
    int n_processes; /* threads, too */
    struct {
        int n, n_refused;
        char first[200]; /* "connect", "openat of /etc/x" */
    } deed[QN_N_DEEDS];
    int n_inputs;      /* opened */
    int n_open_before; /* of them, before the sandbox was closed */
    bool ended_inside; /* the program that was started ended in the sandbox */
    bool had_socket;   /* and had a socket open */
    int code;          /* exit code */
    int signal;        /* or signal */
} qn_watch;

/* Whether an empty network namespace can be had. */
bool qn_watch_can_cut_off(void);
quern_status qn_watch_run(const qn_watch_plan *plan, qn_watch *out, quern_error *err);

#endif
