/* SPDX-License-Identifier: Apache-2.0 */
/* formats/dataset_split.c - which items are for training, choosing and testing.
 *
 * Each unit, an item or a whole group, draws a number from the seed and its name.  In
 * each class the units with the smallest numbers are the test split, the next ones the
 * validation split.  So an item that is added later moves at most the items at the two
 * borders of its class, and the order of items does not matter. */
#include "engine/rng.h"
#include "formats/dataset.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Items that go together. */
typedef struct unit {
    uint64_t draw;
    int64_t first; /* item, to break ties */
    int64_t n;     /* items */
    int32_t class; /* of its first item; 0 when classes do not matter */
    uint8_t split;
} unit;

typedef struct division {
    qn_dataset *set;
    double val, test; /* fractions, resolved */
    int folds, fold;  /* folds 0: none */
    bool is_open[4];  /* items of these splits of the source are divided */
    unit *units;      /* [n_units] */
    int64_t n_units;
    int32_t *unit_of;   /* [n]: unit of an item, -1: it is not divided */
    int32_t *of_group;  /* [n_groups]: its unit + 1 */
    uint8_t *kept_with; /* [n_groups]: split of its items that are not divided */
} division;

/* ---- what is divided ------------------------------------------------------------ */

static quern_status resolve(division *d, const qn_split_plan *plan, quern_error *err)
{
    bool has[4] = {0};
    for (int64_t i = 0; i < d->set->n; i++)
        has[d->set->source_split[i]] = true;
    d->folds = plan->folds > 1 ? plan->folds : 0;
    d->fold = plan->fold;
    d->test = plan->test < 0 || has[QN_SPLIT_TEST] ? 0 : plan->test;
    d->val = plan->val >= 0 ? plan->val : has[QN_SPLIT_TEST] ? 0.05 : 0.15;
    if (has[QN_SPLIT_VAL] || d->folds) d->val = 0;
    d->is_open[QN_SPLIT_NONE] = true;
    d->is_open[QN_SPLIT_TRAIN] = d->val > 0 || d->test > 0 || d->folds;
    d->is_open[QN_SPLIT_VAL] = d->folds;
    if (d->folds && (d->fold < 0 || d->fold >= d->folds))
        return qn_fail(err, QUERN_INVALID, "fold %d; of %d folds there are 0 to %d",
                       d->fold, d->folds, d->folds - 1);
    if (d->val + d->test < 1) return QUERN_OK; /* NaN fails */
    return qn_fail(err, QUERN_INVALID,
                   "%g for validation and %g for testing leave nothing to train on",
                   d->val, d->test);
}

/* ---- units ---------------------------------------------------------------------- */

static uint64_t draw_of(const qn_dataset *set, int64_t i, int32_t group, uint64_t seed)
{
    char room[QN_ITEM_TEXT];
    uint32_t block[4];
    const char *name = group < 0 ? qn_item_name(set, i, room) : set->groups[group];
    const qn_rng rng = qn_rng_make(seed, name, 0);
    qn_rng_block(&rng, 0, block);
    return (uint64_t)block[0] << 32 | block[1];
}

static int32_t group_of(const qn_dataset *set, int64_t i)
{
    return set->group ? set->group[i] : -1;
}

/* Groups of which some items stay where the source has them. */
static void find_kept(division *d)
{
    const qn_dataset *set = d->set;
    for (int64_t i = 0; i < set->n; i++) {
        const int32_t g = group_of(set, i);
        if (g >= 0 && !d->is_open[set->source_split[i]] && !d->kept_with[g])
            d->kept_with[g] = set->source_split[i];
    }
}

/* Item i, which is divided, becomes a unit or joins its group's. */
static void add_item(division *d, int64_t i, const qn_split_plan *plan)
{
    const qn_dataset *set = d->set;
    const int32_t g = group_of(set, i);
    if (g >= 0 && d->of_group[g]) {
        d->unit_of[i] = d->of_group[g] - 1;
        d->units[d->unit_of[i]].n++;
        return;
    }
    d->unit_of[i] = (int32_t)d->n_units;
    d->units[d->n_units++] = (unit){.draw = draw_of(set, i, g, plan->seed),
                                    .first = i,
                                    .n = 1,
                                    .class = plan->stratify ? set->label[i] : 0};
    if (g >= 0) d->of_group[g] = (int32_t)d->n_units;
}

