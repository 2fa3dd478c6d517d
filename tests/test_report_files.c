/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_report_files.c - the report of one run as JSON, CSV, HTML and PDF, read
 * back: what is a number in the first is the same number in the others, as exactly as
 * they print it, and each file is the same bytes when it is made again.
 *
 * JSON is read by our parser, CSV by our reader; of pages it is the text of the tables
 * that is read, a line per row: for PDF pdftotext finds it. */
#include "engine/metrics.h"
#include "engine/text.h"
#include "formats/csv_read.h"
#include "formats/json_tree.h"
#include "formats/plugin.h"
#include "tests/train_kit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct files {
    qn_mem mem;
    qn_arena arena;
    const qn_tree *json;
    char *csv;
    const char *page[2]; /* the text of HTML and PDF, a line per row; NULL: not read */
    int n_csv, n_page;   /* numbers compared */
} files;

/* ---- CSV ------------------------------------------------------------------------- */

/* The value of "part,row,column,"; NaN when there is none. */
static double csv_value(const files *f, const char *part, const char *row,
                        const char *column)
{
    char start[256];
    double v = NAN;
    snprintf(start, sizeof start, "\n%s,%s,%s,", part, row, column);
    const char *at = strstr(f->csv, start);
    if (!at) return NAN;
    at += strlen(start);
    return qn_text_to_real(at, strcspn(at, "\r\n"), &v) ? v : NAN;
}

static void check_csv(qn_test *t, files *f, const char *part, const char *row,
                      const char *column, double want)
{
    qn_note(t, "csv: %s, %s, %s", part, row, column);
    CHECK_WITHIN(t, csv_value(f, part, row, column), want, 0);
    f->n_csv++;
}

/* ---- pages ----------------------------------------------------------------------- */

/* Replaces HTML's escapes, in place. */
static void unescape(char *text)
{
    static const char *const all[] = {"&amp;", "&",     "&lt;", "<",      "&gt;",
                                      ">",     "&#39;", "'",    "&quot;", "\""};
    for (int i = 0; i < 10; i += 2)
        for (char *at = text; (at = strstr(at, all[i])); at++) {
            *at = *all[i + 1];
            memmove(at + 1, at + strlen(all[i]), strlen(at + strlen(all[i])) + 1);
        }
}

/* A page without its marks: rows are lines, cells have a blank between them. */
static char *text_of_page(qn_test *t, const char *html)
{
    char *text = qn_exact(t, strlen(html) + 2), *to = text;
    while (*html) {
        if (*html != '<') {
            *to++ = *html++;
            continue;
        }
        *to++ = !strncmp(html, "<tr", 3) || !strncmp(html, "</tr", 4) ? '\n' : ' ';
        html += strcspn(html, ">");
        html += *html == '>';
    }
    *to = 0;
    unescape(text);
    return text;
}

/* Skips to the words of `label` at the start of a line, whatever blanks stand between
 * them; what is behind it, or NULL. */
static const char *find_row(const char *text, const char *label)
{
    for (; text; text = strchr(text, '\n')) {
        const char *at = text + strspn(text, " \n\f"), *word = label;
        for (; *word; word++, at++) {
            if (*word != *at) break;
            if (*word == ' ') at += strspn(at, " ") - 1;
        }
        if (!*word && *at == ' ') return at;
        text += *text == '\n';
    }
    return NULL;
}

/* The next number of a line: its value, and half of its last digit.  A share is written
 * in percent. */
static bool next_number(const char **line, double *value, double *half)
{
    const char *p = *line + strcspn(*line, "-0123456789\n");
    if (*p == '\n' || !*p) return false;
    const size_t n = 1 + strspn(p + 1, "0123456789.");
    const char *point = memchr(p, '.', n);
    const int decimals = point ? (int)(p + n - point) - 1 : 0;
    if (!qn_text_to_real(p, n, value)) return false;
    *half = 0.5 * pow(10, -decimals);
    p += n;
    if (p[strspn(p, " ")] == '%') {
        *value /= 100;
        *half /= 100;
    }
    *line = p;
    return true;
}

