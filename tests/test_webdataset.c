/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_webdataset.c - tar archives of samples: labels in every form, lists of
 * archives, entries that must not be believed. */
#include "formats/tar.h"
#include "tests/dataset_kit.h"

#include <stdio.h>
#include <string.h>

/* An archive that is being put together. */
typedef struct tape {
    qn_mem mem;
    qn_buf out;
} tape;

static void begin(tape *a)
{
    qn_mem_init(&a->mem, NULL, 0);
    qn_buf_init(&a->out, &a->mem);
}

/* An entry of any type: the header is made anew around the changed letter. */
static void put(tape *a, const char *name, char type, const void *p, size_t n)
{
    const size_t at = a->out.n;
    uint32_t sum = 0;
    qn_tar_put_header(&a->out, name, n);
    qn_buf_add(&a->out, p, n);
    qn_tar_pad(&a->out, n);
    uint8_t *head = (uint8_t *)a->out.p + at;
    head[156] = (uint8_t)type;
    memset(head + 148, ' ', 8);
    for (int i = 0; i < QN_TAR_BLOCK; i++)
        sum += head[i];
    snprintf((char *)head + 148, 8, "%06o", sum);
}

static void put_text(tape *a, const char *name, const char *text)
{
    put(a, name, '0', text, strlen(text));
}

/* A picture of 2 x 2 as the kit makes it. */
static void put_picture(qn_test *t, tape *a, const char *name, uint8_t gray)
{
    size_t n;
    qn_set_kit_picture(t, "one.bmp", gray);
    const char *bytes = qn_get_file(t, qn_temp(t, "one.bmp"), &n);
    put(a, name, '0', bytes, n);
}

static void end(qn_test *t, tape *a, const char *name)
{
    qn_tar_put_end(&a->out);
    qn_set_kit_put(t, name, a->out.p, a->out.n);
    qn_buf_done(&a->out);
}

/* The labels of all items: "b a a". */
static const char *labels_of(const qn_dataset *set, char text[256])
{
    text[0] = 0;
    for (int64_t i = 0; i < set->n; i++) {
        const size_t n = strlen(text);
        snprintf(text + n, 256 - n, "%s%s", i ? " " : "", set->classes[set->label[i]]);
    }
    return text;
}

void test_webdataset_labels(qn_test *t)
{
    static const struct {
        const char *end, *text[3], *labels, *classes;
    } forms[] = {
        {"cls", {"2", " 0\n", "2"}, "2 0 2", "0 1 2"},
        {"cls", {"dog", "cat", "dog"}, "dog cat dog", "cat dog"},
        {"txt", {"dog", "cat\n", "dog"}, "dog cat dog", "cat dog"},
        {"json",
         {"{\"label\":\"x\"}", "{\"class\":\"y\"}", "{\"label\":\"x\"}"},
         "x y x",
         "x y"},
        {"json", {"{\"label\":1}", "{\"cls\":0}", "{\"label\":1}"}, "1 0 1", "0 1"},
    };
    char name[64], text[256];
    qn_set_kit k;
    qn_set_kit_init(&k, t);
    for (size_t f = 0; f < sizeof forms / sizeof forms[0]; f++) {
        tape a;
        begin(&a);
        qn_note(t, "form %zu", f);
        for (int i = 0; i < 3; i++) {
            snprintf(name, sizeof name, "./x/%d.v1.bmp", i); /* the key is ./x/0 */
            put_picture(t, &a, name, (uint8_t)i);
            snprintf(name, sizeof name, "./x/%d.%s", i, forms[f].end);
            put_text(&a, name, forms[f].text[i]);
        }
        end(t, &a, "a.tar");
        REQUIRE_OK(t, qn_set_kit_open(&k, "a.tar", NULL), &k.err);
        CHECK_STR(t, k.set->format->name, "webdataset");
        CHECK_STR(t, labels_of(k.set, text), forms[f].labels);
        CHECK_STR(t, qn_set_kit_classes(&k, text), forms[f].classes);
        CHECK_STR(t, k.set->name[1], "a.tar/./x/1.v1.bmp");
        CHECK_EQ(t, k.set->n_rejects, 0);
    }
    qn_set_kit_done(&k);
}

static void put_shard(qn_test *t, const char *name, const char *json)
{
    tape a;
    begin(&a);
    put_picture(t, &a, "1.bmp", 7);
    put_text(&a, "1.cls", "1");
    put_text(&a, "1.json", json);
    end(t, &a, name);
}

