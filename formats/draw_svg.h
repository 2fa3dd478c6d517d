/* SPDX-License-Identifier: Apache-2.0 */
/* formats/draw_svg.h - SVG as a second set of drawing functions beside the plug-in's.
 *
 * cairo's own SVG turns text into outlines under ids that clash when two pictures share
 * a page; this one keeps text as text, so that it can be read aloud, searched and
 * copied. The plug-in only measures it. */
#ifndef QN_FORMATS_DRAW_SVG_H
#define QN_FORMATS_DRAW_SVG_H

#include "formats/buffer.h"
#include "formats/draw_abi.h"

typedef struct qn_svg {
    qn_buf *out;
    const qn_draw_abi *plugin; /* measures text, */
    void *state;               /* in this state of its own */
    bool is_clipped;
} qn_svg;

/* open and close are not among them: the caller does these two. */
extern const qn_draw_abi qn_svg_abi;
void qn_svg_begin(qn_svg *svg, const qn_sheet *sheet);
void qn_svg_end(qn_svg *svg);

#endif
