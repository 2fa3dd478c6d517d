/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/quantize.h - rows of linear quantisation on float32; the operators convert
 * from and to the types that tensors have. */
#ifndef QN_KERNELS_QUANTIZE_H
#define QN_KERNELS_QUANTIZE_H

#include <stdbool.h>
#include <stdint.h>

/* Scale and zero point of a row: one for all elements (stride 0) or one each (1). */
typedef struct qn_quant {
    const float *scale, *zero;
    int64_t stride;
    float least, most; /* of the integer type */
} qn_quant;

/* y = clamp(round(x / scale) + zero), half to even; NaN becomes zero. */
void qn_quantize_f32(const float *x, const qn_quant *q, float *y, int64_t n);
/* y = x / scale + zero, unrounded. */
void qn_scale_down_f32(const float *x, const qn_quant *q, float *y, int64_t n);
/* y = (x - zero) * scale */
void qn_dequantize_f32(const float *x, const qn_quant *q, float *y, int64_t n);
/* Smallest and largest of x and 0; NaN is passed over. */
void qn_range_f32(const float *x, int64_t n, float *lo, float *hi);

#endif
