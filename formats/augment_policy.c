/* SPDX-License-Identifier: Apache-2.0 */
/* formats/augment_policy.c - RandAugment (Cubuk et al., 2019) and TrivialAugment in its
 * wide form (Mueller, Hutter, 2021): both draw from one table of fourteen operations.
 * Magnitudes are 0 .. 30; distances are shares of the side, so that they mean the same
 * at 28 pixels as at 224. */
#include "formats/augment_ops.h"

#include <math.h>

enum { BINS = 30 };

static void do_nothing(qn_canvas *c, double amount)
{
    (void)c;
    (void)amount;
}

static void shear_x(qn_canvas *c, double amount)
{
    const qn_affine a = {{1, amount, 0, 0, 1, 0}};
    qn_canvas_turn(c, &a);
}

static void shear_y(qn_canvas *c, double amount)
{
    const qn_affine a = {{1, 0, 0, amount, 1, 0}};
    qn_canvas_turn(c, &a);
}

static void move_x(qn_canvas *c, double amount)
{
    const qn_affine a = {{1, 0, rint(amount * c->width), 0, 1, 0}};
    qn_canvas_turn(c, &a);
}

static void move_y(qn_canvas *c, double amount)
{
    const qn_affine a = {{1, 0, 0, 0, 1, rint(amount * c->height)}};
    qn_canvas_turn(c, &a);
}

static void rotate(qn_canvas *c, double amount)
{
    const qn_affine a = qn_affine_rotation(amount);
    qn_canvas_turn(c, &a);
}

static void brighten(qn_canvas *c, double amount)
{
    qn_canvas_bright(c, 1 + amount);
}

static void colour(qn_canvas *c, double amount)
{
    qn_canvas_saturate(c, 1 + amount);
}

static void contrast(qn_canvas *c, double amount)
{
    qn_canvas_contrast(c, 1 + amount);
}

static void sharpen(qn_canvas *c, double amount)
{
    qn_canvas_sharpen(c, 1 + amount);
}

static void posterize(qn_canvas *c, double amount)
{
    qn_canvas_posterize(c, 8 - (int)rint(amount));
}

static void solarize(qn_canvas *c, double amount)
{
    qn_canvas_solarize(c, 255 - (int)amount);
}

static void autocontrast(qn_canvas *c, double amount)
{
    (void)amount;
    qn_canvas_autocontrast(c);
}

static void equalize(qn_canvas *c, double amount)
{
    (void)amount;
    qn_canvas_equalize(c);
}

typedef struct policy_op {
    void (*apply)(qn_canvas *c, double amount);
    double rand, wide; /* amounts at magnitude 30: RandAugment's, TrivialAugment's */
    bool is_signed;    /* and either sign */
    bool is_affine;
} policy_op;

static const policy_op ops[] = {
    {do_nothing, 0, 0, false, true},    {shear_x, 0.3, 0.99, true, true},
    {shear_y, 0.3, 0.99, true, true},   {move_x, 0.45, 0.5, true, true},
    {move_y, 0.45, 0.5, true, true},    {rotate, 30, 135, true, true},
    {brighten, 0.9, 0.99, true, false}, {colour, 0.9, 0.99, true, false},
    {contrast, 0.9, 0.99, true, false}, {sharpen, 0.9, 0.99, true, false},
    {posterize, 4, 6, false, false},    {solarize, 255, 255, false, false},
    {autocontrast, 0, 0, false, false}, {equalize, 0, 0, false, false},
};
enum { N_OPS = sizeof ops / sizeof ops[0] };

static void apply_one(qn_canvas *c, const policy_op *op, double amount, qn_draw *draw)
{
    const bool negative = qn_draw_bits(draw) & 1;
    if (!op->is_affine) qn_canvas_settle(c);
    op->apply(c, op->is_signed && negative ? -amount : amount);
}

void qn_augment_randaug(qn_canvas *c, const qn_augment_step *step, qn_draw *draw)
{
    for (int i = 0; i < (int)step->a; i++) {
        const policy_op *op = &ops[qn_draw_int(draw, 0, N_OPS - 1)];
        apply_one(c, op, op->rand * step->b / BINS, draw);
    }
}

void qn_augment_trivial(qn_canvas *c, const qn_augment_step *step, qn_draw *draw)
{
    (void)step;
    const policy_op *op = &ops[qn_draw_int(draw, 0, N_OPS - 1)];
    apply_one(c, op, op->wide * qn_draw_int(draw, 0, BINS) / BINS, draw);
}
