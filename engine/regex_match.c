/* SPDX-License-Identifier: Apache-2.0 */
/* engine/regex_match.c - runs a program over a text, all states side by side.  A state
 * is in a list at most once for each character, which bounds the time. */
#include "engine/letters.h"
#include "engine/regex_program.h"

#include <string.h>

#define NO_LETTER UINT32_MAX

/* Instructions that wait for a character, and which are in the list. */
typedef struct state_list {
    int *at, n;
    uint8_t *is_in;
} state_list;

size_t qn_regex_scratch(const qn_regex *re)
{
    return (size_t)re->n * (4 * sizeof(int) + 2);
}

static bool in_ranges(const qn_re_set *set, uint32_t c)
{
    for (int i = 0; i < set->n; i++)
        if (c >= set->ranges[i].lo && c <= set->ranges[i].hi) return true;
    return false;
}

static bool in_set(const qn_re_set *set, uint32_t c)
{
    bool found = in_ranges(set, c);
    if (!found && set->any_case)
        found =
            in_ranges(set, qn_letter_lower(c)) || in_ranges(set, qn_letter_upper(c));
    return found != set->negated;
}

static bool is_word(uint32_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (c >= 'a' && c <= 'z');
}

/* before and after: the characters around the place; NO_LETTER at the ends. */
static bool holds(uint8_t place, uint32_t before, uint32_t after)
{
    switch (place) {
    case QN_RE_TEXT_BEGIN:
        return before == NO_LETTER;
    case QN_RE_TEXT_END:
        return after == NO_LETTER;
    case QN_RE_LINE_BEGIN:
        return before == NO_LETTER || before == '\n';
    case QN_RE_LINE_END:
        return after == NO_LETTER || after == '\n';
    case QN_RE_WORD_EDGE:
        return is_word(before) != is_word(after);
    default:
        return is_word(before) == is_word(after);
    }
}

/* Adds all instructions reachable from start without a character.  stack: 2n ints,
 * since an instruction is pushed at most once for each of its two predecessors' arms.
 */
static void add_states(const qn_regex *re, state_list *list, int start, uint32_t before,
                       uint32_t after, int *stack)
{
    int depth = 0;
    stack[depth++] = start;
    while (depth > 0) {
        int at = stack[--depth];
        const qn_re_instr *i = &re->code[at];
        if (list->is_in[at]) continue;
        list->is_in[at] = 1;
        if (i->op == QN_RE_SET || i->op == QN_RE_MATCH)
            list->at[list->n++] = at;
        else if (i->op == QN_RE_SPLIT)
            stack[depth++] = i->y;
        if (i->op == QN_RE_SPLIT || i->op == QN_RE_JUMP)
            stack[depth++] = i->x;
        else if (i->op == QN_RE_ASSERT && holds(i->place, before, after))
            stack[depth++] = at + 1;
    }
}

bool qn_regex_full_match(const qn_regex *re, const qn_str *text, void *scratch)
{
    size_t n = (size_t)re->n, length = 0, next_length = 0;
    int *ints = scratch, *stack = ints + 2 * n;
    uint8_t *flags = (uint8_t *)(ints + 4 * n);
    state_list now = {.at = ints, .is_in = flags};
    state_list next = {.at = ints + n, .is_in = flags + n};
    uint32_t c = NO_LETTER;
    if (text->n) c = qn_letter_read(text->p, text->n, &length);
    memset(flags, 0, 2 * n);
    add_states(re, &now, 0, NO_LETTER, c, stack);
    for (size_t at = 0; at < text->n && now.n > 0; at += length, length = next_length) {
        uint32_t after = NO_LETTER;
        if (at + length < text->n)
            after = qn_letter_read(text->p + at + length, text->n - at - length,
                                   &next_length);
        next.n = 0;
        memset(next.is_in, 0, n);
        for (int k = 0; k < now.n; k++) {
            const qn_re_instr *i = &re->code[now.at[k]];
            if (i->op == QN_RE_SET && in_set(&i->set, c))
                add_states(re, &next, now.at[k] + 1, c, after, stack);
        }
        state_list old = now;
        now = next;
        next = old;
        c = after;
    }
    for (int k = 0; k < now.n; k++)
        if (re->code[now.at[k]].op == QN_RE_MATCH) return true;
    return false;
}
