/* SPDX-License-Identifier: Apache-2.0 */
/* tools/html.h - a report as one page of HTML that needs nothing else: style and
 * pictures are inside, scripts there are none, and its own policy forbids it to load
 * anything.
 *
 * Light or dark as the reader likes, tables with headings for those who listen, printed
 * on A4 without broken rows.  All text is escaped.  What goes wrong is kept by the
 * buffer. */
#ifndef QN_TOOLS_HTML_H
#define QN_TOOLS_HTML_H

#include "formats/draw.h"
#include "formats/image.h"

typedef struct qn_html {
    qn_buf *out;
    bool in_section;
    const char *align; /* of the open table: a letter per column, l or r */
    int column;        /* of the next cell */
} qn_html;

void qn_html_begin(qn_html *h, qn_buf *out, const char *title, const char *subtitle);
void qn_html_end(qn_html *h);

void qn_html_section(qn_html *h, const char *title);
void qn_html_text(qn_html *h, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A figure that matters, large, with its name; they stand side by side. */
void qn_html_tiles_begin(qn_html *h);
void qn_html_tile(qn_html *h, const char *name, const char *value, const char *note);
void qn_html_tiles_end(qn_html *h);

/* headings: one per letter of align.  A table of more rows than fit scrolls. */
void qn_html_table_begin(qn_html *h, const char *caption, const char *align,
                         const char *const *headings);
/* The first cell of a row is its heading; rows end by themselves. */
void qn_html_cell(qn_html *h, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void qn_html_table_end(qn_html *h);

/* Pictures side by side, as many as the page is wide. */
void qn_html_figures_begin(qn_html *h);
/* n bytes of SVG, as draw.h writes it. */
void qn_html_svg(qn_html *h, const char *svg, size_t n, const char *caption);
/* A small picture with its caption; channels 1 or 3. */
void qn_html_picture(qn_html *h, int width, int height, int channels,
                     const uint8_t *pixels, const char *caption);
/* A picture in its own size, or as wide as the page. */
void qn_html_photo(qn_html *h, const qn_image *image, const char *caption);
void qn_html_figures_end(qn_html *h);

#endif
