/* SPDX-License-Identifier: Apache-2.0 */
/* tools/page.h - a report written twice at once: as a page of HTML that needs nothing
 * else (html.h), and as Markdown, whose pictures are files beside it. */
#ifndef QN_TOOLS_PAGE_H
#define QN_TOOLS_PAGE_H

#include "tools/chart.h"
#include "tools/html.h"

typedef struct qn_page {
    const char *folder; /* where files go */
    qn_mem *mem;
    qn_buf html_text, markdown;
    qn_html html;
    int n_columns, column; /* of the open table */
    int n_pictures;
    char why[256];     /* the first reason why there is no picture; empty: none */
    quern_error error; /* of the first file that could not be written */
} qn_page;

void qn_page_begin(qn_page *p, qn_mem *mem, const char *folder, const char *title,
                   const char *subtitle);
void qn_page_section(qn_page *p, const char *title);
void qn_page_text(qn_page *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* headings: one per letter of align. */
void qn_page_table_begin(qn_page *p, const char *caption, const char *align,
                         const char *const *headings);
void qn_page_cell(qn_page *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void qn_page_table_end(qn_page *p);
/* Also the files NAME.svg, NAME.png and NAME.pdf.  Without the drawing plug-in there is
 * no picture, and p->why. */
void qn_page_chart(qn_page *p, const char *name, const qn_chart *chart,
                   const char *caption);
/* Writes NAME.html and NAME.md, and frees the page. */
quern_status qn_page_end(qn_page *p, const char *name, quern_error *err);

#endif
