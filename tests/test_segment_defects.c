/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_segment_defects.c - what other programs for cells get wrong, and what a
 * picture may bring along: docs/CELLS.md lists both with the names of their tests, of
 * which these are some. */
#include "tests/test.h"

#include "formats/plugin.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define PICTURES "tests/data/raster/"
#define USUAL                                                                      \
    "segment --model tests/data/cpnet-tiny.onnx --diameter 30 --flow-threshold 0 " \
    "--quiet --json "

static bool has_tiff(void)
{
    char path[QN_PATH_MAX];
    return qn_plugin_find("tiff", path);
}

static bool is_there(qn_test *t, const char *name)
{
    return qn_get_file(t, qn_temp(t, name), NULL) != NULL;
}

static bool is_cell(int y, int x)
{
    const int dy = y % 25 - 12, dx = x % 25 - 12;
    return dy * dy + dx * dx < 80;
}

/* Bright discs, 16 bits: ground at `low`, cells at `high`. */
static void put_deep(qn_test *t, const char *name, int side, int low, int high)
{
    const size_t n = (size_t)(side * side);
    char *file = qn_exact(t, 64 + 2 * n);
    const int head = snprintf(file, 64, "P5 %d %d 65535\n", side, side);
    for (size_t i = 0; i < n; i++) {
        const int v = is_cell((int)i / side, (int)i % side) ? high : low;
        file[head + 2 * (int)i] = (char)(v >> 8);
        file[head + 2 * (int)i + 1] = (char)v;
    }
    qn_put_file(t, qn_temp(t, name), file, (size_t)head + 2 * n);
}

/* 16 bits stay 16 bits: cells that are a 200th of the range brighter than the ground,
 * less than one step of 8 bits, are found like those that are as bright as can be. */
void test_segment_sixteen_bits(qn_test *t)
{
    const char *out = "";
    char words[2000];
    put_deep(t, "faint.pgm", 200, 30000, 30127);
    put_deep(t, "strong.pgm", 200, 0, 65535);
    snprintf(words, sizeof words,
             "segment '%s' -d 18 --save csv --quiet --json -o '%s'",
             qn_temp(t, "faint.pgm"), qn_temp(t, "."));
    CHECK_EQ(t, qn_quern(t, words, &out), 0);
    CHECK_HAS(t, out, "\"cells\":64,"); /* eight by eight */
    snprintf(words, sizeof words,
             "segment '%s' -d 18 --save csv --quiet --json -o '%s'",
             qn_temp(t, "strong.pgm"), qn_temp(t, "."));
    CHECK_EQ(t, qn_quern(t, words, &out), 0);
    CHECK_HAS(t, out, "\"cells\":64,");
}

static int count_lines(const char *text, const char *from)
{
    int n = 0;
    text = strstr(text, from);
    for (; text && *text; text++)
        n += *text == '\n';
    return n;
}

/* A run on this machine leaves labels, flows and a table with a row for each cell, not
 * a row for the picture. */
void test_segment_row_per_cell(qn_test *t)
{
    const char *out = "";
    char words[2000];
    put_deep(t, "a.pgm", 200, 0, 65535);
    snprintf(words, sizeof words,
             "segment '%s' -d 18 --save masks,flows,csv --quiet --json -o '%s'",
             qn_temp(t, "a.pgm"), qn_temp(t, "."));
    CHECK_EQ(t, qn_quern(t, words, &out), 0);
    CHECK_HAS(t, out, "\"cells\":64,");
    CHECK(t, is_there(t, "a_masks.png") && is_there(t, "a_flows.png"));
    const char *csv = qn_get_file(t, qn_temp(t, "a_cells.csv"), NULL);
    if (CHECK(t, csv != NULL)) CHECK_EQ(t, count_lines(csv, "\nlabel,area_px") - 1, 65);
}

/* A TIFF is read where nothing but this program is; a JPEG is turned as EXIF says. */
void test_segment_tiff_and_exif(qn_test *t)
{
    const char *out = "";
    char words[2000];
    snprintf(words, sizeof words, USUAL "-o '%s' " PICTURES "turned.jpg",
             qn_temp(t, "."));
    CHECK_EQ(t, qn_quern(t, words, &out), 0);
    const char *record = qn_get_file(t, qn_temp(t, "turned_segment.json"), NULL);
    if (CHECK(t, record != NULL)) /* stored 56 wide and 24 high */
        CHECK_HAS(t, record, "\"height\":56,\"width\":24,");
    if (!has_tiff()) return;
    snprintf(words, sizeof words, USUAL "-o '%s' " PICTURES "u16_lzw.tif",
             qn_temp(t, "."));
    CHECK_EQ(t, qn_quern(t, words, &out), 0);
    CHECK(t, is_there(t, "u16_lzw_masks.png"));
}

