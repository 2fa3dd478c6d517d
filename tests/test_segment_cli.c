/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_segment_cli.c - quern segment as scripts see it: names of files, keys,
 * exit codes, and what becomes of a batch when some of it is bad.  The network is a
 * tiny one with random weights (tests/zoo/make_cpnet.py). */
#include "tests/test.h"

#include "engine/cells/cellnet.h"
#include "tools/segment_model.h"

#include <stdio.h>
#include <string.h>

#define NET      "tests/data/cpnet-tiny.onnx"
#define PICTURES "tests/data/raster/"
#define USUAL    "--model " NET " --diameter 30 --flow-threshold 0 --quiet "

static int segment(qn_test *t, const char *out_folder, const char *words,
                   const char **out)
{
    char command[4096];
    snprintf(command, sizeof command, "segment " USUAL "-o '%s' %s", out_folder, words);
    qn_note(t, "%s", words);
    return qn_quern(t, command, out);
}

static bool is_there(qn_test *t, const char *folder, const char *name)
{
    char path[700];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return qn_get_file(t, path, NULL) != NULL;
}

/* A picture of blobs, large enough for cells. */
static const char *blobs(qn_test *t, const char *name, int side)
{
    const char *path = qn_temp(t, name);
    uint8_t pixels[64 + 200 * 200];
    const int head = snprintf((char *)pixels, 64, "P5 %d %d 255\n", side, side);
    for (int i = 0; i < side * side; i++) {
        const int y = i / side % 25 - 12, x = i % side % 25 - 12;
        pixels[head + i] = (uint8_t)(x * x + y * y < 80 ? 200 - x * 3 : 20 + i % 7);
    }
    qn_put_file(t, path, pixels, (size_t)(head + side * side));
    return path;
}

void test_segment_files(qn_test *t)
{
    const char *out = "";
    char picture[600], folder[600], words[1300];
    snprintf(picture, sizeof picture, "%s", blobs(t, "a.pgm", 200));
    snprintf(folder, sizeof folder, "%s", qn_temp(t, "out"));
    CHECK_EQ(t, segment(t, folder, picture, &out), 0);
    CHECK_HAS(t, out, "cells, diameter 30.0 px");
    CHECK(t, is_there(t, folder, "a_masks.png"));
    CHECK(t, is_there(t, folder, "a_outlines.png"));
    CHECK(t, is_there(t, folder, "a_flows.png"));
    snprintf(words, sizeof words, "'%s' --json --save masks,raw,csv", picture);
    CHECK_EQ(t, segment(t, folder, words, &out), 0);
    CHECK_HAS(t, out, "{\"schema\":1,\"image\":\"");
    CHECK_HAS(t, out, "\"cells\":");
    CHECK_HAS(t, out, "\"diameter\":30,\"ms\":");
    CHECK_HAS(t, out, "\"files\":{\"masks\":\"");
    CHECK(t, is_there(t, folder, "a_raw.npz"));
    snprintf(words, sizeof words, "'%s' --dry-run", picture);
    CHECK_EQ(t, segment(t, folder, words, &out), 0);
    CHECK_HAS(t, out, "200 x 200, 1 planes of 1 tiles of 224 x 224");
    snprintf(words, sizeof words, "'%s' --save masks,soup", picture);
    CHECK_EQ(t, segment(t, folder, words, &out), 2);
    CHECK_HAS(t, out, "--save names 'soup', which is no output");
}

/* The same settings give the same cells without the network; others need not. */
void test_segment_rethreshold(qn_test *t)
{
    const char *out = "";
    char command[1400], folder[500], again[500], path[600];
    snprintf(folder, sizeof folder, "%s", qn_temp(t, "out"));
    snprintf(again, sizeof again, "%s", qn_temp(t, "again"));
    snprintf(command, sizeof command, "%s --save masks,raw", blobs(t, "a.pgm", 200));
    CHECK_EQ(t, segment(t, folder, command, &out), 0);
    snprintf(command, sizeof command,
             "segment rethreshold '%s' -o '%s' --flow-threshold 0 --quiet --json",
             folder, again);
    CHECK_EQ(t, qn_quern(t, command, &out), 0);
    CHECK_HAS(t, out, "a.pgm\",\"cells\":");
    size_t n = 0, k = 0;
    snprintf(path, sizeof path, "%s/a_masks.png", folder);
    const char *first = qn_get_file(t, path, &n);
    snprintf(path, sizeof path, "%s/a_masks.png", again);
    const char *second = qn_get_file(t, path, &k);
    REQUIRE(t, first && second);
    CHECK(t, n == k && !memcmp(first, second, n));
    CHECK(t, is_there(t, again, "a_outlines.png"));
    snprintf(path, sizeof path, "%s/a_raw.npz", folder);
    qn_put_file(t, path, "PK", 2);
    CHECK_EQ(t, qn_quern(t, command, &out), 1);
    CHECK_HAS(t, out, "a_raw.npz");
    snprintf(command, sizeof command, "segment rethreshold docs -o '%s'", again);
    CHECK_EQ(t, qn_quern(t, command, &out), 1);
    CHECK_HAS(t, out, "there are no files *_raw.npz");
}

