/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_dataset_csv.c - data sets listed by a CSV or TSV file. */
#include "tests/dataset_kit.h"

#include "formats/csv_read.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The rows of a text, fields in brackets, each row after its line; or the error. */
static const char *rows_of(qn_test *t, const char *text, char comma, char out[512])
{
    const size_t n = strlen(text);
    char *copy = qn_exact(t, n + 1), *fields[4];
    quern_error err;
    qn_csv_reader csv;
    int n_fields = 0;
    memcpy(copy, text, n + 1);
    out[0] = 0;
    if (qn_csv_read_begin(&csv, copy, n, comma, &err) != QUERN_OK) return "?";
    for (size_t at = 0;;) {
        if (qn_csv_read_row(&csv, fields, 4, &n_fields, &err) != QUERN_OK)
            return strcpy(out, err.text);
        if (n_fields == 0) return out;
        at += (size_t)snprintf(out + at, 512 - at, "%lld", (long long)csv.row);
        for (int f = 0; f < n_fields; f++)
            at += (size_t)snprintf(out + at, 512 - at, "[%s]", f < 4 ? fields[f] : "+");
    }
}

void test_csv_rows(qn_test *t)
{
    static const struct {
        const char *text, *rows;
    } cases[] = {
        {"", ""},
        {"\n\r\n", ""},
        {"a", "1[a]"},
        {"a,b\n1,2\n", "1[a][b]2[1][2]"},
        {"a,b\r\n1,2\r\n", "1[a][b]2[1][2]"},
        {"\xef\xbb\xbf"
         "a,b",
         "1[a][b]"},
        {"a;b,c;d\n", "1[a][b,c][d]"},
        {"a\tb c", "1[a][b c]"},
        {"a,", "1[a][]"},
        {",", "1[][]"},
        {"\n\na,b\n\nc,d", "3[a][b]5[c][d]"},
        {"\"a,b\",\"c\"\"d\"\n\"\",x", "1[a,b][c\"d]2[][x]"},
        {"\"two\nlines\",1\nnext,2", "1[two\nlines][1]3[next][2]"},
        {"\"two\r\nlines\"\r\nnext", "1[two\r\nlines]3[next]"},
        {"\"a\"b,c", "1[ab][c]"},
        {"a\"b\",c", "1[a\"b\"][c]"},
        {"\"\"\"\"", "1[\"]"},
        {"1,2,3,4,5", "1[1][2][3][4][+]"},
        {"a\n\"b", "the quote opened in line 2 is never closed"},
        {"\"", "the quote opened in line 1 is never closed"},
        {"\"\"\"", "the quote opened in line 1 is never closed"},
    };
    char out[512];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CHECK_STR(t, rows_of(t, cases[i].text, 0, out), cases[i].rows);
    CHECK_STR(t, rows_of(t, "a,b\tc", '\t', out), "1[a,b][c]");
}

static const char *reason_of(const qn_dataset *set, const char *item)
{
    for (int i = 0; i < set->n_rejects; i++)
        if (!strcmp(set->rejects[i].item, item)) return set->rejects[i].reason;
    return "";
}

static void put_pictures(qn_test *t)
{
    qn_set_kit_picture(t, "set/a.bmp", 1);
    qn_set_kit_picture(t, "set/img/b.bmp", 2);
    qn_set_kit_picture(t, "set/img/c, d.bmp", 3);
    qn_set_kit_picture(t, "outside.bmp", 4);
}

