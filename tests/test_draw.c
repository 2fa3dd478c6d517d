/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_draw.c - drawings are whole files of their kind, the same bytes twice, and
 * nothing that is drawn can break them; markup holds any text. */
#include "formats/draw.h"
#include "formats/image.h"
#include "formats/markup.h"
#include "formats/plugin.h"
#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const endings[] = {"png", "svg", "pdf"};

static bool has_plugin(qn_test *t)
{
    char path[QN_PATH_MAX];
    const bool is_there = qn_plugin_find("draw", path);
    if (!is_there) qn_skip(t, "quern-draw.so is not built: libcairo2-dev is missing");
    return is_there;
}

/* Every call once, with text and numbers from the bad end. */
static void draw_all(qn_canvas *c, const void *what)
{
    static const uint8_t rgb[12] = {255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9};
    const qn_pen pen = {0x56b4e980u, QN_BLACK, 1.5, 3};
    const qn_spot at[] = {{10, 10}, {NAN, 20},       {30, 30}, {40, 10}, {1e300, 50},
                          {60, 10}, {70, -INFINITY}, {80, 10}, {90, 20}};
    (void)what;
    qn_draw_line(c, 0, 0, 100, 50, &pen);
    qn_draw_line(c, NAN, 0, 100, 50, &pen);
    qn_draw_outline(c, &(qn_outline){at, 9, false}, &pen);
    qn_draw_outline(c, &(qn_outline){at, 9, true}, &pen);
    qn_draw_outline(c, &(qn_outline){at, 0, false}, &pen);
    qn_draw_box(c, &(qn_box){5, 5, 20, INFINITY}, &pen);
    qn_draw_clip(c, &(qn_box){10, 10, 50, 50});
    qn_draw_circle(c, 50, 50, 20, &pen);
    qn_draw_clip(c, &(qn_box){0, 0, 90, 50});
    qn_draw_circle(c, 50, NAN, 20, &pen);
    qn_draw_clip(c, NULL);
    qn_draw_text(c, &(qn_label){.text = "a < b && \"c\" \xce\xb1 \xff\x1b[2J",
                                .x = 50,
                                .y = 20,
                                .h = 0.5,
                                .size = 9,
                                .turn = -90,
                                .bold = true,
                                .colour = QN_BLACK});
    qn_draw_text(c, &(qn_label){.text = "", .size = 9, .colour = QN_BLACK});
    qn_draw_picture(c, &(qn_picture){2, 2, rgb}, &(qn_box){60, 5, 20, 20});
    qn_draw_picture(c, &(qn_picture){0, 2, rgb}, &(qn_box){60, 5, 20, 20});
    qn_draw_next_page(c);
    qn_draw_circle(c, 50, 50, 20, &pen);
}

static const qn_drawing all_calls = {120, 60, "all <calls>", draw_all, NULL};

static const char *drawn(qn_test *t, const char *name, qn_mem *mem, size_t *n)
{
    quern_error err = {0};
    const char *path = qn_temp(t, name);
    CHECK_OK(t, qn_draw_file(mem, path, &all_calls, &err), &err);
    return qn_get_file(t, path, n);
}

static void check_png(qn_test *t, qn_mem *mem, const char *bytes, size_t n)
{
    qn_arena arena;
    qn_image image = {0};
    quern_error err = {0};
    CHECK(t, n > 45 && memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) == 0);
    CHECK(t, memcmp(bytes + n - 8, "IEND", 4) == 0);
    qn_arena_init(&arena, mem);
    const quern_status status = qn_image_decode(&arena, bytes, n, 0, &image, &err);
    if (status != QUERN_UNSUPPORTED) { /* a build without stb_image */
        CHECK_OK(t, status, &err);
        CHECK_EQ(t, image.width, 240);
        CHECK_EQ(t, image.height, 120);
    }
    qn_arena_done(&arena);
}

static int count(const char *text, const char *part)
{
    int n = 0;
    for (const char *p = text; (p = strstr(p, part)); p++)
        n++;
    return n;
}

static void check_svg(qn_test *t, const char *text)
{
    CHECK_EQ(t, strncmp(text, "<svg xmlns=", 11), 0);
    CHECK_EQ(t, count(text, "<svg"), count(text, "</svg>"));
    CHECK_HAS(t, text, "<title>all &lt;calls&gt;</title>");
    CHECK_HAS(t, text,
              ">a &lt; b &amp;&amp; &quot;c&quot; \xce\xb1 \\xff\\x1b[2J</text>");
    CHECK(t, !strstr(text, "nan") && !strstr(text, "inf"));
}

static void check_pdf(qn_test *t, const char *bytes, size_t n)
{
    CHECK_EQ(t, strncmp(bytes, "%PDF-1.", 7), 0);
    CHECK_STR(t, bytes + n - 6, "%%EOF\n");
}

void test_draw_files(qn_test *t)
{
    qn_mem mem;
    char name[32];
    if (!has_plugin(t)) return;
    qn_mem_init(&mem, NULL, 0);
    for (int kind = 0; kind < 3; kind++) {
        size_t n = 0, again = 0;
        qn_note(t, "%s", endings[kind]);
        snprintf(name, sizeof name, "first.%s", endings[kind]);
        const char *bytes = drawn(t, name, &mem, &n);
        snprintf(name, sizeof name, "second.%s", endings[kind]);
        const char *same = drawn(t, name, &mem, &again);
        REQUIRE(t, bytes && same && n > 0);
        CHECK(t, n == again && memcmp(bytes, same, n) == 0);
        if (kind == QN_DRAW_PNG) check_png(t, &mem, bytes, n);
        if (kind == QN_DRAW_SVG) check_svg(t, bytes);
        if (kind == QN_DRAW_PDF) check_pdf(t, bytes, n);
    }
    CHECK_EQ(t, mem.used, 0);
}

