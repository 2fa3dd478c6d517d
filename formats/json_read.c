/* SPDX-License-Identifier: Apache-2.0 */
/* formats/json_read.c - see json_read.h. */
#include "formats/json_read.h"

#include "engine/text.h"
#include "formats/json_tree.h"

#include <string.h>

/* The name in an item: the string itself, or the last of an array. */
static const char *name_of(const qn_tree *item)
{
    if (item->kind == QN_TREE_LIST && item->n > 0)
        for (item = item->first; item->next;)
            item = item->next;
    return item->kind == QN_TREE_TEXT ? item->text : NULL;
}

/* Where a member stands in the list: its key; an item: behind the one before. */
static bool place_of(const qn_tree *item, int n, int next, int *out)
{
    int64_t place = next;
    if (item->key && !qn_text_to_int(item->key, strlen(item->key), &place))
        return false;
    *out = (int)place;
    return place >= 0 && place < n;
}

static quern_status take_names(const qn_tree *root, const char **list, quern_error *err)
{
    int next = 0, place;
    for (const qn_tree *item = root->first; item; item = item->next, next++) {
        const char *name = name_of(item);
        if (!place_of(item, root->n, next, &place) || list[place])
            return qn_fail(err, QUERN_FORMAT,
                           "JSON list of names: key '%.20s' is none of 0 to %d, each "
                           "once",
                           item->key, root->n - 1);
        if (!name)
            return qn_fail(err, QUERN_FORMAT,
                           "JSON list of names: item %d is no string", place);
        list[place] = name;
    }
    return QUERN_OK;
}

quern_status qn_json_names(qn_arena *arena, const char *text, size_t n,
                           const char *const **names, int *n_names, quern_error *err)
{
    const qn_tree *root;
    void *list;
    const quern_status status = qn_tree_parse(arena, text, n, &root, err);
    if (status != QUERN_OK) qn_within(err, "JSON list of names");
    QN_TRY(status);
    if (root->kind != QN_TREE_LIST && root->kind != QN_TREE_OBJECT)
        return qn_fail(err, QUERN_FORMAT,
                       "JSON list of names: it is neither array nor object");
    QN_TRY(qn_arena_array(arena, (size_t)root->n + 1, sizeof **names, &list, err));
    QN_TRY(take_names(root, list, err));
    *names = list;
    *n_names = root->n;
    return QUERN_OK;
}

/* A value as text, numbers as they are spelled; false for arrays and objects. */
static quern_status value_text(qn_arena *arena, const qn_tree *v, const char **out,
                               quern_error *err)
{
    *out = NULL;
    if (v->kind == QN_TREE_TEXT) *out = v->text;
    if (v->kind == QN_TREE_BOOL) *out = v->number != 0 ? "true" : "false";
    if (v->kind == QN_TREE_NUMBER)
        return qn_arena_text(arena, v->text, (size_t)v->n, out, err);
    if (v->kind != QN_TREE_LIST && v->kind != QN_TREE_OBJECT) return QUERN_OK;
    return qn_fail(err, QUERN_FORMAT, "'%.60s' is no single value", v->key);
}

quern_status qn_json_pairs(qn_arena *arena, const char *text, size_t n,
                           qn_json_pair_fn *take, void *ctx, quern_error *err)
{
    const qn_tree *root;
    const char *value;
    const quern_status status = qn_tree_parse(arena, text, n, &root, err);
    if (status != QUERN_OK) qn_within(err, "JSON");
    QN_TRY(status);
    if (root->kind != QN_TREE_OBJECT)
        return qn_fail(err, QUERN_FORMAT, "no JSON object");
    for (const qn_tree *v = root->first; v; v = v->next) {
        QN_TRY(value_text(arena, v, &value, err));
        QN_TRY(take(ctx, v->key, value, err));
    }
    return QUERN_OK;
}