/* A picture that is too large is told to be, with both numbers and a code of its own,
 * before anything is taken for it; there is no count that is called implausible. */
void test_segment_too_large(qn_test *t)
{
    static const char large[] = "P5 60000 60000 255\n";
    const char *out = "";
    char words[2000];
    qn_put_file(t, qn_temp(t, "large.pgm"), large, sizeof large - 1);
    snprintf(words, sizeof words, USUAL "-o '%s' '%s'", qn_temp(t, "out"),
             qn_temp(t, "large.pgm"));
    CHECK(t, qn_quern(t, words, &out) != 0);
    CHECK_HAS(t, out, "60000 x 60000");
    snprintf(words, sizeof words,
             USUAL "-o '%s' --limit pixels=100 " PICTURES "u16.pgm", qn_temp(t, "out"));
    CHECK_EQ(t, qn_quern(t, words, &out), 4);
    CHECK_HAS(t, out, "13 x 9 pixels; a plane has 1 to 100");
    CHECK(t, !is_there(t, "out/u16_segment.json"));
}

/* ---- bad input ---- */

/* A copy of a file in in/, cut to a share of its length and with bytes put over it. */
static void spoil(qn_test *t, const char *from, const char *to, double share,
                  const uint8_t *over, size_t at)
{
    size_t n = 0;
    char path[300];
    snprintf(path, sizeof path, PICTURES "%s", from);
    const char *bytes = qn_get_file(t, path, &n);
    REQUIRE(t, bytes != NULL);
    char *copy = qn_exact(t, n);
    memcpy(copy, bytes, n);
    if (over) memcpy(copy + (at ? at : n - 4), over, 4);
    snprintf(path, sizeof path, "in/%s", to);
    qn_put_file(t, qn_temp(t, path), copy, (size_t)((double)n * share));
}

/* All of them in one batch: each bad one is a sentence, the others are done, the code
 * tells, and nothing is half-written. */
void test_segment_bad_pictures(qn_test *t)
{
    static const char *const good[] = {"one", "flat", "alpha", "palette"};
    const float nan = NAN;
    const char *out = "";
    char words[2000], name[100];
    snprintf(words, sizeof words, "mkdir -p '%s'", qn_temp(t, "in"));
    qn_shell(t, words, NULL);
    qn_put_file(t, qn_temp(t, "in/one.pgm"), "P5 1 1 255\n\x50", 12);
    char flat[13 + 40 * 30] = "P5 40 30 255\n";
    memset(flat + 13, 90, sizeof flat - 13);
    qn_put_file(t, qn_temp(t, "in/flat.pgm"), flat, sizeof flat);
    spoil(t, "u8_rgba.png", "alpha.png", 1, NULL, 0);
    spoil(t, "u8_palette.png", "palette.png", 1, NULL, 0);
    spoil(t, "u16.png", "wide.png", 1, (const uint8_t *)"\x3b\x9a\xca\x00", 16);
    qn_put_file(t, qn_temp(t, "in/text.tif"), "II*\0not a TIFF at all", 21);
    if (has_tiff()) {
        spoil(t, "u16.tif", "cut.tif", 0.5, NULL, 0);
        spoil(t, "f32.tif", "nan.tif", 1, (const uint8_t *)&nan, 0);
    }
    snprintf(words, sizeof words, USUAL "-o '%s' '%s'", qn_temp(t, "out"),
             qn_temp(t, "in"));
    CHECK_EQ(t, qn_quern(t, words, &out), 1);
    for (int i = 0; i < 4; i++) {
        qn_note(t, "%s", good[i]);
        snprintf(name, sizeof name, "out/%s_masks.png", good[i]);
        CHECK(t, is_there(t, name));
        snprintf(name, sizeof name, "out/%s_segment.json", good[i]);
        CHECK(t, is_there(t, name));
    }
    CHECK_HAS(t, out, "in/wide.png\",\"error\":\"");
    CHECK_HAS(t, out, "in/text.tif\",\"error\":\"");
    if (has_tiff()) {
        CHECK_HAS(t, out, "in/cut.tif\",\"error\":\"");
        CHECK_HAS(t, out, "in/nan.tif\",\"error\":\"");
        CHECK_HAS(t, out, "1 of 117 samples are no finite numbers");
    }
    snprintf(words, sizeof words, "ls '%s' | grep -E 'wide|text|cut|nan|tmp'",
             qn_temp(t, "out"));
    CHECK_EQ(t, qn_shell(t, words, &out), 1); /* there is no such file */
}

