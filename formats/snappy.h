/* SPDX-License-Identifier: Apache-2.0 */
/* formats/snappy.h - unpacks raw Snappy blocks (no framing), as Parquet stores them.
 * Source: format_description.txt of google/snappy. */
#ifndef QN_FORMATS_SNAPPY_H
#define QN_FORMATS_SNAPPY_H

#include "engine/error.h"

#include <stddef.h>

/* The n bytes must unpack to exactly size bytes at out. */
quern_status qn_snappy_unpack(const void *bytes, size_t n, void *out, size_t size,
                              quern_error *err);

#endif
