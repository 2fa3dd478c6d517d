/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_report.c - pages close what they open and load nothing; a training's
 * report holds the figures it was given, with charts and without, the same bytes twice.
 */
#include "formats/plugin.h"
#include "tests/test.h"
#include "tools/html.h"
#include "tools/train_report.h"

#include <stdio.h>
#include <string.h>

/* ---- pages ---- */

static bool is_void(const char *tag, size_t n)
{
    return (n == 4 && strncmp(tag, "meta", n) == 0) ||
           (n == 3 && strncmp(tag, "img", n) == 0);
}

/* Every tag is closed, in order; `<` stands only where a tag begins. */
static void check_page(qn_test *t, const char *page)
{
    const char *open[32];
    size_t depth = 0, lengths[32];
    REQUIRE(t, strncmp(page, "<!DOCTYPE html>\n", 16) == 0);
    for (const char *p = page + 16; (p = strchr(p, '<')); p += strcspn(p, ">")) {
        const bool closes = p[1] == '/';
        const char *tag = p + 1 + closes;
        const size_t n = strcspn(tag, " >/\n"), end = strcspn(p, ">");
        if (is_void(tag, n) || p[end - 1] == '/') continue;
        if (!closes) {
            REQUIRE(t, depth < 32);
            open[depth] = tag;
            lengths[depth++] = n;
            continue;
        }
        REQUIRE(t, depth > 0);
        depth--;
        const bool same = n == lengths[depth] && strncmp(tag, open[depth], n) == 0;
        if (!same) CHECK_STR(t, tag, open[depth]);
        REQUIRE(t, same);
    }
    CHECK_EQ(t, depth, 0);
    CHECK(t, !strstr(page, "<script") && !strstr(page, "url(") &&
                 !strstr(page, "src=\"h"));
    CHECK_HAS(t, page, "default-src 'none'");
}

void test_html_page(qn_test *t)
{
    static const char *const headings[] = {"<k>", "v"};
    static const uint8_t pixels[] = {0, 255, 7, 9};
    qn_mem mem;
    qn_buf out;
    qn_html h;
    qn_mem_init(&mem, NULL, 0);
    qn_buf_init(&out, &mem);
    qn_html_begin(&h, &out, "a <b> & \"c\"", "sub");
    qn_html_section(&h, "one");
    qn_html_text(&h, "%s", "<script>alert(1)</script>");
    qn_html_tiles_begin(&h);
    qn_html_tile(&h, "accuracy", "93 %", NULL);
    qn_html_tiles_end(&h);
    qn_html_section(&h, "two");
    qn_html_table_begin(&h, "caption", "lr", headings);
    qn_html_cell(&h, "%s", "x");
    qn_html_cell(&h, "%d", 1);
    qn_html_cell(&h, "%s", "y");
    qn_html_cell(&h, "%d", 2);
    qn_html_table_end(&h);
    qn_html_figures_begin(&h);
    qn_html_picture(&h, 2, 2, 1, pixels, "a > b");
    qn_html_figures_end(&h);
    qn_html_end(&h);
    REQUIRE(t, out.error.status == QUERN_OK);
    check_page(t, out.p);
    CHECK_HAS(t, out.p, "<h1>a &lt;b&gt; &amp; &quot;c&quot;</h1>");
    CHECK_HAS(t, out.p, "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>");
    CHECK_HAS(t, out.p, "<tr><th scope=\"row\">y</th><td class=\"r\">2</td></tr>");
    CHECK_HAS(t, out.p, "data:image/png;base64,iVBORw0KGgo");
    qn_buf_done(&out);
    CHECK_EQ(t, mem.used, 0);
}

/* ---- reports ---- */

enum { ITEMS = 60, CLASSES = 3, EPOCHS = 4 };

typedef struct fixture {
    qn_mem mem;
    qn_arena arena;
    qn_metrics metrics;
    qn_epoch_row history[EPOCHS];
    qn_image image;
    uint8_t pixels[6];
    qn_mistake mistakes[2];
    qn_train_report report;
} fixture;

