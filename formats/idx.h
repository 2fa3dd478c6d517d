/* SPDX-License-Identifier: Apache-2.0 */
/* formats/idx.h - the IDX files of MNIST and its kin: one array, gzipped or not.
 *
 *   0 0 type rank  dim[0] .. dim[rank-1] (u32, big-endian)  elements (big-endian)
 *   type: 8 uint8, 9 int8, b int16, c int32, d float32, e float64 */
#ifndef QN_FORMATS_IDX_H
#define QN_FORMATS_IDX_H

#include "engine/os.h"
#include "engine/tensor.h"

bool qn_idx_is(const void *bytes, size_t n); /* by the first bytes; not gzipped */
quern_status qn_idx_parse(qn_arena *arena, const void *bytes, size_t n, qn_tensor *out,
                          quern_error *err);

/* A file of which only the header has been looked at. */
typedef struct qn_idx_file {
    qn_map map;
    bool is_packed;  /* gzipped */
    size_t head;     /* bytes of the header */
    qn_tensor shape; /* data NULL */
} qn_idx_file;

/* The elements are there, or as a gzip file of that size could hold them. */
quern_status qn_idx_open(const char *path, qn_idx_file *out, quern_error *err);
/* All elements to qn_tensor_bytes(&file->shape) bytes at to. */
quern_status qn_idx_read(const qn_idx_file *file, void *to, quern_error *err);
void qn_idx_close(qn_idx_file *file);

/* Unpacks first when the file is gzipped, to at most limit bytes (0: 4 GiB). */
quern_status qn_idx_load(qn_arena *arena, const char *path, size_t limit,
                         qn_tensor *out, quern_error *err);

#endif
