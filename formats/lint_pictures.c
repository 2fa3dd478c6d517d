/* SPDX-License-Identifier: Apache-2.0 */
/* formats/lint_pictures.c - checks of what the pictures show. */
#include "formats/lint.h"

#include <stdio.h>

/* Item i: does it deserve a place in the list? */
typedef bool item_fn(const qn_lint *l, int64_t i);

static quern_status tell_items(qn_lint *l, const char *check, qn_severity severity,
                               const char *what, item_fn *is_it)
{
    int64_t n = 0;
    for (int64_t i = 0; i < l->set->n; i++)
        n += l->survey->is_good[i] && is_it(l, i);
    if (!n) return QUERN_OK;
    QN_TRY(qn_lint_add(l, check, severity, n, "%lld pictures %s", (long long)n, what));
    for (int64_t i = 0, shown = 0; i < l->set->n && shown < 5; i++)
        if (l->survey->is_good[i] && is_it(l, i)) {
            QN_TRY(qn_lint_example_item(l, i));
            shown++;
        }
    return QUERN_OK;
}

quern_status qn_lint_sizes(qn_lint *l)
{
    const int *a = l->survey->least, *b = l->survey->most;
    if (a[0] != b[0] || a[1] != b[1])
        QN_TRY(qn_lint_add(l, "sizes", QN_NOTE, 1,
                           "pictures are %d to %d wide and %d to %d high: they are "
                           "made one size for training",
                           a[1], b[1], a[0], b[0]));
    if (a[2] == b[2]) return QUERN_OK;
    return qn_lint_add(l, "sizes", QN_WARNING, 1,
                       "some pictures are gray, some have %d channels: see train "
                       "--channels",
                       b[2]);
}

static bool is_turned(const qn_lint *l, int64_t i)
{
    return l->survey->look[i].turned > 1;
}

quern_status qn_lint_turned(qn_lint *l)
{
    return tell_items(l, "turned", QN_NOTE,
                      "are turned as their EXIF orientation says; other programs may "
                      "not do so",
                      is_turned);
}

static bool is_blank(const qn_lint *l, int64_t i)
{
    return l->survey->sketch[i].brightest - l->survey->sketch[i].darkest < 4;
}

quern_status qn_lint_blank(qn_lint *l)
{
    return tell_items(l, "blank", QN_WARNING, "show nothing: they have one brightness",
                      is_blank);
}

/* ---- pairs ---- */

static quern_status example_pair(qn_lint *l, const qn_twin *pair)
{
    char a[QN_ITEM_TEXT], b[QN_ITEM_TEXT], text[600];
    snprintf(text, sizeof text, "%s, %s", qn_item_name(l->set, pair->a, a),
             qn_item_name(l->set, pair->b, b));
    return qn_lint_example(l, text);
}

static quern_status tell_pairs(qn_lint *l, qn_severity severity, const char *check,
                               const qn_twin *pairs, int64_t n)
{
    const char *text = check[0] == 'e' ? "are equal to one" : "are nearly equal to one";
    if (!n) return QUERN_OK;
    QN_TRY(qn_lint_add(l, check, severity, n, "%lld pictures %s %s", (long long)n, text,
                       severity == QN_NOTE ? "before them" : "in another split"));
    for (int64_t i = 0; i < n && i < 5; i++)
        QN_TRY(example_pair(l, &pairs[i]));
    return QUERN_OK;
}

/* Twice in one split wastes room; on both sides of one, it makes the test a lie. */
quern_status qn_lint_equal(qn_lint *l)
{
    qn_twin *pairs;
    int64_t n;
    QN_TRY(qn_dataset_twins(l->set, l->survey, true, l->arena, &pairs, &n, l->err));
    QN_TRY(tell_pairs(l, QN_ERROR, "equal", pairs, n));
    QN_TRY(qn_dataset_twins(l->set, l->survey, false, l->arena, &pairs, &n, l->err));
    return tell_pairs(l, QN_NOTE, "equal", pairs, n);
}

static quern_status near_pairs(qn_lint *l, bool across, qn_twin **pairs, int64_t *n,
                               bool *is_cut)
{
    return qn_dataset_near(l->set, l->survey, l->near, across, l->arena, pairs, n,
                           is_cut, l->err);
}

quern_status qn_lint_near(qn_lint *l)
{
    qn_twin *pairs;
    int64_t n;
    bool is_cut;
    QN_TRY(near_pairs(l, true, &pairs, &n, &is_cut));
    QN_TRY(tell_pairs(l, QN_WARNING, "near", pairs, n));
    QN_TRY(near_pairs(l, false, &pairs, &n, &is_cut));
    QN_TRY(tell_pairs(l, QN_NOTE, "near", pairs, n));
    if (!is_cut) return QUERN_OK;
    return qn_lint_add(l, "near", QN_NOTE, 1,
                       "so many pictures look alike that not all pairs were compared");
}

static int64_t keep_contrary(const qn_dataset *set, qn_twin *pairs, int64_t n)
{
    int64_t kept = 0;
    for (int64_t i = 0; i < n; i++)
        if (set->label[pairs[i].a] != set->label[pairs[i].b]) pairs[kept++] = pairs[i];
    return kept;
}

/* One of the two labels is wrong, or the classes cannot be told apart. */
quern_status qn_lint_labels(qn_lint *l)
{
    qn_twin *equal, *near;
    int64_t n_equal, n_near;
    bool is_cut;
    QN_TRY(
        qn_dataset_twins(l->set, l->survey, false, l->arena, &equal, &n_equal, l->err));
    QN_TRY(near_pairs(l, false, &near, &n_near, &is_cut));
    n_equal = keep_contrary(l->set, equal, n_equal);
    n_near = keep_contrary(l->set, near, n_near);
    if (n_equal + n_near == 0) return QUERN_OK;
    QN_TRY(qn_lint_add(l, "labels", QN_WARNING, n_equal + n_near,
                       "%lld pictures are equal and %lld nearly equal to one of "
                       "another class",
                       (long long)n_equal, (long long)n_near));
    for (int64_t i = 0; i < n_equal && i < 5; i++)
        QN_TRY(example_pair(l, &equal[i]));
    for (int64_t i = 0; i < n_near && i < 5; i++)
        QN_TRY(example_pair(l, &near[i]));
    return QUERN_OK;
}