static const char *const classes[] = {"cat", "a|b <i>dog</i>",
                                      "\xce\xb3\xce\xac\xcf\x84"};
static const qn_fact rows[] = {
    {"arch", "fast16"}, {"note", "a | b\n<c>"}, {"none", NULL}};
static const qn_facts facts[] = {{"Settings", rows, 3}};

static bool begin(qn_test *t, fixture *f)
{
    float *p = qn_exact(t, ITEMS * CLASSES * sizeof *p);
    int32_t *label = qn_exact(t, ITEMS * sizeof *label);
    const qn_predictions in = {
        .n = ITEMS, .n_classes = CLASSES, .p = p, .label = label};
    const qn_metrics_options opt = {.bootstrap = 20};
    quern_error err = {0};
    *f = (fixture){.pixels = {1, 2, 3, 4, 5, 6}, .image = {2, 1, 3, f->pixels}};
    qn_mem_init(&f->mem, NULL, 0);
    qn_arena_init(&f->arena, &f->mem);
    for (int i = 0; i < ITEMS; i++) { /* every tenth is wrong */
        const int answer = i % 10 == 0 ? (i + 1) % CLASSES : i % CLASSES;
        label[i] = i % CLASSES;
        for (int k = 0; k < CLASSES; k++)
            p[i * CLASSES + k] = k == answer ? 0.8f : 0.1f;
    }
    for (int i = 0; i < EPOCHS; i++)
        f->history[i] = (qn_epoch_row){i + 1,         0.1, 1.0 / (i + 1), 0.5,
                                       i ? 0.5 : NAN, NAN, 1000,          1.5};
    f->mistakes[0] = (qn_mistake){&f->image, "dir/<file>.png", 0, 1, 0.8};
    f->mistakes[1] = (qn_mistake){NULL, NULL, 1, 2, 0.8};
    f->report = (qn_train_report){.title = "a <net>",
                                  .summary = "One sentence.",
                                  .history = f->history,
                                  .n_history = EPOCHS,
                                  .best_epoch = 3,
                                  .split = "test",
                                  .metrics = &f->metrics,
                                  .classes = classes,
                                  .temperature = 1.25,
                                  .tempered_ece = 0.01,
                                  .mistakes = f->mistakes,
                                  .n_mistakes = 2,
                                  .facts = facts,
                                  .n_facts = 1};
    return CHECK_OK(t, qn_metrics_compute(&in, &opt, &f->arena, &f->metrics, &err),
                    &err);
}

static void end(qn_test *t, fixture *f)
{
    qn_arena_done(&f->arena);
    CHECK_EQ(t, f->mem.used, 0);
}

static const char *written(qn_test *t, const char *folder, const char *name, size_t *n)
{
    char path[QN_PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    const char *bytes = qn_get_file(t, path, n);
    if (!bytes) CHECK_STR(t, path, "a file that is there");
    return bytes ? bytes : "";
}

void test_train_report_files(qn_test *t)
{
    static const char *const files[] = {
        "curves.png",    "curves.svg",      "confusion.png",
        "confusion.svg", "reliability.png", "reliability.svg",
        "mistakes.png",  "report.html",     "MODEL_CARD.md"};
    fixture f;
    quern_error err = {0}, why = {0};
    char path[QN_PATH_MAX];
    if (!begin(t, &f)) return;
    const char *one = qn_temp(t, "one/run"), *two = qn_temp(t, "two");
    CHECK_OK(t, qn_train_report_write(&f.report, one, &f.mem, &why, &err), &err);
    CHECK_OK(t, qn_train_report_write(&f.report, two, &f.mem, NULL, &err), &err);
    check_page(t, written(t, one, "report.html", NULL));
    if (qn_plugin_find("draw", path)) {
        CHECK_EQ(t, why.status, QUERN_OK);
        for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
            size_t n = 0, again = 0;
            const char *a = written(t, one, files[i], &n);
            const char *b = written(t, two, files[i], &again);
            qn_note(t, "%s", files[i]);
            CHECK(t, n > 100 && n == again && memcmp(a, b, n) == 0);
        }
    } else {
        CHECK_EQ(t, why.status, QUERN_UNSUPPORTED);
    }
    end(t, &f);
}

