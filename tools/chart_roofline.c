/* SPDX-License-Identifier: Apache-2.0 */
/* tools/chart_roofline.c - what is reached under what the machine could do: flat roofs
 * of arithmetic, slopes of memory levels, both axes logarithmic. */
#include "tools/chart_plot.h"

#include <stdio.h>

#define NAMED     16   /* spots, up to which names may stand beside them */
#define KEY_PART  0.32 /* of the width, for the names of numbers */
#define KEY_ROW   11.0
#define SPOT_SIZE 3.2

static double highest(const qn_roof *roofs, size_t n)
{
    double high = 0;
    for (size_t i = 0; i < n; i++)
        if (isfinite(roofs[i].value)) high = fmax(high, roofs[i].value);
    return high;
}

/* All spots, and every corner where a slope meets the highest roof. */
static void cover(qn_plot *p, const qn_roof_chart *chart)
{
    const double peak = highest(chart->peaks, chart->n_peaks);
    for (size_t i = 0; i < chart->n_spots; i++) {
        const qn_roof_spot *s = &chart->spots[i];
        if (!(s->intensity > 0 && s->gflops > 0)) continue;
        qn_scale_cover(&p->x, s->intensity / 1.5);
        qn_scale_cover(&p->x, s->intensity * 2);
        qn_scale_cover(&p->y, s->gflops / 2);
        qn_scale_cover(&p->y, s->gflops * 1.5);
    }
    for (size_t i = 0; i < chart->n_slopes && peak > 0; i++) {
        const double corner = peak / chart->slopes[i].value;
        qn_scale_cover(&p->x, corner / 8);
        qn_scale_cover(&p->x, corner * 4);
        qn_scale_cover(&p->y, peak / 8);
    }
    qn_scale_cover(&p->y, peak * 1.5);
}

static void put_peak(qn_canvas *c, const qn_plot *p, const qn_roof *roof,
                     double bandwidth)
{
    const double y = qn_scale_at(&p->y, roof->value);
    const double right = p->area.x + p->area.width;
    double left = bandwidth > 0 ? qn_scale_at(&p->x, roof->value / bandwidth) : NAN;
    left = isfinite(left) ? fmax(left, p->area.x) : p->area.x;
    qn_draw_line(c, left, y, right, y, &(qn_pen){0, QN_INK, 1.4, 0});
    const qn_label name = {.text = roof->name,
                           .x = right - 4,
                           .y = y - 3.5,
                           .h = 1,
                           .size = QN_TICK_SIZE,
                           .colour = QN_INK};
    qn_put_fitted(c, name, p->area.width / 2);
}

/* From where it enters the frame to the highest roof, its name along it. */
static void put_slope(qn_canvas *c, const qn_plot *p, const qn_roof *roof, double peak)
{
    const double b = roof->value, x1 = peak / b;
    const double x0 = fmax(p->x.lo, p->y.lo / b);
    const qn_spot from = {qn_scale_at(&p->x, x0), qn_scale_at(&p->y, b * x0)};
    const qn_spot to = {qn_scale_at(&p->x, x1), qn_scale_at(&p->y, peak)};
    const double dx = to.x - from.x, dy = to.y - from.y, length = hypot(dx, dy);
    if (!(b > 0 && dx > 0)) return;
    qn_draw_line(c, from.x, from.y, to.x, to.y, &(qn_pen){0, QN_SOFT_INK, 1.1, 0});
    const double off = 4, inside = (10 * -dy + 2 * length) / dx; /* of the frame */
    const double along = fmax(14, inside);
    const qn_label name = {.text = roof->name,
                           .x = from.x + (along * dx + off * dy) / length,
                           .y = from.y + (along * dy - off * dx) / length,
                           .size = QN_TICK_SIZE,
                           .turn = atan2(dy, dx) * 180 / acos(-1),
                           .colour = QN_SOFT_INK};
    qn_put_fitted(c, name, length - along - 14);
}

/* ---- names of spots ---- */

static bool overlap(const qn_box *a, const qn_box *b)
{
    return a->x < b->x + b->width && b->x < a->x + a->width &&
           a->y < b->y + b->height && b->y < a->y + a->height;
}

