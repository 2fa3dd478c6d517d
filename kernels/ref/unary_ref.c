/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/ref/unary_ref.c - functions of one operand in plain C, and their tables. */
#include "kernels/elementwise.h"
#include "kernels/kernels.h"
#include "kernels/vmath.h"

qn_unary_f32_fn qn_unary_f32_ref;
qn_unary_grad_f32_fn qn_unary_grad_f32_ref;

#define T       float
#define V(name) name##_f32
#define M(name) name##f
#define Q(name) qn_##name##_f32
#include "kernels/tmpl/vunary.h"
#include "kernels/tmpl/vunarygrad.h"
#include "kernels/tmpl/vlimits.h"
#undef T
#undef V
#undef M
#undef Q

#define T       double
#define V(name) name##_f64
#define M(name) name
#define Q(name) qn_##name##_f64
#include "kernels/tmpl/vunary.h"
#include "kernels/tmpl/vunarygrad.h"
#include "kernels/tmpl/vlimits.h"
#undef T
#undef V
#undef M
#undef Q

#define T       int8_t
#define ELEM    QN_E_I8
#define U       uint32_t
#define SIGNED  1
#define V(name) name##_i8
#include "kernels/tmpl/vunary_int.h"

#define T       int16_t
#define ELEM    QN_E_I16
#define U       uint32_t
#define SIGNED  1
#define V(name) name##_i16
#include "kernels/tmpl/vunary_int.h"

#define T       int32_t
#define ELEM    QN_E_I32
#define U       uint32_t
#define SIGNED  1
#define V(name) name##_i32
#include "kernels/tmpl/vunary_int.h"

#define T       int64_t
#define ELEM    QN_E_I64
#define U       uint64_t
#define SIGNED  1
#define V(name) name##_i64
#include "kernels/tmpl/vunary_int.h"

#define T       uint8_t
#define ELEM    QN_E_U8
#define U       uint32_t
#define SIGNED  0
#define V(name) name##_u8
#include "kernels/tmpl/vunary_int.h"

#define T       uint16_t
#define ELEM    QN_E_U16
#define U       uint32_t
#define SIGNED  0
#define V(name) name##_u16
#include "kernels/tmpl/vunary_int.h"

#define T       uint32_t
#define ELEM    QN_E_U32
#define U       uint32_t
#define SIGNED  0
#define V(name) name##_u32
#include "kernels/tmpl/vunary_int.h"

#define T       uint64_t
#define ELEM    QN_E_U64
#define U       uint64_t
#define SIGNED  0
#define V(name) name##_u64
#include "kernels/tmpl/vunary_int.h"

static void v_not(const void *vx, void *vy, int64_t n, const float *p)
{
    const uint8_t *x = vx;
    uint8_t *y = vy;
    (void)p;
    for (int64_t i = 0; i < n; i++)
        y[i] = !x[i];
}

static qn_unary_fn *const unary_table_bool[QN_UNARY_COUNT] = {[QN_UNARY_not] = v_not};

static const struct unary_type {
    qn_unary_fn *const *unary;
    qn_clip_fn *clip;
} types[QN_E_COUNT] = {
    [QN_E_BOOL] = {unary_table_bool, NULL},
    [QN_E_F32] = {unary_table_f32, v_clip_to_f32},
    [QN_E_F64] = {unary_table_f64, v_clip_to_f64},
    [QN_E_I8] = {unary_table_i8, v_clip_to_i8},
    [QN_E_I16] = {unary_table_i16, v_clip_to_i16},
    [QN_E_I32] = {unary_table_i32, v_clip_to_i32},
    [QN_E_I64] = {unary_table_i64, v_clip_to_i64},
    [QN_E_U8] = {unary_table_u8, v_clip_to_u8},
    [QN_E_U16] = {unary_table_u16, v_clip_to_u16},
    [QN_E_U32] = {unary_table_u32, v_clip_to_u32},
    [QN_E_U64] = {unary_table_u64, v_clip_to_u64},
};

qn_unary_fn *qn_unary(enum qn_unary_op op, enum qn_elem type)
{
    bool known = (unsigned)type < QN_E_COUNT && types[type].unary;
    return known ? types[type].unary[op] : NULL;
}

qn_clip_fn *qn_clip(enum qn_elem type)
{
    return (unsigned)type < QN_E_COUNT ? types[type].clip : NULL;
}

void qn_unary_f32_ref(int op, const float *x, float *y, int64_t n, const float *p)
{
    unary_table_f32[op](x, y, n, p);
}

qn_unary_grad_fn *qn_unary_grad(enum qn_unary_op op, enum qn_elem type)
{
    return type == QN_E_F32   ? unary_grad_table_f32[op]
           : type == QN_E_F64 ? unary_grad_table_f64[op]
                              : NULL;
}

bool qn_unary_grad_from_value(enum qn_unary_op op)
{
    switch (op) {
#define X(name) case QN_UNARY_##name:
        QN_UNARY_GRAD_Y_MAP(X)
#undef X
        return true;
    default:
        return false;
    }
}

void qn_unary_grad_f32_ref(int op, const float *dy, const float *v, float *dx,
                           int64_t n, const double *p)
{
    unary_grad_table_f32[op](dy, v, dx, n, p);
}
