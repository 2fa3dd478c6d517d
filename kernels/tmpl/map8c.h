/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/map8c.h - sums, scales, resizing and reordering of blocked tensors: a
 * row of one block at a time.  Reordering transposes squares of 8 channels x 8
 * pixels. */
#include "kernels/tmpl/act8c.h"

#include <string.h>

qn_add8c_f32_fn QN_V8_ROW(add8c_f32);
qn_scale8c_f32_fn QN_V8_ROW(scale8c_f32);
qn_weave8c_f32_fn QN_V8_ROW(weave8c_f32);
qn_resize8c_f32_fn QN_V8_ROW(resize8c_f32);
qn_to8c_f32_fn QN_V8_ROW(to8c_f32);
qn_from8c_f32_fn QN_V8_ROW(from8c_f32);

static inline float *row_of(const qn_plane8c *p, int64_t image, int64_t block,
                            int64_t row)
{
    return p->data + image * p->image + block * p->plane + row * p->row;
}

void QN_V8_ROW(add8c_f32)(const qn_map8c *m, const qn_task8c *t)
{
    const qn_bounds8 bounds = qn_bounds8_of(&m->act);
    for (int64_t b = t->c0; b < t->c1; b++)
        for (int64_t r = t->i0; r < t->i1; r++) {
            const float *x = row_of(&m->x, t->image, b, r);
            const float *z = m->z.data ? row_of(&m->z, t->image, b, r) : NULL;
            float *y = row_of(&m->y, t->image, b, r);
            for (int64_t i = 0; i < m->y.w; i++) {
                qn_v8 v = qn_load8(x + 8 * i);
                if (z) v = qn_add8(v, qn_load8(z + 8 * i));
                qn_store8(y + 8 * i, qn_bound8(&bounds, v));
            }
            qn_finish8(&m->act, &m->y, b, y, m->y.w);
        }
}

void QN_V8_ROW(scale8c_f32)(const qn_map8c *m, const qn_task8c *t)
{
    const qn_bounds8 bounds = qn_bounds8_of(&m->act);
    /* without halo all rows are one: short ones cost more than their pixels */
    const bool one = m->x.row == 8 * m->y.w && m->y.row == 8 * m->y.w;
    const int64_t rows = one ? 1 : t->i1 - t->i0;
    const int64_t n = (t->i1 - t->i0) / (rows ? rows : 1) * m->y.w;
    for (int64_t b = t->c0; b < t->c1; b++) {
        const qn_v8 scale = qn_load8(row_of(&m->z, t->image, b, 0));
        for (int64_t r = t->i0; r < t->i0 + rows; r++) {
            const float *x = row_of(&m->x, t->image, b, r);
            float *y = row_of(&m->y, t->image, b, r);
#pragma GCC unroll 4
            for (int64_t i = 0; i < n; i++) {
                qn_v8 v = qn_mul8(scale, qn_load8(x + 8 * i));
                qn_store8(y + 8 * i, qn_bound8(&bounds, v));
            }
            qn_finish8(&m->act, &m->y, b, y, n);
        }
    }
}

/* ---- resizing -------------------------------------------------------------------- */

static inline qn_v8 mix(qn_v8 a, qn_v8 b, qn_v8 part)
{
    return qn_fma8(part, qn_sub8(b, a), a);
}

static void resize_row(const qn_resize8c *r, const float *top, const float *bottom,
                       float row_mix, float *y)
{
    const qn_v8 part = qn_set8(row_mix);
    for (int64_t i = 0; i < r->y.w; i++) {
        const qn_v8 across = qn_set8(r->col_mix[i]);
        int64_t left = r->col0[i] * 8, right = r->col1[i] * 8;
        qn_v8 a = mix(qn_load8(top + left), qn_load8(top + right), across);
        qn_v8 b = mix(qn_load8(bottom + left), qn_load8(bottom + right), across);
        qn_store8(y + 8 * i, mix(a, b, part));
    }
}

void QN_V8_ROW(resize8c_f32)(const qn_resize8c *r, const qn_task8c *t)
{
    for (int64_t b = t->c0; b < t->c1; b++)
        for (int64_t i = t->i0; i < t->i1; i++) {
            const float *top = row_of(&r->x, t->image, b, r->row0[i]);
            float *y = row_of(&r->y, t->image, b, i);
            if (r->row_mix)
                resize_row(r, top, row_of(&r->x, t->image, b, r->row1[i]),
                           r->row_mix[i], y);
            else if (i > t->i0 && r->row0[i] == r->row0[i - 1])
                memcpy(y, y - r->y.row, (size_t)(8 * r->y.w) * sizeof *y);
            else
                for (int64_t j = 0; j < r->y.w; j++)
                    qn_store8(y + 8 * j, qn_load8(top + 8 * r->col0[j]));
        }
}

