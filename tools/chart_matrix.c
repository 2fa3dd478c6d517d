/* SPDX-License-Identifier: Apache-2.0 */
/* tools/chart_matrix.c - a confusion matrix: blue where truth and prediction agree,
 * orange where not, each by its share of the row; the orange grows with the root, so
 * that one mistake in a hundred can be seen. */
#include "tools/chart_plot.h"

#include <inttypes.h>
#include <stdio.h>

#define RIGHT  0x08519cffu
#define WRONG  0xc04a00ffu
#define PALE   0xffffffffu
#define NAMED  120 /* classes; with more of them names would be dust */
#define LEGEND 52.0

typedef struct matrix {
    const qn_matrix_chart *chart;
    double x, y, cell;  /* of the upper left corner; side of a cell */
    double left, below; /* room for names */
    double name_size;
    double turn; /* of names of columns */
} matrix;

static double cell_side(size_t n)
{
    return n <= 6       ? 46
           : n <= 12    ? 36
           : n <= 30    ? 22
           : n <= 60    ? 12
           : n <= NAMED ? 9
                        : 0;
}

static double name_size(size_t n)
{
    const double cell = cell_side(n);
    return cell > 20 ? QN_NAME_SIZE : cell > 10 ? 8 : 6.5;
}

/* Characters, up to what is shown of a name. */
static size_t letters_of(const char *name)
{
    enum { MOST = 24 };
    size_t n = 0;
    for (; *name && n < MOST; name++)
        n += ((unsigned char)*name & 0xC0) != 0x80;
    return n;
}

/* Room for the longest name, without a canvas to measure it: names are cut to fit. */
static double name_room(const qn_matrix_chart *chart)
{
    size_t longest = 3;
    for (size_t i = 0; chart->names && i < chart->n; i++) {
        const size_t n = letters_of(chart->names[i]);
        longest = n > longest ? n : longest;
    }
    return chart->n > NAMED ? 10 : 0.62 * name_size(chart->n) * (double)longest + 8;
}

/* How names of columns stand, in degrees: level where all are shorter than a cell. */
static double turn_of(const qn_matrix_chart *chart)
{
    if (name_room(chart) - 8 <= cell_side(chart->n) - 3) return 0;
    return chart->n > 12 ? -90 : -45;
}

/* Room below the matrix for these names. */
static double room_below(const qn_matrix_chart *chart)
{
    const double room = name_room(chart) - 8, turn = turn_of(chart);
    return turn == 0 ? name_size(chart->n) + 2 : turn == -90 ? room : 0.75 * room + 8;
}

qn_box qn_matrix_chart_size(const qn_matrix_chart *chart)
{
    const double n = (double)(chart->n ? chart->n : 1);
    const double side = chart->n > NAMED ? 640 : n * cell_side(chart->n);
    const double room = name_room(chart), title = 20 + QN_TITLE_SIZE + 7;
    const double below = room_below(chart) + 8;
    return (qn_box){0, 0, fmax(300, side + room + QN_NAME_SIZE + 28 + LEGEND),
                    fmax(200, side + below + title + QN_NAME_SIZE + 8)};
}

static int64_t row_sum(const qn_matrix_chart *m, size_t row)
{
    int64_t sum = 0;
    for (size_t k = 0; k < m->n; k++)
        sum += m->counts[row * m->n + k];
    return sum;
}

static qn_colour colour_of(double share, bool is_right)
{
    return is_right ? qn_mixed(PALE, RIGHT, share) : qn_mixed(PALE, WRONG, sqrt(share));
}

static void put_count(qn_canvas *c, const matrix *m, const qn_label *at, int64_t count)
{
    char text[32];
    qn_label label = *at;
    snprintf(text, sizeof text, "%" PRId64, count);
    label.text = text;
    const double width = qn_draw_text_width(c, text, label.size, false);
    const double most = m->cell - 3;
    if (width > most) label.size *= most / width;
    if (label.size >= 4.5) qn_draw_text(c, &label);
}

static void put_row(qn_canvas *c, const matrix *m, size_t row)
{
    const size_t n = m->chart->n;
    const int64_t sum = row_sum(m->chart, row);
    const double y = m->y + (double)row * m->cell;
    for (size_t k = 0; k < n; k++) {
        const int64_t count = m->chart->counts[row * n + k];
        if (count <= 0) continue;
        const double x = m->x + (double)k * m->cell;
        const qn_colour fill = colour_of((double)count / (double)sum, k == row);
        qn_draw_box(c, &(qn_box){x, y, m->cell, m->cell}, &(qn_pen){fill, 0, 0, 0});
        const qn_label label = {.x = x + m->cell / 2,
                                .y = y + m->cell / 2,
                                .h = 0.5,
                                .v = 0.5,
                                .size = fmin(QN_NAME_SIZE, 0.42 * m->cell),
                                .colour = qn_is_dark(fill) ? QN_WHITE : QN_INK};
        if (m->cell >= 11) put_count(c, m, &label, count);
    }
}

/* With very many classes a cell is a pixel or so: one picture of n x n. */
static void put_pixels(qn_canvas *c, const matrix *m)
{
    const size_t n = m->chart->n;
    uint8_t *rgb = qn_draw_room(c, n * n, 3), *at = rgb;
    if (!rgb || n > 16384) return;
    for (size_t row = 0; row < n; row++) {
        const double sum = fmax(1, (double)row_sum(m->chart, row));
        for (size_t k = 0; k < n; k++) {
            const qn_colour pixel =
                colour_of((double)m->chart->counts[row * n + k] / sum, k == row);
            *at++ = (uint8_t)(pixel >> 24);
            *at++ = (uint8_t)(pixel >> 16);
            *at++ = (uint8_t)(pixel >> 8);
        }
    }
    const double side = m->cell * (double)n;
    qn_draw_picture(c, &(qn_picture){(int)n, (int)n, rgb},
                    &(qn_box){m->x, m->y, side, side});
}

