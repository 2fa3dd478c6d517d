/* SPDX-License-Identifier: Apache-2.0 */
/* bench/problem.c - reading and writing problems; see problem.h. */
#include "bench/problem.h"

#include "engine/text.h"

#include <stdio.h>
#include <string.h>

enum { MOST_VALUES = 64 };

/* The numbers a field was given: values[k] of part k, to be combined. */
typedef struct choice {
    int field, at; /* at -1: the part as it is numbered */
    int part, n;
    int64_t value[MOST_VALUES];
} choice;

enum { MOST_CHOICES = 40 };

typedef struct parser {
    const char *text, *p, *end;
    int line;
    bool is_brief;
    qn_problem problem;
    bool is_set[QN_PROBLEM_FIELDS];
    int parts[QN_PROBLEM_FIELDS]; /* numbers given */
    choice choices[MOST_CHOICES];
    int n_choices;
    quern_error *err;
} parser;

static quern_status wrong(const parser *s, const char *at, const char *what,
                          const char *word, size_t n)
{
    char said[64];
    snprintf(said, sizeof said, "%.*s", (int)(n < 40 ? n : 40), word);
    for (char *c = said; *c; c++)
        if ((unsigned char)*c < ' ') *c = '?';
    return qn_fail(s->err, QUERN_INVALID, "line %d, column %d: %s%s%s%s", s->line,
                   (int)(at - s->text) + 1, n ? "'" : "", said, n ? "' " : "", what);
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool at_char(const parser *s, char c)
{
    return s->p < s->end && *s->p == c;
}

static size_t letters(const parser *s)
{
    size_t n = 0;
    while (s->p + n < s->end && is_letter((unsigned char)s->p[n]))
        n++;
    return n;
}

static bool is_word(const char *p, size_t n, const char *word)
{
    return strlen(word) == n && memcmp(p, word, n) == 0;
}

int qn_problem_field_of(const qn_problem_kind *kind, const char *name)
{
    for (int i = 0; kind->fields[i].name; i++)
        if (!strcmp(kind->fields[i].name, name)) return i;
    return -1;
}

/* ---- numbers --------------------------------------------------------------------- */

static quern_status take_number(parser *s, int64_t *out)
{
    const char *from = s->p;
    size_t n = 0;
    while (s->p + n < s->end && is_digit((unsigned char)s->p[n]))
        n++;
    if (n == 0)
        return wrong(s, s->p, "stands where a number should be", s->p,
                     s->p < s->end ? 1 : 0);
    if (!qn_text_to_int(from, n, out) || *out > (INT64_C(1) << 40))
        return wrong(s, from, "is too large a number", from, n);
    s->p += n;
    return QUERN_OK;
}

static quern_status add_value(parser *s, choice *c, int64_t value, const char *at)
{
    if (c->n == MOST_VALUES)
        return wrong(s, at, "is a list of over 64 values", "this", 4);
    c->value[c->n++] = value;
    return QUERN_OK;
}

/* What follows "..": the last value, and +step or *factor. */
static quern_status take_range(parser *s, choice *c, int64_t first, const char *at)
{
    int64_t last, step = 1;
    bool is_factor = false;
    s->p += 2;
    QN_TRY(take_number(s, &last));
    if (at_char(s, '+') || (at_char(s, '*') && s->p + 1 < s->end)) {
        is_factor = *s->p == '*';
        s->p++;
        QN_TRY(take_number(s, &step));
    }
    if (last < first)
        return wrong(s, at, "is a range that ends before it begins", at, 0);
    if (step < (is_factor ? 2 : 1) || (is_factor && first < 1))
        return wrong(s, at, "a range must grow from step to step", at, 0);
    for (int64_t v = first; v <= last; v = is_factor ? v * step : v + step)
        QN_TRY(add_value(s, c, v, at));
    return QUERN_OK;
}

/* 3, 1..64, 1..64+8, 1..4096*2 or {1,2,8}. */
static quern_status take_values(parser *s, choice *c)
{
    const char *at = s->p;
    const bool is_list = at_char(s, '{');
    if (is_list) s->p++;
    for (;;) {
        int64_t v;
        QN_TRY(take_number(s, &v));
        if (s->p + 1 < s->end && s->p[0] == '.' && s->p[1] == '.')
            QN_TRY(take_range(s, c, v, at));
        else
            QN_TRY(add_value(s, c, v, at));
        if (!is_list) return QUERN_OK;
        if (at_char(s, '}')) break;
        if (!at_char(s, ',')) return wrong(s, s->p, "'}' is missing", "", 0);
        s->p++;
    }
    s->p++;
    return QUERN_OK;
}

static quern_status take_numbers(parser *s, int field, int at, const char *name)
{
    const qn_problem_field *f = &s->problem.kind->fields[field];
    if (s->is_set[field] && at < 0)
        return wrong(s, name, "is given twice", f->name, strlen(f->name));
    if (at_char(s, '=')) s->p++; /* n8 or n=8 */
    for (int part = 0;; part++) {
        if (part == f->n || (part > 0 && at >= 0))
            return wrong(s, s->p, "has too many numbers", f->name, strlen(f->name));
        if (s->n_choices == MOST_CHOICES)
            return wrong(s, s->p, "too many fields", "", 0);
        choice *c = &s->choices[s->n_choices++];
        *c = (choice){.field = field, .at = at, .part = part};
        QN_TRY(take_values(s, c));
        for (int i = 0; i < c->n; i++)
            if (c->value[i] < f->least)
                return wrong(s, name, "is too small a number here", f->name,
                             strlen(f->name));
        s->parts[field] = at >= 0 ? f->n : part + 1;
        if (!at_char(s, 'x')) break;
        s->p++;
    }
    s->is_set[field] = true;
    return QUERN_OK;
}

/* ---- fields ---------------------------------------------------------------------- */

static quern_status take_word(parser *s, int field, const char *name)
{
    const qn_problem_field *f = &s->problem.kind->fields[field];
    if (!at_char(s, '=')) return wrong(s, s->p, "'=' is missing", "", 0);
    s->p++;
    const char *at = s->p;
    size_t n = 0;
    while (s->p + n < s->end &&
           (is_letter((unsigned char)s->p[n]) || is_digit((unsigned char)s->p[n])))
        n++;
    int64_t k = 0;
    for (const char *w = f->words; *w; k++) {
        const size_t len = strcspn(w, " ");
        if (len == n && !memcmp(w, at, n)) {
            s->problem.v[field][0] = k;
            s->is_set[field] = true;
            s->p += n;
            return QUERN_OK;
        }
        w += len + (w[len] == ' ');
    }
    (void)name;
    char what[320];
    snprintf(what, sizeof what, "is not known here; %s is one of: %s", f->name,
             f->words);
    return wrong(s, at, what, at, n);
}

static quern_status unknown_field(const parser *s, const char *at, size_t n)
{
    char what[256];
    const qn_problem_kind *kind = s->problem.kind;
    int k =
        snprintf(what, sizeof what,
                 "is no field of %s; it has:", s->is_brief ? kind->brief : kind->name);
    for (const qn_problem_alias *a = kind->aliases; s->is_brief && a && a->name; a++)
        k += snprintf(what + k, sizeof what - (size_t)k, " %s", a->name);
    for (const qn_problem_field *f = kind->fields; !s->is_brief && f->name; f++)
        k += snprintf(what + k, sizeof what - (size_t)k, " %s", f->name);
    if (n == 0) return wrong(s, at, "a field is missing", "", 0);
    return wrong(s, at, what, at, n);
}

/* The longest field name at the front of the letters. */
static int find_field(const parser *s, const char *p, size_t n, int *part)
{
    const qn_problem_kind *kind = s->problem.kind;
    *part = -1;
    for (const qn_problem_alias *a = kind->aliases; s->is_brief && a && a->name; a++)
        if (is_word(p, n, a->name)) {
            *part = a->at;
            return a->field;
        }
    for (int i = 0; kind->fields[i].name; i++)
        if (is_word(p, n, kind->fields[i].name)) return i;
    return -1;
}

static quern_status take_field(parser *s)
{
    const char *at = s->p;
    const size_t n = letters(s);
    int part;
    const int field = find_field(s, at, n, &part);
    if (field < 0) return unknown_field(s, at, n ? n : (size_t)(s->p < s->end));
    s->p += n;
    switch (s->problem.kind->fields[field].type) {
    case QN_FIELD_NUMBERS:
        return take_numbers(s, field, part, at);
    case QN_FIELD_WORD:
        return take_word(s, field, at);
    default:
        s->problem.v[field][0] = 1;
        s->is_set[field] = true;
        return QUERN_OK;
    }
}

/* Fields up to what ends them; commas between them, in short forms '-' or nothing. */
static quern_status take_fields(parser *s)
{
    for (;;) {
        QN_TRY(take_field(s));
        if (s->p == s->end || strchr(":+!@* ", *s->p)) return QUERN_OK;
        if (*s->p == ',' || (s->is_brief && *s->p == '-'))
            s->p++;
        else if (!s->is_brief)
            return wrong(s, s->p, "stands where a comma should be", s->p, 1);
    }
}

/* ---- fields that a sweep file sets ----------------------------------------------- */

/* Past this field and the comma behind it. */
static void skip_field(parser *s)
{
    for (bool is_list = false; s->p < s->end && (is_list || *s->p != ','); s->p++)
        is_list = *s->p == '{' || (is_list && *s->p != '}');
    if (s->p < s->end) s->p++;
}

static quern_status take_set(parser *s)
{
    while (s->p < s->end) {
        int part;
        const int field = find_field(s, s->p, letters(s), &part);
        if (field < 0 || s->is_set[field]) {
            skip_field(s);
            continue;
        }
        QN_TRY(take_field(s));
        if (s->p < s->end && *s->p != ',')
            return wrong(s, s->p, "stands where a comma should be", s->p, 1);
        s->p += s->p < s->end;
    }
    return QUERN_OK;
}

/* What the problem does not say itself and its kind has, the last line of them first.
 */
static quern_status take_sets(parser *s, const qn_problems *list)
{
    const parser own = *s;
    for (int i = list->n_sets - 1; i >= 0; i--) {
        const qn_problem_set *set = &list->sets[i];
        s->text = set->line;
        s->p = set->fields;
        s->end = set->end;
        s->line = set->number;
        s->is_brief = false;
        QN_TRY(take_set(s));
    }
    s->text = own.text;
    s->p = own.p;
    s->end = own.end;
    s->line = own.line;
    return QUERN_OK;
}

/* ---- the parts of a line --------------------------------------------------------- */

static quern_status take_kind(parser *s)
{
    const char *at = s->p;
    size_t n = 0;
    while (s->p + n < s->end &&
           (is_letter((unsigned char)s->p[n]) || is_digit((unsigned char)s->p[n])))
        n++;
    for (int i = 0; qn_problem_kinds[i]; i++) {
        const qn_problem_kind *k = qn_problem_kinds[i];
        s->is_brief = k->brief && is_word(at, n, k->brief);
        if (!s->is_brief && !is_word(at, n, k->name)) continue;
        s->problem.kind = k;
        s->p += n;
        if (!at_char(s, ':'))
            return wrong(s, s->p, "':' and fields are missing", "", 0);
        s->p++;
        return QUERN_OK;
    }
    if (n == 0) return wrong(s, at, "the kind of problem is missing", "", 0);
    return wrong(s, at, "is no kind of problem", at, n);
}

/* :f32 and :nchw of short forms. */
static quern_status take_types(parser *s)
{
    static const char *const known[] = {"f32", "nchw", "nc", "ab"};
    while (at_char(s, ':')) {
        const char *at = ++s->p;
        size_t n = 0;
        bool is_known = false;
        while (s->p + n < s->end && !strchr(":+!@* ", s->p[n]))
            n++;
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
            is_known |= is_word(at, n, known[i]);
        if (!is_known) return wrong(s, at, "is no type or layout known here", at, n);
        s->p += n;
    }
    return QUERN_OK;
}

/* +bias, +add, +relu. */
static quern_status take_posts(parser *s)
{
    const qn_problem_kind *kind = s->problem.kind;
    while (at_char(s, '+')) {
        const char *at = ++s->p;
        const size_t n = letters(s);
        int field = -1;
        int64_t value = 1;
        for (int i = 0; i < 2; i++)
            if (kind->flag_field[i] >= 0 &&
                is_word(at, n, kind->fields[kind->flag_field[i]].name))
                field = kind->flag_field[i];
        if (field < 0 && kind->act_field >= 0) {
            value = 0;
            for (const char *w = kind->fields[kind->act_field].words; *w; value++) {
                const size_t len = strcspn(w, " ");
                if (len == n && !memcmp(w, at, n)) {
                    field = kind->act_field;
                    break;
                }
                w += len + (w[len] == ' ');
            }
        }
        if (field < 0) return wrong(s, at, "cannot follow this kind of problem", at, n);
        s->problem.v[field][0] = value;
        s->is_set[field] = true;
        s->p += n;
    }
    return QUERN_OK;
}

static quern_status take_name(parser *s)
{
    if (at_char(s, '@')) {
        const char *at = ++s->p;
        size_t n = 0;
        while (s->p + n < s->end && s->p[n] != '*' && (unsigned char)s->p[n] > ' ')
            n++;
        if (n == 0) return wrong(s, at, "a name is missing", "", 0);
        if (n >= QN_PROBLEM_NAME) return wrong(s, at, "is too long a name", at, n);
        memcpy(s->problem.name, at, n);
        s->p += n;
    }
    s->problem.count = 1;
    if (at_char(s, '*')) {
        const char *at = ++s->p;
        QN_TRY(take_number(s, &s->problem.count));
        if (s->problem.count < 1) return wrong(s, at, "is too small a count", at, 1);
    }
    while (s->p < s->end && (unsigned char)*s->p <= ' ')
        s->p++;
    if (s->p < s->end)
        return wrong(s, s->p, "is left over", s->p, (size_t)(s->end - s->p));
    return QUERN_OK;
}

/* ---- from fields to problems ----------------------------------------------------- */

/* 3 means 3x3, and 1x2 of a padding 1x2x1x2. */
static void spread(const parser *s, qn_problem *p)
{
    for (int i = 0; p->kind->fields[i].name; i++) {
        const qn_problem_field *f = &p->kind->fields[i];
        if (f->type != QN_FIELD_NUMBERS) continue;
        int given = s->is_set[i] ? s->parts[i] : 0;
        if (given == 0) {
            const int64_t d = f->otherwise;
            const bool is_like = d > QN_NEEDED && d < QN_NEEDED + 1 + QN_PROBLEM_FIELDS;
            p->v[i][0] = is_like ? p->v[d - QN_LIKE(0)][0] : d;
            given = 1;
        }
        for (int k = given; k < f->n; k++)
            p->v[i][k] = p->v[i][given == 3 ? 1 : k % given];
    }
}

static quern_status needed(parser *s)
{
    for (int i = 0; s->problem.kind->fields[i].name; i++) {
        const qn_problem_field *f = &s->problem.kind->fields[i];
        char what[64];
        if (s->is_set[i] || f->otherwise != QN_NEEDED) continue;
        snprintf(what, sizeof what, "field %s is missing", f->name);
        return wrong(s, s->p, what, "", 0);
    }
    return QUERN_OK;
}

/* Every combination of the choices, the last one fastest. */
static quern_status expand(parser *s, qn_problems *list)
{
    int64_t total = 1;
    for (int i = 0; i < s->n_choices; i++) {
        total *= s->choices[i].n;
        if (total > QN_PROBLEM_LIST)
            return wrong(s, s->text, "stands for more than 4096 problems", "it", 2);
    }
    for (int64_t k = 0; k < total; k++) {
        qn_problem p = s->problem;
        int64_t left = k;
        for (int i = s->n_choices - 1; i >= 0; i--) {
            const choice *c = &s->choices[i];
            const int64_t value = c->value[left % c->n];
            left /= c->n;
            if (c->at < 0 || c->at == 0)
                p.v[c->field][c->at < 0 ? c->part : 0] = value;
            else
                p.v[c->field][c->at] = value;
            /* r3 alone says that columns are as rows are. */
            if (c->at == 0 && p.v[c->field][1] == 0) p.v[c->field][1] = value;
        }
        spread(s, &p);
        quern_error why;
        if (p.kind->check && p.kind->check(&p, &why) != QUERN_OK)
            return wrong(s, s->text, why.text, "", 0);
        QN_TRY(qn_problems_add(list, &p, s->err));
    }
    return QUERN_OK;
}

quern_status qn_problems_add(qn_problems *list, const qn_problem *problem,
                             quern_error *err)
{
    if (list->n == list->room) {
        void *more;
        const int room = list->room ? 2 * list->room : 16;
        QN_TRY(qn_arena_array(list->arena, (size_t)room, sizeof *list->p, &more, err));
        if (list->n) memcpy(more, list->p, (size_t)list->n * sizeof *list->p);
        list->p = more;
        list->room = room;
    }
    list->p[list->n++] = *problem;
    return QUERN_OK;
}

quern_status qn_problem_parse(qn_problems *list, const char *text, size_t n, int line,
                              quern_error *err)
{
    quern_error own;
    parser s = {.text = text, .p = text, .end = text + n, .line = line};
    s.err = err ? err : &own;
    while (s.p < s.end && (*s.p == ' ' || *s.p == '\t'))
        s.p++;
    QN_TRY(take_kind(&s));
    QN_TRY(take_fields(&s));
    QN_TRY(take_types(&s));
    QN_TRY(take_posts(&s));
    QN_TRY(take_name(&s));
    QN_TRY(take_sets(&s, list));
    QN_TRY(needed(&s));
    return expand(&s, list);
}
