/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_lint.c - quern data lint, dedup, stats and split on sets with known
 * faults.
 */
#include "formats/png_write.h"
#include "formats/sketch.h"
#include "tests/dataset_kit.h"

#include <stdio.h>
#include <string.h>

enum { SIDE = 32 };

/* A gray picture of blobs that follow from seed; each pixel gets `more` on top, and
 * from column `cut` on it is black. */
static void put_blobs(qn_test *t, const char *name, int seed, int more, int cut)
{
    uint8_t at[SIDE * SIDE];
    qn_mem mem;
    qn_buf out;
    quern_error err;
    for (int i = 0; i < SIDE * SIDE; i++) {
        const int x = i % SIDE / 4 + 7 * seed, y = i / SIDE / 4 + 3 * seed;
        const int v = (x * x * 13 + y * y * 29 + x * y * 7 * seed) % 200 + more;
        at[i] = (uint8_t)(i % SIDE < cut ? v : 0);
    }
    qn_mem_init(&mem, NULL, 0);
    qn_buf_init(&out, &mem);
    REQUIRE_OK(t, qn_png_write(&out, &(qn_png){SIDE, SIDE, 1, 8, at}, &err), &err);
    qn_set_kit_put(t, name, out.p, out.n);
    qn_buf_done(&out);
}

/* "quern data <words>", where each @ stands for the test's folder. */
static int data(qn_test *t, const char *words, const char **out)
{
    char arguments[4096] = "data ";
    size_t n = strlen(arguments);
    for (; *words && n < sizeof arguments - 1; words++)
        if (*words == '@')
            n += (size_t)snprintf(arguments + n, sizeof arguments - n, "%s",
                                  qn_temp(t, ""));
        else
            arguments[n++] = *words;
    qn_note(t, "%s", arguments);
    return qn_quern(t, arguments, out);
}

/* 0: whole; 1, 2: the same again, and a little brighter. */
void test_lint_sketches(qn_test *t)
{
    uint8_t at[3][SIDE * SIDE];
    qn_sketch s[3];
    for (int i = 0; i < SIDE * SIDE; i++) {
        at[0][i] = (uint8_t)(i % SIDE * 6 + i / SIDE);
        at[1][i] = (uint8_t)(at[0][i] + 2);
        at[2][i] = (uint8_t)(255 - at[0][i]);
    }
    for (int k = 0; k < 3; k++)
        qn_sketch_of(&(qn_image){SIDE, SIDE, 1, at[k]}, &s[k]);
    CHECK(t, s[0].bits == s[1].bits && s[0].bits == 0);
    CHECK(t, s[2].bits == UINT64_MAX);
    CHECK(t, qn_sketch_distance(&s[0], &s[1]) == 2);
    CHECK(t, qn_sketch_distance(&s[0], &s[0]) == 0);
    CHECK(t, s[0].brightest > s[0].darkest);
    /* Any size, down to one pixel. */
    qn_sketch_of(&(qn_image){1, 1, 3, at[0]}, &s[0]);
    CHECK(t, s[0].brightest == s[0].darkest);
}

void test_lint_faults(qn_test *t)
{
    const char *out;
    if (!qn_set_kit_decodes(t)) return;
    put_blobs(t, "set/train/cat/1.png", 1, 0, SIDE);
    put_blobs(t, "set/train/cat/2.png", 2, 0, SIDE);
    put_blobs(t, "set/train/dog/3.png", 3, 0, SIDE);
    put_blobs(t, "set/train/dog/near1.png", 1, 2, SIDE); /* another class */
    put_blobs(t, "set/test/dog/same3.png", 3, 0, SIDE);  /* another split */
    put_blobs(t, "set/train/Dog /5.png", 5, 0, SIDE);
    put_blobs(t, "set/train/cat/blank.png", 4, 0, 0);
    qn_set_kit_text(t, "set/train/cat/bad.png", "\x89PNG");
    CHECK_EQ(t, data(t, "lint @set --json", &out), 1);
    CHECK_HAS(t, out, "\"ok\":false");
    CHECK_HAS(t, out, "\"check\":\"refused\",\"severity\":\"error\",\"count\":1");
    CHECK_HAS(t, out, "have fewer than 10 pictures to train on");
    CHECK_HAS(t, out, "\"check\":\"class-names\",\"severity\":\"warning\"");
    CHECK_HAS(t, out, "\"check\":\"equal\",\"severity\":\"error\",\"count\":1");
    CHECK_HAS(t, out, "train/dog/3.png, test/dog/same3.png");
    CHECK_HAS(t, out, "\"check\":\"blank\",\"severity\":\"warning\",\"count\":1");
    CHECK_HAS(t, out,
              "0 pictures are equal and 1 nearly equal to one of another class");
    CHECK_HAS(t, out, "train/cat/1.png, train/dog/near1.png");
    CHECK_EQ(t, data(t, "lint @set", &out), 1);
    CHECK_HAS(t, out, "mend the errors before training");
}

void test_lint_clean(qn_test *t)
{
    const char *out;
    if (!qn_set_kit_decodes(t)) return;
    for (int i = 0; i < 24; i++) {
        char name[64];
        snprintf(name, sizeof name, "set/%s/%d.png", i % 2 ? "a" : "b", i);
        put_blobs(t, name, i + 1, 0, SIDE);
    }
    CHECK_EQ(t, data(t, "lint @set --json --strict", &out), 0);
    CHECK_HAS(t, out, "\"ok\":true,\"errors\":0,\"warnings\":0");
}

