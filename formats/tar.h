/* SPDX-License-Identifier: Apache-2.0 */
/* formats/tar.h - tar archives: a cursor over the entries of one, and a writer.
 *
 * Read are ustar, pax (POSIX.1-2001: path, size) and GNU's long names and large
 * numbers.  Every header's checksum must fit.  What an entry is is told, not judged:
 * names may lead anywhere, and a reader asks qn_tar_is_safe before it believes one. */
#ifndef QN_FORMATS_TAR_H
#define QN_FORMATS_TAR_H

#include "formats/buffer.h"
#include "formats/bytes.h"

enum { QN_TAR_BLOCK = 512 };

typedef enum qn_tar_kind {
    QN_TAR_FILE,
    QN_TAR_FOLDER,
    QN_TAR_LINK,   /* hard or symbolic */
    QN_TAR_DEVICE, /* or a pipe */
    QN_TAR_OTHER   /* of a type nobody knows, or a sparse file */
} qn_tar_kind;

typedef struct qn_tar_entry {
    const char *name; /* zero-ended; valid until the next entry is taken */
    qn_tar_kind kind;
    qn_span data; /* of a file; offset is that in the archive */
} qn_tar_entry;

#define QN_TAR_NAME 4096 /* bytes of a name, the zero included */

/* Begin with {.left = {bytes, n, 0}}; nothing is allocated. */
typedef struct qn_tar {
    qn_span left;
    char name[QN_TAR_NAME];
} qn_tar;

/* The next entry; *found false: the archive is at its end (two zero blocks, or the end
 * of the bytes).  Errors name the byte where the entry begins. */
quern_status qn_tar_next(qn_tar *tar, qn_tar_entry *out, bool *found, quern_error *err);
/* Whether the bytes begin as an archive. */
bool qn_tar_is(const void *bytes, size_t n);
/* Whether a name stays below the folder it is taken to: not empty, not absolute, no
 * "..", no zero, control character or backslash, no part that is a Windows drive. */
bool qn_tar_is_safe(const char *name);

/* Appends header (ustar, after a pax one where the name needs it) for a file of n
 * bytes; the bytes follow, and qn_tar_pad.  Date 0, owner 0, mode 644: equal contents
 * make equal archives. */
void qn_tar_put_header(qn_buf *out, const char *name, uint64_t n);
/* Zeros up to a whole block behind n bytes. */
void qn_tar_pad(qn_buf *out, uint64_t n);
/* The two zero blocks at the end. */
void qn_tar_put_end(qn_buf *out);

#endif
