/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_train_run.c - quern train from end to end: the run folder, the same bits
 * however it was run, interrupted or killed, and what is refused. */
#include "tests/train_kit.h"

#include "formats/json_tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the run folder ---- */

static void has_files(qn_test *t, const char *run)
{
    static const char *const names[] = {
        "config.json",   "metrics.jsonl", "metrics.csv", "report.json",
        "confusion.csv", "last.onnx",     "model.onnx",  "checkpoint/last.safetensors"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t n = 0;
        qn_note(t, "%s", names[i]);
        CHECK(t, qn_train_kit_file(t, run, names[i], &n) != NULL && n > 0);
    }
}

static void check_metrics(qn_test *t, const char *run, int64_t n_rows)
{
    static const char *const keys[] = {"epoch",      "step",      "lr",
                                       "train_loss", "train_acc", "val_loss",
                                       "val_acc",    "seconds",   "images_per_s"};
    qn_mem mem;
    qn_arena arena;
    const qn_tree *row;
    quern_error err;
    int64_t n = 0;
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    char *text = qn_train_kit_file(t, run, "metrics.jsonl", NULL);
    for (char *line = text ? strtok(text, "\n") : NULL; line;
         line = strtok(NULL, "\n")) {
        if (!CHECK_OK(t, qn_tree_parse(&arena, line, strlen(line), &row, &err), &err))
            break;
        CHECK_WITHIN(t, qn_tree_real(row, "schema"), 1, 0);
        CHECK_WITHIN(t, qn_tree_real(row, "epoch"), (double)++n, 0);
        for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
            qn_note(t, "%s of epoch %d", keys[i], (int)n);
            CHECK(t, qn_tree_real(row, keys[i]) >= 0);
        }
    }
    CHECK_EQ(t, n, n_rows);
    qn_arena_done(&arena);
}

void test_train_folder(qn_test *t)
{
    const char *out;
    char line[1024];
    size_t n;
    qn_train_kit_data(t);
    REQUIRE(t, qn_train_kit_run(t, "run", "--epochs 8 --seed 5", &out) == 0);
    has_files(t, "run");
    check_metrics(t, "run", 8);
    const char *report = qn_train_kit_file(t, "run", "report.json", NULL);
    REQUIRE(t, report != NULL);
    CHECK_HAS(t, report, "\"schema\":1");
    CHECK_HAS(t, report, "\"top1\":");
    CHECK_HAS(t, report, "\"confusion\":[[");
    snprintf(line, sizeof line, "inspect %s --json", qn_temp(t, "run/model.onnx"));
    CHECK_EQ(t, qn_quern(t, line, &out), 0);
    CHECK_HAS(t, out, "\"missing\":[]");
    snprintf(line, sizeof line, "eval %s %s --json", qn_temp(t, "run/model.onnx"),
             qn_temp(t, "data"));
    CHECK_EQ(t, qn_quern(t, line, &out), 0);
    CHECK_HAS(t, out, "\"n\":40,");
    /* learnt, not guessed: a quarter would be chance */
    const char *top1 = strstr(out, "\"top1\":");
    CHECK(t, top1 && atof(top1 + 7) > 0.5);
    CHECK(t, qn_train_kit_file(t, "run", "checkpoint/next.safetensors", &n) == NULL);
}

/* ---- the same bits ---- */

void test_train_same_bits(qn_test *t)
{
    static const char *const threads[] = {"1", "2", "3", "8"};
    char line[512], run[16];
    const char *first = NULL, *out;
    qn_train_kit_data(t);
    for (int i = 0; i < 4; i++) {
        snprintf(run, sizeof run, "run%s", threads[i]);
        snprintf(line, sizeof line,
                 "--epochs 2 --aug standard --mixup 0.2 --ema 0.9 --threads %s",
                 threads[i]);
        REQUIRE(t, qn_train_kit_run(t, run, line, &out) == 0);
        const char *hash = qn_train_kit_hash(t, run);
        CHECK_EQ(t, (int64_t)strlen(hash), 16);
        if (first) CHECK_STR(t, hash, first);
        first = hash;
    }
    qn_train_kit_run(t, "other",
                     "--epochs 2 --aug standard --mixup 0.2 --ema 0.9 --seed 1", &out);
    CHECK(t, strcmp(qn_train_kit_hash(t, "other"), first) != 0);
}