/* Bad pictures are told by name, the good ones are done, nothing is left half-written.
 */
void test_segment_batch(qn_test *t)
{
    const char *out = "";
    char folder[500], words[1300];
    snprintf(words, sizeof words, "mkdir -p '%s'", qn_temp(t, "in"));
    qn_shell(t, words, NULL);
    blobs(t, "in/a.pgm", 60);
    blobs(t, "in/z.pgm", 60);
    qn_put_file(t, qn_temp(t, "in/b.tif"), "this is text", 12);
    qn_put_file(t, qn_temp(t, "in/c.png"), "\x89PNG\r\n\x1a\n", 8);
    qn_put_file(t, qn_temp(t, "in/d_masks.png"), "an old result", 13);
    qn_put_file(t, qn_temp(t, "in/notes.txt"), "no picture", 10);
    snprintf(folder, sizeof folder, "%s", qn_temp(t, "out"));
    snprintf(words, sizeof words, "mkdir -p '%s/z_masks.png'", folder);
    qn_shell(t, words, NULL); /* z cannot be written */
    snprintf(words, sizeof words, "'%s' --json", qn_temp(t, "in"));
    CHECK_EQ(t, segment(t, folder, words, &out), 1);
    CHECK_HAS(t, out, "in/b.tif: it is no TIFF, PNG, JPEG, BMP or PNM picture");
    CHECK_HAS(t, out, "in/c.png: the PNG file ends");
    CHECK_HAS(t, out, "in/a.pgm\",\"cells\":");
    CHECK_HAS(t, out, "z_masks.png");
    CHECK(t, !strstr(out, "d_masks") && !strstr(out, "notes"));
    CHECK(t, is_there(t, folder, "a_masks.png"));
    CHECK(t, !is_there(t, folder, "z_segment.json"));
    snprintf(words, sizeof words, "ls '%s'", folder);
    qn_shell(t, words, &out);
    CHECK_STR(t, out,
              "a_flows.png\na_masks.png\na_outlines.png\na_segment.json\n"
              "summary.csv\nsummary.html\nz_masks.png\n");
}

void test_segment_resume(qn_test *t)
{
    const char *out = "";
    char folder[500], picture[600], words[1300];
    snprintf(folder, sizeof folder, "%s", qn_temp(t, "out"));
    snprintf(picture, sizeof picture, "%s", blobs(t, "a.pgm", 60));
    snprintf(words, sizeof words, "'%s' --resume --json", picture);
    CHECK_EQ(t, segment(t, folder, words, &out), 0);
    CHECK_HAS(t, out, "\"cells\"");
    CHECK_EQ(t, segment(t, folder, words, &out), 0);
    CHECK_STR(t, out, ""); /* it is done */
    snprintf(words, sizeof words, "'%s' --resume --json --min-size 20", picture);
    CHECK_EQ(t, segment(t, folder, words, &out), 0);
    CHECK_HAS(t, out, "\"cells\""); /* not in this way */
    snprintf(words, sizeof words, "rm '%s/a_flows.png'", folder);
    qn_shell(t, words, NULL);
    snprintf(words, sizeof words, "'%s' --resume --json --min-size 20", picture);
    CHECK_EQ(t, segment(t, folder, words, &out), 0);
    CHECK_HAS(t, out, "\"cells\""); /* a file is gone */
}

void test_segment_mistakes(qn_test *t)
{
    static const struct {
        const char *words, *says;
        int code;
    } cases[] = {
        {PICTURES "u16.png --diameter 0.2",
         "--diameter is '0.2', not auto or 1 to 10000", 2},
        {PICTURES "u16.png --tile 100", "a multiple of 16", 2},
        {PICTURES "u16.png --percentiles 99,1", "--percentiles is '99,1'", 2},
        {PICTURES "u16.png --lowhigh 5,5",
         "--lowhigh is '5,5', not two numbers such as 100,4000", 2},
        {PICTURES "u16.png --tile-norm 3", "--tile-norm is 3, not 8 to 1e+06", 2},
        {PICTURES "u16.png --sharpen -1", "--sharpen is -1, not 0 to 1000", 2},
        {PICTURES "u16.png --stitch 2", "--stitch is 2, not 0 to 1", 2},
        {PICTURES "u16.png --gray odd", "--gray is 'odd'", 2},
        {PICTURES "u8_rgb.png --chan 4", "channel 4 is asked for, the picture has 3",
         1},
        {PICTURES "u16.png --no-norm --invert", "--invert needs levels", 2},
        {"nowhere.png", "nowhere.png: cannot open", 1},
        {"docs", "docs: there are no pictures", 1},
        {PICTURES "u16.png --limit pixels=100", "13 x 9 pixels", 4},
        {PICTURES "u16.png --model tests/data/fashion-fast16.onnx", "has 1 channels",
         1},
    };
    const char *out = "";
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const int code = segment(t, qn_temp(t, "out"), cases[i].words, &out);
        if (strstr(cases[i].says, "has 1 channels"))
            CHECK(t, code == 1); /* a classifier: rank of its output tells */
        else {
            CHECK_EQ(t, code, cases[i].code);
            CHECK_HAS(t, out, cases[i].says);
        }
    }
    CHECK_EQ(t, qn_quern(t, "segment", &out), 2);
}

