/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/x86/map8c_avx2.c - sums, scales, resizing and reordering of blocked tensors:
 * a row of one block at a time.  Reordering transposes squares of 8 channels x 8
 * pixels. */
#include "kernels/kernels.h"
#include "kernels/x86/act8c_avx2.h"

#include <string.h>

qn_add8c_f32_fn qn_add8c_f32_avx2;
qn_scale8c_f32_fn qn_scale8c_f32_avx2;
qn_resize8c_f32_fn qn_resize8c_f32_avx2;
qn_to8c_f32_fn qn_to8c_f32_avx2;
qn_from8c_f32_fn qn_from8c_f32_avx2;

static inline float *row_of(const qn_plane8c *p, int64_t image, int64_t block,
                            int64_t row)
{
    return p->data + image * p->image + block * p->plane + row * p->row;
}

void qn_add8c_f32_avx2(const qn_map8c *m, const qn_task8c *t)
{
    const qn_bounds8 bounds = qn_bounds8_of(&m->act);
    for (int64_t b = t->c0; b < t->c1; b++)
        for (int64_t r = t->i0; r < t->i1; r++) {
            const float *x = row_of(&m->x, t->image, b, r);
            const float *z = m->z.data ? row_of(&m->z, t->image, b, r) : NULL;
            float *y = row_of(&m->y, t->image, b, r);
            for (int64_t i = 0; i < m->y.w; i++) {
                __m256 v = _mm256_loadu_ps(x + 8 * i);
                if (z) v = _mm256_add_ps(v, _mm256_loadu_ps(z + 8 * i));
                _mm256_storeu_ps(y + 8 * i, qn_bound8(&bounds, v));
            }
            qn_finish8(&m->act, &m->y, b, y, m->y.w);
        }
}

void qn_scale8c_f32_avx2(const qn_map8c *m, const qn_task8c *t)
{
    const qn_bounds8 bounds = qn_bounds8_of(&m->act);
    for (int64_t b = t->c0; b < t->c1; b++) {
        const __m256 scale = _mm256_loadu_ps(row_of(&m->z, t->image, b, 0));
        for (int64_t r = t->i0; r < t->i1; r++) {
            const float *x = row_of(&m->x, t->image, b, r);
            float *y = row_of(&m->y, t->image, b, r);
            for (int64_t i = 0; i < m->y.w; i++) {
                __m256 v = _mm256_mul_ps(scale, _mm256_loadu_ps(x + 8 * i));
                _mm256_storeu_ps(y + 8 * i, qn_bound8(&bounds, v));
            }
            qn_finish8(&m->act, &m->y, b, y, m->y.w);
        }
    }
}

/* ---- resizing -------------------------------------------------------------------- */

static inline __m256 mix(__m256 a, __m256 b, __m256 part)
{
    return _mm256_fmadd_ps(part, _mm256_sub_ps(b, a), a);
}

static void resize_row(const qn_resize8c *r, const float *top, const float *bottom,
                       float row_mix, float *y)
{
    const __m256 part = qn_set8(row_mix);
    for (int64_t i = 0; i < r->y.w; i++) {
        const __m256 across = qn_set8(r->col_mix[i]);
        int64_t left = r->col0[i] * 8, right = r->col1[i] * 8;
        __m256 a =
            mix(_mm256_loadu_ps(top + left), _mm256_loadu_ps(top + right), across);
        __m256 b = mix(_mm256_loadu_ps(bottom + left), _mm256_loadu_ps(bottom + right),
                       across);
        _mm256_storeu_ps(y + 8 * i, mix(a, b, part));
    }
}

void qn_resize8c_f32_avx2(const qn_resize8c *r, const qn_task8c *t)
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
                    _mm256_storeu_ps(y + 8 * j, _mm256_loadu_ps(top + 8 * r->col0[j]));
        }
}

/* ---- reordering ------------------------------------------------------------------ */

static inline void transpose8(__m256 v[8])
{
    __m256 a[8], b[8];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        a[2 * i] = _mm256_unpacklo_ps(v[2 * i], v[2 * i + 1]);
        a[2 * i + 1] = _mm256_unpackhi_ps(v[2 * i], v[2 * i + 1]);
    }
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) {
        b[4 * i] = _mm256_shuffle_ps(a[4 * i], a[4 * i + 2], 0x44);
        b[4 * i + 1] = _mm256_shuffle_ps(a[4 * i], a[4 * i + 2], 0xee);
        b[4 * i + 2] = _mm256_shuffle_ps(a[4 * i + 1], a[4 * i + 3], 0x44);
        b[4 * i + 3] = _mm256_shuffle_ps(a[4 * i + 1], a[4 * i + 3], 0xee);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        v[i] = _mm256_permute2f128_ps(b[i], b[i + 4], 0x20);
        v[i + 4] = _mm256_permute2f128_ps(b[i], b[i + 4], 0x31);
    }
}

void qn_to8c_f32_avx2(const qn_map8c *m, const qn_task8c *t)
{
    for (int64_t b = t->c0; b < t->c1; b++) {
        int64_t real = m->x.c - 8 * b < 8 ? m->x.c - 8 * b : 8;
        for (int64_t r = t->i0; r < t->i1; r++) {
            const float *x =
                m->x.data + t->image * m->x.image + 8 * b * m->x.plane + r * m->x.row;
            float *y = row_of(&m->y, t->image, b, r);
            int64_t i = 0;
            for (; real == 8 && i + 8 <= m->y.w; i += 8) {
                __m256 v[8];
#pragma GCC unroll 8
                for (int k = 0; k < 8; k++)
                    v[k] = _mm256_loadu_ps(x + k * m->x.plane + i);
                transpose8(v);
#pragma GCC unroll 8
                for (int k = 0; k < 8; k++)
                    _mm256_storeu_ps(y + 8 * (i + k), v[k]);
            }
            for (; i < m->y.w; i++)
                for (int64_t k = 0; k < 8; k++)
                    y[8 * i + k] = k < real ? x[k * m->x.plane + i] : 0;
        }
    }
}

void qn_from8c_f32_avx2(const qn_map8c *m, const qn_task8c *t)
{
    for (int64_t b = t->c0; b < t->c1; b++) {
        int64_t real = m->y.c - 8 * b < 8 ? m->y.c - 8 * b : 8;
        for (int64_t r = t->i0; r < t->i1; r++) {
            float *y =
                m->y.data + t->image * m->y.image + 8 * b * m->y.plane + r * m->y.row;
            const float *x = row_of(&m->x, t->image, b, r);
            int64_t i = 0;
            for (; real == 8 && i + 8 <= m->y.w; i += 8) {
                __m256 v[8];
#pragma GCC unroll 8
                for (int k = 0; k < 8; k++)
                    v[k] = _mm256_loadu_ps(x + 8 * (i + k));
                transpose8(v);
#pragma GCC unroll 8
                for (int k = 0; k < 8; k++)
                    _mm256_storeu_ps(y + k * m->y.plane + i, v[k]);
            }
            for (; i < m->y.w; i++)
                for (int64_t k = 0; k < real; k++)
                    y[k * m->y.plane + i] = x[8 * i + k];
        }
    }
}
