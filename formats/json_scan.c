/* SPDX-License-Identifier: Apache-2.0 */
/* formats/json_scan.c - see json_scan.h. */
#include "formats/json_scan.h"

#include <stdbool.h>
#include <string.h>

enum { MAX_DEPTH = 64 };

typedef struct scanner {
    const char *text, *p, *end;
    quern_error *err;
} scanner;

static quern_status wrong(const scanner *s, const char *what)
{
    return qn_fail(s->err, QUERN_FORMAT, "byte %zu of the JSON: %s",
                   (size_t)(s->p - s->text) + 1, what);
}

static void skip_blanks(scanner *s)
{
    while (s->p < s->end && strchr(" \t\r\n", *s->p) && *s->p)
        s->p++;
}

static bool took(scanner *s, char c)
{
    skip_blanks(s);
    if (s->p == s->end || *s->p != c) return false;
    s->p++;
    return true;
}

/* Past a string, from its first quote. */
static quern_status skip_string(scanner *s)
{
    for (s->p++; s->p < s->end && *s->p != '"'; s->p++)
        if (*s->p == '\\' && s->end - s->p > 1) s->p++;
    if (s->p == s->end) return wrong(s, "a string is never closed");
    s->p++;
    return QUERN_OK;
}

/* Past a value: a string, brackets with all between them, or a word. */
static quern_status skip_value(scanner *s)
{
    char closes[MAX_DEPTH];
    int depth = 0;
    const char *from = s->p;
    do {
        skip_blanks(s);
        if (s->p == s->end) return wrong(s, "it ends within a value");
        const char c = *s->p;
        if (c == '"') {
            QN_TRY(skip_string(s));
        } else if (c == '{' || c == '[') {
            if (depth == MAX_DEPTH) return wrong(s, "more than 64 deep");
            closes[depth++] = c == '{' ? '}' : ']';
            s->p++;
        } else if (c == '}' || c == ']') {
            if (!depth || closes[depth - 1] != c)
                return wrong(s, "brackets do not fit");
            depth--;
            s->p++;
        } else if (c == ',' || c == ':') {
            if (!depth) return wrong(s, "no value");
            s->p++;
        } else {
            while (s->p < s->end && *s->p && !strchr(" \t\r\n,:{}[]\"", *s->p))
                s->p++;
            if (s->p < s->end && !*s->p) return wrong(s, "a zero byte");
        }
    } while (depth > 0);
    return s->p > from ? QUERN_OK : wrong(s, "no value");
}

static quern_status take_key(scanner *s, qn_json_span *key)
{
    skip_blanks(s);
    if (s->p == s->end || *s->p != '"') return wrong(s, "a name is missing");
    const char *from = s->p + 1;
    QN_TRY(skip_string(s));
    *key = (qn_json_span){from, (size_t)(s->p - from) - 1};
    return took(s, ':') ? QUERN_OK : wrong(s, "':' is missing");
}

quern_status qn_json_scan(qn_json_span text, qn_json_visit_fn *visit, void *ctx,
                          quern_error *err)
{
    scanner s = {text.p, text.p, text.p + text.n, err};
    const bool is_object = took(&s, '{');
    if (!is_object && !took(&s, '['))
        return wrong(&s, "neither an object nor a list begins");
    const char close = is_object ? '}' : ']';
    if (took(&s, close)) return QUERN_OK;
    do {
        qn_json_span key = {0};
        if (is_object) QN_TRY(take_key(&s, &key));
        skip_blanks(&s);
        const char *from = s.p;
        QN_TRY(skip_value(&s));
        QN_TRY(visit(ctx, key, (qn_json_span){from, (size_t)(s.p - from)}, err));
    } while (took(&s, ','));
    return took(&s, close) ? QUERN_OK
                           : wrong(&s, "',' or the closing bracket is missing");
}
