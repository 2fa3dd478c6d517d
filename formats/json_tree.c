/* SPDX-License-Identifier: Apache-2.0 */
/* formats/json_tree.c - see json_tree.h. */
#include "formats/json_tree.h"

#include "engine/letters.h"
#include "engine/text.h"
#include "engine/utf8.h"

#include <math.h>
#include <string.h>

enum { MOST_DEPTH = 64, MOST_BYTES = 256 << 20 };

typedef struct parser {
    qn_arena *arena;
    const char *text, *p, *end;
    int depth;
    quern_error *err;
} parser;

static quern_status take_value(parser *s, qn_tree *out);

static quern_status wrong(const parser *s, const char *what)
{
    return qn_fail(s->err, QUERN_FORMAT, "column %zu: %s", (size_t)(s->p - s->text) + 1,
                   what);
}

static int peek(const parser *s)
{
    return s->p < s->end ? (unsigned char)*s->p : -1;
}

static void skip_blanks(parser *s)
{
    while (s->p < s->end && memchr(" \t\r\n", *s->p, 4))
        s->p++;
}

/* The character, blanks around it skipped. */
static bool took(parser *s, int c)
{
    skip_blanks(s);
    if (peek(s) != c) return false;
    s->p++;
    skip_blanks(s);
    return true;
}

/* ---- strings --------------------------------------------------------------------- */

/* The four digits behind \u. */
static bool take_hex(parser *s, uint32_t *out)
{
    *out = 0;
    if (s->end - s->p < 4) return false;
    for (int i = 0; i < 4; i++) {
        const char *digits = "0123456789abcdefABCDEF";
        const char *at = *s->p ? strchr(digits, *s->p) : NULL;
        if (!at) return false;
        *out = *out << 4 | (uint32_t)(at - digits < 16 ? at - digits : at - digits - 6);
        s->p++;
    }
    return true;
}

/* What stands behind a backslash, written to *to. */
static quern_status take_escape(parser *s, char **to)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    uint32_t c, low;
    const int name = peek(s);
    const char *at = name > 0 ? strchr(names, name) : NULL;
    if (at) {
        *(*to)++ = values[at - names];
        s->p++;
        return QUERN_OK;
    }
    if (name != 'u') return wrong(s, "no such escape");
    s->p++;
    if (!take_hex(s, &c)) return wrong(s, "\\u without four hexadecimal digits");
    if (c >= 0xd800 && c < 0xdc00 && s->end - s->p >= 6 && s->p[0] == '\\' &&
        s->p[1] == 'u') {
        s->p += 2;
        if (!take_hex(s, &low)) return wrong(s, "\\u without four hexadecimal digits");
        if (low < 0xdc00 || low > 0xdfff) return wrong(s, "half of a pair of \\u");
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
    if (c >= 0xd800 && c < 0xe000) return wrong(s, "half of a pair of \\u");
    if (c == 0) return wrong(s, "a zero character in a text");
    *to += qn_letter_write(c, *to);
    return QUERN_OK;
}

/* Behind the opening quote.  What is written is never longer than what is read. */
static quern_status take_string(parser *s, const char **out)
{
    const char *close = s->p;
    void *room;
    while (close < s->end && *close != '"')
        close += *close == '\\' && s->end - close > 1 ? 2 : 1;
    if (close >= s->end) return wrong(s, "a string that does not end");
    QN_TRY(qn_arena_raw(s->arena, (size_t)(close - s->p) + 1, &room, s->err));
    char *to = room;
    while (s->p < close) {
        const size_t n = qn_utf8_length(s->p, (size_t)(close - s->p));
        if (n == 0 || (unsigned char)*s->p < ' ') return wrong(s, "no text");
        if (*s->p == '\\') {
            s->p++;
            QN_TRY(take_escape(s, &to));
            continue;
        }
        memcpy(to, s->p, n);
        to += n;
        s->p += n;
    }
    *to = 0;
    s->p = close + 1;
    *out = room;
    return QUERN_OK;
}

/* ---- the rest -------------------------------------------------------------------- */

static size_t digits_at(const char *p, const char *end)
{
    size_t n = 0;
    while (p + n < end && p[n] >= '0' && p[n] <= '9')
        n++;
    return n;
}

