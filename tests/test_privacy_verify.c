/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_privacy_verify.c - the proof and what it stands on: the tracer sees what
 * is done, and says so when nothing stops it. */
#include "tests/test.h"
#include "tools/privacy_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Sanitizers and emulators leave no room for a tracer. */
static bool is_possible(qn_test *t)
{
    const char *out = "";
    if (qn_quern(t, "version --json", &out) == 0 && strstr(out, "\"sandbox\":\"full\""))
        return true;
    const char *why = strstr(out, "\"sandbox\"");
    qn_skip(t, "no sandbox here: %.150s", why ? why : out);
    return false;
}

void test_privacy_verify_all(qn_test *t)
{
    const char *out;
    const double from = qn_seconds();
    if (!is_possible(t)) return;
    CHECK_EQ(t, qn_quern(t, "privacy verify --json --quiet", &out), 0);
    CHECK_HAS(t, out, "{\"schema\":1,\"method\":\"");
    CHECK_HAS(t, out, "ptrace\",\"sandbox\":\"full\",\"kept\":7,\"broken\":0,");
    CHECK_HAS(t, out, "\"controls_missed\":0,\"promises\":[{\"id\":\"every-command\",");
    CHECK_HAS(t, out, "{\"name\":\"tcp\",\"status\":\"caught\"");
    CHECK(t, qn_seconds() - from < 60);
}

/* The same deeds without a sandbox around them: seen, and not stopped. */
void test_privacy_tracer_sees(qn_test *t)
{
    static const struct {
        const char *kind;
        qn_deed deed;
    } all[] = {{"udp", QN_DEED_NETWORK},   {"thread", QN_DEED_NETWORK},
               {"exec", QN_DEED_NETWORK},  {"exec", QN_DEED_PROGRAM},
               {"io_uring", QN_DEED_RING}, {"write", QN_DEED_WRITE}};
    char program[600], outside[300], said[300];
    if (!is_possible(t)) return;
    if (!qn_watch_can_cut_off()) {
        qn_skip(t, "no empty network to plant in");
        return;
    }
    snprintf(program, sizeof program, "%s/quern-controls", qn_build(t));
    snprintf(outside, sizeof outside, "%s", qn_temp(t, "outside"));
    snprintf(said, sizeof said, "%s", qn_temp(t, "said"));
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        const char *const argv[] = {program, all[i].kind, outside, NULL};
        const qn_watch_plan plan = {.argv = argv,
                                    .folder = ".",
                                    .output = said,
                                    .is_cut_off = true,
                                    .seconds = 20};
        qn_watch seen;
        quern_error err = {.status = QUERN_OK};
        qn_note(t, "%s", all[i].kind);
        REQUIRE_OK(t, qn_watch_run(&plan, &seen, &err), &err);
        CHECK(t, seen.deed[all[i].deed].n > 0);
        CHECK_EQ(t, seen.signal, 0);
        CHECK(t, !seen.ended_inside);
        if (all[i].deed != QN_DEED_RING) CHECK_EQ(t, seen.code, 0);
    }
}

/* A program that is harmless, and one that is late. */
void test_privacy_tracer_quiet(qn_test *t)
{
    const char *const good[] = {"/bin/true", NULL}, *const late[] = {"/bin/sleep", "60",
                                                                     NULL};
    quern_error err = {.status = QUERN_OK};
    qn_watch seen;
    qn_watch_plan plan = {
        .argv = good, .folder = "/", .output = qn_temp(t, "said"), .seconds = 20};
    if (!is_possible(t)) return;
    REQUIRE_OK(t, qn_watch_run(&plan, &seen, &err), &err);
    for (int i = 0; i < QN_N_DEEDS; i++)
        CHECK_EQ(t, seen.deed[i].n, 0);
    CHECK(t, seen.n_calls > 5);
    CHECK_EQ(t, seen.code, 0);
    plan.argv = late;
    plan.seconds = 1;
    REQUIRE_OK(t, qn_watch_run(&plan, &seen, &err), &err);
    CHECK_EQ(t, seen.signal, 14);
}

/* What is there is listed, with its size; what is not there is said. */
void test_privacy_where(qn_test *t)
{
    char command[900], home[400], file[500];
    const char *out;
    snprintf(home, sizeof home, "%s", qn_temp(t, "home"));
    CHECK_EQ(t, setenv("QUERN_HOME", home, 1), 0);
    CHECK_EQ(t, qn_quern(t, "privacy where", &out), 0);
    CHECK_HAS(t, out, "nothing is kept");
    snprintf(command, sizeof command, "mkdir -p '%s/datasets/x\n' '%s/config'", home,
             home);
    CHECK_EQ(t, qn_shell(t, command, NULL), 0);
    snprintf(file, sizeof file, "%s/datasets/x\n/a", home);
    qn_put_file(t, file, "12345", 5);
    snprintf(file, sizeof file, "%s/config/settings.json", home);
    qn_put_file(t, file, "{}", 2);
    CHECK_EQ(t, qn_quern(t, "privacy where --json", &out), 0);
    CHECK_HAS(t, out, "datasets/x\\n\",\"kind\":\"folder\",\"files\":1,\"bytes\":5}");
    CHECK_HAS(t, out, "settings.json\",\"kind\":\"file\",\"files\":1,\"bytes\":2}");
    CHECK_HAS(t, out, "],\"files\":2,\"bytes\":7}");
    CHECK_EQ(t, qn_quern(t, "privacy where -a", &out), 0);
    CHECK_HAS(t, out, "datasets/x\\x0a/a\n");
    CHECK_HAS(t, out, "2 files, 7 B\n");
}
