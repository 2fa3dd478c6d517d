/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/winotiles8c.h - the input side of Winograd's minimal filtering: tiles of
 * a blocked image, and their transform V = B' x B, for tiles of 4x4 and 2x2 outputs and
 * for stride 2.  What tiles that reach over the edge do not have is zero.  Where x
 * stands twice, a tile of 4 takes the transform of a tile of 2. */
#include "kernels/tmpl/act8c.h"

/* ---- transforms of one axis ------------------------------------------------------ */

enum { MAX_SIDE = 6 };

/* Six or four values of an axis. */
typedef struct values {
    qn_v8 x0, x1, x2, x3, x4, x5;
} values;

/* to = B' x */
static inline void input4(values x, float *to, int64_t step)
{
    const qn_v8 a = qn_set8(0x1.6a09e6p-1f), b = qn_set8(0x1.6a09e6p+0f);
    qn_v8 even = qn_fnma8(qn_set8(2), x.x2, x.x4);
    qn_v8 odd = qn_fnma8(qn_set8(2), x.x1, x.x3);
    qn_v8 even_b = qn_fnma8(qn_set8(0.5f), x.x2, x.x4);
    qn_v8 odd_b = qn_fnma8(qn_set8(0.5f), x.x1, x.x3);
    qn_v8 y0 = qn_fnma8(qn_set8(2.5f), x.x2, qn_add8(x.x0, x.x4));
    qn_v8 y5 = qn_fnma8(qn_set8(2.5f), x.x3, qn_add8(x.x1, x.x5));
    qn_store8(to, y0);
    qn_store8(to + step, qn_fma8(a, odd, even));
    qn_store8(to + 2 * step, qn_fnma8(a, odd, even));
    qn_store8(to + 3 * step, qn_fma8(b, odd_b, even_b));
    qn_store8(to + 4 * step, qn_fnma8(b, odd_b, even_b));
    qn_store8(to + 5 * step, y5);
}

static inline void input2(values x, float *to, int64_t step)
{
    qn_store8(to, qn_sub8(x.x0, x.x2));
    qn_store8(to + step, qn_add8(x.x1, x.x2));
    qn_store8(to + 2 * step, qn_sub8(x.x2, x.x1));
    qn_store8(to + 3 * step, qn_sub8(x.x3, x.x1));
}

static inline void input_strided(values x, float *to, int64_t step)
{
    qn_store8(to, qn_sub8(x.x0, x.x2));
    qn_store8(to + step, x.x1);
    qn_store8(to + 2 * step, x.x2);
    qn_store8(to + 3 * step, x.x3);
    qn_store8(to + 4 * step, qn_sub8(x.x4, x.x2));
}

/* ---- a block of tiles ------------------------------------------------------------ */

/* Where a tile lies, and how much of it there is. */
typedef struct place {
    int64_t image, row, col; /* its first output */
    int64_t rows, cols;
} place;

static place find_tile(const qn_conv8c *c, int64_t i)
{
    int64_t across = (c->y.w + c->tile - 1) / c->tile;
    int64_t down = (c->y.h + c->tile - 1) / c->tile;
    place p = {.image = i / across / down};
    p.row = i / across % down * c->tile, p.col = i % across * c->tile;
    p.rows = c->y.h - p.row < c->tile ? c->y.h - p.row : c->tile;
    p.cols = c->y.w - p.col < c->tile ? c->y.w - p.col : c->tile;
    return p;
}

/* Where its input begins, on one axis. */
static inline int64_t corner(const qn_conv8c *c, int64_t output, int axis)
{
    return (output * c->stride[axis] >> c->twice) - c->pad[axis];
}

/* ---- what a tile is read through --------------------------------------------------
 */

/* c->ahead for a block of channels, or nothing at all. */
typedef struct lens {
    bool is_glass; /* x as it is */
    qn_v8 scale, shift;
    qn_bounds8 bounds;
} lens;

static lens lens_of(const qn_ahead8c *ahead, int64_t image, int64_t b)
{
    if (!ahead->scale) return (lens){.is_glass = true};
    return (lens){.scale = qn_load8(ahead->scale + b * 8),
                  .shift = qn_load8(ahead->shift + image * ahead->image + b * 8),
                  .bounds = qn_bounds8_of(&ahead->act)};
}

QN_FORCE_INLINE qn_v8 see(const lens *l, const float *x)
{
    const qn_v8 v = qn_load8(x);
    return l->is_glass ? v : qn_bound8(&l->bounds, qn_fma8(l->scale, v, l->shift));
}

QN_FORCE_INLINE values see4(const lens *l, const float *x, int64_t step)
{
    const qn_v8 zero = qn_zero8();
    return (values){
        see(l, x), see(l, x + step), see(l, x + 2 * step), see(l, x + 3 * step), zero,
        zero};
}

QN_FORCE_INLINE values see5(const lens *l, const float *x, int64_t step)
{
    values v = see4(l, x, step);
    v.x4 = see(l, x + 4 * step);
    return v;
}

QN_FORCE_INLINE values see6(const lens *l, const float *x, int64_t step)
{
    values v = see5(l, x, step);
    v.x5 = see(l, x + 5 * step);
    return v;
}

