/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/ref/drift_ref.c - slot drift_f32 in plain C.  A step is a long chain of
 * dependent operations, so several pixels go side by side. */
#include "kernels/kernels.h"

#include <math.h>
#include <stdbool.h>

qn_drift_f32_fn qn_drift_f32_ref;

enum { LANES = 4 };

typedef struct point {
    float y, x;
} point;

/* A pixel on its way. */
typedef struct walker {
    point at, before, anchor;  /* now, one step ago, at step 2^k */
    int64_t left, since, span; /* steps; since the anchor; till the next anchor */
    int64_t i;                 /* which pixel */
} walker;

static float clamp(float v, float lo, float hi)
{
    v = v > lo ? v : lo;
    return v < hi ? v : hi;
}

static point step(const qn_drift *d, point p)
{
    const int32_t iy = (int32_t)p.y, ix = (int32_t)p.x;
    const double fy = (double)p.y - iy, fx = (double)p.x - ix;
    const double gy = 1 - fy, gx = 1 - fx;
    const float *a = d->flow + 2 * ((iy - d->top) * (d->width + 1) + ix);
    const float *b = a + 2 * (d->width + 1);
    const double dy = a[0] * gy * gx + a[2] * gy * fx + b[0] * fy * gx + b[2] * fy * fx;
    const double dx = a[1] * gy * gx + a[3] * gy * fx + b[1] * fy * gx + b[3] * fy * fx;
    const float y0 = (float)d->top, y1 = (float)(d->top + d->rows - 1);
    return (point){clamp(p.y + (float)dy, y0, y1),
                   clamp(p.x + (float)dx, 0, (float)(d->width - 1))};
}

static bool same(point a, point b)
{
    return a.y == b.y && a.x == b.x;
}

/* One step, or the end of the walk: false. */
static bool walk(const qn_drift *d, walker *w)
{
    const point next = step(d, w->at);
    w->left--;
    if (same(next, w->at)) return false;
    if (same(next, w->before)) { /* back and forth */
        if (w->left % 2 == 0) w->at = next;
        return false;
    }
    w->before = w->at;
    w->at = next;
    if (same(next, w->anchor)) /* a longer round: only the rest of it is left */
        w->left %= w->since + 1;
    if (++w->since == w->span) {
        w->anchor = next;
        w->since = 0;
        w->span *= 2;
    }
    return w->left > 0;
}

static void begin(const qn_drift *d, walker *w, int64_t i, uint32_t pixel)
{
    const uint32_t width = (uint32_t)d->width;
    const point p = {(float)(d->top + pixel / width), (float)(pixel % width)};
    *w = (walker){p, {-1, -1}, {-1, -1}, d->steps, 0, 4, i};
}

static void finish(const qn_drift *d, const walker *w, uint32_t *pixel)
{
    const int64_t y = (int64_t)w->at.y - d->top;
    pixel[w->i] = (uint32_t)(y * d->width + (int64_t)w->at.x);
}

int64_t qn_drift_f32_ref(const qn_drift *d, int64_t n, uint32_t *pixel)
{
    walker lane[LANES];
    int64_t made = 0, next = 0;
    int busy = 0;
    if (d->steps < 1) return 0;
    for (; busy < LANES && next < n; busy++, next++)
        begin(d, &lane[busy], next, pixel[next]);
    while (busy > 0) {
        made += busy;
        for (int k = 0; k < busy; k++) {
            if (walk(d, &lane[k])) continue;
            finish(d, &lane[k], pixel);
            if (next < n) {
                begin(d, &lane[k], next, pixel[next]);
                next++;
            } else {
                lane[k--] = lane[--busy];
            }
        }
    }
    return made;
}
