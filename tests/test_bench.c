/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_bench.c - the harness itself: what its statistics promise, and that every
 * kind of wrong kernel and of wrong peak that it is there to catch is caught. */
#include "tests/test.h"

#include "bench/bench_os.h"
#include "bench/checked_call.h"
#include "bench/clock.h"
#include "bench/kernel_bench.h"
#include "bench/kinds.h"
#include "bench/peaks.h"
#include "bench/stats.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- statistics ------------------------------------------------------------------ */

void test_bench_stats(qn_test *t)
{
    double v[] = {5, 1, 4, 2, 3}, room[10], lo, hi;
    int a, b;
    qn_sort(v, 5);
    CHECK_WITHIN(t, qn_median(v, 5), 3, 0);
    CHECK_WITHIN(t, qn_median(v, 4), 2.5, 0);
    CHECK_WITHIN(t, qn_quantile(v, 5, 0.25), 2, 0);
    CHECK_WITHIN(t, qn_mad(v, 5, room), 1.4826, 1e-12);
    CHECK(t, isnan(qn_median(v, 0)));
    CHECK_WITHIN(t, qn_binomial_cdf(10, 2, 0.5), 56 / 1024.0, 1e-12);
    CHECK_WITHIN(t, qn_binomial_cdf(1000, 469, 0.5), 0.026845, 1e-5);
    CHECK_WITHIN(t, qn_sign_test(10, 0), 2 / 1024.0, 1e-12);
    CHECK_WITHIN(t, qn_sign_test(5, 5), 1, 0);
    CHECK_WITHIN(t, qn_sign_test(0, 0), 1, 0);
    /* The ranks of tables of the sign test, counted from 0. */
    static const int known[][3] = {
        {6, 0, 5}, {10, 1, 8}, {20, 5, 14}, {50, 17, 32}, {100, 39, 60}};
    for (int i = 0; i < 5; i++) {
        qn_note(t, "n=%d", known[i][0]);
        CHECK(t, qn_median_ranks(known[i][0], 0.95, &a, &b));
        CHECK_EQ(t, a, known[i][1]);
        CHECK_EQ(t, b, known[i][2]);
    }
    qn_note(t, "few");
    CHECK(t, !qn_median_ranks(5, 0.95, &a, &b));
    CHECK_EQ(t, a, 0);
    CHECK_EQ(t, b, 4);
    CHECK(t, qn_median_ranks(8, 0.99, &a, &b));
    CHECK(t, !qn_median_ranks(7, 0.99, &a, &b));
    CHECK_EQ(t, qn_quantile_bound(298, 0.99, 0.95), -1);
    CHECK_EQ(t, qn_quantile_bound(299, 0.99, 0.95), 298);
    CHECK_EQ(t, qn_quantile_bound(20, 0.5, 0.95), 14);
    qn_bootstrap_median(v, 5, 0.95, 1, &lo, &hi);
    CHECK(t, lo >= 1 && lo <= 3 && hi >= 3 && hi <= 5);
    const double up[] = {1, 2, 3, 4, 5, 6, 7, 8}, flat[] = {1, 3, 2, 4, 1, 3, 2, 2};
    CHECK(t, qn_has_trend(up, 8));
    CHECK(t, !qn_has_trend(flat, 8));
    const qn_stats s = qn_stats_of(up, 8, room);
    CHECK_WITHIN(t, s.median, 4.5, 0);
    CHECK_WITHIN(t, s.min + s.max, 9, 0);
    CHECK(t, s.lo <= s.median && s.hi >= s.median && s.is_proper);
}

/* ---- the clock ------------------------------------------------------------------- */

typedef struct ticking {
    double seconds;
    int calls;
} ticking;

static double tick(void *ctx)
{
    ticking *c = ctx;
    c->seconds += 30e-9;
    return c->seconds;
}

static void work_100ns(void *ctx)
{
    ticking *c = ctx;
    c->seconds += 100e-9;
    c->calls++;
}

