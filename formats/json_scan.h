/* SPDX-License-Identifier: Apache-2.0 */
/* formats/json_scan.h - large JSON texts gone through value by value, without a tree of
 * the whole: members of an object and items of a list are handed over as the bytes they
 * take, to be parsed by json_tree.h one at a time. */
#ifndef QN_FORMATS_JSON_SCAN_H
#define QN_FORMATS_JSON_SCAN_H

#include "engine/error.h"

#include <stddef.h>

typedef struct qn_json_span {
    const char *p;
    size_t n;
} qn_json_span;

/* key: its bytes between the quotes, escapes and all; of an item p is NULL.  What it
 * returns, if not QUERN_OK, ends the scan and is its result. */
typedef quern_status qn_json_visit_fn(void *ctx, qn_json_span key, qn_json_span value,
                                      quern_error *err);
/* Hands over the members of an object, or the items of a list.  Only brackets, strings
 * and commas are looked at; what stands between is the visitor's to parse. */
quern_status qn_json_scan(qn_json_span text, qn_json_visit_fn *visit, void *ctx,
                          quern_error *err);

#endif
