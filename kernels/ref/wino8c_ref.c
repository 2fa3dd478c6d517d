/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/ref/wino8c_ref.c - Winograd convolution, one tile at a time: the transforms
 * as matrices, the products as sums. */
#include "kernels/kernels.h"

qn_wino8c_f32_fn qn_wino8c_f32_ref;

enum { SIDE = 6 };

#define R 0x1.6a09e6p-1f /* sqrt(1/2) */

/* B' turns inputs into points, A' turns products at the points into outputs. */
static const float bt4[SIDE][SIDE] = {
    {1, 0, -2.5f, 0, 1, 0},      {0, -2 * R, -2, R, 1, 0},    {0, 2 * R, -2, -R, 1, 0},
    {0, -R, -0.5f, 2 * R, 1, 0}, {0, R, -0.5f, -2 * R, 1, 0}, {0, 1, 0, -2.5f, 0, 1},
};
static const float at4[4][SIDE] = {
    {1, 1, 1, 1, 1, 0},
    {0, R, -R, 2 * R, -2 * R, 0},
    {0, 0.5f, 0.5f, 2, 2, 0},
    {0, R / 2, -R / 2, 4 * R, -4 * R, 1},
};
static const float bt2[SIDE][SIDE] = {{1, 0, -1}, {0, 1, 1}, {0, -1, 1}, {0, -1, 0, 1}};
static const float at2[4][SIDE] = {{1, 1, 1}, {0, 1, -1, 1}};
/* Of twice, whose inputs are those of bt2. */
static const float att[4][SIDE] = {
    {1, 1, 0, -1}, {0, 1, 1}, {0, 1, 0, 1}, {0, 1, -1, 0, 1}};

/* Of stride 2. */
static const float bts[SIDE][SIDE] = {
    {1, 0, -1}, {0, 1}, {0, 0, 1}, {0, 0, 0, 1}, {0, 0, -1, 0, 1}};
static const float ats[4][SIDE] = {{1, 1}, {0, 1, 1}};

/* to [rows][cols] = m x m', where x is [side][side] and m [rows][side]; all rows SIDE.
 */
static void sandwich(const float m[][SIDE], int rows, int side, float x[SIDE][SIDE],
                     float to[SIDE][SIDE])
{
    float half[SIDE][SIDE] = {{0}};
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < side; j++) {
            half[i][j] = 0;
            for (int k = 0; k < side; k++)
                half[i][j] += m[i][k] * x[k][j];
        }
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < rows; j++) {
            to[i][j] = 0;
            for (int k = 0; k < side; k++)
                to[i][j] += half[i][k] * m[j][k];
        }
}

/* A tile: its first output, and how many there are. */
typedef struct place {
    int64_t image, row, col, rows, cols;
} place;

static bool is_inside(const qn_conv8c *c, int64_t row, int64_t col)
{
    return row >= 0 && row < c->x.h && col >= 0 && col < c->x.w;
}

static float mapped(const qn_ahead8c *ahead, int64_t image, int64_t ic, float x)
{
    if (!ahead->scale) return x;
    x = ahead->shift[image * ahead->image + ic] + x * ahead->scale[ic];
    qn_act_f32(ahead->act.kind, ahead->act.alpha, ahead->act.beta, &x, 1);
    return x;
}

static void transform_input(const qn_conv8c *c, const place *p, float *v)
{
    const int64_t s = c->stride[0];
    const int half = c->twice, side = s == 2 ? 5 : half ? 4 : c->tile + 2;
    const int64_t row = (p->row * s >> half) - c->pad[0];
    const int64_t col = (p->col * s >> half) - c->pad[1];
    for (int64_t ic = 0; ic < qn_blocks8c(c->x.c) * QN_BLOCK8; ic++) {
        float x[SIDE][SIDE] = {{0}}, to[SIDE][SIDE] = {{0}};
        const float *from = c->x.data + p->image * c->x.image +
                            ic / QN_BLOCK8 * c->x.plane + ic % QN_BLOCK8;
        for (int64_t i = 0; i < (p->rows * s >> half) + 3 - s; i++)
            for (int64_t j = 0; j < (p->cols * s >> half) + 3 - s; j++)
                if (is_inside(c, row + i, col + j))
                    x[i][j] =
                        mapped(&c->ahead, p->image, ic,
                               from[(row + i) * c->x.row + (col + j) * QN_BLOCK8]);
        sandwich(s == 2 ? bts : side == 6 ? bt4 : bt2, side, side, x, to);
        for (int e = 0; e < side * side; e++)
            *v++ = to[e / side][e % side];
    }
}

static void make_outputs(const qn_conv8c *c, const place *p, int64_t oc, const float *v,
                         const float *w, int64_t width)
{
    const int side = (int)qn_wino8c_side(c), points = side * side;
    int64_t n_k = qn_blocks8c(c->x.c) * QN_BLOCK8;
    float m[SIDE][SIDE] = {{0}}, y[SIDE][SIDE] = {{0}};
    for (int e = 0; e < points; e++) {
        const qn_wino8c_terms t = qn_wino8c_terms_of(c, e);
        float sum = 0;
        for (int i = 0; i < t.n; i++)
            for (int64_t ic = 0; ic < n_k; ic++)
                sum += v[ic * qn_wino8c_inputs(c) + t.input[i]] *
                       w[(t.filter[i] * n_k + ic) * width];
        m[e / side][e % side] = sum;
    }
    sandwich(c->stride[0] == 2 ? ats
             : c->twice        ? att
             : c->tile == 4    ? at4
                               : at2,
             c->tile, side, m, y);
    int64_t block = oc / QN_BLOCK8, lane = oc % QN_BLOCK8;
    for (int64_t i = 0; i < p->rows; i++)
        for (int64_t j = 0; j < p->cols; j++) {
            float value = y[i][j] + (c->bias ? c->bias[oc] : 0);
            const int64_t row = p->row + i, col = p->col + j;
            if (c->add.data)
                value += c->add.data[p->image * c->add.image + block * c->add.plane +
                                     (row >> c->add_shift) * c->add.row +
                                     (col >> c->add_shift) * QN_BLOCK8 + lane];
            qn_act_f32(c->act.kind, c->act.alpha, c->act.beta, &value, 1);
            c->y.data[p->image * c->y.image + block * c->y.plane + row * c->y.row +
                      col * QN_BLOCK8 + lane] = oc < c->y.c ? value : 0;
        }
}

void qn_wino8c_f32_ref(const qn_conv8c *c, const qn_task8c *t)
{
    int64_t across = (c->y.w + c->tile - 1) / c->tile;
    int64_t down = (c->y.h + c->tile - 1) / c->tile;
    const int64_t filters = qn_wino8c_filters(c);
    int64_t n_k = qn_blocks8c(c->x.c) * QN_BLOCK8;
    for (int64_t i = t->i0; i < t->i1; i++) {
        place p = {i / across / down, i / across % down * c->tile, i % across * c->tile,
                   c->tile, c->tile};
        if (c->y.h - p.row < p.rows) p.rows = c->y.h - p.row;
        if (c->y.w - p.col < p.cols) p.cols = c->y.w - p.col;
        transform_input(c, &p, t->scratch);
        for (int64_t k = t->c0; k < t->c1; k++) {
            qn_panel8c panel = qn_conv8c_panel(c, k);
            int64_t width = panel.blocks * QN_BLOCK8, first = panel.block * QN_BLOCK8;
            for (int64_t o = 0; o < width; o++)
                make_outputs(c, &p, first + o, t->scratch,
                             c->weight + first * n_k * filters + o, width);
        }
    }
}
