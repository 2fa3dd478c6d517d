/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_cmd_data.c - quern data as scripts see it. */
#include "tests/dataset_kit.h"

#include "formats/image.h"

#include <stdio.h>
#include <string.h>

/* "quern data <verb> <name in the test's folder> <rest>" */
static int data(qn_test *t, const char *verb, const char *name, const char *rest,
                const char **out)
{
    char arguments[1024];
    snprintf(arguments, sizeof arguments, "data %s %s %s", verb, qn_temp(t, name),
             rest);
    qn_note(t, "%s", arguments);
    return qn_quern(t, arguments, out);
}

static void put_set(qn_test *t)
{
    qn_set_kit_picture(t, "set/train/a/1.bmp", 1);
    qn_set_kit_picture(t, "set/train/b/2.bmp", 2);
    qn_set_kit_picture(t, "set/test/a/3.bmp", 1);
    qn_set_kit_text(t, "set/test/a/bad.bmp", "BM");
    qn_set_kit_text(t, "set/test/a/x.webp", "RIFF");
}

void test_data_info(qn_test *t)
{
    const char *out;
    put_set(t);
    CHECK_EQ(t, data(t, "info", "set", "--json", &out), 0);
    CHECK_HAS(t, out, "{\"schema\":1,\"data\":");
    CHECK_HAS(
        t, out,
        "\"format\":\"folders\",\"items\":4,\"classes\":[\"a\",\"b\"],"
        "\"splits\":{\"train\":2,\"test\":2},\"class_items\":[3,1],\"shape\":null");
    CHECK_HAS(t, out,
              "\"rejects\":[{\"item\":\"test/a/x.webp\",\"reason\":\"pictures of");
    if (qn_quern(t, "version --json | grep -q '\"stb\":true'", NULL) == 0) {
        CHECK_EQ(t, data(t, "info", "set", "--read --json", &out), 0);
        CHECK_HAS(t, out, "\"shape\":[2,2,3]");
        CHECK_HAS(t, out, "{\"item\":\"test/a/bad.bmp\",\"reason\":\"2 bytes");
        CHECK_HAS(t, out,
                  "\"unreadable\":1,\"equal_across_splits\":1,"
                  "\"equal\":[[\"train/a/1.bmp\",\"test/a/3.bmp\"]]");
        CHECK_EQ(t, data(t, "info", "set", "--read", &out), 0);
        CHECK_HAS(t, out, "equal: train/a/1.bmp, test/a/3.bmp");
    }
    CHECK_EQ(t, data(t, "info", "set", "", &out), 0);
    CHECK_HAS(t, out, "folders, 4 items of 2 classes\n");
    CHECK_HAS(t, out, "1 items are refused");
    CHECK_EQ(t, data(t, "info", "none", "", &out), 1);
    CHECK_HAS(t, out, "none: there is no such file or folder");
    CHECK_EQ(t, data(t, "info", "set", "--format npz", &out), 1);
    CHECK_EQ(t, qn_quern(t, "data info", &out), 2);
    CHECK_EQ(t, qn_quern(t, "data", &out), 2);
    CHECK_HAS(t, out, "one of: info, ");
    CHECK_EQ(t, qn_quern(t, "data info README.md", &out), 3);
    CHECK_HAS(t, out, "README.md: it is no data set that is read");
}

/* A table whose pictures are all somewhere else is counted and divided; where some are
 * here, the others are refused as ever. */
void test_data_missing(qn_test *t)
{
    static const char *const tables[] = {
        "m/list.csv", "path,label,age\na.png,x,1\nb.png,y,2\nc.png,x,3\n",
        "h/metadata.csv", "file_name,label\na.png,x\nb.png,y\nc.png,x\n"};
    const char *out;
    char rest[512];
    for (int i = 0; i < 4; i += 2) {
        qn_set_kit_text(t, tables[i], tables[i + 1]);
        const char *name = i ? "h" : tables[0];
        CHECK_EQ(t, data(t, "info", name, "--json", &out), 0);
        CHECK_HAS(t, out, "\"items\":3,\"classes\":[\"x\",\"y\"]");
        CHECK_HAS(t, out, "\"missing\":3,\"rejects\":[]");
        CHECK_EQ(t, data(t, "stats", name, "--json", &out), 0);
        CHECK_HAS(t, out, "\"items\":3,\"missing\":3,\"refused\":0");
        CHECK_HAS(t, out, "\"classes\":{\"x\":2,\"y\":1}");
        CHECK_EQ(t, data(t, "info", name, "", &out), 0);
        CHECK_HAS(t, out, "3 files are missing: it is a table without pictures");
        CHECK_EQ(t, data(t, "info", name, "--read", &out), 1);
        CHECK_HAS(t, out, "all 3 items are refused, the first: a.png: ");
        CHECK_EQ(t, data(t, "lint", name, "", &out), 1);
    }
    snprintf(rest, sizeof rest, "-o %s --val 0.34 --test 0", qn_temp(t, "m/s.csv"));
    CHECK_EQ(t, data(t, "split", "m/list.csv", rest, &out), 0);
    CHECK_STR(t, out, "quern: 3 files are missing\n");
    const char *made = qn_get_file(t, qn_temp(t, "m/s.csv"), NULL);
    REQUIRE(t, made != NULL);
    CHECK_HAS(t, made, "path,label,split,age\na.png,x,");
    qn_set_kit_picture(t, "m/b.png", 5);
    CHECK_EQ(t, data(t, "info", "m/list.csv", "--json", &out), 0);
    CHECK_HAS(t, out, "\"items\":1,");
    CHECK_HAS(t, out, "\"missing\":2,\"rejects\":[{\"item\":\"a.png\",");
}

