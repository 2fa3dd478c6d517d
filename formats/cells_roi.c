/* SPDX-License-Identifier: Apache-2.0 */
/* formats/cells_roi.c - outlines for ImageJ's ROI Manager: a zip archive of one .roi
 * file per cell, NNNN-YYYY-XXXX.roi by label and centre.
 *
 * Corners lie on the edges of pixels, as ImageJ's own wand puts them, so that ImageJ
 * finds the area that was counted.  A cell of one ring is a traced polygon of 16-bit
 * corners; one with holes, in pieces or beyond 16 bits is a composite: a path of
 * "move to", "line to", "close", where holes go round the other way.
 *
 * The header, big-endian: "Iout" version(2) type(1) 0 top left bottom right n(2 each)
 * .. 36: floats of the path(4) .. 56: slice(4) 60: second header(4), 64: data. */
#include "engine/cells/rings.h"
#include "formats/cells_out.h"
#include "formats/zip_write.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { HEADER = 64, VERSION = 228, COMPOSITE = 1, TRACED = 8, MOST = 32767 };
enum { MOVE_TO = 0, LINE_TO = 1, CLOSE = 4 };

static void put_u16(uint8_t *p, int64_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void put_u32(uint8_t *p, int64_t v)
{
    put_u16(p, v >> 16);
    put_u16(p + 2, v);
}

static void add_u16(qn_buf *out, int64_t v)
{
    uint8_t p[2];
    put_u16(p, v);
    qn_buf_add(out, p, 2);
}

static void add_float(qn_buf *out, float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    qn_buf_u32be(out, bits);
}

static int64_t at_most(int64_t v)
{
    return v < MOST ? v : MOST;
}

/* slice: from 1; 0 where there is only one. */
static void put_header(qn_buf *out, const qn_cell *cell, int64_t n, int64_t path,
                       int64_t slice)
{
    uint8_t h[HEADER] = {'I', 'o', 'u', 't'};
    put_u16(h + 4, VERSION);
    h[6] = path ? COMPOSITE : TRACED;
    put_u16(h + 8, at_most(cell->top));
    put_u16(h + 10, at_most(cell->left));
    put_u16(h + 12, at_most(cell->bottom));
    put_u16(h + 14, at_most(cell->right));
    put_u16(h + 16, path ? 0 : n);
    put_u32(h + 36, path);
    put_u32(h + 56, slice);
    qn_buf_add(out, h, sizeof h);
}

static void put_polygon(qn_buf *out, const qn_rings *rings, const qn_cell *cell)
{
    const qn_ring *ring = rings->ring;
    for (int64_t i = 0; i < ring->n; i++)
        add_u16(out, rings->corners[ring->first + i].x - cell->left);
    for (int64_t i = 0; i < ring->n; i++)
        add_u16(out, rings->corners[ring->first + i].y - cell->top);
}

static void put_path(qn_buf *out, const qn_rings *rings)
{
    for (int64_t k = 0; k < rings->n; k++) {
        const qn_ring *ring = &rings->ring[k];
        for (int64_t i = 0; i < ring->n; i++) {
            add_float(out, i == 0 ? MOVE_TO : LINE_TO);
            add_float(out, (float)rings->corners[ring->first + i].x);
            add_float(out, (float)rings->corners[ring->first + i].y);
        }
        add_float(out, CLOSE);
    }
}

static void put_roi(qn_buf *out, const qn_rings *rings, const qn_cell *cell,
                    int64_t slice)
{
    int64_t path = 0;
    const bool is_polygon = rings->n == 1 && rings->ring[0].n <= MOST &&
                            cell->right <= MOST && cell->bottom <= MOST;
    for (int64_t k = 0; !is_polygon && k < rings->n; k++)
        path += 3 * rings->ring[k].n + 1;
    put_header(out, cell, rings->ring[0].n, path, slice);
    if (is_polygon)
        put_polygon(out, rings, cell);
    else
        put_path(out, rings);
}

static quern_status add_cell(const qn_cells_out *c, uint32_t label, qn_rings *rings,
                             qn_buf *roi, qn_zip *zip, quern_error *err)
{
    char name[64];
    const qn_cell *cell = &c->measures->cell[label - 1];
    QN_TRY(qn_rings_trace(rings, label, err));
    qn_buf_clear(roi);
    put_roi(roi, rings, cell, c->seg->depth > 1 ? c->z + 1 : 0);
    QN_TRY(qn_buf_status(roi, err));
    snprintf(name, sizeof name, "%04u-%04ld-%04ld.roi", label, lrint(cell->y),
             lrint(cell->x));
    return qn_zip_add(zip, name, roi->p, roi->n, err);
}

quern_status qn_cells_roi_zip(const qn_cells_out *c, qn_buf *out, quern_error *err)
{
    const qn_labels labels = qn_segmented_labels(c->seg, c->z);
    qn_rings rings;
    qn_buf roi;
    qn_zip zip;
    qn_buf_init(&roi, c->mem);
    qn_zip_begin_in(&zip, out);
    quern_status status = qn_rings_init(&rings, c->mem, &labels, c->runs, err);
    for (uint32_t k = 1; status == QUERN_OK && k <= c->runs->n_labels; k++)
        if (c->measures->cell[k - 1].area > 0)
            status = add_cell(c, k, &rings, &roi, &zip, err);
    if (status == QUERN_OK) status = qn_zip_end(&zip, err);
    qn_zip_done(&zip);
    qn_rings_done(&rings);
    qn_buf_done(&roi);
    return status;
}
