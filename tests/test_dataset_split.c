/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_dataset_split.c - which items are for training, choosing and testing; and
 * which are the same. */
#include "tests/dataset_kit.h"

#include <stdio.h>
#include <string.h>

/* A set without pixels: n items "item <key>", key counted from `from` by `step`. */
static void make_set(qn_set_kit *k, qn_dataset *set, int n, int from, int step)
{
    *set = (qn_dataset){.n = n};
    void *p[4];
    qn_arena_init(&set->arena, &k->mem);
    for (int i = 0; i < 4; i++)
        REQUIRE_OK(k->t, qn_arena_array(&set->arena, (size_t)n, 8, &p[i], &k->err),
                   &k->err);
    set->name = p[0];
    set->label = p[1];
    set->split = p[2];
    set->source_split = p[3];
    for (int i = 0; i < n; i++) {
        char text[32];
        const int key = from + i * step;
        snprintf(text, sizeof text, "item %d", key);
        qn_arena_text(&set->arena, text, strlen(text), &set->name[i], &k->err);
        set->label[i] = key % 10 == 0 ? 2 : key % 2; /* 1 in 10, 5 in 10, 4 in 10 */
    }
}

static int64_t count(const qn_dataset *set, qn_split split, int label)
{
    int64_t n = 0;
    for (int64_t i = 0; i < set->n; i++)
        n += set->split[i] == split && (label < 0 || set->label[i] == label);
    return n;
}

void test_split_stratified(qn_test *t)
{
    enum { N = 1000 };
    qn_set_kit k;
    qn_dataset a, b;
    qn_set_kit_init(&k, t);
    make_set(&k, &a, N, 0, 1);
    make_set(&k, &b, N, N - 1, -1);
    const qn_split_plan plan = {.val = -1, .test = 0.1, .seed = 7, .stratify = true};
    REQUIRE_OK(t, qn_dataset_split(&a, &plan, &k.err), &k.err);
    REQUIRE_OK(t, qn_dataset_split(&b, &plan, &k.err), &k.err);
    static const int in_class[] = {400, 500, 100};
    for (int c = 0; c < 3; c++) {
        CHECK_EQ(t, count(&a, QN_SPLIT_VAL, c), in_class[c] * 15 / 100);
        CHECK_EQ(t, count(&a, QN_SPLIT_TEST, c), in_class[c] / 10);
    }
    CHECK_EQ(t, count(&a, QN_SPLIT_NONE, -1), 0);
    for (int i = 0; i < N; i++) /* the order does not matter */
        CHECK_EQ(t, a.split[i], b.split[N - 1 - i]);
    /* nor does what has been asked for before; another seed draws others */
    uint8_t before[N];
    memcpy(before, a.split, N);
    int differ = 0;
    REQUIRE_OK(t, qn_dataset_split(&a, &(qn_split_plan){.val = 0.5, .seed = 8}, &k.err),
               &k.err);
    CHECK_EQ(t, count(&a, QN_SPLIT_VAL, -1), N / 2);
    REQUIRE_OK(t, qn_dataset_split(&a, &plan, &k.err), &k.err);
    CHECK(t, !memcmp(before, a.split, N));
    for (int i = 0; i < N; i++)
        a.label[i] = 0;
    REQUIRE_OK(t,
               qn_dataset_split(
                   &a, &(qn_split_plan){.val = 0.15, .test = 0.1, .seed = 8}, &k.err),
               &k.err);
    for (int i = 0; i < N; i++)
        differ += a.split[i] != before[i];
    CHECK(t, differ > 200);
    qn_arena_done(&a.arena);
    qn_arena_done(&b.arena);
    qn_set_kit_done(&k);
}

