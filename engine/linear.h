/* SPDX-License-Identifier: Apache-2.0 */
/* engine/linear.h - products with a constant right operand, float32: packed into panels
 * while planning (kernels/panels.h), cut into rows and panels for the pool in run. */
#ifndef QN_ENGINE_LINEAR_H
#define QN_ENGINE_LINEAR_H

#include "engine/op.h"

/* alpha * op(B) [k,n]; transposed: B lies as [n,k]. */
typedef struct qn_linear {
    int64_t k, n;
    bool transposed;
    float alpha;
    const float *panels; /* NULL: not packed; multiply in the general way */
} qn_linear;

/* Packs input i, if it is a float32 constant and our own kernels are wanted. */
quern_status qn_linear_pack(qn_prep *p, int i, qn_linear *l, quern_error *err);
/* c holds pointers, row steps and act; k, n and B come from l. */
void qn_linear_run(const qn_linear *l, int64_t m, qn_panels_product c,
                   const qn_exec *x);

#endif
