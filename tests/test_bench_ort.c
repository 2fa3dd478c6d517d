/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_bench_ort.c - the other side of a comparison: that it has no network, that
 * whatever it says is checked, and that its absence is a reason and not a failure. */
#include "tests/test.h"

#include "bench/ort.h"
#include "bench/turns.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const qn_ort_model model = {.path = "m"};

/* A program that says these lines at once, whatever it is told. */
static const char *sayer(qn_test *t, const char *name, const char *script)
{
    char text[4000];
    const char *path = qn_temp(t, name);
    const int n = snprintf(text, sizeof text, "#!/bin/bash\n%s\n", script);
    qn_put_file(t, path, text, (size_t)n);
    CHECK(t, chmod(path, 0700) == 0);
    return path;
}

void test_bench_ort_says(qn_test *t)
{
    qn_ort o;
    quern_error err = {.status = QUERN_OK};
    double wall, cpu;
    const char *good =
        sayer(t, "good",
              "echo ready 9.9.9 2 1000\n"
              "echo 0.5 0.25\n"
              "echo 2000\n"
              "echo value 0 0\n"
              "echo value 1 8 1 2; printf '\\0\\0\\200\\77\\0\\0\\0\\300'\n"
              "cat > /dev/null");
    qn_mem mem;
    qn_arena arena;
    qn_tensor y;
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    REQUIRE_OK(t, qn_ort_open(&o, good, &model, 1, &err), &err);
    CHECK_STR(t, o.version, "9.9.9");
    CHECK_EQ(t, o.n_inputs, 2);
    CHECK_WITHIN(t, o.base_bytes, 1000, 0);
    REQUIRE_OK(t, qn_ort_run(&o, 3, &wall, &cpu, &err), &err);
    CHECK_WITHIN(t, wall, 0.5, 0);
    CHECK_WITHIN(t, cpu, 0.25, 0);
    REQUIRE_OK(t, qn_ort_peak(&o, &wall, &err), &err);
    CHECK_WITHIN(t, wall, 2000, 0);
    REQUIRE_OK(t, qn_ort_output(&o, 0, &arena, &y, &err), &err);
    CHECK_EQ(t, y.kind, QN_NONE);
    REQUIRE_OK(t, qn_ort_output(&o, 1, &arena, &y, &err), &err);
    CHECK_EQ(t, y.rank, 2);
    CHECK_WITHIN(t, qn_get_real(&y, 0), 1, 0);
    CHECK_WITHIN(t, qn_get_real(&y, 1), -2, 0);
    qn_ort_close(&o);
    qn_arena_done(&arena);
}

/* Nothing that it says is believed. */
void test_bench_ort_lies(qn_test *t)
{
    static const char *const heads[] = {"",
                                        "echo",
                                        "echo ready",
                                        "echo ready 1",
                                        "echo ready 1 x 5",
                                        "printf 'ready 1 2 3'",
                                        "head -c 5000 /dev/zero",
                                        "head -c 5000 /dev/zero | tr '\\0' x",
                                        "kill -9 $$",
                                        "echo -e 'error \\033[1mno'"};
    static const char *const values[] = {
        "",
        "echo value",
        "echo value 1",
        "echo value 1 4 2",
        "echo value 1 8 2",
        "echo value 1 -8 2",
        "echo value 1 8 -2",
        "echo value 99 8 2",
        "echo value -1 8 2",
        "echo value 8 16 1",
        "echo value 1 8 2 1 1 1 1 1 1 1 1 1",
        "echo value 1 0 4611686018427387904 4611686018427387904 16",
        "echo value 1 99999999999999999999 2",
        "echo value 1 4611686018427387904 1152921504606846976",
        "echo nonsense",
        "echo error it is broken",
        "head -c 3000 /dev/urandom",
    };
    quern_error err = {.status = QUERN_OK};
    qn_ort o;
    double wall, cpu;
    signal(SIGPIPE, SIG_IGN); /* as the program does */
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        qn_note(t, "%s", heads[i]);
        CHECK(t,
              qn_ort_open(&o, sayer(t, "head", heads[i]), &model, 1, &err) != QUERN_OK);
        for (const char *c = err.text; *c; c++)
            CHECK(t, (unsigned char)*c >= ' ');
        qn_ort_close(&o);
    }
    const qn_ort_model large = {.bytes = values, .n = sizeof values};
    CHECK(t, qn_ort_open(&o, sayer(t, "head", "exit 0"), &large, 1, &err) != QUERN_OK);
    qn_ort_close(&o);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char script[500];
        qn_mem mem;
        qn_arena arena;
        qn_tensor y;
        qn_note(t, "%s", values[i]);
        qn_mem_init(&mem, NULL, (size_t)1 << 30);
        qn_arena_init(&arena, &mem);
        snprintf(script, sizeof script, "echo ready 1 1 1\n%s", values[i]);
        REQUIRE_OK(t, qn_ort_open(&o, sayer(t, "value", script), &model, 1, &err),
                   &err);
        CHECK(t, qn_ort_output(&o, 0, &arena, &y, &err) != QUERN_OK);
        qn_ort_close(&o);
        REQUIRE_OK(t, qn_ort_open(&o, sayer(t, "value", script), &model, 1, &err),
                   &err);
        CHECK(t, qn_ort_run(&o, 1, &wall, &cpu, &err) != QUERN_OK);
        qn_ort_close(&o);
        qn_arena_done(&arena);
    }
}