/* What stands beside a model must fit it. */
void test_segment_sidecar(qn_test *t)
{
    static const struct {
        const char *text, *says; /* NULL: fine */
    } cases[] = {
        {"{}", NULL},
        {"{\"name\":\"x\",\"diam_mean\":17,\"nchan\":2,\"bytes\":100}", NULL},
        {"{\"diam_mean\":-3}", "'diam_mean' is -3, not 2 to 1000"},
        {"{\"diam_mean\":1e99}", "'diam_mean' is 1e+99"},
        {"{\"diam_mean\":\"30\"}", "'diam_mean' is no number"},
        {"{\"nchan\":3}", "'nchan' is 3, but the network takes 2 channels"},
        {"{\"nchan\":0}", "'nchan' is 0, not 1 to 3"},
        {"{\"bytes\":5}", "'bytes' is 5, but the model has 100"},
        {"{\"sha256\":\"00\"}", "'sha256' is 00, but the model's is abc"},
        {"{\"name\":7}", "'name' is no text"},
        {"[1]", "it is no JSON object"},
        {"{\"diam_mean\":", "column"},
        {"\xff\xfe", "column"},
        {"", "column"},
    };
    qn_mem mem;
    qn_arena arena;
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        qn_cellnet net = {.channels = 2, .diam_mean = 30, .sha256 = "abc"};
        quern_error err = {.status = QUERN_OK};
        const quern_status status = qn_segment_sidecar(
            cases[i].text, strlen(cases[i].text), 100, &net, &arena, &err);
        qn_note(t, "%s", cases[i].text);
        if (cases[i].says)
            CHECK_FAILS(t, status, QUERN_FORMAT, &err, cases[i].says);
        else
            CHECK_OK(t, status, &err);
        if (i == 1) CHECK_WITHIN(t, net.diam_mean, 17, 0);
    }
    qn_arena_done(&arena);
}

/* Every kind of file, of two pictures, and what they add up to. */
void test_segment_outputs(qn_test *t)
{
    static const char *const ends[] = {
        "_masks.png",   "_outlines.png",  "_overlay.png",  "_flows.png", "_prob.png",
        "_cells.csv",   "_cells.json",    "_outlines.txt", "_rois.zip",  "_coco.json",
        "_report.html", "_cells.geojson", "_segment.json"};
    const char *out = "";
    char words[1400], folder[500], name[64];
    snprintf(folder, sizeof folder, "%s", qn_temp(t, "out"));
    snprintf(words, sizeof words,
             "'%s' --save all --fov 2,1 --outline-color '#Ff6B35' --um-per-px 0.5",
             blobs(t, "a.pgm", 100));
    snprintf(words + strlen(words), sizeof words - strlen(words), " '%s'",
             blobs(t, "b.pgm", 80));
    CHECK_EQ(t, segment(t, folder, words, &out), 0);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        for (int k = 0; k < 2; k++) {
            snprintf(name, sizeof name, "%c%s", 'a' + k, ends[i]);
            qn_note(t, "%s", name);
            CHECK(t, is_there(t, folder, name));
        }
    snprintf(name, sizeof name, "out/summary.csv");
    const char *summary = qn_get_file(t, qn_temp(t, name), NULL);
    if (CHECK(t, summary != NULL)) {
        CHECK_HAS(t, summary, "a.pgm,completed,");
        CHECK_HAS(t, summary, "b.pgm,completed,");
    }
    const char *csv = qn_get_file(t, qn_temp(t, "out/a_cells.csv"), NULL);
    if (CHECK(t, csv != NULL)) {
        CHECK_HAS(t, csv, "# sample_id,a.pgm\n");
        CHECK_HAS(t, csv, "# density_cells_per_cm2,");
        CHECK_HAS(t, csv, ",area_px,area_um2,");
    }
    CHECK_EQ(t, segment(t, folder, "x.png --outline-color red", &out), 2);
    CHECK_HAS(t, out, "--outline-color is 'red'");
    CHECK_EQ(t, segment(t, folder, "x.png --fov 3", &out), 2);
    CHECK_HAS(t, out, "--fov is '3'");
}

