/* SPDX-License-Identifier: Apache-2.0 */
/* formats/crc32c.h - the checksum CRC-32C (Castagnoli), as TFRecord files have it. */
#ifndef QN_FORMATS_CRC32C_H
#define QN_FORMATS_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Of n bytes; crc 0 begins. */
uint32_t qn_crc32c(uint32_t crc, const void *bytes, size_t n);
/* Turned and moved, so that the checksum of data with checksums in it stays a good one.
 */
uint32_t qn_crc32c_masked(const void *bytes, size_t n);

#endif
