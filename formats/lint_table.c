/* SPDX-License-Identifier: Apache-2.0 */
/* formats/lint_table.c - checks of the table: no picture is read. */
#include "formats/lint.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum {
    FEW = 10,      /* pictures of a class that hardly teach it */
    IMBALANCE = 10 /* times as many pictures as another class has */
};

static int64_t all_of(const qn_lint *l, int class)
{
    const int64_t *n = l->in_class[class];
    return n[0] + n[1] + n[2] + n[3];
}

/* What a network would learn from. */
static int64_t taught_of(const qn_lint *l, int class)
{
    return l->in_class[class][QN_SPLIT_NONE] + l->in_class[class][QN_SPLIT_TRAIN];
}

quern_status qn_lint_refused(qn_lint *l)
{
    const qn_dataset *set = l->set;
    char text[600];
    if (!set->n_rejects) return QUERN_OK;
    QN_TRY(qn_lint_add(l, "refused", QN_ERROR, set->n_rejects,
                       "%d items cannot be read or taken", set->n_rejects));
    for (int i = 0; i < set->n_rejects && i < 5; i++) {
        snprintf(text, sizeof text, "%s: %s", set->rejects[i].item,
                 set->rejects[i].reason);
        QN_TRY(qn_lint_example(l, text));
    }
    return QUERN_OK;
}

static quern_status tell_classes(qn_lint *l, qn_severity severity, const char *what,
                                 bool (*is_it)(const qn_lint *, int))
{
    int n = 0;
    for (int c = 0; c < l->set->n_classes; c++)
        n += is_it(l, c);
    if (!n) return QUERN_OK;
    QN_TRY(qn_lint_add(l, "classes", severity, n, "%d of %d classes %s", n,
                       l->set->n_classes, what));
    for (int c = 0; c < l->set->n_classes; c++)
        if (is_it(l, c)) QN_TRY(qn_lint_example(l, l->set->classes[c]));
    return QUERN_OK;
}

static bool is_empty(const qn_lint *l, int c)
{
    return all_of(l, c) == 0;
}

static bool is_small(const qn_lint *l, int c)
{
    return taught_of(l, c) > 0 && taught_of(l, c) < FEW;
}

quern_status qn_lint_classes(qn_lint *l)
{
    if (l->set->n_classes < 2)
        QN_TRY(qn_lint_add(l, "classes", QN_ERROR, l->set->n_classes,
                           "%d class: there is nothing to tell apart",
                           l->set->n_classes));
    QN_TRY(tell_classes(l, QN_WARNING, "have no pictures", is_empty));
    return tell_classes(l, QN_WARNING, "have fewer than 10 pictures to train on",
                        is_small);
}

static bool is_same_name(const char *a, const char *b)
{
    for (;; a++, b++) {
        while (*a == ' ' || *a == '_' || *a == '-')
            a++;
        while (*b == ' ' || *b == '_' || *b == '-')
            b++;
        if (tolower((uint8_t)*a) != tolower((uint8_t)*b)) return false;
        if (!*a) return true;
    }
}

/* Pairs of classes with the same name; with tells they become examples. */
static quern_status go_through_names(qn_lint *l, bool tells, int64_t *n)
{
    const qn_dataset *set = l->set;
    char text[300];
    for (int a = 0; a < set->n_classes; a++)
        for (int b = a + 1; b < set->n_classes; b++) {
            if (!is_same_name(set->classes[a], set->classes[b])) continue;
            ++*n;
            if (!tells || *n > 5) continue;
            snprintf(text, sizeof text, "'%s', '%s'", set->classes[a], set->classes[b]);
            QN_TRY(qn_lint_example(l, text));
        }
    return QUERN_OK;
}

quern_status qn_lint_class_names(qn_lint *l)
{
    int64_t n = 0, again = 0;
    /* Quadratic, so only where somebody may have typed them. */
    if (l->set->n_classes > 2000) return QUERN_OK;
    QN_TRY(go_through_names(l, false, &n));
    if (!n) return QUERN_OK;
    QN_TRY(qn_lint_add(l, "class-names", QN_WARNING, n,
                       "%lld pairs of classes have nearly the same name",
                       (long long)n));
    return go_through_names(l, true, &again);
}

quern_status qn_lint_balance(qn_lint *l)
{
    int least = -1, most = -1;
    for (int c = 0; c < l->set->n_classes; c++) {
        if (taught_of(l, c) == 0) continue;
        if (least < 0 || taught_of(l, c) < taught_of(l, least)) least = c;
        if (most < 0 || taught_of(l, c) > taught_of(l, most)) most = c;
    }
    if (least < 0 || taught_of(l, most) < IMBALANCE * taught_of(l, least))
        return QUERN_OK;
    return qn_lint_add(
        l, "balance", QN_WARNING, 1,
        "class '%s' has %lld pictures to train on, '%s' has %lld: see train "
        "--class-weights and --sampler",
        l->set->classes[most], (long long)taught_of(l, most), l->set->classes[least],
        (long long)taught_of(l, least));
}

quern_status qn_lint_unlabelled(qn_lint *l)
{
    int64_t n = 0;
    for (int64_t i = 0; i < l->set->n; i++)
        n += l->set->label[i] < 0;
    if (!n) return QUERN_OK;
    QN_TRY(qn_lint_add(l, "unlabelled", QN_WARNING, n, "%lld pictures have no class",
                       (long long)n));
    for (int64_t i = 0, shown = 0; i < l->set->n && shown < 5; i++)
        if (l->set->label[i] < 0) {
            QN_TRY(qn_lint_example_item(l, i));
            shown++;
        }
    return QUERN_OK;
}

/* Bit s of at[g]: group g has pictures in split s. */
quern_status qn_lint_groups(qn_lint *l)
{
    const qn_dataset *set = l->set;
    void *room;
    int n = 0;
    if (!set->group || !set->n_groups) return QUERN_OK;
    QN_TRY(qn_arena_array(l->arena, (size_t)set->n_groups, 1, &room, l->err));
    uint8_t *at = room;
    for (int64_t i = 0; i < set->n; i++)
        if (set->group[i] >= 0) at[set->group[i]] |= (uint8_t)(1u << set->split[i]);
    for (int g = 0; g < set->n_groups; g++)
        n += (at[g] & (at[g] - 1)) != 0;
    if (!n) return QUERN_OK;
    QN_TRY(qn_lint_add(l, "leaking-groups", QN_ERROR, n,
                       "%d of %d groups have pictures in more than one split", n,
                       set->n_groups));
    for (int g = 0; g < set->n_groups; g++)
        if (at[g] & (at[g] - 1)) QN_TRY(qn_lint_example(l, set->groups[g]));
    return QUERN_OK;
}
