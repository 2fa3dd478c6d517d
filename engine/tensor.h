/* SPDX-License-Identifier: Apache-2.0 */
/* engine/tensor.h - what data is: element types and dense arrays.
 *
 * Elements lie in row-major order.  Types of less than a byte (int4, uint4, int2,
 * uint2, float4e2m1) hold one element a byte in memory, sign-extended where signed;
 * they are packed only inside files.  A string element is a qn_str whose bytes belong
 * to the same arena as the tensor.  A sequence is a tensor of kind QN_SEQUENCE, rank 1,
 * whose data is an array of qn_tensor. */
#ifndef QN_ENGINE_TENSOR_H
#define QN_ENGINE_TENSOR_H

#include "engine/mem.h"
#include "kernels/blocked.h"

typedef struct qn_str {
    const char *p; /* UTF-8, p[n] need not be zero */
    size_t n;      /* bytes */
} qn_str;

typedef enum qn_kind {
    QN_TENSOR,
    QN_SEQUENCE, /* rank 1, dim[0] items, data: qn_tensor[dim[0]], dtype of the items */
    QN_NONE      /* an optional without a value */
} qn_kind;

/* How elements lie in memory.  Chosen for the whole graph by one pass. */
typedef enum qn_layout {
    QN_PLAIN,  /* row-major, no gaps */
    QN_NCHW8C, /* [N][C/8][H+2*halo][W+2*halo][8], zeroed halo and channel tail */
} qn_layout;

typedef struct qn_tensor {
    quern_dtype dtype;
    uint8_t kind;   /* qn_kind */
    uint8_t layout; /* qn_layout */
    uint8_t halo;   /* rows and columns of zeros around each plane, QN_NCHW8C only */
    int64_t image;  /* QN_NCHW8C: elements from image to image; 0: images lie dense */
    int rank;       /* 0 (scalar) .. QUERN_MAX_RANK */
    int64_t dim[QUERN_MAX_RANK];
    void *data; /* NULL: value not known (yet); never NULL for a known value */
} qn_tensor;

/* Bytes of one element in memory (a qn_str for strings); 0 for an unknown type. */
size_t qn_dtype_size(quern_dtype dtype);
/* Bits of one element in a file: 2, 4, 8 ... 128; 0 for strings and unknown types. */
int qn_dtype_bits(quern_dtype dtype);
bool qn_dtype_is_float(quern_dtype dtype);   /* float64 to float4, bfloat16 too */
bool qn_dtype_is_signed(quern_dtype dtype);  /* signed integer */
bool qn_dtype_is_integer(quern_dtype dtype); /* signed or not; bool is no integer */
static inline bool qn_dtype_is_half(quern_dtype t)
{
    return t == QUERN_FLOAT16 || t == QUERN_BFLOAT16;
}

/* Sets of element types, for op rows. */
#define QN_BIT(t)   (UINT32_C(1) << (t))
#define QN_T_F32    QN_BIT(QUERN_FLOAT)
#define QN_T_F64    QN_BIT(QUERN_DOUBLE)
#define QN_T_HALF   (QN_BIT(QUERN_FLOAT16) | QN_BIT(QUERN_BFLOAT16))
#define QN_T_FLOATS (QN_T_F32 | QN_T_F64 | QN_T_HALF)
#define QN_T_SIGNED                                                   \
    (QN_BIT(QUERN_INT8) | QN_BIT(QUERN_INT16) | QN_BIT(QUERN_INT32) | \
     QN_BIT(QUERN_INT64))
#define QN_T_UNSIGNED                                                    \
    (QN_BIT(QUERN_UINT8) | QN_BIT(QUERN_UINT16) | QN_BIT(QUERN_UINT32) | \
     QN_BIT(QUERN_UINT64))
