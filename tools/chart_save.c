/* SPDX-License-Identifier: Apache-2.0 */
/* tools/chart_save.c - a chart as a file, or as part of a page. */
#include "tools/chart.h"

static void draw(qn_canvas *c, const void *what)
{
    const qn_chart *chart = what;
    chart->draw(c, &(qn_box){0, 0, chart->width, chart->height}, chart->data);
}

static qn_drawing drawing_of(const qn_chart *chart)
{
    return (qn_drawing){chart->width, chart->height, chart->title, draw, chart};
}

quern_status qn_chart_save(qn_mem *mem, const char *path, const qn_chart *chart,
                           quern_error *err)
{
    const qn_drawing drawing = drawing_of(chart);
    return qn_draw_file(mem, path, &drawing, err);
}

quern_status qn_chart_svg(qn_buf *out, const qn_chart *chart, quern_error *err)
{
    const qn_drawing drawing = drawing_of(chart);
    return qn_draw_bytes(out, QN_DRAW_SVG, &drawing, err);
}
