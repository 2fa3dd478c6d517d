/* SPDX-License-Identifier: Apache-2.0 */
/* bench/kind_matrix.c - matrix by matrix and vector by matrix. */
#include "bench/kinds.h"
#include "bench/truth.h"

#include <math.h>

enum { M, N, K, TA, TB };

#define NUMBER(name)                                  \
    {                                                 \
        name, QN_FIELD_NUMBERS, 1, 1, QN_NEEDED, NULL \
    }
#define FLAG(name)                         \
    {                                      \
        name, QN_FIELD_FLAG, 0, 0, 0, NULL \
    }

static const qn_problem_field gemm_fields[] = {
    [M] = NUMBER("m"), [N] = NUMBER("n"), [K] = NUMBER("k"),
    [TA] = FLAG("ta"), [TB] = FLAG("tb"), {.name = NULL},
};
static const qn_problem_alias gemm_aliases[] = {
    {"tA", TA, -1},
    {"tB", TB, -1},
    {NULL, 0, 0},
};
/* The same places, so that one set of functions serves both; m is always 1. */
static const qn_problem_field gemv_fields[] = {
    [M] = {"m", QN_FIELD_NUMBERS, 1, 1, 1, NULL}, [N] = NUMBER("n"), [K] = NUMBER("k"),
    [TA] = {"ta", QN_FIELD_FLAG, 0, 0, 0, NULL},  [TB] = FLAG("tb"), {.name = NULL},
};

static quern_status check(const qn_problem *p, quern_error *err)
{
    const double m = (double)p->v[M][0], n = (double)p->v[N][0], k = (double)p->v[K][0];
    const double most = 1 << 30;
    if (m * n > most || m * k > most || n * k > most)
        return qn_fail(err, QUERN_INVALID, "an operand of more than 2^30 elements");
    return QUERN_OK;
}

static quern_status check_vector(const qn_problem *p, quern_error *err)
{
    if (p->v[M][0] != 1 || p->v[TA][0])
        return qn_fail(err, QUERN_INVALID, "a vector has one row, not transposed");
    return check(p, err);
}

static void shape(const qn_problem *p, qn_truth *t)
{
    const int64_t m = p->v[M][0], n = p->v[N][0], k = p->v[K][0];
    const bool is_double = p->kind == &qn_kind_gemm_f64 || p->kind == &qn_kind_gemv_f64;
    t->n_in = 2;
    t->in[0].name = "a";
    t->in[0].n = m * k;
    t->in[1].name = "b";
    t->in[1].n = k * n;
    t->n_out = m * n;
    t->cost = t->terms = (double)k;
    t->flops = 2.0 * (double)m * (double)n * (double)k;
    t->bytes = (is_double ? 8.0 : 4.0) * (double)(m * k + k * n + m * n);
    t->eps = is_double ? 0x1p-52 : 0x1p-23;
    t->is_sum = true;
    if (is_double) t->terms *= 2; /* the truth is no better than double itself */
}

static double at(const qn_truth *t, int64_t index, double *mass)
{
    const qn_problem *p = t->p;
    const int64_t m = p->v[M][0], n = p->v[N][0], k = p->v[K][0];
    const int64_t row = index / n, column = index % n;
    const int64_t a_step = p->v[TA][0] ? m : 1, b_step = p->v[TB][0] ? 1 : n;
    const double *a = t->x[0] + (p->v[TA][0] ? row : row * k);
    const double *b = t->x[1] + (p->v[TB][0] ? column * k : column);
    double sum = 0, total = 0;
    for (int64_t i = 0; i < k; i++) {
        const double product = a[i * a_step] * b[i * b_step];
        sum += product;
        total += fabs(product);
    }
    *mass = total;
    return sum;
}

#define MATRIX_KIND(kind, short, text, its_fields, its_check) \
    const qn_problem_kind qn_kind_##kind = {                  \
        .name = #kind,                                        \
        .brief = short,                                       \
        .summary = text,                                      \
        .fields = its_fields,                                 \
        .aliases = gemm_aliases,                              \
        .flag_field = {-1, -1},                               \
        .act_field = -1,                                      \
        .check = its_check,                                   \
        .shape = shape,                                       \
        .at = at,                                             \
    };
MATRIX_KIND(gemm_f32, "gemm", "C = A B, row-major", gemm_fields, check)
MATRIX_KIND(gemm_f64, NULL, "the same in double", gemm_fields, check)
MATRIX_KIND(gemv_f32, "gemv", "y = x B", gemv_fields, check_vector)
MATRIX_KIND(gemv_f64, NULL, "the same in double", gemv_fields, check_vector)
