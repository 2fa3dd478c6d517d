/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_bench_text.c - problems and sweep files as text, and quern bench as
 * scripts see it. */
#include "tests/test.h"

#include "bench/arrivals.h"
#include "bench/sweep.h"

#include <stdio.h>
#include <string.h>

typedef struct parsed {
    qn_mem mem;
    qn_arena arena;
    qn_problems list;
    quern_error err;
    quern_status status;
} parsed;

static void parse(parsed *p, const char *text)
{
    qn_mem_init(&p->mem, NULL, 0);
    qn_arena_init(&p->arena, &p->mem);
    p->list = (qn_problems){.arena = &p->arena};
    p->status = qn_sweep_parse(&p->list, text, strlen(text), &p->err);
}

void test_bench_problem_text(qn_test *t)
{
    static const char *const pairs[][2] = {
        {"conv_f32:n1,ic64,h56,w56,oc64,k3x3,s1,p1,g1,act=relu",
         "conv_f32:ic64,h56,w56,oc64,k3,p1,act=relu"},
        {"conv:n1c64h56-k64r3p1:f32:nchw+bias+relu@res2a*3",
         "conv_f32:ic64,h56,w56,oc64,k3,p1,bias,act=relu@res2a*3"},
        {"conv:c3h224k64r7s5u2p3", "conv_f32:ic3,h224,w224,oc64,k7x5,s2,p3"},
        {"gemm_f32:m128,n768,k768,tb", "gemm_f32:m128,n768,k768,tb"},
        {"gemm:m5n6k7", "gemm_f32:m5,n6,k7"},
        {"dw_f32:c144,h56,k3,p0x1x1x0", "dw_f32:c144,h56,w56,k3,p0x1x1x0"},
        {"pool_f32:c8,h9,k3,s2,p1,type=avg  # mean",
         "pool_f32:c8,h9,w9,k3,s2,p1,type=avg"},
        {"act_f32:n7,act=gelu", "act_f32:n7,act=gelu"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        parsed p, again;
        char text[QN_PROBLEM_TEXT];
        qn_note(t, "%s", pairs[i][0]);
        parse(&p, pairs[i][0]);
        if (CHECK_OK(t, p.status, &p.err) && CHECK_EQ(t, p.list.n, 1)) {
            CHECK_STR(t, qn_problem_text(text, &p.list.p[0], true), pairs[i][1]);
            parse(&again, text);
            CHECK_OK(t, again.status, &again.err);
            CHECK(t, again.list.n == 1 && !memcmp(again.list.p[0].v, p.list.p[0].v,
                                                  sizeof p.list.p[0].v));
            qn_arena_done(&again.arena);
        }
        qn_arena_done(&p.arena);
    }
}

void test_bench_problem_lists(qn_test *t)
{
    static const struct {
        const char *text;
        int n;
    } lists[] = {
        {"gemm_f32:m{1,2,8},n4,k4", 3},
        {"gemm_f32:m1..64,n4,k4", 64},
        {"gemm_f32:m1..64+8,n4,k4", 8},
        {"gemm_f32:m1..4096*2,n4,k4", 13},
        {"gemm_f32:m{1..3,9},n4,k4", 4},
        {"gemm_f32:m{1,2},n{3,4},k{5,6}", 8},
        {"conv_f32:ic8,h9,oc8,k{1,3}", 2},
        {"", 0},
        {"# nothing\n\n  \n", 0},
        {"count 1\nact_f32:n1,act=relu\n", 1},
        {"act_f32:n1,act=relu\r\nact_f32:n2,act=relu\r\n", 2},
    };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        parsed p;
        qn_note(t, "%s", lists[i].text);
        parse(&p, lists[i].text);
        CHECK_OK(t, p.status, &p.err);
        CHECK_EQ(t, p.list.n, lists[i].n);
        qn_arena_done(&p.arena);
    }
}

