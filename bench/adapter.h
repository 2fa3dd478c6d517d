/* SPDX-License-Identifier: Apache-2.0 */
/* bench/adapter.h - how a kernel slot is made to solve a kind of problem: operands laid
 * out as the slot wants them, the call, and the result brought back.
 *
 * A new slot is one file with a const qn_adapter and one row of adapters.def; every row
 * of kernels.def in that slot then stands in the tables of `quern bench kernel`. */
#ifndef QN_BENCH_ADAPTER_H
#define QN_BENCH_ADAPTER_H

#include "bench/bench_os.h"
#include "bench/truth.h"
#include "kernels/blocked.h"
#include "kernels/kernels.h"

enum { QN_CASE_BUFFERS = 16 };

typedef enum qn_buffer_role {
    QN_BUFFER_INPUT, /* read-only while the kernel is verified */
    QN_BUFFER_OUTPUT,
    QN_BUFFER_SCRATCH
} qn_buffer_role;

typedef enum qn_case_use {
    QN_USE_END,   /* verify: every buffer ends at a wall */
    QN_USE_START, /* verify: every buffer begins at one */
    QN_USE_TIME   /* 64-byte aligned, at different places within a page */
} qn_case_use;

typedef struct qn_adapter qn_adapter;

/* A kernel about to solve a problem. */
typedef struct qn_bench_case {
    const qn_adapter *adapter;
    const qn_truth *truth;
    const qn_kernels *k; /* the table that fn stands in */
    void (*fn)(void);    /* the kernel; NULL for adapters without a slot */
    qn_arena *arena;
    qn_case_use use;
    void *state; /* the adapter's */
    double *y;   /* [truth->n_out]: the result, where take puts it */
    int n_buffers;
    struct {
        const char *name;
        qn_buffer_role role;
        qn_guarded memory;
        void *p;
        size_t bytes;
    } buffer[QN_CASE_BUFFERS];
} qn_bench_case;

struct qn_adapter {
    const char *kind;    /* of problem */
    const char *slot;    /* of kernels.def; NULL: the adapter calls what it likes */
    const char *variant; /* told apart by, behind the kernel's name; NULL: nothing */
    const char *(*refuse)(const qn_problem *p); /* NULL: fits; else why not */
    /* Makes buffers with qn_bench_buffer and fills them from truth->x. */
    quern_status (*open)(qn_bench_case *c, quern_error *err);
    void (*run)(qn_bench_case *c);
    void (*take)(qn_bench_case *c); /* result -> c->y */
    /* After a run over outputs full of 0xff bytes: what was written besides results, or
     * NULL; NULL function: nothing can be. */
    const char *(*audit)(const qn_bench_case *c);
    bool is_inexact; /* not even integers come out exactly: Winograd */
};

#define QN_ADAPTER(name) extern const qn_adapter qn_adapter_##name;
#include "bench/adapters.def"
#undef QN_ADAPTER
extern const qn_adapter *const qn_adapters[]; /* NULL ends */

/* A buffer of the case, zeroed. */
quern_status qn_bench_buffer(qn_bench_case *c, const char *name, qn_buffer_role role,
                             size_t bytes, void **p, quern_error *err);
/* An input buffer that holds truth->x[i] as float or double. */
quern_status qn_bench_floats(qn_bench_case *c, int i, float **p, quern_error *err);
quern_status qn_bench_doubles(qn_bench_case *c, int i, double **p, quern_error *err);
/* The output buffer of n_out elements in plain order. */
quern_status qn_bench_output(qn_bench_case *c, size_t element, void **p,
                             quern_error *err);
void qn_bench_take_floats(
    qn_bench_case *c); /* take, when that is how the output lies */
void qn_bench_take_doubles(qn_bench_case *c);

quern_status qn_bench_open(qn_bench_case *c, quern_error *err);
void qn_bench_close(qn_bench_case *c);

#endif
