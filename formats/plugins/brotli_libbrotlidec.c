/* SPDX-License-Identifier: Apache-2.0 */
/* formats/plugins/brotli_libbrotlidec.c - the plug-in quern-brotli.so: Brotli streams.
 */
#include "formats/unpack_abi.h"

#include <brotli/decode.h>

static const char *unpack(const void *bytes, size_t n, void *out, size_t size,
                          size_t *made)
{
    *made = size;
    return BrotliDecoderDecompress(n, bytes, made, out) == BROTLI_DECODER_RESULT_SUCCESS
               ? NULL
               : "it is damaged or longer than declared";
}

__attribute__((visibility("default"))) const void *qn_brotli_plugin(void);

const void *qn_brotli_plugin(void)
{
    static const qn_unpack_abi abi = {.version = QN_UNPACK_VERSION, .unpack = unpack};
    return &abi;
}
