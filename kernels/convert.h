/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/convert.h - from one element type to another, on raw pointers.
 *
 * Types of 4 and 2 bits lie one element a byte, signed ones sign-extended.  Rounding to
 * a narrower float is to nearest even; NaN stays NaN.  Float to integer truncates
 * towards zero; out of range it saturates for types of 8 bits and more and keeps the
 * low bits for narrower ones; NaN gives 0.  Integer to integer keeps the low bits. */
#ifndef QN_KERNELS_CONVERT_H
#define QN_KERNELS_CONVERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Element types by the numbers of ONNX TensorProto.DataType. */
enum qn_elem {
    QN_E_F32 = 1,
    QN_E_U8,
    QN_E_I8,
    QN_E_U16,
    QN_E_I16,
    QN_E_I32,
    QN_E_I64,
    QN_E_BOOL = 9,
    QN_E_F16,
    QN_E_F64,
    QN_E_U32,
    QN_E_U64,
    QN_E_C64,
    QN_E_C128,
    QN_E_BF16,
    QN_E_F8E4M3FN,
    QN_E_F8E4M3FNUZ,
    QN_E_F8E5M2,
    QN_E_F8E5M2FNUZ,
    QN_E_U4,
    QN_E_I4,
    QN_E_F4E2M1,
    QN_E_F8E8M0,
    QN_E_U2,
    QN_E_I2,
    QN_E_COUNT
};

/* float16 and bfloat16 to and from float32.  Source and destination do not overlap. */
void qn_half_to_f32(const uint16_t *src, float *dst, int64_t n);
void qn_f32_to_half(const float *src, uint16_t *dst, int64_t n);
void qn_bf16_to_f32(const uint16_t *src, float *dst, int64_t n);
void qn_f32_to_bf16(const float *src, uint16_t *dst, int64_t n);

enum qn_convert_flags {
    QN_CVT_WRAP = 1, /* float8 out of range: infinity or NaN instead of the largest */
    /* Rounding to float8e8m0; neither flag: up, away from zero. */
    QN_CVT_DOWN = 2,
    QN_CVT_NEAREST = 4 /* ties up */
};

/* Converts n elements; false when there is no such conversion (strings, complex to
 * real).  src and dst do not overlap. */
bool qn_convert(const void *src, enum qn_elem from, void *dst, enum qn_elem to,
                int64_t n, unsigned flags);
/* True for the floating types, float4 to float64. */
bool qn_elem_is_float(enum qn_elem type);

#endif