void test_bench_clock(qn_test *t)
{
    ticking c = {0, 0};
    qn_clock clock = {.now = tick, .ctx = &c};
    const qn_work work = {.run = work_100ns, .ctx = &c};
    qn_clock_measure(&clock);
    CHECK_WITHIN(t, clock.cost, 30e-9, 1e-12);
    const int64_t k = qn_clock_calls(&clock, &work);
    CHECK(t, k >= 200 && k <= 2000); /* 20 us, or 1000 steps of 30 ns */
    CHECK_WITHIN(t, qn_clock_sample(&clock, &work, k), 100e-9, 1e-12);
    const double from = c.seconds;
    qn_clock_warm(&clock, &work, k, 0.001, 0.01);
    CHECK(t, c.seconds - from >= 0.001 && c.seconds - from < 0.011);
}

/* ---- planted faults -------------------------------------------------------------- */

static void right(int op, const float *x, float *y, int64_t n, const float *p)
{
    (void)op;
    (void)p;
    for (int64_t i = 0; i < n; i++)
        y[i] = expf(x[i]);
}

static void reads_behind(int op, const float *x, float *y, int64_t n, const float *p)
{
    right(op, x, y, n, p);
    *(volatile float *)y = ((const volatile float *)x)[n] * 0 + y[0];
}

static void reads_before(int op, const float *x, float *y, int64_t n, const float *p)
{
    right(op, x, y, n, p);
    *(volatile float *)y = ((const volatile float *)x)[-1] * 0 + y[0];
}

static void writes_behind(int op, const float *x, float *y, int64_t n, const float *p)
{
    right(op, x, y, n, p);
    ((volatile float *)y)[n] = 1;
}

static void writes_input(int op, const float *x, float *y, int64_t n, const float *p)
{
    right(op, x, y, n, p);
    ((volatile float *)(uintptr_t)x)[0] = 1;
}

static void wrong_tail(int op, const float *x, float *y, int64_t n, const float *p)
{
    right(op, x, y, n / 8 * 8, p);
    for (int64_t i = n / 8 * 8; i < n; i++)
        y[i] = expf(x[i - 1]);
}

static void no_tail(int op, const float *x, float *y, int64_t n, const float *p)
{
    right(op, x, y, n / 8 * 8, p);
}

static void crashes(int op, const float *x, float *y, int64_t n, const float *p)
{
    right(op, x, y, n, p);
    __builtin_trap();
}

#if defined(__x86_64__)
static void dirty_register(int op, const float *x, float *y, int64_t n, const float *p)
{
    right(op, x, y, n, p);
    __asm__ volatile("movq $7, %%r14" ::: "memory"); /* and does not say so */
}

static void dirty_control(int op, const float *x, float *y, int64_t n, const float *p)
{
    unsigned control = 0x1f80 | 0x8000; /* flush to zero */
    right(op, x, y, n, p);
    __asm__ volatile("ldmxcsr %0" ::"m"(control));
}

static void dirty_direction(int op, const float *x, float *y, int64_t n, const float *p)
{
    right(op, x, y, n, p);
    __asm__ volatile("std" ::: "memory");
}

__attribute__((target("avx"))) static void dirty_upper(int op, const float *x, float *y,
                                                       int64_t n, const float *p)
{
    right(op, x, y, n, p);
    __asm__ volatile("vcmpps $0, %%ymm7, %%ymm7, %%ymm7" ::: "xmm7");
}
#elif defined(__aarch64__)
static void dirty_register(int op, const float *x, float *y, int64_t n, const float *p)
{
    right(op, x, y, n, p);
    __asm__ volatile("mov x26, #7" ::: "memory");
}

static void dirty_control(int op, const float *x, float *y, int64_t n, const float *p)
{
    right(op, x, y, n, p);
    __asm__ volatile("msr fpcr, %0" ::"r"(UINT64_C(1) << 24));
}
#endif

static qn_check_result check_planted(qn_test *t, qn_unary_f32_fn *fn, int64_t n)
{
    qn_mem mem;
    qn_arena arena;
    quern_error err;
    qn_truth truth[2];
    qn_kernels k;
    qn_problem p = {.kind = &qn_kind_unary_f32, .count = 1};
    qn_check_result r = {QN_CHECK_FAILED, 0, ""};
    p.v[0][0] = n;
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    qn_kernels_init(&k, QN_ISA_REF);
    const qn_suspect s = {&qn_adapter_unary, &k, (void (*)(void))fn};
    if (CHECK_OK(t, qn_truth_make(&truth[0], &p, QN_DATA_INTEGERS, &arena, &err),
                 &err) &&
        CHECK_OK(t, qn_truth_make(&truth[1], &p, QN_DATA_REALS, &arena, &err), &err))
        r = qn_verify(&s, truth, 2, 30);
    qn_arena_done(&arena);
    return r;
}

