/* SPDX-License-Identifier: Apache-2.0 */
/* tests/bands_kit.h - networks whose steps join, and the same kept apart by one more
 * output, held against each other. */
#ifndef QN_TESTS_BANDS_KIT_H
#define QN_TESTS_BANDS_KIT_H

#include "tests/onnx_kit.h"
#include "tests/test.h"

/* y of the second run in the blocked layout, in memory of the caller; the number of
 * lines of the plan. */
int64_t qn_bands_run(qn_test *t, quern_model *model, quern_session_options opt,
                     const quern_tensor *x, qn_buf *y);
/* The first output has the same bits on 1, 2, 3 and 8 threads, over poisoned memory,
 * without reuse of memory and by the reference, and the plan has so many lines fewer
 * than the one apart.  A NULL model is passed over. */
void qn_bands_check(qn_test *t, quern_model *joined, quern_model *apart,
                    const quern_tensor *x, int64_t fewer);

#endif
