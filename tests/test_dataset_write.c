/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_dataset_write.c - data sets from every format to every other: the same
 * classes, splits, labels and pixels come back. */
#include "tests/write_kit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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

/* From Parquet, which is not written, in two writers' files. */
void test_write_from_parquet(qn_test *t)
{
    static const char *const files[] = {"fastparquet", "none_v1_plain"};
    qn_set_kit k;
    if (!qn_set_kit_decodes(t)) return;
    qn_set_kit_init(&k, t);
    for (int i = 0; i < 2; i++) {
        char path[128], name[64];
        size_t n;
        snprintf(path, sizeof path, "tests/data/parquet/%s.parquet", files[i]);
        snprintf(name, sizeof name, "%s.parquet", files[i]);
        const char *bytes = qn_get_file(t, path, &n);
        REQUIRE(t, bytes != NULL);
        qn_set_kit_put(t, name, bytes, n);
        qn_write_kit_everywhere(&k, name, files[i], i == 0);
    }
    qn_set_kit_done(&k);
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

/* ---- what goes wrong ---- */

/* Fails, or ends the process, at the n-th change of the disk. */
typedef struct watch {
    int64_t n, fail_at, stop_at; /* 0: never */
} watch;

static int count(void *ctx, qn_disk_act act, const char *path)
{
    watch *w = ctx;
    (void)act, (void)path;
    w->n++;
    if (w->n == w->stop_at) _exit(7);
    return w->fail_at && w->n >= w->fail_at ? ENOSPC : 0;
}

/* What is in the test's folder but the source. */
static const char *left_over(qn_test *t)
{
    char command[1024];
    const char *out;
    snprintf(command, sizeof command, "cd %s && ls -A | grep -v '^src$'",
             qn_temp(t, ""));
    qn_shell(t, command, &out);
    return out;
}

void test_write_full_disk(qn_test *t)
{
    static const char *const splits[] = {"train", "test", "train"};
    qn_written out;
    qn_set_kit k;
    if (!qn_set_kit_decodes(t)) return;
    qn_set_kit_init(&k, t);
    qn_write_kit_source(t, 32, 32, 3, splits);
    for (int a = 0; a < N_WAYS; a++) {
        watch w = {0};
        const qn_disk disk = {count, &w};
        const qn_write_plan plan = {.disk = &disk, .gzip = true};
        REQUIRE_OK(t,
                   qn_write_kit_write(&k, "src/manifest.csv", ways[a].target,
                                      ways[a].format, &plan, &out),
                   &k.err);
        const int64_t n = w.n, step = 1 + n / 12;
        char command[1024];
        snprintf(command, sizeof command, "rm -r %s", qn_temp(t, ways[a].target));
        CHECK_EQ(t, qn_shell(t, command, NULL), 0);
        for (int64_t at = 1; at < n; at += step) {
            qn_note(t, "%s, change %lld of %lld", ways[a].target, (long long)at,
                    (long long)n);
            w = (watch){.fail_at = at};
            const quern_status status = qn_write_kit_write(
                &k, "src/manifest.csv", ways[a].target, ways[a].format, &plan, &out);
            /* what removes the stage fails, too: that is left for the next one */
            if (status != QUERN_OK) CHECK_HAS(t, k.err.text, "No space left");
            CHECK(t, qn_path_look(qn_temp(t, ways[a].target)) == QN_PATH_ABSENT ||
                         at > n - 4);
            w = (watch){0};
            snprintf(command, sizeof command, "rm -rf %s", qn_temp(t, ways[a].target));
            qn_shell(t, command, NULL);
        }
        w = (watch){0};
        CHECK_OK(t,
                 qn_write_kit_write(&k, "src/manifest.csv", ways[a].target,
                                    ways[a].format, &plan, &out),
                 &k.err);
        qn_shell(t, command, NULL);
        CHECK_STR(t, left_over(t), "");
    }
    qn_set_kit_done(&k);
}

/* A conversion in a process that ends at its n-th change; how it ended. */
static int killed_at(qn_test *t, int way, int64_t at)
{
    int status = 0;
    const pid_t child = fork();
    if (child == 0) {
        watch w = {.stop_at = at};
        const qn_disk disk = {count, &w};
        const qn_write_plan plan = {.disk = &disk};
        qn_written out;
        qn_set_kit k;
        qn_set_kit_init(&k, t);
        const quern_status done = qn_write_kit_write(
            &k, "src/manifest.csv", ways[way].target, ways[way].format, &plan, &out);
        _exit(done == QUERN_OK ? 0 : 1);
    }
    CHECK(t, child > 0 && waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* After any death, doing it again gives the whole, and nothing else is left. */
void test_write_killed(qn_test *t)
{
    static const char *const splits[] = {"train", "test", "train"};
    static const int chosen[] = {0, 2, 4};
    char want[65], sum[65], command[1024], found[256];
    qn_written out;
    qn_set_kit k;
    int n_killed = 0;
    if (!qn_set_kit_decodes(t)) return;
    qn_set_kit_init(&k, t);
    qn_write_kit_source(t, 32, 32, 3, splits);
    qn_write_kit_sum(&k, "src/manifest.csv", want);
    for (int c = 0; c < 3; c++) {
        const int way = chosen[c];
        for (int64_t at = 1;; at += 1 + at / 6) {
            qn_note(t, "%s, change %lld", ways[way].target, (long long)at);
            const int code = killed_at(t, way, at);
            n_killed += code == 7;
            CHECK(t, code == 0 || code == 7);
            if (qn_path_look(qn_temp(t, ways[way].target)) == QN_PATH_ABSENT)
                REQUIRE_OK(t,
                           qn_write_kit_write(&k, "src/manifest.csv", ways[way].target,
                                              ways[way].format, NULL, &out),
                           &k.err);
            qn_write_kit_sum(&k, ways[way].open, sum);
            CHECK_STR(t, sum, want);
            /* the file's own stage may outlive a death behind the rename */
            snprintf(found, sizeof found, "%s\n", ways[way].target);
            CHECK_HAS(t, left_over(t), found);
            snprintf(command, sizeof command, "cd %s && rm -rf %s .*.quern-part",
                     qn_temp(t, ""), ways[way].target);
            CHECK_EQ(t, qn_shell(t, command, NULL), 0);
            if (code == 0) break;
        }
    }
    CHECK(t, n_killed >= 30);
    qn_set_kit_done(&k);
}

static int stop_at_once(void *ctx, int64_t done)
{
    (void)ctx;
    return done > 0;
}

void test_write_refuses(qn_test *t)
{
    const qn_write_plan stopped = {.step = stop_at_once}, skip = {.skip_bad = true},
                        val = {.splits = 1u << QN_SPLIT_VAL};
    qn_written out;
    qn_set_kit k;
    if (!qn_set_kit_decodes(t)) return;
    qn_set_kit_init(&k, t);
    qn_write_kit_source(t, 0, 0, 0, NULL);
#define FAILS(target, format, plan, status, part)                                  \
    CHECK_FAILS(                                                                   \
        t, qn_write_kit_write(&k, "src/manifest.csv", target, format, plan, &out), \
        status, &k.err, part)
    FAILS("a", "idx", NULL, QUERN_UNSUPPORTED, "an array holds pictures of one size");
    FAILS("a", "cifar", NULL, QUERN_UNSUPPORTED, "CIFAR holds RGB pictures of 32 x 32");
    FAILS("a.npz", "npz", NULL, QUERN_UNSUPPORTED, "p 11.png: an array holds");
    FAILS("a", "folders", &val, QUERN_INVALID, "none of the 13 items is in that split");
    FAILS("a", "folders", &stopped, QUERN_CANCELLED, "stopped after 13 of 13 items");
    FAILS("src", "folders", NULL, QUERN_IO, "it exists already");
    FAILS("a/..", "folders", NULL, QUERN_INVALID, "gives no name to write to");
    FAILS("a", "gif", NULL, QUERN_INVALID, "there are folders, csv, idx, cifar, npz");
    qn_set_kit_put(t, "src/p 5.png", "broken", 6);
    FAILS("a", "folders", NULL, QUERN_FORMAT, "p 5.png: its 6 bytes begin as none of");
    CHECK_STR(t, left_over(t), "");
    REQUIRE_OK(t, qn_set_kit_open(&k, "src/manifest.csv", NULL), &k.err);
    qn_write_plan plan = skip;
    plan.format = "coco";
    plan.target = qn_temp(t, "a");
    REQUIRE_OK(t, qn_dataset_write(k.set, &plan, &out, &k.err), &k.err);
    CHECK_EQ(t, out.n, 12);
    REQUIRE(t, k.set->n_rejects == 1);
    CHECK_STR(t, k.set->rejects[0].item, "p 5.png");
#undef FAILS
    qn_set_kit_done(&k);
}
