/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_dataset_write.c - data sets from every format to every other: the same
 * classes, splits, labels and pixels come back. */
#include "tests/write_kit.h"

#include <stdio.h>
#include <string.h>

/* Where each format is written in these tests. */
static const struct {
    const char *format, *target, *open;
} ways[] = {
    {"folders", "folders", "folders"},
    {"csv", "csv", "csv/manifest.csv"},
    {"idx", "idx", "idx"},
    {"cifar", "cifar", "cifar"},
    {"npz", "a.npz", "a.npz"},
    {"webdataset", "shards", "shards"},
    {"webdataset", "one.tar", "one.tar"},
    {"coco", "coco", "coco"},
};
enum { N_WAYS = sizeof ways / sizeof ways[0] };

/* "a-b": the set of way a written in way b. */
static const char *name_of(char text[64], int a, const char *name)
{
    snprintf(text, 64, "%d-%s", a, name);
    return text;
}

/* From the source to each format that holds it, and between each two of these. */
static void go_all_ways(qn_set_kit *k, const char *skipped, bool between)
{
    qn_test *t = k->t;
    char want[65], sum[65], first[64], second[64];
    qn_written out;
    qn_write_kit_sum(k, "src/manifest.csv", want);
    for (int a = 0; a < N_WAYS; a++) {
        if (strstr(skipped, ways[a].format)) continue;
        qn_note(t, "to %s", ways[a].target);
        name_of(first, 99, ways[a].target);
        REQUIRE_OK(t,
                   qn_write_kit_write(k, "src/manifest.csv", first, ways[a].format,
                                      NULL, &out),
                   &k->err);
        CHECK_STR(t, out.sum, want);
        CHECK_EQ(t, out.n, 13);
        name_of(first, 99, ways[a].open);
        qn_write_kit_sum(k, first, sum);
        CHECK_STR(t, sum, want);
        for (int b = 0; between && b < N_WAYS; b++) {
            if (strstr(skipped, ways[b].format)) continue;
            qn_note(t, "%s to %s", ways[a].open, ways[b].target);
            name_of(second, a, ways[b].target);
            REQUIRE_OK(t,
                       qn_write_kit_write(k, first, second, ways[b].format, NULL, &out),
                       &k->err);
            qn_write_kit_sum(k, name_of(second, a, ways[b].open), sum);
            CHECK_STR(t, sum, want);
        }
    }
}

void test_write_all_ways(qn_test *t)
{
    static const struct {
        int width, height, channels;
        const char *splits[3], *skipped;
    } sources[] = {
        {32, 32, 3, {"train", "test", "train"}, ""},
        {28, 20, 1, {"train", "val", "test"}, "cifar"},
        {7, 5, 3, {"", "", ""}, "cifar"},
        {0, 0, 0, {"train", "test", "val"}, "cifar idx npz"},
    };
    char folder[1024];
    qn_set_kit k;
    if (!qn_set_kit_decodes(t)) return;
    for (int i = 0; i < 4; i++) {
        qn_set_kit_init(&k, t);
        qn_write_kit_source(t, sources[i].width, sources[i].height, sources[i].channels,
                            sources[i].splits);
        go_all_ways(&k, sources[i].skipped, i == 0 || i == 3);
        qn_set_kit_done(&k);
        snprintf(folder, sizeof folder, "rm -rf %s/*", qn_temp(t, ""));
        CHECK_EQ(t, qn_shell(t, folder, NULL), 0);
    }
}

static void check_column(qn_test *t, const qn_dataset *set, int c, const char *name,
                         int64_t item, const char *text)
{
    REQUIRE(t, c < set->n_columns);
    CHECK_STR(t, set->columns[c].name, name);
    CHECK_STR(t, set->columns[c].text[item], text);
}

/* Item of that group, or -1. */
static int64_t find_group(const qn_dataset *set, const char *group)
{
    for (int64_t i = 0; i < set->n; i++)
        if (set->group[i] >= 0 && !strcmp(set->groups[set->group[i]], group)) return i;
    return -1;
}

void test_write_metadata(qn_test *t)
{
    static const char *const splits[] = {"train", "val", "test"};
    static const int kept[] = {1, 5, 6, 7}; /* ways that keep it */
    char name[64], text[256];
    qn_written out;
    qn_set_kit k;
    if (!qn_set_kit_decodes(t)) return;
    qn_set_kit_init(&k, t);
    qn_write_kit_source(t, 4, 4, 1, splits);
    for (int a = 0; a < (int)(sizeof kept / sizeof kept[0]); a++) {
        const int way = kept[a];
        qn_note(t, "%s", ways[way].target);
        REQUIRE_OK(t,
                   qn_write_kit_write(&k, "src/manifest.csv",
                                      name_of(name, 1, ways[way].target),
                                      ways[way].format, NULL, &out),
                   &k.err);
        CHECK_STR(t, out.lost, "");
        CHECK_EQ(t, out.n_copied, 13);
        REQUIRE_OK(t, qn_set_kit_open(&k, name_of(name, 1, ways[way].open), NULL),
                   &k.err);
        CHECK_STR(t, qn_set_kit_classes(&k, text),
                  way == 6 ? "9 1 zebra, \"1\" 10" : "9 nobody zebra, \"1\" 10");
        REQUIRE(t, k.set->group && k.set->weight);
        const int64_t i = find_group(k.set, "p13"); /* the fifth row */
        REQUIRE(t, i >= 0);
        CHECK_WITHIN(t, k.set->weight[i], 2, 0);
        CHECK_STR(t, k.set->classes[k.set->label[i]], "9");
        CHECK_EQ(t, k.set->split[i], QN_SPLIT_VAL);
        const bool is_swapped = strcmp(k.set->columns[0].name, "note") != 0;
        check_column(t, k.set, is_swapped, "note", i, "a \"b\"");
        check_column(t, k.set, !is_swapped, "=x", i, "two\nlines");
    }
    REQUIRE_OK(
        t, qn_write_kit_write(&k, "src/manifest.csv", "folders", "folders", NULL, &out),
        &k.err);
    CHECK_STR(t, out.lost, "groups, weights, column 'note', column '=x'");
    const char *manifest = qn_get_file(t, qn_temp(t, "1-csv/manifest.csv"), NULL);
    REQUIRE(t, manifest != NULL);
    CHECK_HAS(t, manifest, "path,label,split,group,weight,note,\"'=x\"\n");
    CHECK_HAS(t, manifest, ",\"'=SUM(1)\","); /* as the source had it, for no formula */
    qn_set_kit_done(&k);
}