void test_bench_problem_mistakes(qn_test *t)
{
    static const char *const wrong[][2] = {
        {"conv_f32:ic3,h9,q4,oc8", "line 1, column 17: 'q' is no field of conv_f32"},
        {"convo_f32:ic3", "line 1, column 1: 'convo_f32' is no kind of problem"},
        {"conv_f32", "line 1, column 9: ':' and fields are missing"},
        {"conv_f32:", "line 1, column 10: a field is missing"},
        {"conv_f32:ic3,h9", "field oc is missing"},
        {"\n\nconv_f32:ic3,,h9", "line 3, column 14:"},
        {"gemm_f32:m0,n1,k1", "too small"},
        {"gemm_f32:m,n1,k1", "column 11: ',' stands where a number should be"},
        {"gemm_f32:m99999999999999999999,n1,k1", "too large"},
        {"gemm_f32:m1,m2,n1,k1", "given twice"},
        {"gemm_f32:m1x2,n1,k1", "too many numbers"},
        {"gemm_f32:m{1,2,n1,k1", "'n'"},
        {"gemm_f32:m9..2,n1,k1", "ends before it begins"},
        {"gemm_f32:m1..9*1,n1,k1", "must grow"},
        {"gemm_f32:m1..9+0,n1,k1", "must grow"},
        {"gemm_f32:m1..1000,n1,k1", "over 64"},
        {"gemm_f32:m1..64,n1..64,k{1,2}", "4096"},
        {"conv_f32:ic3,h9,oc8,act=rely", "'rely' is not known here"},
        {"conv_f32:ic3,h2,oc8,k5", "a window of 5 over 2 rows"},
        {"conv_f32:ic3,h9,oc8,g2", "3 and 8 channels in 2 groups"},
        {"conv_f32:ic9000,h9000,oc8", "more than 2^30"},
        {"conv:c3h9k8:f99", "'f99' is no type"},
        {"conv:c3h9k8+tanhh", "cannot follow"},
        {"conv_f32:ic3,h9,oc8@", "a name is missing"},
        {"conv_f32:ic3,h9,oc8*0", "too small a count"},
        {"conv_f32:ic3,h9,oc8 junk", "'junk' is left over"},
        {"count 2\nact_f32:n1,act=relu\n", "after 1 of its 2"},
        {"count x\n", "line 1, column 7"},
        {"set \n", "line 1, column 1: 'set' is no kind"},
        {"act_f32:n1,act=relu\nset n8,q9\n",
         "line 2, column 8: is no field of any kind"},
        {"set n8,\nact_f32:n1", "line 1, column 8: is no field"},
        {"  \nset  n0\ngemm_f32:m1,k1", "line 2, column 6: 'n' is too small"},
        {"set n8x\ngemm_f32:m1,k1", "line 1, column 8:"},
        {"include a.qbs\n", "line 1, column 1: only files"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        parsed p;
        qn_note(t, "%s", wrong[i][0]);
        parse(&p, wrong[i][0]);
        CHECK_FAILS(t, p.status, QUERN_INVALID, &p.err, wrong[i][1]);
        qn_arena_done(&p.arena);
    }
}

void test_bench_sweep_sets(qn_test *t)
{
    static const char text[] = "act_f32:n1,act=tanh\n"
                               "set n={2,3},act=relu,k3\n"
                               "act_f32:n1\n"
                               "act_f32:act=gelu\n"
                               "set n7\n"
                               "act_f32:act=gelu\n"
                               "conv_f32:ic8,h9,oc8";
    static const char *const wanted[] = {
        "act_f32:n1,act=tanh", "act_f32:n1,act=relu",
        "act_f32:n2,act=gelu", "act_f32:n3,act=gelu",
        "act_f32:n7,act=gelu", "conv_f32:n7,ic8,h9,w9,oc8,k3,act=relu"};
    char said[QN_PROBLEM_TEXT];
    parsed p;
    parse(&p, text);
    REQUIRE_OK(t, p.status, &p.err);
    CHECK_EQ(t, p.list.n, 6);
    for (int i = 0; i < p.list.n && i < 6; i++)
        CHECK_STR(t, qn_problem_text(said, &p.list.p[i], true), wanted[i]);
    qn_arena_done(&p.arena);
}

static quern_status load(qn_test *t, const char *name, int *n, quern_error *err)
{
    qn_mem mem;
    qn_arena arena;
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    qn_problems list = {.arena = &arena};
    const quern_status status = qn_sweep_load(&list, qn_temp(t, name), err);
    *n = list.n;
    qn_arena_done(&arena);
    return status;
}

static void put_text(qn_test *t, const char *name, const char *text)
{
    qn_put_file(t, qn_temp(t, name), text, strlen(text));
}

void test_bench_sweep_include(qn_test *t)
{
    quern_error err = {.status = QUERN_OK};
    int n;
    put_text(t, "a.qbs", "count 1\nset n4\ninclude b.qbs # four\nact_f32:act=relu\n");
    put_text(t, "b.qbs", "act_f32:act=gelu\nset n9\nact_f32:act=gelu");
    put_text(t, "self.qbs", "include self.qbs\ninclude self.qbs\ninclude self.qbs\n");
    put_text(t, "out.qbs", "\n include ../a.qbs\n");
    put_text(t, "up.qbs", "include ../a.qbs\n");
    put_text(t, "none.qbs", "include nothing.qbs\n");
    put_text(t, "bad.qbs", "include worse.qbs\n");
    put_text(t, "worse.qbs", "\nact_f32:q1\n");
    CHECK_OK(t, load(t, "a.qbs", &n, &err), &err);
    CHECK_EQ(t, n, 3);
    CHECK_FAILS(t, load(t, "self.qbs", &n, &err), QUERN_INVALID, &err, "8 deep");
    CHECK_FAILS(t, load(t, "up.qbs", &n, &err), QUERN_INVALID, &err,
                "line 1, column 9: include ../a.qbs");
    CHECK(t, load(t, "out.qbs", &n, &err) != QUERN_OK);
    CHECK_FAILS(t, load(t, "none.qbs", &n, &err), QUERN_IO, &err, "nothing.qbs");
    CHECK_FAILS(t, load(t, "bad.qbs", &n, &err), QUERN_INVALID, &err,
                "include worse.qbs: line 2, column 9");
    CHECK_HAS(t, err.text, "bad.qbs: line 1, column 9");
}

/* A sweep file cut anywhere is refused, and every byte changed is taken or refused. */
void test_bench_sweep_damaged(qn_test *t)
{
    static const char text[] =
        "# a net\ncount 3\nset n2\nconv_f32:ic{1,2},h9,oc8,k3,p1@a*2\n"
        "gemm_f32:m1..8*2,n3,k4,tb\npool_f32:c1,h4,k2,type=max";
    char copy[sizeof text];
    for (size_t n = 20; n + 1 < sizeof text; n++) {
        parsed p;
        memcpy(copy, text, n);
        copy[n] = 0;
        parse(&p, copy);
        qn_note(t, "cut at %zu", n);
        /* The last word may be cut where the default is meant. */
        if (n < sizeof text - 14) CHECK(t, p.status == QUERN_INVALID);
        qn_arena_done(&p.arena);
    }
    for (int i = 0; i < 4000; i++) {
        parsed p;
        memcpy(copy, text, sizeof text);
        copy[qn_test_int(t, 0, sizeof text - 2)] = (char)qn_test_int(t, 1, 255);
        parse(&p, copy);
        if (p.status != QUERN_OK) CHECK_HAS(t, p.err.text, "line ");
        qn_arena_done(&p.arena);
    }
}

/* ---- the program ----------------------------------------------------------------- */

static void check_keys(qn_test *t, const char *out, const char *keys)
{
    char key[64];
    for (const char *k = keys; *k;) {
        const size_t n = strcspn(k, " ");
        snprintf(key, sizeof key, "\"%.*s\":", (int)n, k);
        CHECK_HAS(t, out, key);
        k += n + (k[n] == ' ');
    }
}

void test_bench_program(qn_test *t)
{
    const char *out;
    CHECK_EQ(t,
             qn_quern(t,
                      "bench kernel 'gemm_f32:m5,n9,k7' --time 0.01 --no-peaks --json",
                      &out),
             0);
    check_keys(t, out,
               "schema problem impl status median_us ci_lo_us ci_hi_us gflops "
               "gbps roof_pct error_u");
    CHECK_HAS(t, out, "\"status\":\"ok\"");
    CHECK_EQ(t, qn_quern(t, "bench kernel gemm_f32:m5,x9", &out), 2);
    CHECK_HAS(t, out, "line 1, column 13");
    CHECK_HAS(t, out, "Kinds and fields");
    CHECK_EQ(t, qn_quern(t, "bench kernel", &out), 2);
    CHECK_EQ(t, qn_quern(t, "bench kernel -f no-such.qbs", &out), 1);
    CHECK_EQ(t, qn_quern(t, "bench", &out), 2);
    CHECK_HAS(t, out, "model");
    CHECK_EQ(t,
             qn_quern(t,
                      "bench model tests/data/fashion-fast16.onnx --json --time 0.05 "
                      "--threads 1 --batch 2",
                      &out),
             0);
    check_keys(t, out,
               "schema model threads batch load_ms first_ms n min_ms median_ms "
               "p95_ms ci_lo_ms ci_hi_ms peak_rss_bytes ops node op ms");
    CHECK_HAS(t, out, "\"batch\":2");
    CHECK_HAS(t, out, "\"run_allocs\":0");
}

void test_bench_extracted(qn_test *t)
{
    const char *out;
    char command[600];
    REQUIRE(t, qn_quern(t, "bench extract tests/data/fashion-fast16.onnx", &out) == 0);
    CHECK_HAS(t, out, "conv_f32:");
    CHECK_HAS(t, out, "count ");
    const char *path = qn_temp(t, "net.qbs");
    qn_put_file(t, path, out, strlen(out));
    snprintf(command, sizeof command, "bench kernel -f %s --list", path);
    CHECK_EQ(t, qn_quern(t, command, &out), 0);
    CHECK_HAS(t, out, "conv8c_f32_ref");
    snprintf(command, sizeof command,
             "bench kernel -f %s --time 0.001 --no-peaks --impl '*_ref*' --format csv",
             path);
    CHECK_EQ(t, qn_quern(t, command, &out), 0);
    CHECK_HAS(t, out, ",ok,");
}

void test_bench_trace(qn_test *t)
{
    const char *path = qn_temp(t, "trace.json"), *out;
    char command[600];
    snprintf(
        command, sizeof command,
        "bench model tests/data/fashion-fast16.onnx --time 0.02 --no-rss --trace %s",
        path);
    CHECK_EQ(t, qn_quern(t, command, &out), 0);
    const char *text = qn_get_file(t, path, NULL);
    REQUIRE(t, text != NULL);
    CHECK_HAS(t, text, "\"traceEvents\":[{\"name\":");
    CHECK_HAS(t, text, "\"ph\":\"X\"");
}

/* A program against itself, and against one that is none. */
void test_bench_ab(qn_test *t)
{
    const char *out;
    char command[1500];
    if (!qn_is_release(t)) {
        qn_skip(t, "two programs are compared in the release build");
        return;
    }
    snprintf(command, sizeof command,
             "bench ab %s/quern %s/quern -p gemm_f32:m16,n16,k16 --rounds 24 "
             "--launches 2 --time 5 --threshold 0.9 --json",
             qn_build(t), qn_build(t));
    CHECK_EQ(t, qn_quern(t, command, &out), 0);
    check_keys(t, out, "verdict ratio ci_lo ci_hi control_ratio rounds");
    snprintf(command, sizeof command, "bench ab %s/quern true -p gemm_f32:m16,n16,k16",
             qn_build(t));
    CHECK_EQ(t, qn_quern(t, command, &out), 1);
    CHECK_HAS(t, out, "without an answer");
    CHECK_EQ(t, qn_quern(t, "bench ab one", &out), 2);
}

/* ---- scenarios ------------------------------------------------------------------- */

/* A machine that takes `service` seconds for a request, on a clock of its own. */
typedef struct queue {
    double now, service;
} queue;

static quern_status queue_serve(void *ctx, quern_error *err)
{
    queue *q = ctx;
    (void)err;
    q->now += q->service;
    return QUERN_OK;
}

static double queue_now(void *ctx)
{
    return ((queue *)ctx)->now;
}

static void queue_wait(void *ctx, double until)
{
    queue *q = ctx;
    if (q->now < until) q->now = until;
}

/* A queue with constant service (M/D/1): the mean wait is rho / (2 mu (1 - rho)). */
void test_bench_arrivals(qn_test *t)
{
    enum { ROOM = 60000 };
    static double latency[ROOM];
    queue q = {.service = 0.01};
    qn_arrivals a = {.serve = queue_serve,
                     .now = queue_now,
                     .wait = queue_wait,
                     .ctx = &q,
                     .rate = 50,
                     .seconds = 1000,
                     .seed = 7};
    quern_error err = {.status = QUERN_OK};
    int n;
    double sum = 0, rate;
    REQUIRE_OK(t, qn_arrivals_run(&a, latency, ROOM, &n, &err), &err);
    CHECK_WITHIN(t, n, 50000, 5 * 224); /* Poisson: the deviation is sqrt(n) */
    for (int i = 0; i < n; i++)
        sum += latency[i];
    CHECK_WITHIN(t, sum / n, 0.01 + 0.005, 0.0005);
    a.rate =
        200; /* twice as many as can be served: given up, latencies up to seconds */
    a.seconds = 10;
    REQUIRE_OK(t, qn_arrivals_run(&a, latency, ROOM, &n, &err), &err);
    CHECK(t, n > 0 && latency[n - 1] > 4);
    a.seconds = 100;
    REQUIRE_OK(t, qn_arrivals_peak(&a, 100, 0.05, latency, ROOM, &rate, &err), &err);
    qn_note(t, "peak %g", rate);
    CHECK(t, rate > 50 && rate < 95); /* exact: about 80 */
    REQUIRE_OK(t, qn_arrivals_peak(&a, 100, 0.001, latency, ROOM, &rate, &err), &err);
    CHECK_WITHIN(t, rate, 0, 0); /* a service takes longer than that */
}

void test_bench_scenarios(qn_test *t)
{
    const char *out;
    CHECK_EQ(t,
             qn_quern(t,
                      "bench model resnet8 --no-rss --no-profile --json --time 0.2 "
                      "--scenario multi",
                      &out),
             0);
    check_keys(t, out, "runs_in_query p99_hi_ms");
    CHECK_EQ(t,
             qn_quern(t,
                      "bench model resnet8 --no-rss --no-profile --json --time 0.2 "
                      "--scenario server --bound 1000",
                      &out),
             0);
    check_keys(t, out, "queries_per_s peak_queries_per_s");
    CHECK_EQ(t, qn_quern(t, "bench model resnet8 --scenario plural", &out), 2);
    CHECK_HAS(t, out, "single, multi, server");
}
