/* SPDX-License-Identifier: Apache-2.0 */
/* formats/unpack_abi.h - what the plug-ins quern-zstd.so and quern-brotli.so offer: one
 * function each, that unpacks a whole block from memory to memory. */
#ifndef QN_FORMATS_UNPACK_ABI_H
#define QN_FORMATS_UNPACK_ABI_H

#include <stddef.h>
#include <stdint.h>

#define QN_UNPACK_VERSION 1 /* grows with every change of this file */

typedef struct qn_unpack_abi {
    uint32_t version;
    /* Unpacks n bytes to at most size; how many there were in *made.  NULL when all
     * went well, else what did not. */
    const char *(*unpack)(const void *bytes, size_t n, void *out, size_t size,
                          size_t *made);
} qn_unpack_abi;

#endif
