/* SPDX-License-Identifier: Apache-2.0 */
/* formats/draw.h - pictures of lines and text, as PNG, SVG or PDF by the ending of the
 * file's name.
 *
 * Drawing is the plug-in quern-draw.so's (cairo), opened on first use from beside the
 * program or from ../lib/quern.  Without it everything here that can fail does so with
 * QUERN_UNSUPPORTED.  Points that are no finite numbers are left out; text may hold any
 * bytes.  The same calls give the same bytes on one machine. */
#ifndef QN_FORMATS_DRAW_H
#define QN_FORMATS_DRAW_H

#include "engine/os.h"
#include "formats/buffer.h"
#include "formats/draw_abi.h"

#define QN_BLACK 0x000000ffu
#define QN_WHITE 0xffffffffu

typedef struct qn_canvas qn_canvas;

/* By the ending, case ignored: .png, .svg or .pdf. */
quern_status qn_draw_kind_of(const char *path, qn_draw_kind *kind, quern_error *err);

/* What draws on a canvas. */
typedef void qn_draw_fn(qn_canvas *canvas, const void *what);

/* A drawing of width x height points; the title is for those who cannot see it. */
typedef struct qn_drawing {
    double width, height;
    const char *title;
    qn_draw_fn *draw;
    const void *what; /* for draw */
} qn_drawing;

/* Appends the file's bytes to out. */
quern_status qn_draw_bytes(qn_buf *out, qn_draw_kind kind, const qn_drawing *drawing,
                           quern_error *err);
/* The whole file or, after an error, the one that was there before. */
quern_status qn_draw_file(qn_mem *mem, const char *path, const qn_drawing *drawing,
                          quern_error *err);

/* ---- on a canvas: y grows downwards, lengths are points ---- */

void qn_draw_line(qn_canvas *c, double x0, double y0, double x1, double y1,
                  const qn_pen *pen);
/* Open outlines break at points that are not finite, closed ones skip them. */
void qn_draw_outline(qn_canvas *c, const qn_outline *outline, const qn_pen *pen);
void qn_draw_box(qn_canvas *c, const qn_box *box, const qn_pen *pen);
void qn_draw_circle(qn_canvas *c, double x, double y, double radius, const qn_pen *pen);
void qn_draw_text(qn_canvas *c, const qn_label *label);
double qn_draw_text_width(qn_canvas *c, const char *text, double size, bool bold);
void qn_draw_picture(qn_canvas *c, const qn_picture *picture, const qn_box *where);
/* Nothing is drawn outside the box, until it is NULL. */
void qn_draw_clip(qn_canvas *c, const qn_box *box);
/* What follows is on a new page, in a PDF. */
void qn_draw_next_page(qn_canvas *c);
/* Memory for what is drawn, freed with the canvas; NULL after a failure, which is kept
 * and ends the drawing. */
void *qn_draw_room(qn_canvas *c, size_t n, size_t size);

#endif
