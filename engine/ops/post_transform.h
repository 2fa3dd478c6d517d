/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/post_transform.h - what the ai.onnx.ml models do to a row of scores last.
 */
#ifndef QN_ENGINE_OPS_POST_TRANSFORM_H
#define QN_ENGINE_OPS_POST_TRANSFORM_H

#include "engine/error.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum qn_post { /* the numbers of TreeEnsemble-5 */
                       QN_POST_NONE,
                       QN_POST_SOFTMAX,
                       QN_POST_LOGISTIC,
                       QN_POST_SOFTMAX_ZERO, /* softmax over what is not 0 */
                       QN_POST_PROBIT        /* inverse of the normal distribution */
} qn_post;

/* The kind that "NONE", "SOFTMAX" .. name. */
quern_status qn_post_named(const char *name, qn_post *out, quern_error *err);
void qn_post_transform(qn_post kind, int64_t n, double *y);

#endif
