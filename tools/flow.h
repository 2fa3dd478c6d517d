/* SPDX-License-Identifier: Apache-2.0 */
/* tools/flow.h - text, tables and charts one below the other over pages of A4, for
 * reports as PDF.  Rows and charts are not torn; a table's headings come again on every
 * page. */
#ifndef QN_TOOLS_FLOW_H
#define QN_TOOLS_FLOW_H

#include "tools/chart.h"

#define QN_A4_WIDTH   595.0
#define QN_A4_HEIGHT  842.0
#define QN_FLOW_WIDTH 499.0 /* between the margins */

typedef struct qn_flow {
    qn_canvas *c;
    const char *footer; /* of every page, beside its number */
    double y;           /* where the next thing goes */
    int page;
} qn_flow;

void qn_flow_begin(qn_flow *f, qn_canvas *c, const char *footer);
void qn_flow_end(qn_flow *f);

void qn_flow_title(qn_flow *f, const char *title, const char *subtitle);
/* keep: height of what must follow on the same page; 0: a few lines. */
void qn_flow_section(qn_flow *f, const char *title, double keep);
/* Broken into lines between words. */
void qn_flow_text(qn_flow *f, const char *text);
/* In the middle, made smaller if it is wider or higher than the page. */
void qn_flow_chart(qn_flow *f, const qn_chart *chart);
/* cells [n_rows][strlen(align)]; columns are as wide as their text, within the page. */
void qn_flow_table(qn_flow *f, const char *align, const char *const *headings,
                   const char *const *cells, size_t n_rows);

#endif