/* The row with that label and as many numbers; axes of charts have such labels, too. */
static const char *find_numbers(const char *text, const char *label, int n)
{
    const char *row = find_row(text, label);
    for (; row; row = find_row(strchr(row, '\n'), label)) {
        const char *line = row;
        double v, half;
        int found = 0;
        while (next_number(&line, &v, &half))
            found++;
        if (found == n) break;
        if (!strchr(row, '\n')) return NULL;
    }
    return row;
}

/* The numbers of a row, in order; NaN stands for none. */
static void check_row(qn_test *t, files *f, const char *label, const double *want,
                      int n)
{
    int n_there = 0;
    for (int i = 0; i < n; i++)
        n_there += !isnan(want[i]);
    for (int k = 0; k < 2; k++) {
        double v = NAN, half = 0;
        qn_note(t, "%s: %s", k ? "pdf" : "html", label);
        if (!f->page[k]) continue;
        const char *line = find_numbers(f->page[k], label, n_there);
        if (!CHECK(t, line != NULL)) continue;
        for (int i = 0; i < n; i++) {
            if (isnan(want[i])) continue;
            CHECK(t, next_number(&line, &v, &half));
            CHECK_WITHIN(t, v, want[i], half * (1 + 1e-9));
            f->n_page++;
        }
    }
}

/* ---- what a report has ---- */

static void check_figures(qn_test *t, files *f)
{
    const qn_tree *report = qn_tree_get(f->json, "report"),
                  *all = qn_tree_get(report, "intervals");
    for (int i = 0; i < QN_N_FIGURES; i++) {
        const qn_figure_row *row = qn_figure_at((qn_figure)i);
        const qn_tree *two = qn_tree_get(all, row->key);
        double want[3] = {qn_tree_real(report, row->key), NAN, NAN};
        if (isnan(want[0])) continue;
        check_csv(t, f, "figures", row->key, "value", want[0]);
        if (two && two->first) {
            want[1] = two->first->number;
            want[2] = two->first->next->number;
            check_csv(t, f, "figures", row->key, "lo", want[1]);
            check_csv(t, f, "figures", row->key, "hi", want[2]);
        }
        check_row(t, f, row->title, want, 3);
    }
}

static void check_history(qn_test *t, files *f)
{
    static const char *const keys[] = {"train_loss", "train_acc", "val_loss",
                                       "val_acc",    "lr",        "images_per_s",
                                       "seconds"};
    double want[7];
    char epoch[16];
    const qn_tree *row = qn_tree_get(f->json, "history");
    for (row = row ? row->first : NULL; row; row = row->next) {
        snprintf(epoch, sizeof epoch, "%g", qn_tree_real(row, "epoch"));
        for (int k = 0; k < 7; k++) {
            want[k] = qn_tree_real(row, keys[k]);
            check_csv(t, f, "history", epoch, keys[k], want[k]);
        }
        check_row(t, f, epoch, want, 7);
    }
}

static void check_classes(qn_test *t, files *f)
{
    static const char *const keys[] = {"n", "precision", "recall", "f1", "roc_auc"};
    const qn_tree *report = qn_tree_get(f->json, "report"),
                  *matrix = qn_tree_get(report, "confusion");
    const qn_tree *class = qn_tree_get(report, "classes");
    REQUIRE(t, class && matrix);
    const qn_tree *counts = matrix->first;
    for (const qn_tree *c = class->first; c; c = c->next, counts = counts->next) {
        const char *name = qn_tree_text(c, "name", "");
        double want[5];
        char label[64];
        for (int k = 0; k < 5; k++) {
            want[k] = qn_tree_real(c, keys[k]);
            check_csv(t, f, "classes", name, keys[k], want[k]);
        }
        snprintf(label, sizeof label, "%s %g", name, want[0]); /* of the table */
        check_row(t, f, label, want + 1, 4);
        const qn_tree *to = class->first;
        for (const qn_tree *n = counts->first; n; n = n->next, to = to->next)
            check_csv(t, f, "confusion", name, qn_tree_text(to, "name", ""), n->number);
    }
}

