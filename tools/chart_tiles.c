/* SPDX-License-Identifier: Apache-2.0 */
/* tools/chart_tiles.c - a contact sheet: pictures in rows, with lines of text below. */
#include "tools/chart_plot.h"

#include <string.h>

#define TILE     76.0
#define TILE_GAP 10.0
#define LINE     9.5
#define MARGINS  20.0 /* both sides of a plot's box */

static size_t columns_of(double width)
{
    const double n = floor((width - MARGINS + TILE_GAP) / (TILE + TILE_GAP));
    return n < 1 ? 1 : (size_t)n;
}

double qn_tile_chart_height(const qn_tile_chart *chart, double width)
{
    const size_t columns = columns_of(width), rows = (chart->n + columns - 1) / columns;
    const double row = TILE + QN_TILE_LINES * LINE + TILE_GAP;
    return MARGINS + (chart->title ? QN_TITLE_SIZE + 7 : 0) + row * (double)rows;
}

/* As RGB, gray three times. */
static const uint8_t *rgb_of(qn_canvas *c, const qn_image *image)
{
    const size_t n = (size_t)image->width * (size_t)image->height;
    if (image->channels == 3) return image->pixels;
    uint8_t *rgb = qn_draw_room(c, n, 3);
    for (size_t i = 0; rgb && i < n; i++)
        memset(rgb + 3 * i, image->pixels[i], 3);
    return rgb;
}

/* As large as fits, in the middle. */
static void put_image(qn_canvas *c, const qn_image *image, double x, double y)
{
    const double scale = TILE / fmax(image->width, image->height);
    const double width = scale * image->width, height = scale * image->height;
    const qn_box box = {x + (TILE - width) / 2, y + (TILE - height) / 2, width, height};
    qn_draw_picture(c, &(qn_picture){image->width, image->height, rgb_of(c, image)},
                    &box);
}

static void put_tile(qn_canvas *c, const qn_tile *tile, double x, double y)
{
    const qn_pen paper = {0xf2f2f2ff, 0, 0, 0};
    qn_draw_box(c, &(qn_box){x, y, TILE, TILE}, &paper);
    if (tile->image) put_image(c, tile->image, x, y);
    for (int i = 0; i < QN_TILE_LINES; i++) {
        const qn_label label = {.text = tile->line[i],
                                .x = x,
                                .y = y + TILE + 2.5 + i * LINE,
                                .v = 1,
                                .size = 7,
                                .colour = i == 0 ? QN_INK : QN_SOFT_INK};
        if (tile->line[i]) qn_put_fitted(c, label, TILE);
    }
}

void qn_chart_tiles(qn_canvas *c, const qn_box *where, const void *data)
{
    const qn_tile_chart *chart = data;
    const size_t columns = columns_of(where->width);
    qn_plot p;
    qn_plot_begin(c, &p, where, chart->title);
    for (size_t i = 0; i < chart->n; i++)
        put_tile(c, &chart->tiles[i],
                 p.area.x + (double)(i % columns) * (TILE + TILE_GAP),
                 p.area.y +
                     (double)(i / columns) * (TILE + QN_TILE_LINES * LINE + TILE_GAP));
}
