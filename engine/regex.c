/* SPDX-License-Identifier: Apache-2.0 */
/* engine/regex.c - pattern to tree; regex_code.c makes the program.  The tree lets a
 * part be written several times, which is what x{2,5} means.  Syntax: RE2. */
#include "engine/letters.h"
#include "engine/regex_program.h"

#include <string.h>

#define MAX_DEPTH  100
#define MAX_REPEAT 1000

typedef struct flags {
    bool any_case, lines, dot_all;
} flags;

typedef struct parser {
    qn_arena *arena;
    const qn_str *pattern;
    size_t at;
    int depth;
    bool quoted; /* between \Q and \E */
    flags f;
    quern_error *err;
} parser;

static quern_status parse_alt(parser *p, qn_re_node **out);

static quern_status wrong(parser *p, const char *what)
{
    return qn_fail(p->err, QUERN_INVALID, "pattern: %s at byte %zu of %zu", what, p->at,
                   p->pattern->n);
}

static bool more(const parser *p)
{
    return p->at < p->pattern->n;
}

static bool looking_at(const parser *p, const char *s)
{
    size_t n = strlen(s);
    return p->pattern->n - p->at >= n && memcmp(p->pattern->p + p->at, s, n) == 0;
}

static bool skip(parser *p, const char *s)
{
    if (!looking_at(p, s)) return false;
    p->at += strlen(s);
    return true;
}

static uint32_t take(parser *p)
{
    size_t length;
    uint32_t c = qn_letter_read(p->pattern->p + p->at, p->pattern->n - p->at, &length);
    p->at += length;
    return c;
}

static quern_status new_node(parser *p, qn_re_kind kind, qn_re_node **out)
{
    void *node;
    QN_TRY(qn_arena_alloc(p->arena, sizeof(qn_re_node), &node, p->err));
    *out = node;
    (*out)->kind = kind;
    return QUERN_OK;
}

/* ---- sets of characters ---------------------------------------------------------- */

typedef struct named_set {
    const char *name;
    int n;
    qn_re_range ranges[4];
} named_set;

static const named_set posix_sets[] = {
    {"alnum", 3, {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}},
    {"alpha", 2, {{'A', 'Z'}, {'a', 'z'}}},
    {"ascii", 1, {{0, 0x7f}}},
    {"blank", 2, {{'\t', '\t'}, {' ', ' '}}},
    {"cntrl", 2, {{0, 0x1f}, {0x7f, 0x7f}}},
    {"digit", 1, {{'0', '9'}}},
    {"graph", 1, {{'!', '~'}}},
    {"lower", 1, {{'a', 'z'}}},
    {"print", 1, {{' ', '~'}}},
    {"punct", 4, {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}},
    {"space", 2, {{'\t', '\r'}, {' ', ' '}}},
    {"upper", 1, {{'A', 'Z'}}},
    {"word", 4, {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}},
    {"xdigit", 3, {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}},
};
static const named_set perl_sets[] = {
    {"d", 1, {{'0', '9'}}},
    {"s", 3, {{'\t', '\n'}, {'\f', '\r'}, {' ', ' '}}},
    {"w", 4, {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}},
};

/* Ranges as they are collected. */
typedef struct set_builder {
    qn_re_range *ranges;
    int n, room;
} set_builder;

static quern_status add_range(parser *p, set_builder *b, uint32_t lo, uint32_t hi)
{
    if (b->n == b->room) {
        void *bigger;
        int room = b->room ? 2 * b->room : 4;
        QN_TRY(qn_arena_array(p->arena, (size_t)room, sizeof(qn_re_range), &bigger,
                              p->err));
        if (b->n) memcpy(bigger, b->ranges, (size_t)b->n * sizeof(qn_re_range));
        b->ranges = bigger;
        b->room = room;
    }
    b->ranges[b->n++] = (qn_re_range){lo, hi};
    return QUERN_OK;
}

/* The ranges of a named set, which are in order, or what lies between them. */
static quern_status add_named(parser *p, set_builder *b, const named_set *s,
                              bool negated)
{
    uint32_t from = 0;
    for (int i = 0; i < s->n; i++) {
        qn_re_range r = s->ranges[i];
        if (!negated) QN_TRY(add_range(p, b, r.lo, r.hi));
        if (negated && r.lo > from) QN_TRY(add_range(p, b, from, r.lo - 1));
        from = r.hi + 1;
    }
    return negated ? add_range(p, b, from, UINT32_MAX) : QUERN_OK;
}