void test_lint_groups(qn_test *t)
{
    const char *out;
    char text[2000] = "path,label,split,patient\n";
    for (int i = 0; i < 40; i++) {
        char name[64];
        snprintf(name, sizeof name, "p/%d.bmp", i);
        qn_set_kit_picture(t, name, (uint8_t)i);
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s,%c,%s,%d\n", name,
                 'a' + i % 2, i % 10 < 8 ? "train" : "test", i / 5);
    }
    qn_set_kit_text(t, "set.csv", text);
    CHECK_EQ(t, data(t, "lint @set.csv --no-read --json", &out), 1);
    CHECK_HAS(
        t, out,
        "\"check\":\"leaking-groups\",\"severity\":\"error\",\"count\":4,\"text\":"
        "\"4 of 8 groups have pictures in more than one split\",\"items\":[\"1\"");
}

void test_data_dedup(qn_test *t)
{
    const char *out;
    if (!qn_set_kit_decodes(t)) return;
    put_blobs(t, "set/a/1.png", 1, 0, SIDE);
    put_blobs(t, "set/a/2.png", 1, 0, SIDE);
    put_blobs(t, "set/b/3.png", 1, 3, SIDE);
    put_blobs(t, "set/b/4.png", 2, 0, SIDE);
    CHECK_EQ(t, data(t, "dedup @set --json", &out), 0);
    CHECK_HAS(t, out, "\"equal\":[[\"a/1.png\",\"a/2.png\"]],\"near\":[]");
    CHECK_EQ(t, data(t, "dedup @set --near 4 -o @rest.csv", &out), 0);
    CHECK_HAS(t, out, "1 of 4 pictures are equal to one before, 1 nearly");
    const char *rest = qn_get_file(t, qn_temp(t, "rest.csv"), NULL);
    REQUIRE(t, rest != NULL);
    CHECK_STR(t, rest, "path,label,split\nset/a/1.png,a,\nset/b/4.png,b,\n");
    CHECK_EQ(t, data(t, "info @rest.csv --json", &out), 0);
    CHECK_HAS(t, out, "\"items\":2");
}

void test_data_stats(qn_test *t)
{
    const char *out;
    qn_set_kit_picture(t, "0.bmp", 0);
    qn_set_kit_picture(t, "255.bmp", 255);
    qn_set_kit_text(t, "set.csv", "path,label,site\n0.bmp,x,north\n255.bmp,y,north\n");
    CHECK_EQ(t, data(t, "stats @set.csv --json", &out), 0);
    CHECK_HAS(t, out, "\"classes\":{\"x\":1,\"y\":1},\"imbalance\":1");
    CHECK_HAS(
        t, out,
        "{\"name\":\"site\",\"filled\":2,\"different\":1,\"most\":{\"north\":2}}");
    if (!qn_set_kit_decodes(t)) return;
    CHECK_EQ(t, data(t, "stats @set.csv --read --json", &out), 0);
    CHECK_HAS(t, out, "\"mean\":[0.5,0.5,0.5],\"std\":[0.5,0.5,0.5]");
    CHECK_HAS(t, out, "\"median\":[2,2]");
}

static int count_rows(const char *text, const char *part)
{
    int n = 0;
    for (; (text = strstr(text, part)) != NULL; text++)
        n++;
    return n;
}

void test_data_split(qn_test *t)
{
    const char *out;
    char text[4000] = "path,label,site\n";
    for (int i = 0; i < 40; i++) {
        char name[64];
        snprintf(name, sizeof name, "p/%d.bmp", i);
        qn_set_kit_picture(t, name, (uint8_t)i);
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s,%c,s%d\n", name,
                 'a' + i % 2, i / 4);
    }
    qn_set_kit_text(t, "set.csv", text);
    CHECK_EQ(t, data(t, "split @set.csv --val 0.2 --test 0.3 -g site", &out), 0);
    CHECK_EQ(t, count_rows(out, ",val,"), 8);
    CHECK_EQ(t, count_rows(out, ",test,"), 12);
    for (int s = 0; s < 10; s++) { /* four of one split each */
        char ends[3][32];
        int whole = 0;
        for (int k = 0; k < 3; k++) {
            snprintf(ends[k], sizeof ends[k], ",%s,s%d,s%d",
                     (const char *[]){"train", "val", "test"}[k], s, s);
            whole += count_rows(out, ends[k]) == 4;
        }
        CHECK_EQ(t, whole, 1);
    }
    /* The manifest is a data set again, from above its pictures only. */
    CHECK_EQ(t, data(t, "split @set.csv -o @new.csv --json", &out), 0);
    CHECK_HAS(t, out, "\"splits\":{\"train\":28,\"val\":6,\"test\":6}");
    CHECK_EQ(t, data(t, "info @new.csv --json", &out), 0);
    CHECK_HAS(t, out, "\"splits\":{\"train\":28,\"val\":6,\"test\":6}");
    CHECK_EQ(t, data(t, "split @set.csv -o @p/new.csv", &out), 1);
    CHECK_HAS(t, out, "a manifest names files below its own folder");
    CHECK_EQ(t, data(t, "split @set.csv --val 0.5 --test 0.5", &out), 2);
    CHECK_EQ(t, data(t, "split @set.csv -g nothing", &out), 1);
    CHECK_HAS(t, out, "there is no column 'nothing'");
}