void test_bench_planted_faults(qn_test *t)
{
    static const struct {
        const char *name;
        qn_unary_f32_fn *fn;
        qn_check_status status;
        const char *text;
    } planted[] = {
        {"right", right, QN_CHECK_OK, ""},
        {"reads behind", reads_behind, QN_CHECK_BOUNDS, "behind the end of operand x"},
        {"reads before", reads_before, QN_CHECK_BOUNDS, "before operand x"},
        {"writes behind", writes_behind, QN_CHECK_BOUNDS, "operand y"},
        {"writes input", writes_input, QN_CHECK_BOUNDS, "which it may only read"},
        {"wrong tail", wrong_tail, QN_CHECK_WRONG, "should be"},
        {"no tail", no_tail, QN_CHECK_UNWRITTEN, "missing"},
        {"crashes", crashes, QN_CHECK_CRASHED, "signal"},
#if defined(__x86_64__) || defined(__aarch64__)
        {"dirty register", dirty_register, QN_CHECK_REGISTERS, "not restored"},
        {"dirty control", dirty_control, QN_CHECK_REGISTERS, "control word"},
#endif
#if defined(__x86_64__)
        {"dirty direction", dirty_direction, QN_CHECK_REGISTERS, "direction"},
#endif
    };
    for (size_t i = 0; i < sizeof planted / sizeof planted[0]; i++) {
        const qn_check_result r = check_planted(t, planted[i].fn, 37);
        qn_note(t, "%s: %s", planted[i].name, r.text);
        CHECK_STR(t, qn_check_name(r.status), qn_check_name(planted[i].status));
        CHECK_HAS(t, r.text, planted[i].text);
    }
#if defined(__x86_64__)
    if (!qn_checked_sees_upper() || !qn_is_release(t)) return;
    const qn_check_result r = check_planted(t, dirty_upper, 37);
    qn_note(t, "dirty upper: %s", r.text);
    CHECK_STR(t, qn_check_name(r.status), qn_check_name(QN_CHECK_REGISTERS));
#endif
}

/* A loop that the compiler has folded does nothing and claims everything. */
static double folded_burst(double *seconds)
{
    const double start = qn_seconds();
    *seconds = qn_seconds() - start + 1e-9;
    return 1e7;
}

void test_bench_folded_peak(qn_test *t)
{
    double seconds, best = 0;
    const double ghz = qn_probe_ghz();
    CHECK(t, ghz > 0);
    const double claimed = folded_burst(&seconds) / seconds;
    CHECK(t, qn_peak_is_folded(claimed, ghz));
    CHECK(t, qn_peak_is_folded(1.28e15, 3.2));
    CHECK(t, !qn_peak_is_folded(103.5e9, 3.24));
    if (!(qn_cpu_isa() & (QN_ISA_AVX2 | QN_ISA_NEON))) return;
    for (int i = 0; i < 50; i++) {
        const double flops = qn_burst_fma(&seconds);
        if (flops / seconds > best) best = flops / seconds;
    }
    qn_note(t, "%.1f GFLOP/s at %.2f GHz", 1e-9 * best, ghz);
    /* Emulators have no clock that means anything. */
    if (qn_is_release(t)) CHECK(t, !qn_peak_is_folded(best, 1.2 * ghz));
}

/* ---- every row ------------------------------------------------------------------- */

