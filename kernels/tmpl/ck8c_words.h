/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/ck8c_words.h - the words kernels/tmpl/ck8c.h is written in: what to do
 * for each pixel (i) of a tile with one, two or three blocks of output channels.  They
 * are macros because the accumulators must be variables: compilers keep arrays in
 * memory.
 *
 * Here are the words that do not depend on how wide a vector is.  Those for vectors of
 * a block are in ck8c_words8.h; the words for products, and how many pixels a tile has
 * at most, are those of an instruction set: ck8c_<instruction set>.h, which includes
 * this. */
#ifndef QN_KERNELS_TMPL_CK8C_WORDS_H
#define QN_KERNELS_TMPL_CK8C_WORDS_H

#include "kernels/tmpl/act8c.h"

/* A map of 7x7 has five tiles, and four of them fetch the eight lines of each segment
 * of the next panel. */
#define CK_AHEAD 2

/* What all tiles of a run of pixels share. */
typedef struct qn_ck8c {
    const float *w, *bias, *add; /* add NULL: nothing to add */
    float *y;
    const float *ahead; /* weights to fetch, CK_AHEAD lines a segment */
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
#define CK_ROWS_9(F) CK_ROWS_8(F) F(8)
#define CK_ROWS_10(F) CK_ROWS_9(F) F(9)
#define CK_ROWS_11(F) CK_ROWS_10(F) F(10)
#define CK_ROWS_12(F) CK_ROWS_11(F) F(11)
#define CK_ROWS_13(F) CK_ROWS_12(F) F(12)
#define CK_ROWS_14(F) CK_ROWS_13(F) F(13)
#define CK_ROWS_15(F) CK_ROWS_14(F) F(14)
#define CK_ROWS_16(F) CK_ROWS_15(F) F(15)
#define CK_ROWS_17(F) CK_ROWS_16(F) F(16)
#define CK_ROWS_18(F) CK_ROWS_17(F) F(17)
#define CK_ROWS_19(F) CK_ROWS_18(F) F(18)
#define CK_ROWS_20(F) CK_ROWS_19(F) F(19)
#define CK_ROWS_21(F) CK_ROWS_20(F) F(20)
#define CK_ROWS_22(F) CK_ROWS_21(F) F(21)
#define CK_ROWS_23(F) CK_ROWS_22(F) F(22)
#define CK_ROWS_24(F) CK_ROWS_23(F) F(23)

/* The functions of one number of blocks, in the table of them. */
#define CK_LIST_1(nv) CK_FN(nv, 1),
#define CK_LIST_2(nv) CK_LIST_1(nv) CK_FN(nv, 2),
#define CK_LIST_3(nv) CK_LIST_2(nv) CK_FN(nv, 3),
#define CK_LIST_4(nv) CK_LIST_3(nv) CK_FN(nv, 4),
#define CK_LIST_5(nv) CK_LIST_4(nv) CK_FN(nv, 5),
#define CK_LIST_6(nv) CK_LIST_5(nv) CK_FN(nv, 6),
#define CK_LIST_7(nv) CK_LIST_6(nv) CK_FN(nv, 7),
#define CK_LIST_8(nv) CK_LIST_7(nv) CK_FN(nv, 8),
#define CK_LIST_9(nv) CK_LIST_8(nv) CK_FN(nv, 9),
#define CK_LIST_10(nv) CK_LIST_9(nv) CK_FN(nv, 10),
#define CK_LIST_11(nv) CK_LIST_10(nv) CK_FN(nv, 11),
#define CK_LIST_12(nv) CK_LIST_11(nv) CK_FN(nv, 12),
#define CK_LIST_13(nv) CK_LIST_12(nv) CK_FN(nv, 13),
#define CK_LIST_14(nv) CK_LIST_13(nv) CK_FN(nv, 14),
#define CK_LIST_15(nv) CK_LIST_14(nv) CK_FN(nv, 15),
#define CK_LIST_16(nv) CK_LIST_15(nv) CK_FN(nv, 16),
#define CK_LIST_17(nv) CK_LIST_16(nv) CK_FN(nv, 17),
#define CK_LIST_18(nv) CK_LIST_17(nv) CK_FN(nv, 18),
#define CK_LIST_19(nv) CK_LIST_18(nv) CK_FN(nv, 19),
#define CK_LIST_20(nv) CK_LIST_19(nv) CK_FN(nv, 20),
#define CK_LIST_21(nv) CK_LIST_20(nv) CK_FN(nv, 21),
#define CK_LIST_22(nv) CK_LIST_21(nv) CK_FN(nv, 22),
#define CK_LIST_23(nv) CK_LIST_22(nv) CK_FN(nv, 23),
#define CK_LIST_24(nv) CK_LIST_23(nv) CK_FN(nv, 24),

#define CK_POINT(i)  const float *x##i = x[i] + f;
/* clang-format on */

#endif
