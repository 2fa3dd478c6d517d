/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_dry_commands.c - whole commands whose heap runs dry: quern-dry is the
 * program with tests/controls/dry_heap.c in it, by which one allocation fails, or all
 * from one on.  A command then says in one sentence that memory lacks, or can do
 * without; it never crashes, and what it leaves is what it leaves when all is well.
 *
 * QN_DRY=N: N allocations a command instead of a spread of some (0: every one). */
#include "engine/os.h"
#include "tests/dataset_kit.h"
#include "tests/train_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST = 5, SPREAD = 6 }; /* at the start, of the rest */

typedef struct dry {
    qn_test *t;
    const char *varies; /* names of files that differ from run to run, for diff -x */
    bool stores;        /* the store is changed */
    const char *words;  /* of the command */
    char program[QN_PATH_MAX + 32];
    int code;
    const char *said, *left; /* on stderr; what should not be there afterwards */
} dry;

/* A shell in the test's folder. */
static int sh(dry *d, const char *script, const char **out)
{
    char line[5 * QN_PATH_MAX];
    snprintf(line, sizeof line, "cd '%s'; Q='%s'; %s", qn_temp(d->t, ""), d->program,
             script);
    return qn_shell(d->t, line, out);
}

/* Runs it in a fresh folder, "work".  What it tells is kept without numbers, for some
 * are times. */
static void run(dry *d, int64_t at, bool all)
{
    char script[QN_PATH_MAX];
    snprintf(script, sizeof script,
             "rm -rf work; mkdir work; cd work; cp -r ../base/in ../base/home .; "
             "ln -s ../base/run ../base/arrays ../base/cells ../base/data .; "
             "QUERN_DRY_AT=%lld QUERN_DRY_ALL=%d QUERN_DRY_COUNT=../count "
             "QUERN_HOME=$PWD/home timeout -k 1 100 \"$Q\" %s 2>&1 >../told "
             "</dev/null; code=$?; tr -d 0-9 <../told >told; exit $code",
             (long long)at, all, d->words);
    d->code = sh(d, script, &d->said);
}

/* How it is when all is well: "whole", and the number of allocations. */
static int64_t count(dry *d)
{
    qn_note(d->t, "%s", d->words);
    run(d, 0, false);
    if (!CHECK_EQ(d->t, d->code, 0)) CHECK_STR(d->t, d->said, "");
    sh(d, "rm -rf whole; mv work whole", NULL);
    const char *text = qn_get_file(d->t, qn_temp(d->t, "count"), NULL);
    return text ? strtoll(text, NULL, 10) : 0;
}

/* Files that a whole run does not leave, or leaves otherwise; when it says that it is
 * done, also those that lack. */
static void compare(dry *d)
{
    char script[512];
    snprintf(script, sizeof script,
             "diff -rq --no-dereference -x '%s' whole work | grep -v '%s'", d->varies,
             d->code ? "^Only in whole\\|/told differ" : "^$");
    sh(d, script, &d->left);
    CHECK_STR(d->t, d->left, "");
    if (!d->stores) return;
    CHECK_EQ(d->t, sh(d, "QUERN_HOME=$PWD/work/home \"$Q\" store check", &d->left), 0);
    CHECK_HAS(d->t, d->left, "0 of them damage");
}

/* The sentence is the last line, and the only one. */
static void check_sentence(qn_test *t, const char *said)
{
    const char *end = strchr(said, '\n');
    CHECK_HAS(t, said, "memory");
    CHECK(t, strncmp(said, "quern", 5) == 0);
    if (!CHECK(t, end && !end[1])) CHECK_STR(t, said, "");
}

static void check(dry *d)
{
    const bool is_known = d->code == 0 || d->code == 1 || d->code == 4;
    if (!CHECK(d->t, is_known)) CHECK_STR(d->t, d->said, "");
    if (d->code != 0) check_sentence(d->t, d->said);
    compare(d);
}

static int64_t next(int64_t at, int64_t n)
{
    const char *text = getenv("QN_DRY");
    const int64_t spread = text ? strtoll(text, NULL, 10) : SPREAD;
    if (at < FIRST || spread == 0 || n < FIRST + spread) return at + 1;
    return at + (n - FIRST) / spread;
}

static void go_dry(dry *d)
{
    const int64_t n = count(d);
    CHECK(d->t, n > 0);
    for (int64_t at = 1, k = 0; at <= n; at = next(at, n), k++) {
        const bool all = k % 2 != 0;
        qn_note(d->t, "%s: allocation %lld of %lld fails%s", d->words, (long long)at,
                (long long)n, all ? ", and all behind it" : "");
        run(d, at, all);
        check(d);
    }
}

