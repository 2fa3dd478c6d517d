/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/ck8c_words8.h - words of kernels/tmpl/ck8c.h where a vector holds one
 * block of output channels: c<i><j> is block j of pixel i. */
#ifndef QN_KERNELS_TMPL_CK8C_WORDS8_H
#define QN_KERNELS_TMPL_CK8C_WORDS8_H

#include "kernels/tmpl/ck8c_words.h"

/* clang-format off */
#define CK_VEC       qn_v8
#define CK_SPLAT     qn_set8

#define CK_BIAS_1    const qn_v8 b0 = qn_load8(a->bias);
#define CK_BIAS_2    CK_BIAS_1 const qn_v8 b1 = qn_load8(a->bias + 8);
#define CK_BIAS_3    CK_BIAS_2 const qn_v8 b2 = qn_load8(a->bias + 16);

#define CK_ZERO_1    const qn_v8 b0 = qn_zero8();
#define CK_ZERO_2    CK_ZERO_1 const qn_v8 b1 = b0;
#define CK_ZERO_3    CK_ZERO_2 const qn_v8 b2 = b0;

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

#define WK_PUT(i, j)  qn_store8(m + 8 * i + j * a->m_step, c##i##j);
#define WK_STORE_1(i) WK_PUT(i, 0)
#define WK_STORE_2(i) WK_STORE_1(i) WK_PUT(i, 1)
#define WK_STORE_3(i) WK_STORE_2(i) WK_PUT(i, 2)
/* clang-format on */

#endif
