/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/census.c - figures of a whole picture: how many cells, how much of it
 * they cover, how large they are. */
#include "engine/cells/measure_parts.h"

#include <math.h>
#include <stdlib.h>

static int by_value(const void *a, const void *b)
{
    const double p = *(const double *)a, q = *(const double *)b;
    return (p > q) - (p < q);
}

/* Of sorted values, between two by line; NaN of none. */
static double quantile(const double *sorted, int64_t n, double part)
{
    if (n == 0) return NAN;
    const double at = part * (double)(n - 1);
    const int64_t i = (int64_t)at;
    const double rest = at - (double)i;
    return i + 1 < n ? sorted[i] + rest * (sorted[i + 1] - sorted[i]) : sorted[i];
}

int qn_census_bin(double area, double min, double max)
{
    const double part = (area - min) / fmax(1, max - min);
    return (int)fmin(QN_MEASURE_BINS - 1, floor(part * QN_MEASURE_BINS));
}

static void describe_areas(const double *sorted, qn_census *c)
{
    double squares = 0;
    c->area_mean = c->n ? (double)c->covered / (double)c->n : NAN;
    for (int64_t i = 0; i < c->n; i++)
        squares += (sorted[i] - c->area_mean) * (sorted[i] - c->area_mean);
    c->area_sd = c->n > 1 ? sqrt(squares / (double)(c->n - 1)) : 0;
    c->area_min = quantile(sorted, c->n, 0);
    c->area_low = quantile(sorted, c->n, 0.05);
    c->area_median = quantile(sorted, c->n, 0.5);
    c->area_high = quantile(sorted, c->n, 0.95);
    c->area_max = quantile(sorted, c->n, 1);
    c->diameter_median = 2 * sqrt(c->area_median / 3.14159265358979323846);
    for (int64_t i = 0; i < c->n; i++)
        c->bins[qn_census_bin(sorted[i], c->area_min, c->area_max)]++;
}

quern_status qn_cells_census(const qn_cell *cells, uint32_t n, const qn_labels *labels,
                             qn_arena *arena, qn_census *out, quern_error *err)
{
    void *room;
    double errors = 0;
    QN_TRY(qn_arena_array(arena, (size_t)n + 1, sizeof(double), &room, err));
    double *areas = room;
    *out = (qn_census){.pixels = labels->height * labels->width};
    for (uint32_t i = 0; i < n; i++) {
        if (cells[i].area == 0) continue;
        areas[out->n++] = (double)cells[i].area;
        out->covered += cells[i].area;
        out->n_at_edge += cells[i].is_at_edge;
        errors += cells[i].flow_error;
    }
    qsort(areas, (size_t)out->n, sizeof *areas, by_value);
    describe_areas(areas, out);
    out->flow_error_mean = out->n ? errors / (double)out->n : NAN;
    return QUERN_OK;
}
