/* SPDX-License-Identifier: Apache-2.0 */
/* formats/zip_check.h - what a zip archive's directory says, looked at before anything
 * is unpacked: entries may not share bytes, be encrypted or declare more than allowed.
 */
#ifndef QN_FORMATS_ZIP_CHECK_H
#define QN_FORMATS_ZIP_CHECK_H

#include "formats/bytes.h"

/* entries, unpacked: the most that the archive may declare. */
quern_status qn_zip_check(const void *bytes, size_t n, int64_t entries,
                          uint64_t unpacked, qn_mem *mem, quern_error *err);

#endif
