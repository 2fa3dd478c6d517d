/* SPDX-License-Identifier: Apache-2.0 */
/* formats/dataset_extra.c - see dataset_extra.h. */
#include "formats/dataset_extra.h"

#include "engine/text.h"

#include <string.h>

void qn_extras_init(qn_extras *x, qn_dataset *set)
{
    *x = (qn_extras){.set = set};
    x->columns.arena = x->groups.arena = &set->arena;
}

/* ---- lists as long as the table ---- */

/* Moves a list that is there to `room` items; what is new is zero. */
static quern_status grow(qn_extras *x, void *list, size_t size, size_t room,
                         quern_error *err)
{
    return qn_list_grow(&x->set->arena, list, (size_t)x->room, room, size, err);
}

static quern_status make_room(qn_extras *x, int64_t item, quern_error *err)
{
    qn_dataset *set = x->set;
    size_t room = x->room ? 2 * (size_t)x->room : 256;
    if (item < x->room) return QUERN_OK;
    if (room <= (size_t)item) room = (size_t)item + 1;
    if (set->group) {
        QN_TRY(grow(x, &set->group, sizeof *set->group, room, err));
        for (size_t i = (size_t)x->room; i < room; i++)
            set->group[i] = -1;
    }
    if (set->weight) {
        QN_TRY(grow(x, &set->weight, sizeof *set->weight, room, err));
        for (size_t i = (size_t)x->room; i < room; i++)
            set->weight[i] = 1;
    }
    for (int c = 0; c < set->n_columns; c++)
        QN_TRY(grow(x, &set->columns[c].text, sizeof(char *), room, err));
    x->room = (int64_t)room;
    return QUERN_OK;
}

static quern_status begin_groups(qn_extras *x, quern_error *err)
{
    void *room;
    QN_TRY(qn_arena_array(&x->set->arena, (size_t)x->room, sizeof *x->set->group, &room,
                          err));
    x->set->group = room;
    for (int64_t i = 0; i < x->room; i++)
        x->set->group[i] = -1;
    return QUERN_OK;
}

static quern_status begin_weights(qn_extras *x, quern_error *err)
{
    void *room;
    QN_TRY(qn_arena_array(&x->set->arena, (size_t)x->room, sizeof *x->set->weight,
                          &room, err));
    x->set->weight = room;
    for (int64_t i = 0; i < x->room; i++)
        x->set->weight[i] = 1;
    return QUERN_OK;
}

/* Index of the column, which is added when it is new; -1: there are too many. */
static quern_status find_column(qn_extras *x, const char *key, int64_t *column,
                                quern_error *err)
{
    qn_dataset *set = x->set;
    void *room;
    *column = qn_names_find(&x->columns, key, strlen(key));
    if (*column >= 0 || x->columns.n == QN_MAX_COLUMNS) return QUERN_OK;
    if (!set->columns) {
        QN_TRY(qn_arena_array(&set->arena, QN_MAX_COLUMNS, sizeof *set->columns, &room,
                              err));
        set->columns = room;
    }
    QN_TRY(qn_names_add(&x->columns, key, strlen(key), column, err));
    QN_TRY(qn_arena_array(&set->arena, (size_t)x->room, sizeof(char *), &room, err));
    set->columns[*column] = (qn_column){x->columns.text[*column], room};
    set->n_columns = (int)x->columns.n;
    return QUERN_OK;
}

/* ---- pairs ---- */

static bool is_one_of(const char *key, const char *const *list)
{
    for (int i = 0; list[i]; i++)
        if (!strcmp(key, list[i])) return true;
    return false;
}

quern_status qn_extras_put(qn_extras *x, const char *key, const char *text,
                           int64_t item, quern_error *err)
{
    static const char *const group_words[] = {
        "group", "group_id", "patient", "patient_id", "subject", "subject_id", NULL};
    double weight;
    int64_t index;
    QN_TRY(make_room(x, item, err));
    if (is_one_of(key, group_words)) {
        if (!*text) return QUERN_OK;
        if (!x->set->group) QN_TRY(begin_groups(x, err));
        QN_TRY(qn_names_add(&x->groups, text, strlen(text), &index, err));
        x->set->group[item] = (int32_t)index;
        return QUERN_OK;
    }
    if (!strcmp(key, "weight") && qn_text_to_real(text, strlen(text), &weight) &&
        weight >= 0 && weight < 1e30) {
        if (!x->set->weight) QN_TRY(begin_weights(x, err));
        x->set->weight[item] = (float)weight;
        return QUERN_OK;
    }
    QN_TRY(find_column(x, key, &index, err));
    if (index < 0) return QUERN_OK;
    return qn_arena_text(&x->set->arena, text, strlen(text),
                         &x->set->columns[index].text[item], err);
}

quern_status qn_tree_as_text(qn_arena *arena, const qn_tree *value, const char **out,
                             quern_error *err)
{
    char text[QN_REAL_TEXT];
    *out = NULL;
    if (!value) return QUERN_OK;
    switch (value->kind) {
    case QN_TREE_TEXT:
        *out = value->text;
        return QUERN_OK;
    case QN_TREE_NUMBER:
        qn_real_text(text, value->number);
        return qn_arena_text(arena, text, strlen(text), out, err);
    case QN_TREE_BOOL:
        *out = value->number != 0 ? "true" : "false";
        return QUERN_OK;
    default:
        return QUERN_OK;
    }
}

quern_status qn_extras_put_tree(qn_extras *x, const qn_tree *object,
                                const char *const *but, int64_t item, quern_error *err)
{
    qn_arena arena;
    quern_status status = QUERN_OK;
    qn_arena_init(&arena, x->set->arena.mem);
    for (const qn_tree *m = object->first; m && status == QUERN_OK; m = m->next) {
        const char *text;
        if (is_one_of(m->key, but)) continue;
        status = qn_tree_as_text(&arena, m, &text, err);
        if (status == QUERN_OK && text)
            status = qn_extras_put(x, m->key, text, item, err);
    }
    qn_arena_done(&arena);
    return status;
}

quern_status qn_extras_end(qn_extras *x, quern_error *err)
{
    qn_dataset *set = x->set;
    if (set->n > 0) QN_TRY(make_room(x, set->n - 1, err));
    set->groups = x->groups.text;
    set->n_groups = (int)x->groups.n;
    return QUERN_OK;
}
