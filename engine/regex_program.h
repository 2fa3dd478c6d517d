/* SPDX-License-Identifier: Apache-2.0 */
/* engine/regex_program.h - the program a pattern becomes; shared by the parser
 * (regex.c), the compiler (regex_code.c) and the machine (regex_match.c). */
#ifndef QN_ENGINE_REGEX_PROGRAM_H
#define QN_ENGINE_REGEX_PROGRAM_H

#include "engine/regex.h"

typedef struct qn_re_range {
    uint32_t lo, hi;
} qn_re_range;

/* A set of characters: ranges, or what lies outside them. */
typedef struct qn_re_set {
    const qn_re_range *ranges;
    int n;
    bool negated, any_case;
} qn_re_set;

typedef enum qn_re_op {
    QN_RE_SET,   /* one character of the set, then on */
    QN_RE_SPLIT, /* to x and to y */
    QN_RE_JUMP,  /* to x */
    QN_RE_ASSERT,
    QN_RE_MATCH
} qn_re_op;

typedef enum qn_re_place {
    QN_RE_TEXT_BEGIN,
    QN_RE_TEXT_END,
    QN_RE_LINE_BEGIN,
    QN_RE_LINE_END,
    QN_RE_WORD_EDGE,
    QN_RE_NO_WORD_EDGE
} qn_re_place;

/* The tree between pattern and program. */
typedef enum qn_re_kind {
    QN_RE_NODE_SET,
    QN_RE_NODE_PLACE,
    QN_RE_NODE_CAT,
    QN_RE_NODE_ALT,
    QN_RE_NODE_REPEAT
} qn_re_kind;

typedef struct qn_re_node qn_re_node;
struct qn_re_node {
    qn_re_kind kind;
    uint8_t place;
    qn_re_set set;
    int min, max;             /* QN_RE_NODE_REPEAT; max -1: no limit */
    qn_re_node *child, *next; /* first child; next sibling */
};

typedef struct qn_re_instr {
    uint8_t op;    /* qn_re_op */
    uint8_t place; /* qn_re_place, of ASSERT */
    int x, y;
    qn_re_set set;
} qn_re_instr;

struct qn_regex {
    qn_re_instr *code;
    int n;
};

quern_status qn_regex_code(qn_arena *arena, const qn_re_node *tree, qn_regex **out,
                           quern_error *err);

#endif
