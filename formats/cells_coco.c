/* SPDX-License-Identifier: Apache-2.0 */
/* formats/cells_coco.c - cells as COCO annotations, exactly: segmentation is the
 * uncompressed run lengths of the whole picture, column by column, beginning with
 * background; pycocotools' frPyObjects reads them.  COCO's own rasteriser would not
 * give polygons' pixels back. */
#include "formats/cells_out.h"
#include "formats/json_write.h"

/* Runs that follow each other from one column to the next are one. */
static void put_counts(const qn_cells_out *c, const qn_runs *columns, uint32_t label,
                       qn_json *j)
{
    const int64_t height = c->seg->height, all = height * c->seg->width;
    int64_t n, end = 0, length = 0;
    const qn_run *run = qn_runs_of(columns, label, &n);
    qn_json_array(j, "counts");
    for (int64_t i = 0; i < n; i++) {
        const int64_t begin = run[i].line * height + run[i].begin;
        if (i > 0 && begin > end) qn_json_int(j, NULL, length);
        if (i == 0 || begin > end) {
            qn_json_int(j, NULL, begin - end);
            length = 0;
        }
        length += run[i].end - run[i].begin;
        end = run[i].line * height + run[i].end;
    }
    qn_json_int(j, NULL, length);
    if (end < all) qn_json_int(j, NULL, all - end);
    qn_json_close(j);
}

static void put_annotation(const qn_cells_out *c, const qn_runs *columns,
                           uint32_t label, qn_json *j)
{
    const qn_cell *cell = &c->measures->cell[label - 1];
    const int64_t box[4] = {cell->left, cell->top, cell->right - cell->left,
                            cell->bottom - cell->top};
    qn_json_object(j, NULL);
    qn_json_int(j, "id", label);
    qn_json_int(j, "image_id", 1);
    qn_json_int(j, "category_id", 1);
    qn_json_object(j, "segmentation");
    qn_json_array(j, "size");
    qn_json_int(j, NULL, c->seg->height);
    qn_json_int(j, NULL, c->seg->width);
    qn_json_close(j);
    put_counts(c, columns, label, j);
    qn_json_close(j);
    qn_json_int(j, "area", cell->area);
    qn_json_array(j, "bbox");
    for (int i = 0; i < 4; i++)
        qn_json_int(j, NULL, box[i]);
    qn_json_close(j);
    qn_json_int(j, "iscrowd", 0);
    qn_json_close(j);
}

static void put_head(const qn_cells_out *c, qn_json *j)
{
    qn_json_object(j, "info");
    qn_json_text(j, "description", "cells segmented by quern " QUERN_VERSION);
    qn_json_close(j);
    qn_json_array(j, "images");
    qn_json_object(j, NULL);
    qn_json_int(j, "id", 1);
    qn_json_text(j, "file_name", c->image);
    qn_json_int(j, "width", c->seg->width);
    qn_json_int(j, "height", c->seg->height);
    qn_json_close(j);
    qn_json_close(j);
    qn_json_array(j, "categories");
    qn_json_object(j, NULL);
    qn_json_int(j, "id", 1);
    qn_json_text(j, "name", "cell");
    qn_json_close(j);
    qn_json_close(j);
}

quern_status qn_cells_coco(const qn_cells_out *c, qn_buf *out, quern_error *err)
{
    const qn_labels labels = qn_segmented_labels(c->seg, c->z);
    qn_arena arena;
    qn_runs columns;
    qn_json j;
    qn_arena_init(&arena, c->mem);
    quern_status status =
        qn_runs_make(&labels, c->runs->n_labels, true, &arena, &columns, err);
    qn_json_begin(&j, out);
    put_head(c, &j);
    qn_json_array(&j, "annotations");
    for (uint32_t k = 1; status == QUERN_OK && k <= columns.n_labels; k++)
        if (c->measures->cell[k - 1].area > 0) put_annotation(c, &columns, k, &j);
    qn_json_end(&j);
    qn_arena_done(&arena);
    return status == QUERN_OK ? qn_buf_status(out, err) : status;
}
