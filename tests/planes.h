/* SPDX-License-Identifier: Apache-2.0 */
/* tests/planes.h - blocked tensors for the tests of blocked kernels. */
#ifndef QN_TESTS_PLANES_H
#define QN_TESTS_PLANES_H

#include "tests/test.h"

#include "kernels/kernels.h"

/* A blocked tensor in a heap block of exactly its size. */
typedef struct qn_test_plane {
    qn_plane8c p;
    float *buffer; /* its beginning, before the halo */
    int64_t n, origin;
} qn_test_plane;

/* dims [n][c][h][w].  plain: the values, among zeros; NULL: sentinels everywhere. */
qn_test_plane qn_make_plane(qn_test *t, const float *plain, const int *dims, int halo);
/* Sentinels again. */
void qn_reset_plane(const qn_test_plane *plane);
/* Every value within its tolerance of [n][c][h][w] in want, the tail 0, the halo as it
 * was. */
void qn_check_plane(qn_test *t, const qn_test_plane *plane, const double *want,
                    const double *tol);
/* The activation in double. */
double qn_exact_act(const qn_act *a, double x);

#endif