void test_dataset_csv(qn_test *t)
{
    qn_set_kit k;
    char text[2048];
    qn_image image;
    if (!qn_set_kit_decodes(t)) return;
    qn_set_kit_init(&k, t);
    put_pictures(t);
    snprintf(text, sizeof text,
             "age, Image Path ,CLASS,Subset,Patient-ID,sample_weight,note\r\n"
             "31,a.bmp,dog,Train,p1,2.5,\"says \"\"x\"\"\nand y\"\r\n"
             "32,img/b.bmp,cat,,p2,1,\r\n"
             "33,\"img/c, d.bmp\",cat,TEST,,0,z\r\n"
             "34,%s,Cat,train,p1,1e0,w",
             qn_temp(t, "outside.bmp"));
    qn_set_kit_text(t, "set/list.csv", text);
    REQUIRE_OK(t, qn_set_kit_open(&k, "set/list.csv", NULL), &k.err);
    const qn_dataset *set = k.set;
    CHECK_STR(t, set->format->name, "csv");
    CHECK_STR(t, qn_set_kit_classes(&k, text), "Cat cat dog");
    REQUIRE(t, set->n == 4 && set->n_rejects == 0 && set->n_columns == 2);
    static const int labels[] = {2, 1, 1, 0}, groups[] = {0, 1, -1, 0};
    static const float weights[] = {2.5f, 1, 0, 1};
    static const qn_split splits[] = {QN_SPLIT_TRAIN, QN_SPLIT_NONE, QN_SPLIT_TEST,
                                      QN_SPLIT_TRAIN};
    for (int i = 0; i < 4; i++) {
        qn_note(t, "item %d", i);
        CHECK_EQ(t, set->label[i], labels[i]);
        CHECK_EQ(t, set->group[i], groups[i]);
        CHECK_EQ(t, set->split[i], splits[i]);
        CHECK(t, set->weight[i] == weights[i]);
        REQUIRE_OK(t, qn_dataset_read(set, i, &k.arena, &image, &k.err), &k.err);
        CHECK_EQ(t, image.pixels[0], i + 1);
    }
    CHECK_EQ(t, set->n_groups, 2);
    CHECK_STR(t, set->groups[1], "p2");
    CHECK_STR(t, set->columns[0].name, "age");
    CHECK_STR(t, set->columns[0].text[2], "33");
    CHECK_STR(t, set->columns[1].text[0], "says \"x\"\nand y");
    /* a link put in its place later may not lead out */
    unlink(qn_temp(t, "set/a.bmp"));
    CHECK_EQ(t, symlink("../outside.bmp", qn_temp(t, "set/a.bmp")), 0);
    CHECK(t, qn_dataset_read(set, 0, &k.arena, &image, &k.err) == QUERN_INVALID);
    qn_set_kit_done(&k);
}

void test_dataset_csv_classes(qn_test *t)
{
    qn_set_kit k;
    char text[256];
    qn_set_kit_init(&k, t);
    put_pictures(t);
    /* numbers count as numbers */
    qn_set_kit_text(t, "set/n.csv", "file,y\na.bmp,10\nimg/b.bmp,9\n");
    REQUIRE_OK(t, qn_set_kit_open(&k, "set/n.csv", NULL), &k.err);
    CHECK_STR(t, qn_set_kit_classes(&k, text), "9 10");
    CHECK(t, k.set->label[0] == 1 && k.set->label[1] == 0 && !k.set->group);
    /* no header */
    qn_set_kit_text(t, "set/h.tsv", "a.bmp\tone, two\nimg/b.bmp\tthree\n");
    REQUIRE_OK(t, qn_set_kit_open(&k, "set/h.tsv", NULL), &k.err);
    CHECK_EQ(t, k.set->n, 2);
    CHECK_STR(t, qn_set_kit_classes(&k, text), "one, two three");
    /* a class that is only tested */
    qn_set_kit_text(t, "set/s.csv",
                    "path,label,split\na.bmp,x,train\nimg/b.bmp,y,test\n");
    qn_set_kit_refuses(&k, "set/s.csv", QUERN_FORMAT,
                       "1 of 2 classes are in val or test, but not in train: 'y'");
    /* given names */
    qn_set_kit_text(t, "set/classes.txt", "cat\ndog\n");
    qn_set_kit_text(t, "set/g.csv",
                    "path,label\na.bmp,dog\nimg/b.bmp,0\n\"img/c, d.bmp\",2\n");
    REQUIRE_OK(t, qn_set_kit_open(&k, "set/g.csv", NULL), &k.err);
    CHECK(t, k.set->n == 2 && k.set->label[0] == 1 && k.set->label[1] == 0);
    CHECK_STR(t, reason_of(k.set, "img/c, d.bmp"),
              "line 4: its label is not in classes.txt");
    qn_set_kit_text(t, "set/classes.txt", "cat\ndog\ncat\n");
    qn_set_kit_refuses(&k, "set/g.csv", QUERN_FORMAT, "lines 1 and 3 have one name");
    qn_set_kit_done(&k);
}