/* Two pages of a PDF are two pages. */
void test_draw_pages(qn_test *t)
{
    const char *out = "";
    char command[512];
    qn_mem mem;
    if (!has_plugin(t)) return;
    if (qn_shell(t, "command -v pdfinfo", NULL) != 0) {
        qn_skip(t, "pdfinfo is not installed");
        return;
    }
    qn_mem_init(&mem, NULL, 0);
    drawn(t, "pages.pdf", &mem, NULL);
    snprintf(command, sizeof command, "pdfinfo '%s'", qn_temp(t, "pages.pdf"));
    CHECK_EQ(t, qn_shell(t, command, &out), 0);
    CHECK_HAS(t, out, "Pages:           2\n");
    CHECK_HAS(t, out, "Page size:       120 x 60 pts\n");
    CHECK_HAS(t, out, "Title:           all <calls>\n");
}

void test_draw_refuses(qn_test *t)
{
    static const qn_drawing huge = {1e6, 1e6, "huge", draw_all, NULL};
    quern_error err = {0};
    qn_mem mem;
    size_t n = 0;
    qn_mem_init(&mem, NULL, 0);
    CHECK_FAILS(t, qn_draw_file(&mem, qn_temp(t, "x.jpg"), &all_calls, &err),
                QUERN_INVALID, &err, ".png, .svg or .pdf");
    if (!has_plugin(t)) return;
    const char *path = qn_temp(t, "kept.png");
    qn_put_file(t, path, "old", 3);
    CHECK_FAILS(t, qn_draw_file(&mem, path, &huge, &err), QUERN_LIMIT, &err,
                "too large");
    CHECK_STR(t, qn_get_file(t, path, &n), "old");
    CHECK_FAILS(t, qn_draw_file(&mem, qn_temp(t, "no/such/x.svg"), &all_calls, &err),
                QUERN_IO, &err, "cannot write");
    for (int kind = 0; kind < 3; kind++) { /* each allocation in turn */
        quern_status status = QUERN_MEMORY;
        for (int64_t at = 1; status != QUERN_OK && at < 200; at++) {
            qn_buf out;
            qn_buf_init(&out, &mem);
            mem.fail_at = at;
            status = qn_draw_bytes(&out, (qn_draw_kind)kind, &all_calls, &err);
            mem.fail_at = 0;
            qn_buf_done(&out);
            CHECK(t, status == QUERN_OK || status == QUERN_MEMORY);
        }
        CHECK_EQ(t, status, QUERN_OK);
    }
    CHECK_EQ(t, mem.used, 0);
}

void test_draw_text_width(qn_test *t)
{
    qn_mem mem;
    size_t n = 0;
    qn_mem_init(&mem, NULL, 0);
    if (!has_plugin(t)) return;
    const char *svg = drawn(t, "width.svg", &mem, &n);
    CHECK_HAS(t, svg, "textLength=\""); /* and one that is no guess of 0 */
    CHECK(t, !strstr(svg, "textLength=\"0\""));
}

void test_draw_without_plugin(qn_test *t)
{
    char command[2048];
    const char *out = "";
    if (!qn_is_release(t)) {
        qn_skip(t, "the release build for this machine is the one copied");
        return;
    }
    snprintf(command, sizeof command,
             "mkdir '%s' && cp '%s/quern' '%s' && '%s/quern' version",
             qn_temp(t, "bin"), qn_build(t), qn_temp(t, "bin"), qn_temp(t, "bin"));
    CHECK_EQ(t, qn_shell(t, command, &out), 0);
    CHECK_HAS(t, out, " no-cairo");
}

static const char *marked(qn_buf *buf, const char *text)
{
    qn_buf_clear(buf);
    qn_markup_text(buf, text);
    return buf->p;
}

static const char *base64(qn_buf *buf, const char *text)
{
    qn_buf_clear(buf);
    qn_markup_base64(buf, text, strlen(text));
    return buf->p;
}

static const char *number(qn_buf *buf, double value)
{
    qn_buf_clear(buf);
    qn_markup_number(buf, value);
    return buf->p;
}

void test_markup(qn_test *t)
{
    qn_mem mem;
    qn_buf buf;
    qn_mem_init(&mem, NULL, 0);
    qn_buf_init(&buf, &mem);
    CHECK_STR(t, marked(&buf, "<a href=\"x\">'&'\n</a>"),
              "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39; &lt;/a&gt;");
    CHECK_STR(t, marked(&buf, "\xce\xb1\xff\x1b\xef\xbf\xbe."),
              "\xce\xb1\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd.");
    CHECK_STR(t, base64(&buf, "f"), "Zg=="); /* RFC 4648, section 10 */
    CHECK_STR(t, base64(&buf, "fo"), "Zm8=");
    CHECK_STR(t, base64(&buf, "foo"), "Zm9v");
    CHECK_STR(t, base64(&buf, "foobar"), "Zm9vYmFy");
    CHECK_STR(t, number(&buf, -0.001), "0");
    CHECK_STR(t, number(&buf, 12.3456), "12.35");
    qn_buf_done(&buf);
}
