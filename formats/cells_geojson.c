/* SPDX-License-Identifier: Apache-2.0 */
/* formats/cells_geojson.c - cells as GeoJSON (RFC 7946) that QuPath opens: a
 * FeatureCollection of detections, polygons along the edges of pixels with their holes,
 * measurements as properties.
 *
 * A feature's id is a UUID (RFC 9562, version 8) of the picture's name, plane and
 * label: the same in every run. */
#include "engine/cells/rings.h"
#include "formats/cells_columns.h"
#include "formats/json_write.h"
#include "formats/sha256.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void put_id(const qn_cells_out *c, uint32_t label, qn_json *j)
{
    uint8_t d[32];
    char own[64], id[40];
    qn_sha256 s;
    qn_sha256_init(&s);
    qn_sha256_add(&s, c->image, strlen(c->image));
    snprintf(own, sizeof own, "/%lld/%u", (long long)c->z, label);
    qn_sha256_add(&s, own, strlen(own));
    qn_sha256_end(&s, d);
    d[6] = (uint8_t)((d[6] & 0x0f) | 0x80);
    d[8] = (uint8_t)((d[8] & 0x3f) | 0x80);
    for (int i = 0, n = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) id[n++] = '-';
        n += snprintf(id + n, sizeof id - (size_t)n, "%02x", d[i]);
    }
    qn_json_text(j, "id", id);
}

static void put_corner(qn_json *j, const qn_corner *corner)
{
    qn_json_array(j, NULL);
    qn_json_int(j, NULL, corner->x);
    qn_json_int(j, NULL, corner->y);
    qn_json_close(j);
}

/* Its last corner is its first again. */
static void put_ring(qn_json *j, const qn_rings *rings, const qn_ring *ring)
{
    qn_json_array(j, NULL);
    for (int64_t i = 0; i <= ring->n; i++)
        put_corner(j, &rings->corners[ring->first + i % ring->n]);
    qn_json_close(j);
}

static void put_geometry(qn_json *j, const qn_rings *rings)
{
    const bool is_multi = rings->n_parts > 1;
    qn_json_object(j, "geometry");
    qn_json_text(j, "type", is_multi ? "MultiPolygon" : "Polygon");
    qn_json_array(j, "coordinates");
    for (int64_t k = 0; k < rings->n; k++) {
        if (is_multi && k > 0 && !rings->ring[k].is_hole) qn_json_close(j);
        if (is_multi && !rings->ring[k].is_hole) qn_json_array(j, NULL);
        put_ring(j, rings, &rings->ring[k]);
    }
    if (is_multi) qn_json_close(j);
    qn_json_close(j);
    qn_json_close(j);
}

static void put_measurement(void *ctx, const char *name, qn_column_kind kind,
                            double value)
{
    if (!isfinite(value) || strcmp(name, "label") == 0) return;
    if (kind == QN_COLUMN_SINGLE)
        qn_json_single(ctx, name, (float)value);
    else
        qn_json_real(ctx, name, value);
}

static void put_properties(const qn_cells_out *c, uint32_t label, qn_json *j)
{
    char name[32];
    uint8_t rgb[3];
    qn_label_colour(label, rgb);
    snprintf(name, sizeof name, "cell %u", label);
    qn_json_object(j, "properties");
    qn_json_text(j, "objectType", "detection");
    qn_json_text(j, "name", name);
    qn_json_array(j, "color");
    for (int i = 0; i < 3; i++)
        qn_json_int(j, NULL, rgb[i]);
    qn_json_close(j);
    qn_json_object(j, "measurements");
    qn_cells_each_column(c, label, put_measurement, j);
    qn_json_close(j);
    qn_json_close(j);
}

static quern_status put_feature(const qn_cells_out *c, uint32_t label, qn_rings *rings,
                                qn_json *j, quern_error *err)
{
    QN_TRY(qn_rings_trace(rings, label, err));
    qn_json_object(j, NULL);
    qn_json_text(j, "type", "Feature");
    put_id(c, label, j);
    put_geometry(j, rings);
    put_properties(c, label, j);
    qn_json_close(j);
    return qn_buf_status(j->out, err);
}

quern_status qn_cells_geojson(const qn_cells_out *c, qn_buf *out, quern_error *err)
{
    const qn_labels labels = qn_segmented_labels(c->seg, c->z);
    qn_rings rings;
    qn_json j;
    quern_status status = qn_rings_init(&rings, c->mem, &labels, c->runs, err);
    qn_json_begin(&j, out);
    qn_json_text(&j, "type", "FeatureCollection");
    qn_json_array(&j, "features");
    for (uint32_t k = 1; status == QUERN_OK && k <= c->runs->n_labels; k++)
        if (c->measures->cell[k - 1].area > 0)
            status = put_feature(c, k, &rings, &j, err);
    qn_json_end(&j);
    qn_rings_done(&rings);
    return status == QUERN_OK ? qn_buf_status(out, err) : status;
}
