/* SPDX-License-Identifier: Apache-2.0 */
/* tools/html.c - see html.h. */
#include "tools/html.h"

#include "formats/markup.h"
#include "formats/png_write.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char style[] =
    ":root{color-scheme:light dark;--ink:#1f1f1f;--soft:#5f5f5f;--line:#dcdcdc;"
    "--page:#fff;--tile:#f5f6f8;--blue:#0072b2}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6e6e6;--soft:#a5a5a5;"
    "--line:#3b3b3b;--page:#161718;--tile:#222426;--blue:#56b4e9}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0 auto;max-width:60rem;padding:2rem 1.25rem "
    "4rem;background:var(--page);"
    "color:var(--ink);font:15px/1.5 'DejaVu Sans',Verdana,sans-serif}\n"
    "h1{font-size:1.7rem;line-height:1.2;margin:0}\n"
    "header p{color:var(--soft);margin:.4rem 0 0}\n"
    "h2{font-size:1.15rem;margin:2.4rem 0 .8rem;padding-bottom:.3rem;"
    "border-bottom:1px solid var(--line)}\n"
    ".tiles{display:flex;flex-wrap:wrap;gap:.75rem;margin:1.2rem 0;padding:0}\n"
    ".tiles div{background:var(--tile);border-radius:.5rem;padding:.7rem 1rem;"
    "flex:1 1 9rem}\n"
    ".tiles dt{color:var(--soft);font-size:.8rem}\n"
    ".tiles dd{margin:0;font-size:1.5rem;font-weight:bold;color:var(--blue)}\n"
    ".tiles dd+dd{font-size:.75rem;font-weight:normal;color:var(--soft)}\n"
    ".scroll{overflow:auto;max-height:40rem}\n"
    "table{border-collapse:collapse;font-size:.87rem;font-variant-numeric:tabular-nums}"
    "\n"
    "caption{text-align:left;color:var(--soft);padding:.2rem 0}\n"
    "th,td{padding:.25rem .9rem .25rem 0;text-align:left;vertical-align:top;"
    "border-bottom:1px solid var(--line)}\n"
    "thead th{color:var(--soft);font-weight:normal;position:sticky;top:0;"
    "background:var(--page)}\n"
    "tbody th{font-weight:normal}\n"
    ".r{text-align:right}\n"
    ".figures{display:flex;flex-wrap:wrap;gap:1rem;align-items:flex-start}\n"
    "figure{margin:0;max-width:100%}\n"
    "figure svg{max-width:100%;height:auto;border-radius:.4rem;display:block}\n"
    "figure img{width:112px;height:112px;object-fit:contain;image-rendering:pixelated;"
    "background:var(--tile);border-radius:.4rem;display:block}\n"
    "figcaption{font-size:.75rem;color:var(--soft);margin-top:.25rem;max-width:40rem;"
    "overflow-wrap:anywhere}\n"
    "img+figcaption{width:112px}\n"
    ".photo img{width:auto;height:auto;max-width:100%}\n"
    ".photo img+figcaption{width:auto}\n"
    "@page{size:A4;margin:16mm}\n"
    "@media "
    "print{:root{color-scheme:light;--ink:#000;--soft:#444;--line:#ccc;--page:#fff;"
    "--tile:#f5f6f8;--blue:#0072b2}body{padding:0;max-width:none;font-size:10pt}"
    ".scroll{overflow:visible;max-height:none}thead{display:table-header-group}"
    "tr,figure,.tiles{break-inside:avoid}h2{break-after:avoid}"
    "*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}\n";

/* <tag>text</tag> */
static void put(qn_html *h, const char *tag, const char *text)
{
    qn_buf_format(h->out, "<%s>", tag);
    qn_markup_text(h->out, text);
    qn_buf_format(h->out, "</%s>\n", tag);
}

void qn_html_begin(qn_html *h, qn_buf *out, const char *title, const char *subtitle)
{
    *h = (qn_html){.out = out};
    qn_buf_text(
        out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
             "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src "
             "'none'; img-src data:; style-src 'unsafe-inline'\">\n"
             "<meta name=\"viewport\" content=\"width=device-width\">\n");
    put(h, "title", title);
    qn_buf_text(out, "<style>\n");
    qn_buf_text(out, style);
    qn_buf_text(out, "</style>\n</head>\n<body>\n<header>\n");
    put(h, "h1", title);
    if (subtitle) put(h, "p", subtitle);
    qn_buf_text(out, "</header>\n<main>\n");
}

