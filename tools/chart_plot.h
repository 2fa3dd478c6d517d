/* SPDX-License-Identifier: Apache-2.0 */
/* tools/chart_plot.h - what all charts share: colours, sizes, title, legend, a frame
 * with two rulers. */
#ifndef QN_TOOLS_CHART_PLOT_H
#define QN_TOOLS_CHART_PLOT_H

#include "tools/chart_scale.h"

/* ---- theme ---- */

#define QN_INK       0x262626ffu /* titles and names */
#define QN_SOFT_INK  0x5f5f5fffu /* ticks and notes */
#define QN_GRID_INK  0xe7e7e7ffu
#define QN_FRAME_INK 0xb4b4b4ffu

#define QN_TITLE_SIZE 11.5
#define QN_NAME_SIZE  9.0
#define QN_TICK_SIZE  8.0

/* Okabe and Ito's, the ones that stand out on white first; they come round. */
qn_colour qn_palette(int i);
qn_colour qn_faded(qn_colour c, int alpha); /* 0 .. 255 */
/* Between two colours, part from 0 to 1. */
qn_colour qn_mixed(qn_colour a, qn_colour b, double part);
bool qn_is_dark(qn_colour c); /* so that white text can be read on it */

/* Shortened with an ellipsis to width. */
#define QN_FIT_TEXT 256
const char *qn_fit_text(qn_canvas *c, const qn_label *label, double width,
                        char text[QN_FIT_TEXT]);
#define QN_FIT(c, label, width) \
    qn_fit_text((c), (label), (width), (char[QN_FIT_TEXT]){0})
/* The label's text fitted to the width, then drawn. */
void qn_put_fitted(qn_canvas *c, qn_label label, double width);

/* ---- parts of a chart ---- */

typedef struct qn_key {
    const char *name;
    int colour;
    bool is_dashed, is_dots, is_box;
} qn_key;

typedef struct qn_plot {
    qn_box all, area; /* area: inside the frame */
    qn_scale x, y;
} qn_plot;

/* A plot in the box with margins; the title, if any, takes its place at the top. */
void qn_plot_begin(qn_canvas *c, qn_plot *p, const qn_box *where, const char *title);
/* Rows of keys at the top, as many as they need; those without a name are left out. */
void qn_plot_legend(qn_canvas *c, qn_plot *p, const qn_key *keys, size_t n);
/* Margins and ticks of two rulers around what is left: then area, x and y are final,
 * and nothing is drawn.  The scales must have covered their data. */
void qn_plot_layout(qn_canvas *c, qn_plot *p);
/* Grid, ticks and names of the rulers. */
void qn_plot_rulers(qn_canvas *c, const qn_plot *p);
/* Both, of the ruler below only, with left points for names. */
void qn_plot_ruler_below(qn_canvas *c, qn_plot *p, double left);
void qn_plot_frame(qn_canvas *c, const qn_plot *p);

#endif
