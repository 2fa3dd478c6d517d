/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_train_more.c - quern train beyond plain epochs: folds, rates that are
 * looked for, frozen weights, reasons to stop, what scripts read. */
#include "tests/train_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int count(const char *text, const char *part)
{
    int n = 0;
    for (; text && (text = strstr(text, part)); text += strlen(part))
        n++;
    return n;
}

/* ---- folds ---- */

void test_train_folds(qn_test *t)
{
    const char *out;
    char line[512];
    qn_train_kit_data(t);
    REQUIRE(t, qn_train_kit_run(t, "all", "--epochs 2 --folds 3 --json", &out) == 0);
    CHECK_HAS(t, out, "3 folds: ");
    CHECK_EQ(t, count(out, "\"epoch\":"), 6);
    const char *sum = qn_train_kit_file(t, "all", "folds.json", NULL);
    REQUIRE(t, sum != NULL);
    CHECK_HAS(t, sum, "\"folds\":[{\"fold\":1,");
    CHECK_HAS(t, sum, "\"top1\":{\"mean\":");
    CHECK_HAS(t, sum, "\"sd\":");
    /* every picture of the training part once, by the run that did not see it */
    const char *oof = qn_train_kit_file(t, "all", "oof.csv", NULL);
    CHECK_EQ(t, count(oof, "\n"), 200 + 1);
    CHECK(t, oof && strncmp(oof, "fold,", 5) == 0);
    CHECK_EQ(t, count(oof, ",train/17,"), 1);
    REQUIRE(t, qn_train_kit_run(t, "one", "--epochs 2 --folds 3 --fold 2", &out) == 0);
    CHECK_STR(t, qn_train_kit_hash(t, "one"), qn_train_kit_hash(t, "all/fold-2"));
    snprintf(line, sizeof line, "--resume --quiet --out %s", qn_temp(t, "all"));
    CHECK_EQ(t, qn_train_kit_plain(t, line, &out), 0);
    CHECK_STR(t, qn_train_kit_file(t, "all", "folds.json", NULL), sum);
}

/* ---- rates ---- */

void test_train_finds_rate(qn_test *t)
{
    const char *out;
    qn_train_kit_data(t);
    REQUIRE(t, qn_train_kit_run(t, "run", "--lr-find --json --ema 0.9", &out) == 0);
    const char *rate = strstr(out, "\"suggested\":");
    CHECK(t, rate && atof(rate + 12) > 1e-5 && atof(rate + 12) < 100);
    const char *csv = qn_train_kit_file(t, "run", "lr_find.csv", NULL);
    CHECK(t, csv && strncmp(csv, "step,rate,loss,smoothed\n", 24) == 0);
    CHECK(t, count(csv, "\n") > 10);
    CHECK_EQ(t, qn_train_kit_run(t, "run", "--epochs 1", &out), 0);
    CHECK_EQ(t, qn_train_kit_run(t, NULL, "--lr-find --accum 2", &out), 0);
    CHECK_HAS(t, out, "suggested rate: ");
}

/* ---- frozen weights ---- */

#define TUNED "--epochs 4 --freeze 1 --unfreeze-at 3 --ema 0.9 --opt adamw --quiet"

