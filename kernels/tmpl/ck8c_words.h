/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/ck8c_words.h - the words kernels/tmpl/ck8c.h is written in: what to do
 * for each pixel (i) of a tile with one, two or three vectors of output channels.  They
 * are macros because the accumulators must be variables: compilers keep arrays in
 * memory.
 *
 * The words for products, and how many pixels a tile has at most, are those of an
 * instruction set: ck8c_<instruction set>.h, which includes this. */
#ifndef QN_KERNELS_TMPL_CK8C_WORDS_H
#define QN_KERNELS_TMPL_CK8C_WORDS_H

#include "kernels/tmpl/act8c.h"

/* What all tiles of a run of pixels share. */
typedef struct qn_ck8c {
    const float *w, *bias, *add; /* add NULL: nothing to add */
    float *y;
    const float *ahead; /* weights to fetch, a line a segment */
    const float *after; /* next tile's first input, to be fetched; or NULL */
    int64_t shift;      /* floats from a pixel to its segments */
    const int64_t *segment, *end;
    int64_t length;             /* of a segment */
    int64_t y_plane, add_plane; /* floats from block to block */
    qn_bounds8 bounds;
    bool hard_swish;
} qn_ck8c;

/* Inputs of the pixels, and the distances of their outputs and addends. */
typedef void qn_ck8c_fn(const qn_ck8c *a, const float *const *x, const int64_t *yo,
                        const int64_t *ao);

/* clang-format off */
#define CK_CAT_(a, b) a##b
#define CK_CAT(a, b)  CK_CAT_(a, b)
#define CK_FN__(set, nv, mr) set##_##nv##x##mr
#define CK_FN_(set, nv, mr)  CK_FN__(set, nv, mr)
#define CK_FN(nv, mr)        CK_FN_(CK_SET, nv, mr)

#define CK_ROWS_1(F) F(0)
#define CK_ROWS_2(F) CK_ROWS_1(F) F(1)
#define CK_ROWS_3(F) CK_ROWS_2(F) F(2)
#define CK_ROWS_4(F) CK_ROWS_3(F) F(3)
#define CK_ROWS_5(F) CK_ROWS_4(F) F(4)
#define CK_ROWS_6(F) CK_ROWS_5(F) F(5)
#define CK_ROWS_7(F) CK_ROWS_6(F) F(6)
#define CK_ROWS_8(F) CK_ROWS_7(F) F(7)

#define CK_POINT(i)  const float *x##i = x[i] + f;

#define CK_BIAS_1    const qn_v8 b0 = qn_load8(a->bias);
#define CK_BIAS_2    CK_BIAS_1 const qn_v8 b1 = qn_load8(a->bias + 8);
#define CK_BIAS_3    CK_BIAS_2 const qn_v8 b2 = qn_load8(a->bias + 16);

#define CK_INIT_1(i) qn_v8 c##i##0 = b0;
#define CK_INIT_2(i) CK_INIT_1(i) qn_v8 c##i##1 = b1;
#define CK_INIT_3(i) CK_INIT_2(i) qn_v8 c##i##2 = b2;

#define CK_LOAD_1    const qn_v8 w0 = qn_load8(w);
#define CK_LOAD_2    CK_LOAD_1 const qn_v8 w1 = qn_load8(w + 8);
#define CK_LOAD_3    CK_LOAD_2 const qn_v8 w2 = qn_load8(w + 16);

#define CK_PLUS(i, j) \
    c##i##j = qn_add8(c##i##j, qn_load8(a->add + ao[i] + j * a->add_plane));
#define CK_ADD_1(i)  CK_PLUS(i, 0)
#define CK_ADD_2(i)  CK_ADD_1(i) CK_PLUS(i, 1)
#define CK_ADD_3(i)  CK_ADD_2(i) CK_PLUS(i, 2)

#define CK_MAX_1(i)  c##i##0 = qn_max8(lo, c##i##0);
#define CK_MAX_2(i)  CK_MAX_1(i) c##i##1 = qn_max8(lo, c##i##1);
#define CK_MAX_3(i)  CK_MAX_2(i) c##i##2 = qn_max8(lo, c##i##2);
#define CK_MIN_1(i)  c##i##0 = qn_min8(hi, c##i##0);
#define CK_MIN_2(i)  CK_MIN_1(i) c##i##1 = qn_min8(hi, c##i##1);
#define CK_MIN_3(i)  CK_MIN_2(i) c##i##2 = qn_min8(hi, c##i##2);

#define CK_SWISH_1(i) c##i##0 = qn_hard_swish8(c##i##0);
#define CK_SWISH_2(i) CK_SWISH_1(i) c##i##1 = qn_hard_swish8(c##i##1);
#define CK_SWISH_3(i) CK_SWISH_2(i) c##i##2 = qn_hard_swish8(c##i##2);

#define CK_PUT(i, j) qn_store8(a->y + yo[i] + j * a->y_plane, c##i##j);
#define CK_STORE_1(i) CK_PUT(i, 0)
#define CK_STORE_2(i) CK_STORE_1(i) CK_PUT(i, 1)
#define CK_STORE_3(i) CK_STORE_2(i) CK_PUT(i, 2)
/* clang-format on */

#endif
