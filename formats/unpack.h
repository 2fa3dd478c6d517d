/* SPDX-License-Identifier: Apache-2.0 */
/* formats/unpack.h - packed blocks of the codecs that a plug-in brings. */
#ifndef QN_FORMATS_UNPACK_H
#define QN_FORMATS_UNPACK_H

#include "engine/error.h"

#include <stddef.h>

/* The n bytes must unpack to exactly size bytes at out.  QUERN_UNSUPPORTED where the
 * plug-in is missing. */
quern_status qn_zstd_unpack(const void *bytes, size_t n, void *out, size_t size,
                            quern_error *err);
quern_status qn_brotli_unpack(const void *bytes, size_t n, void *out, size_t size,
                              quern_error *err);

#endif
