/* SPDX-License-Identifier: Apache-2.0 */
/* engine/session.h - what runs a model: kernels, threads, packed weights, and one
 * runner for each graph (the main one and the bodies of If, Loop and Scan). */
#ifndef QN_ENGINE_SESSION_H
#define QN_ENGINE_SESSION_H

#include "engine/model.h"
#include "engine/pages.h"
#include "engine/plan.h"
#include "engine/tuning.h"

/* A packed weight; belongs to the session, shared by its plans. */
typedef struct qn_pack {
    struct qn_pack *next, *next_stale;
    const qn_value *value;
    uint64_t version;
    qn_packer how; /* its ctx lies behind this struct */
    void *data;
} qn_pack;

/* A graph with the plans made for it so far, and the memory that a run needs. */
typedef struct qn_runner {
    struct qn_runner *next;
    qn_session *session;
    const qn_graph *graph;
    qn_plan *plans;  /* most recently used first, at most QN_PLANS */
    qn_plan *placed; /* the plan whose slots point into the slab now */
    void *slab;
    size_t slab_bytes;
    qn_arena run;       /* outputs of dynamic steps, until the next run */
    const void **bound; /* data pointers that the placed plan points at */
} qn_runner;

#define QN_PLANS 8 /* plans kept for each graph */

struct quern_session {
    const quern_model *model;
    quern_session_options opt;
    qn_mem mem;
    qn_kernels k;
    qn_pool *pool;
    bool owns_pool;
    const char *gemm;
    bool plain; /* no blocked layout */
    qn_tuning tuning;
    qn_pack *packs;
    qn_pages pages; /* what they hold */
    size_t packed_bytes;
    qn_runner *runners; /* the first made is the main graph's */
    qn_runner *main;
    qn_tensor *inputs;  /* as bound; kind QN_TENSOR with data NULL: not bound */
    size_t *item_bytes; /* of a bound sequence's items, which are copies */
    uint64_t n_runs, run_allocs;
    bool has_run;
};

/* The runner of a graph, made when it is first asked for. */
quern_status qn_session_runner(qn_session *session, const qn_graph *graph,
                               qn_runner **out, quern_error *err);
void qn_runner_free(qn_runner *runner);
/* A plan for these inputs (graph inputs, then captures), which becomes the current one.
 */
quern_status qn_runner_plan(qn_runner *runner, const qn_tensor *inputs,
                            quern_error *err);
/* Plans if need be and runs; inputs must hold data. */
quern_status qn_runner_run(qn_runner *runner, const qn_tensor *inputs,
                           quern_error *err);
/* Output i of the last run, valid until the next. */
const qn_tensor *qn_runner_output(const qn_runner *runner, int i);

/* Gives t, the tensor of a constant value, data that is aligned for its type: as it
 * lies, or a copy that the session keeps. */
quern_status qn_session_align(qn_session *session, const qn_value *value, qn_tensor *t,
                              quern_error *err);

/* Packs parameters that were written since anew; called before each run. */
void qn_packs_refresh(qn_session *session);
void qn_packs_free(qn_session *session);

/* Runs a subgraph from the run function of a control-flow row: inputs [n_inputs] by
 * position, then the node's captures for that subgraph. */
quern_status qn_exec_graph(const qn_exec *x, const qn_graph *graph,
                           const qn_tensor *inputs, qn_runner **out, quern_error *err);

#endif
