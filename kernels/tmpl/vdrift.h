/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/vdrift.h - slot drift_f32 in the words of f4_<instruction set>.h, under
 * the name DRIFT_F32: four pixels to a vector, and four such fours in turn, since a
 * step is a long chain of dependent operations. */
#include <stdbool.h>
#include <string.h>

qn_drift_f32_fn DRIFT_F32, qn_drift_f32_ref;

enum { FOURS = 4, ANCHOR_EVERY = 32 };

/* Four pixels on their way; lanes that have none stand still. */
typedef struct four {
    float y[4], x[4];               /* now */
    float before_y[4], before_x[4]; /* one step ago */
    float anchor_y[4], anchor_x[4]; /* some steps ago */
    int32_t left[4];                /* steps, this one included */
    int32_t busy[4];                /* -1: there is a pixel; 0: there is none */
    int64_t index[4];
} four;

/* What does not change. */
typedef struct field {
    const qn_drift *d;
    int64_t stride; /* floats */
    qn_i4 top;
    qn_f4 least_y, most_y, most_x;
} field;

static inline qn_d4 product(qn_f4 v, qn_d4 wy, qn_d4 wx)
{
    return qn_mul4d(qn_mul4d(qn_widen4(v), wy), wx);
}

/* The step at four places, in the order of the reference's sums.  Two corners of a row
 * lie side by side: [y x y x]. */
static inline void step(const field *f, qn_f4 y, qn_f4 x, qn_f4 *next_y, qn_f4 *next_x)
{
    const qn_d4 one = qn_set4d(1);
    const qn_i4 iy = qn_whole4(y), ix = qn_whole4(x);
    const qn_d4 fy = qn_sub4d(qn_widen4(y), qn_widen4i(iy));
    const qn_d4 fx = qn_sub4d(qn_widen4(x), qn_widen4i(ix));
    const qn_d4 gy = qn_sub4d(one, fy), gx = qn_sub4d(one, fx);
    const float *up[4], *down[4];
    qn_places4(f->d->flow, f->stride, qn_sub4i(iy, f->top), ix, up);
    for (int k = 0; k < 4; k++)
        down[k] = up[k] + f->stride;
    qn_f4 a[4], b[4];
    qn_columns4f(up, a);
    qn_columns4f(down, b);
    qn_d4 dy = qn_add4d(product(a[0], gy, gx), product(a[2], gy, fx));
    qn_d4 dx = qn_add4d(product(a[1], gy, gx), product(a[3], gy, fx));
    dy = qn_add4d(dy, product(b[0], fy, gx));
    dx = qn_add4d(dx, product(b[1], fy, gx));
    dy = qn_add4d(dy, product(b[2], fy, fx));
    dx = qn_add4d(dx, product(b[3], fy, fx));
    y = qn_max4f(qn_add4f(y, qn_round4(dy)), f->least_y);
    x = qn_max4f(qn_add4f(x, qn_round4(dx)), qn_set4f(0));
    *next_y = qn_min4f(y, f->most_y);
    *next_x = qn_min4f(x, f->most_x);
}

static inline qn_lanes4 same(qn_f4 y, qn_f4 x, const float *at_y, const float *at_x)
{
    return qn_both4(qn_equal4f(y, qn_load4f(at_y)), qn_equal4f(x, qn_load4f(at_x)));
}

/* One step for four lanes: bits of those whose position came back or whose steps are
 * used up. */
static inline int advance(const field *f, four *q)
{
    const qn_f4 y = qn_load4f(q->y), x = qn_load4f(q->x);
    const qn_i4 one = qn_set4i(1);
    qn_f4 ny, nx;
    step(f, y, x, &ny, &nx);
    const qn_i4 left = qn_sub4i(qn_load4i(q->left), one);
    qn_lanes4 event = qn_less4i(left, one);
    event = qn_either4(event, same(ny, nx, q->y, q->x));
    event = qn_either4(event, same(ny, nx, q->before_y, q->before_x));
    event = qn_either4(event, same(ny, nx, q->anchor_y, q->anchor_x));
    event = qn_both4(event, qn_lanes4_of(q->busy));
    qn_store4f(q->before_y, y);
    qn_store4f(q->before_x, x);
    qn_store4f(q->y, ny);
    qn_store4f(q->x, nx);
    qn_store4i(q->left, left);
    return qn_bits4(event);
}

