/* SPDX-License-Identifier: Apache-2.0 */
/* formats/json_tree.h - JSON text as a tree in an arena: the one reader of JSON, for
 * files of others as for our own.  Jansson reads it, which only json_tree.c sees; what
 * it may take is bounded before by the arena's budget.
 *
 * RFC 8259, at most 64 deep, 256 MiB long and 4 Mi values, strict UTF-8 without zero
 * characters, no member of an object twice. */
#ifndef QN_FORMATS_JSON_TREE_H
#define QN_FORMATS_JSON_TREE_H

#include "engine/mem.h"

typedef enum qn_tree_kind {
    QN_TREE_NULL,
    QN_TREE_BOOL,
    QN_TREE_NUMBER,
    QN_TREE_TEXT,
    QN_TREE_LIST,
    QN_TREE_OBJECT
} qn_tree_kind;

typedef struct qn_tree {
    qn_tree_kind kind;
    const char *key;  /* of a member of an object; else NULL */
    double number;    /* QN_TREE_BOOL: 0 or 1 */
    const char *text; /* UTF-8, zero-ended; of a number its shortest spelling */
    int n;            /* items or members; bytes of that spelling */
    struct qn_tree *first, *next;
} qn_tree;

/* The value that p[n] is.  Errors say "column C: " (bytes of p from 1). */
quern_status qn_tree_parse(qn_arena *arena, const char *p, size_t n,
                           const qn_tree **root, quern_error *err);
/* The member of that name, or NULL; tree may be NULL or no object. */
const qn_tree *qn_tree_get(const qn_tree *tree, const char *key);
/* Whether it is a whole number, exactly; tree may be NULL. */
bool qn_tree_int(const qn_tree *tree, int64_t *out);
/* Its number, or NaN; its text, or what is otherwise said. */
double qn_tree_real(const qn_tree *tree, const char *key);
const char *qn_tree_text(const qn_tree *tree, const char *key, const char *otherwise);

#endif