/* ---- reordering ------------------------------------------------------------------ */

void QN_V8_ROW(to8c_f32)(const qn_map8c *m, const qn_task8c *t)
{
    for (int64_t b = t->c0; b < t->c1; b++) {
        int64_t real = m->x.c - 8 * b < 8 ? m->x.c - 8 * b : 8;
        for (int64_t r = t->i0; r < t->i1; r++) {
            const float *x =
                m->x.data + t->image * m->x.image + 8 * b * m->x.plane + r * m->x.row;
            float *y = row_of(&m->y, t->image, b, r);
            int64_t i = 0;
            for (; real == 8 && i + 8 <= m->y.w; i += 8) {
                qn_v8 v[8];
#pragma GCC unroll 8
                for (int k = 0; k < 8; k++)
                    v[k] = qn_load8(x + k * m->x.plane + i);
                qn_transpose8(v);
#pragma GCC unroll 8
                for (int k = 0; k < 8; k++)
                    qn_store8(y + 8 * (i + k), v[k]);
            }
            for (; i < m->y.w; i++)
                for (int64_t k = 0; k < 8; k++)
                    y[8 * i + k] = k < real ? x[k * m->x.plane + i] : 0;
        }
    }
}

void QN_V8_ROW(from8c_f32)(const qn_map8c *m, const qn_task8c *t)
{
    for (int64_t b = t->c0; b < t->c1; b++) {
        int64_t real = m->y.c - 8 * b < 8 ? m->y.c - 8 * b : 8;
        for (int64_t r = t->i0; r < t->i1; r++) {
            float *y =
                m->y.data + t->image * m->y.image + 8 * b * m->y.plane + r * m->y.row;
            const float *x = row_of(&m->x, t->image, b, r);
            int64_t i = 0;
            for (; real == 8 && i + 8 <= m->y.w; i += 8) {
                qn_v8 v[8];
#pragma GCC unroll 8
                for (int k = 0; k < 8; k++)
                    v[k] = qn_load8(x + 8 * (i + k));
                qn_transpose8(v);
#pragma GCC unroll 8
                for (int k = 0; k < 8; k++)
                    qn_store8(y + k * m->y.plane + i, v[k]);
            }
            for (; i < m->y.w; i++)
                for (int64_t k = 0; k < real; k++)
                    y[k * m->y.plane + i] = x[8 * i + k];
        }
    }
}

/* Where the lanes of a block of y come from.  The channels that it takes from an
 * operand follow each other: they lie in one or two blocks, in lanes of their own. */
typedef struct weave {
    int64_t block; /* of the operands; the next may belong, too */
    int32_t lane[8], odd[8], next[8], kept[8]; /* masks: -1 or 0 */
} weave;

static weave find_lanes(const qn_weave8c *w, int64_t b)
{
    weave v = {.block = (w->first + 8 * b) / 2 / 8};
    for (int k = 0; k < 8; k++) {
        const int64_t from = w->first + 8 * b + k;
        if (8 * b + k >= w->y.c) break;
        v.lane[k] = (int32_t)(from / 2 % 8);
        v.odd[k] = from % 2 ? -1 : 0;
        v.kept[k] = -1;
        if (from / 2 / 8 > v.block) v.next[v.lane[k]] = -1;
    }
    return v;
}

static inline qn_v8 gather_lanes(const weave *v, const float *x, int64_t plane,
                                 bool is_two)
{
    qn_v8 a = qn_load8(x);
    if (is_two) a = qn_choose8(v->next, qn_load8(x + plane), a);
    return qn_permute8(a, v->lane);
}

void QN_V8_ROW(weave8c_f32)(const qn_weave8c *w, const qn_task8c *t)
{
    for (int64_t b = t->c0; b < t->c1; b++) {
        const weave v = find_lanes(w, b);
        bool is_two = false;
        for (int k = 0; k < 8; k++)
            is_two = is_two || v.next[k];
        for (int64_t r = t->i0; r < t->i1; r++) {
            const float *x = row_of(&w->x, t->image, v.block, r);
            const float *z = row_of(&w->z, t->image, v.block, r);
            float *y = row_of(&w->y, t->image, b, r);
            for (int64_t i = 0; i < 8 * w->y.w; i += 8) {
                const qn_v8 even = gather_lanes(&v, x + i, w->x.plane, is_two);
                const qn_v8 odd = gather_lanes(&v, z + i, w->z.plane, is_two);
                qn_store8(y + i, qn_mask8(qn_choose8(v.odd, odd, even), v.kept));
            }
        }
    }
}