static quern_status make_units(division *d, const qn_split_plan *plan, qn_arena *arena,
                               quern_error *err)
{
    qn_dataset *set = d->set;
    const size_t n = (size_t)set->n, n_groups = (size_t)set->n_groups;
    void *units, *unit_of, *of_group, *kept_with;
    QN_TRY(qn_arena_array(arena, n, sizeof *d->units, &units, err));
    QN_TRY(qn_arena_array(arena, n, sizeof *d->unit_of, &unit_of, err));
    QN_TRY(qn_arena_array(arena, n_groups, sizeof *d->of_group, &of_group, err));
    QN_TRY(qn_arena_array(arena, n_groups, sizeof *d->kept_with, &kept_with, err));
    d->units = units;
    d->unit_of = unit_of;
    d->of_group = of_group;
    d->kept_with = kept_with;
    find_kept(d);
    for (int64_t i = 0; i < set->n; i++) {
        const int32_t g = group_of(set, i);
        d->unit_of[i] = -1;
        set->split[i] = set->source_split[i];
        if (set->split[i] == QN_SPLIT_NONE && g >= 0 && d->kept_with[g])
            set->split[i] = d->kept_with[g];
        else if (d->is_open[set->split[i]])
            add_item(d, i, plan);
    }
    return QUERN_OK;
}

static int by_class_and_draw(const void *a, const void *b)
{
    const unit *x = *(unit *const *)a, *y = *(unit *const *)b;
    if (x->class != y->class) return x->class < y->class ? -1 : 1;
    if (x->draw != y->draw) return x->draw < y->draw ? -1 : 1;
    return x->first < y->first ? -1 : x->first > y->first;
}

/* ---- dividing ------------------------------------------------------------------- */

/* Gives units from *next on to a split until it is nearest to `want` items; at least
 * one unit when any is wanted, and the last unit stays for training. */
static void fill_split(unit **units, int64_t n, int64_t *next, double want,
                       qn_split split)
{
    double have = 0;
    while (want > 0 && *next < n - 1) {
        const double half = 0.5 * (double)units[*next]->n;
        if (have > 0 && have + half > want) break;
        have += 2 * half;
        units[(*next)++]->split = (uint8_t)split;
    }
}

/* Of n units that hold `items`, those whose middle lies in the fold. */
static void fill_fold(const division *d, unit **units, int64_t n, int64_t items)
{
    double before = 0;
    for (int64_t u = 0; u < n; u++) {
        const double middle = before + 0.5 * (double)units[u]->n;
        if ((int)(middle / (double)items * d->folds) == d->fold)
            units[u]->split = QN_SPLIT_VAL;
        before += (double)units[u]->n;
    }
}

static int64_t count_items(unit *const *units, int64_t n)
{
    int64_t items = 0;
    for (int64_t u = 0; u < n; u++)
        items += units[u]->n;
    return items;
}

static void divide_class(const division *d, unit **units, int64_t n)
{
    const double items = (double)count_items(units, n);
    int64_t next = 0;
    for (int64_t u = 0; u < n; u++)
        units[u]->split = QN_SPLIT_TRAIN;
    fill_split(units, n, &next, d->test * items, QN_SPLIT_TEST);
    fill_split(units, n, &next, d->val * items, QN_SPLIT_VAL);
    if (d->folds)
        fill_fold(d, units + next, n - next, count_items(units + next, n - next));
}

static quern_status divide(division *d, qn_arena *arena, quern_error *err)
{
    void *room;
    QN_TRY(qn_arena_array(arena, (size_t)d->n_units, sizeof(unit *), &room, err));
    unit **order = room;
    for (int64_t u = 0; u < d->n_units; u++)
        order[u] = d->units + u;
    if (d->n_units) qsort(order, (size_t)d->n_units, sizeof *order, by_class_and_draw);
    for (int64_t from = 0, to; from < d->n_units; from = to) {
        for (to = from; to < d->n_units && order[to]->class == order[from]->class;)
            to++;
        divide_class(d, order + from, to - from);
    }
    for (int64_t i = 0; i < d->set->n; i++)
        if (d->unit_of[i] >= 0) d->set->split[i] = d->units[d->unit_of[i]].split;
    return QUERN_OK;
}

quern_status qn_dataset_split(qn_dataset *set, const qn_split_plan *plan,
                              quern_error *err)
{
    division d = {.set = set};
    qn_arena arena;
    QN_TRY(resolve(&d, plan, err));
    if (set->n > INT32_MAX)
        return qn_fail(err, QUERN_LIMIT, "%lld items; at most %d are divided",
                       (long long)set->n, INT32_MAX);
    qn_arena_init(&arena, set->arena.mem);
    quern_status status = make_units(&d, plan, &arena, err);
    if (status == QUERN_OK) status = divide(&d, &arena, err);
    qn_arena_done(&arena);
    return status;
}
