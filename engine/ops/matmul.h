/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/matmul.h - what the operators built on matrix products share. */
#ifndef QN_ENGINE_OPS_MATMUL_H
#define QN_ENGINE_OPS_MATMUL_H

#include "engine/product.h"

/* The 32- and 64-bit integers, which ONNX allows for matrix products. */
#define QN_T_WIDE_INTS                                                  \
    (QN_BIT(QUERN_INT32) | QN_BIT(QUERN_INT64) | QN_BIT(QUERN_UINT32) | \
     QN_BIT(QUERN_UINT64))

/* Shape of A B under the rules of MatMul, into y (whose dtype stays). */
quern_status qn_matmul_infer_shape(const qn_tensor *a, const qn_tensor *b, qn_tensor *y,
                                   quern_error *err);
/* The products that make y from a and b; pointers are left to the caller. */
qn_gemm qn_matmul_plan(const qn_tensor *a, const qn_tensor *b, const qn_tensor *y);
double qn_matmul_macs(const qn_infer *x);

#endif