void test_dataset_csv_bad(qn_test *t)
{
    qn_set_kit k;
    qn_set_kit_init(&k, t);
    put_pictures(t);
    CHECK_EQ(t, symlink("../outside.bmp", qn_temp(t, "set/link.bmp")), 0);
    qn_set_kit_text(t, "set/bad.csv",
                    "path,label,split,weight\n"
                    "a.bmp,x,train,1\n"
                    "./a.bmp,x,fit,1\n"
                    "img/b.bmp,,train,1\n"
                    "img/b.bmp,NaN,train,1\n"
                    "a.bmp,y,train,1\n"
                    "gone.bmp,x,train,1\n"
                    "../outside.bmp,x,train,1\n"
                    "link.bmp,x,train,1\n"
                    "/dev/zero,x,train,1\n"
                    "img,x,train,1\n"
                    "c.webp,x,train,1\n"
                    ",x,train,1\n"
                    "img/b.bmp,x,train,-1\n"
                    "img/b.bmp,x,train,nan\n"
                    "img/b.bmp,x,train\n"
                    "img/b.bmp,x,train,1,more\n"
                    "img/b.bmp,\xff,train,1\n");
    REQUIRE_OK(t, qn_set_kit_open(&k, "set/bad.csv", NULL), &k.err);
    static const char *const reasons[] = {
        "line 3: its split is none of train, val and test",
        "line 4: its label is missing",
        "line 5: its label is missing",
        "line 6: line 2 lists it, too",
        "line 7: there is no such file",
        "line 8: its path leads out of the manifest's folder",
        "line 9: the link leads out of the data set",
        "line 10: it is no regular file",
        "line 11: it is a folder",
        ("line 12: pictures of this kind are not read; PNG, JPEG, BMP, GIF, PNM and "
         "TIFF are"),
        "its path is empty",
        "line 14: its weight is no number from 0",
        "line 15: its weight is no number from 0",
        "line 16: 3 fields, the first line has 4",
        "line 17: 5 fields, the first line has 4",
        "line 18: its label is not UTF-8",
    };
    CHECK_EQ(t, k.set->n, 1);
    REQUIRE(t, k.set->n_rejects == 16);
    for (int i = 0; i < 16; i++)
        CHECK_STR(t, k.set->rejects[i].reason, reasons[i]);
    CHECK_EQ(t, k.set->n_classes, 1);
    qn_set_kit_text(t, "set/a.csv", "name,kind\na.bmp,x\n");
    qn_set_kit_refuses(&k, "set/a.csv", QUERN_FORMAT, "there are 'name', 'kind'");
    qn_set_kit_text(t, "set/b.csv", "path,kind\na.bmp,x\n");
    qn_set_kit_refuses(&k, "set/b.csv", QUERN_FORMAT, "'label' or 'class'");
    qn_set_kit_text(t, "set/c.csv", "");
    qn_set_kit_refuses(&k, "set/c.csv", QUERN_FORMAT, "it is empty");
    qn_set_kit_text(t, "set/d.csv", "path,label\ngone.bmp,x\n");
    qn_set_kit_refuses(&k, "set/d.csv", QUERN_FORMAT, "all 1 items are refused");
    qn_set_kit_put(t, "set/e.csv", "path,label\na.b\0mp,x\n", 21);
    qn_set_kit_refuses(&k, "set/e.csv", QUERN_FORMAT, "byte 14 is zero");
    char many[2000] = "path,label";
    for (int i = 0; i < 300; i++)
        strcat(many, ",x");
    qn_set_kit_text(t, "set/f.csv", many);
    qn_set_kit_refuses(&k, "set/f.csv", QUERN_LIMIT, "302 columns");
    qn_set_kit_done(&k);
}

/* Any beginning of a manifest is read or refused. */
void test_dataset_csv_cut(qn_test *t)
{
    static const char text[] = "path,label,split,group,x\n"
                               "a.bmp,cat,train,p1,\"a\nb\"\n"
                               "\"img/b.bmp\",dog,val,p2,\"\"\"\"\r\n"
                               "\"img/c, d.bmp\",cat,test,,\n";
    qn_set_kit k;
    qn_set_kit_init(&k, t);
    put_pictures(t);
    for (size_t cut = 0; cut <= sizeof text; cut++) {
        qn_set_kit_put(t, "set/cut.csv", text, cut);
        if (qn_set_kit_open(&k, "set/cut.csv", NULL) != QUERN_OK)
            CHECK(t, strlen(k.err.text) > 10);
    }
    CHECK_HAS(t, k.err.text, "is zero"); /* the last: with the zero byte */
    qn_set_kit_done(&k);
}

/* Many rows take time and memory in proportion. */
void test_dataset_csv_large(qn_test *t)
{
    enum { ROWS = 100000 };
    qn_set_kit k;
    qn_set_kit_init(&k, t);
    put_pictures(t);
    const char *up = qn_temp(t, "set/a.bmp");
    const size_t room = (size_t)ROWS * (strlen(up) + 64);
    char *text = qn_exact(t, room);
    size_t n = (size_t)snprintf(text, room, "path,label,patient,age\n");
    for (int i = 0; i < ROWS; i++)
        n +=
            (size_t)snprintf(text + n, room - n, "gone/%d.bmp,class %d,patient %d,%d\n",
                             i, i % 100, i / 10, i % 90);
    n += (size_t)snprintf(text + n, room - n, "a.bmp,x,y,z\n");
    qn_set_kit_put(t, "set/large.csv", text, n);
    const double before = qn_effort();
    REQUIRE_OK(t, qn_set_kit_open(&k, "set/large.csv", NULL), &k.err);
    CHECK(t, qn_effort() - before < 2);
    CHECK(t, k.set->n == 1 && k.set->n_rejects == ROWS);
    CHECK(t, k.mem.peak < (size_t)ROWS * 400);
    qn_set_kit_done(&k);
}
