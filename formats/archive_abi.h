/* SPDX-License-Identifier: Apache-2.0 */
/* formats/archive_abi.h - what the plug-in quern-archive.so offers: the entries of a
 * zip or tar archive that lies in memory, one after the other, and their bytes. */
#ifndef QN_FORMATS_ARCHIVE_ABI_H
#define QN_FORMATS_ARCHIVE_ABI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QN_ARCHIVE_VERSION 1 /* grows with every change of this file */

typedef enum qn_entry_kind {
    QN_ENTRY_FILE,
    QN_ENTRY_FOLDER,
    QN_ENTRY_LINK, /* of either kind */
    QN_ENTRY_OTHER /* a device, a pipe, a socket */
} qn_entry_kind;

typedef struct qn_entry {
    const char *name; /* until the next call; NULL: it cannot be told */
    qn_entry_kind kind;
    bool is_encrypted;
} qn_entry;

typedef struct qn_archive_abi {
    uint32_t version;
    /* NULL when all went well, else what did not: with *archive NULL, or in wrong(). */
    const char *(*open)(const void *bytes, size_t n, void **archive);
    int (*next)(void *archive, qn_entry *out); /* 1, at the end 0, or -1 */
    ptrdiff_t (*read)(void *archive, void *out,
                      size_t n);         /* bytes, at the end 0, or -1 */
    const char *(*wrong)(void *archive); /* after -1 */
    void (*close)(void *archive);        /* NULL is fine */
} qn_archive_abi;

#endif
