/* SPDX-License-Identifier: Apache-2.0 */
/* formats/plugins/draw_cairo.c - the plug-in quern-draw.so: PNG and PDF by cairo.
 *
 * The same calls give the same bytes: dates in PDFs are fixed, hinting and subpixels
 * are off.  DejaVu Sans, where fontconfig has it, holds Latin, Greek and Cyrillic.  SVG
 * is written by draw_svg.c, which needs the width of text from here: a sheet of that
 * kind draws nothing. */
#include "formats/draw_abi.h"

#include <cairo-pdf.h>
#include <cairo.h>
#include <math.h>
#include <string.h>

#define PAGE_SIDE 20000 /* pixels of a PNG, at most */

typedef struct state {
    cairo_surface_t *surface;
    cairo_t *cr;
    qn_sheet sheet;
    bool is_clipped, is_lost; /* is_lost: the sink refused bytes */
} state;

/* Always well: told of an error, cairo 1.16 loses what its PDF pages hold. */
static cairo_status_t write_bytes(void *ctx, const unsigned char *p, unsigned int n)
{
    state *s = ctx;
    if (!s->is_lost) s->is_lost = !s->sheet.sink(s->sheet.ctx, p, n);
    return CAIRO_STATUS_SUCCESS;
}

static const char *about(void)
{
    return "cairo " CAIRO_VERSION_STRING;
}

static void set_fonts(cairo_t *cr)
{
    cairo_font_options_t *options = cairo_font_options_create();
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    cairo_set_font_options(cr, options);
    cairo_font_options_destroy(options);
}

static cairo_surface_t *make_surface(state *s)
{
    const qn_sheet *sheet = &s->sheet;
    if (sheet->kind == QN_DRAW_PDF) {
        cairo_surface_t *pdf = cairo_pdf_surface_create_for_stream(
            write_bytes, s, sheet->width, sheet->height);
        cairo_pdf_surface_set_metadata(pdf, CAIRO_PDF_METADATA_TITLE, sheet->title);
        cairo_pdf_surface_set_metadata(pdf, CAIRO_PDF_METADATA_CREATOR, "quern");
        cairo_pdf_surface_set_metadata(pdf, CAIRO_PDF_METADATA_CREATE_DATE,
                                       "2000-01-01T00:00:00Z");
        return pdf;
    }
    const bool empty = sheet->kind == QN_DRAW_SVG;
    const double w = empty ? 1 : ceil(sheet->width * sheet->scale);
    const double h = empty ? 1 : ceil(sheet->height * sheet->scale);
    if (!(w >= 1 && w <= PAGE_SIDE && h >= 1 && h <= PAGE_SIDE)) return NULL;
    return cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)w, (int)h);
}

static const char *open_sheet(void *canvas, const qn_sheet *sheet)
{
    state *s = canvas;
    *s = (state){.sheet = *sheet};
    s->surface = make_surface(s);
    if (!s->surface) return "the picture is too large";
    s->cr = cairo_create(s->surface);
    const cairo_status_t status = cairo_status(s->cr);
    if (status != CAIRO_STATUS_SUCCESS) {
        cairo_destroy(s->cr);
        cairo_surface_destroy(s->surface);
        return cairo_status_to_string(status);
    }
    set_fonts(s->cr);
    cairo_set_line_join(s->cr, CAIRO_LINE_JOIN_ROUND);
    if (sheet->kind == QN_DRAW_PNG) {
        cairo_scale(s->cr, sheet->scale, sheet->scale);
        cairo_set_source_rgb(s->cr, 1, 1, 1);
        cairo_paint(s->cr);
    }
    return NULL;
}

static bool set_colour(cairo_t *cr, qn_colour c)
{
    const double byte = 1.0 / 255;
    cairo_set_source_rgba(cr, (c >> 24) * byte, (c >> 16 & 255) * byte,
                          (c >> 8 & 255) * byte, (c & 255) * byte);
    return (c & 255) != 0;
}

/* Paints the current path and forgets it. */
static void paint(cairo_t *cr, const qn_pen *pen)
{
    if (set_colour(cr, pen->fill)) cairo_fill_preserve(cr);
    if (pen->width > 0 && set_colour(cr, pen->stroke)) {
        cairo_set_line_width(cr, pen->width);
        cairo_set_dash(cr, &pen->dash, pen->dash > 0, 0);
        cairo_stroke_preserve(cr);
    }
    cairo_new_path(cr);
}

static void trace(void *canvas, const qn_outline *outline, const qn_pen *pen)
{
    cairo_t *cr = ((state *)canvas)->cr;
    for (size_t i = 0; i < outline->n; i++)
        cairo_line_to(cr, outline->at[i].x, outline->at[i].y);
    if (outline->is_closed) cairo_close_path(cr);
    paint(cr, pen);
}