void test_train_unfreezes(qn_test *t)
{
    const char *out;
    char line[1024];
    qn_train_kit_data(t);
    REQUIRE(t, qn_train_kit_run(t, "tuned", TUNED, &out) == 0);
    REQUIRE(t, qn_train_kit_run(t, "frozen",
                                "--epochs 4 --freeze 1 --ema 0.9 "
                                "--opt adamw --quiet",
                                &out) == 0);
    CHECK(t, strcmp(qn_train_kit_hash(t, "tuned"), qn_train_kit_hash(t, "frozen")));
    /* stopped in the last epoch, and before weights were unfrozen */
    for (int steps = 17; steps <= 33; steps += 16) {
        snprintf(line, sizeof line, "run%d", steps);
        const char *run = qn_temp(t, line);
        snprintf(line, sizeof line,
                 "%s/quern train %s --out %s --arch tiny --multiplier 0.25 "
                 "--batch 16 --val 0.2 --save-every %ds " TUNED
                 " & pid=$!; for i in $(seq 500); do "
                 "[ -e %s/checkpoint/last.safetensors ] && break; sleep 0.01; done; "
                 "kill -KILL $pid; wait $pid; %s/quern train --resume --quiet --out %s",
                 qn_build(t), qn_temp(t, "data"), run, steps, run, qn_build(t), run);
        if (getenv("QUERN_RUN")) break;
        CHECK_EQ(t, qn_shell(t, line, &out), 0);
        snprintf(line, sizeof line, "run%d", steps);
        CHECK_STR(t, qn_train_kit_hash(t, line), qn_train_kit_hash(t, "tuned"));
    }
}

/* What is cached trains to the same answers as what is computed in every step. */
void test_train_features(qn_test *t)
{
    const char *out;
    qn_train_kit_data(t);
    REQUIRE(t, qn_train_kit_run(t, "a", "--epochs 3 --aug none --freeze 2", &out) == 0);
    REQUIRE(t, qn_train_kit_run(t, "b",
                                "--epochs 3 --aug none --freeze 2 --cache-features",
                                &out) == 0);
    CHECK_HAS(t, out, "numbers a picture behind '");
    const char *a = qn_train_kit_file(t, "a", "metrics.jsonl", NULL);
    const char *b = qn_train_kit_file(t, "b", "metrics.jsonl", NULL);
    const char *keys[] = {"\"train_loss\":", "\"val_loss\":"};
    for (int k = 0; k < 2 && a && b; k++) {
        const char *x = strstr(a, keys[k]), *y = strstr(b, keys[k]);
        REQUIRE(t, x && y);
        CHECK_WITHIN(t, atof(y + strlen(keys[k])), atof(x + strlen(keys[k])), 1e-5);
    }
    CHECK_EQ(t, qn_train_kit_run(t, "c", "--cache-features --aug none", &out), 2);
    CHECK_HAS(t, out, "--cache-features needs --freeze");
    CHECK_EQ(t, qn_train_kit_run(t, "c", "--cache-features --freeze 1", &out), 2);
    CHECK_HAS(t, out, "it goes with --aug none");
}

void test_train_bn_eval(qn_test *t)
{
    const char *out;
    qn_train_kit_data(t);
    REQUIRE(t, qn_train_kit_run(t, "a", "--epochs 2 --bn eval", &out) == 0);
    REQUIRE(t, qn_train_kit_run(t, "b", "--epochs 2", &out) == 0);
    CHECK(t, strcmp(qn_train_kit_hash(t, "a"), qn_train_kit_hash(t, "b")) != 0);
}

/* ---- reasons to stop ---- */

void test_train_stops(qn_test *t)
{
    const char *out;
    qn_train_kit_data(t);
    CHECK_EQ(t, qn_train_kit_run(t, "a", "--epochs 9 --lr 0 --early-stop 2", &out), 0);
    CHECK_HAS(t, out, "no gain for 2 epochs: stopping early");
    CHECK_EQ(t, count(qn_train_kit_file(t, "a", "metrics.csv", NULL), "\n"), 1 + 3);
    CHECK_EQ(t, qn_train_kit_run(t, "b", "--epochs 100000 --time-limit 0.3", &out), 0);
    CHECK_HAS(t, out, "the time limit of 0.3 is reached in epoch");
    CHECK(t, qn_train_kit_file(t, "b", "report.json", NULL) != NULL);
    CHECK_EQ(t, qn_train_kit_run(t, "c", "--epochs 6 --sched plateau --lr 0.001", &out),
             0);
}

