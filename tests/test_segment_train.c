/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_segment_train.c - quern segment synth and quern segment train as scripts
 * see them, with a network of two channels. */
#include "formats/cells_default.h"
#include "formats/sha256.h"
#include "tests/test.h"

#include <stdio.h>
#include <string.h>

#define SMALL                                                                      \
    "--crop 32 --batch 2 --width 2 --val 0.2 --warmup 0 --epochs 3 -t 1 --seed 5 " \
    "--synth 8"

static int train(qn_test *t, const char *run, const char *more, const char **out)
{
    char line[4096];
    snprintf(line, sizeof line, "segment train " SMALL " -o %s %s", qn_temp(t, run),
             more);
    qn_note(t, "%s", line);
    return qn_quern(t, line, out);
}

static char *file_of(qn_test *t, const char *run, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", run, name);
    return qn_get_file(t, qn_temp(t, path), NULL);
}

/* weights_hash of the last row. */
static const char *hash_of(qn_test *t, const char *run)
{
    char *at = NULL, *rows = file_of(t, run, "metrics.jsonl");
    for (char *p = rows; p && (p = strstr(p, "\"weights_hash\":\"")); p += 16)
        at = p + 16;
    if (!at) return "";
    at[strcspn(at, "\"")] = 0;
    return at;
}

void test_segment_synth(qn_test *t)
{
    char line[4096];
    const char *out;
    snprintf(line, sizeof line,
             "segment synth -o %s --n 3 --size 64x48 --mode ring --first 7 --json",
             qn_temp(t, "s"));
    CHECK_EQ(t, qn_quern(t, line, &out), 0);
    CHECK_HAS(t, out, "\"mode\":\"ring\"");
    CHECK(t,
          file_of(t, "s", "ring-00009.png") && file_of(t, "s", "ring-00009_masks.png"));
    CHECK_EQ(t, qn_quern(t, "segment synth --n 3", &out), 2);
    CHECK_HAS(t, out, "-o DIR");
    snprintf(line, sizeof line, "segment synth -o %s --mode moon", qn_temp(t, "x"));
    CHECK_EQ(t, qn_quern(t, line, &out), 2);
    snprintf(line, sizeof line, "segment synth -o %s --size 64", qn_temp(t, "x"));
    CHECK_EQ(t, qn_quern(t, line, &out), 2);
    snprintf(line, sizeof line, "segment synth -o %s --size 64x9", qn_temp(t, "x"));
    CHECK_EQ(t, qn_quern(t, line, &out), 2);
    CHECK_HAS(t, out, "64x9 pixels");
    snprintf(line, sizeof line, "segment synth -o %s --jpeg 1.5", qn_temp(t, "x"));
    CHECK_EQ(t, qn_quern(t, line, &out), 2);
    CHECK_HAS(t, out, "1.5 of all");
}

/* What synth writes is what train reads; the run folder has all that is promised. */
void test_segment_train_run(qn_test *t)
{
    static const char *const files[] = {"model.onnx",  "model.json",      "last.onnx",
                                        "config.json", "model-half.onnx", "split.csv",
                                        "report.json", "metrics.jsonl"};
    char line[4096];
    const char *out;
    snprintf(line, sizeof line, "segment synth -q -o %s --n 4 --size 96x96 -d 12",
             qn_temp(t, "s"));
    CHECK_EQ(t, qn_quern(t, line, &out), 0);
    CHECK_EQ(t, train(t, "a", qn_temp(t, "s"), &out), 0);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        qn_note(t, "%s", files[i]);
        CHECK(t, file_of(t, "a", files[i]) != NULL);
    }
    CHECK_HAS(t, file_of(t, "a", "model.json"), "\"diam_mean\":17");
    CHECK_HAS(t, file_of(t, "a", "report.json"), "\"val_ap50\":");
    CHECK_EQ(t, train(t, "a", qn_temp(t, "s"), &out), 2);
    CHECK_HAS(t, out, "holds a run already");
    /* its model is trained further */
    snprintf(line, sizeof line, "--model %s/model.onnx", qn_temp(t, "a"));
    CHECK_EQ(t, train(t, "b", line, &out), 0);
    CHECK(t, strcmp(hash_of(t, "a"), hash_of(t, "b")) != 0);
}