static void circle(void *canvas, qn_spot centre, double radius, const qn_pen *pen)
{
    cairo_t *cr = ((state *)canvas)->cr;
    cairo_new_sub_path(cr);
    cairo_arc(cr, centre.x, centre.y, radius, 0, 2 * 3.14159265358979323846);
    cairo_close_path(cr);
    paint(cr, pen);
}

static void set_face(cairo_t *cr, double size, bool bold)
{
    cairo_select_font_face(cr, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL,
                           bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cr, size);
}

static double text_width(void *canvas, const char *text, double size, bool bold)
{
    cairo_t *cr = ((state *)canvas)->cr;
    cairo_text_extents_t e;
    set_face(cr, size, bold);
    cairo_text_extents(cr, text, &e);
    return e.x_advance;
}

static void text(void *canvas, const qn_label *label)
{
    cairo_t *cr = ((state *)canvas)->cr;
    const double width = text_width(canvas, label->text, label->size, label->bold);
    if (!set_colour(cr, label->colour)) return;
    cairo_save(cr);
    cairo_translate(cr, label->x, label->y);
    cairo_rotate(cr, label->turn * 3.14159265358979323846 / 180);
    cairo_move_to(cr, -label->h * width, label->v * QN_CAP_HEIGHT * label->size);
    cairo_show_text(cr, label->text);
    cairo_restore(cr);
    cairo_new_path(cr);
}

/* An image surface with the picture's pixels; check its status. */
static cairo_surface_t *surface_of(const qn_picture *picture)
{
    cairo_surface_t *s =
        cairo_image_surface_create(CAIRO_FORMAT_RGB24, picture->width, picture->height);
    if (cairo_surface_status(s) != CAIRO_STATUS_SUCCESS) return s;
    unsigned char *row = cairo_image_surface_get_data(s);
    const uint8_t *rgb = picture->rgb;
    for (int y = 0; y < picture->height; y++, row += cairo_image_surface_get_stride(s))
        for (int x = 0; x < picture->width; x++, rgb += 3) {
            const uint32_t pixel =
                (uint32_t)rgb[0] << 16 | (uint32_t)rgb[1] << 8 | rgb[2];
            memcpy(row + 4 * (size_t)x, &pixel, 4);
        }
    cairo_surface_mark_dirty(s);
    return s;
}

/* Small pictures are shown by their pixels, not smoothed. */
static void picture(void *canvas, const qn_picture *picture, const qn_box *where)
{
    cairo_t *cr = ((state *)canvas)->cr;
    cairo_surface_t *s = surface_of(picture);
    const bool grows = where->width >= picture->width;
    cairo_save(cr);
    cairo_translate(cr, where->x, where->y);
    cairo_scale(cr, where->width / picture->width, where->height / picture->height);
    cairo_set_source_surface(cr, s, 0, 0);
    cairo_pattern_set_filter(cairo_get_source(cr),
                             grows ? CAIRO_FILTER_NEAREST : CAIRO_FILTER_GOOD);
    cairo_rectangle(cr, 0, 0, picture->width, picture->height);
    cairo_fill(cr);
    cairo_restore(cr);
    cairo_surface_destroy(s);
}

static void clip(void *canvas, const qn_box *box)
{
    state *s = canvas;
    if (s->is_clipped) cairo_restore(s->cr);
    s->is_clipped = box != NULL;
    if (!box) return;
    cairo_save(s->cr);
    cairo_rectangle(s->cr, box->x, box->y, box->width, box->height);
    cairo_clip(s->cr);
}

static void next_page(void *canvas)
{
    clip(canvas, NULL);
    cairo_show_page(((state *)canvas)->cr);
}

static const char *close_sheet(void *canvas)
{
    state *s = canvas;
    clip(canvas, NULL);
    cairo_status_t status = cairo_status(s->cr);
    cairo_destroy(s->cr);
    if (s->sheet.kind == QN_DRAW_PNG && status == CAIRO_STATUS_SUCCESS)
        status = cairo_surface_write_to_png_stream(s->surface, write_bytes, s);
    cairo_surface_finish(s->surface);
    if (status == CAIRO_STATUS_SUCCESS) status = cairo_surface_status(s->surface);
    cairo_surface_destroy(s->surface);
    if (status == CAIRO_STATUS_SUCCESS && s->is_lost) status = CAIRO_STATUS_WRITE_ERROR;
    return status == CAIRO_STATUS_SUCCESS ? NULL : cairo_status_to_string(status);
}

__attribute__((visibility("default"))) const void *qn_draw_plugin(void);

const void *qn_draw_plugin(void)
{
    static const qn_draw_abi abi = {
        .version = QN_DRAW_VERSION,
        .state_bytes = sizeof(state),
        .about = about,
        .open = open_sheet,
        .trace = trace,
        .circle = circle,
        .text = text,
        .text_width = text_width,
        .picture = picture,
        .clip = clip,
        .next_page = next_page,
        .close = close_sheet,
    };
    return &abi;
}
