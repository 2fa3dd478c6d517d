/* SPDX-License-Identifier: Apache-2.0 */
/* engine/regex_code.c - tree to program; once to count, once to write. */
#include "engine/regex_program.h"

#define MAX_CODE 20000 /* instructions */

typedef struct coder {
    qn_re_instr *code; /* NULL: only counts */
    int n;
} coder;

/* The number of a new instruction; counting stops just above the limit. */
static int emit(coder *c, qn_re_instr i)
{
    if (c->n > MAX_CODE) return c->n;
    if (c->code) c->code[c->n] = i;
    return c->n++;
}

static void code_node(coder *c, const qn_re_node *node);

static void code_alt(coder *c, const qn_re_node *first)
{
    if (!first->next) {
        code_node(c, first);
        return;
    }
    int jumps = -1; /* chained through x until the end is known */
    for (const qn_re_node *k = first; k; k = k->next) {
        int split = k->next ? emit(c, (qn_re_instr){.op = QN_RE_SPLIT}) : -1;
        code_node(c, k);
        if (!k->next) break;
        jumps = emit(c, (qn_re_instr){.op = QN_RE_JUMP, .x = jumps});
        if (!c->code || c->n > MAX_CODE) continue;
        c->code[split].x = split + 1;
        c->code[split].y = c->n;
    }
    while (c->code && c->n <= MAX_CODE && jumps >= 0) {
        int before = c->code[jumps].x;
        c->code[jumps].x = c->n;
        jumps = before;
    }
}

static void code_repeat(coder *c, const qn_re_node *node)
{
    for (int k = 0; k < node->min && c->n <= MAX_CODE; k++) {
        int before = c->n;
        code_node(c, node->child);
        if (c->n == before) break; /* nothing, however often */
    }
    int times = node->max < 0 ? 1 : node->max - node->min;
    for (int k = 0; k < times && c->n <= MAX_CODE; k++) {
        int split = emit(c, (qn_re_instr){.op = QN_RE_SPLIT});
        code_node(c, node->child);
        if (node->max < 0) emit(c, (qn_re_instr){.op = QN_RE_JUMP, .x = split});
        if (!c->code || c->n > MAX_CODE) continue;
        c->code[split].x = split + 1;
        c->code[split].y = c->n;
    }
}

static void code_node(coder *c, const qn_re_node *node)
{
    if (node->kind == QN_RE_NODE_SET)
        emit(c, (qn_re_instr){.op = QN_RE_SET, .set = node->set});
    else if (node->kind == QN_RE_NODE_PLACE)
        emit(c, (qn_re_instr){.op = QN_RE_ASSERT, .place = node->place});
    else if (node->kind == QN_RE_NODE_ALT)
        code_alt(c, node->child);
    else if (node->kind == QN_RE_NODE_REPEAT)
        code_repeat(c, node);
    else
        for (const qn_re_node *k = node->child; k && c->n <= MAX_CODE; k = k->next)
            code_node(c, k);
}

quern_status qn_regex_code(qn_arena *arena, const qn_re_node *tree, qn_regex **out,
                           quern_error *err)
{
    void *re, *code;
    coder c = {0};
    code_node(&c, tree);
    emit(&c, (qn_re_instr){.op = QN_RE_MATCH});
    if (c.n > MAX_CODE)
        return qn_fail(err, QUERN_LIMIT, "pattern needs more than %d instructions",
                       MAX_CODE);
    QN_TRY(qn_arena_alloc(arena, sizeof(qn_regex), &re, err));
    QN_TRY(qn_arena_array(arena, (size_t)c.n, sizeof(qn_re_instr), &code, err));
    c = (coder){.code = code};
    code_node(&c, tree);
    emit(&c, (qn_re_instr){.op = QN_RE_MATCH});
    *out = re;
    **out = (qn_regex){.code = code, .n = c.n};
    return QUERN_OK;
}