/* All pixels of a call, and those that are on their way. */
typedef struct walk {
    field f;
    four four[FOURS];
    uint32_t *pixel;
    int64_t n, next, n_busy;
    int64_t made, anchored; /* steps of all lanes; when anchors were set */
} walk;

/* The lane's next pixel, or none. */
static void refill(walk *w, four *q, int k)
{
    const qn_drift *d = w->f.d;
    const bool is_busy = w->next < w->n;
    const uint32_t width = (uint32_t)d->width, at = is_busy ? w->pixel[w->next] : 0;
    q->y[k] = (float)(d->top + at / width);
    q->x[k] = (float)(at % width);
    q->before_y[k] = q->before_x[k] = q->anchor_y[k] = q->anchor_x[k] = -1;
    q->left[k] = is_busy ? (int32_t)d->steps : INT32_MAX;
    q->busy[k] = -is_busy;
    q->index[k] = w->next;
    w->next += is_busy;
    w->n_busy += is_busy;
}

static void finish(walk *w, four *q, int k, float y, float x)
{
    const qn_drift *d = w->f.d;
    w->pixel[q->index[k]] = (uint32_t)(((int64_t)y - d->top) * d->width + (int64_t)x);
    w->n_busy--;
    refill(w, q, k);
}

/* The position came back, or the steps are used up. */
static void attend(walk *w, four *q, int k)
{
    const bool stands = q->y[k] == q->before_y[k] && q->x[k] == q->before_x[k];
    if (stands || q->left[k] < 1) {
        finish(w, q, k, q->y[k], q->x[k]);
    } else if (q->y[k] == q->anchor_y[k] && q->x[k] == q->anchor_x[k]) {
        q->left[k] %= (int32_t)(w->made - w->anchored);
        if (q->left[k] == 0) finish(w, q, k, q->y[k], q->x[k]);
    } else if (q->left[k] % 2 == 0) { /* back and forth */
        finish(w, q, k, q->y[k], q->x[k]);
    } else {
        finish(w, q, k, q->before_y[k], q->before_x[k]);
    }
}

static void set_anchors(walk *w)
{
    for (int i = 0; i < FOURS; i++) {
        memcpy(w->four[i].anchor_y, w->four[i].y, sizeof w->four[i].y);
        memcpy(w->four[i].anchor_x, w->four[i].x, sizeof w->four[i].x);
    }
    w->anchored = w->made;
}

int64_t DRIFT_F32(const qn_drift *d, int64_t n, uint32_t *pixel)
{
    walk w = {.pixel = pixel, .n = n};
    int64_t sum = 0;
    if (d->steps < 1 || d->steps > INT32_MAX) return qn_drift_f32_ref(d, n, pixel);
    w.f = (field){d,
                  2 * (d->width + 1),
                  qn_set4i((int32_t)d->top),
                  qn_set4f((float)d->top),
                  qn_set4f((float)(d->top + d->rows - 1)),
                  qn_set4f((float)(d->width - 1))};
    for (int k = 0; k < 4 * FOURS; k++)
        refill(&w, &w.four[k / 4], k % 4);
    while (w.n_busy > 0) {
        sum += w.n_busy;
        w.made++;
        for (int i = 0; i < FOURS; i++) {
            const int events = advance(&w.f, &w.four[i]);
            for (int k = 0; events >> k; k++)
                if (events >> k & 1) attend(&w, &w.four[i], k);
        }
        if (w.made % ANCHOR_EVERY == 0) set_anchors(&w);
    }
    return sum;
}
