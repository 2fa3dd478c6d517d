/* SPDX-License-Identifier: Apache-2.0 */
/* formats/draw_abi.h - what a drawing plug-in offers: one struct of functions.
 *
 * The plug-in quern-draw.so (plugin.h) links cairo; nothing else does.  It calls
 * nothing of ours: bytes leave through the sink it is given, and its state lives in
 * memory the caller gives.  Lengths are points (1/72 inch), y grows downwards. The
 * front (draw.h) sees to it that numbers are finite and of a sane size and that text is
 * UTF-8 without control characters. */
#ifndef QN_FORMATS_DRAW_ABI_H
#define QN_FORMATS_DRAW_ABI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QN_DRAW_VERSION 1 /* grows with every change of this file */

typedef enum qn_draw_kind { QN_DRAW_PNG, QN_DRAW_SVG, QN_DRAW_PDF } qn_draw_kind;

typedef uint32_t qn_colour; /* 0xRRGGBBAA; with AA 0 nothing is drawn */

typedef struct qn_spot {
    double x, y;
} qn_spot;

typedef struct qn_box {
    double x, y, width, height;
} qn_box;

/* How an outline is painted: filled first, then stroked. */
typedef struct qn_pen {
    qn_colour fill, stroke;
    double width; /* of the stroke */
    double dash;  /* length of dashes and of the gaps between them; 0: solid */
} qn_pen;

typedef struct qn_outline {
    const qn_spot *at;
    size_t n;
    bool is_closed;
} qn_outline;

/* The point of the text that lies at (x, y): h from 0 left to 1 right, v from 0
 * baseline to 1 top of the capitals. */
typedef struct qn_label {
    const char *text;
    double x, y, h, v;
    double size; /* of the font */
    double turn; /* degrees, clockwise, around (x, y) */
    bool bold;
    qn_colour colour;
} qn_label;

#define QN_CAP_HEIGHT 0.729 /* of DejaVu Sans, in units of the font's size */

typedef struct qn_picture {
    int width, height;
    const uint8_t *rgb; /* [height][width][3] */
} qn_picture;

/* Takes the next n bytes of the file; false: it cannot, and the file is lost. */
typedef bool qn_draw_sink(void *ctx, const void *p, size_t n);

typedef struct qn_sheet {
    qn_draw_kind kind;
    double width, height;
    double scale; /* pixels of a PNG per point */
    const char *title;
    qn_draw_sink *sink;
    void *ctx;
} qn_sheet;

/* canvas points to state_bytes bytes, aligned to 16, which open fills. */
typedef struct qn_draw_abi {
    uint32_t version; /* QN_DRAW_VERSION: look at it before anything else */
    size_t state_bytes;
    const char *(*about)(void); /* "cairo 1.16.0" */
    /* NULL, or what went wrong; then close is not called. */
    const char *(*open)(void *canvas, const qn_sheet *sheet);
    void (*trace)(void *canvas, const qn_outline *outline, const qn_pen *pen);
    void (*circle)(void *canvas, qn_spot centre, double radius, const qn_pen *pen);
    void (*text)(void *canvas, const qn_label *label);
    double (*text_width)(void *canvas, const char *text, double size, bool bold);
    void (*picture)(void *canvas, const qn_picture *picture, const qn_box *where);
    void (*clip)(void *canvas, const qn_box *box); /* until it is NULL; does not nest */
    void (*next_page)(void *canvas);               /* of a PDF */
    /* Ends the file and the state; NULL, or what went wrong since open. */
    const char *(*close)(void *canvas);
} qn_draw_abi;

#endif
