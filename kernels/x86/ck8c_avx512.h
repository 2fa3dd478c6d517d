/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/x86/ck8c_avx512.h - words of a tile of a convolution (tmpl/ck8c_words.h) with
 * 32 registers of 16 lanes: two neighbouring blocks of output channels are one vector,
 * c<i>0; an odd block is half a vector, c<i>0 alone or c<i>1 beside a pair.
 *
 * Up to 12 pixels share each load of weights, so these are read half as often as
 * with 16 registers, and 4 pixels already fill the pipeline.  An input is a multiply-
 * add's own broadcast operand.  Pixels have no register for their address: each takes
 * four steps of k at a time. */
#ifndef QN_KERNELS_X86_CK8C_AVX512_H
#define QN_KERNELS_X86_CK8C_AVX512_H

#include "kernels/x86/v8_avx512.h"

#include "kernels/tmpl/ck8c_words.h"

/* Pixels of a tile with one, two and three blocks, and of a number of whole tiles
 * (CK_WHOLE). */
#define CK_PIXELS_1 12
#define CK_PIXELS_2 12
#define CK_PIXELS_3 8
#define CK_MOST     12
#define CK_FETCH    6 /* lines of the next tile, for each of its segments */
#define CK_WHOLE    24

static inline __m512 qn_pair_load(const float *p, int64_t step)
{
    return _mm512_insertf32x8(_mm512_castps256_ps512(_mm256_loadu_ps(p)),
                              _mm256_loadu_ps(p + step), 1);
}

static inline void qn_pair_store(float *p, int64_t step, __m512 x)
{
    _mm256_storeu_ps(p, _mm512_castps512_ps256(x));
    _mm256_storeu_ps(p + step, _mm512_extractf32x8_ps(x, 1));
}

/* clang-format off */
#define CK_VEC       __m512
#define CK_SPLAT     _mm512_set1_ps
#define CK_HALF(x)   _mm512_castps512_ps256(x)

#define CK_BIAS_1    const qn_v8 b0 = qn_load8(a->bias);
#define CK_BIAS_2    const __m512 b0 = _mm512_loadu_ps(a->bias);
#define CK_BIAS_3    CK_BIAS_2 const qn_v8 b1 = qn_load8(a->bias + 16);

#define CK_ZERO_1    const qn_v8 b0 = qn_zero8();
#define CK_ZERO_2    const __m512 b0 = _mm512_setzero_ps();
#define CK_ZERO_3    CK_ZERO_2 const qn_v8 b1 = qn_zero8();

#define CK_INIT_1(i) qn_v8 c##i##0 = b0;
#define CK_INIT_2(i) __m512 c##i##0 = b0;
#define CK_INIT_3(i) CK_INIT_2(i) qn_v8 c##i##1 = b1;

#define CK_ADD_1(i)  c##i##0 = qn_add8(c##i##0, qn_load8(a->add + ao[i]));
#define CK_ADD_2(i)  c##i##0 = _mm512_add_ps(c##i##0, qn_pair_load(a->add + ao[i], a->add_plane));
#define CK_ADD_3(i)  CK_ADD_2(i) c##i##1 = qn_add8(c##i##1, qn_load8(a->add + ao[i] + 2 * a->add_plane));

#define CK_MAX_1(i)  c##i##0 = qn_max8(CK_HALF(lo), c##i##0);
#define CK_MAX_2(i)  c##i##0 = _mm512_max_ps(lo, c##i##0);
#define CK_MAX_3(i)  CK_MAX_2(i) c##i##1 = qn_max8(CK_HALF(lo), c##i##1);
#define CK_MIN_1(i)  c##i##0 = qn_min8(CK_HALF(hi), c##i##0);
#define CK_MIN_2(i)  c##i##0 = _mm512_min_ps(hi, c##i##0);
#define CK_MIN_3(i)  CK_MIN_2(i) c##i##1 = qn_min8(CK_HALF(hi), c##i##1);