void test_train_report_page(qn_test *t)
{
    fixture f;
    quern_error err = {0};
    qn_buf page;
    if (!begin(t, &f)) return;
    qn_buf_init(&page, &f.mem);
    REQUIRE_OK(t, qn_report_html(&f.report, "no pen", &f.arena, &page, &err), &err);
    check_page(t, page.p);
    CHECK_HAS(t, page.p, "There are no charts: no pen.");
    CHECK(t, !strstr(page.p, "<svg"));
    CHECK_HAS(t, page.p, "<dd>90.00 %</dd>");
    CHECK_HAS(t, page.p, "a|b &lt;i&gt;dog&lt;/i&gt;");
    CHECK_HAS(t, page.p, "dir/&lt;file&gt;.png");
    CHECK_HAS(t, page.p,
              "A temperature of 1.250 was fitted on the validation split. With it ");
    CHECK(t, !strstr(page.p, "nan"));
    qn_buf_clear(&page);
    f.report = (qn_train_report){.title = "nothing", .temperature = NAN};
    REQUIRE_OK(t, qn_report_html(&f.report, NULL, &f.arena, &page, &err), &err);
    check_page(t, page.p);
    qn_buf_done(&page);
    end(t, &f);
}

void test_model_card(qn_test *t)
{
    fixture f;
    quern_error err = {0};
    qn_buf card;
    if (!begin(t, &f)) return;
    qn_buf_init(&card, &f.mem);
    REQUIRE_OK(t, qn_report_card(&f.report, &f.arena, &card, &err), &err);
    CHECK_HAS(t, card.p, "# a \\<net\\>\n");
    CHECK_HAS(t, card.p, "| accuracy | 90.00 % | 8");
    CHECK_HAS(t, card.p, "| a\\|b \\<i\\>dog\\</i\\> | 20 | ");
    CHECK_HAS(t, card.p, "| note | a \\| b \\<c\\> |\n");
    qn_buf_done(&card);
    end(t, &f);
}

void test_report_pdf(qn_test *t)
{
    fixture f;
    quern_error err = {0};
    qn_buf one, two;
    char path[QN_PATH_MAX], command[512];
    const char *out = "";
    if (!qn_plugin_find("draw", path)) {
        qn_skip(t, "quern-draw.so is not built: libcairo2-dev is missing");
        return;
    }
    if (!begin(t, &f)) return;
    qn_buf_init(&one, &f.mem);
    qn_buf_init(&two, &f.mem);
    REQUIRE_OK(t, qn_report_pdf(&f.report, &f.arena, &one, &err), &err);
    REQUIRE_OK(t, qn_report_pdf(&f.report, &f.arena, &two, &err), &err);
    CHECK(t, one.n == two.n && memcmp(one.p, two.p, one.n) == 0);
    CHECK(t, strncmp(one.p, "%PDF-", 5) == 0);
    if (qn_shell(t, "command -v pdftotext", NULL) == 0) {
        qn_put_file(t, qn_temp(t, "r.pdf"), one.p, one.n);
        snprintf(command, sizeof command, "pdftotext -layout '%s' - | tr -s ' '",
                 qn_temp(t, "r.pdf"));
        CHECK_EQ(t, qn_shell(t, command, &out), 0);
        CHECK_HAS(t, out, "a <net>\n");
        CHECK_HAS(t, out, "\naccuracy 90.00 % 8");
        CHECK_HAS(t, out, "a|b <i>dog</i> 20 90.00 % 90.00 % 90.00 %");
        CHECK_HAS(t, out, "\xce\xb3\xce\xac\xcf\x84 20 ");
        CHECK_HAS(t, out, "not a medical device");
    }
    qn_buf_done(&one);
    qn_buf_done(&two);
    end(t, &f);
}