/* Every row that fits the problems of `line` against the double reference. */
static void rows_are_right(qn_test *t, const char *line, qn_arena *arena)
{
    quern_error err;
    qn_kernel_bench b;
    qn_problems list = {.arena = arena};
    qn_kernel_bench_init(&b, qn_cpu_isa());
    CHECK_OK(t, qn_problem_parse(&list, line, strlen(line), 1, &err), &err);
    for (int k = 0; k < list.n; k++) {
        qn_impl impls[QN_IMPLS];
        qn_truth truth[2];
        char text[QN_PROBLEM_TEXT];
        const int n = qn_impls_of(&b, &list.p[k], impls);
        CHECK(t, n > 0);
        for (int d = 0; d < 2; d++)
            CHECK_OK(
                t, qn_truth_make(&truth[d], &list.p[k], (qn_truth_data)d, arena, &err),
                &err);
        for (int m = 0; m < n; m++) {
            const qn_check_result r = qn_verify(&impls[m].suspect, truth, 2, 60);
            qn_note(t, "%s %s: %s", qn_problem_text(text, &list.p[k], false),
                    impls[m].name, r.text);
            CHECK_STR(t, qn_check_name(r.status), "ok");
        }
    }
}

static void each_is_right(qn_test *t, const char *const *lines)
{
    qn_mem mem;
    qn_arena arena;
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    for (; *lines; lines++)
        rows_are_right(t, *lines, &arena);
    qn_arena_done(&arena);
}

/* Tails, odd strides, one pixel: small, so that all is compared. */
void test_bench_rows_convolve(qn_test *t)
{
    each_is_right(
        t, (const char *const[]){
               "conv_f32:n2,ic{3,9,16},h7,w5,oc{1,8,13},k3,s{1,2},p1,bias,act=relu",
               "conv_f32:ic8,h1,oc24,k1,add",
               "conv_f32:ic5,h9,oc7,k5x3,p2x1x0x1,d2x1,act=silu",
               "conv_f32:ic16,h6,oc32,k3,p1,g2,act=clip",
               "dw_f32:c{1,17},h9,w11,k{3,5},p1,s{1,2}", NULL});
}

void test_bench_rows_multiply(qn_test *t)
{
    each_is_right(t, (const char *const[]){
                         "gemm_f32:m{1,5,17},n{1,9,33},k{1,8,31}",
                         "gemm_f32:m6,n16,k20,ta,tb", "gemm_f64:m5,n7,k9,tb",
                         "gemv_f32:n{1,7,65},k{1,9,64},tb", "gemv_f64:n9,k17", NULL});
}

void test_bench_rows_map(qn_test *t)
{
    each_is_right(t,
                  (const char *const[]){"pool_f32:c3,h{5,8},k3,s2,p1,type=max",
                                        "pool_f32:c2,h7,k7,s1,type=avg",
                                        "softmax_f32:m3,n{1,7,64}",
                                        "rownorm_f32:m3,n{1,7,8,100}",
                                        "act_f32:n{1,7,33},act=hard_swish",
                                        "unary_f32:n{1,9,31},op=tanh",
                                        "unary_grad_f32:n{1,9,31},op=gelu",
                                        "pool_grad_f32:n2,c{3,8},h{6,7},k2,s2,type=max",
                                        "pool_grad_f32:c9,h8,k3,s2,p1,type=avg",
                                        "norm_f32:n2,c{3,16},h5,w3,op=moments",
                                        "norm_f32:n2,c{3,16},h5,w3,op=norm,act=relu",
                                        "norm_f32:n2,c{3,16},h5,w3,op=sums,act=relu",
                                        "norm_f32:n2,c{3,16},h5,w3,op=back,act=relu",
                                        "map_f32:n2,c{3,16},h5,w3,op=add,act=relu",
                                        "map_f32:c13,h4,op=scale,act=silu",
                                        "map_f32:n2,c{1,11},h3,w7,op=block",
                                        "map_f32:n2,c{1,11},h3,w7,op=unblock",
                                        "map_f32:n2,c{1,13,24},h3,w5,op=weave",
                                        "resize_f32:c9,h3,w5,scale{2,3}",
                                        "resize_f32:c9,h3,w5,mode=linear",
                                        NULL});
}

/* One row of kernels.def gives bench, too. */
void test_bench_every_slot_has_adapter(qn_test *t)
{
    int n;
    const qn_kernel_row *rows = qn_kernel_rows(&n);
    for (int i = 0; i < n; i++) {
        bool found = false;
        for (int k = 0; qn_adapters[k]; k++)
            found |=
                qn_adapters[k]->slot && !strcmp(qn_adapters[k]->slot, rows[i].slot);
        qn_note(t, "%s", rows[i].slot);
        CHECK(t, found);
    }
}