static void put_grid(qn_canvas *c, const matrix *m)
{
    const double side = m->cell * (double)m->chart->n;
    const qn_pen line = {0, QN_GRID_INK, m->cell > 16 ? 0.8 : 0.4, 0};
    for (size_t i = 1; i < m->chart->n && m->cell >= 5; i++) {
        const double at = m->cell * (double)i;
        qn_draw_line(c, m->x + at, m->y, m->x + at, m->y + side, &line);
        qn_draw_line(c, m->x, m->y + at, m->x + side, m->y + at, &line);
    }
    qn_draw_box(c, &(qn_box){m->x, m->y, side, side},
                &(qn_pen){0, QN_FRAME_INK, 0.8, 0});
}

static void put_names(qn_canvas *c, const matrix *m)
{
    const double bottom = m->y + m->cell * (double)m->chart->n + 4;
    if (!m->chart->names || m->cell < 5) return;
    for (size_t i = 0; i < m->chart->n; i++) {
        const double at = m->cell * ((double)i + 0.5);
        qn_label row = {.text = m->chart->names[i],
                        .x = m->x - 4,
                        .y = m->y + at,
                        .h = 1,
                        .v = 0.5,
                        .size = m->name_size,
                        .colour = QN_INK};
        qn_label column = row;
        qn_put_fitted(c, row, m->left);
        column.x = m->x + at + (m->turn == -45 ? m->name_size / 4 : 0);
        column.y = bottom;
        column.h = m->turn == 0 ? 0.5 : 1;
        column.v = m->turn == -90 ? 0.5 : 1;
        column.turn = m->turn;
        qn_put_fitted(c, column,
                      m->turn == 0     ? m->cell
                      : m->turn == -90 ? m->below
                                       : 1.33 * m->below - 4);
    }
}

/* A strip from 0 to 100 % of a row, in steps that show the colours' growth. */
static void put_strip(qn_canvas *c, double x, double y, bool is_right)
{
    enum { STEPS = 25 };
    const double height = 90, ticks[] = {0, is_right ? 0.5 : 0.1, 1};
    const qn_label name = {.text = is_right ? "right" : "wrong",
                           .x = x,
                           .y = y - 5,
                           .size = QN_TICK_SIZE,
                           .colour = QN_INK};
    qn_draw_text(c, &name);
    for (int i = 0; i < STEPS; i++) {
        const double part = (i + 0.5) / STEPS, share = is_right ? part : part * part;
        const qn_pen pen = {colour_of(share, is_right), 0, 0, 0};
        const double step = height / STEPS;
        qn_draw_box(c, &(qn_box){x, y + height - (i + 1) * step, 9, step + 0.2}, &pen);
    }
    qn_draw_box(c, &(qn_box){x, y, 9, height}, &(qn_pen){0, QN_FRAME_INK, 0.6, 0});
    for (int i = 0; i < 3; i++) {
        char text[16];
        const double part = is_right ? ticks[i] : sqrt(ticks[i]);
        snprintf(text, sizeof text, "%.0f%%", 100 * ticks[i]);
        const qn_label tick = {.text = text,
                               .x = x + 12,
                               .y = y + height * (1 - part),
                               .v = 0.5,
                               .size = 7,
                               .colour = QN_SOFT_INK};
        qn_draw_text(c, &tick);
    }
}

static void put_sides(qn_canvas *c, const qn_plot *p, const matrix *m)
{
    const double side = m->cell * (double)m->chart->n;
    const qn_label truth = {.text = "truth",
                            .x = p->all.x,
                            .y = m->y + side / 2,
                            .h = 0.5,
                            .v = 1,
                            .size = QN_NAME_SIZE,
                            .turn = -90,
                            .bold = true,
                            .colour = QN_SOFT_INK};
    qn_label predicted = truth;
    predicted.text = "predicted";
    predicted.x = m->x + side / 2;
    predicted.y = p->all.y + p->all.height;
    predicted.v = predicted.turn = 0;
    qn_draw_text(c, &truth);
    qn_draw_text(c, &predicted);
    const double x = p->all.x + p->all.width - LEGEND + 16;
    put_strip(c, x, m->y + 10, true);
    if (side >= 230) put_strip(c, x, m->y + 130, false);
}

void qn_chart_matrix(qn_canvas *c, const qn_box *where, const void *data)
{
    const qn_matrix_chart *chart = data;
    const size_t n = chart->n;
    matrix m = {.chart = chart, .name_size = name_size(n), .turn = turn_of(chart)};
    qn_plot p;
    qn_plot_begin(c, &p, where, chart->title);
    m.left = name_room(chart) - 8;
    m.below = room_below(chart);
    m.x = p.area.x + QN_NAME_SIZE + 4 + m.left + 4;
    m.y = p.area.y;
    const double wide = p.area.x + p.area.width - LEGEND - m.x;
    const double high = p.area.height - m.below - QN_NAME_SIZE - 8;
    if (n == 0 || wide <= 0 || high <= 0) return;
    m.cell = fmin(wide, high) / (double)n;
    m.name_size = fmin(m.name_size, 0.85 * m.cell); /* a box smaller than asked for */
    if (n > NAMED)
        put_pixels(c, &m);
    else
        for (size_t row = 0; row < n; row++)
            put_row(c, &m, row);
    if (n <= NAMED) put_names(c, &m);
    put_grid(c, &m);
    put_sides(c, &p, &m);
}