/* A wrong value is a mistake of usage, told before pictures and models are looked for.
 */
void test_segment_usage(qn_test *t)
{
    static const char *const bad[] = {
        "diameter x",        "diameter -1",  "tile 33",
        "bsize 1e9",         "squares 7",    "gray sepia",
        "percentiles 5",     "lowhigh 9,1",  "smooth -1",
        "sharpen 1e300",     "tile-norm 3",  "tile-overlap 0.9",
        "chan -1",           "stitch 2",     "niter -1",
        "flow-threshold -1", "min-size -99", "cellprob-threshold 1e9"};
    char words[128], option[32];
    const char *out;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(words, sizeof words, "segment /nowhere/a.png --%s", bad[i]);
        snprintf(option, sizeof option, "--%.*s", (int)strcspn(bad[i], " "), bad[i]);
        qn_note(t, "%s", words);
        CHECK_EQ(t, qn_quern(t, words, &out), 2);
        CHECK_HAS(t, out, strstr(option, "bsize") ? "--tile" : option);
        CHECK_HAS(t, out, "--help tells more");
    }
    CHECK_EQ(t, qn_quern(t, "segment rethreshold /nowhere --niter -1", &out), 2);
    CHECK_EQ(t, qn_quern(t, "segment rethreshold /nowhere --save soup", &out), 2);
    CHECK_EQ(t, qn_quern(t, "segment /nowhere/a.png --diameter 30", &out), 1);
}

/* A disk that fills up in the middle of a batch: each picture it has no room for is
 * told, nothing of it is half-written or counted as done, and what was done stays. */
void test_segment_full_disk(qn_test *t)
{
    const char *out = "";
    char script[3000], folder[500], binary[600];
    snprintf(folder, sizeof folder, "%s", qn_temp(t, "full"));
    snprintf(binary, sizeof binary, "%s/quern", qn_build(t));
    snprintf(script, sizeof script, "mkdir -p '%s' '%s'", qn_temp(t, "in"), folder);
    qn_shell(t, script, NULL);
    for (int i = 0; i < 5; i++) {
        snprintf(script, sizeof script, "in/%c.pgm", 'a' + i);
        blobs(t, script, 190);
    }
    snprintf(script, sizeof script,
             "unshare -m sh -c \"mount -t tmpfs -o size=160k none '%s' || exit 99; "
             "'%s' segment " USUAL
             "'%s' -o '%s' --json 2>&1; echo code \\$?; ls -A '%s'; "
             "for f in '%s'/*_segment.json; do echo done \\$f; done\"",
             folder, binary, qn_temp(t, "in"), folder, folder, folder);
    const int code = qn_shell(t, script, &out);
    if (code == 99 || !strstr(out, "code ")) {
        qn_skip(t, "no small file system can be mounted here");
        return;
    }
    CHECK_HAS(t, out, "code 1");
    CHECK_HAS(t, out, "No space left on device");
    CHECK_HAS(t, out, "in/a.pgm\",\"cells\":");
    CHECK_HAS(t, out, "in/e.pgm\",\"error\":\"");
    CHECK_HAS(t, out, "a_segment.json");
    CHECK(t, !strstr(out, ".tmp") && !strstr(out, "/e_segment.json"));
}

/* Noise in a part of the picture where there are no cells is not made into some: levels
 * are those of the whole picture, not of the tile. */
void test_segment_empty_ground(qn_test *t)
{
    enum { HIGH = 256, WIDE = 768 };
    static uint8_t pixels[64 + HIGH * WIDE];
    const char *out = "";
    char command[1500], picture[600];
    const int head = snprintf((char *)pixels, 64, "P5 %d %d 255\n", WIDE, HIGH);
    for (int i = 0; i < HIGH * WIDE; i++) {
        const int y = i / WIDE % 25 - 12, x = i % WIDE % 25 - 12;
        const bool is_cell = i % WIDE < 250 && x * x + y * y < 80;
        pixels[head + i] = (uint8_t)(is_cell ? 200 - x * 3 : qn_test_int(t, 18, 22));
    }
    snprintf(picture, sizeof picture, "%s", qn_temp(t, "half.pgm"));
    qn_put_file(t, picture, pixels, (size_t)(head + HIGH * WIDE));
    snprintf(command, sizeof command,
             "segment '%s' -d 18 -o '%s' --save csv --quiet --json", picture,
             qn_temp(t, "."));
    CHECK_EQ(t, qn_quern(t, command, &out), 0);
    CHECK_HAS(t, out, "\"cells\":100,"); /* ten by ten */
}