/* \d, \S and so on: true if one was there. */
static quern_status take_perl_set(parser *p, set_builder *b, bool *found)
{
    *found = false;
    if (p->at + 1 >= p->pattern->n || p->pattern->p[p->at] != '\\') return QUERN_OK;
    char c = p->pattern->p[p->at + 1];
    if (c == 'p' || c == 'P')
        return qn_fail(p->err, QUERN_UNSUPPORTED, "pattern: Unicode class at byte %zu",
                       p->at);
    for (size_t i = 0; i < sizeof perl_sets / sizeof *perl_sets; i++) {
        char low = perl_sets[i].name[0];
        if (c != low && c != low - 32) continue;
        *found = true;
        p->at += 2;
        return add_named(p, b, &perl_sets[i], c != low);
    }
    return QUERN_OK;
}

static int digit_of(uint32_t c)
{
    if (c >= '0' && c <= '9') return (int)(c - '0');
    if (c >= 'a' && c <= 'f') return (int)(c - 'a') + 10;
    return c >= 'A' && c <= 'F' ? (int)(c - 'A') + 10 : 99;
}

static quern_status take_hex(parser *p, uint32_t *out)
{
    bool braces = skip(p, "{");
    int n = 0;
    *out = 0;
    while (more(p) && n < (braces ? 6 : 2) &&
           digit_of((uint8_t)p->pattern->p[p->at]) < 16) {
        *out = *out * 16 + (uint32_t)digit_of(take(p));
        n++;
    }
    if (n == 0 || (!braces && n < 2) || (braces && !skip(p, "}")) || *out > 0x10ffff)
        return wrong(p, "a wrong hexadecimal character");
    return QUERN_OK;
}

/* A character behind a backslash. */
static quern_status take_escape(parser *p, uint32_t *out)
{
    static const char names[] = "aftnrv", values[] = "\a\f\t\n\r\v";
    if (!more(p)) return wrong(p, "a backslash with nothing behind it");
    uint32_t c = take(p);
    if (c == 'x') return take_hex(p, out);
    const char *known = c && c < 0x80 ? strchr(names, (int)c) : NULL;
    *out = known ? (uint32_t)values[known - names] : c;
    bool octal = more(p) && digit_of((uint8_t)p->pattern->p[p->at]) < 8;
    if (c == '0' || (digit_of(c) < 8 && octal)) { /* up to two more digits */
        *out = c - '0';
        for (int i = 0; i < 2 && more(p) && digit_of((uint8_t)p->pattern->p[p->at]) < 8;
             i++)
            *out = *out * 8 + (uint32_t)digit_of(take(p));
    } else if (!known && (c >= 0x80 || digit_of(c) < 10 || (c >= 'A' && c <= 'Z') ||
                          (c >= 'a' && c <= 'z'))) {
        return wrong(p, "an escape that is not known");
    }
    return QUERN_OK;
}

static quern_status take_set_letter(parser *p, uint32_t *out)
{
    if (!more(p)) return wrong(p, "a set that does not end");
    *out = take(p);
    return *out == '\\' ? take_escape(p, out) : QUERN_OK;
}

/* [:name:] inside a set. */
static quern_status take_posix_set(parser *p, set_builder *b, bool *found)
{
    size_t start = p->at;
    *found = false;
    if (!skip(p, "[:")) return QUERN_OK;
    bool negated = skip(p, "^");
    for (size_t i = 0; i < sizeof posix_sets / sizeof *posix_sets; i++) {
        size_t n = strlen(posix_sets[i].name);
        if (!looking_at(p, posix_sets[i].name)) continue;
        p->at += n;
        *found = skip(p, ":]");
        if (*found) return add_named(p, b, &posix_sets[i], negated);
        p->at -= n;
    }
    p->at = start;
    return wrong(p, "a named set that is not known");
}

