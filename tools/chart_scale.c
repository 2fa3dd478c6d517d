/* SPDX-License-Identifier: Apache-2.0 */
/* tools/chart_scale.c - see chart_scale.h.  Steps are 1, 2 or 5 times a power of ten.
 */
#include "tools/chart_scale.h"

#include <stdio.h>
#include <string.h>

#define LARGEST 1e300 /* differences of such numbers are still finite */

void qn_scale_begin(qn_scale *s, const qn_ruler *ruler)
{
    *s = (qn_scale){.ruler = ruler, .is_empty = true};
    if (!ruler->is_fixed) return;
    qn_scale_cover(s, ruler->lo);
    qn_scale_cover(s, ruler->hi);
}

static bool can_show(const qn_scale *s, double value)
{
    return fabs(value) <= LARGEST && (!s->ruler->is_log || value >= 1 / LARGEST);
}

void qn_scale_cover(qn_scale *s, double value)
{
    if (!can_show(s, value)) return;
    if (s->is_empty) {
        s->lo = s->hi = value;
    } else if (!s->ruler->is_fixed || s->lo == s->hi) {
        s->lo = fmin(s->lo, value);
        s->hi = fmax(s->hi, value);
    }
    s->is_empty = false;
}

/* A range of some width, whatever was covered. */
static void widen(qn_scale *s)
{
    const bool is_log = s->ruler->is_log;
    if (s->is_empty) {
        s->lo = is_log ? 0.1 : 0;
        s->hi = is_log ? 10 : 1;
    } else if (is_log && s->hi < s->lo * 1.01) {
        s->lo /= 2;
        s->hi *= 2;
    } else if (!is_log && !(s->hi - s->lo > 1e-9 * fmax(fabs(s->lo), fabs(s->hi)))) {
        const double half = s->lo == 0 ? 0.5 : 0.1 * fabs(s->lo);
        s->lo -= half;
        s->hi += half;
    }
    s->is_empty = false;
}

/* The least 1, 2 or 5 times a power of ten that is no less than x > 0. */
static double nice_step(double x)
{
    const double power = pow(10, floor(log10(x)));
    const double times[] = {1, 2, 5, 10};
    for (int i = 0; i < 4; i++)
        if (times[i] * power >= x * (1 - 1e-9)) return times[i] * power;
    return 10 * power;
}

static void add_tick(qn_scale *s, double value)
{
    const double slack = 1e-9 * (s->ruler->is_log ? value : s->hi - s->lo);
    if (s->n_ticks == QN_TICKS || value < s->lo - slack || value > s->hi + slack)
        return;
    s->tick[s->n_ticks++] = fabs(value) < slack ? 0 : value;
}

static void linear_ticks(qn_scale *s, int most, bool is_round)
{
    const double unit = s->ruler->is_percent ? 0.01 : 1;
    double step = nice_step((s->hi - s->lo) / most);
    if (s->ruler->is_whole && step < 1) step = 1;
    if (is_round && !s->ruler->is_fixed) {
        s->lo = floor(s->lo / step + 1e-9) * step;
        s->hi = ceil(s->hi / step - 1e-9) * step;
    }
    const double first = ceil(s->lo / step - 1e-9);
    for (int i = 0; i < QN_TICKS; i++)
        add_tick(s, (first + i) * step);
    s->decimals = (int)fmax(0, -floor(log10(step / unit) + 1e-9));
}

/* Powers of ten; with few of them 2 and 5 times these, too. */
static void log_ticks(qn_scale *s, int most)
{
    const double low = floor(log10(s->lo) + 1e-9), high = ceil(log10(s->hi) - 1e-9);
    const double stride = fmax(1, ceil((high - low) / most));
    const bool is_fine = stride == 1 && 3 * (high - low) <= most;
    for (double k = low; k <= high && s->n_ticks < QN_TICKS; k += stride) {
        add_tick(s, pow(10, k));
        if (is_fine) add_tick(s, 2 * pow(10, k));
        if (is_fine) add_tick(s, 5 * pow(10, k));
    }
    if (s->n_ticks > 1) return;
    s->n_ticks = 0; /* within one step of the ladder: its ends */
    add_tick(s, s->lo);
    add_tick(s, s->hi);
}

/* Out to the next 1, 2 or 5 times a power of ten. */
static void round_log(qn_scale *s)
{
    const double below = pow(10, floor(log10(s->lo)));
    s->hi = nice_step(s->hi);
    s->lo = s->lo >= 5 * below ? 5 * below : s->lo >= 2 * below ? 2 * below : below;
}

void qn_scale_ticks(qn_scale *s, double length, double gap, bool is_round)
{
    const int most = (int)fmax(1, fmin(QN_TICKS - 2, floor(length / gap)));
    widen(s);
    s->n_ticks = 0;
    if (!s->ruler->is_log) {
        linear_ticks(s, most, is_round);
        return;
    }
    if (is_round && !s->ruler->is_fixed) round_log(s);
    log_ticks(s, most);
}

double qn_scale_at(const qn_scale *s, double value)
{
    if (!can_show(s, value)) return NAN;
    const double part = s->ruler->is_log ? log(value / s->lo) / log(s->hi / s->lo)
                                         : (value - s->lo) / (s->hi - s->lo);
    return s->from + part * (s->to - s->from);
}

/* times * 10^k, with raised digits; 1 as times is left out. */
static void power_text(double times, int k, char text[QN_TICK_TEXT])
{
    static const char *const raised[] = {
        "\xe2\x81\xb0", "\xc2\xb9",     "\xc2\xb2",     "\xc2\xb3",     "\xe2\x81\xb4",
        "\xe2\x81\xb5", "\xe2\x81\xb6", "\xe2\x81\xb7", "\xe2\x81\xb8", "\xe2\x81\xb9"};
    char digits[12];
    const int n = snprintf(digits, sizeof digits, "%d", k < 0 ? -k : k);
    size_t at = 0;
    if (times != 1)
        at = (size_t)snprintf(text, QN_TICK_TEXT, times == -1 ? "-" : "%.4g\xc2\xb7",
                              times);
    at += (size_t)snprintf(text + at, QN_TICK_TEXT - at, "10%s",
                           k < 0 ? "\xe2\x81\xbb" : "");
    for (int i = 0; i < n; i++)
        at += (size_t)snprintf(text + at, QN_TICK_TEXT - at, "%s",
                               raised[digits[i] - '0']);
}

/* Between these, plain digits are short. */
static bool is_plain(double value)
{
    return value == 0 || (fabs(value) >= 1e-4 && fabs(value) < 1e6);
}

const char *qn_scale_text(const qn_scale *s, double value, char text[QN_TICK_TEXT])
{
    const double shown = s->ruler->is_percent ? 100 * value : value;
    const char *unit = s->ruler->is_percent ? "%" : "";
    if (!is_plain(value) && !s->ruler->is_percent) {
        const double k = floor(log10(fabs(value)) + 1e-9);
        const double times = value / pow(10, k);
        power_text(fabs(fabs(times) - 1) < 1e-9 ? copysign(1, times) : times, (int)k,
                   text);
    } else if (s->ruler->is_log || !is_plain(shown) || s->decimals > 6) {
        snprintf(text, QN_TICK_TEXT, "%.4g%s", shown, unit);
    } else {
        snprintf(text, QN_TICK_TEXT, "%.*f%s", s->decimals, shown, unit);
    }
    return text;
}
