/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_metadata.c - folders with metadata.csv or metadata.jsonl. */
#include "tests/dataset_kit.h"

#include <string.h>

static const char lines[] =
    "{\"file_name\":\"b/2.bmp\",\"label\":\"dog\",\"age\":3,\"box\":[1],\"ok\":true}\n"
    "\n"
    "{\"label\":\"cat\",\"file_name\":\"b/1.bmp\",\"patient\":\"p7\"}\n";

void test_metadata_forms(qn_test *t)
{
    char text[256];
    qn_set_kit k;
    qn_set_kit_init(&k, t);
    qn_set_kit_picture(t, "j/b/1.bmp", 1);
    qn_set_kit_picture(t, "j/b/2.bmp", 2);
    qn_set_kit_text(t, "j/metadata.jsonl", lines);
    REQUIRE_OK(t, qn_set_kit_open(&k, "j", NULL), &k.err);
    CHECK_STR(t, k.set->format->name, "metadata");
    CHECK_STR(t, qn_set_kit_classes(&k, text), "cat dog");
    REQUIRE(t, k.set->n == 2 && k.set->n_columns == 2 && k.set->n_groups == 1);
    CHECK_EQ(t, k.set->label[0], 1);
    CHECK_STR(t, k.set->columns[0].name, "age");
    CHECK_STR(t, k.set->columns[0].text[0], "3");
    CHECK(t, !k.set->columns[0].text[1]);
    CHECK_STR(t, k.set->columns[1].text[0], "true");
    CHECK_EQ(t, k.set->group[0], -1);
    CHECK_EQ(t, k.set->group[1], 0);

    qn_set_kit_picture(t, "c/train/x/1.bmp", 1);
    qn_set_kit_picture(t, "c/train/y/2.bmp", 2);
    qn_set_kit_picture(t, "c/test/y/3.bmp", 3);
    qn_set_kit_text(t, "c/train/metadata.csv",
                    "file_name,text\nx/1.bmp,\"a, b\"\ny/2.bmp,\n");
    qn_set_kit_text(t, "c/test/metadata.csv", "text,file_name\r\nq,y/3.bmp\r\n");
    REQUIRE_OK(t, qn_set_kit_open(&k, "c", NULL), &k.err);
    CHECK_STR(t, qn_set_kit_classes(&k, text), "x y");
    REQUIRE(t, k.set->n == 3 && k.set->n_columns == 1);
    CHECK_EQ(t, k.set->split[1], QN_SPLIT_TRAIN);
    CHECK_EQ(t, k.set->split[2], QN_SPLIT_TEST);
    CHECK_EQ(t, k.set->label[2], 1);
    CHECK_STR(t, k.set->name[2], "test/y/3.bmp");
    CHECK_STR(t, k.set->columns[0].text[0], "a, b");
    CHECK_STR(t, k.set->columns[0].text[2], "q");
    qn_set_kit_done(&k);
}

void test_metadata_bad(qn_test *t)
{
    static const char *const reasons[] = {
        "line 2: its path leads out",     "line 3: there is no such file",
        "line 4: it has no label",        "line 5: its path leads out",
        "line 6: it has no file_name",    "line 7: it has not as many fields",
        "line 9: a line before lists it", "line 10: pictures of this kind"};
    qn_set_kit k;
    qn_set_kit_init(&k, t);
    qn_set_kit_picture(t, "s/1.bmp", 1);
    qn_set_kit_text(
        t, "s/metadata.csv",
        "file_name,label\n../1.bmp,x\ngone.bmp,x\n1.bmp,\n/etc/1.bmp,x\n,x\n"
        "1.bmp\n1.bmp,x\n1.bmp,y\n1.webp,x\n");
    REQUIRE_OK(t, qn_set_kit_open(&k, "s", NULL), &k.err);
    CHECK_EQ(t, k.set->n, 1);
    REQUIRE(t, k.set->n_rejects == 8);
    for (int i = 0; i < 8; i++) {
        qn_note(t, "reject %d", i);
        CHECK_HAS(t, k.set->rejects[i].reason, reasons[i]);
    }
    qn_set_kit_text(t, "s/metadata.csv", "name,label\n1.bmp,x\n");
    qn_set_kit_refuses(&k, "s", QUERN_FORMAT, "metadata.csv: line 1: no column");
    qn_set_kit_picture(t, "j/b/1.bmp", 1);
    for (size_t n = 0; n < strlen(lines); n++) {
        qn_note(t, "cut to %zu", n);
        qn_set_kit_put(t, "j/metadata.jsonl", lines, n);
        if (qn_set_kit_open(&k, "j", NULL) != QUERN_OK)
            CHECK(t, k.err.text[0] != 0);
        else
            CHECK(t, k.set->n <= 1);
    }
    qn_set_kit_text(t, "j/metadata.jsonl", "[1]\n");
    qn_set_kit_refuses(&k, "j", QUERN_FORMAT,
                       "metadata.jsonl: line 1: it is no object");
    qn_set_kit_done(&k);
}
