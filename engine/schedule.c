/* SPDX-License-Identifier: Apache-2.0 */
/* engine/schedule.c - see the header.  Sources: Smith and Topin, Super-convergence,
 * 2018 (onecycle); Loshchilov and Hutter, SGDR, 2017 (cosine). */
#include "engine/schedule.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#define PI               3.14159265358979323846
#define STEP_GAMMA       0.1
#define ONECYCLE_UP      0.3
#define ONECYCLE_START   (1.0 / 25)
#define ONECYCLE_END     1e-5
#define TRIANGULAR_UP    0.23
#define PLATEAU_GAMMA    0.3
#define PLATEAU_PATIENCE 3

static const struct {
    const char *name, *about;
} rows[] = {
#define X(name, text, about) {text, about},
    QN_SCHEDULE_MAP(X)
#undef X
};

const char *qn_schedule_name(int kind, const char **about)
{
    if (kind < 0 || kind >= QN_N_SCHEDULES) return NULL;
    if (about) *about = rows[kind].about;
    return rows[kind].name;
}

bool qn_schedule_find(const char *name, qn_schedule_kind *out)
{
    for (int i = 0; i < QN_N_SCHEDULES; i++)
        if (strcmp(rows[i].name, name) == 0) {
            *out = (qn_schedule_kind)i;
            return true;
        }
    return false;
}

void qn_schedule_start(qn_schedule *s)
{
    s->best = -INFINITY;
    s->scale = 1;
    s->n_stalled = 0;
}

void qn_schedule_observe(qn_schedule *s, double metric)
{
    if (s->kind != QN_SCHEDULE_PLATEAU) return;
    if (metric > s->best) {
        s->best = metric;
        s->n_stalled = 0;
    } else if (++s->n_stalled >= PLATEAU_PATIENCE) {
        s->scale *= PLATEAU_GAMMA;
        s->n_stalled = 0;
    }
}

/* From a to b along half a cosine. */
static double cosine(double a, double b, double p)
{
    return b + (a - b) * (1 + cos(PI * p)) / 2;
}

static double line(double a, double b, double p)
{
    return a + (b - a) * p;
}

/* p in [0, 1). */
static double at(const qn_schedule *s, double p)
{
    const double peak = s->peak, end = s->end;
    switch (s->kind) {
    case QN_SCHEDULE_STEP:
        return peak * pow(STEP_GAMMA, floor(3 * p));
    case QN_SCHEDULE_POLY:
        return peak * (1 - p) * (1 - p);
    case QN_SCHEDULE_LINEAR:
        return line(peak, end, p);
    case QN_SCHEDULE_COSINE:
        return cosine(peak, end, p);
    case QN_SCHEDULE_ONECYCLE:
        return p < ONECYCLE_UP ? cosine(peak * ONECYCLE_START, peak, p / ONECYCLE_UP)
                               : cosine(peak, peak * ONECYCLE_END,
                                        (p - ONECYCLE_UP) / (1 - ONECYCLE_UP));
    case QN_SCHEDULE_TRIANGULAR:
        return p < TRIANGULAR_UP
                   ? line(0, peak, p / TRIANGULAR_UP)
                   : line(peak, end, (p - TRIANGULAR_UP) / (1 - TRIANGULAR_UP));
    case QN_SCHEDULE_PLATEAU:
        return peak * s->scale;
    default:
        return peak;
    }
}

double qn_schedule_rate(const qn_schedule *s, int64_t step)
{
    if (step < s->warmup) return s->peak * (double)(step + 1) / (double)(s->warmup + 1);
    const int64_t n = s->n_steps - s->warmup;
    /* the middle of the step: neither the first nor the last has a rate of 0 */
    const double p = n > 0 ? ((double)(step - s->warmup) + 0.5) / (double)n : 0;
    return at(s, p < 1 ? p : 1);
}
