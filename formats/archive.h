/* SPDX-License-Identifier: Apache-2.0 */
/* formats/archive.h - unpacks a zip or tar archive into a folder, within budgets.
 *
 * Whatever an archive may be used for against its reader is refused, by one sentence:
 * names that lead out, links, devices, entries that share bytes or a name, encryption,
 * more files or bytes than allowed.  Needs the plug-in quern-archive.so. */
#ifndef QN_FORMATS_ARCHIVE_H
#define QN_FORMATS_ARCHIVE_H

#include "engine/os.h"

typedef struct qn_unpack_limits {
    int64_t entries;
    uint64_t bytes; /* of all files */
    double ratio;   /* of them to the archive's size; not before RATIO_FROM bytes */
    quern_cancel_fn *cancel; /* asked now and then; NULL: nobody */
    void *ctx;
} qn_unpack_limits;

/* By its name: .zip, .tar, .tar.gz, .tgz and so on. */
bool qn_is_archive_name(const char *path);
/* Into a new folder, for the owner only.  What a failure leaves is the caller's to
 * remove. */
quern_status qn_archive_unpack(const char *path, const char *folder,
                               const qn_unpack_limits *limits, qn_mem *mem,
                               quern_error *err);

#endif
