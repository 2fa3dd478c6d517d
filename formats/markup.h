/* SPDX-License-Identifier: Apache-2.0 */
/* formats/markup.h - what SVG and HTML have in common: text that cannot become markup,
 * bytes as base64 (RFC 4648), short numbers. */
#ifndef QN_FORMATS_MARKUP_H
#define QN_FORMATS_MARKUP_H

#include "formats/buffer.h"

/* Text as content or as an attribute in double quotes; what is no UTF-8 and control
 * characters become U+FFFD, line ends and tabs blanks. */
void qn_markup_text(qn_buf *out, const char *text);
void qn_markup_base64(qn_buf *out, const void *bytes, size_t n);
/* Rounded to 1/100. */
void qn_markup_number(qn_buf *out, double value);

#endif