/* Stopped after ever longer times, it ends as if it had not been. */
void test_segment_train_resume(qn_test *t)
{
    char line[4096];
    const char *out;
    int code = 1, stops = 0;
    const double start = qn_seconds();
    CHECK_EQ(t, train(t, "whole", "", &out), 0);
    const double seconds = qn_seconds() - start;
    for (int i = 1; i < 40 && code != 0; i++) {
        const bool goes_on = file_of(t, "parts", "checkpoint/last.safetensors") != NULL;
        snprintf(line, sizeof line,
                 "timeout --foreground --preserve-status -s TERM %.2f %s/quern segment "
                 "train " SMALL " --save-every 0 -o %s %s",
                 seconds * (0.5 + 0.04 * i), qn_build(t), qn_temp(t, "parts"),
                 goes_on ? "--resume" : "--overwrite");
        code = qn_shell(t, line, &out);
        stops += code == 130;
    }
    qn_note(t, "stopped %d times: %s", stops, out);
    CHECK_EQ(t, code, 0);
    CHECK(t, stops > 0);
    CHECK_STR(t, hash_of(t, "parts"), hash_of(t, "whole"));
}

void test_segment_train_bad(qn_test *t)
{
    char line[4096];
    const char *out;
    CHECK_EQ(t, qn_quern(t, "segment train", &out), 2);
    CHECK_HAS(t, out, "no pictures");
    CHECK_EQ(t, train(t, "x", "--crop 33", &out), 2);
    CHECK_HAS(t, out, "--crop 33 is no multiple of 8");
    CHECK_EQ(t, train(t, "x", "--lr 0", &out), 2);
    CHECK_EQ(t, train(t, "x", "--epochs 0", &out), 2);
    CHECK_EQ(t, train(t, "x", qn_temp(t, "nowhere"), &out), 1);
    CHECK(t, file_of(t, "x", "config.json") == NULL);
    snprintf(line, sizeof line, "segment synth -q -o %s --n 3 --size 96x96 -d 12",
             qn_temp(t, "s"));
    CHECK_EQ(t, qn_quern(t, line, &out), 0);
    snprintf(line, sizeof line, "cd %s && rm $(ls | grep _masks | head -1)",
             qn_temp(t, "s"));
    CHECK_EQ(t, qn_shell(t, line, NULL), 0);
    CHECK_EQ(t, train(t, "x", qn_temp(t, "s"), &out), 1);
    CHECK_HAS(t, out, "no labels");
    CHECK_HAS(t, out, "--skip-bad");
    snprintf(line, sizeof line, "%s --skip-bad --dry-run", qn_temp(t, "s"));
    CHECK_EQ(t, train(t, "x", line, &out), 0);
    CHECK_EQ(t, train(t, "x", "--resume", &out), 2);
}

/* The network that is built in is the one that its page tells of. */
void test_cells_default_card(qn_test *t)
{
    char hex[65];
    size_t n;
    const void *model = qn_cells_default(&n);
    const char *card = qn_get_file(t, "docs/CELLS_MODEL.md", NULL);
    REQUIRE(t, card);
    qn_sha256_hex(model, n, hex);
    CHECK(t, n < 1000000);
    CHECK_EQ(t, (int64_t)((uintptr_t)model % 64), 0);
    CHECK_HAS(t, card, hex);
}

/* The recipe of the built-in network, from a tar of pictures to the table of figures,
 * in its smoke mode. */
void test_segment_recipe(qn_test *t)
{
    char line[4096], folder[600];
    const char *out = "";
    snprintf(folder, sizeof folder, "%s", qn_temp(t, "r"));
    snprintf(
        line, sizeof line,
        "set -e; q=$(realpath '%s/quern'); s=$PWD/tests/zoo/train_cells.sh; mkdir "
        "'%s'; "
        "cd '%s'; $q segment synth -q -o made -n 14 --size 96x96 -d 12 "
        "--mode fluorescence; mkdir -p set/images set/labels; "
        "mv made/*_masks.png set/labels; mv made/*.png set/images; "
        "for f in set/labels/*; do mv $f ${f%%%%_masks.png}.png; done; "
        "{ echo id,kind; for f in set/images/*; do f=${f##*/}; "
        "echo ${f%%%%.png},fluorescence; done; } >set/index.csv; tar cf x.tar set; "
        "SMOKE=1 QUERN=$q bash $s x.tar model 2>&1",
        qn_build(t), folder, folder);
    CHECK_EQ(t, qn_shell(t, line, &out), 0);
    CHECK_HAS(t, out, "fluorescence, true diameter");
    CHECK_HAS(t, out, "procedural, fluorescence     2 pictures  AP ");
    CHECK(t, file_of(t, "r", "model/run/model-half.onnx") != NULL);
}
