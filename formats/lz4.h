/* SPDX-License-Identifier: Apache-2.0 */
/* formats/lz4.h - unpacks raw LZ4 blocks (no frame), as Parquet stores them.
 * Source: lz4_Block_format.md of lz4/lz4. */
#ifndef QN_FORMATS_LZ4_H
#define QN_FORMATS_LZ4_H

#include "engine/error.h"

#include <stddef.h>

/* The n bytes must unpack to exactly size bytes at out. */
quern_status qn_lz4_unpack(const void *bytes, size_t n, void *out, size_t size,
                           quern_error *err);

#endif
