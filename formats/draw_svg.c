/* SPDX-License-Identifier: Apache-2.0 */
/* formats/draw_svg.c - see draw_svg.h.  SVG 1.1 without ids, so that any number of
 * pictures can stand in one page; clipping is a nested <svg>. */
#include "formats/draw_svg.h"

#include "formats/markup.h"
#include "formats/png_write.h"

static void put_number(qn_svg *s, const char *before, double value)
{
    qn_buf_text(s->out, before);
    qn_markup_number(s->out, value);
}

/* x="1" y="2" width="3" height="4" */
static void put_box(qn_svg *s, const qn_box *box)
{
    put_number(s, " x=\"", box->x);
    put_number(s, "\" y=\"", box->y);
    put_number(s, "\" width=\"", box->width);
    put_number(s, "\" height=\"", box->height);
    qn_buf_text(s->out, "\"");
}

static void put_colour(qn_svg *s, const char *what, qn_colour c)
{
    qn_buf_format(s->out, " %s=\"#%06x\"", what, (unsigned)(c >> 8));
    if ((c & 255) == 255) return;
    qn_buf_format(s->out, " %s-opacity=\"", what);
    put_number(s, "", (c & 255) / 255.0);
    qn_buf_text(s->out, "\"");
}

static void put_pen(qn_svg *s, const qn_pen *pen)
{
    if (pen->fill & 255)
        put_colour(s, "fill", pen->fill);
    else
        qn_buf_text(s->out, " fill=\"none\"");
    if (pen->width > 0 && (pen->stroke & 255)) {
        put_colour(s, "stroke", pen->stroke);
        put_number(s, " stroke-width=\"", pen->width);
        if (pen->dash > 0) put_number(s, "\" stroke-dasharray=\"", pen->dash);
        qn_buf_text(s->out, "\"");
    }
    qn_buf_text(s->out, "/>\n");
}

void qn_svg_begin(qn_svg *s, const qn_sheet *sheet)
{
    const qn_box all = {0, 0, sheet->width, sheet->height};
    put_number(s, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"", all.width);
    put_number(s, "\" height=\"", all.height);
    put_number(s, "\" viewBox=\"0 0 ", all.width);
    put_number(s, " ", all.height);
    qn_buf_text(s->out,
                "\" role=\"img\" font-family=\"'DejaVu Sans',Verdana,sans-serif\" "
                "stroke-linejoin=\"round\">\n<title>");
    qn_markup_text(s->out, sheet->title);
    qn_buf_text(s->out, "</title>\n<rect");
    put_box(s, &all);
    qn_buf_text(s->out, " fill=\"#ffffff\"/>\n");
}

static void clip(void *canvas, const qn_box *box)
{
    qn_svg *s = canvas;
    if (s->is_clipped) qn_buf_text(s->out, "</svg>\n");
    s->is_clipped = box != NULL;
    if (!box) return;
    qn_buf_text(s->out, "<svg");
    put_box(s, box);
    put_number(s, " viewBox=\"", box->x);
    put_number(s, " ", box->y);
    put_number(s, " ", box->width);
    put_number(s, " ", box->height);
    qn_buf_text(s->out, "\">\n");
}

void qn_svg_end(qn_svg *s)
{
    clip(s, NULL);
    qn_buf_text(s->out, "</svg>\n");
}

static void trace(void *canvas, const qn_outline *outline, const qn_pen *pen)
{
    qn_svg *s = canvas;
    qn_buf_text(s->out, "<path d=\"");
    for (size_t i = 0; i < outline->n; i++) {
        put_number(s, i == 0 ? "M" : "L", outline->at[i].x);
        put_number(s, " ", outline->at[i].y);
    }
    qn_buf_text(s->out, outline->is_closed ? "z\"" : "\"");
    put_pen(s, pen);
}

static void circle(void *canvas, qn_spot centre, double radius, const qn_pen *pen)
{
    qn_svg *s = canvas;
    put_number(s, "<circle cx=\"", centre.x);
    put_number(s, "\" cy=\"", centre.y);
    put_number(s, "\" r=\"", radius);
    qn_buf_text(s->out, "\"");
    put_pen(s, pen);
}

static double text_width(void *canvas, const char *text, double size, bool bold)
{
    qn_svg *s = canvas;
    return s->plugin->text_width(s->state, text, size, bold);
}

/* textLength holds the width that the layout counts on, whatever font is there. */
static void text(void *canvas, const qn_label *label)
{
    qn_svg *s = canvas;
    if ((label->colour & 255) == 0) return;
    const double width = text_width(s, label->text, label->size, label->bold);
    put_number(s, "<text x=\"", label->x - label->h * width);
    put_number(s, "\" y=\"", label->y + label->v * QN_CAP_HEIGHT * label->size);
    put_number(s, "\" font-size=\"", label->size);
    put_number(s, "\" textLength=\"", width);
    qn_buf_text(s->out, label->bold ? "\" font-weight=\"bold\"" : "\"");
    if (label->turn != 0) {
        put_number(s, " transform=\"rotate(", label->turn);
        put_number(s, " ", label->x);
        put_number(s, " ", label->y);
        qn_buf_text(s->out, ")\"");
    }
    put_colour(s, "fill", label->colour);
    qn_buf_text(s->out, ">");
    qn_markup_text(s->out, label->text);
    qn_buf_text(s->out, "</text>\n");
}

static void picture(void *canvas, const qn_picture *picture, const qn_box *where)
{
    qn_svg *s = canvas;
    const qn_png png = {(uint32_t)picture->width, (uint32_t)picture->height, 3, 8,
                        picture->rgb};
    qn_buf bytes;
    qn_buf_init(&bytes, s->out->mem);
    if (qn_png_write(&bytes, &png, &s->out->error) == QUERN_OK) {
        qn_buf_text(s->out, "<image");
        put_box(s, where);
        qn_buf_text(s->out, " preserveAspectRatio=\"none\"");
        if (where->width >= picture->width)
            qn_buf_text(s->out, " style=\"image-rendering:pixelated\"");
        qn_buf_text(s->out, " href=\"data:image/png;base64,");
        qn_markup_base64(s->out, bytes.p, bytes.n);
        qn_buf_text(s->out, "\"/>\n");
    }
    qn_buf_done(&bytes);
}

/* An SVG is one page. */
static void next_page(void *canvas)
{
    clip(canvas, NULL);
}

const qn_draw_abi qn_svg_abi = {
    .version = QN_DRAW_VERSION,
    .trace = trace,
    .circle = circle,
    .text = text,
    .text_width = text_width,
    .picture = picture,
    .clip = clip,
    .next_page = next_page,
};
