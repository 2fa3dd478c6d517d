/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_cmd_store.c - quern store and the verbs of quern data, as scripts see
 * them; what a purge takes away and what it leaves. */
#include "tests/store_kit.h"

#include "formats/store_check.h"
#include "formats/store_purge.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NET "tests/data/fashion-fast16.onnx"

/* Runs the program; its exit code is want and its output has this part. */
static void says(qn_test *t, int want, const char *part, const char *arguments)
{
    const char *out = "";
    qn_note(t, "%s", arguments);
    CHECK_EQ(t, qn_quern(t, arguments, &out), want);
    CHECK_HAS(t, out, part);
}

/* The same with a path of the test's folder in place of the '@'. */
static void says_of(qn_test *t, int want, const char *part, const char *text,
                    const char *name)
{
    char arguments[1024];
    const size_t n = strcspn(text, "@");
    snprintf(arguments, sizeof arguments, "%.*s%s%s", (int)n, text, qn_temp(t, name),
             text + n + 1);
    says(t, want, part, arguments);
}

void test_cmd_store_data(qn_test *t)
{
    qn_store_kit_idx(t);
    says(t, 0, "nothing is stored in", "data list");
    says_of(t, 0, "stored: digits (digits-", "data import @ -n digits", "idx");
    says_of(t, 0, "\"is_new\":false", "data import @ -n digits --json", "idx");
    says_of(t, 1, "a name does not begin with '.'", "data import @ -n ..", "idx");
    says(t, 0, "{\"schema\":1,\"kind\":\"data set\",\"id\":\"digits-",
         "data list --json");
    says(t, 0, "stored, 5 items of 3 classes, 3 x 2 pixels, gray", "data info digits");
    says(t, 0, "\"splits\":{\"train\":3,\"test\":2}", "data show digits --json");
    says(t, 0, "1 of 5 items changed", "data set digits -i test/1 label=1 split=val");
    says(t, 0, "\"splits\":{\"train\":3,\"val\":1,\"test\":1}",
         "data show digits --json");
    says(t, 1, "none of the 3 classes of 'digits' is called '7'",
         "data set digits -i test/1 label=7");
    says(t, 1, "is not of the form key=value", "data set digits note");
    says(t, 0, "", "data set digits name=numbers note=hello");
    says(t, 0, "hello", "data show numbers");
    says(t, 1, "the store has no data set 'digits'", "data show digits");
    says_of(t, 0, "npz, 5 items of 3 classes", "data export numbers @ --to npz",
            "out.npz");
    says_of(t, 0, "npz, 5 items of 3 classes", "data info @", "out.npz");
    says(t, 0, "would delete the data set 'numbers'", "data rm numbers --dry-run");
    says(t, 1, "say so with --yes", "data rm numbers </dev/null");
    says(t, 0, "", "data rm numbers --yes");
    says(t, 1, "the store has no data set 'numbers'", "data rm numbers --yes");
    says(t, 0, "0 data sets, 0 models, 0 runs; 0 faults, 0 of them damage",
         "store check");
}

void test_cmd_store_models(qn_test *t)
{
    says(t, 0, "stored: model first (first-", "store import " NET " -n first");
    says(t, 0, "was stored already", "store import " NET " -n first");
    says(t, 0, "\"nodes\":", "inspect first --json");
    says(t, 0, "\"same\":true", "compare first " NET " --json");
    says(t, 0, "model  first", "store list models");
    says(t, 2, "there are datasets, models and runs", "store list cats");
    says(t, 1, "cannot open", "classify nobody.onnx tests/data/nobody.png");
    says_of(t, 0, "", "store export first @", "copy.onnx");
    CHECK(t, qn_shell(t, "cmp " NET " $QUERN_HOME/../copy.onnx", NULL) == 0);
    says_of(t, 1, "copy.onnx", "store export first @", "copy.onnx");
    says(t, 1, "README.md", "store import README.md");
    says(t, 1, "it has no config.json", "store import docs");
    qn_set_kit_text(t, "run/config.json", "{\"schema\":1,\"data\":\"elsewhere\"}");
    qn_set_kit_text(t, "run/report.html", "<p>");
    says_of(t, 0, "stored: run first (first-", "store import @ -n first", "run");
    says(t, 1, "2 things are called 'first'", "store show first");
    says(t, 0, "\"kind\":\"run\"", "store show runs/first --json");
    says(t, 0, "", "store rename runs/first second");
    says(t, 0, "\"models\":{\"n\":1,", "store size --json");
    says(t, 0, "", "store rm first second --yes");
    says(t, 0, "/home", "store where");
}

/* ---- purge ----------------------------------------------------------------------- */

/* A run of "pets" with a report, and a model made of it. */
static void keep_derived(qn_store_kit *k, const char *set_id)
{
    char id[QN_ID_MAX];
    const char *from[1] = {id};
    snprintf(id, sizeof id, "%s", set_id);
    qn_keeping run = {.kind = QN_RUNS,
                      .path = qn_temp(k->t, "run"),
                      .name = "run",
                      .derived_from = from,
                      .n_derived = 1};
    qn_set_kit_text(k->t, "run/config.json", "{}");
    qn_set_kit_text(k->t, "run/predictions.csv", "4.bmp,cat,dog");
    qn_set_kit_text(k->t, "run/pictures/worst.png", "a picture");
    qn_set_kit_text(k->t, "net.onnx", "these bytes stand for a network");
    CHECK_OK(k->t, qn_store_import_files(&k->store, &run, &k->got, &k->err), &k->err);
    memcpy(id, k->got.id, sizeof id);
    qn_keeping model = {.kind = QN_MODELS,
                        .path = qn_temp(k->t, "net.onnx"),
                        .name = "net",
                        .derived_from = from,
                        .n_derived = 1};
    CHECK_OK(k->t, qn_store_import_files(&k->store, &model, &k->got, &k->err), &k->err);
}