/* 5 % more items move few of the old ones. */
void test_split_is_stable(qn_test *t)
{
    qn_set_kit k;
    qn_dataset a, b;
    int moved = 0;
    qn_set_kit_init(&k, t);
    make_set(&k, &a, 1000, 0, 1);
    make_set(&k, &b, 1050, 0, 1);
    const qn_split_plan plan = {.val = 0.2, .stratify = true};
    REQUIRE_OK(t, qn_dataset_split(&a, &plan, &k.err), &k.err);
    REQUIRE_OK(t, qn_dataset_split(&b, &plan, &k.err), &k.err);
    for (int i = 0; i < 1000; i++)
        moved += a.split[i] != b.split[i];
    CHECK(t, moved < 25);
    qn_arena_done(&a.arena);
    qn_arena_done(&b.arena);
    qn_set_kit_done(&k);
}

void test_split_of_source(qn_test *t)
{
    qn_set_kit k;
    qn_dataset set;
    qn_set_kit_init(&k, t);
    make_set(&k, &set, 1000, 0, 1);
    /* a test split of its own: validation is 5 % of train */
    memset(set.source_split, QN_SPLIT_TRAIN, 800);
    memset(set.source_split + 800, QN_SPLIT_TEST, 200);
    qn_split_plan plan = {.val = -1, .test = 0.5};
    REQUIRE_OK(t, qn_dataset_split(&set, &plan, &k.err), &k.err);
    CHECK_EQ(t, count(&set, QN_SPLIT_VAL, -1), 40);
    CHECK_EQ(t, count(&set, QN_SPLIT_TEST, -1), 200);
    for (int i = 800; i < 1000; i++)
        CHECK_EQ(t, set.split[i], QN_SPLIT_TEST);
    /* a validation split of its own stays, the rest is for training */
    memset(set.source_split, QN_SPLIT_VAL, 100);
    memset(set.source_split + 100, QN_SPLIT_NONE, 100);
    plan.val = 0.3;
    REQUIRE_OK(t, qn_dataset_split(&set, &plan, &k.err), &k.err);
    CHECK_EQ(t, count(&set, QN_SPLIT_VAL, -1), 100);
    CHECK_EQ(t, count(&set, QN_SPLIT_TRAIN, -1), 700);
    /* nothing to divide */
    memset(set.source_split, QN_SPLIT_TEST, 1000);
    REQUIRE_OK(t, qn_dataset_split(&set, &plan, &k.err), &k.err);
    CHECK_EQ(t, count(&set, QN_SPLIT_TEST, -1), 1000);
    CHECK_FAILS(t, qn_dataset_split(&set, &(qn_split_plan){.val = 1}, &k.err),
                QUERN_INVALID, &k.err, "leave nothing");
    CHECK_FAILS(t,
                qn_dataset_split(&set, &(qn_split_plan){.folds = 3, .fold = 3}, &k.err),
                QUERN_INVALID, &k.err, "fold 3");
    qn_arena_done(&set.arena);
    qn_set_kit_done(&k);
}

void test_split_groups(qn_test *t)
{
    enum { N = 600, GROUPS = 60 };
    static int32_t group[N];
    static char names[GROUPS][24];
    static const char *groups[GROUPS];
    qn_set_kit k;
    qn_dataset set;
    int of_group[GROUPS];
    qn_set_kit_init(&k, t);
    make_set(&k, &set, N, 0, 1);
    for (int g = 0; g < GROUPS; g++) {
        snprintf(names[g], sizeof names[g], "patient %d", g);
        groups[g] = names[g];
        of_group[g] = -1;
    }
    for (int i = 0; i < N; i++)
        group[i] = i % 7 == 0 ? -1 : (i * i + i / 3) % GROUPS;
    set.group = group;
    set.groups = groups;
    set.n_groups = GROUPS;
    set.source_split[1] = QN_SPLIT_TEST; /* takes its group along */
    const qn_split_plan plan = {.val = 0.25, .stratify = true};
    REQUIRE_OK(t, qn_dataset_split(&set, &plan, &k.err), &k.err);
    for (int i = 0; i < N; i++) {
        if (group[i] < 0) continue;
        if (of_group[group[i]] < 0) of_group[group[i]] = set.split[i];
        CHECK_EQ(t, set.split[i], of_group[group[i]]);
    }
    CHECK_EQ(t, of_group[group[1]], QN_SPLIT_TEST);
    CHECK_WITHIN(t, (double)count(&set, QN_SPLIT_VAL, -1), 0.25 * N, 0.06 * N);
    qn_arena_done(&set.arena);
    qn_set_kit_done(&k);
}