#define CK_SWISH_1(i) c##i##0 = qn_hard_swish8(c##i##0);
#define CK_SWISH_2(i) c##i##0 = qn_hard_swish16(c##i##0);
#define CK_SWISH_3(i) CK_SWISH_2(i) c##i##1 = qn_hard_swish8(c##i##1);

#define CK_STORE_1(i) qn_store8(a->y + yo[i], c##i##0);
#define CK_STORE_2(i) qn_pair_store(a->y + yo[i], a->y_plane, c##i##0);
#define CK_STORE_3(i) CK_STORE_2(i) qn_store8(a->y + yo[i] + 2 * a->y_plane, c##i##1);

#define WK_STORE_1(i) qn_store8(m + 8 * i, c##i##0);
#define WK_STORE_2(i) qn_pair_store(m + 8 * i, a->m_step, c##i##0);
#define WK_STORE_3(i) WK_STORE_2(i) qn_store8(m + 8 * i + 2 * a->m_step, c##i##1);

/* Step by step. */
#define CK_LOAD_1    const qn_v8 w0 = qn_load8(w);
#define CK_LOAD_2    const __m512 w0 = _mm512_loadu_ps(w);
#define CK_LOAD_3    CK_LOAD_2 const qn_v8 w1 = qn_load8(w + 16);
#define CK_STEP_1(i) c##i##0 = qn_fma8(qn_set8(x##i[k]), w0, c##i##0);
#define CK_STEP_2(i) c##i##0 = _mm512_fmadd_ps(_mm512_set1_ps(x##i[k]), w0, c##i##0);
#define CK_STEP_3(i) CK_STEP_2(i) c##i##1 = qn_fma8(qn_set8(x##i[k]), w1, c##i##1);

/* Segments of eight: four steps at a time, weights w<step><j>. */
#define CK_FOUR
#define CK_HALVES(n, at) const qn_v8 w##n##1 = qn_load8(w + at);
#define CK_FOUR_1 \
    const qn_v8 w00 = qn_load8(w), w10 = qn_load8(w + 8), w20 = qn_load8(w + 16), \
                w30 = qn_load8(w + 24);
#define CK_FOUR_2 \
    const __m512 w00 = _mm512_loadu_ps(w), w10 = _mm512_loadu_ps(w + 16), \
                 w20 = _mm512_loadu_ps(w + 32), w30 = _mm512_loadu_ps(w + 48);
#define CK_FOUR_3 \
    const __m512 w00 = _mm512_loadu_ps(w), w10 = _mm512_loadu_ps(w + 24), \
                 w20 = _mm512_loadu_ps(w + 48), w30 = _mm512_loadu_ps(w + 72); \
    CK_HALVES(0, 16) CK_HALVES(1, 40) CK_HALVES(2, 64) CK_HALVES(3, 88)
#define CK_FMA8(i, j, n) \
    c##i##j = qn_fma8(qn_set8(x##i[k + n]), w##n##j, c##i##j);
#define CK_FMA16(i, n) \
    c##i##0 = _mm512_fmadd_ps(_mm512_set1_ps(x##i[k + n]), w##n##0, c##i##0);
#define CK_FOURFOLD_1(i) CK_FMA8(i, 0, 0) CK_FMA8(i, 0, 1) CK_FMA8(i, 0, 2) CK_FMA8(i, 0, 3)
#define CK_FOURFOLD_2(i) CK_FMA16(i, 0) CK_FMA16(i, 1) CK_FMA16(i, 2) CK_FMA16(i, 3)
#define CK_FOURFOLD_3(i) \
    CK_FOURFOLD_2(i) CK_FMA8(i, 1, 0) CK_FMA8(i, 1, 1) CK_FMA8(i, 1, 2) CK_FMA8(i, 1, 3)
/* clang-format on */

#endif