/* -? (0 | [1-9] digits) (. digits)? ([eE] [+-]? digits)? */
static quern_status take_number(parser *s, qn_tree *out)
{
    const char *p = s->p + (*s->p == '-');
    size_t n = digits_at(p, s->end);
    if (n == 0 || (n > 1 && *p == '0')) return wrong(s, "no value");
    p += n;
    if (p < s->end && *p == '.') {
        n = digits_at(++p, s->end);
        if (n == 0) return wrong(s, "no number");
        p += n;
    }
    if (p < s->end && (*p == 'e' || *p == 'E')) {
        p++;
        p += p < s->end && (*p == '+' || *p == '-');
        n = digits_at(p, s->end);
        if (n == 0) return wrong(s, "no number");
        p += n;
    }
    if (!qn_text_to_real(s->p, (size_t)(p - s->p), &out->number))
        return wrong(s, "no number");
    out->text = s->p;
    out->n = (int)(p - s->p);
    s->p = p;
    return QUERN_OK;
}

static quern_status take_word(parser *s, qn_tree *out)
{
    static const char *const words[] = {"null", "false", "true"};
    for (int i = 0; i < 3; i++) {
        const size_t n = strlen(words[i]);
        if ((size_t)(s->end - s->p) < n || memcmp(s->p, words[i], n) != 0) continue;
        out->kind = i ? QN_TREE_BOOL : QN_TREE_NULL;
        out->number = i == 2;
        s->p += n;
        return QUERN_OK;
    }
    return wrong(s, "no value");
}

/* The items of a list or the members of an object, behind its opening bracket. */
static quern_status take_items(parser *s, qn_tree *out)
{
    const bool is_object = out->kind == QN_TREE_OBJECT;
    const int close = is_object ? '}' : ']';
    qn_tree **last = &out->first;
    if (s->depth == MOST_DEPTH) return wrong(s, "more than 64 deep");
    s->depth++;
    if (took(s, close)) {
        s->depth--;
        return QUERN_OK;
    }
    do {
        void *item;
        QN_TRY(qn_arena_alloc(s->arena, sizeof **last, &item, s->err));
        *last = item;
        if (is_object) {
            if (peek(s) != '"') return wrong(s, "a name is missing");
            s->p++;
            QN_TRY(take_string(s, &(*last)->key));
            if (!took(s, ':')) return wrong(s, "':' is missing");
        }
        QN_TRY(take_value(s, *last));
        last = &(*last)->next;
        out->n++;
    } while (took(s, ','));
    s->depth--;
    return took(s, close) ? QUERN_OK
                          : wrong(s, "',' or the closing bracket is missing");
}

static quern_status take_value(parser *s, qn_tree *out)
{
    const int c = peek(s);
    if (c == '{' || c == '[') {
        out->kind = c == '{' ? QN_TREE_OBJECT : QN_TREE_LIST;
        s->p++;
        skip_blanks(s);
        return take_items(s, out);
    }
    if (c == '"') {
        out->kind = QN_TREE_TEXT;
        s->p++;
        return take_string(s, &out->text);
    }
    if (c != '-' && !(c >= '0' && c <= '9')) return take_word(s, out);
    out->kind = QN_TREE_NUMBER;
    return take_number(s, out);
}

quern_status qn_tree_parse(qn_arena *arena, const char *p, size_t n,
                           const qn_tree **root, quern_error *err)
{
    parser s = {.arena = arena, .text = p, .p = p, .end = p + n, .err = err};
    void *value;
    if (n > MOST_BYTES)
        return qn_fail(err, QUERN_LIMIT, "%zu bytes of JSON are more than %d", n,
                       MOST_BYTES);
    QN_TRY(qn_arena_alloc(arena, sizeof(qn_tree), &value, err));
    skip_blanks(&s);
    QN_TRY(take_value(&s, value));
    skip_blanks(&s);
    if (s.p < s.end) return wrong(&s, "something behind the value");
    *root = value;
    return QUERN_OK;
}

const qn_tree *qn_tree_get(const qn_tree *tree, const char *key)
{
    if (!tree || tree->kind != QN_TREE_OBJECT) return NULL;
    for (const qn_tree *t = tree->first; t; t = t->next)
        if (!strcmp(t->key, key)) return t;
    return NULL;
}

bool qn_tree_int(const qn_tree *tree, int64_t *out)
{
    return tree && tree->kind == QN_TREE_NUMBER &&
           qn_text_to_int(tree->text, (size_t)tree->n, out);
}

double qn_tree_real(const qn_tree *tree, const char *key)
{
    const qn_tree *t = qn_tree_get(tree, key);
    return t && t->kind == QN_TREE_NUMBER ? t->number : (double)NAN;
}

const char *qn_tree_text(const qn_tree *tree, const char *key, const char *otherwise)
{
    const qn_tree *t = qn_tree_get(tree, key);
    return t && t->kind == QN_TREE_TEXT ? t->text : otherwise;
}