/* config.json holds all that a run depends on. */
void test_train_config(qn_test *t)
{
    char line[512];
    const char *out;
    qn_train_kit_data(t);
    REQUIRE(t, qn_train_kit_run(t, "a", "--epochs 2 --seed 3 --opt adamw", &out) == 0);
    snprintf(line, sizeof line, "--config %s --out %s", qn_temp(t, "a/config.json"),
             qn_temp(t, "b"));
    CHECK_EQ(t, qn_train_kit_plain(t, line, &out), 0);
    CHECK_STR(t, qn_train_kit_hash(t, "b"), qn_train_kit_hash(t, "a"));
    CHECK_EQ(t, qn_train_kit_run(t, "a", "--epochs 2", &out), 2);
    CHECK_HAS(t, out, "holds a run already");
    CHECK_EQ(t, qn_train_kit_run(t, "a", "--epochs 1 --overwrite", &out), 0);
    qn_put_file(t, qn_temp(t, "c.json"), "{\"schema\":1,\"epohcs\":3}", 23);
    snprintf(line, sizeof line, "--config %s", qn_temp(t, "c.json"));
    CHECK_EQ(t, qn_train_kit_plain(t, line, &out), 2);
    CHECK_HAS(t, out, "no setting 'epohcs'; did you mean epochs?");
}

/* ---- stopped and taken up ---- */

#define LONG_RUN "--epochs 3 --save-every 1s --aug flip=0.5 --ema 0.9 --quiet"

static int resume(qn_test *t, const char *run, const char **out)
{
    char line[512];
    snprintf(line, sizeof line, "--resume --quiet --out %s", qn_temp(t, run));
    return qn_train_kit_plain(t, line, out);
}

/* Runs the whole line under `timeout`, with that signal after so many seconds. */
static int run_for(qn_test *t, double seconds, const char *sig, const char *arguments,
                   const char **out)
{
    char line[2048];
    const char *emulator = getenv("QUERN_RUN");
    snprintf(line, sizeof line, "timeout --foreground -s %s %.3f %s %s/quern train %s",
             sig, seconds, emulator ? emulator : "", qn_build(t), arguments);
    return qn_shell(t, line, out);
}

static void long_run(qn_test *t, const char *run, char line[1024])
{
    const char *data = qn_temp(t, "data");
    snprintf(line, 1024,
             "%s --out %s --arch tiny --multiplier 0.25 --batch 16 --val 0.2 " LONG_RUN,
             data, qn_temp(t, run));
}

/* What the folder holds in the end, however often it was stopped. */
static void same_end(qn_test *t, const char *a, const char *b)
{
    size_t n = 0, m = 0;
    CHECK_STR(t, qn_train_kit_hash(t, a), qn_train_kit_hash(t, b));
    const char *x = qn_train_kit_file(t, a, "model.onnx", &n);
    const char *y = qn_train_kit_file(t, b, "model.onnx", &m);
    CHECK(t, x && y && n == m && memcmp(x, y, n) == 0);
}

/* Kills the run again and again, at moments that are drawn, until it is through. */
static void kill_often(qn_test *t, double seconds, int times)
{
    char line[1024];
    const char *out;
    long_run(t, "killed", line);
    for (int i = 0; i < times; i++) {
        run_for(t, qn_test_uniform(t, 0.01, seconds), "KILL", line, &out);
        snprintf(line, sizeof line, "--resume --quiet --out %s", qn_temp(t, "killed"));
        if (!qn_train_kit_file(t, "killed", "config.json", NULL))
            long_run(t, "killed", line);
    }
    CHECK_EQ(t, qn_train_kit_plain(t, line, &out), 0);
    same_end(t, "whole", "killed");
}

