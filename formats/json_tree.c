/* SPDX-License-Identifier: Apache-2.0 */
/* formats/json_tree.c - see json_tree.h.  Jansson reads; what it made is copied into
 * the arena and given back at once.  It takes its memory from malloc, outside any
 * budget, so values are counted before. */
#include "formats/json_tree.h"

#include "engine/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#ifdef QN_HAVE_JANSSON
#include <jansson.h>

enum { MOST_DEPTH = 64, MOST_BYTES = 256 << 20, MOST_VALUES = 4 << 20 };
/* What Jansson takes for a value at most: an empty object with its table, and its place
 * among others. */
enum { VALUE_BYTES = 400 };

/* Counts values, or more; what is no JSON at all Jansson will say. */
static quern_status count_values(const char *p, size_t n, size_t *values,
                                 quern_error *err)
{
    int depth = 0;
    bool in_string = false;
    *values = 1;
    for (size_t i = 0; i < n; i++) {
        if (in_string) {
            if (p[i] == '\\')
                i++;
            else
                in_string = p[i] != '"';
            continue;
        }
        in_string = p[i] == '"';
        *values += p[i] == ',' || p[i] == '[' || p[i] == '{';
        if (p[i] == '[' || p[i] == '{') depth++;
        if (p[i] == ']' || p[i] == '}') depth--;
        if (depth > MOST_DEPTH)
            return qn_fail(err, QUERN_FORMAT, "column %zu: more than %d deep", i + 1,
                           MOST_DEPTH);
    }
    return QUERN_OK;
}

/* Whether there is room for it, without asking for that room. */
static quern_status check_size(const qn_mem *mem, const char *p, size_t n,
                               quern_error *err)
{
    size_t values;
    if (n > MOST_BYTES)
        return qn_fail(err, QUERN_LIMIT, "%zu bytes of JSON are more than %d", n,
                       MOST_BYTES);
    QN_TRY(count_values(p, n, &values, err));
    if (values > MOST_VALUES)
        return qn_fail(err, QUERN_LIMIT, "%zu values of JSON are more than %d", values,
                       MOST_VALUES);
    const size_t need = values * VALUE_BYTES + 2 * n;
    if (mem->budget && need > mem->budget - mem->used)
        return qn_fail(err, QUERN_LIMIT,
                       "%zu values of JSON may need %zu bytes, %zu are left", values,
                       need, mem->budget - mem->used);
    return QUERN_OK;
}

static quern_status copy_value(qn_arena *arena, json_t *from, qn_tree *to,
                               quern_error *err);

/* The next item of *last, which then points to where the one after it goes. */
static quern_status copy_item(qn_arena *arena, json_t *from, const char *key,
                              qn_tree ***last, quern_error *err)
{
    void *room;
    QN_TRY(qn_arena_alloc(arena, sizeof(qn_tree), &room, err));
    qn_tree *item = room;
    if (key) QN_TRY(qn_arena_text(arena, key, strlen(key), &item->key, err));
    QN_TRY(copy_value(arena, from, item, err));
    **last = item;
    *last = &item->next;
    return QUERN_OK;
}

static quern_status copy_items(qn_arena *arena, json_t *from, qn_tree *to,
                               quern_error *err)
{
    qn_tree **last = &to->first;
    if (json_is_array(from)) {
        to->kind = QN_TREE_LIST;
        for (size_t i = 0; i < json_array_size(from); i++, to->n++)
            QN_TRY(copy_item(arena, json_array_get(from, i), NULL, &last, err));
        return QUERN_OK;
    }
    to->kind = QN_TREE_OBJECT;
    for (void *at = json_object_iter(from); at; at = json_object_iter_next(from, at)) {
        QN_TRY(copy_item(arena, json_object_iter_value(at), json_object_iter_key(at),
                         &last, err));
        to->n++;
    }
    return QUERN_OK;
}

static quern_status copy_number(qn_arena *arena, const json_t *from, qn_tree *to,
                                quern_error *err)
{
    char text[QN_REAL_TEXT];
    to->kind = QN_TREE_NUMBER;
    to->number = json_number_value(from);
    if (json_is_integer(from))
        snprintf(text, sizeof text, "%" PRId64, (int64_t)json_integer_value(from));
    else
        qn_real_text(text, to->number);
    to->n = (int)strlen(text);
    return qn_arena_text(arena, text, strlen(text), &to->text, err);
}

static quern_status copy_value(qn_arena *arena, json_t *from, qn_tree *to,
                               quern_error *err)
{
    switch (json_typeof(from)) {
    case JSON_OBJECT:
    case JSON_ARRAY:
        return copy_items(arena, from, to, err);
    case JSON_STRING:
        to->kind = QN_TREE_TEXT;
        return qn_arena_text(arena, json_string_value(from), json_string_length(from),
                             &to->text, err);
    case JSON_INTEGER:
    case JSON_REAL:
        return copy_number(arena, from, to, err);
    case JSON_TRUE:
    case JSON_FALSE:
        to->kind = QN_TREE_BOOL;
        to->number = json_is_true(from);
        return QUERN_OK;
    case JSON_NULL:
        break;
    }
    to->kind = QN_TREE_NULL;
    return QUERN_OK;
}

quern_status qn_tree_parse(qn_arena *arena, const char *p, size_t n,
                           const qn_tree **root, quern_error *err)
{
    void *value;
    json_error_t why;
    QN_TRY(check_size(arena->mem, p, n, err));
    QN_TRY(qn_arena_alloc(arena, sizeof(qn_tree), &value, err));
    json_t *tree = json_loadb(p, n, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &why);
    if (!tree && json_error_code(&why) == json_error_out_of_memory)
        return qn_fail(err, QUERN_MEMORY, "no memory for %zu bytes of JSON", n);
    if (!tree)
        return qn_fail(err, QUERN_FORMAT, "column %d: %s",
                       why.position > 0 ? why.position : 1, why.text);
    const quern_status status = copy_value(arena, tree, value, err);
    json_decref(tree);
    *root = value;
    return status;
}
#else
quern_status qn_tree_parse(qn_arena *arena, const char *p, size_t n,
                           const qn_tree **root, quern_error *err)
{
    (void)arena;
    (void)p;
    (void)n;
    *root = NULL;
    return qn_fail(err, QUERN_UNSUPPORTED,
                   "JSON is not read: this build is without jansson");
}
#endif

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
