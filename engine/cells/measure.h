/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/measure.h - what can be said of each cell and of all of them, in pixels.
 *
 * Definitions are those of scikit-image's regionprops where nothing else is said, with
 * one difference: a pixel is a square, not a point, so second moments have 1/12 more,
 * as in ImageJ and MATLAB.  Values do not depend on the number of threads. */
#ifndef QN_ENGINE_CELLS_MEASURE_H
#define QN_ENGINE_CELLS_MEASURE_H

#include "engine/cells/runs.h"
#include "engine/cells/segmented.h"

typedef struct qn_cell {
    int64_t area; /* pixels; 0: there is no such cell, the rest is 0 or NaN */
    int32_t top, left, bottom, right; /* half-open */
    double y, x;           /* centroid; centres of pixels are whole numbers */
    double equiv_diameter; /* of the disk of that area */
    double perimeter;      /* estimator of Benkrid and Crookes 2000, 4-neighbourhood */
    double major, minor;   /* axes of the ellipse with the same second moments */
    double eccentricity;   /* 0 a circle .. 1 a line */
    double
        orientation; /* degrees from x towards the top, of the major axis: 0 .. 180 */
    double circularity; /* 4 pi area / perimeter^2, at most 1; 0 without a perimeter */
    double solidity;    /* area over that of the convex hull of the pixels' squares */
    double extent;      /* area over that of the box */
    double feret;       /* largest distance of two corners of pixels */
    double flow_error;  /* NaN: not known */
    double prob;        /* mean of the probability of being in a cell; NaN: not known */
    double nearest;     /* distance of the nearest other centroid; NaN: no other */
    uint32_t
        n_touching;  /* other cells that have one of the eight neighbours of a pixel */
    uint32_t n_near; /* other cells with a pixel within qn_measure_options.near */
    bool is_at_edge; /* a pixel in the first or last row or column */
} qn_cell;

/* Of the raw samples of a channel; NaN where a sample is. */
typedef struct qn_intensity {
    double mean, median, sd, min, max, sum; /* sd: of the population, divided by n */
} qn_intensity;

#define QN_MEASURE_BINS 20

/* Of a whole picture.  Areas in pixels; NaN where nothing can be said. */
typedef struct qn_census {
    int64_t n;       /* cells */
    int64_t pixels;  /* of the picture */
    int64_t covered; /* of them in cells */
    int64_t n_at_edge;
    double area_mean, area_median, area_sd; /* sample sd, n - 1; 0 below two cells */
    double area_low, area_high;             /* percentiles 5 and 95 */
    double area_min, area_max;
    int64_t bins[QN_MEASURE_BINS]; /* of areas from area_min to area_max */
    double diameter_median, flow_error_mean;
} qn_census;

typedef struct qn_measure_options {
    double near; /* pixels, 0 .. QN_MEASURE_NEAR_MAX */
} qn_measure_options;
#define QN_MEASURE_NEAR     5.0
#define QN_MEASURE_NEAR_MAX 64.0

typedef struct qn_measures {
    uint32_t n; /* labels 1 .. n, cell[label - 1] */
    const qn_cell *cell;
    int n_channels;                /* of the picture; 0: no intensities */
    const qn_intensity *intensity; /* [n][n_channels] */
    qn_census census;
} qn_measures;

/* Measures plane z.  runs: by row, of that plane's labels.  Everything lies in arena.
 */
quern_status qn_measure(const qn_segmented *seg, int64_t z, const qn_runs *runs,
                        const qn_measure_options *options, qn_pool *pool,
                        qn_arena *arena, qn_measures *out, quern_error *err);
/* Bin of an area: floor((area - min) / max(1, max - min) * bins), the last one closed.
 */
int qn_census_bin(double area, double min, double max);
/* The k-th smallest of n, k from 0; what is before it is no larger.  No NaN. */
float qn_select_float(float *v, int64_t n, int64_t k);
/* Between two values by line, as numpy.percentile; v is reordered.  percent 0 to 100.
 */
float qn_percentile_float(float *v, int64_t n, double percent);
/* Plane z as a label image; its array is the segmented one. */
qn_labels qn_segmented_labels(const qn_segmented *seg, int64_t z);

#endif
