/* SPDX-License-Identifier: Apache-2.0 */
/* tools/agree.c - whether a value is the one expected: the rule of the ONNX backend
 * tests (numpy's assert_allclose), with shapes, types and the sign of infinities exact.
 */
#include "tools/values.h"

#include <math.h>
#include <string.h>

static const char *kind_name(const qn_tensor *t)
{
    return t->kind == QN_SEQUENCE ? "a sequence"
           : t->kind == QN_NONE   ? "nothing"
                                  : "a tensor";
}

static bool same_type(const qn_tensor *got, const qn_tensor *want, quern_error *err)
{
    if (got->kind != want->kind) {
        qn_fail(err, QUERN_DATA, "is %s, expected %s", kind_name(got), kind_name(want));
        return false;
    }
    if (got->kind == QN_NONE) return true;
    if (got->kind == QN_SEQUENCE) {
        if (got->dim[0] == want->dim[0]) return true;
        qn_fail(err, QUERN_DATA, "has %lld items, expected %lld",
                (long long)got->dim[0], (long long)want->dim[0]);
        return false;
    }
    if (got->dtype == want->dtype && qn_same_shape(got, want)) return true;
    qn_fail(err, QUERN_DATA, "is %s %s, expected %s %s", quern_dtype_name(got->dtype),
            QN_SHAPE(got), quern_dtype_name(want->dtype), QN_SHAPE(want));
    return false;
}

static bool strings_agree(const qn_tensor *got, const qn_tensor *want, qn_difference *d,
                          quern_error *err)
{
    const qn_str *a = got->data, *b = want->data;
    for (int64_t i = 0; i < d->n_elements; i++) {
        if (a[i].n == b[i].n && (a[i].n == 0 || !memcmp(a[i].p, b[i].p, a[i].n)))
            continue;
        if (d->n_differ++ == 0)
            qn_fail(err, QUERN_DATA, "element %lld is '%.*s', expected '%.*s'",
                    (long long)i, (int)a[i].n, a[i].p, (int)b[i].n, b[i].p);
    }
    return d->n_differ == 0;
}

static bool integers_agree(const qn_tensor *got, const qn_tensor *want,
                           qn_difference *d, quern_error *err)
{
    for (int64_t i = 0; i < d->n_elements; i++) {
        const int64_t a = qn_get_int(got, i), b = qn_get_int(want, i);
        const double apart = fabs((double)a - (double)b);
        if (a == b) continue;
        if (apart > d->max_abs) d->max_abs = apart;
        if (b != 0 && apart / fabs((double)b) > d->max_rel)
            d->max_rel = apart / fabs((double)b);
        if (d->n_differ++ == 0)
            qn_fail(err, QUERN_DATA, "element %lld is %lld, expected %lld",
                    (long long)i, (long long)a, (long long)b);
    }
    return d->n_differ == 0;
}

/* Notes the distance of two reals; whether they are close enough. */
static bool reals_close(double a, double b, qn_tolerance tol, qn_difference *d)
{
    if (isnan(a) || isnan(b)) return isnan(a) && isnan(b);
    if (isinf(a) || isinf(b)) return a == b;
    const double apart = fabs(a - b);
    if (apart > d->max_abs) d->max_abs = apart;
    if (b != 0 && apart / fabs(b) > d->max_rel) d->max_rel = apart / fabs(b);
    return apart <= tol.atol + tol.rtol * fabs(b);
}

static bool reals_agree(const qn_tensor *got, const qn_tensor *want, qn_tolerance tol,
                        qn_difference *d, quern_error *err)
{
    int64_t first = -1;
    for (int64_t i = 0; i < d->n_elements; i++) {
        if (reals_close(qn_get_real(got, i), qn_get_real(want, i), tol, d)) continue;
        if (d->n_differ++ == 0) first = i;
    }
    if (d->n_differ == 0) return true;
    qn_fail(err, QUERN_DATA,
            "element %lld is %.9g, expected %.9g (%lld of %lld differ, worst %.3g)",
            (long long)first, qn_get_real(got, first), qn_get_real(want, first),
            (long long)d->n_differ, (long long)d->n_elements, d->max_abs);
    return false;
}

/* Complex numbers are pairs of reals. */
static qn_tensor as_reals(const qn_tensor *t)
{
    qn_tensor r = *t;
    if (t->dtype != QUERN_COMPLEX64 && t->dtype != QUERN_COMPLEX128) return r;
    r.dtype = t->dtype == QUERN_COMPLEX64 ? QUERN_FLOAT : QUERN_DOUBLE;
    r.rank = 1;
    r.dim[0] = 2 * qn_tensor_count(t);
    return r;
}

bool qn_value_agrees(const qn_tensor *got, const qn_tensor *want, qn_tolerance tol,
                     qn_difference *diff, quern_error *err)
{
    qn_difference unused = {0}, *d = diff ? diff : &unused;
    if (!same_type(got, want, err)) return false;
    if (got->kind == QN_NONE) return true;
    if (got->kind == QN_SEQUENCE) {
        const qn_tensor *a = got->data, *b = want->data;
        for (int64_t k = 0; k < got->dim[0]; k++)
            if (!qn_value_agrees(&a[k], &b[k], tol, d, err)) {
                qn_within(err, "item %lld", (long long)k);
                return false;
            }
        return true;
    }
    const qn_tensor a = as_reals(got), b = as_reals(want);
    *d = (qn_difference){d->max_abs, d->max_rel, qn_tensor_count(&a), 0};
    if (a.dtype == QUERN_STRING) return strings_agree(&a, &b, d, err);
    if (qn_dtype_is_float(a.dtype)) return reals_agree(&a, &b, tol, d, err);
    return integers_agree(&a, &b, d, err);
}
