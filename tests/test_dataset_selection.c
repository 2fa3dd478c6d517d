/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_dataset_selection.c - lists of items of another data set: what they take
 * from it, what they are refused for, and the way from `data split` back. */
#include "tests/dataset_kit.h"

#include <stdio.h>
#include <string.h>

static const uint8_t pixels[] = "abcdefghijklmnopqrstuvwxyz";

/* Four pictures of 2 x 3 pixels, train/0 to train/3. */
static void put_set(qn_test *t)
{
    qn_set_kit_idx(t, "set/train-images-idx3-ubyte", 3, (uint32_t[]){4, 2, 3}, pixels,
                   24);
    qn_set_kit_idx(t, "set/train-labels-idx1-ubyte", 1, (uint32_t[]){4}, "\0\1\2\1", 4);
}

void test_selection(qn_test *t)
{
    qn_set_kit k;
    qn_image image;
    char text[256];
    put_set(t);
    qn_set_kit_init(&k, t);
    qn_set_kit_text(t, "list.csv",
                    "set,item,note,split,label\n"
                    "set,train/2,x,val,\n"
                    "set,train/0,\"a,\nb\",train,2\n"
                    "set,train/3,,train,1\n");
    REQUIRE_OK(t, qn_set_kit_open(&k, "list.csv", NULL), &k.err);
    CHECK_STR(t, k.set->format->name, "selection");
    REQUIRE(t, k.set->n == 3 && k.set->n_rejects == 0);
    CHECK_STR(t, qn_set_kit_classes(&k, text), "0 1 2");
    CHECK(t, k.set->height == 2 && k.set->width == 3 && k.set->channels == 1);
    CHECK(t, k.set->label[0] == 2 && k.set->label[1] == 2 && k.set->label[2] == 1);
    CHECK(t, k.set->split[0] == QN_SPLIT_VAL && k.set->split[1] == QN_SPLIT_TRAIN);
    CHECK_STR(t, k.set->name[2], "train/3");
    static const int at[] = {12, 0, 18};
    for (int i = 0; i < 3; i++) {
        REQUIRE_OK(t, qn_dataset_read(k.set, i, &k.arena, &image, &k.err), &k.err);
        CHECK(t, !memcmp(image.pixels, pixels + at[i], 6));
    }
    qn_set_kit_done(&k);
}

void test_selection_bad(qn_test *t)
{
    static const char *const reasons[] = {
        "line 3: the set has no such item",
        "line 4: its split is none of train, val and test",
        "line 5: its label is none of the set's classes",
        "line 6: line 2 lists it, too",
        "line 7: 3 fields, the first line has 4",
    };
    static const struct {
        const char *text, *part;
    } whole[] = {
        {"set,item,split\n../set,train/0,train\n", "'../set' leads out"},
        {"set,item,split\nlist.csv,train/0,train\n", "a list of items of a list"},
        {"set,item,split\nnone,train/0,train\n", "no such file"},
        {"set,item,split\nset,train/0,train\nother,train/1,val\n",
         "line 3: a second set, 'other' after 'set'"},
        {"set,item,split\n", "it lists no items"},
        {"set,item,split\nset,x,train\n", "all 1 items are refused"},
    };
    qn_set_kit k;
    put_set(t);
    qn_set_kit_init(&k, t);
    qn_set_kit_text(t, "list.csv",
                    "set,item,label,split\nset,train/0,0,train\nset,train/9,0,train\n"
                    "set,train/1,1,fit\nset,train/1,NaN,train\nset,train/0,0,train\n"
                    "set,train/1,1\n");
    REQUIRE_OK(t, qn_set_kit_open(&k, "list.csv", NULL), &k.err);
    REQUIRE(t, k.set->n == 1 && k.set->n_rejects == 5);
    for (int i = 0; i < 5; i++)
        CHECK_STR(t, k.set->rejects[i].reason, reasons[i]);
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++) {
        qn_set_kit_text(t, "list.csv", whole[i].text);
        qn_note(t, "%s", whole[i].text);
        CHECK(t, qn_set_kit_open(&k, "list.csv", NULL) != QUERN_OK);
        CHECK_HAS(t, k.err.text, whole[i].part);
    }
    qn_set_kit_done(&k);
}

void test_selection_cut(qn_test *t)
{
    static const char text[] = "set,item,label,split\n"
                               "set,\"train/0\",0,train\r\n"
                               "set,train/1,1,val\n";
    qn_set_kit k;
    put_set(t);
    qn_set_kit_init(&k, t);
    for (size_t cut = 0; cut < sizeof text; cut++) {
        qn_set_kit_put(t, "cut.csv", text, cut);
        if (qn_set_kit_open(&k, "cut.csv", NULL) != QUERN_OK)
            CHECK(t, strlen(k.err.text) > 10);
    }
    qn_set_kit_done(&k);
}

/* What data split writes of a set without files, every command reads: arrays in their
 * folder, and an archive where this build unpacks them. */
void test_selection_split(qn_test *t)
{
    static const char *const sets[] = {"set", "set.tar"};
    char words[1200];
    const char *out;
    put_set(t);
    snprintf(words, sizeof words, "tar cf '%s' -C '%s' set", qn_temp(t, "set.tar"),
             qn_temp(t, ""));
    REQUIRE(t, qn_shell(t, words, NULL) == 0);
    for (int i = 0; i < 2; i++) {
        snprintf(words, sizeof words,
                 "data split '%s/%s' --test 0.25 --val 0.25 -o '%s'", qn_temp(t, ""),
                 sets[i], qn_temp(t, "list.csv"));
        const int code = qn_quern(t, words, &out);
        if (i == 1 && code == 3) return; /* a build without libarchive */
        REQUIRE(t, code == 0);
        const char *made = qn_get_file(t, qn_temp(t, "list.csv"), NULL);
        REQUIRE(t, made != NULL);
        snprintf(words, sizeof words, "set,item,label,split\n%s,train/0,0,", sets[i]);
        CHECK_HAS(t, made, words);
        snprintf(words, sizeof words, "data info --read --json '%s'",
                 qn_temp(t, "list.csv"));
        CHECK_EQ(t, qn_quern(t, words, &out), 0);
        CHECK_HAS(t, out, "\"format\":\"selection\",\"items\":4");
        CHECK_HAS(t, out, "\"unreadable\":0");
    }
}