void test_train_killed(qn_test *t)
{
    char line[1024];
    const char *out, *times = getenv("QN_KILLS");
    qn_train_kit_data(t);
    long_run(t, "whole", line);
    const double start = qn_seconds();
    REQUIRE(t, qn_train_kit_plain(t, line, &out) == 0);
    kill_often(t, qn_seconds() - start, times ? atoi(times) : 4);
}

void test_train_interrupted(qn_test *t)
{
    char line[1024];
    const char *out;
    int n_stops = 0;
    qn_train_kit_data(t);
    long_run(t, "whole", line);
    const double start = qn_seconds();
    REQUIRE(t, qn_train_kit_plain(t, line, &out) == 0);
    const double seconds = qn_seconds() - start;
    long_run(t, "stopped", line);
    for (int i = 1; i < 8 && n_stops == 0; i++) {
        char again[1100];
        snprintf(again, sizeof again, "%s --overwrite", line);
        run_for(t, seconds * i / 8, "INT", again, &out);
        n_stops += strstr(out, "to go on: quern train --resume -o ") != NULL;
    }
    CHECK(t, n_stops > 0);
    CHECK_EQ(t, resume(t, "stopped", &out), 0);
    same_end(t, "whole", "stopped");
}

/* Exit code 130, and nothing lost: also where nearly all the time goes into checking.
 */
void test_train_interrupt_code(qn_test *t)
{
    static const char *const more[] = {"", "--overwrite --val 0.9"};
    char line[2200], arguments[1024];
    const char *out;
    qn_train_kit_data(t);
    long_run(t, "run", arguments);
    const char *emulator = getenv("QUERN_RUN");
    for (int i = 0; i < 2; i++) {
        snprintf(line, sizeof line,
                 "rm -f %s/checkpoint/*; %s %s/quern train %s --epochs 100000 %s & "
                 "pid=$!\nfor i in $(seq 1000); do "
                 "[ -e %s/checkpoint/last.safetensors ] && break; sleep 0.02; done\n"
                 "kill -INT $pid; wait $pid",
                 qn_temp(t, "run"), emulator ? emulator : "", qn_build(t), arguments,
                 more[i], qn_temp(t, "run"));
        qn_note(t, "%s", line);
        CHECK_EQ(t, qn_shell(t, line, &out), 130);
        CHECK_HAS(t, out, "to go on: quern train --resume -o ");
    }
}

/* ---- checkpoints that are no good ---- */

static void spoil(qn_test *t, const char *run, const char *name, size_t keep)
{
    char path[512];
    size_t n;
    snprintf(path, sizeof path, "%s/checkpoint/%s", run, name);
    const char *bytes = qn_get_file(t, qn_temp(t, path), &n);
    REQUIRE(t, bytes != NULL && n > keep);
    qn_put_file(t, qn_temp(t, path), bytes, keep);
}

static void flip_byte(qn_test *t, const char *path)
{
    size_t n;
    char *bytes = qn_get_file(t, path, &n);
    REQUIRE(t, bytes != NULL && n > 300);
    bytes[n - 100] ^= 1;
    qn_put_file(t, path, bytes, n);
}

void test_train_bad_checkpoint(qn_test *t)
{
    const char *out;
    char line[1024];
    qn_train_kit_data(t);
    long_run(t, "whole", line);
    REQUIRE(t, qn_train_kit_plain(t, line, &out) == 0);
    const char *hash = qn_train_kit_hash(t, "whole");
    spoil(t, "whole", "last.safetensors", 4000);
    CHECK_EQ(t, resume(t, "whole", &out), 0);
    CHECK_HAS(t, out, "taking the one before");
    CHECK_STR(t, qn_train_kit_hash(t, "whole"), hash);
    flip_byte(t, qn_temp(t, "whole/checkpoint/last.safetensors"));
    CHECK_EQ(t, resume(t, "whole", &out), 0);
    CHECK_HAS(t, out, "taking the one before");
    CHECK_STR(t, qn_train_kit_hash(t, "whole"), hash);
    spoil(t, "whole", "last.safetensors", 4000);
    spoil(t, "whole", "previous.safetensors", 5);
    CHECK_EQ(t, resume(t, "whole", &out), 1);
    CHECK_HAS(t, out, "last.safetensors: ");
}

