/* SPDX-License-Identifier: Apache-2.0 */
/* formats/sha256.h - SHA-256 (FIPS 180-4). */
#ifndef QN_FORMATS_SHA256_H
#define QN_FORMATS_SHA256_H

#include <stddef.h>
#include <stdint.h>

typedef struct qn_sha256 {
    uint32_t state[8];
    uint64_t bytes;
    uint8_t block[64];
} qn_sha256;

void qn_sha256_init(qn_sha256 *s);
void qn_sha256_add(qn_sha256 *s, const void *p, size_t n);
void qn_sha256_end(qn_sha256 *s, uint8_t digest[32]);
/* The digest as 64 hexadecimal digits and a zero. */
void qn_sha256_hex(const void *p, size_t n, char hex[65]);

#endif
