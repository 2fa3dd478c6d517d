/* SPDX-License-Identifier: Apache-2.0 */
/* tools/flow.c - see flow.h. */
#include "tools/flow.h"

#include "tools/chart_plot.h"

#include <stdio.h>
#include <string.h>

#define MARGIN    48.0
#define BOTTOM    (QN_A4_HEIGHT - 60.0) /* nothing but the footer below */
#define TEXT_SIZE 9.0
#define LINE      13.0
#define GUTTER    12.0 /* between columns */
#define COLUMNS   16

static void put_footer(qn_flow *f)
{
    char number[16];
    snprintf(number, sizeof number, "%d", f->page);
    const double y = QN_A4_HEIGHT - 34;
    const qn_label text = {
        .text = f->footer, .x = MARGIN, .y = y, .size = 7.5, .colour = QN_SOFT_INK};
    qn_label page = text;
    page.text = number;
    page.x = QN_A4_WIDTH - MARGIN;
    page.h = 1;
    qn_put_fitted(f->c, text, QN_FLOW_WIDTH - 40);
    qn_draw_text(f->c, &page);
}

void qn_flow_begin(qn_flow *f, qn_canvas *c, const char *footer)
{
    *f = (qn_flow){c, footer, MARGIN, 1};
    put_footer(f);
}

void qn_flow_end(qn_flow *f)
{
    f->c = NULL;
}

/* Room for so much, on a new page if need be; true: it is a new one. */
static bool need(qn_flow *f, double height)
{
    if (f->y + height <= BOTTOM || f->y == MARGIN) return false;
    qn_draw_next_page(f->c);
    f->page++;
    f->y = MARGIN;
    put_footer(f);
    return true;
}

void qn_flow_title(qn_flow *f, const char *title, const char *subtitle)
{
    const qn_label label = {.text = title,
                            .x = MARGIN,
                            .y = f->y,
                            .v = 1,
                            .size = 20,
                            .bold = true,
                            .colour = QN_INK};
    qn_put_fitted(f->c, label, QN_FLOW_WIDTH);
    f->y += 28;
    if (subtitle) qn_flow_text(f, subtitle);
}

void qn_flow_section(qn_flow *f, const char *title, double keep)
{
    need(f, 40 + fmax(keep, 50)); /* a heading does not end a page */
    if (f->y > MARGIN) f->y += 12;
    const qn_label label = {.text = title,
                            .x = MARGIN,
                            .y = f->y,
                            .v = 1,
                            .size = 13,
                            .bold = true,
                            .colour = QN_INK};
    qn_put_fitted(f->c, label, QN_FLOW_WIDTH);
    f->y += 15;
    qn_draw_line(f->c, MARGIN, f->y, QN_A4_WIDTH - MARGIN, f->y,
                 &(qn_pen){0, QN_FRAME_INK, 0.6, 0});
    f->y += 9;
}

static void put_line(qn_flow *f, const char *text)
{
    const qn_label label = {.text = text,
                            .x = MARGIN,
                            .y = f->y,
                            .v = 1,
                            .size = TEXT_SIZE,
                            .colour = QN_INK};
    need(f, LINE);
    qn_put_fitted(f->c, label, QN_FLOW_WIDTH);
    f->y += LINE;
}

void qn_flow_text(qn_flow *f, const char *text)
{
    char line[512] = "", longer[512];
    while (*text) {
        const size_t word = strcspn(text, " \n"), gap = strspn(text + word, " \n");
        snprintf(longer, sizeof longer, "%.400s%s%.*s", line, *line ? " " : "",
                 (int)(word < 100 ? word : 100), text);
        if (*line &&
            qn_draw_text_width(f->c, longer, TEXT_SIZE, false) > QN_FLOW_WIDTH) {
            put_line(f, line);
            line[0] = 0;
            continue;
        }
        memcpy(line, longer, sizeof line);
        text += word + gap;
    }
    if (*line) put_line(f, line);
    f->y += 5;
}

void qn_flow_chart(qn_flow *f, const qn_chart *chart)
{
    const double scale = fmin(
        1, fmin(QN_FLOW_WIDTH / chart->width, (BOTTOM - MARGIN - 40) / chart->height));
    const double width = scale * chart->width, height = scale * chart->height;
    need(f, height);
    chart->draw(f->c,
                &(qn_box){MARGIN + (QN_FLOW_WIDTH - width) / 2, f->y, width, height},
                chart->data);
    f->y += height + 6;
}

/* ---- tables ---- */

typedef struct table {
    const char *align;
    size_t n; /* columns */
    double width[COLUMNS];
} table;

static double total(const table *t)
{
    double sum = 0;
    for (size_t k = 0; k < t->n; k++)
        sum += t->width[k] + (k ? GUTTER : 0);
    return sum;
}

static void widen(qn_flow *f, table *t, const char *const *row, bool bold)
{
    for (size_t k = 0; k < t->n; k++)
        t->width[k] =
            fmax(t->width[k], qn_draw_text_width(f->c, row[k], TEXT_SIZE - 0.5, bold));
}

/* The widest columns give way until all fit. */
static void shrink(table *t)
{
    for (int i = 0; i < 1000 && total(t) > QN_FLOW_WIDTH; i++) {
        size_t widest = 0;
        for (size_t k = 1; k < t->n; k++)
            if (t->width[k] > t->width[widest]) widest = k;
        t->width[widest] -= fmin(4, total(t) - QN_FLOW_WIDTH);
    }
}

static void put_row(qn_flow *f, const table *t, const char *const *row, bool is_head)
{
    double x = MARGIN;
    for (size_t k = 0; k < t->n; k++) {
        const bool right = t->align[k] == 'r';
        const qn_label label = {.text = row[k],
                                .x = right ? x + t->width[k] : x,
                                .y = f->y + 2,
                                .h = right,
                                .v = 1,
                                .size = TEXT_SIZE - 0.5,
                                .colour = is_head ? QN_SOFT_INK : QN_INK};
        qn_put_fitted(f->c, label, t->width[k] + 0.1);
        x += t->width[k] + GUTTER;
    }
    f->y += LINE;
    qn_draw_line(f->c, MARGIN, f->y - 2, MARGIN + total(t), f->y - 2,
                 &(qn_pen){0, is_head ? QN_FRAME_INK : QN_GRID_INK, 0.5, 0});
}

void qn_flow_table(qn_flow *f, const char *align, const char *const *headings,
                   const char *const *cells, size_t n_rows)
{
    table t = {.align = align, .n = strlen(align)};
    if (n_rows == 0 || t.n > COLUMNS) return;
    widen(f, &t, headings, false);
    for (size_t i = 0; i < n_rows; i++)
        widen(f, &t, cells + i * t.n, false);
    shrink(&t);
    need(f, 3 * LINE);
    put_row(f, &t, headings, true);
    for (size_t i = 0; i < n_rows; i++) {
        if (need(f, LINE)) put_row(f, &t, headings, true);
        put_row(f, &t, cells + i * t.n, false);
    }
    f->y += 6;
}
