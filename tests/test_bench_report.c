/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_bench_report.c - results read back, damaged ones refused, and the page
 * that is made of them. */
#include "tests/test.h"

#include "bench/records.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char good[] =
    "{\"schema\":1,\"problem\":\"gemm_f32:m5,n9,k7\",\"count\":2,\"impl\":\"a\","
    "\"cache\":\"hot\",\"status\":\"ok\",\"median_us\":3,\"ci_lo_us\":2,\"ci_hi_us\":4,"
    "\"gflops\":1,\"gbps\":1,\"roof_pct\":50,\"roof\":\"fma\",\"error_u\":1,"
    "\"flops\":630,\"bytes\":632}\n"
    "\n"
    "{\"schema\":1,\"problem\":\"gemm_f32:m5,n9,k7\",\"impl\":\"b\",\"cache\":\"hot\","
    "\"status\":\"ok\",\"median_us\":2}\n"
    "{\"schema\":1,\"problem\":\"gemm_f32:m5,n9,k7\",\"impl\":\"<c>|\",\"cache\":"
    "\"hot\","
    "\"status\":\"wrong\",\"reason\":\"<script>alert(1)</script>\",\"median_us\":1}\n"
    "{\"schema\":1,\"model\":\"x/<b>|net\",\"median_ms\":2.5,\"threads\":1,"
    "\"ort\":{\"ratio\":4,\"ci_lo\":3,\"ci_hi\":5,\"rounds\":9,\"dropped\":1}}\n"
    "{\"schema\":1,\"model\":\"y\",\"median_ms\":2,\"ort\":{\"skipped\":\"no <i>\"},"
    "\"scaling\":[{\"threads\":2,\"ratio\":1.5,\"ci_hi\":2}]}\n"
    "{\"schema\":1,\"models\":2,\"geomean_ratio\":null}\n"
    "{\"schema\":1,\"isa\":\"avx2\",\"fma_gflops\":100,\"levels\":[{\"level\":\"L1\","
    "\"bytes\":8192,\"read_gbps\":200}]}\n"
    "{\"schema\":1,\"findings\":[{\"subject\":\"load\",\"mark\":\"bad\",\"text\":"
    "\"hi\"}]}";

static quern_status parse(qn_test *t, qn_records *r, qn_arena *arena, const char *text,
                          size_t n, quern_error *err)
{
    qn_mem *mem = arena->mem;
    char *exact = qn_exact(t, n);
    if (n) memcpy(exact, text, n);
    qn_arena_done(arena);
    qn_arena_init(arena, mem);
    *r = (qn_records){.arena = arena};
    return qn_records_parse(r, exact, n, err);
}

void test_bench_records(qn_test *t)
{
    quern_error err = {.status = QUERN_OK};
    qn_records r;
    qn_mem mem;
    qn_arena arena;
    int n;
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    REQUIRE_OK(t, parse(t, &r, &arena, good, sizeof good - 1, &err), &err);
    REQUIRE(t, r.kernels.n == 3 && r.models.n == 2 && r.peaks && r.doctor);
    CHECK(t, !qn_record_is_best(&r, 0));
    CHECK(t, qn_record_is_best(&r, 1));
    CHECK(t, !qn_record_is_best(&r, 2)); /* faster, and wrong */
    CHECK_WITHIN(t, qn_records_mean(&r.models, "ort", "ratio", &n), 4, 1e-12);
    CHECK_EQ(t, n, 1);
    CHECK_WITHIN(t, qn_records_mean(&r.models, "scaling", "ratio", &n), 1.5, 1e-12);
    CHECK(t, isnan(qn_records_mean(&r.models, "none", "ratio", &n)) && n == 0);
    qn_arena_done(&arena);
}

void test_bench_records_damaged(qn_test *t)
{
    static const char *const wrong[][2] = {
        {"x", "line 1, column 1: invalid token"},
        {"{\"schema\":2}", "line 1, column 1: is no result of schema 1"},
        {"{\"schema\":1}", "is no result of quern bench"},
        {"\n[1]\n", "line 2, column 1"},
        {"\n{\"schema\":1,\"model\":\"x\"}\n", "line 2, column 1"},
        {"{\"schema\":1,\"problem\":1,\"impl\":\"x\",\"status\":\"ok\"}", "no result"},
    };
    char copy[sizeof good];
    quern_error err = {.status = QUERN_OK};
    qn_records r;
    qn_mem mem;
    qn_arena arena;
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        qn_note(t, "%s", wrong[i][0]);
        CHECK_FAILS(t, parse(t, &r, &arena, wrong[i][0], strlen(wrong[i][0]), &err),
                    QUERN_FORMAT, &err, wrong[i][1]);
    }
    for (size_t n = 0; n + 1 < sizeof good; n++) {
        qn_note(t, "cut at %zu", n);
        const bool is_whole = n == 0 || good[n - 1] == '\n' || good[n] == '\n';
        CHECK_EQ(t, parse(t, &r, &arena, good, n, &err) == QUERN_OK, is_whole);
    }
    for (int i = 0; i < 2000; i++) {
        memcpy(copy, good, sizeof good);
        copy[qn_test_int(t, 0, sizeof good - 2)] = (char)qn_test_int(t, 0, 255);
        if (parse(t, &r, &arena, copy, sizeof good - 1, &err) != QUERN_OK)
            CHECK_HAS(t, err.text, "line ");
    }
    qn_arena_done(&arena);
}

void test_bench_report(qn_test *t)
{
    char command[900], path[600];
    const char *out, *file = qn_temp(t, "r.jsonl"), *folder = qn_temp(t, "page");
    qn_put_file(t, file, good, sizeof good - 1);
    snprintf(command, sizeof command, "bench report %s -o %s --json", file, folder);
    CHECK_EQ(t, qn_quern(t, command, &out), 0);
    CHECK_HAS(t, out, "\"kernels\":3,\"models\":2");
    snprintf(path, sizeof path, "%s/report.html", folder);
    const char *html = qn_get_file(t, path, NULL);
    snprintf(path, sizeof path, "%s/report.md", folder);
    const char *markdown = qn_get_file(t, path, NULL);
    REQUIRE(t, html && markdown);
    CHECK(t, !strstr(html, "<script") && !strstr(html, "<i>") && !strstr(html, "<b>"));
    CHECK(t, !strstr(markdown, "<script") && !strstr(markdown, "<i>"));
    CHECK_HAS(t, html, "alert(1)");
    CHECK_HAS(t, markdown, "WRONG: gemm\\_f32:m5,n9,k7, &lt;c\\>\\|: wrong");
    CHECK_HAS(t, markdown, "| &lt;b\\>\\|net |");
    CHECK_HAS(t, markdown, "Geometric mean of 1 ratios to ONNX Runtime: 4.000");
    if (strstr(out, "\"pictures\":0"))
        CHECK_HAS(t, markdown, "No pictures: ");
    else
        CHECK_HAS(t, markdown, "](roofline.svg)");
    qn_put_file(t, file, good, 100);
    CHECK_EQ(t, qn_quern(t, command, &out), 1);
    CHECK_HAS(t, out, "r.jsonl: line 1, column ");
    qn_put_file(t, file, "", 0);
    CHECK_EQ(t, qn_quern(t, command, &out), 1);
    CHECK_EQ(t, qn_quern(t, "bench report", &out), 2);
}
