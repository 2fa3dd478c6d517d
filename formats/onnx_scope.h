/* SPDX-License-Identifier: Apache-2.0 */
/* formats/onnx_scope.h - the names of one graph while it is read.  A name that an inner
 * graph lacks is looked up outside, and becomes a capture of every graph in between. */
#ifndef QN_FORMATS_ONNX_SCOPE_H
#define QN_FORMATS_ONNX_SCOPE_H

#include "engine/graph.h"
#include "formats/bytes.h"

typedef struct qn_scope_slot {
    uint64_t hash;
    qn_value *value; /* NULL: free */
} qn_scope_slot;

typedef struct qn_scope {
    struct qn_scope *outer; /* NULL: nothing is captured */
    qn_graph *graph;
    qn_mem *mem;
    qn_scope_slot *slots; /* a power of two, at most half of them full */
    size_t n_slots, n_names;
    uint64_t seed;       /* so that nobody can prepare names that collide */
    qn_value **captured; /* outer values, in the order of graph->captures */
    int n_captured, cap_captured;
} qn_scope;

void qn_scope_init(qn_scope *scope, qn_scope *outer, qn_graph *graph, qn_mem *mem);
void qn_scope_done(qn_scope *scope);
/* The value of this graph by that name, or NULL. */
qn_value *qn_scope_own(const qn_scope *scope, const qn_span *name);
/* Makes a value; the name must be good (see qn_onnx_name) and not taken. */
quern_status qn_scope_define(qn_scope *scope, const qn_span *name, qn_value **out,
                             quern_error *err);
/* The value of this graph, be it a new capture; *out is NULL when there is none. */
quern_status qn_scope_find(qn_scope *scope, const qn_span *name, qn_value **out,
                           quern_error *err);

#endif
