/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/act8c.h - activations of 8 lanes, and what a blocked kernel does to the
 * run of pixels it has just stored: activate, and zero the tail.  In the words of
 * v8_<instruction set>.h, which the includer has included.
 *
 * None, ReLU and Clip are bounds that kernels apply in registers; the others work on a
 * run that is still in the first-level cache.  tanh and erf are those of vmath.h with
 * fused multiply-add; the exponential is shorter, GELU has a polynomial of its own.
 * Errors: everywhere at most 1.3e-7 * max(|x|, 1); in units of the last place sigmoid
 * and SiLU 6 for |x| <= 10 and 22 for all x, tanh 2.1, erf 2.5. */
#ifndef QN_KERNELS_TMPL_ACT8C_H
#define QN_KERNELS_TMPL_ACT8C_H

#include "kernels/blocked.h"

#include <math.h>

#define QN_FORCE_INLINE static inline __attribute__((always_inline))

/* ---- bounds ---------------------------------------------------------------------- */

typedef struct qn_bounds8 {
    float lo, hi;
    bool has_lo, has_hi;
} qn_bounds8;

static inline qn_bounds8 qn_bounds8_of(const qn_act *act)
{
    qn_bounds8 b = {-INFINITY, INFINITY, false, false};
    if (act->kind == QN_ACT_RELU) b.lo = 0, b.has_lo = true;
    if (act->kind == QN_ACT_CLIP)
        b = (qn_bounds8){act->alpha, act->beta, true, act->beta < INFINITY};
    return b;
}

/* The second operand is the answer when one is NaN. */
static inline qn_v8 qn_bound8(const qn_bounds8 *b, qn_v8 x)
{
    if (b->has_lo) x = qn_max8(qn_set8(b->lo), x);
    if (b->has_hi) x = qn_min8(qn_set8(b->hi), x);
    return x;
}

/* ---- functions ------------------------------------------------------------------- */

#define QN_W_V     qn_v8
#define QN_W(name) qn_##name##8
#include "kernels/tmpl/act_words.h"

#ifdef QN_HAS_V16
#define QN_W_V     qn_v16
#define QN_W(name) qn_##name##16
#include "kernels/tmpl/act_words.h"
#endif

/* ---- runs ------------------------------------------------------------------------ */

static inline bool qn_act8_is_bounds(const qn_act *act)
{
    return act->kind == QN_ACT_NONE || act->kind == QN_ACT_RELU ||
           act->kind == QN_ACT_CLIP;
}

/* n vectors in place, two at a time where a word takes two. */
static inline __attribute__((always_inline)) void
qn_act8_each(const int kind, const qn_act *act, float *p, int64_t n)
{
    int64_t i = 0;
#ifdef QN_HAS_V16
    const qn_v16 alpha = qn_set16(act->alpha), beta = qn_set16(act->beta);
    for (; i + 2 <= n; i += 2)
        qn_store16(p + 8 * i, qn_act16(kind, alpha, beta, qn_load16(p + 8 * i)));
#endif
    const qn_v8 a = qn_set8(act->alpha), b = qn_set8(act->beta);
    for (; i < n; i++)
        qn_store8(p + 8 * i, qn_act8(kind, a, b, qn_load8(p + 8 * i)));
}

#define QN_ACT8_CASE(kind)             \
    case kind:                         \
        qn_act8_each(kind, act, p, n); \
        break;

/* Activates n vectors in place; bounds have been seen to. */
static inline void qn_act8_run(const qn_act *act, float *p, int64_t n)
{
    switch (act->kind) {
        QN_ACT8_CASE(QN_ACT_LEAKY_RELU)
        QN_ACT8_CASE(QN_ACT_HARD_SIGMOID)
        QN_ACT8_CASE(QN_ACT_HARD_SWISH)
        QN_ACT8_CASE(QN_ACT_SIGMOID)
        QN_ACT8_CASE(QN_ACT_SILU)
        QN_ACT8_CASE(QN_ACT_TANH)
        QN_ACT8_CASE(QN_ACT_GELU)
    default:
        break;
    }
}
#undef QN_ACT8_CASE

/* Keeps the lanes of the last block's real channels. */
static inline void qn_tail8_run(int64_t channels, float *p, int64_t n)
{
    static const int32_t ones[16] = {-1, -1, -1, -1, -1, -1, -1, -1,
                                     0,  0,  0,  0,  0,  0,  0,  0};
    const int32_t *mask = ones + (8 - channels % 8) % 8;
    for (int64_t i = 0; i < n; i++)
        qn_store8(p + 8 * i, qn_mask8(qn_load8(p + 8 * i), mask));
}

/* What is left to do to n stored pixels of a block of y. */
static inline void qn_finish8(const qn_act *act, const qn_plane8c *y, int64_t block,
                              float *p, int64_t n)
{
    if (!qn_act8_is_bounds(act)) qn_act8_run(act, p, n);
    if (block == y->c / 8) qn_tail8_run(y->c, p, n); /* a whole last block is before */
}

/* Convolutions apply these before they store: bounds, and HardSwish, which is short. */
static inline bool qn_act8_is_early(const qn_act *act)
{
    return qn_act8_is_bounds(act) || act->kind == QN_ACT_HARD_SWISH;
}

/* What is left behind those. */
static inline void qn_finish_late8(const qn_act *act, const qn_plane8c *y,
                                   int64_t block, float *p, int64_t n)
{
    const qn_act none = {QN_ACT_NONE, 0, 0};
    qn_finish8(qn_act8_is_early(act) ? &none : act, y, block, p, n);
}

#endif
