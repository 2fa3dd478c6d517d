/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/numeric.h - names for templates: a tmpl/ header is included with SUF defined
 * as f32, f64, i8 .. u64, and finds its element type as QN_OF(t), the type it sums in
 * as QN_OF(acc), and so on.  Floats sum in double, integers modulo 2^64. */
#ifndef QN_KERNELS_NUMERIC_H
#define QN_KERNELS_NUMERIC_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QN_PASTE_(a, b) a##_##b
#define QN_PASTE(a, b)  QN_PASTE_(a, b)
#define QN_OF(name)     QN_PASTE(qn_##name, SUF)

typedef float qn_t_f32;
typedef double qn_t_f64, qn_acc_f32, qn_acc_f64;
static inline float qn_narrow_f32(double x)
{
    return (float)x;
}
static inline double qn_narrow_f64(double x)
{
    return x;
}

/* suffix, type, type to sum in, least, most; real numbers become integers by
 * truncation, saturated, NaN gives 0 */
#define QN_INTEGER_MAP(X)                           \
    X(i8, int8_t, uint64_t, INT8_MIN, INT8_MAX)     \
    X(i16, int16_t, uint64_t, INT16_MIN, INT16_MAX) \
    X(i32, int32_t, uint64_t, INT32_MIN, INT32_MAX) \
    X(i64, int64_t, uint64_t, INT64_MIN, INT64_MAX) \
    X(u8, uint8_t, uint64_t, 0, UINT8_MAX)          \
    X(u16, uint16_t, uint64_t, 0, UINT16_MAX)       \
    X(u32, uint32_t, uint64_t, 0, UINT32_MAX)       \
    X(u64, uint64_t, uint64_t, 0, UINT64_MAX)

#define X(suffix, type, acc, least, most)             \
    typedef type qn_t_##suffix;                       \
    typedef acc qn_acc_##suffix;                      \
    static inline type qn_narrow_##suffix(double x)   \
    {                                                 \
        return isnan(x)               ? 0             \
               : x <= (double)(least) ? (type)(least) \
               : x >= (double)(most)  ? (type)(most)  \
                                      : (type)x;       \
    }
QN_INTEGER_MAP(X)
#undef X

#endif