#define QN_T_INTS    (QN_T_SIGNED | QN_T_UNSIGNED)
#define QN_T_NUMBERS (QN_T_FLOATS | QN_T_INTS)
#define QN_T_BOOL    QN_BIT(QUERN_BOOL)
#define QN_T_STRING  QN_BIT(QUERN_STRING)
#define QN_T_I64     QN_BIT(QUERN_INT64)
#define QN_T_INDEX   (QN_BIT(QUERN_INT32) | QN_BIT(QUERN_INT64))
#define QN_T_COMPLEX (QN_BIT(QUERN_COMPLEX64) | QN_BIT(QUERN_COMPLEX128))
#define QN_T_FLOAT8                                              \
    (QN_BIT(QUERN_FLOAT8E4M3FN) | QN_BIT(QUERN_FLOAT8E4M3FNUZ) | \
     QN_BIT(QUERN_FLOAT8E5M2) | QN_BIT(QUERN_FLOAT8E5M2FNUZ) |   \
     QN_BIT(QUERN_FLOAT8E8M0))
#define QN_T_SMALL /* less than a byte in files */                         \
    (QN_BIT(QUERN_UINT4) | QN_BIT(QUERN_INT4) | QN_BIT(QUERN_FLOAT4E2M1) | \
     QN_BIT(QUERN_UINT2) | QN_BIT(QUERN_INT2))
#define QN_T_PLAIN (QN_T_NUMBERS | QN_T_BOOL)
#define QN_T_ALL   (QN_T_PLAIN | QN_T_STRING | QN_T_COMPLEX | QN_T_FLOAT8 | QN_T_SMALL)

/* True if p may be read as elements of that type.  A constant of QN_LAZY_BYTES or more
 * may lie unaligned in a mapped file: packers read it through memcpy, and whoever else
 * needs it gets an aligned copy (qn_session_align). */
#define QN_LAZY_BYTES ((size_t)64 << 10)
bool qn_is_aligned(const void *p, quern_dtype dtype);

/* Number of elements: product of dims; 1 for a scalar.  Dims must be known. */
int64_t qn_tensor_count(const qn_tensor *t);
/* Product of dims [from, to). */
int64_t qn_dims_count(const qn_tensor *t, int from, int to);
size_t qn_tensor_bytes(const qn_tensor *t);
/* A tensor of layout QN_NCHW8C as the kernels see it; data NULL stays NULL. */
qn_plane8c qn_tensor_plane(const qn_tensor *t);
/* Zeros its halo and the lanes of channels that do not exist, of images [begin, end).
 */
void qn_tensor_clear_rim(const qn_tensor *t, int64_t begin, int64_t end);
/* Checks rank, dims and the byte size against overflow; for shapes from outside. */
quern_status qn_tensor_check(const qn_tensor *t, quern_error *err);
bool qn_same_shape(const qn_tensor *a, const qn_tensor *b);
void qn_set_shape(qn_tensor *t, quern_dtype dtype, int rank, const int64_t *dim);
void qn_copy_shape(qn_tensor *to, const qn_tensor *from); /* dims only */

/* "[1,3,224,224]" into text (at least QN_SHAPE_TEXT bytes); returns text. */
#define QN_SHAPE_TEXT 192
const char *qn_shape_text(char *text, const qn_tensor *t);
#define QN_SHAPE(t) qn_shape_text((char[QN_SHAPE_TEXT]){0}, (t))

/* Element i of an integer or bool tensor as int64 (uint64 wraps). */
int64_t qn_get_int(const qn_tensor *t, int64_t i);
/* Element i of any real numeric tensor as double. */
double qn_get_real(const qn_tensor *t, int64_t i);
void qn_set_real(qn_tensor *t, int64_t i,
                 double value); /* rounds, saturates integers */

/* A copy of t with its data (and strings) in the arena; sequences are copied deeply. */
quern_status qn_tensor_copy(qn_arena *arena, qn_tensor *to, const qn_tensor *from,
                            quern_error *err);
/* Room in the arena for a tensor whose shape is set. */
quern_status qn_tensor_alloc(qn_arena *arena, qn_tensor *t, quern_error *err);

/* Normalises a negative axis; fails unless -rank <= axis < rank (<= rank if end_ok). */
quern_status qn_axis(int64_t axis, int rank, bool end_ok, int *out, quern_error *err);

#endif
