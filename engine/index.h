/* SPDX-License-Identifier: Apache-2.0 */
/* engine/index.h - what operators do with integers that come as data: indices, axes,
 * counts; and sorting by index. */
#ifndef QN_ENGINE_INDEX_H
#define QN_ENGINE_INDEX_H

#include "engine/graph.h"

/* Element i of an int32 or int64 tensor. */
static inline int64_t qn_index_raw(const qn_tensor *t, int64_t i)
{
    return t->dtype == QUERN_INT32 ? ((const int32_t *)t->data)[i]
                                   : ((const int64_t *)t->data)[i];
}

/* Element i as an index below n, counted from the end where negative; -1 when it is not
 * in [-n, n). */
static inline int64_t qn_index(const qn_tensor *t, int64_t i, int64_t n)
{
    int64_t x = qn_index_raw(t, i);
    if (x < 0) x += n;
    return x < 0 || x >= n ? -1 : x;
}

/* Fails unless every element of t is in [-n, n). */
quern_status qn_check_indices(const qn_tensor *t, int64_t n, quern_error *err);
/* The one element of an integer tensor; what names it in the message. */
quern_status qn_scalar_int(const qn_tensor *t, const char *what, int64_t *out,
                           quern_error *err);
/* Normalises n axes of a tensor of some rank; repeated or foreign ones fail. */
quern_status qn_axes(const int64_t *axes, int64_t n, int rank, int *out,
                     quern_error *err);
/* The elements of an integer tensor of at most max elements. */
quern_status qn_read_ints(const qn_tensor *t, const char *what, int64_t max,
                          int64_t *out, int64_t *n, quern_error *err);

/* Order of element i of a and element j of b, tensors of one type: below, at or above
 * 0. Strings by bytes; NaNs are equal and above every number. */
int qn_compare(const qn_tensor *a, int64_t i, const qn_tensor *b, int64_t j);

/* Sorts n indices, stable; spare holds n more.  before(ctx, a, b): a must stand first.
 */
typedef bool qn_before_fn(const void *ctx, int64_t a, int64_t b);
void qn_sort_indices(int64_t *index, int64_t *spare, int64_t n, qn_before_fn *before,
                     const void *ctx);

/* Lowering: an ints attribute becomes constant input i; nothing if it is absent. */
quern_status qn_lower_ints(qn_graph *g, qn_node *node, const char *name, int i,
                           quern_error *err);

#endif
