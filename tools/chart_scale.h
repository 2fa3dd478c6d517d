/* SPDX-License-Identifier: Apache-2.0 */
/* tools/chart_scale.h - from data to places on a canvas: range, ticks and their text.
 */
#ifndef QN_TOOLS_CHART_SCALE_H
#define QN_TOOLS_CHART_SCALE_H

#include "tools/chart.h"

#define QN_TICKS     32
#define QN_TICK_TEXT 32

typedef struct qn_scale {
    const qn_ruler *ruler;
    bool is_empty;   /* nothing covered yet */
    double lo, hi;   /* lo < hi; above 0 when logarithmic */
    double from, to; /* where these two lie */
    int n_ticks, decimals;
    double tick[QN_TICKS];
} qn_scale;

void qn_scale_begin(qn_scale *s, const qn_ruler *ruler);
/* Widens the range to hold a value, if the ruler can show it. */
void qn_scale_cover(qn_scale *s, double value);
/* Chooses ticks at least gap apart for a scale of that length; is_round: the range
 * grows to whole steps. */
void qn_scale_ticks(qn_scale *s, double length, double gap, bool is_round);
/* NaN where the ruler cannot show the value. */
double qn_scale_at(const qn_scale *s, double value);
const char *qn_scale_text(const qn_scale *s, double value, char text[QN_TICK_TEXT]);

#endif
