/* SPDX-License-Identifier: Apache-2.0 */
/* formats/dataset_classes.c - classes in order, for labels that were met as texts. */
#include "formats/dataset_build.h"

#include "engine/text.h"

#include <stdlib.h>
#include <string.h>

typedef struct class_name {
    const char *text;
    int64_t number; /* -1: a text */
    int32_t was;    /* index in the order of appearance */
} class_name;

static int by_number_and_text(const void *a, const void *b)
{
    const class_name *x = a, *y = b;
    if (x->number != y->number) return x->number < y->number ? -1 : 1;
    return strcmp(x->text, y->text);
}

/* Fills the list with the names in order. */
static void sort_names(const qn_names *names, class_name *classes)
{
    const size_t n = (size_t)names->n;
    bool are_numbers = true;
    for (size_t i = 0; i < n; i++) {
        const char *text = names->text[i];
        classes[i] = (class_name){text, -1, (int32_t)i};
        are_numbers &= qn_text_to_int(text, strlen(text), &classes[i].number);
    }
    for (size_t i = 0; i < n && !are_numbers; i++)
        classes[i].number = -1;
    if (n) qsort(classes, n, sizeof *classes, by_number_and_text);
}

static quern_status sort_classes(qn_dataset *set, const qn_names *names,
                                 qn_arena *scratch, quern_error *err)
{
    const size_t n = (size_t)names->n;
    void *list, *place, *sorted;
    QN_TRY(qn_arena_array(scratch, n, sizeof(class_name), &list, err));
    QN_TRY(qn_arena_array(scratch, n, sizeof(int32_t), &place, err));
    QN_TRY(qn_arena_array(&set->arena, n, sizeof *set->classes, &sorted, err));
    const class_name *classes = list;
    int32_t *new_label = place;
    sort_names(names, list);
    set->classes = sorted;
    set->n_classes = (int)n;
    for (size_t i = 0; i < n; i++) {
        set->classes[i] = classes[i].text;
        new_label[classes[i].was] = (int32_t)i;
    }
    for (int64_t i = 0; i < set->n; i++)
        if (set->label[i] >= 0) set->label[i] = new_label[set->label[i]];
    return QUERN_OK;
}

quern_status qn_set_sort_classes(qn_dataset *set, const qn_names *names,
                                 quern_error *err)
{
    qn_arena scratch;
    if (names->n > QN_MAX_CLASSES)
        return qn_fail(err, QUERN_LIMIT, "%lld different labels; at most %d",
                       (long long)names->n, QN_MAX_CLASSES);
    qn_arena_init(&scratch, set->arena.mem);
    const quern_status status = sort_classes(set, names, &scratch, err);
    qn_arena_done(&scratch);
    return status;
}
