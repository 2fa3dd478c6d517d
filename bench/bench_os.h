/* SPDX-License-Identifier: Apache-2.0 */
/* bench/bench_os.h - what measuring asks of the operating system and of the processor
 * and nothing else in quern does: guarded memory, child processes, counters, caches. */
#ifndef QN_BENCH_BENCH_OS_H
#define QN_BENCH_BENCH_OS_H

#include "engine/error.h"

#include <stdbool.h>
#include <stdio.h>

/* ---- memory with a wall on either side ------------------------------------------- */

typedef enum qn_place_at {
    QN_AT_START, /* the first byte is the first of a page; the page before is a wall */
    QN_AT_END    /* the last byte is the last of a page; the page behind is a wall */
} qn_place_at;

typedef struct qn_guarded {
    char *p; /* size bytes, zeroed */
    size_t size;
    char *map; /* all pages, walls included */
    size_t map_size;
} qn_guarded;

/* Touching a wall is SIGSEGV.  From 2 MB on it lies on large pages as far as these are
 * whole, as in a session.  size 0 gives a pointer to nothing. */
quern_status qn_guarded_make(qn_guarded *g, size_t size, qn_place_at at,
                             quern_error *err);
void qn_guarded_free(qn_guarded *g);
/* Makes writing to it SIGSEGV, too, or fine again. */
void qn_guarded_freeze(const qn_guarded *g, bool is_frozen);
/* The bytes between the memory and its walls are filled with a pattern; whether it is
 * still there. */
void qn_guarded_mark(const qn_guarded *g);
bool qn_guarded_is_marked(const qn_guarded *g);

/* Drops the bytes from every cache; false when this processor cannot be told to. */
bool qn_cache_flush(const void *p, size_t n);

/* ---- processes ------------------------------------------------------------------- */

typedef struct qn_child_end {
    bool is_signal, is_late;
    int code;        /* exit code, or the signal's number */
    double peak_rss; /* bytes */
} qn_child_end;

/* Runs work in a child, which answers with *answer (n bytes, zeroed before).  *got: how
 * many bytes came.  SIGSEGV and its kin in the child are reported, not survived. */
typedef void qn_child_fn(void *ctx, void *answer);
quern_status qn_child_run(qn_child_fn *work, void *ctx, void *answer, size_t n,
                          double seconds, qn_child_end *end, quern_error *err);
/* In a child: what a fault handler says, and to whom.  say writes into answer, which is
 * sent before the process ends. */
typedef void qn_fault_fn(void *ctx, void *answer, int signal, const void *address);
void qn_child_on_fault(qn_fault_fn *say, void *ctx);

/* Another program, spoken to line by line through its stdin and stdout. */
typedef struct qn_worker {
    long pid; /* 0: none */
    int to, from;
} qn_worker;
/* cpu: to pin it to; -1: none.  is_offline: without a network; where that cannot be
 * had, its one line is "error " and the reason. */
quern_status qn_worker_start(qn_worker *w, const char *const *argv, int cpu,
                             bool is_offline, quern_error *err);
/* Bytes as they are. */
quern_status qn_worker_send(qn_worker *w, const void *p, size_t n, quern_error *err);
quern_status qn_worker_take(qn_worker *w, void *p, size_t n, double seconds,
                            quern_error *err);
/* Sends the line (NULL: nothing), then waits for one; without its newline. */
quern_status qn_worker_ask(qn_worker *w, const char *line, char *answer, size_t room,
                           double seconds, quern_error *err);
void qn_worker_stop(qn_worker *w); /* closes its stdin, waits, kills if need be */
/* The absolute path of this program. */
quern_status qn_own_path(char *path, size_t room, quern_error *err);

/* ---- the machine ----------------------------------------------------------------- */

/* Processors this process may use, at most room of them; how many. */
int qn_cpus_allowed(int *cpus, int room);
bool qn_cpu_pin(int cpu);         /* the calling thread */
double qn_thread_seconds(void);   /* processor time of the calling thread */
double qn_process_seconds(void);  /* and of all threads of this process */
long qn_thread_preemptions(void); /* of the calling thread, so far */
/* The first bytes of a file of the kernel, its newline cut; false when it is not there.
 */
bool qn_kernel_text(const char *path, char *text, size_t room);

/* ---- counters -------------------------------------------------------------------- */

typedef enum qn_counter {
    QN_COUNT_CYCLES,
    QN_COUNT_INSTRUCTIONS,
    QN_COUNT_CACHE_MISSES,
    QN_COUNT_BRANCH_MISSES,
    QN_COUNTERS
} qn_counter;
extern const char *const qn_counter_names[QN_COUNTERS];

typedef struct qn_counters {
    int fd[QN_COUNTERS]; /* -1: not there */
    char why[160];       /* one sentence when there are none; else empty */
} qn_counters;

/* Never fails: without counters, why says so. */
void qn_counters_open(qn_counters *c);
void qn_counters_close(qn_counters *c);
void qn_counters_start(const qn_counters *c);
/* Since start, of this thread in user mode; -1 where there is no counter. */
void qn_counters_stop(const qn_counters *c, double value[QN_COUNTERS]);

#endif