static quern_status finish_set(parser *p, const set_builder *b, bool negated,
                               qn_re_node **out)
{
    QN_TRY(new_node(p, QN_RE_NODE_SET, out));
    (*out)->set = (qn_re_set){
        .ranges = b->ranges, .n = b->n, .negated = negated, .any_case = p->f.any_case};
    return QUERN_OK;
}

/* Behind "[". */
static quern_status parse_set(parser *p, qn_re_node **out)
{
    set_builder b = {0};
    bool negated = skip(p, "^"), found;
    for (bool first = true; first || !looking_at(p, "]"); first = false) {
        if (!more(p)) return wrong(p, "a set that does not end");
        QN_TRY(take_posix_set(p, &b, &found));
        if (!found) QN_TRY(take_perl_set(p, &b, &found));
        if (found) continue;
        uint32_t lo, hi;
        QN_TRY(take_set_letter(p, &lo));
        hi = lo;
        if (looking_at(p, "-") && !looking_at(p, "-]")) {
            p->at++;
            QN_TRY(take_set_letter(p, &hi));
        }
        if (hi < lo) return wrong(p, "a range that runs backwards");
        QN_TRY(add_range(p, &b, lo, hi));
    }
    p->at++;
    return finish_set(p, &b, negated, out);
}

/* ---- atoms, repetition, sequence ------------------------------------------------- */

static quern_status letter_node(parser *p, uint32_t c, qn_re_node **out)
{
    set_builder b = {0};
    QN_TRY(add_range(p, &b, c, c));
    return finish_set(p, &b, false, out);
}

static quern_status place_node(parser *p, qn_re_place place, qn_re_node **out)
{
    QN_TRY(new_node(p, QN_RE_NODE_PLACE, out));
    (*out)->place = (uint8_t)place;
    return QUERN_OK;
}

static quern_status parse_escape(parser *p, qn_re_node **out)
{
    set_builder b = {0};
    bool found;
    uint32_t c;
    QN_TRY(take_perl_set(p, &b, &found));
    if (found) return finish_set(p, &b, false, out);
    if (skip(p, "\\A")) return place_node(p, QN_RE_TEXT_BEGIN, out);
    if (skip(p, "\\z")) return place_node(p, QN_RE_TEXT_END, out);
    if (skip(p, "\\b")) return place_node(p, QN_RE_WORD_EDGE, out);
    if (skip(p, "\\B")) return place_node(p, QN_RE_NO_WORD_EDGE, out);
    p->at++;
    QN_TRY(take_escape(p, &c));
    return letter_node(p, c, out);
}

/* "(?" with flags, up to and with ":" or ")"; *whole: they hold for the rest of the
 * group and nothing is grouped. */
static quern_status parse_flags(parser *p, bool *whole)
{
    bool on = true;
    while (more(p)) {
        char c = p->pattern->p[p->at++];
        *whole = c == ')';
        if (c == ':' || c == ')') return QUERN_OK;
        if (c == '-' && on)
            on = false;
        else if (c == 'i')
            p->f.any_case = on;
        else if (c == 'm')
            p->f.lines = on;
        else if (c == 's')
            p->f.dot_all = on;
        else if (c != 'U')
            break;
    }
    return wrong(p, "a group that is not known");
}

/* Behind "(". */
static quern_status parse_group(parser *p, qn_re_node **out)
{
    flags outer = p->f;
    bool whole = false;
    if (p->depth >= MAX_DEPTH) return wrong(p, "too many groups inside each other");
    if (skip(p, "?P<") || skip(p, "?<")) {
        size_t start = p->at;
        while (more(p) && digit_of(take(p)) < 100 && p->pattern->p[p->at - 1] != '>')
            continue;
        if (p->at == start + 1 || p->pattern->p[p->at - 1] != '>')
            return wrong(p, "a group name that does not end");
    } else if (skip(p, "?")) {
        QN_TRY(parse_flags(p, &whole));
    }
    if (whole) return new_node(p, QN_RE_NODE_CAT, out); /* empty */
    p->depth++;
    QN_TRY(parse_alt(p, out));
    p->depth--;
    p->f = outer;
    return skip(p, ")") ? QUERN_OK : wrong(p, "a group that does not end");
}

