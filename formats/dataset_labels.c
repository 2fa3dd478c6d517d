/* SPDX-License-Identifier: Apache-2.0 */
/* formats/dataset_labels.c - see dataset_labels.h. */
#include "formats/dataset_labels.h"

#include "engine/text.h"

#include <stdio.h>
#include <string.h>

void qn_item_labels_init(qn_item_labels *l, qn_dataset *set)
{
    *l = (qn_item_labels){.set = set, .names = {.arena = &set->arena}};
}

static quern_status make_room(qn_item_labels *l, quern_error *err)
{
    const size_t n = (size_t)l->n, room = n ? 2 * n : 256;
    if (l->n < l->room) return QUERN_OK;
    QN_TRY(qn_list_grow(&l->set->arena, &l->name, n, room, sizeof *l->name, err));
    QN_TRY(qn_list_grow(&l->set->arena, &l->number, n, room, sizeof *l->number, err));
    l->room = (int64_t)room;
    return QUERN_OK;
}

quern_status qn_item_labels_add(qn_item_labels *l, const char *text, int64_t number,
                                quern_error *err)
{
    int64_t index = -1;
    QN_TRY(make_room(l, err));
    if (text && number < 0 &&
        (!qn_text_to_int(text, strlen(text), &number) || number >= QN_MAX_CLASSES))
        number = -1;
    if (text) QN_TRY(qn_names_add(&l->names, text, strlen(text), &index, err));
    l->name[l->n] = (int32_t)index;
    l->number[l->n++] = number < 0 || number >= QN_MAX_CLASSES ? -1 : (int32_t)number;
    return QUERN_OK;
}

/* ---- numbers ---- */

static bool are_numbers(const qn_item_labels *l)
{
    for (int64_t i = 0; i < l->n; i++)
        if (l->number[i] < 0) return false;
    return true;
}

/* Calls classes by the names that came with their numbers.  false: some number has
 * none or two, or two have one. */
static bool take_names(const qn_item_labels *l, const char **classes, int n,
                       int32_t *named)
{
    for (int64_t i = 0; i < l->n; i++) {
        const int32_t c = l->number[i], name = l->name[i];
        if (name < 0) return false;
        if (classes[c] && classes[c] != l->names.text[name]) return false;
        if (named[name] && named[name] != c + 1) return false;
        classes[c] = l->names.text[name];
        named[name] = c + 1;
    }
    (void)n;
    return true;
}

/* Numbers that no item has are called by themselves. */
static quern_status fill_gaps(qn_item_labels *l, const char **classes, int n,
                              quern_error *err)
{
    char text[32];
    for (int c = 0; c < n; c++) {
        if (classes[c]) continue;
        const int length = snprintf(text, sizeof text, "%d", c);
        if (qn_names_find(&l->names, text, (size_t)length) >= 0)
            snprintf(text, sizeof text, "class %d", c);
        QN_TRY(qn_arena_text(&l->set->arena, text, strlen(text), &classes[c], err));
    }
    return QUERN_OK;
}

static quern_status name_numbers(qn_item_labels *l, quern_error *err)
{
    qn_dataset *set = l->set;
    qn_arena scratch;
    void *named, *classes;
    QN_TRY(qn_set_number_classes(set, err));
    if (l->names.n == 0) return QUERN_OK;
    qn_arena_init(&scratch, set->arena.mem);
    quern_status status =
        qn_arena_array(&scratch, (size_t)l->names.n, sizeof(int32_t), &named, err);
    if (status == QUERN_OK)
        status = qn_arena_array(&set->arena, (size_t)set->n_classes,
                                sizeof *set->classes, &classes, err);
    if (status == QUERN_OK && take_names(l, classes, set->n_classes, named)) {
        status = fill_gaps(l, classes, set->n_classes, err);
        set->classes = classes;
    }
    qn_arena_done(&scratch);
    return status;
}

/* ---- names ---- */

/* Labels are indices of names; the names of the file come in its order, others are no
 * classes. */
static quern_status order_names(qn_item_labels *l, const char *path, quern_error *err)
{
    qn_dataset *set = l->set;
    qn_names known = {.arena = &set->arena};
    int64_t index;
    for (int c = 0; c < set->n_classes; c++)
        QN_TRY(qn_names_keep(&known, set->classes[c], &index, err));
    for (int64_t i = 0; i < set->n; i++) {
        const char *name = l->names.text[set->label[i]];
        const int64_t c = qn_names_find(&known, name, strlen(name));
        if (c < 0)
            return qn_fail(err, QUERN_FORMAT, "%s: it does not name the class '%s'",
                           path, name);
        set->label[i] = (int32_t)c;
    }
    return QUERN_OK;
}

quern_status qn_item_labels_end(qn_item_labels *l, const char *path, quern_error *err)
{
    qn_dataset *set = l->set;
    bool found = false;
    const bool is_numbered = are_numbers(l);
    for (int64_t i = 0; i < set->n; i++) {
        set->label[i] = is_numbered ? l->number[i] : l->name[i];
        if (set->label[i] < 0)
            return qn_fail(err, QUERN_FORMAT,
                           "some items have a number as label, others a name");
    }
    if (is_numbered && path) QN_TRY(qn_set_read_classes(set, path, &found, err));
    if (is_numbered) return found ? QUERN_OK : name_numbers(l, err);
    if (path && qn_file_is_there(path)) {
        for (int64_t i = 0; i < set->n; i++)
            set->label[i] = -1; /* which need no class yet */
        QN_TRY(qn_set_read_classes(set, path, &found, err));
        for (int64_t i = 0; i < set->n; i++)
            set->label[i] = l->name[i];
        return order_names(l, path, err);
    }
    return qn_set_sort_classes(set, &l->names, err);
}
