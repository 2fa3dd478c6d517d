/* SPDX-License-Identifier: Apache-2.0 */
/* tools/values.h - what goes into a model and comes out of it: read from files, made
 * up, bound, taken and compared.  A value is a qn_tensor: a tensor, a sequence or
 * nothing. */
#ifndef QN_TOOLS_VALUES_H
#define QN_TOOLS_VALUES_H

#include "engine/tensor.h"

/* Reads a value for an input of which info tells the type.  The file is .npy or .pb
 * (a TensorProto, SequenceProto or OptionalProto). */
quern_status qn_value_load(qn_arena *arena, const char *path, const quern_info *info,
                           qn_tensor *out, quern_error *err);
/* A zeroed tensor for the input; its free dims are 1 unless shape (may be NULL) has the
 * rank of the input and says else. */
quern_status qn_value_zeros(qn_arena *arena, const quern_info *info,
                            const qn_tensor *shape, qn_tensor *out, quern_error *err);
/* Fills by a counter-based hash of (seed, input, element): floats uniform in [0, 1),
 * integers 0 .. 9 (0 .. 1 in two bits), bools by coin; strings stay empty. */
void qn_value_randomize(qn_tensor *t, uint64_t seed, int input);

quern_status qn_value_bind(quern_session *session, int i, const qn_tensor *value,
                           quern_error *err);
/* Output i of the last run; tensors point into the session, lists live in the arena. */
quern_status qn_value_output(quern_session *session, int i, qn_arena *arena,
                             qn_tensor *out, quern_error *err);

quern_tensor qn_value_public(const qn_tensor *t);

/* |got - want| <= atol + rtol * |want|. */
typedef struct qn_tolerance {
    double rtol, atol;
} qn_tolerance;

typedef struct qn_difference {
    double max_abs, max_rel; /* over elements that are finite in both */
    int64_t n_elements, n_differ;
} qn_difference;

/* Whether got is want: kind, element type and shape exactly; integers, bools and
 * strings exactly; floats and complex parts within tol, where NaN equals NaN and an
 * infinity only itself.  If not, err says how; diff may be NULL. */
bool qn_value_agrees(const qn_tensor *got, const qn_tensor *want, qn_tolerance tol,
                     qn_difference *diff, quern_error *err);

/* Range of the elements that are not NaN, as doubles. */
typedef struct qn_summary {
    double min, max, mean;
    bool is_number; /* false: strings, sequences, no elements */
} qn_summary;
qn_summary qn_value_summary(const qn_tensor *t);

#endif
