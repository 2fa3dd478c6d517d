/* SPDX-License-Identifier: Apache-2.0 */
/* formats/bytes.h - a bounded cursor over bytes from outside.  Parsers move only
 * through it; lengths are compared with what is left, never added to a pointer. */
#ifndef QN_FORMATS_BYTES_H
#define QN_FORMATS_BYTES_H

#include "engine/mem.h"

typedef struct qn_span {
    const uint8_t *p;
    size_t n;      /* bytes left */
    size_t offset; /* of p in the file, for messages */
} qn_span;

/* Each takes from the front; false, with nothing taken, when too little is left. */
bool qn_take(qn_span *b, uint64_t n, qn_span *out);
bool qn_take_u8(qn_span *b, uint8_t *out);
bool qn_take_u16le(qn_span *b, uint16_t *out);
bool qn_take_u32le(qn_span *b, uint32_t *out);
bool qn_take_u64le(qn_span *b, uint64_t *out);

bool qn_span_equal(const qn_span *b, const char *text);
/* Well-formed UTF-8 without a zero byte: no overlong forms, no surrogates. */
bool qn_span_is_utf8(const qn_span *b);

#endif