void test_train_foreign_checkpoint(qn_test *t)
{
    const char *out;
    char line[1024];
    size_t n;
    qn_train_kit_data(t);
    REQUIRE(t, qn_train_kit_run(t, "a", "--epochs 1", &out) == 0);
    REQUIRE(t, qn_train_kit_run(t, "b", "--epochs 1 --arch mlp", &out) == 0);
    const char *bytes = qn_train_kit_file(t, "b", "checkpoint/last.safetensors", &n);
    REQUIRE(t, bytes != NULL);
    qn_put_file(t, qn_temp(t, "a/checkpoint/last.safetensors"), bytes, n);
    CHECK(t, resume(t, "a", &out) != 0);
    CHECK_HAS(t, out, "it is of another network");
    snprintf(line, sizeof line, "--resume --out %s", qn_temp(t, "none"));
    CHECK_EQ(t, qn_train_kit_plain(t, line, &out), 1);
    CHECK_EQ(t, qn_train_kit_plain(t, "--resume", &out), 2);
}

/* ---- what fails while it runs ---- */

void test_train_diverges(qn_test *t)
{
    const char *out;
    qn_train_kit_data(t);
    CHECK_EQ(t,
             qn_train_kit_run(t, "run",
                              "--epochs 3 --lr 1e30 --opt sgd --sched constant "
                              "--warmup 0 --momentum 0.99 --wd 100",
                              &out),
             1);
    CHECK_HAS(t, out, "epoch ");
    CHECK_HAS(t, out, ", batch ");
    CHECK_HAS(t, out, "1e+30: the loss is ");
}

/* Files may not grow past a few blocks: what a full disk looks like from inside. */
void test_train_full_disk(qn_test *t)
{
    const char *out;
    char line[2200], arguments[1024];
    size_t n = 0;
    qn_train_kit_data(t);
    long_run(t, "run", arguments);
    REQUIRE(t, qn_train_kit_plain(t, arguments, &out) == 0);
    const char *before = qn_train_kit_file(t, "run", "checkpoint/last.safetensors", &n);
    const char *emulator = getenv("QUERN_RUN");
    snprintf(line, sizeof line,
             "trap '' XFSZ; ulimit -f 8; %s %s/quern train --resume --out %s "
             "--epochs 9 --quiet",
             emulator ? emulator : "", qn_build(t), qn_temp(t, "run"));
    CHECK_EQ(t, qn_shell(t, line, &out), 1);
    CHECK_HAS(t, out, "File too large");
    size_t m = 0;
    const char *after = qn_train_kit_file(t, "run", "checkpoint/last.safetensors", &m);
    CHECK(t, before && after && n == m && memcmp(before, after, n) == 0);
    CHECK_EQ(t, qn_shell(t, line, &out), 1); /* and nothing piles up */
    snprintf(line, sizeof line, "find %s -name '*.tmp' | wc -l", qn_temp(t, "run"));
    qn_shell(t, line, &out);
    CHECK_STR(t, out, "0\n");
}

void test_train_no_folder(qn_test *t)
{
    const char *out;
    qn_train_kit_data(t);
    qn_put_file(t, qn_temp(t, "file"), "x", 1);
    CHECK_EQ(t, qn_train_kit_run(t, "file/run", "--epochs 1", &out), 1);
    CHECK_HAS(t, out, "file/run");
    CHECK_EQ(t, qn_train_kit_run(t, "file", "--epochs 1", &out), 1);
}
