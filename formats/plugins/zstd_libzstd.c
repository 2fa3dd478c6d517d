/* SPDX-License-Identifier: Apache-2.0 */
/* formats/plugins/zstd_libzstd.c - the plug-in quern-zstd.so: Zstandard frames. */
#include "formats/unpack_abi.h"

#include <zstd.h>

static const char *unpack(const void *bytes, size_t n, void *out, size_t size,
                          size_t *made)
{
    *made = ZSTD_decompress(out, size, bytes, n);
    return ZSTD_isError(*made) ? ZSTD_getErrorName(*made) : NULL;
}

__attribute__((visibility("default"))) const void *qn_zstd_plugin(void);

const void *qn_zstd_plugin(void)
{
    static const qn_unpack_abi abi = {.version = QN_UNPACK_VERSION, .unpack = unpack};
    return &abi;
}
