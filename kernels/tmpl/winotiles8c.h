/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/winotiles8c.h - the input side of Winograd's minimal filtering: tiles of
 * a blocked image, and their transform V = B' x B, for tiles of 4x4 and 2x2 outputs.
 * What tiles that reach over the edge do not have is zero.  Where x stands twice, a
 * tile of 4 takes the transform of a tile of 2. */
/* ---- transforms of one axis ------------------------------------------------------ */

enum { MAX_SIDE = 6 };

/* to = B' x; step, to_step: floats from value to value. */
static inline void input4(const float *x, int64_t step, float *to, int64_t to_step)
{
    const qn_v8 a = qn_set8(0x1.6a09e6p-1f), b = qn_set8(0x1.6a09e6p+0f);
    qn_v8 x0 = qn_load8(x), x1 = qn_load8(x + step);
    qn_v8 x2 = qn_load8(x + 2 * step), x3 = qn_load8(x + 3 * step);
    qn_v8 x4 = qn_load8(x + 4 * step), x5 = qn_load8(x + 5 * step);
    qn_v8 even = qn_fnma8(qn_set8(2), x2, x4);
    qn_v8 odd = qn_fnma8(qn_set8(2), x1, x3);
    qn_v8 even_b = qn_fnma8(qn_set8(0.5f), x2, x4);
    qn_v8 odd_b = qn_fnma8(qn_set8(0.5f), x1, x3);
    qn_v8 y0 = qn_fnma8(qn_set8(2.5f), x2, qn_add8(x0, x4));
    qn_v8 y5 = qn_fnma8(qn_set8(2.5f), x3, qn_add8(x1, x5));
    qn_store8(to, y0);
    qn_store8(to + to_step, qn_fma8(a, odd, even));
    qn_store8(to + 2 * to_step, qn_fnma8(a, odd, even));
    qn_store8(to + 3 * to_step, qn_fma8(b, odd_b, even_b));
    qn_store8(to + 4 * to_step, qn_fnma8(b, odd_b, even_b));
    qn_store8(to + 5 * to_step, y5);
}

static inline void input2(const float *x, int64_t step, float *to, int64_t to_step)
{
    qn_v8 x0 = qn_load8(x), x1 = qn_load8(x + step);
    qn_v8 x2 = qn_load8(x + 2 * step), x3 = qn_load8(x + 3 * step);
    qn_store8(to, qn_sub8(x0, x2));
    qn_store8(to + to_step, qn_add8(x1, x2));
    qn_store8(to + 2 * to_step, qn_sub8(x2, x1));
    qn_store8(to + 3 * to_step, qn_sub8(x3, x1));
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

/* The part of a tile's input that exists, among zeros. */
static void copy_ragged(int64_t rows, int64_t cols, const float *x, int64_t row,
                        float *to)
{
    for (int64_t r = 0; r < MAX_SIDE; r++)
        for (int64_t k = 0; k < MAX_SIDE; k++)
            qn_store8(to + (r * MAX_SIDE + k) * 8, r < rows && k < cols
                                                       ? qn_load8(x + r * row + k * 8)
                                                       : qn_zero8());
}

static inline void transform_tile4(const float *x, int64_t row, float *v, int64_t point)
{
    float half[MAX_SIDE * MAX_SIDE * 8];
    for (int64_t r = 0; r < 6; r++)
        input4(x + r * row, 8, half + r * 48, 8);
    for (int64_t k = 0; k < 6; k++)
        input4(half + k * 8, 48, v + k * point, 6 * point);
}

static inline void transform_tile2(const float *x, int64_t row, float *v, int64_t point)
{
    float half[MAX_SIDE * MAX_SIDE * 8];
    for (int64_t r = 0; r < 4; r++)
        input2(x + r * row, 8, half + r * 32, 8);
    for (int64_t k = 0; k < 4; k++)
        input2(half + k * 8, 32, v + k * point, 4 * point);
}

/* V [point][block][tile][8] of n tiles; point, step: floats from point to point and
 * block to block.  A block's tiles lie side by side: the reads are a few long streams.
 */
static void transform_input(const qn_conv8c *c, const place *at, int64_t n, float *v,
                            int64_t point, int64_t step)
{
    float ragged[MAX_SIDE * MAX_SIDE * 8];
    for (int64_t b = 0; b < qn_blocks8c(c->x.c); b++)
        for (int64_t t = 0; t < n; t++) {
            const place *p = at + t;
            const int half = c->twice;
            const float *x = c->x.data + p->image * c->x.image + b * c->x.plane +
                             ((p->row >> half) - c->pad[0]) * c->x.row +
                             ((p->col >> half) - c->pad[1]) * 8;
            int64_t row = c->x.row;
            if (p->rows < c->tile || p->cols < c->tile) {
                copy_ragged((p->rows >> half) + 2, (p->cols >> half) + 2, x, row,
                            ragged);
                x = ragged, row = MAX_SIDE * 8;
            }
            (c->tile == 4 && !half ? transform_tile4 : transform_tile2)(
                x, row, v + b * step + t * 8, point);
        }
}