/* A negative control first: the same program outside may open the socket. */
void test_bench_no_network(qn_test *t)
{
    static const char script[] =
        "said=$( (exec 3<>/dev/tcp/127.0.0.1/9) 2>&1); echo \"${said//$'\\n'/ }\"";
    const char *argv[] = {sayer(t, "dial", script), NULL}, *out;
    qn_worker w;
    quern_error err = {.status = QUERN_OK};
    char answer[1000];
    qn_shell(t, argv[0], &out);
    if (!strstr(out, "refused")) {
        qn_skip(t, "this machine itself has no network to take: %.100s", out);
        return;
    }
    REQUIRE_OK(t, qn_worker_start(&w, argv, -1, true, &err), &err);
    CHECK_OK(t, qn_worker_ask(&w, NULL, answer, sizeof answer, 20, &err), &err);
    qn_worker_stop(&w);
    CHECK(t, strstr(answer, "not permitted") || !strncmp(answer, "error ", 6));
}

/* ---- turns ----------------------------------------------------------------------- */

typedef struct made_up {
    double seconds;
    int64_t runs;
    bool is_broken;
} made_up;

static quern_status pretend(void *ctx, int64_t n, qn_turn *turn, quern_error *err)
{
    made_up *m = ctx;
    m->runs += n;
    if (m->is_broken && m->runs > 5) return qn_fail(err, QUERN_DATA, "broken");
    turn->seconds[QN_BY_WALL] = m->seconds;
    turn->seconds[QN_BY_CPU] = m->seconds / 2;
    return QUERN_OK;
}

void test_bench_turns(qn_test *t)
{
    made_up a = {.seconds = 0.1}, b = {.seconds = 0.15};
    qn_turns how = {.run = {pretend, pretend},
                    .ctx = {&a, &b},
                    .seconds = 1,
                    .min_rounds = 9,
                    .max_rounds = 20,
                    .control = 0.03};
    qn_turns_result r;
    quern_error err = {.status = QUERN_OK};
    qn_mem mem;
    qn_arena arena;
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    REQUIRE_OK(t, qn_turns_run(&how, &arena, &r, &err), &err);
    for (int k = 0; k < QN_TURN_CLOCKS; k++) {
        CHECK_WITHIN(t, r.by[k].b.median, 1.5, 1e-12);
        CHECK_WITHIN(t, r.by[k].all.median, 1.5, 1e-12);
        CHECK_EQ(t, r.by[k].dropped, 0);
    }
    CHECK_EQ(t, r.by[QN_BY_WALL].verdict, QN_JUDGED_SLOWER);
    CHECK_WITHIN(t, r.median[0][QN_BY_WALL], 0.1, 0);
    CHECK_WITHIN(t, r.median[1][QN_BY_CPU], 0.075, 0);
    b.is_broken = true;
    b.runs = 0;
    CHECK_FAILS(t, qn_turns_run(&how, &arena, &r, &err), QUERN_DATA, &err, "broken");
    qn_arena_done(&arena);
}

/* ---- the program ----------------------------------------------------------------- */

void test_bench_ort_column(qn_test *t)
{
    const char *out;
    CHECK_EQ(t,
             qn_quern(t,
                      "bench model tests/data/fashion-fast16.onnx --time 0.02 --no-rss "
                      "--no-profile --json --ort no-such-python",
                      &out),
             0);
    CHECK_HAS(t, out, "\"ort\":{\"skipped\":\"no-such-python: No such file");
    CHECK_EQ(
        t, qn_quern(t, "bench model resnet8 --ort libno.so --time 0.01 --no-rss", &out),
        0);
    CHECK_HAS(t, out, "skipped: libno.so: no such library");
    CHECK_EQ(
        t,
        qn_quern(t, "bench model resnet8 --ort libm.so.6 --time 0.01 --no-rss", &out),
        0);
    CHECK_HAS(t, out, "skipped: libm.so.6: is no ONNX Runtime");
    CHECK_EQ(t,
             qn_quern(t,
                      "bench model tests/data/fashion-fast16.onnx "
                      "resnet8@32 --time 0.02 --no-rss --threads 1,2 "
                      "--no-profile --json --ort auto --control 0",
                      &out),
             0);
    CHECK_HAS(t, out, "\"scaling\":[{\"threads\":2,\"ratio\":");
    CHECK_HAS(t, out, "\"geomean_scaling\":");
    if (strstr(out, "\"skipped\"")) {
        qn_skip(t, "no ONNX Runtime here");
        return;
    }
    CHECK_HAS(t, out, "\"max_rel\":");
    CHECK_HAS(t, out, "\"model_rss_bytes\":");
    CHECK_HAS(t, out, "\"ratios\":2");
    CHECK_EQ(t, qn_quern(t, "bench model resnet8@7 --no-rss", &out), 1);
    CHECK_HAS(t, out, "resnet8@7: ");
    CHECK_EQ(t, qn_quern(t, "bench model resnet8@x", &out), 1);
    CHECK_EQ(t, qn_quern(t, "bench model x.onnx --threads 1,x", &out), 2);
    CHECK_EQ(t, qn_quern(t, "bench model x.onnx --threads 1,", &out), 2);
}
