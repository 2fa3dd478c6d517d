/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/panels_act.h - what activates the columns of a product that were just
 * stored, in the words of act8c.h: the last vector of a row may be a part. */
#ifndef QN_KERNELS_TMPL_PANELS_ACT_H
#define QN_KERNELS_TMPL_PANELS_ACT_H

#include "kernels/tmpl/act8c.h"

#include <string.h>

/* n columns of some rows. */
static inline void qn_panels_activate(const qn_act *act, float *y, int64_t ldy,
                                      int64_t rows, int64_t n)
{
    for (int64_t i = 0; i < rows; i++, y += ldy) {
        qn_act8_run(act, y, n / 8);
        if (n % 8 == 0) continue;
        float tail[8] = {0};
        memcpy(tail, y + n / 8 * 8, (size_t)(n % 8) * sizeof *y);
        qn_act8_run(act, tail, 1);
        memcpy(y + n / 8 * 8, tail, (size_t)(n % 8) * sizeof *y);
    }
}

#endif
