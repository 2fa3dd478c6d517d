/* SPDX-License-Identifier: Apache-2.0 */
/* formats/zip_write.h - a zip archive written member by member, stored as they are, to
 * a file or to a buffer.  More than 65534 members, or 4 GiB, need a reader that knows
 * Zip64; any other archive is as old readers want it. */
#ifndef QN_FORMATS_ZIP_WRITE_H
#define QN_FORMATS_ZIP_WRITE_H

#include "engine/os_disk.h"
#include "formats/buffer.h"

typedef struct qn_zip {
    qn_out_file *out; /* or NULL: to buf, behind the start bytes that it held */
    qn_buf *buf;
    size_t start;
    qn_buf directory;
    int64_t n;
    uint64_t far; /* numbers from here on are written in 64 bits: UINT32_MAX */
} qn_zip;

void qn_zip_begin(qn_zip *zip, qn_out_file *out, qn_mem *mem);
void qn_zip_begin_in(qn_zip *zip, qn_buf *buf);
/* A member of n bytes. */
quern_status qn_zip_add(qn_zip *zip, const char *name, const void *p, size_t n,
                        quern_error *err);
quern_status qn_zip_end(qn_zip *zip, quern_error *err);
void qn_zip_done(qn_zip *zip); /* frees the directory */

#endif