void test_webdataset_shards(qn_test *t)
{
    char text[256];
    qn_set_kit k;
    qn_image image;
    qn_set_kit_init(&k, t);
    put_shard(t, "s/train-08.tar", "{\"patient\":\"p\",\"age\":31,\"label\":\"b\"}");
    put_shard(t, "s/train-09.tar", "{\"weight\":0.5,\"label\":\"b\"}");
    put_shard(t, "s/val-00.tar", "{\"old\":true,\"split\":\"test\",\"x\":null}");
    qn_set_kit_text(t, "s/classes.txt", "a\nb\n");
    REQUIRE_OK(t, qn_set_kit_open(&k, "s", NULL), &k.err);
    CHECK_EQ(t, k.set->n, 3);
    CHECK_EQ(t, k.set->split[0], QN_SPLIT_TRAIN);
    CHECK_EQ(t, k.set->split[2], QN_SPLIT_TEST);
    CHECK_STR(t, qn_set_kit_classes(&k, text), "a b");
    REQUIRE(t, k.set->n_groups == 1 && k.set->weight && k.set->n_columns == 2);
    CHECK_EQ(t, k.set->group[0], 0);
    CHECK_EQ(t, k.set->group[1], -1);
    CHECK_WITHIN(t, k.set->weight[0], 1, 0);
    CHECK_WITHIN(t, k.set->weight[1], 0.5, 0);
    CHECK_STR(t, k.set->columns[0].text[0], "31");
    CHECK_STR(t, k.set->columns[1].text[2], "true");
    if (qn_set_kit_decodes(t)) {
        REQUIRE_OK(t, qn_dataset_read(k.set, 2, &k.arena, &image, &k.err), &k.err);
        CHECK_EQ(t, image.pixels[0], 7);
    }
    REQUIRE_OK(t, qn_set_kit_open(&k, "s/train-{08..09}.tar", NULL), &k.err);
    CHECK_EQ(t, k.set->n, 2);
    qn_set_kit_refuses(&k, "s/train-{07..09}.tar", QUERN_IO, "train-07.tar");
    qn_set_kit_text(t, "s/classes.txt", "a\n");
    qn_set_kit_refuses(&k, "s", QUERN_FORMAT, "1 names, but the labels go to 1");
    qn_set_kit_done(&k);
}

void test_webdataset_bad(qn_test *t)
{
    static const struct {
        const char *name, *reason;
        char type;
    } bad[] = {
        {"../up.bmp", "its name leads out", '0'},
        {"/etc/up.bmp", "its name leads out", '0'},
        {"a/../../up.bmp", "its name leads out", '0'},
        {"\x1b[2J.bmp", "its name leads out", '0'},
        {"link.bmp", "links are not followed", '2'},
        {"hard.bmp", "links are not followed", '1'},
        {"null.bmp", "it is a device or a pipe", '3'},
        {"pipe.bmp", "it is a device or a pipe", '6'},
        {"sparse.bmp", "it is no plain file", 'S'},
        {"good.bmp", "a file before has this name", '0'},
    };
    enum { N = sizeof bad / sizeof bad[0] };
    tape a;
    qn_set_kit k;
    qn_set_kit_init(&k, t);
    begin(&a);
    put_picture(t, &a, "good.bmp", 1);
    put_text(&a, "good.cls", "0");
    for (int i = 0; i < N; i++)
        put(&a, bad[i].name, bad[i].type, "", 0);
    put_text(&a, "none.cls", "1");
    put_picture(t, &a, "mute.bmp", 1);
    put_picture(t, &a, "torn.bmp", 1);
    put_text(&a, "torn.json", "{\"label\":");
    put_picture(t, &a, "x.webp", 1);
    put_text(&a, "x.cls", "1");
    end(t, &a, "a.tar");
    REQUIRE_OK(t, qn_set_kit_open(&k, "a.tar", NULL), &k.err);
    CHECK_EQ(t, k.set->n, 1);
    REQUIRE(t, k.set->n_rejects == N + 4);
    for (int i = 0; i < N; i++) {
        qn_note(t, "%s", bad[i].reason);
        CHECK_HAS(t, k.set->rejects[i].reason, bad[i].reason);
    }
    CHECK_STR(t, k.set->rejects[N].reason, "it has no picture");
    CHECK_STR(t, k.set->rejects[N + 1].reason, "it has no label");
    CHECK_STR(t, k.set->rejects[N + 2].reason, "its .json is none");
    CHECK_HAS(t, k.set->rejects[N + 3].reason, "pictures of this kind");
    qn_set_kit_done(&k);
}

void test_webdataset_cut(qn_test *t)
{
    tape a;
    size_t n;
    qn_set_kit k;
    qn_set_kit_init(&k, t);
    begin(&a);
    put_picture(t, &a, "1.bmp", 1);
    put_text(&a, "1.json", "{\"label\":\"x\",\"patient\":\"p\"}");
    end(t, &a, "a.tar");
    const char *whole = qn_get_file(t, qn_temp(t, "a.tar"), &n);
    REQUIRE(t, whole != NULL);
    /* every byte of the reader's own texts; test_tar cuts headers everywhere */
    for (size_t cut = 0; cut <= n; cut += cut >= 1536 && cut < 1570 ? 1 : 32) {
        qn_note(t, "cut to %zu", cut);
        qn_set_kit_put(t, "a.tar", whole, cut);
        const quern_status status = qn_set_kit_open(&k, "a.tar", "webdataset");
        if (status == QUERN_OK)
            CHECK_EQ(t, k.set->n, 1);
        else
            CHECK(t, k.err.text[0] != 0);
        CHECK(t, status == QUERN_OK || cut < 2048 || cut % QN_TAR_BLOCK);
    }
    qn_set_kit_done(&k);
}
