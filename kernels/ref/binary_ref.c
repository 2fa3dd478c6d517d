/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/ref/binary_ref.c - functions of two operands in plain C, and their tables. */
#include "kernels/elementwise.h"

#include <math.h>

#define T        float
#define V(name)  name##_f32
#define M(name)  name##f
#define IS_FLOAT 1
#include "kernels/tmpl/vbinary.h"

#define T        double
#define V(name)  name##_f64
#define M(name)  name
#define IS_FLOAT 1
#include "kernels/tmpl/vbinary.h"

#define T        int8_t
#define U        uint32_t
#define V(name)  name##_i8
#define IS_FLOAT 0
#include "kernels/tmpl/vbinary.h"

#define T        int16_t
#define U        uint32_t
#define V(name)  name##_i16
#define IS_FLOAT 0
#include "kernels/tmpl/vbinary.h"

#define T        int32_t
#define U        uint32_t
#define V(name)  name##_i32
#define IS_FLOAT 0
#include "kernels/tmpl/vbinary.h"

#define T        int64_t
#define U        uint64_t
#define V(name)  name##_i64
#define IS_FLOAT 0
#include "kernels/tmpl/vbinary.h"

#define T        uint8_t
#define U        uint32_t
#define V(name)  name##_u8
#define IS_FLOAT 0
#include "kernels/tmpl/vbinary.h"

#define T        uint16_t
#define U        uint32_t
#define V(name)  name##_u16
#define IS_FLOAT 0
#include "kernels/tmpl/vbinary.h"

#define T        uint32_t
#define U        uint32_t
#define V(name)  name##_u32
#define IS_FLOAT 0
#include "kernels/tmpl/vbinary.h"

#define T        uint64_t
#define U        uint64_t
#define V(name)  name##_u64
#define IS_FLOAT 0
#include "kernels/tmpl/vbinary.h"

/* Any byte but zero is true. */
#define LOGIC(name, expression)                                                  \
    static void v_##name(const void *va, int64_t sa, const void *vb, int64_t sb, \
                         void *vy, int64_t n)                                    \
    {                                                                            \
        const uint8_t *a = va, *b = vb;                                          \
        uint8_t *y = vy;                                                         \
        for (int64_t i = 0; i < n; i++) {                                        \
            bool p = a[i * sa] != 0, q = b[i * sb] != 0;                         \
            y[i] = expression;                                                   \
        }                                                                        \
    }
LOGIC(and, p &&q)
LOGIC(or, p || q)
LOGIC(xor, p != q)
LOGIC(same, p == q)

static qn_binary_fn *const binary_table_bool[QN_BINARY_COUNT] = {
#define X(name) [QN_BINARY_##name] = v_##name,
    QN_LOGIC_MAP(X)
#undef X
        [QN_BINARY_equal] = v_same,
};

static qn_binary_fn *const *const tables[QN_E_COUNT] = {
    [QN_E_BOOL] = binary_table_bool, [QN_E_F32] = binary_table_f32,
    [QN_E_F64] = binary_table_f64,   [QN_E_I8] = binary_table_i8,
    [QN_E_I16] = binary_table_i16,   [QN_E_I32] = binary_table_i32,
    [QN_E_I64] = binary_table_i64,   [QN_E_U8] = binary_table_u8,
    [QN_E_U16] = binary_table_u16,   [QN_E_U32] = binary_table_u32,
    [QN_E_U64] = binary_table_u64,
};

qn_binary_fn *qn_binary(enum qn_binary_op op, enum qn_elem type)
{
    bool known = (unsigned)type < QN_E_COUNT && tables[type];
    return known ? tables[type][op] : NULL;
}

bool qn_any_zero(const void *x, size_t elem_size, int64_t n)
{
    bool zero = false;
    for (int64_t i = 0; i < n; i++)
        zero |= elem_size == 1   ? !((const uint8_t *)x)[i]
                : elem_size == 2 ? !((const uint16_t *)x)[i]
                : elem_size == 4 ? !((const uint32_t *)x)[i]
                                 : !((const uint64_t *)x)[i];
    return zero;
}

typedef struct pair64 {
    uint64_t part[2];
} pair64;

#define SELECT(bytes, T)                                                           \
    static void select_##bytes(qn_strided c, qn_strided a, qn_strided b, void *vy, \
                               int64_t n)                                          \
    {                                                                              \
        const uint8_t *cond = c.p;                                                 \
        const T *x = a.p, *z = b.p;                                                \
        T *y = vy;                                                                 \
        for (int64_t i = 0; i < n; i++)                                            \
            y[i] = cond[i * c.stride] ? x[i * a.stride] : z[i * b.stride];         \
    }
SELECT(1, uint8_t)
SELECT(2, uint16_t)
SELECT(4, uint32_t)
SELECT(8, uint64_t)
SELECT(16, pair64)

qn_select_fn *qn_select(size_t elem_size)
{
    switch (elem_size) {
    case 1:
        return select_1;
    case 2:
        return select_2;
    case 4:
        return select_4;
    case 8:
        return select_8;
    default:
        return elem_size == 16 ? select_16 : NULL;
    }
}
