/* SPDX-License-Identifier: Apache-2.0 */
/* formats/json_write.h - writes one JSON object a line into a buffer.
 *
 * Every object begins with "schema":1.  Numbers never depend on the locale and read
 * back as the same double; NaN and the infinities, which JSON lacks, become null.
 * Strings must be UTF-8; bytes that are not become U+FFFD. */
#ifndef QN_FORMATS_JSON_WRITE_H
#define QN_FORMATS_JSON_WRITE_H

#include "formats/buffer.h"

#define QN_JSON_DEPTH 32

typedef struct qn_json {
    qn_buf *out;
    int depth;
    bool is_array[QN_JSON_DEPTH], has_items[QN_JSON_DEPTH];
} qn_json;

/* Appends n bytes as a JSON string with its quotes. */
void qn_json_quote(qn_buf *out, const char *text, size_t n);
/* ,"key":"text" of an object that is written without a qn_json. */
void qn_json_put_pair(qn_buf *out, const char *key, const char *text);

void qn_json_begin(qn_json *j, qn_buf *out); /* {"schema":1 */
void qn_json_end(qn_json *j);                /* closes what is open, and a newline */
/* key NULL inside arrays. */
void qn_json_object(qn_json *j, const char *key);
void qn_json_array(qn_json *j, const char *key);
void qn_json_close(qn_json *j); /* the innermost object or array */
void qn_json_text(qn_json *j, const char *key, const char *text); /* NULL: null */
void qn_json_text_n(qn_json *j, const char *key, const char *p, size_t n);
void qn_json_int(qn_json *j, const char *key, int64_t value);
void qn_json_real(qn_json *j, const char *key, double value);
void qn_json_single(qn_json *j, const char *key, float value);
void qn_json_bool(qn_json *j, const char *key, bool value);
/* An array of n texts. */
void qn_json_texts(qn_json *j, const char *key, const char *const *texts, int64_t n);

#endif