/* Whether any byte below the store says so. */
static bool says_anywhere(qn_test *t, const char *text)
{
    char command[512];
    snprintf(command, sizeof command, "grep -raqF '%s' '%s'", text, qn_temp(t, "home"));
    return qn_shell(t, command, NULL) == 0;
}

void test_store_purge(qn_test *t)
{
    qn_store_kit k;
    qn_purged got;
    qn_object o;
    qn_purge what = {.text = "p2", .is_dry = true};
    if (!qn_set_kit_decodes(t)) return;
    qn_store_kit_init(&k, t);
    qn_store_kit_csv(t);
    qn_store_kit_idx(t);
    REQUIRE_OK(t, qn_store_kit_import(&k, "set/list.csv", "pets", false), &k.err);
    keep_derived(&k, k.got.id);
    REQUIRE_OK(t, qn_store_kit_import(&k, "idx", "digits", false), &k.err);
    const uint64_t before = qn_store_kit_digest(t, "home");
    CHECK(t, says_anywhere(t, "\"p2\"") && says_anywhere(t, "4.bmp"));
    REQUIRE_OK(t, qn_store_purge(&k.store, &what, &k.arena, &got, &k.err), &k.err);
    CHECK(t, got.n_items == 2 && got.n_sets == 1 && got.n_files == 2);
    CHECK_EQ(t, got.n_derived, 2);
    CHECK(t, qn_store_kit_digest(t, "home") == before);
    what.is_dry = false;
    REQUIRE_OK(t, qn_store_purge(&k.store, &what, &k.arena, &got, &k.err), &k.err);
    CHECK(t, got.n_items == 2 && got.n_files == 2);
    CHECK(t, !says_anywhere(t, "\"p2\"") && !says_anywhere(t, "4.bmp"));
    CHECK(t, says_anywhere(t, "\"p1\"") && says_anywhere(t, "2.bmp"));
    REQUIRE_OK(t, qn_store_find(&k.store, QN_DATASETS, "pets", &k.arena, &o, &k.err),
               &k.err);
    CHECK_EQ(t, o.n_items, 3);
    REQUIRE_OK(t, qn_store_find(&k.store, QN_RUNS, "run", &k.arena, &o, &k.err),
               &k.err);
    CHECK_EQ(t, o.n_files, 1);
    what = (qn_purge){.text = "p0", .is_group = true, .with_derived = true};
    REQUIRE_OK(t, qn_store_purge(&k.store, &what, &k.arena, &got, &k.err), &k.err);
    CHECK(t, got.n_items == 2 && got.n_derived == 2);
    CHECK(t, qn_store_find(&k.store, QN_RUNS, "run", &k.arena, &o, NULL) != QUERN_OK);
    CHECK(t, qn_store_find(&k.store, QN_MODELS, "net", &k.arena, &o, NULL) != QUERN_OK);
    const char *ledger = qn_get_file(t, qn_temp(t, "home/ledger.jsonl"), NULL);
    REQUIRE(t, ledger != NULL);
    CHECK_HAS(t, ledger, "\"state\":\"done\",\"by\":\"group\",\"digest\":\"");
    CHECK(t, !strstr(ledger, "\"p0\"") && !strstr(ledger, "\"p2\""));
    what = (qn_purge){.text = "p1"}; /* the last of its set */
    REQUIRE_OK(t, qn_store_purge(&k.store, &what, &k.arena, &got, &k.err), &k.err);
    CHECK(t,
          qn_store_find(&k.store, QN_DATASETS, "pets", &k.arena, &o, NULL) != QUERN_OK);
    CHECK(t, qn_store_find(&k.store, QN_DATASETS, "digits", &k.arena, &o, NULL) ==
                 QUERN_OK);
    qn_store_kit_done(&k);
}

/* All that the store makes goes again, and what is not its own stays. */
void test_store_wipe(qn_test *t)
{
    qn_store_kit k;
    int n_left;
    const char *out;
    qn_store_kit_init(&k, t);
    qn_store_kit_idx(t);
    REQUIRE_OK(t, qn_store_kit_import(&k, "idx", "digits", false), &k.err);
    qn_set_kit_text(t, "home/datasets/.tmp-x-12345678/items.jsonl", "{");
    qn_set_kit_text(t, "home/models/My Notes", "not the store's");
    says(t, 1, "say so with --yes", "store wipe </dev/null");
    says(t, 0, "would delete all 1 things", "store wipe --dry-run");
    REQUIRE_OK(t, qn_store_wipe(&k.store, &n_left, &k.err), &k.err);
    CHECK_EQ(t, n_left, 1);
    qn_shell(t, "find $QUERN_HOME -type f", &out);
    CHECK_HAS(t, out, "models/My Notes\n");
    CHECK(t, !strstr(out, "datasets"));
    says(t, 0, "", "store wipe --yes --all");
    qn_store_kit_done(&k);
}