/* ---- the run --------------------------------------------------------------------- */

static const char *const kinds[] = {"json", "csv", "html", "pdf"};

/* All four, by two processes that differ in place, time and language; false: no PDF. */
static bool make_reports(qn_test *t, bool has_pdf)
{
    static const char *const ways[] = {"TZ=UTC LC_ALL=C",
                                       "TZ=Asia/Tokyo LC_ALL=C.UTF-8"};
    char command[2 * QN_PATH_MAX], build[QN_PATH_MAX];
    const char *out = "";
    if (!CHECK(t, qn_path_resolve(qn_build(t), build, NULL) == QUERN_OK)) return false;
    for (int i = 0; i < 2; i++) {
        snprintf(command, sizeof command,
                 "cd '%s' && mkdir %d && cd %d && %s '%s/quern' report ../run "
                 "-o r.json -o r.csv -o r.html %s && cd .. && sleep 1.1",
                 qn_temp(t, ""), i, i, ways[i], build, has_pdf ? "-o r.pdf" : "");
        if (!CHECK_EQ(t, qn_shell(t, command, &out), 0)) return false;
    }
    return true;
}

static char *get_report(qn_test *t, int i, const char *kind, size_t *n)
{
    char name[32];
    snprintf(name, sizeof name, "%d/r.%s", i, kind);
    return qn_get_file(t, qn_temp(t, name), n);
}

static void check_same_bytes(qn_test *t, bool has_pdf)
{
    for (int k = 0; k < 3 + has_pdf; k++) {
        size_t n[2] = {0, 0};
        qn_note(t, "%s, made again", kinds[k]);
        const char *a = get_report(t, 0, kinds[k], &n[0]);
        const char *b = get_report(t, 1, kinds[k], &n[1]);
        CHECK(t, a && b && n[0] > 500 && n[0] == n[1] && !memcmp(a, b, n[0]));
    }
}

static bool read_reports(qn_test *t, files *f, bool has_pdf)
{
    quern_error err = {0};
    size_t n = 0;
    char command[1024];
    const char *text = get_report(t, 0, "json", &n);
    const char *html = get_report(t, 0, "html", NULL);
    f->csv = get_report(t, 0, "csv", NULL);
    if (!CHECK(t, text && html && f->csv)) return false;
    f->page[0] = text_of_page(t, html);
    if (has_pdf && qn_shell(t, "command -v pdftotext", NULL) == 0) {
        snprintf(command, sizeof command, "pdftotext -layout '%s' -",
                 qn_temp(t, "0/r.pdf"));
        CHECK_EQ(t, qn_shell(t, command, &f->page[1]), 0);
    }
    return CHECK_OK(t, qn_tree_parse(&f->arena, text, n, &f->json, &err), &err);
}

void test_report_same_numbers(qn_test *t)
{
    files f = {0};
    char path[QN_PATH_MAX];
    const bool has_pdf = qn_plugin_find("draw", path);
    qn_train_kit_data(t);
    REQUIRE(t, qn_train_kit_run(t, "run", "--epochs 2 --quiet", NULL) == 0);
    REQUIRE(t, make_reports(t, has_pdf));
    check_same_bytes(t, has_pdf);
    qn_mem_init(&f.mem, NULL, 0);
    qn_arena_init(&f.arena, &f.mem);
    if (read_reports(t, &f, has_pdf)) {
        check_history(t, &f);
        check_figures(t, &f);
        check_classes(t, &f);
        qn_note(t, "numbers compared");
        CHECK(t, f.n_csv > 80);
        CHECK(t, f.n_page > 60 * (f.page[1] ? 2 : 1));
        /* a reader that takes anything would not see this */
        CHECK(t, isnan(csv_value(&f, "figures", "top1", "nothing")));
        CHECK(t, !find_row(f.page[0], "acuracy"));
        if (!f.page[1]) qn_skip(t, "the text of the PDF was not read: no pdftotext");
    }
    qn_arena_done(&f.arena);
}