static bool is_free(const qn_box *box, const qn_box *area, const qn_box *taken,
                    size_t n)
{
    if (box->x < area->x || box->y < area->y ||
        box->x + box->width > area->x + area->width ||
        box->y + box->height > area->y + area->height)
        return false;
    for (size_t i = 0; i < n; i++)
        if (overlap(box, &taken[i])) return false;
    return true;
}

/* The first place around the spot where its name covers nothing; false: there is none.
 */
static bool place(const qn_plot *p, qn_spot at, double width, const qn_box *taken,
                  size_t n, qn_box *out)
{
    static const double side[][2] = {{1, 0},  {-1, 0}, {0, -1},  {0, 1},
                                     {1, -1}, {1, 1},  {-1, -1}, {-1, 1}};
    const double height = QN_TICK_SIZE + 1, away = SPOT_SIZE + 2.5;
    for (int ring = 1; ring <= 3; ring++)
        for (int i = 0; i < 8; i++) {
            const double h = side[i][0], v = side[i][1];
            *out = (qn_box){at.x + h * away + (h - 1) / 2 * width,
                            at.y + v * (away * ring + height / 2 - 2) - height / 2,
                            width, height};
            if (is_free(out, &p->area, taken, n)) return true;
        }
    return false;
}

static qn_label name_of(qn_canvas *c, const qn_plot *p, const char *text)
{
    const qn_label name = {
        .text = text, .v = 0.5, .size = QN_TICK_SIZE, .colour = QN_INK};
    qn_label fitted = name;
    fitted.text =
        qn_fit_text(c, &name, p->area.width / 3, qn_draw_room(c, 1, QN_FIT_TEXT));
    return fitted;
}

/* Boxes that names must not cover: the spots and the names of roofs.  Their number. */
static size_t take_places(qn_canvas *c, const qn_plot *p, const qn_roof_chart *chart,
                          qn_box *taken)
{
    const double right = p->area.x + p->area.width;
    size_t n = 0;
    for (size_t i = 0; i < chart->n_spots; i++) {
        const double x = qn_scale_at(&p->x, chart->spots[i].intensity);
        const double y = qn_scale_at(&p->y, chart->spots[i].gflops);
        taken[n++] =
            (qn_box){x - SPOT_SIZE, y - SPOT_SIZE, 2 * SPOT_SIZE, 2 * SPOT_SIZE};
    }
    for (size_t i = 0; i < chart->n_peaks; i++) {
        const double y = qn_scale_at(&p->y, chart->peaks[i].value);
        const double width =
            qn_draw_text_width(c, chart->peaks[i].name, QN_TICK_SIZE, false) + 6;
        taken[n++] =
            (qn_box){right - width, y - QN_TICK_SIZE - 4, width, QN_TICK_SIZE + 6};
    }
    return n;
}

/* Chooses where the names of spots go, a box for each; false: not all have a place. */
static bool place_names(qn_canvas *c, const qn_plot *p, const qn_roof_chart *chart,
                        qn_box *names)
{
    const size_t n = chart->n_spots, n_boxes = 2 * n + chart->n_peaks;
    qn_box *taken = qn_draw_room(c, n_boxes, sizeof *taken);
    if (!taken || n > NAMED) return false;
    size_t n_taken = take_places(c, p, chart, taken);
    for (size_t i = 0; i < n; i++) {
        const qn_spot at = {taken[i].x + SPOT_SIZE, taken[i].y + SPOT_SIZE};
        if (!isfinite(at.x + at.y)) continue;
        const qn_label name = name_of(c, p, chart->spots[i].name);
        const double width = qn_draw_text_width(c, name.text, name.size, false);
        if (!place(p, at, width, taken, n_taken, &names[i])) return false;
        taken[n_taken++] = names[i];
    }
    return true;
}

