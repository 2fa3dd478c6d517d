/* SPDX-License-Identifier: Apache-2.0 */
/* formats/json_write.c - see json_write.h; RFC 8259. */
#include "formats/json_write.h"

#include "engine/text.h"
#include "engine/utf8.h"

#include <math.h>
#include <string.h>

void qn_json_quote(qn_buf *out, const char *text, size_t n)
{
    const unsigned char *p = (const unsigned char *)text;
    qn_buf_byte(out, '"');
    for (size_t i = 0, length; i < n; i += length) {
        length = qn_utf8_length(text + i, n - i);
        if (length == 0) {
            qn_buf_text(out, "\xef\xbf\xbd"); /* U+FFFD */
            length = 1;
        } else if (p[i] == '"' || p[i] == '\\') {
            qn_buf_byte(out, '\\');
            qn_buf_byte(out, p[i]);
        } else if (p[i] == '\n') {
            qn_buf_text(out, "\\n");
        } else if (p[i] < 0x20 || p[i] == 0x7f) {
            qn_buf_format(out, "\\u%04x", p[i]);
        } else {
            qn_buf_add(out, p + i, length);
        }
    }
    qn_buf_byte(out, '"');
}

void qn_json_put_pair(qn_buf *out, const char *key, const char *text)
{
    qn_buf_byte(out, ',');
    qn_json_quote(out, key, strlen(key));
    qn_buf_byte(out, ':');
    qn_json_quote(out, text, strlen(text));
}

static void item(qn_json *j, const char *key)
{
    if (j->has_items[j->depth]) qn_buf_byte(j->out, ',');
    j->has_items[j->depth] = true;
    if (!key) return;
    qn_json_quote(j->out, key, strlen(key));
    qn_buf_byte(j->out, ':');
}

static void open_level(qn_json *j, const char *key, bool is_array)
{
    item(j, key);
    if (j->depth + 1 == QN_JSON_DEPTH) {
        qn_fail(&j->out->error, QUERN_LIMIT, "JSON nested deeper than %d",
                QN_JSON_DEPTH);
        return;
    }
    j->depth++;
    j->is_array[j->depth] = is_array;
    j->has_items[j->depth] = false;
    qn_buf_byte(j->out, is_array ? '[' : '{');
}

void qn_json_begin(qn_json *j, qn_buf *out)
{
    *j = (qn_json){.out = out};
    qn_buf_byte(out, '{');
    qn_json_int(j, "schema", 1);
}

void qn_json_end(qn_json *j)
{
    while (j->depth > 0)
        qn_json_close(j);
    qn_buf_text(j->out, "}\n");
}

void qn_json_object(qn_json *j, const char *key)
{
    open_level(j, key, false);
}

void qn_json_array(qn_json *j, const char *key)
{
    open_level(j, key, true);
}

void qn_json_close(qn_json *j)
{
    qn_buf_byte(j->out, j->is_array[j->depth] ? ']' : '}');
    if (j->depth > 0) j->depth--;
}

void qn_json_text(qn_json *j, const char *key, const char *text)
{
    item(j, key);
    if (text)
        qn_json_quote(j->out, text, strlen(text));
    else
        qn_buf_text(j->out, "null");
}

void qn_json_text_n(qn_json *j, const char *key, const char *p, size_t n)
{
    item(j, key);
    qn_json_quote(j->out, p, n);
}

void qn_json_int(qn_json *j, const char *key, int64_t value)
{
    char text[24];
    size_t at = sizeof text;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do { /* outlines are millions of these: printf would take most of the time */
        text[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0) text[--at] = '-';
    item(j, key);
    qn_buf_add(j->out, text + at, sizeof text - at);
}

void qn_json_real(qn_json *j, const char *key, double value)
{
    char text[QN_REAL_TEXT];
    item(j, key);
    qn_buf_text(j->out, isfinite(value) ? qn_real_text(text, value) : "null");
}

void qn_json_single(qn_json *j, const char *key, float value)
{
    char text[QN_REAL_TEXT];
    item(j, key);
    qn_buf_text(j->out, isfinite(value) ? qn_single_text(text, value) : "null");
}

void qn_json_bool(qn_json *j, const char *key, bool value)
{
    item(j, key);
    qn_buf_text(j->out, value ? "true" : "false");
}

void qn_json_texts(qn_json *j, const char *key, const char *const *texts, int64_t n)
{
    qn_json_array(j, key);
    for (int64_t i = 0; i < n; i++)
        qn_json_text(j, NULL, texts[i]);
    qn_json_close(j);
}