void test_data_sheet(qn_test *t)
{
    const char *out;
    qn_mem mem;
    qn_arena arena;
    qn_image sheet;
    quern_error err;
    char rest[512];
    size_t n;
    put_set(t);
    snprintf(rest, sizeof rest, "-n 3 -o %s", qn_temp(t, "sheet.png"));
    if (qn_quern(t, "version --json | grep -q '\"zlib\":true.*\"stb\":true'", NULL)) {
        qn_skip(t, "this build has no stb_image or no zlib");
        return;
    }
    CHECK_EQ(t, data(t, "sheet", "set", rest, &out), 0);
    CHECK_HAS(t, out, "test/a/bad.bmp: 2 bytes");
    const char *png = qn_get_file(t, qn_temp(t, "sheet.png"), &n);
    REQUIRE(t, png != NULL);
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    REQUIRE_OK(t, qn_image_decode(&arena, png, n, 0, &sheet, &err), &err);
    CHECK(t, sheet.width == 4 + 3 * 100 && sheet.height == 4 + 2 * 100);
    CHECK_EQ(t, data(t, "sheet", "set", "", &out), 2);
    CHECK_EQ(t, data(t, "sheet", "set", "-n 3 -o /dev/full", &out), 1);
    CHECK_EQ(t, data(t, "sheet", "set", "-n 3 -s fit -o x.png", &out), 2);
    qn_arena_done(&arena);
}

void test_data_convert(qn_test *t)
{
    static const char *const wrong[] = {"--to gif",
                                        "--to idx --resize 0x4",
                                        "--to idx --resize 4x4,big",
                                        "--to idx --gray --rgb",
                                        "--to idx --split train,fit",
                                        ""};
    const char *out;
    char rest[1024];
    put_set(t);
    for (int i = 0; i < 6; i++) {
        snprintf(rest, sizeof rest, "%s %s", qn_temp(t, "x"), wrong[i]);
        CHECK_EQ(t, data(t, "convert", "set", rest, &out), 2);
    }
    if (qn_quern(t, "version --json | grep -q '\"zlib\":true.*\"stb\":true'", NULL)) {
        qn_skip(t, "this build has no stb_image or no zlib");
        return;
    }
    snprintf(rest, sizeof rest, "%s --to folders", qn_temp(t, "x"));
    CHECK_EQ(t, data(t, "convert", "set", rest, &out), 1);
    CHECK_HAS(t, out, "1 items are refused, the first: test/a/x.webp");
    snprintf(rest, sizeof rest, "%s --to cifar --skip-bad", qn_temp(t, "x"));
    CHECK_EQ(t, data(t, "convert", "set", rest, &out), 3);
    CHECK_HAS(t, out, "CIFAR holds RGB pictures of 32 x 32 pixels");
    snprintf(rest, sizeof rest, "%s --to cifar --skip-bad --resize 32x32,pad --json",
             qn_temp(t, "x"));
    CHECK_EQ(t, data(t, "convert", "set", rest, &out), 0);
    CHECK_HAS(t, out, "quern: cifar does not hold: names of items");
    CHECK_HAS(t, out, "\"to\":\"cifar\",\"items\":3,\"classes\":2,");
    CHECK_HAS(t, out, "\"splits\":{\"train\":2,\"test\":1},\"copied\":0");
    CHECK_HAS(t, out, "{\"item\":\"test/a/bad.bmp\",\"reason\":\"");
    CHECK_HAS(t, out, "\"content_sha256\":\"");
    CHECK_EQ(t, data(t, "convert", "set", rest, &out), 1);
    CHECK_HAS(t, out, "it exists already, and is not overwritten");
}