static void put_names(qn_canvas *c, const qn_plot *p, const qn_roof_chart *chart,
                      const qn_box *names)
{
    for (size_t i = 0; i < chart->n_spots; i++) {
        if (names[i].width <= 0) continue;
        qn_label name = name_of(c, p, chart->spots[i].name);
        name.x = names[i].x;
        name.y = names[i].y + names[i].height / 2;
        qn_draw_box(c, &names[i], &(qn_pen){qn_faded(QN_WHITE, 200), 0, 0, 0});
        qn_draw_text(c, &name);
    }
}

/* Right of the plot, as many as there is room for. */
static void put_key(qn_canvas *c, const qn_plot *p, const qn_roof_chart *chart,
                    double x)
{
    const double width = p->all.x + p->all.width - x;
    const size_t rows = (size_t)fmax(1, (p->area.height + 20) / KEY_ROW);
    for (size_t i = 0; i < chart->n_spots && i < rows; i++) {
        char text[QN_FIT_TEXT];
        const bool is_last = i + 1 == rows && chart->n_spots > rows;
        if (is_last)
            snprintf(text, sizeof text, "and %zu more", chart->n_spots - i);
        else
            snprintf(text, sizeof text, "%zu  %s", i + 1, chart->spots[i].name);
        const qn_label label = {.text = text,
                                .x = x,
                                .y = p->area.y + (double)i * KEY_ROW,
                                .v = 1,
                                .size = QN_TICK_SIZE,
                                .colour = is_last ? QN_SOFT_INK : QN_INK};
        qn_put_fitted(c, label, width);
    }
}

static void put_spots(qn_canvas *c, const qn_plot *p, const qn_roof_chart *chart,
                      bool is_numbered)
{
    for (size_t i = 0; i < chart->n_spots; i++) {
        const qn_roof_spot *s = &chart->spots[i];
        const double x = qn_scale_at(&p->x, s->intensity);
        const double y = qn_scale_at(&p->y, s->gflops);
        const qn_colour fill = qn_palette(s->colour);
        char text[24];
        snprintf(text, sizeof text, "%zu", i + 1);
        qn_draw_circle(c, x, y, is_numbered ? 6 : SPOT_SIZE,
                       &(qn_pen){fill, QN_WHITE, 0.8, 0});
        const qn_label number = {.text = text,
                                 .x = x,
                                 .y = y,
                                 .h = 0.5,
                                 .v = 0.5,
                                 .size = i + 1 > 99 ? 5 : 6.5,
                                 .bold = true,
                                 .colour = qn_is_dark(fill) ? QN_WHITE : QN_INK};
        if (is_numbered) qn_draw_text(c, &number);
    }
}

void qn_chart_roofline(qn_canvas *c, const qn_box *where, const void *data)
{
    const qn_roof_chart *chart = data;
    const qn_ruler x = {.label = "arithmetic intensity, flop/byte", .is_log = true};
    const qn_ruler y = {.label = "Gflop/s", .is_log = true};
    const double peak = highest(chart->peaks, chart->n_peaks);
    const double bandwidth = highest(chart->slopes, chart->n_slopes);
    qn_box *names = qn_draw_room(c, chart->n_spots, sizeof *names);
    qn_plot p, without_key;
    qn_scale_begin(&p.x, &x);
    qn_scale_begin(&p.y, &y);
    cover(&p, chart);
    qn_plot_begin(c, &p, where, chart->title);
    without_key = p;
    qn_plot_layout(c, &without_key);
    const bool is_named = names && place_names(c, &without_key, chart, names);
    p.area.width -= is_named ? 0 : KEY_PART * where->width;
    qn_plot_layout(c, &p);
    qn_plot_rulers(c, &p);
    qn_draw_clip(c, &p.area);
    for (size_t i = 0; i < chart->n_slopes; i++)
        put_slope(c, &p, &chart->slopes[i], peak);
    for (size_t i = 0; i < chart->n_peaks; i++)
        put_peak(c, &p, &chart->peaks[i], bandwidth);
    qn_draw_clip(c, NULL);
    qn_plot_frame(c, &p);
    put_spots(c, &p, chart, !is_named);
    if (is_named)
        put_names(c, &p, chart, names);
    else
        put_key(c, &p, chart, p.area.x + p.area.width + 14);
}