static int take_number(parser *p)
{
    int n = -1;
    while (more(p) && digit_of((uint8_t)p->pattern->p[p->at]) < 10) {
        n = (n < 0 ? 0 : n) * 10 + digit_of(take(p));
        if (n > MAX_REPEAT) n = MAX_REPEAT + 1;
    }
    return n;
}

/* {n}, {n,} or {n,m}; anything else is text. */
static bool take_counts(parser *p, int *min, int *max)
{
    size_t start = p->at;
    if (skip(p, "{") && (*min = take_number(p)) >= 0) {
        *max = *min;
        if (skip(p, ",")) *max = take_number(p);
        if (skip(p, "}")) return true;
    }
    p->at = start;
    return false;
}

static bool at_repeat(parser *p)
{
    size_t start = p->at;
    int min, max;
    bool counts = take_counts(p, &min, &max);
    p->at = start;
    return counts || looking_at(p, "*") || looking_at(p, "+") || looking_at(p, "?");
}

static quern_status parse_atom(parser *p, qn_re_node **out)
{
    static const qn_re_range line_end = {'\n', '\n'};
    if (p->quoted) return letter_node(p, take(p), out);
    if (looking_at(p, "\\")) return parse_escape(p, out);
    if (skip(p, "[")) return parse_set(p, out);
    if (skip(p, "(")) return parse_group(p, out);
    if (skip(p, "^"))
        return place_node(p, p->f.lines ? QN_RE_LINE_BEGIN : QN_RE_TEXT_BEGIN, out);
    if (skip(p, "$"))
        return place_node(p, p->f.lines ? QN_RE_LINE_END : QN_RE_TEXT_END, out);
    if (skip(p, ".")) {
        QN_TRY(new_node(p, QN_RE_NODE_SET, out));
        (*out)->set = (qn_re_set){
            .ranges = &line_end, .n = p->f.dot_all ? 0 : 1, .negated = true};
        return QUERN_OK;
    }
    if (at_repeat(p)) return wrong(p, "nothing to repeat");
    return letter_node(p, take(p), out);
}

static quern_status parse_repeat(parser *p, qn_re_node **out)
{
    qn_re_node *atom;
    int min = 0, max = -1;
    QN_TRY(parse_atom(p, &atom));
    *out = atom;
    if (p->quoted && !skip(p, "\\E")) return QUERN_OK;
    p->quoted = false;
    if (skip(p, "?"))
        max = 1;
    else if (skip(p, "+"))
        min = 1;
    else if (!skip(p, "*") && !take_counts(p, &min, &max))
        return QUERN_OK;
    skip(p, "?"); /* lazy: the same without captures */
    if (at_repeat(p)) return wrong(p, "a repetition of a repetition");
    if (min > MAX_REPEAT || max > MAX_REPEAT || (max >= 0 && max < min))
        return wrong(p, "a repetition count out of range");
    QN_TRY(new_node(p, QN_RE_NODE_REPEAT, out));
    (*out)->child = atom;
    (*out)->min = min;
    (*out)->max = max;
    return QUERN_OK;
}

static quern_status parse_cat(parser *p, qn_re_node **out)
{
    QN_TRY(new_node(p, QN_RE_NODE_CAT, out));
    qn_re_node **last = &(*out)->child;
    while (more(p) && (p->quoted || (!looking_at(p, "|") && !looking_at(p, ")")))) {
        if (!p->quoted && skip(p, "\\Q")) {
            p->quoted = !skip(p, "\\E");
            continue;
        }
        QN_TRY(parse_repeat(p, last));
        last = &(*last)->next;
    }
    return QUERN_OK;
}

static quern_status parse_alt(parser *p, qn_re_node **out)
{
    QN_TRY(new_node(p, QN_RE_NODE_ALT, out));
    qn_re_node **last = &(*out)->child;
    do {
        QN_TRY(parse_cat(p, last));
        last = &(*last)->next;
    } while (skip(p, "|"));
    return QUERN_OK;
}

quern_status qn_regex_compile(qn_arena *arena, const qn_str *pattern, qn_regex **out,
                              quern_error *err)
{
    parser p = {.arena = arena, .pattern = pattern, .err = err};
    qn_re_node *tree;
    QN_TRY(parse_alt(&p, &tree));
    if (more(&p)) return wrong(&p, "a ')' without '('");
    return qn_regex_code(arena, tree, out, err);
}
