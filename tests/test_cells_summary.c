/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_cells_summary.c - the report of a picture, and what a batch adds up to. */
#include "formats/csv_read.h"
#include "tests/cells_kit.h"
#include "tools/cells_report.h"
#include "tools/cells_summary.h"

#include <string.h>

static bool is_ok(qn_scene *s, quern_status status)
{
    if (status == QUERN_UNSUPPORTED) qn_skip(s->t, "%s", s->err.text);
    return status != QUERN_UNSUPPORTED && CHECK_OK(s->t, status, &s->err);
}

void test_cells_report(qn_test *t)
{
    static const float errors[] = {0.1f, 0.375f, 0.2f};
    qn_scene s;
    qn_buf out;
    if (!qn_scene_begin(&s, t, "11.22.33", 8)) return;
    s.seg.flow_error = errors;
    s.seg.um_per_px = 0.25;
    s.out.image = "<script>alert(1)</script>.png";
    if (!qn_scene_measure(&s, NULL)) return;
    qn_buf_init(&out, &s.mem);
    if (is_ok(&s, qn_cells_report(&s.out, &out, &s.err))) {
        CHECK(t, strstr(out.p, "<script") == NULL);
        CHECK_HAS(t, out.p,
                  "<dt>cells</dt>\n<dd>3</dd>\n<dd>3 of them at the edge</dd>");
        CHECK_HAS(t, out.p,
                  "<figure class=\"photo\"><img src=\"data:image/png;base64,");
        CHECK_HAS(t, out.p, "micrometres a pixel");
        /* the worst one first */
        const char *worst = strstr(out.p, "0.375"), *next = strstr(out.p, "0.200");
        CHECK(t, worst && next && worst < next);
        CHECK_HAS(t, out.p, "</html>\n");
    }
    qn_buf_done(&out);
    qn_scene_end(&s);
}

void test_cells_summary(qn_test *t)
{
    enum { MOST = 32 };
    static const char first[] =
        "{\"schema\":1,\"cells\":12,\"diameter\":17.5,\"ms\":80,"
        "\"metrics\":{\"cell_count\":12,\"confluence_pct\":31.5,\"mean_area_um2\":null}"
        "}";
    static const char second[] = "{\"cells\":30}";
    qn_mem mem;
    quern_error err;
    qn_csv_reader csv;
    char *field[MOST];
    size_t bytes;
    int n;
    const char *folder = qn_temp(t, "");
    qn_put_file(t, qn_temp(t, "a.json"), first, strlen(first));
    qn_put_file(t, qn_temp(t, "b.json"), second, strlen(second));
    qn_put_file(t, qn_temp(t, "c.json"), "{", 1);
    const qn_summary_item items[] = {
        {"a.png", qn_temp(t, "a.json"), NULL},
        {"+b,.png", qn_temp(t, "b.json"), NULL},
        {"c.png", qn_temp(t, "c.json"), NULL},
        {"d.png", NULL, "it is <no> picture"},
        {"e.png", qn_temp(t, "none.json"), NULL},
    };
    qn_mem_init(&mem, NULL, 0);
    REQUIRE_OK(t, qn_cells_summary_save(&mem, folder, items, 5, &err), &err);
    CHECK_EQ(t, (int64_t)mem.used, 0);
    char *text = qn_get_file(t, qn_temp(t, "summary.csv"), &bytes);
    REQUIRE(t, text != NULL);
    REQUIRE_OK(t, qn_csv_read_begin(&csv, text, bytes, ',', &err), &err);
    REQUIRE_OK(t, qn_csv_read_row(&csv, field, MOST, &n, &err), &err);
    CHECK_EQ(t, n, 17);
    CHECK(t, !strcmp(field[2], "cells") && !strcmp(field[4], "confluence_pct"));
    REQUIRE_OK(t, qn_csv_read_row(&csv, field, MOST, &n, &err), &err);
    CHECK(t, n == 17 && !strcmp(field[0], "a.png") && !strcmp(field[1], "completed"));
    CHECK(t, !strcmp(field[2], "12") && !strcmp(field[4], "31.5"));
    CHECK_STR(t, field[10], ""); /* null is nothing */
    REQUIRE_OK(t, qn_csv_read_row(&csv, field, MOST, &n, &err), &err);
    CHECK_STR(t, field[0], "'+b,.png");
    for (int i = 0; i < 3; i++) {
        REQUIRE_OK(t, qn_csv_read_row(&csv, field, MOST, &n, &err), &err);
        CHECK_STR(t, field[1], "failed");
        CHECK(t, field[16][0] != 0);
    }
    const char *html = qn_get_file(t, qn_temp(t, "summary.html"), NULL);
    REQUIRE(t, html != NULL);
    CHECK_HAS(t, html, "<dt>pictures</dt>\n<dd>5</dd>\n<dd>3 failed</dd>");
    CHECK_HAS(t, html, "<dt>cells</dt>\n<dd>42</dd>");
    CHECK_HAS(t, html, "it is &lt;no&gt; picture");
    CHECK_FAILS(t, qn_cells_summary_save(&mem, qn_temp(t, "none"), items, 5, &err),
                QUERN_IO, &err, "summary.csv");
    CHECK_OK(t, qn_cells_summary_save(&mem, folder, NULL, 0, &err), &err);
}
