/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/x86/drift_avx2.c - slot drift_f32 for AVX2: four pixels to a vector, and four
 * such fours in turn, since a step is a long chain of dependent operations. */
#include "kernels/kernels.h"

#include <immintrin.h>
#include <stdbool.h>
#include <string.h>

qn_drift_f32_fn qn_drift_f32_avx2, qn_drift_f32_ref;

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
    __m128i top;
    __m128 least_y, most_y, most_x;
} field;

/* Four lanes of one corner: y and x parts of the flow. */
typedef struct corner {
    __m256d y, x;
} corner;

/* The two corners of a row, left and right, of the four lanes whose left corners are at
 * p: [y x y x] each. */
static inline void load_row(const float *const *p, corner *left, corner *right)
{
    const __m128 a = _mm_loadu_ps(p[0]), b = _mm_loadu_ps(p[1]);
    const __m128 c = _mm_loadu_ps(p[2]), d = _mm_loadu_ps(p[3]);
    const __m128 ab = _mm_unpacklo_ps(a, b), cd = _mm_unpacklo_ps(c, d);
    const __m128 ab1 = _mm_unpackhi_ps(a, b), cd1 = _mm_unpackhi_ps(c, d);
    left->y = _mm256_cvtps_pd(_mm_movelh_ps(ab, cd));
    left->x = _mm256_cvtps_pd(_mm_movehl_ps(cd, ab));
    right->y = _mm256_cvtps_pd(_mm_movelh_ps(ab1, cd1));
    right->x = _mm256_cvtps_pd(_mm_movehl_ps(cd1, ab1));
}

static inline __m256d product(__m256d v, __m256d wy, __m256d wx)
{
    return _mm256_mul_pd(_mm256_mul_pd(v, wy), wx);
}

/* The step at four places, in the order of the reference's sums. */
static inline void step(const field *f, __m128 y, __m128 x, __m128 *next_y,
                        __m128 *next_x)
{
    const __m256d one = _mm256_set1_pd(1);
    const __m128i iy = _mm_cvttps_epi32(y), ix = _mm_cvttps_epi32(x);
    const __m256d fy = _mm256_sub_pd(_mm256_cvtps_pd(y), _mm256_cvtepi32_pd(iy));
    const __m256d fx = _mm256_sub_pd(_mm256_cvtps_pd(x), _mm256_cvtepi32_pd(ix));
    const __m256d gy = _mm256_sub_pd(one, fy), gx = _mm256_sub_pd(one, fx);
    const __m128i row = _mm_sub_epi32(iy, f->top);
    const int64_t y01 = _mm_cvtsi128_si64(row), y23 = _mm_extract_epi64(row, 1);
    const int64_t x01 = _mm_cvtsi128_si64(ix), x23 = _mm_extract_epi64(ix, 1);
    const float *flow = f->d->flow, *up[4], *down[4];
    up[0] = flow + (int32_t)y01 * f->stride + 2 * (int64_t)(int32_t)x01;
    up[1] = flow + (y01 >> 32) * f->stride + 2 * (x01 >> 32);
    up[2] = flow + (int32_t)y23 * f->stride + 2 * (int64_t)(int32_t)x23;
    up[3] = flow + (y23 >> 32) * f->stride + 2 * (x23 >> 32);
    for (int k = 0; k < 4; k++)
        down[k] = up[k] + f->stride;
    corner a, b, c, d;
    load_row(up, &a, &b);
    load_row(down, &c, &d);
    __m256d dy = _mm256_add_pd(product(a.y, gy, gx), product(b.y, gy, fx));
    __m256d dx = _mm256_add_pd(product(a.x, gy, gx), product(b.x, gy, fx));
    dy = _mm256_add_pd(dy, product(c.y, fy, gx));
    dx = _mm256_add_pd(dx, product(c.x, fy, gx));
    dy = _mm256_add_pd(dy, product(d.y, fy, fx));
    dx = _mm256_add_pd(dx, product(d.x, fy, fx));
    y = _mm_max_ps(_mm_add_ps(y, _mm256_cvtpd_ps(dy)), f->least_y);
    x = _mm_max_ps(_mm_add_ps(x, _mm256_cvtpd_ps(dx)), _mm_setzero_ps());
    *next_y = _mm_min_ps(y, f->most_y);
    *next_x = _mm_min_ps(x, f->most_x);
}

static inline __m128 same(__m128 y, __m128 x, const float *at_y, const float *at_x)
{
    return _mm_and_ps(_mm_cmpeq_ps(y, _mm_loadu_ps(at_y)),
                      _mm_cmpeq_ps(x, _mm_loadu_ps(at_x)));
}

/* One step for four lanes: bits of those whose position came back or whose steps are
 * used up. */
static inline int advance(const field *f, four *q)
{
    const __m128 y = _mm_loadu_ps(q->y), x = _mm_loadu_ps(q->x);
    const __m128i one = _mm_set1_epi32(1);
    __m128 ny, nx;
    step(f, y, x, &ny, &nx);
    const __m128i left = _mm_sub_epi32(_mm_loadu_si128((const __m128i *)q->left), one);
    __m128 event = _mm_castsi128_ps(_mm_cmplt_epi32(left, one));
    event = _mm_or_ps(event, same(ny, nx, q->y, q->x));
    event = _mm_or_ps(event, same(ny, nx, q->before_y, q->before_x));
    event = _mm_or_ps(event, same(ny, nx, q->anchor_y, q->anchor_x));
    event = _mm_and_ps(event, _mm_loadu_ps((const float *)q->busy));
    _mm_storeu_ps(q->before_y, y);
    _mm_storeu_ps(q->before_x, x);
    _mm_storeu_ps(q->y, ny);
    _mm_storeu_ps(q->x, nx);
    _mm_storeu_si128((__m128i *)q->left, left);
    return _mm_movemask_ps(event);
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

int64_t qn_drift_f32_avx2(const qn_drift *d, int64_t n, uint32_t *pixel)
{
    walk w = {.pixel = pixel, .n = n};
    int64_t sum = 0;
    if (d->steps < 1 || d->steps > INT32_MAX) return qn_drift_f32_ref(d, n, pixel);
    w.f = (field){d,
                  2 * (d->width + 1),
                  _mm_set1_epi32((int32_t)d->top),
                  _mm_set1_ps((float)d->top),
                  _mm_set1_ps((float)(d->top + d->rows - 1)),
                  _mm_set1_ps((float)(d->width - 1))};
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