void test_train_min_acc(qn_test *t)
{
    const char *out;
    qn_train_kit_data(t);
    CHECK_EQ(t, qn_train_kit_run(t, "a", "--epochs 1 --lr 0 --min-acc 0.9", &out), 1);
    CHECK_HAS(t, out, "below --min-acc 0.9");
    CHECK(t, qn_train_kit_file(t, "a", "model.onnx", NULL) != NULL);
    CHECK_EQ(t, qn_train_kit_run(t, "b", "--epochs 8 --min-acc 0.3", &out), 0);
}

/* ---- what is read by scripts and people ---- */

void test_train_json(qn_test *t)
{
    const char *out;
    qn_train_kit_data(t);
    CHECK_EQ(t, qn_train_kit_run(t, "a", "--epochs 3 --json --quiet", &out), 0);
    CHECK_EQ(t, count(out, "\n"), 3 + 1);
    CHECK_EQ(t, count(out, "{\"schema\":1,"), 3 + 1);
    const char *rows = qn_train_kit_file(t, "a", "metrics.jsonl", NULL);
    CHECK(t, rows && strncmp(out, rows, strlen(rows)) == 0);
    CHECK_HAS(t, out, "{\"schema\":1,\"run\":");
    CHECK_EQ(t, count(out, qn_train_kit_hash(t, "a")), 2);
}

/* ---- what it costs ---- */

static double number(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    return at ? atof(at + strlen(key)) : -1;
}

void test_train_dry_run(qn_test *t)
{
    const char *out;
    qn_train_kit_data(t);
    CHECK_EQ(t, qn_train_kit_run(t, "a", "--dry-run --quiet --json", &out), 0);
    CHECK(t, number(out, "\"memory_bytes\":") > 1e6);
    CHECK(t, number(out, "\"seconds_per_epoch\":") > 0);
    CHECK(t, number(out, "\"disk_bytes\":") > 1e4);
    CHECK(t, number(out, "\"macs\":") > 1e4);
    CHECK(t, qn_train_kit_file(t, "a", "config.json", NULL) == NULL);
    CHECK_EQ(t, qn_train_kit_run(t, NULL, "--dry-run --folds 3", &out), 0);
    CHECK_HAS(t, out, " in memory, ");
    CHECK_EQ(t, qn_train_kit_run(t, "a", "--limit memory=1M", &out), 4);
    CHECK_HAS(t, out, "bytes of memory, the limit is ");
}

/* What was planned before the first step, and what the kernel counted in the end. */
void test_train_memory(qn_test *t)
{
    static const char *const nets[] = {"resnet20", "mobile-s"};
    const char *out;
    char line[256];
    if (!qn_is_release(t)) {
        qn_skip(t, "sanitizers and emulators take memory of their own");
        return;
    }
    qn_train_kit_data(t);
    for (int i = 0; i < 2; i++) {
        snprintf(line, sizeof line,
                 "--epochs 1 --arch %s --multiplier 1 --size 24,24 --batch 64 --json",
                 nets[i]);
        REQUIRE(t, qn_train_kit_run(t, nets[i], line, &out) == 0);
        const double planned = number(out, "\"planned_bytes\":");
        const double peak = number(out, "\"peak_bytes\":");
        CHECK_WITHIN(t, planned / peak, 1, 0.1);
    }
}

void test_train_lists(qn_test *t)
{
    const char *out;
    CHECK_EQ(t, qn_train_kit_plain(t, "--list-archs", &out), 0);
    CHECK_HAS(t, out, "fast16");
    CHECK_EQ(t, qn_train_kit_plain(t, "--list-augs", &out), 0);
    CHECK_HAS(t, out, "  flip ");
    CHECK_HAS(t, out, "  light ");
    CHECK_EQ(t, qn_train_kit_plain(t, "--list-opts", &out), 0);
    CHECK_HAS(t, out, "  adamw ");
    CHECK_HAS(t, out, "  onecycle ");
}
