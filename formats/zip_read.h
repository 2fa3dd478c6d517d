/* SPDX-License-Identifier: Apache-2.0 */
/* formats/zip_read.h - the directory of a zip archive that lies in memory, with the
 * 64-bit numbers of archives beyond 4 GiB (PKWARE's APPNOTE.TXT 4.3 and 4.5).  Nothing
 * is unpacked here. */
#ifndef QN_FORMATS_ZIP_READ_H
#define QN_FORMATS_ZIP_READ_H

#include "formats/bytes.h"

enum { QN_ZIP_ENTRY = 46, QN_ZIP_ENCRYPTED = 1 }; /* least bytes; a bit of flags */

typedef struct qn_zip_directory {
    uint64_t count, bytes, offset;
} qn_zip_directory;

typedef struct qn_zip_entry {
    uint16_t flags, method;
    uint32_t crc;
    uint64_t packed, size, offset; /* bytes; of the local header */
    qn_span name;
} qn_zip_entry;

/* Whether the bytes begin as a zip archive. */
bool qn_is_zip(const void *bytes, size_t n);
/* The directory lies inside the n bytes and could hold that many entries. */
quern_status qn_zip_find_directory(const uint8_t *p, size_t n, qn_zip_directory *out,
                                   quern_error *err);
/* Takes the next entry of a directory. */
quern_status qn_zip_take_entry(qn_span *dir, qn_zip_entry *out, quern_error *err);
/* The packed bytes of an entry, behind its local header; their end in the file is
 * out->offset + out->n. */
quern_status qn_zip_find_data(const uint8_t *p, size_t n, const qn_zip_entry *e,
                              qn_span *out, quern_error *err);

#endif
