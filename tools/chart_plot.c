/* SPDX-License-Identifier: Apache-2.0 */
/* tools/chart_plot.c - see chart_plot.h.  Margins follow from the width of the text
 * that stands in them, so nothing overlaps; grid lines are light, the data is not. */
#include "tools/chart_plot.h"

#include "engine/utf8.h"

#include <stdio.h>
#include <string.h>

#define PAD   10.0 /* around everything */
#define GAP   4.0  /* between text and what it belongs to */
#define SLACK 6.0  /* right of the area, for half of the last tick's text */

/* ---- theme ---- */

qn_colour qn_palette(int i)
{
    static const qn_colour colours[] = {0x0072b2ff, 0xd55e00ff, 0x009e73ff, 0xe69f00ff,
                                        0xcc79a7ff, 0x56b4e9ff, 0x000000ff, 0xf0e442ff};
    return colours[(unsigned)i % (sizeof colours / sizeof colours[0])];
}

qn_colour qn_faded(qn_colour c, int alpha)
{
    return (c & 0xffffff00u) | (qn_colour)alpha;
}

qn_colour qn_mixed(qn_colour a, qn_colour b, double part)
{
    qn_colour mixed = 0;
    const double t = part > 0 ? fmin(part, 1) : 0;
    for (int shift = 0; shift < 32; shift += 8) {
        const double from = a >> shift & 255, to = b >> shift & 255;
        mixed |= (qn_colour)lround(from + t * (to - from)) << shift;
    }
    return mixed;
}

bool qn_is_dark(qn_colour c)
{
    return 0.299 * (c >> 24) + 0.587 * (c >> 16 & 255) + 0.114 * (c >> 8 & 255) < 140;
}

const char *qn_fit_text(qn_canvas *c, const qn_label *label, double width,
                        char text[QN_FIT_TEXT])
{
    static const char dots[] = "\xe2\x80\xa6";
    size_t n = (size_t)snprintf(text, QN_FIT_TEXT, "%s", label->text);
    bool is_cut = n >= QN_FIT_TEXT - sizeof dots;
    if (is_cut) n = QN_FIT_TEXT - sizeof dots;
    text[n] = 0;
    while (n > 0 &&
           (is_cut || qn_draw_text_width(c, text, label->size, label->bold) > width)) {
        do /* back to where a character begins */
            n--;
        while (n > 0 && ((unsigned char)label->text[n] & 0xC0) == 0x80);
        memcpy(text + n, dots, sizeof dots);
        is_cut = false;
    }
    return text;
}

void qn_put_fitted(qn_canvas *c, qn_label label, double width)
{
    label.text = QN_FIT(c, &label, width);
    qn_draw_text(c, &label);
}

/* ---- title and legend ---- */

void qn_plot_begin(qn_canvas *c, qn_plot *p, const qn_box *where, const char *title)
{
    p->all = p->area = (qn_box){where->x + PAD, where->y + PAD, where->width - 2 * PAD,
                                where->height - 2 * PAD};
    if (!title) return;
    const qn_label label = {.text = title,
                            .x = p->all.x,
                            .y = p->all.y,
                            .v = 1,
                            .size = QN_TITLE_SIZE,
                            .bold = true,
                            .colour = QN_INK};
    qn_put_fitted(c, label, p->all.width);
    p->area.y += QN_TITLE_SIZE + 7;
    p->area.height -= QN_TITLE_SIZE + 7;
}

#define KEY_WIDTH 18.0
#define KEY_GAP   14.0

static void put_key(qn_canvas *c, const qn_key *key, double x, double y)
{
    const qn_colour colour = qn_palette(key->colour);
    const qn_pen line = {0, colour, 2, key->is_dashed ? 3 : 0};
    const qn_pen fill = {colour, 0, 0, 0};
    if (key->is_box)
        qn_draw_box(c, &(qn_box){x + 4, y - 4, 9, 8}, &fill);
    else if (key->is_dots)
        qn_draw_circle(c, x + KEY_WIDTH / 2 - 1, y, 3, &fill);
    else
        qn_draw_line(c, x, y, x + KEY_WIDTH - 2, y, &line);
}

void qn_plot_legend(qn_canvas *c, qn_plot *p, const qn_key *keys, size_t n)
{
    const double row = QN_NAME_SIZE + 6;
    double x = p->all.x, y = p->area.y + row / 2 - 2;
    bool any = false;
    for (size_t i = 0; i < n; i++) {
        if (!keys[i].name) continue;
        qn_label label = {
            .text = keys[i].name, .v = 0.5, .size = QN_NAME_SIZE, .colour = QN_INK};
        label.text = QN_FIT(c, &label, p->all.width / 2);
        const double width = qn_draw_text_width(c, label.text, QN_NAME_SIZE, false);
        const double right = x + KEY_WIDTH + GAP + width;
        if (any && right > p->all.x + p->all.width) {
            x = p->all.x;
            y += row;
        }
        put_key(c, &keys[i], x, y);
        label.x = x + KEY_WIDTH + GAP;
        label.y = y;
        qn_draw_text(c, &label);
        x += KEY_WIDTH + GAP + width + KEY_GAP;
        any = true;
    }
    if (!any) return;
    y += row / 2 + 2;
    p->area.height -= y - p->area.y;
    p->area.y = y;
}

