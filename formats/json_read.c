/* SPDX-License-Identifier: Apache-2.0 */
/* formats/json_read.c - see json_read.h. */
#include "formats/json_read.h"

#include <string.h>

#ifdef QN_HAVE_JANSSON
#include <jansson.h>

#include <stdio.h>

/* The name in an item: the string itself, or the last of an array. */
static const char *name_of(const json_t *item)
{
    if (json_is_array(item) && json_array_size(item) > 0)
        item = json_array_get(item, json_array_size(item) - 1);
    return json_string_value(item);
}

static const json_t *item_at(const json_t *root, size_t i)
{
    char key[24];
    if (json_is_array(root)) return json_array_get(root, i);
    snprintf(key, sizeof key, "%zu", i);
    return json_object_get(root, key);
}

static quern_status copy_names(qn_arena *arena, const json_t *root,
                               const char *const **names, int *n_names,
                               quern_error *err)
{
    const size_t n =
        json_is_array(root) ? json_array_size(root) : json_object_size(root);
    void *list;
    QN_TRY(qn_arena_array(arena, n + 1, sizeof **names, &list, err));
    for (size_t i = 0; i < n; i++) {
        const char *name = name_of(item_at(root, i));
        if (!name)
            return qn_fail(err, QUERN_FORMAT,
                           "JSON list of names: item %zu is no string", i);
        QN_TRY(qn_arena_text(arena, name, strlen(name), (const char **)list + i, err));
    }
    *names = list;
    *n_names = (int)n;
    return QUERN_OK;
}

quern_status qn_json_names(qn_arena *arena, const char *text, size_t n,
                           const char *const **names, int *n_names, quern_error *err)
{
    json_error_t wrong;
    json_t *root = json_loadb(text, n, JSON_REJECT_DUPLICATES, &wrong);
    if (!root)
        return qn_fail(err, QUERN_FORMAT, "JSON list of names: %s at byte %d",
                       wrong.text, wrong.position);
    const quern_status status = copy_names(arena, root, names, n_names, err);
    json_decref(root);
    return status;
}

/* A value as text; false for arrays and objects. */
static bool value_text(const json_t *v, char room[64], const char **out)
{
    *out = room;
    switch (json_typeof(v)) {
    case JSON_STRING:
        *out = json_string_value(v);
        return true;
    case JSON_INTEGER:
        snprintf(room, 64, "%lld", (long long)json_integer_value(v));
        return true;
    case JSON_REAL:
        snprintf(room, 64, "%.17g", json_real_value(v));
        return true;
    case JSON_NULL:
        *out = NULL;
        return true;
    default:
        snprintf(room, 64, "%s", json_is_true(v) ? "true" : "false");
        return json_is_boolean(v);
    }
}

static quern_status hand_over(qn_arena *arena, json_t *root, qn_json_pair_fn *take,
                              void *ctx, quern_error *err)
{
    const char *key, *text;
    json_t *value;
    if (!json_is_object(root)) return qn_fail(err, QUERN_FORMAT, "no JSON object");
    json_object_foreach(root, key, value)
    {
        char room[64];
        if (!value_text(value, room, &text))
            return qn_fail(err, QUERN_FORMAT, "'%.60s' is no single value", key);
        if (text) QN_TRY(qn_arena_text(arena, text, strlen(text), &text, err));
        QN_TRY(take(ctx, key, text, err));
    }
    return QUERN_OK;
}

quern_status qn_json_pairs(qn_arena *arena, const char *text, size_t n,
                           qn_json_pair_fn *take, void *ctx, quern_error *err)
{
    json_error_t wrong;
    json_t *root = json_loadb(text, n, JSON_REJECT_DUPLICATES, &wrong);
    if (!root)
        return qn_fail(err, QUERN_FORMAT, "JSON: %s at line %d, column %d", wrong.text,
                       wrong.line, wrong.column);
    const quern_status status = hand_over(arena, root, take, ctx, err);
    json_decref(root);
    return status;
}

#else

quern_status qn_json_pairs(qn_arena *arena, const char *text, size_t n,
                           qn_json_pair_fn *take, void *ctx, quern_error *err)
{
    (void)arena, (void)text, (void)n, (void)take, (void)ctx;
    return qn_fail(err, QUERN_UNSUPPORTED,
                   "a JSON file, and this build has no jansson");
}

quern_status qn_json_names(qn_arena *arena, const char *text, size_t n,
                           const char *const **names, int *n_names, quern_error *err)
{
    (void)arena, (void)text, (void)n, (void)names, (void)n_names;
    return qn_fail(err, QUERN_UNSUPPORTED,
                   "a JSON list, and this build has no jansson");
}

#endif