static void end_section(qn_html *h)
{
    if (h->in_section) qn_buf_text(h->out, "</section>\n");
    h->in_section = false;
}

void qn_html_end(qn_html *h)
{
    end_section(h);
    qn_buf_text(h->out, "</main>\n</body>\n</html>\n");
}

void qn_html_section(qn_html *h, const char *title)
{
    end_section(h);
    qn_buf_text(h->out, "<section>\n");
    put(h, "h2", title);
    h->in_section = true;
}

void qn_html_text(qn_html *h, const char *format, ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    put(h, "p", text);
}

void qn_html_tiles_begin(qn_html *h)
{
    qn_buf_text(h->out, "<dl class=\"tiles\">\n");
}

void qn_html_tile(qn_html *h, const char *name, const char *value, const char *note)
{
    qn_buf_text(h->out, "<div>");
    put(h, "dt", name);
    put(h, "dd", value);
    if (note) put(h, "dd", note);
    qn_buf_text(h->out, "</div>\n");
}

void qn_html_tiles_end(qn_html *h)
{
    qn_buf_text(h->out, "</dl>\n");
}

/* ---- tables ---- */

static const char *class_of(const qn_html *h, int column)
{
    return h->align[column] == 'r' ? " class=\"r\"" : "";
}

void qn_html_table_begin(qn_html *h, const char *caption, const char *align,
                         const char *const *headings)
{
    h->align = align;
    h->column = 0;
    qn_buf_text(h->out, "<div class=\"scroll\" tabindex=\"0\">\n<table>\n");
    if (caption) put(h, "caption", caption);
    qn_buf_text(h->out, "<thead><tr>");
    for (int i = 0; align[i]; i++) {
        qn_buf_format(h->out, "<th scope=\"col\"%s>", class_of(h, i));
        qn_markup_text(h->out, headings[i]);
        qn_buf_text(h->out, "</th>");
    }
    qn_buf_text(h->out, "</tr></thead>\n<tbody>\n");
}

void qn_html_cell(qn_html *h, const char *format, ...)
{
    char text[1024];
    va_list args;
    const char *tag = h->column == 0 ? "th" : "td";
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (h->column == 0) qn_buf_text(h->out, "<tr>");
    qn_buf_format(h->out, "<%s%s%s>", tag, h->column == 0 ? " scope=\"row\"" : "",
                  class_of(h, h->column));
    qn_markup_text(h->out, text);
    qn_buf_format(h->out, "</%s>", tag);
    h->column++;
    if (h->align[h->column]) return;
    qn_buf_text(h->out, "</tr>\n");
    h->column = 0;
}

void qn_html_table_end(qn_html *h)
{
    qn_buf_text(h->out, "</tbody>\n</table>\n</div>\n");
}

/* ---- pictures ---- */

void qn_html_figures_begin(qn_html *h)
{
    qn_buf_text(h->out, "<div class=\"figures\">\n");
}

void qn_html_figures_end(qn_html *h)
{
    qn_buf_text(h->out, "</div>\n");
}

void qn_html_svg(qn_html *h, const char *svg, size_t n, const char *caption)
{
    qn_buf_text(h->out, "<figure>\n");
    qn_buf_add(h->out, svg, n);
    if (caption) put(h, "figcaption", caption);
    qn_buf_text(h->out, "</figure>\n");
}

static void put_image(qn_html *h, const char *tag, const qn_png *png,
                      const char *caption)
{
    qn_buf bytes;
    qn_buf_init(&bytes, h->out->mem);
    if (qn_png_write(&bytes, png, &h->out->error) == QUERN_OK) {
        qn_buf_format(h->out, "<%s><img src=\"data:image/png;base64,", tag);
        qn_markup_base64(h->out, bytes.p, bytes.n);
        qn_buf_text(h->out, "\" alt=\"\">");
        if (caption) put(h, "figcaption", caption);
        qn_buf_text(h->out, "</figure>\n");
    }
    qn_buf_done(&bytes);
}

void qn_html_picture(qn_html *h, int width, int height, int channels,
                     const uint8_t *pixels, const char *caption)
{
    const qn_png png = {(uint32_t)width, (uint32_t)height, channels, 8, pixels};
    put_image(h, "figure", &png, caption);
}

void qn_html_photo(qn_html *h, const qn_image *image, const char *caption)
{
    const qn_png png = {(uint32_t)image->width, (uint32_t)image->height,
                        image->channels, 8, image->pixels};
    put_image(h, "figure class=\"photo\"", &png, caption);
}
