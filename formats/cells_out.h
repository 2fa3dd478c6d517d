/* SPDX-License-Identifier: Apache-2.0 */
/* formats/cells_out.h - a segmented picture as files: one function per kind, all from
 * one struct, each appending the bytes of a whole file to a buffer.
 *
 * Pixel (x, y) is the square from (x, y) to (x+1, y+1) wherever polygons are written;
 * centroids count in centres of pixels, (0, 0) is the first one's.  Labels that have no
 * pixel are left out.  Same struct, same bytes. */
#ifndef QN_FORMATS_CELLS_OUT_H
#define QN_FORMATS_CELLS_OUT_H

#include "engine/cells/measure.h"
#include "formats/buffer.h"
#include "formats/image.h"
#include "formats/json_write.h"

/* What is known of the sample beside the picture; texts may be NULL. */
typedef struct qn_cells_sample {
    double fov_w_mm, fov_h_mm; /* field of view; 0: from um_per_px, if that is known */
    const char *well, *label, *timepoint;
} qn_cells_sample;

typedef struct qn_cells_out {
    const char *image;       /* its name, for people and programs */
    const qn_segmented *seg; /* um_per_px 0: nothing is said in micrometres */
    int64_t z;               /* the plane of it that is written */
    const qn_image *picture; /* 8-bit view of that plane; NULL: black */
    const qn_runs *runs;     /* by row */
    const qn_measures *measures;
    qn_cells_sample sample;
    int outline_rgb; /* 0xRRGGBB for all outlines; -1: each label its own colour */
    qn_mem *mem;     /* for what is needed on the way */
} qn_cells_out;

typedef quern_status qn_cells_write_fn(const qn_cells_out *c, qn_buf *out,
                                       quern_error *err);

/* A row per cell, behind comment lines "# key,value" about the picture. */
qn_cells_write_fn qn_cells_csv;
qn_cells_write_fn qn_cells_json;

/* Pictures, PNG: outlines (the pixels of cells beside others) or cells in their colours
 * on the picture; the flow as colours, as Cellpose draws it; the probability, 16 bits.
 * The last two fail with QUERN_INVALID when the struct has no flow, no probability. */
qn_cells_write_fn qn_cells_outlines_png;
qn_cells_write_fn qn_cells_overlay_png;
qn_cells_write_fn qn_cells_flows_png;
qn_cells_write_fn qn_cells_prob_png;

/* The first of them as pixels, RGB, in the arena; of every step-th row and column. */
quern_status qn_cells_outlined(const qn_cells_out *c, int step, qn_arena *arena,
                               qn_image *out, quern_error *err);

/* Outlines, exact but for the text: a zip of ImageJ's ROIs, GeoJSON for QuPath, COCO's
 * run lengths, and Cellpose's lines of border pixels. */
qn_cells_write_fn qn_cells_roi_zip;
qn_cells_write_fn qn_cells_geojson;
qn_cells_write_fn qn_cells_coco;
qn_cells_write_fn qn_cells_outlines_text;

/* ---- figures of the whole picture ---- */

double qn_cells_confluence(const qn_cells_out *c); /* percent of the picture */
/* Cells per square centimetre of the field of view; NaN: its size is not known. */
double qn_cells_density(const qn_cells_out *c);
/* All of them as the object "metrics", into an object or array that is open. */
void qn_cells_metrics(const qn_cells_out *c, qn_json *j);

/* ---- colours ---- */

/* The colour of a label: the same in every picture and every run, never dark. */
void qn_label_colour(uint32_t label, uint8_t rgb[3]);

#endif