/* No cells: labels that are all 0, a table without rows, 0 cells and code 0. */
void test_segment_no_cells(qn_test *t)
{
    const char *out = "";
    char words[2000];
    put_deep(t, "empty.pgm", 120, 500, 500);
    snprintf(words, sizeof words, "segment '%s' --save all --quiet --json -o '%s'",
             qn_temp(t, "empty.pgm"), qn_temp(t, "."));
    CHECK_EQ(t, qn_quern(t, words, &out), 0);
    CHECK_HAS(t, out, "\"cells\":0,");
    CHECK(t, is_there(t, "empty_masks.png") && is_there(t, "empty_rois.zip"));
    const char *csv = qn_get_file(t, qn_temp(t, "empty_cells.csv"), NULL);
    if (CHECK(t, csv != NULL)) CHECK_EQ(t, count_lines(csv, "\nlabel,area_px") - 1, 1);
}

/* Beside the model lies something that is no description of it. */
void test_segment_bad_sidecar(qn_test *t)
{
    size_t n = 0;
    const char *out = "", *net = qn_get_file(t, "tests/data/cpnet-tiny.onnx", &n);
    char words[2000];
    REQUIRE(t, net != NULL);
    qn_put_file(t, qn_temp(t, "net.onnx"), net, n);
    qn_put_file(t, qn_temp(t, "net.onnx.json"), "{\"diam_mean\": [", 15);
    snprintf(words, sizeof words, "segment " PICTURES "u16.png --model '%s' -q -o '%s'",
             qn_temp(t, "net.onnx"), qn_temp(t, "out"));
    CHECK_EQ(t, qn_quern(t, words, &out), 1);
    CHECK_HAS(t, out, "net.onnx.json");
    CHECK(t, !is_there(t, "out/u16_masks.png"));
}

/* The names in the last column of both tables of docs/CELLS.md are those of tests. */
void test_cells_page(qn_test *t)
{
    const char *page = qn_get_file(t, "docs/CELLS.md", NULL);
    const char *tests = qn_get_file(t, "tests/tests.def", NULL);
    REQUIRE(t, page && tests);
    int n = 0;
    for (const char *end; (end = strstr(page, " |\n")) != NULL; page = end + 3) {
        const char *last = end;
        while (last > page && *last != '|')
            last--;
        for (const char *at = last; (at = strchr(at, '`')) != NULL && at < end;) {
            char row[100];
            const size_t length = strcspn(++at, "`");
            snprintf(row, sizeof row, "QN_TEST(%.*s)\n", (int)length, at);
            qn_note(t, "%.*s", (int)length, at);
            CHECK(t, strstr(tests, row) != NULL);
            at += length + 1;
            n++;
        }
    }
    CHECK(t, n > 40);
}

/* ---- what it takes ---- */

/* The most that a command ever had in memory, bytes; 0 where it failed.  From a process
 * of its own, whose children it alone has. */
static double peak_of(qn_test *t, const char *command)
{
    int ends[2];
    double peak = 0;
    if (!CHECK(t, pipe(ends) == 0)) return 0;
    const pid_t child = fork();
    if (child == 0) {
        struct rusage used = {0};
        if (system(command) == 0) getrusage(RUSAGE_CHILDREN, &used);
        peak = 1024.0 * (double)used.ru_maxrss;
        _exit(write(ends[1], &peak, sizeof peak) != sizeof peak);
    }
    close(ends[1]);
    if (read(ends[0], &peak, sizeof peak) != sizeof peak) peak = 0;
    close(ends[0]);
    waitpid(child, NULL, 0);
    return peak;
}

/* --dry-run tells the memory that a run then takes, within 15 percent: of a picture as
 * a whole and in squares. */
void test_segment_dry_run(qn_test *t)
{
    static const char *const ways[] = {"--squares 0", "--squares 300"};
    const char *out = "";
    char words[2000], command[4000];
    if (!qn_is_release(t)) {
        qn_skip(t, "memory is that of release builds");
        return;
    }
    put_deep(t, "a.pgm", 1000, 0, 65535);
    for (int i = 0; i < 2; i++) {
        double told = 0;
        snprintf(words, sizeof words,
                 "segment '%s' -d 18 -t 2 --save masks,csv -q --json -o '%s' %s",
                 qn_temp(t, "a.pgm"), qn_temp(t, "out"), ways[i]);
        snprintf(command, sizeof command, "%s --dry-run", words);
        CHECK_EQ(t, qn_quern(t, command, &out), 0);
        const char *at = strstr(out, "\"bytes\":");
        if (CHECK(t, at != NULL)) told = strtod(at + 8, NULL);
        snprintf(command, sizeof command, "'%s/quern' %s >/dev/null", qn_build(t),
                 words);
        const double taken = peak_of(t, command);
        qn_note(t, "%s: %.0f told, %.0f taken", ways[i], told, taken);
        CHECK(t, taken > 0);
        CHECK_WITHIN(t, told / taken, 1, 0.15);
    }
}
