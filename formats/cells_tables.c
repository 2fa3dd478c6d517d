/* SPDX-License-Identifier: Apache-2.0 */
/* formats/cells_tables.c - measurements as CSV and as JSON. */
#include "formats/cells_columns.h"
#include "formats/csv_write.h"
#include "formats/json_write.h"

#include <math.h>

/* What the picture was segmented with. */
typedef struct setting {
    const char *key, *text; /* text NULL: value */
    double value;
} setting;

enum { N_SETTINGS = 9 };

static void list_settings(const qn_cells_out *c, setting list[N_SETTINGS])
{
    const qn_segmented *s = c->seg;
    const qn_segment_settings *k = s->settings;
    const setting all[N_SETTINGS] = {
        {"model", s->model, 0},
        {"model_sha256", s->model_sha256, 0},
        {"flow_threshold", NULL, k ? k->flow_threshold : NAN},
        {"cell_prob_threshold", NULL, k ? k->cellprob_threshold : NAN},
        {"min_size", NULL, k ? (double)k->min_size : NAN},
        {"niter", NULL, k ? (double)k->niter : NAN},
        {"width_px", NULL, (double)s->width},
        {"height_px", NULL, (double)s->height},
        {"um_per_px", NULL, s->um_per_px > 0 ? s->um_per_px : NAN},
    };
    for (int i = 0; i < N_SETTINGS; i++)
        list[i] = all[i];
}

static bool is_given(const setting *s)
{
    return s->text || !isnan(s->value);
}

static bool is_absent(const qn_cells_out *c, uint32_t label)
{
    return c->measures->cell[label - 1].area == 0;
}

/* ---- CSV ---- */

static void csv_value(void *ctx, const char *name, qn_column_kind kind, double value)
{
    (void)name;
    if (kind == QN_COLUMN_SINGLE)
        qn_csv_single(ctx, (float)value);
    else if (kind == QN_COLUMN_REAL)
        qn_csv_real(ctx, value);
    else
        qn_csv_int(ctx, (int64_t)value);
}

static void csv_name(void *ctx, const char *name, qn_column_kind kind, double value)
{
    (void)kind, (void)value;
    qn_csv_text(ctx, name);
}

static void comment(qn_csv *csv, const char *key)
{
    qn_buf_text(csv->out, "# ");
    qn_csv_text(csv, key);
}

static void comment_text(qn_csv *csv, const char *key, const char *text)
{
    if (!text) return;
    comment(csv, key);
    qn_csv_text(csv, text);
    qn_csv_end(csv);
}

static void comment_value(void *ctx, const char *name, qn_column_kind kind,
                          double value)
{
    qn_csv *csv = ctx;
    comment(csv, name);
    csv_value(csv, name, kind, value);
    qn_csv_end(csv);
}

static void put_comments(const qn_cells_out *c, qn_csv *csv)
{
    setting settings[N_SETTINGS];
    comment_text(csv, "sample_id", c->image);
    comment_text(csv, "backend", "quern " QUERN_VERSION);
    comment_text(csv, "label", c->sample.label);
    comment_text(csv, "timepoint", c->sample.timepoint);
    comment_text(csv, "well", c->sample.well);
    comment_value(csv, "diameter_px", QN_COLUMN_SINGLE, c->seg->diameter);
    qn_cells_each_figure(c, comment_value, csv);
    list_settings(c, settings);
    for (int i = 0; i < N_SETTINGS; i++) {
        if (settings[i].text)
            comment_text(csv, settings[i].key, settings[i].text);
        else if (is_given(&settings[i]))
            comment_value(csv, settings[i].key, QN_COLUMN_REAL, settings[i].value);
    }
}

quern_status qn_cells_csv(const qn_cells_out *c, qn_buf *out, quern_error *err)
{
    qn_csv csv;
    qn_csv_begin(&csv, out);
    put_comments(c, &csv);
    qn_buf_byte(out, '\n');
    qn_cells_each_column(c, 0, csv_name, &csv);
    qn_csv_end(&csv);
    for (uint32_t label = 1; label <= c->measures->n; label++) {
        if (is_absent(c, label)) continue;
        qn_cells_each_column(c, label, csv_value, &csv);
        qn_csv_end(&csv);
    }
    return qn_buf_status(out, err);
}

/* ---- JSON ---- */

static void json_value(void *ctx, const char *name, qn_column_kind kind, double value)
{
    if (kind == QN_COLUMN_SINGLE)
        qn_json_single(ctx, name, (float)value);
    else if (kind == QN_COLUMN_REAL)
        qn_json_real(ctx, name, value);
    else
        qn_json_int(ctx, name, (int64_t)value);
}

static void put_params(const qn_cells_out *c, qn_json *j)
{
    setting settings[N_SETTINGS];
    qn_json_object(j, "params");
    qn_json_single(j, "diameter", (float)c->seg->diameter);
    list_settings(c, settings);
    for (int i = 0; i < N_SETTINGS; i++) {
        if (settings[i].text)
            qn_json_text(j, settings[i].key, settings[i].text);
        else if (is_given(&settings[i]))
            qn_json_real(j, settings[i].key, settings[i].value);
    }
    qn_json_close(j);
}

void qn_cells_metrics(const qn_cells_out *c, qn_json *j)
{
    const qn_census *all = &c->measures->census;
    qn_json_object(j, "metrics");
    qn_cells_each_figure(c, json_value, j);
    qn_json_object(j, "area_histogram");
    qn_json_real(j, "min_px", all->area_min);
    qn_json_real(j, "max_px", all->area_max);
    qn_json_array(j, "counts");
    for (int i = 0; i < QN_MEASURE_BINS; i++)
        qn_json_int(j, NULL, all->bins[i]);
    qn_json_close(j);
    qn_json_close(j);
    qn_json_close(j);
}

static void put_sample(const qn_cells_out *c, qn_json *j)
{
    qn_json_text(j, "sample_id", c->image);
    qn_json_text(j, "backend", "quern " QUERN_VERSION);
    qn_json_text(j, "status", "completed");
    if (c->sample.label) qn_json_text(j, "label", c->sample.label);
    if (c->sample.timepoint) qn_json_text(j, "timepoint", c->sample.timepoint);
    if (c->sample.well) qn_json_text(j, "well", c->sample.well);
}

quern_status qn_cells_json(const qn_cells_out *c, qn_buf *out, quern_error *err)
{
    qn_json j;
    qn_json_begin(&j, out);
    put_sample(c, &j);
    put_params(c, &j);
    qn_cells_metrics(c, &j);
    qn_json_array(&j, "cells");
    for (uint32_t label = 1; label <= c->measures->n; label++) {
        if (is_absent(c, label)) continue;
        qn_json_object(&j, NULL);
        qn_cells_each_column(c, label, json_value, &j);
        qn_json_close(&j);
    }
    qn_json_end(&j);
    return qn_buf_status(out, err);
}
