/* SPDX-License-Identifier: Apache-2.0 */
/* formats/cells_columns.c - see cells_columns.h. */
#include "formats/cells_columns.h"

#include <math.h>
#include <stdio.h>

/* What a field of qn_cell is, and so how it is read. */
typedef enum field_type { I64, I32, U32, BOOL, F64 } field_type;

typedef struct column {
    const char *name;
    field_type type;
    size_t offset;
    int power; /* of the length it is: 1 and 2 have a column in um, too */
    const char *um_name;
} column;

#define AT(field) offsetof(qn_cell, field)
// clang-format off
static const column columns[] = {
    {"area_px", I64, AT(area), 2, "area_um2"},
    {"centroid_y", F64, AT(y), 0, NULL},
    {"centroid_x", F64, AT(x), 0, NULL},
    {"bbox_y0", I32, AT(top), 0, NULL},
    {"bbox_x0", I32, AT(left), 0, NULL},
    {"bbox_y1", I32, AT(bottom), 0, NULL},
    {"bbox_x1", I32, AT(right), 0, NULL},
    {"equiv_diameter", F64, AT(equiv_diameter), 1, "equiv_diameter_um"},
    {"perimeter", F64, AT(perimeter), 1, "perimeter_um"},
    {"major_axis", F64, AT(major), 1, "major_axis_um"},
    {"minor_axis", F64, AT(minor), 1, "minor_axis_um"},
    {"eccentricity", F64, AT(eccentricity), 0, NULL},
    {"orientation", F64, AT(orientation), 0, NULL},
    {"circularity", F64, AT(circularity), 0, NULL},
    {"solidity", F64, AT(solidity), 0, NULL},
    {"extent", F64, AT(extent), 0, NULL},
    {"feret_max", F64, AT(feret), 1, "feret_max_um"},
    {"touches_edge", BOOL, AT(is_at_edge), 0, NULL},
    {"flow_error", F64, AT(flow_error), 0, NULL},
    {"mean_prob", F64, AT(prob), 0, NULL},
    {"n_touching", U32, AT(n_touching), 0, NULL},
    {"n_neighbours", U32, AT(n_near), 0, NULL},
    {"nn_dist", F64, AT(nearest), 1, "nn_dist_um"},
};
// clang-format on

static double value_of(const column *k, const qn_cell *cell)
{
    const void *p = (const char *)cell + k->offset;
    switch (k->type) {
    case I64:
        return (double)*(const int64_t *)p;
    case I32:
        return *(const int32_t *)p;
    case U32:
        return *(const uint32_t *)p;
    case BOOL:
        return *(const bool *)p;
    case F64:
        break;
    }
    return *(const double *)p;
}

static void put_shape(const qn_cells_out *c, const qn_cell *cell, qn_column_fn *fn,
                      void *ctx)
{
    const double um = c->seg->um_per_px;
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        const column *k = &columns[i];
        const double value = cell ? value_of(k, cell) : NAN;
        fn(ctx, k->name, k->type == F64 ? QN_COLUMN_SINGLE : QN_COLUMN_WHOLE, value);
        if (k->power && um > 0)
            fn(ctx, k->um_name, QN_COLUMN_SINGLE, value * pow(um, k->power));
    }
}

static void put_channel(const qn_cells_out *c, int channel, const qn_intensity *v,
                        qn_column_fn *fn, void *ctx)
{
    static const char *const colours[] = {"red", "green", "blue"};
    static const char *const names[] = {"mean", "median", "std", "min", "max", "sum"};
    const double values[] = {v->mean, v->median, v->sd, v->min, v->max, v->sum};
    char name[48];
    for (int i = 0; i < 6; i++) {
        if (c->seg->picture->is_colour && channel < 3)
            snprintf(name, sizeof name, "%s_%s", names[i], colours[channel]);
        else
            snprintf(name, sizeof name, "%s_%d", names[i], channel + 1);
        fn(ctx, name, i == 0 || i == 2 ? QN_COLUMN_SINGLE : QN_COLUMN_REAL, values[i]);
    }
}

void qn_cells_each_column(const qn_cells_out *c, uint32_t label, qn_column_fn *fn,
                          void *ctx)
{
    static const qn_intensity none = {NAN, NAN, NAN, NAN, NAN, NAN};
    const qn_measures *m = c->measures;
    fn(ctx, "label", QN_COLUMN_WHOLE, label);
    put_shape(c, label ? &m->cell[label - 1] : NULL, fn, ctx);
    for (int k = 0; k < m->n_channels; k++)
        put_channel(
            c, k,
            label
                ? &m->intensity[(size_t)(label - 1) * (size_t)m->n_channels + (size_t)k]
                : &none,
            fn, ctx);
}

/* ---- the picture ---- */

double qn_cells_confluence(const qn_cells_out *c)
{
    const qn_census *all = &c->measures->census;
    return 100 * (double)all->covered / (double)all->pixels;
}

double qn_cells_density(const qn_cells_out *c)
{
    const double um = c->seg->um_per_px;
    double width = c->sample.fov_w_mm, height = c->sample.fov_h_mm;
    if (!(width > 0 && height > 0)) {
        width = (double)c->seg->width * um / 1000;
        height = (double)c->seg->height * um / 1000;
    }
    return width > 0 && height > 0
               ? (double)c->measures->census.n / (width / 10 * (height / 10))
               : NAN;
}

void qn_cells_each_figure(const qn_cells_out *c, qn_column_fn *fn, void *ctx)
{
    const qn_census *all = &c->measures->census;
    const double um = c->seg->um_per_px, density = qn_cells_density(c);
    fn(ctx, "cell_count", QN_COLUMN_WHOLE, (double)all->n);
    fn(ctx, "confluence_pct", QN_COLUMN_SINGLE, qn_cells_confluence(c));
    fn(ctx, "mean_area_px", QN_COLUMN_SINGLE, all->area_mean);
    fn(ctx, "median_area_px", QN_COLUMN_SINGLE, all->area_median);
    fn(ctx, "stdev_area_px", QN_COLUMN_SINGLE, all->area_sd);
    if (um > 0) fn(ctx, "mean_area_um2", QN_COLUMN_SINGLE, all->area_mean * um * um);
    if (!isnan(density)) fn(ctx, "density_cells_per_cm2", QN_COLUMN_SINGLE, density);
    fn(ctx, "p05_area_px", QN_COLUMN_SINGLE, all->area_low);
    fn(ctx, "p95_area_px", QN_COLUMN_SINGLE, all->area_high);
    fn(ctx, "median_diameter_px", QN_COLUMN_SINGLE, all->diameter_median);
    fn(ctx, "cells_at_edge", QN_COLUMN_WHOLE, (double)all->n_at_edge);
    fn(ctx, "mean_flow_error", QN_COLUMN_SINGLE, all->flow_error_mean);
}
