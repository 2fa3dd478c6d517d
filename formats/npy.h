/* SPDX-License-Identifier: Apache-2.0 */
/* formats/npy.h - NumPy's .npy files (format versions 1 to 3): one array each.
 *
 * Big-endian and Fortran-ordered arrays are converted while reading.  Strings are read
 * from |S and <U and written as |S.  Element types that NumPy lacks are written as the
 * nearest one it has: bfloat16 and smaller floats as float32, 4- and 2-bit integers as
 * int8 and uint8. */
#ifndef QN_FORMATS_NPY_H
#define QN_FORMATS_NPY_H

#include "engine/tensor.h"
#include "formats/buffer.h"

quern_status qn_npy_parse(const void *bytes, size_t n, qn_arena *arena, qn_tensor *out,
                          quern_error *err);
/* Bytes that stand in the file as in memory are not copied: *out points to them. */
quern_status qn_npy_view(const void *bytes, size_t n, qn_arena *arena, qn_tensor *out,
                         quern_error *err);
quern_status qn_npy_load(qn_arena *arena, const char *path, qn_tensor *out,
                         quern_error *err);
/* Appends the file's bytes; t is a tensor, no sequence. */
quern_status qn_npy_write(qn_buf *out, const qn_tensor *t, quern_error *err);
/* The same for strings, as <U: UTF-32, which Python sees as str. */
quern_status qn_npy_write_text(qn_buf *out, const qn_tensor *t, quern_error *err);
/* What stands in front of t's elements; 128 bytes for up to four dims. */
quern_status qn_npy_write_header(qn_buf *out, const qn_tensor *t, quern_error *err);
quern_status qn_npy_save(qn_mem *mem, const char *path, const qn_tensor *t,
                         quern_error *err);

#endif
