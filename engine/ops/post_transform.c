/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/post_transform.c - see post_transform.h. */
#include "engine/ops/post_transform.h"

#include <math.h>
#include <string.h>

quern_status qn_post_named(const char *name, qn_post *out, quern_error *err)
{
    static const char *const names[] = {"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO",
                                        "PROBIT"};
    for (int k = 0; k < 5; k++)
        if (strcmp(name, names[k]) == 0) {
            *out = (qn_post)k;
            return QUERN_OK;
        }
    return qn_fail(err, QUERN_INVALID, "post_transform is \"%.40s\"", name);
}

/* sqrt(2) erfinv(2 p - 1): Winitzki's formula, then Newton's steps on erf. */
static double probit(double p)
{
    const double v = 2 * p - 1;
    if (!(fabs(v) < 1)) return v == 1 ? HUGE_VAL : v == -1 ? -HUGE_VAL : (double)NAN;
    const double pi = 3.14159265358979323846;
    const double l = log(1 - v * v), a = 0.147, b = 2 / (pi * a) + l / 2;
    double x = copysign(sqrt(sqrt(b * b - l / a) - b), v);
    for (int k = 0; k < 3; k++)
        x -= (erf(x) - v) / (2 / sqrt(pi) * exp(-x * x));
    return sqrt(2) * x;
}

static void softmax(int64_t n, double *y, bool skip_zeros)
{
    double max = -HUGE_VAL, sum = 0;
    for (int64_t i = 0; i < n; i++)
        if (y[i] > max) max = y[i];
    for (int64_t i = 0; i < n; i++) {
        if (skip_zeros && fabs(y[i]) <= 1e-7) continue;
        y[i] = exp(y[i] - max);
        sum += y[i];
    }
    for (int64_t i = 0; sum > 0 && i < n; i++)
        y[i] /= sum;
}

void qn_post_transform(qn_post kind, int64_t n, double *y)
{
    if (kind == QN_POST_SOFTMAX || kind == QN_POST_SOFTMAX_ZERO)
        softmax(n, y, kind == QN_POST_SOFTMAX_ZERO);
    for (int64_t i = 0; kind == QN_POST_LOGISTIC && i < n; i++)
        y[i] = 1 / (1 + exp(-y[i]));
    for (int64_t i = 0; kind == QN_POST_PROBIT && i < n; i++)
        y[i] = probit(y[i]);
}