/* Every item is in the validation split of exactly one fold. */
void test_split_folds(qn_test *t)
{
    enum { N = 103 };
    qn_set_kit k;
    qn_dataset set;
    int times[N] = {0};
    qn_set_kit_init(&k, t);
    make_set(&k, &set, N, 0, 1);
    for (int fold = 0; fold < 5; fold++) {
        const qn_split_plan plan = {
            .val = -1, .stratify = true, .folds = 5, .fold = fold};
        REQUIRE_OK(t, qn_dataset_split(&set, &plan, &k.err), &k.err);
        CHECK_WITHIN(t, (double)count(&set, QN_SPLIT_VAL, -1), N / 5.0,
                     3); /* 1 a class */
        for (int i = 0; i < N; i++)
            times[i] += set.split[i] == QN_SPLIT_VAL;
    }
    for (int i = 0; i < N; i++)
        CHECK_EQ(t, times[i], 1);
    qn_arena_done(&set.arena);
    qn_set_kit_done(&k);
}

void test_dataset_twins(qn_test *t)
{
    qn_set_kit k;
    qn_twin *twins;
    qn_survey survey;
    int64_t n;
    if (!qn_set_kit_decodes(t)) return;
    qn_set_kit_init(&k, t);
    static const int grays[] = {5, 6, 5, 7, 5, 6};
    for (int i = 0; i < 6; i++) {
        char name[64];
        snprintf(name, sizeof name, "set/%s/%c/%d.bmp", i < 3 ? "train" : "test",
                 i < 2 ? 'a' : 'b', i);
        qn_set_kit_picture(t, name, (uint8_t)grays[i]);
    }
    qn_set_kit_picture(t, "set/test/a/0.bmp", 9);
    qn_set_kit_text(t, "set/test/a/bad.bmp", "BM");
    REQUIRE_OK(t, qn_set_kit_open(&k, "set", NULL), &k.err);
    /* train: 0 5, 1 6, 2 5; test: 3 9, 4 bad, 5 7, 6 5, 7 6 */
    REQUIRE(t, k.set->n == 8);
    REQUIRE_OK(t, qn_dataset_survey(k.set, NULL, NULL, &k.arena, &survey, &k.err),
               &k.err);
    CHECK(t, survey.n_good == 7 && !survey.is_good[4]);
    CHECK(t, survey.least[0] == 2 && survey.most[1] == 2 && survey.most[2] == 3);
    REQUIRE(t, k.set->n_rejects == 1);
    CHECK_STR(t, k.set->rejects[0].item, "test/a/bad.bmp");
    CHECK_HAS(t, k.set->rejects[0].reason, "2 bytes");
    REQUIRE_OK(t, qn_dataset_twins(k.set, &survey, false, &k.arena, &twins, &n, &k.err),
               &k.err);
    REQUIRE(t, n == 3);
    CHECK(t, twins[0].a == 0 && twins[0].b == 2);
    CHECK(t, twins[1].a == 0 && twins[1].b == 6);
    CHECK(t, twins[2].a == 1 && twins[2].b == 7);
    REQUIRE_OK(t, qn_dataset_twins(k.set, &survey, true, &k.arena, &twins, &n, &k.err),
               &k.err);
    REQUIRE(t, n == 2);
    CHECK(t, twins[0].a == 0 && twins[0].b == 6);
    CHECK(t, twins[1].a == 1 && twins[1].b == 7);
    qn_set_kit_done(&k);
}