QN_FORCE_INLINE void transform_tile4(const lens *l, const float *x, int64_t row,
                                     float *v, int64_t point)
{
    const lens glass = {.is_glass = true};
    float half[MAX_SIDE * MAX_SIDE * 8];
    for (int64_t r = 0; r < 6; r++)
        input4(see6(l, x + r * row, 8), half + r * 48, 8);
    for (int64_t k = 0; k < 6; k++)
        input4(see6(&glass, half + k * 8, 48), v + k * point, 6 * point);
}

QN_FORCE_INLINE void transform_tile2(const lens *l, const float *x, int64_t row,
                                     float *v, int64_t point)
{
    const lens glass = {.is_glass = true};
    float half[MAX_SIDE * MAX_SIDE * 8];
    for (int64_t r = 0; r < 4; r++)
        input2(see4(l, x + r * row, 8), half + r * 32, 8);
    for (int64_t k = 0; k < 4; k++)
        input2(see4(&glass, half + k * 8, 32), v + k * point, 4 * point);
}

QN_FORCE_INLINE void transform_strided(const lens *l, const float *x, int64_t row,
                                       float *v, int64_t point)
{
    const lens glass = {.is_glass = true};
    float half[MAX_SIDE * MAX_SIDE * 8];
    for (int64_t r = 0; r < 5; r++)
        input_strided(see5(l, x + r * row, 8), half + r * 40, 8);
    for (int64_t k = 0; k < 5; k++)
        input_strided(see5(&glass, half + k * 8, 40), v + k * point, 5 * point);
}

/* Which rows and columns of a tile's input count: those that the tile needs, and of
 * these, through a lens, those inside the image, for padding is zero whatever it is
 * seen through.  Without one zeros lie around the image. */
typedef struct needed {
    int64_t r0, r1, k0, k1;
} needed;

static needed find_needed(const qn_conv8c *c, const place *p)
{
    const int64_t row = corner(c, p->row, 0), col = corner(c, p->col, 1);
    const int64_t s = c->stride[0];
    needed a = {0, (p->rows * s >> c->twice) + 3 - s, 0,
                (p->cols * s >> c->twice) + 3 - s};
    if (!c->ahead.scale) return a;
    if (row < 0) a.r0 = -row;
    if (col < 0) a.k0 = -col;
    if (a.r1 > c->x.h - row) a.r1 = c->x.h - row;
    if (a.k1 > c->x.w - col) a.k1 = c->x.w - col;
    return a;
}

/* What is needed, among zeros. */
static void copy_needed(const lens *l, const needed *a, const float *x, int64_t row,
                        float *to)
{
    for (int64_t r = 0; r < MAX_SIDE; r++)
        for (int64_t k = 0; k < MAX_SIDE; k++) {
            const bool is_in = r >= a->r0 && r < a->r1 && k >= a->k0 && k < a->k1;
            qn_store8(to + (r * MAX_SIDE + k) * 8,
                      is_in ? see(l, x + r * row + k * 8) : qn_zero8());
        }
}

QN_FORCE_INLINE void transform_whole(const qn_conv8c *c, const lens *l, const float *x,
                                     int64_t row, float *v, int64_t point)
{
    if (c->stride[0] == 2)
        transform_strided(l, x, row, v, point);
    else if (c->tile == 4 && !c->twice)
        transform_tile4(l, x, row, v, point);
    else
        transform_tile2(l, x, row, v, point);
}

/* A tile whose input begins at x. */
QN_FORCE_INLINE void transform_tile(const qn_conv8c *c, const place *p, const lens *l,
                                    const float *x, float *v, int64_t point)
{
    const int64_t side = c->stride[0] == 2 ? 5 : c->tile == 4 && !c->twice ? 6 : 4;
    const needed a = find_needed(c, p);
    if (a.r1 - a.r0 == side && a.k1 - a.k0 == side) {
        transform_whole(c, l, x, c->x.row, v, point);
        return;
    }
    const lens glass = {.is_glass = true};
    float ragged[MAX_SIDE * MAX_SIDE * 8];
    copy_needed(l, &a, x, c->x.row, ragged);
    transform_whole(c, &glass, ragged, MAX_SIDE * 8, v, point);
}

/* V [point][block][tile][8] of n tiles; point, step: floats from point to point and
 * block to block.  A block's tiles lie side by side: the reads are a few long streams.
 */
static void transform_input(const qn_conv8c *c, const place *at, int64_t n, float *v,
                            int64_t point, int64_t step)
{
    const lens glass = {.is_glass = true};
    for (int64_t b = 0; b < qn_blocks8c(c->x.c); b++)
        for (int64_t t = 0; t < n; t++) {
            const place *p = at + t;
            const float *x = c->x.data + p->image * c->x.image + b * c->x.plane +
                             corner(c, p->row, 0) * c->x.row + corner(c, p->col, 1) * 8;
            float *to = v + b * step + t * 8;
            if (c->ahead.scale) {
                const lens l = lens_of(&c->ahead, p->image, b);
                transform_tile(c, p, &l, x, to, point);
            } else {
                transform_tile(c, p, &glass, x, to, point);
            }
        }
}