/* ---- what they work on ----------------------------------------------------------- */

/* "base": pictures, arrays, a run, a store with a data set and a run in it. */
static bool make_base(dry *d)
{
    char script[2 * QN_PATH_MAX], root[QN_PATH_MAX];
    if (qn_path_resolve(".", root, NULL) != QUERN_OK) return false;
    qn_set_kit_picture(d->t, "base/in/a/1.bmp", 10);
    qn_set_kit_picture(d->t, "base/in/a/2.bmp", 20);
    qn_set_kit_picture(d->t, "base/in/b/3.bmp", 200);
    qn_set_kit_picture(d->t, "base/in/b/4.bmp", 210);
    qn_train_kit_data(d->t);
    snprintf(script, sizeof script,
             "set -e; mv data base/arrays; cd base; export QUERN_HOME=$PWD/home; "
             "ln -s '%s/tests/data' data; \"$Q\" data import in -n pets -q; "
             "\"$Q\" train arrays -o run -a tiny --multiplier 0.25 -b 16 -e 1 -q; "
             "\"$Q\" store import run -n first; "
             "\"$Q\" segment synth -o cells -n 1 --size 32x32 -q",
             root);
    if (CHECK_EQ(d->t, sh(d, script, &d->said), 0)) return true;
    return CHECK_STR(d->t, d->said, "");
}

/* The commands, one after the other; NULL ends them. */
static void go_all(qn_test *t, const char *varies, bool stores,
                   const char *const *commands)
{
    dry d = {.t = t, .varies = varies, .stores = stores};
    char build[QN_PATH_MAX];
    if (!qn_set_kit_decodes(t)) return;
    REQUIRE(t, qn_path_resolve(qn_build(t), build, NULL) == QUERN_OK);
    snprintf(d.program, sizeof d.program, "%s/tests/quern-dry", build);
    if (!make_base(&d)) return;
    for (; *commands; commands++) {
        d.words = *commands;
        go_dry(&d);
    }
}
#define GO_ALL(t, varies, stores, ...) \
    go_all(t, varies, stores, (const char *const[]){__VA_ARGS__, NULL})

void test_dry_looking(qn_test *t)
{
    GO_ALL(t, "", false, "version --json", "help run", "ops --json", "settings list",
           "privacy where", "data list", "data show pets --json", "store list --json",
           "store check", "store size");
}

void test_dry_data_looking(qn_test *t)
{
    GO_ALL(t, "", false, "data info in --json", "data info arrays", "data stats in",
           "data lint in --json", "data dedup in --json", "data sheet in -o sheet.png");
}

void test_dry_data_writing(qn_test *t)
{
    GO_ALL(t, "", false, "data split in -o split.csv -q",
           "data convert in x.npz --to npz -q", "data convert in x --to folders -q",
           "data convert in x --to idx -q", "data convert arrays x --to csv -q",
           "data convert in x.tar --to webdataset -q", "data convert in x --to coco -q",
           "data export pets x --to folders -q");
}

/* Identities, dates and the ledger differ: "store check" says what counts. */
void test_dry_store(qn_test *t)
{
    GO_ALL(t, "*", true, "data import in -n more -q", "data rm pets --yes",
           "data set pets note=seen", "store import run -n second", "store repair",
           "store rename first other", "store export first copy",
           "settings set threads 1");
}

void test_dry_models(qn_test *t)
{
    GO_ALL(t, "report.json", false, "inspect run/model.onnx --json",
           "run run/model.onnx --random 1 -o out",
           "compare run/model.onnx run/model.onnx",
           "classify run/model.onnx in/a/1.bmp --json", "bench extract run/model.onnx",
           "eval run/model.onnx arrays -o ev -q",
           "report run -o r.json -o r.csv -o r.html -o r.pdf");
}

/* Rows of metrics.jsonl hold times, what was written before stays. */
void test_dry_training(qn_test *t)
{
    GO_ALL(t, "*", false,
           "train arrays -o new -a tiny --multiplier 0.25 -e 1 -b 16 --subset 40 -q");
}

void test_dry_cells(qn_test *t)
{
    GO_ALL(
        t, "*.json", false,
        "segment cells/fluorescence-00000.png --model data/cpnet-tiny.onnx -o seg -q",
        "segment synth -o more -n 2 -q", "segment eval cells cells --json");
}
