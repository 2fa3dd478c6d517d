/* SPDX-License-Identifier: Apache-2.0 */
/* tools/show.h - a picture as characters: half blocks in 24-bit colour where the
 * terminal takes that, else shades of ASCII. */
#ifndef QN_TOOLS_SHOW_H
#define QN_TOOLS_SHOW_H

#include "formats/image.h"

#include <stdio.h>

/* Draws at most columns wide; label lines (n of them) stand at its right side. */
quern_status qn_show(const qn_image *image, int columns, const char *const *lines,
                     int n, qn_mem *mem, FILE *to, quern_error *err);

#endif
