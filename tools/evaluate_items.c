/* SPDX-License-Identifier: Apache-2.0 */
/* tools/evaluate_items.c - which items of a set are evaluated, and which class of the
 * model each class of the set is; see evaluate.h. */
#include "tools/evaluate.h"

#include <stdio.h>
#include <string.h>

/* ---- items ----------------------------------------------------------------------- */

static int64_t count_split(const qn_dataset *set, qn_split split)
{
    int64_t n = 0;
    for (int64_t i = 0; i < set->n; i++)
        n += set->split[i] == split;
    return n;
}

static const char *split_list(const qn_dataset *set, char text[64])
{
    size_t n = 0;
    for (int s = QN_SPLIT_TRAIN; s <= QN_SPLIT_TEST; s++)
        if (count_split(set, (qn_split)s) > 0)
            n += (size_t)snprintf(text + n, 64 - n, "%s%s", n ? ", " : "",
                                  qn_split_name((qn_split)s));
    return n ? text : "none";
}

quern_status qn_evaluate_choose(const qn_dataset *set, qn_split split, bool all,
                                qn_arena *arena, qn_evaluation *e, quern_error *err)
{
    char there[64];
    void *items;
    int64_t n = 0;
    if (!all && split == QN_SPLIT_NONE) {
        split = count_split(set, QN_SPLIT_TEST) ? QN_SPLIT_TEST : QN_SPLIT_VAL;
        all = count_split(set, split) == 0;
    }
    QN_TRY(qn_arena_array(arena, (size_t)set->n, sizeof *e->item, &items, err));
    for (int64_t i = 0; i < set->n; i++)
        if (all || set->split[i] == split) ((int64_t *)items)[n++] = i;
    if (n == 0)
        return qn_fail(err, QUERN_INVALID, "%s: no item is in split %s; there are: %s",
                       set->path, qn_split_name(split), split_list(set, there));
    e->split = all ? "all" : qn_split_name(split);
    e->item = items;
    e->predictions.n = n;
    return QUERN_OK;
}

/* ---- classes --------------------------------------------------------------------- */

/* Whether the classes are called 0, 1, 2, ...: formats do so that know no names. */
static bool is_numbered(const qn_dataset *set)
{
    char number[QN_CLASS_TEXT];
    for (int k = 0; k < set->n_classes; k++) {
        snprintf(number, sizeof number, "%d", k);
        if (strcmp(set->classes[k], number) != 0) return false;
    }
    return true;
}

static int find(const char *name, const char *const *classes, int n)
{
    for (int k = 0; k < n; k++)
        if (!strcmp(name, classes[k])) return k;
    return -1;
}

/* "cat, dog, ... (1000 in all)" */
static const char *class_list(const char *const *classes, int n, char text[256])
{
    size_t at = 0;
    int k = 0;
    for (; k < n && at + strlen(classes[k]) < 200; k++)
        at += (size_t)snprintf(text + at, 256 - at, "%s%s", k ? ", " : "", classes[k]);
    if (k < n) snprintf(text + at, 256 - at, "%s... (%d in all)", k ? ", " : "", n);
    return text;
}

static quern_status by_index(const qn_dataset *set, const char *const *classes, int n,
                             int32_t *map, quern_error *err)
{
    if (classes && set->n_classes > n)
        return qn_fail(err, QUERN_INVALID, "%s has %d classes, the model %d", set->path,
                       set->n_classes, n);
    for (int k = 0; k < set->n_classes; k++)
        map[k] = k;
    return QUERN_OK;
}

quern_status qn_evaluate_match(const qn_dataset *set, const char *const *classes, int n,
                               qn_arena *arena, int32_t **map, bool *is_by_index,
                               quern_error *err)
{
    char ours[256], theirs[256];
    void *room;
    int n_found = 0;
    QN_TRY(qn_arena_array(arena, (size_t)set->n_classes, sizeof **map, &room, err));
    *map = room;
    *is_by_index = false;
    for (int k = 0; classes && k < set->n_classes; k++) {
        (*map)[k] = find(set->classes[k], classes, n);
        n_found += (*map)[k] >= 0;
    }
    if (n_found == set->n_classes) return QUERN_OK;
    if (!classes || (n_found == 0 && is_numbered(set))) {
        *is_by_index = true;
        return by_index(set, classes, n, *map, err);
    }
    for (int k = 0; k < set->n_classes; k++)
        if ((*map)[k] < 0)
            return qn_fail(err, QUERN_INVALID,
                           "class '%s' of %s is none of the model's; the set has %s; "
                           "the model has %s",
                           set->classes[k], set->path,
                           class_list(set->classes, set->n_classes, theirs),
                           class_list(classes, n, ours));
    return QUERN_OK;
}