/* ---- rulers ---- */

void qn_plot_frame(qn_canvas *c, const qn_plot *p)
{
    qn_draw_box(c, &p->area, &(qn_pen){0, QN_FRAME_INK, 0.8, 0});
}

static double widest_tick(qn_canvas *c, const qn_scale *s)
{
    char text[QN_TICK_TEXT];
    double widest = 0;
    for (int i = 0; i < s->n_ticks; i++)
        widest = fmax(widest, qn_draw_text_width(c, qn_scale_text(s, s->tick[i], text),
                                                 QN_TICK_SIZE, false));
    return widest;
}

/* Room below the area for ticks and the ruler's name. */
static double height_below(const qn_ruler *ruler)
{
    const double name = ruler->label ? QN_NAME_SIZE + GAP + 2 : 0;
    return GAP + QN_TICK_SIZE + name;
}

/* Ticks as far apart as their text is wide. */
static void ticks_below(qn_canvas *c, qn_plot *p)
{
    p->x.from = p->area.x;
    p->x.to = p->area.x + p->area.width;
    double gap = 44;
    for (int i = 0; i < 3; i++) {
        qn_scale_ticks(&p->x, p->area.width, gap, false);
        gap = fmax(gap, widest_tick(c, &p->x) + 14);
    }
    qn_scale_ticks(&p->x, p->area.width, gap, false);
}

static void put_below(qn_canvas *c, const qn_plot *p)
{
    const double bottom = p->area.y + p->area.height;
    char text[QN_TICK_TEXT];
    for (int i = 0; i < p->x.n_ticks; i++) {
        const double x = qn_scale_at(&p->x, p->x.tick[i]);
        qn_draw_line(c, x, p->area.y, x, bottom, &(qn_pen){0, QN_GRID_INK, 0.7, 0});
        const qn_label label = {.text = qn_scale_text(&p->x, p->x.tick[i], text),
                                .x = x,
                                .y = bottom + GAP,
                                .h = 0.5,
                                .v = 1,
                                .size = QN_TICK_SIZE,
                                .colour = QN_SOFT_INK};
        qn_draw_text(c, &label);
    }
    if (!p->x.ruler->label) return;
    const qn_label name = {.text = p->x.ruler->label,
                           .x = p->area.x + p->area.width / 2,
                           .y = bottom + 2 * GAP + QN_TICK_SIZE,
                           .h = 0.5,
                           .v = 1,
                           .size = QN_NAME_SIZE,
                           .colour = QN_INK};
    qn_put_fitted(c, name, p->area.width);
}

static void put_beside(qn_canvas *c, const qn_plot *p)
{
    char text[QN_TICK_TEXT];
    for (int i = 0; i < p->y.n_ticks; i++) {
        const double y = qn_scale_at(&p->y, p->y.tick[i]);
        qn_draw_line(c, p->area.x, y, p->area.x + p->area.width, y,
                     &(qn_pen){0, QN_GRID_INK, 0.7, 0});
        const qn_label label = {.text = qn_scale_text(&p->y, p->y.tick[i], text),
                                .x = p->area.x - GAP,
                                .y = y,
                                .h = 1,
                                .v = 0.5,
                                .size = QN_TICK_SIZE,
                                .colour = QN_SOFT_INK};
        qn_draw_text(c, &label);
    }
    if (!p->y.ruler->label) return;
    const qn_label name = {.text = p->y.ruler->label,
                           .x = p->all.x,
                           .y = p->area.y + p->area.height / 2,
                           .h = 0.5,
                           .v = 1,
                           .size = QN_NAME_SIZE,
                           .turn = -90,
                           .colour = QN_INK};
    qn_put_fitted(c, name, p->area.height);
}

void qn_plot_ruler_below(qn_canvas *c, qn_plot *p, double left)
{
    p->area.x += left;
    p->area.width -= left + SLACK;
    p->area.height -= height_below(p->x.ruler);
    ticks_below(c, p);
    put_below(c, p);
}

void qn_plot_layout(qn_canvas *c, qn_plot *p)
{
    const double height = p->area.height - height_below(p->x.ruler);
    qn_scale_ticks(&p->y, height, 26, true);
    const double name = p->y.ruler->label ? QN_NAME_SIZE + 2 * GAP : 0;
    const double left = name + widest_tick(c, &p->y) + GAP;
    p->area =
        (qn_box){p->area.x + left, p->area.y, p->area.width - left - SLACK, height};
    p->y.from = p->area.y + height;
    p->y.to = p->area.y;
    ticks_below(c, p);
}

void qn_plot_rulers(qn_canvas *c, const qn_plot *p)
{
    put_below(c, p);
    put_beside(c, p);
}
