/* SPDX-License-Identifier: Apache-2.0 */
/* formats/augment_warp.c - turning, scaling, shearing, zooming: however many of them
 * are in a row, the picture is sampled once, bilinearly; what lies beyond an edge is
 * reflected, so that no corner turns black. */
#include "formats/augment_ops.h"

#include <math.h>
#include <string.h>

#define DEGREE 0.017453292519943295

qn_affine qn_affine_identity(void)
{
    return (qn_affine){{1, 0, 0, 0, 1, 0}};
}

qn_affine qn_affine_rotation(double degrees)
{
    const double c = cos(degrees * DEGREE), s = sin(degrees * DEGREE);
    return (qn_affine){{c, -s, 0, s, c, 0}};
}

/* A pixel of the result is looked up through the later warp first. */
void qn_canvas_turn(qn_canvas *canvas, const qn_affine *then)
{
    const double *a = canvas->affine.m, *b = then->m;
    qn_affine both;
    for (int r = 0; r < 6; r += 3) {
        both.m[r] = a[r] * b[0] + a[r + 1] * b[3];
        both.m[r + 1] = a[r] * b[1] + a[r + 1] * b[4];
        both.m[r + 2] = a[r] * b[2] + a[r + 1] * b[5] + a[r + 2];
    }
    canvas->affine = both;
}

#define FRACTION 24 /* bits of a coordinate; the upper 8 of them weigh */

/* Coordinates of a row's pixels, in fixed point, and how they grow. */
typedef struct walk {
    int64_t x, y, dx, dy;
} walk;

static inline int weigh(int a, int b, int c, int d, int fx, int fy)
{
    const int top = a * (256 - fx) + b * fx, bottom = c * (256 - fx) + d * fx;
    return (top * (256 - fy) + bottom * fy + (1 << 15)) >> 16;
}

static void warp_row(const qn_canvas *c, walk at, uint8_t *to)
{
    const size_t ch = (size_t)c->channels, stride = (size_t)c->width * ch;
    for (int i = 0; i < c->width; i++, at.x += at.dx, at.y += at.dy) {
        const int64_t x = at.x >> FRACTION, y = at.y >> FRACTION;
        const int fx = (int)(at.x >> (FRACTION - 8) & 255);
        const int fy = (int)(at.y >> (FRACTION - 8) & 255);
        const bool inside = x >= 0 && y >= 0 && x < c->width - 1 && y < c->height - 1;
        const size_t x0 = (size_t)(inside ? x : qn_reflect(x, c->width)) * ch;
        const size_t x1 = inside ? x0 + ch : (size_t)qn_reflect(x + 1, c->width) * ch;
        const size_t y0 = (size_t)(inside ? y : qn_reflect(y, c->height)) * stride;
        const size_t y1 =
            inside ? y0 + stride : (size_t)qn_reflect(y + 1, c->height) * stride;
        const uint8_t *p = c->pixels;
        for (size_t k = 0; k < ch; k++)
            *to++ = (uint8_t)weigh(p[y0 + x0 + k], p[y0 + x1 + k], p[y1 + x0 + k],
                                   p[y1 + x1 + k], fx, fy);
    }
}

static int64_t fixed(double x)
{
    return (int64_t)rint(x * (1 << FRACTION));
}

void qn_canvas_settle(qn_canvas *c)
{
    const qn_affine identity = qn_affine_identity();
    const double *m = c->affine.m;
    const double centre_x = 0.5 * (c->width - 1), centre_y = 0.5 * (c->height - 1);
    if (!memcmp(&c->affine, &identity, sizeof identity)) return;
    for (int row = 0; row < c->height; row++) {
        const double x = -centre_x, y = row - centre_y;
        const walk at = {fixed(m[0] * x + m[1] * y + m[2] + centre_x),
                         fixed(m[3] * x + m[4] * y + m[5] + centre_y), fixed(m[0]),
                         fixed(m[3])};
        warp_row(c, at,
                 c->spare + (size_t)row * (size_t)c->width * (size_t)c->channels);
    }
    qn_canvas_swap(c);
    c->affine = identity;
}

void qn_augment_rotate(qn_canvas *c, const qn_augment_step *step, qn_draw *draw)
{
    const qn_affine a = qn_affine_rotation(qn_draw_uniform(draw, -step->a, step->a));
    qn_canvas_turn(c, &a);
}

void qn_augment_scale(qn_canvas *c, const qn_augment_step *step, qn_draw *draw)
{
    const double s = 1 / qn_draw_uniform(draw, step->a, step->b);
    const qn_affine a = {{s, 0, 0, 0, s, 0}};
    qn_canvas_turn(c, &a);
}

void qn_augment_shear(qn_canvas *c, const qn_augment_step *step, qn_draw *draw)
{
    const double x = tan(DEGREE * qn_draw_uniform(draw, -step->a, step->a));
    const double y = tan(DEGREE * qn_draw_uniform(draw, -step->a, step->a));
    const qn_affine along_x = {{1, x, 0, 0, 1, 0}}, along_y = {{1, 0, 0, y, 1, 0}};
    qn_canvas_turn(c, &along_x);
    qn_canvas_turn(c, &along_y);
}

/* Inception's crop (Szegedy et al., Going deeper with convolutions, 2015), resized back
 * to the picture's size; the aspect is one that lets the area fit. */
void qn_augment_zoom(qn_canvas *c, const qn_augment_step *step, qn_draw *draw)
{
    const double area = qn_draw_uniform(draw, step->a, step->b);
    const double most = log(fmin(4.0 / 3, 1 / area));
    const double aspect = exp(qn_draw_uniform(draw, -most, most));
    const double w = sqrt(area * aspect), h = sqrt(area / aspect);
    const double x = qn_draw_uniform(draw, -0.5, 0.5);
    const double y = qn_draw_uniform(draw, -0.5, 0.5);
    const qn_affine a = {{w, 0, x * (1 - w) * c->width, 0, h, y * (1 - h) * c->height}};
    qn_canvas_turn(c, &a);
}
