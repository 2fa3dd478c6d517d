/* SPDX-License-Identifier: Apache-2.0 */
/* tools/chart.h - the charts of bench, training and reports: each one function from a
 * plain struct of data onto a box of a canvas.
 *
 * Numbers that are not finite leave a gap, on a logarithmic ruler those below or at
 * zero too.  Colours are Okabe and Ito's, told apart by the colour-blind; names too
 * long for their place are shortened.  No data gives an empty frame. */
#ifndef QN_TOOLS_CHART_H
#define QN_TOOLS_CHART_H

#include "formats/draw.h"
#include "formats/image.h"

#include <math.h>

/* What an axis shows. */
typedef struct qn_ruler {
    const char *label;
    bool is_log;
    bool is_percent; /* 0.25 reads 25% */
    bool is_whole;   /* ticks at whole numbers only, as for epochs */
    bool is_fixed;   /* from lo to hi, whatever the data; else lo and hi are not read */
    double lo, hi;
} qn_ruler;

/* Draws *chart, the struct named with the function, into the box. */
typedef void qn_chart_fn(qn_canvas *c, const qn_box *where, const void *chart);

/* ---- lines with bands ---- */

typedef struct qn_series {
    const char *name;      /* NULL: not in the legend */
    const double *x, *y;   /* n of each */
    const double *lo, *hi; /* a band around the line, or NULL */
    size_t n;
    bool is_dashed, is_dots; /* dots: points without a line */
    int colour;              /* of the palette; series of one colour belong together */
} qn_series;

typedef struct qn_line_chart {
    const char *title;
    qn_ruler x, y;
    const qn_series *series;
    size_t n_series;
    double mark;           /* a line across at this x, unless NaN or no label */
    const char *mark_name; /* written beside it */
} qn_line_chart;
qn_chart_fn qn_chart_lines; /* qn_line_chart */

/* Receiver operating characteristic: x false, y true positive rate, drawn as a square.
 */
typedef struct qn_roc_chart {
    const char *title;
    const qn_series *curves; /* named with their area */
    size_t n_curves;
} qn_roc_chart;
qn_chart_fn qn_chart_roc; /* qn_roc_chart */

/* ---- horizontal bars with intervals ---- */

typedef struct qn_bar_chart {
    const char *title;
    qn_ruler x;
    const char *const *rows; /* names, n_rows */
    size_t n_rows;
    const char *const *groups; /* names of the bars of a row, n_groups; NULL for one */
    size_t n_groups;
    const double *value, *lo, *hi; /* [n_rows][n_groups]; lo and hi may be NULL */
    bool is_dots;                  /* points with whiskers instead of bars */
    double reference;              /* a line across at this value, unless NaN */
} qn_bar_chart;
qn_chart_fn qn_chart_bars; /* qn_bar_chart */
double qn_bar_chart_height(const qn_bar_chart *chart);

/* ---- roofline (Williams, Waterman, Patterson 2009) ---- */

typedef struct qn_roof {
    const char *name;
    double value; /* Gflop/s of a flat roof, GB/s of a slope */
} qn_roof;

typedef struct qn_roof_spot {
    const char *name;
    double intensity, gflops; /* flop/byte, Gflop/s */
    int colour;               /* of the palette */
} qn_roof_spot;

typedef struct qn_roof_chart {
    const char *title;
    const qn_roof *peaks, *slopes;
    size_t n_peaks, n_slopes;
    const qn_roof_spot *spots;
    size_t n_spots;
} qn_roof_chart;
qn_chart_fn qn_chart_roofline; /* qn_roof_chart */

/* ---- confusion matrix: rows are the truth, columns what was predicted ---- */

typedef struct qn_matrix_chart {
    const char *title;
    const char *const *names;
    const int64_t *counts; /* [n][n] */
    size_t n;
} qn_matrix_chart;
qn_chart_fn qn_chart_matrix; /* qn_matrix_chart */
/* Width and height at which its cells and names can be read. */
qn_box qn_matrix_chart_size(const qn_matrix_chart *chart);

/* ---- reliability: how often a confidence is right ---- */

typedef struct qn_reliability_chart {
    const char *title;
    const double *confidence, *accuracy; /* means of a bin; bins part 0..1 evenly */
    const int64_t *counts;
    size_t n_bins;
    double ece; /* expected calibration error, beside the title unless NaN */
} qn_reliability_chart;
qn_chart_fn qn_chart_reliability; /* qn_reliability_chart */

/* ---- histogram ---- */

typedef struct qn_histogram_chart {
    const char *title;
    qn_ruler x; /* not logarithmic */
    const char *y_label;
    const double *values;
    size_t n;
    int n_bins; /* 0: by the number of values */
} qn_histogram_chart;
qn_chart_fn qn_chart_histogram; /* qn_histogram_chart */

/* ---- contact sheet ---- */

#define QN_TILE_LINES 3

typedef struct qn_tile {
    const qn_image *image;           /* 1 or 3 channels; NULL: an empty frame */
    const char *line[QN_TILE_LINES]; /* below it; NULL: none */
} qn_tile;

typedef struct qn_tile_chart {
    const char *title;
    const qn_tile *tiles;
    size_t n;
} qn_tile_chart;
qn_chart_fn qn_chart_tiles; /* qn_tile_chart */
double qn_tile_chart_height(const qn_tile_chart *chart, double width);

/* ---- files ---- */

typedef struct qn_chart {
    qn_chart_fn *draw;
    const void *data;
    double width, height; /* points */
    const char *title;    /* what it shows, for those who cannot see it */
} qn_chart;

/* PNG, SVG or PDF by the ending of the name. */
quern_status qn_chart_save(qn_mem *mem, const char *path, const qn_chart *chart,
                           quern_error *err);
/* Appends it as SVG, to stand in a page. */
quern_status qn_chart_svg(qn_buf *out, const qn_chart *chart, quern_error *err);

#endif
