/* SPDX-License-Identifier: Apache-2.0 */
/* formats/loader_mix.c - mixup (Zhang et al., 2017) and CutMix (Yun et al., 2019)
 * within a batch: each picture and the one some places further on, one share for the
 * batch. */
#include "formats/loader_state.h"

#include "formats/augment_ops.h"

#include <math.h>
#include <string.h>

/* ---- shares ---- */

static double draw_normal(qn_draw *draw)
{
    const double u = ((double)qn_draw_bits(draw) + 0.5) * 0x1p-32;
    const double v = qn_draw_uniform(draw, 0, 1);
    return sqrt(-2 * log(u)) * cos(6.28318530717958647693 * v);
}

/* Marsaglia, Tsang: A simple method for generating gamma variables, 2000; below 1 by
 * the power of a uniform number. */
static double draw_gamma(qn_draw *draw, double alpha)
{
    const double d = (alpha < 1 ? alpha + 1 : alpha) - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        const double x = draw_normal(draw), v = pow(1 + c * x, 3);
        const double u = ((double)qn_draw_bits(draw) + 0.5) * 0x1p-32;
        if (!(v > 0) || log(u) >= 0.5 * x * x + d * (1 - v + log(v))) continue;
        const double less = ((double)qn_draw_bits(draw) + 0.5) * 0x1p-32;
        return d * v * (alpha < 1 ? pow(less, 1 / alpha) : 1);
    }
}

static double draw_beta(qn_draw *draw, double alpha)
{
    const double x = draw_gamma(draw, alpha), y = draw_gamma(draw, alpha);
    return x + y > 0 ? x / (x + y) : 1;
}

/* ---- pixels ---- */

/* One batch being mixed: picture i with picture (i + by) % n of those before. */
typedef struct mixing {
    const qn_loader *l;
    qn_loader_slot *slot;
    int64_t by;
} mixing;

static int64_t partner(const mixing *m, int64_t i)
{
    return (i + m->by) % m->slot->n;
}

/* The share of the picture itself, a multiple of 1/256 as its pixels are. */
static double blend(const mixing *m, double share)
{
    const int own = (int)lrint(share * 256), other = 256 - own;
    const size_t bytes = m->l->picture;
    for (int64_t i = 0; i < m->slot->n; i++) {
        uint8_t *a = m->slot->pixels + (size_t)i * bytes;
        const uint8_t *b = m->slot->before + (size_t)partner(m, i) * bytes;
        for (size_t k = 0; k < bytes; k++)
            a[k] = (uint8_t)((a[k] * own + b[k] * other + 128) >> 8);
    }
    return own / 256.0;
}

static int within(double x, int most)
{
    return x < 0 ? 0 : x > most ? most : (int)x;
}

/* A box of area 1 - share, where it lies inside the picture, comes from the other. */
static double paste(const mixing *m, double share, qn_draw *draw)
{
    const int height = m->l->o.frame.height, width = m->l->o.frame.width;
    const double side = sqrt(1 - share);
    const double x = qn_draw_uniform(draw, 0, width);
    const double y = qn_draw_uniform(draw, 0, height);
    const int left = within(x - 0.5 * side * width + 0.5, width);
    const int right = within(x + 0.5 * side * width + 0.5, width);
    const int top = within(y - 0.5 * side * height + 0.5, height);
    const int bottom = within(y + 0.5 * side * height + 0.5, height);
    const size_t c = (size_t)m->l->o.frame.channels, stride = (size_t)width * c;
    for (int64_t i = 0; i < m->slot->n; i++)
        for (int row = top; row < bottom; row++) {
            const size_t at = (size_t)row * stride + (size_t)left * c;
            memcpy(m->slot->pixels + (size_t)i * m->l->picture + at,
                   m->slot->before + (size_t)partner(m, i) * m->l->picture + at,
                   (size_t)(right - left) * c);
        }
    return 1 - (double)(right - left) * (bottom - top) / ((double)height * width);
}

/* ---- the batch ---- */

static void mix_targets(const mixing *m, double share)
{
    const int classes = m->l->batches.n_classes;
    qn_loader_slot *s = m->slot;
    for (int64_t i = 0; i < s->n; i++) {
        const int64_t j = partner(m, i);
        float *target = s->target + i * classes;
        memset(target, 0, (size_t)classes * sizeof *target);
        if (s->label[i] >= 0) target[s->label[i]] = (float)share;
        if (s->label[j] >= 0) target[s->label[j]] += (float)(1 - share);
        s->weight[i] =
            (float)(share * s->weight_before[i] + (1 - share) * s->weight_before[j]);
    }
}

void qn_loader_mix(const qn_loader *l, qn_loader_slot *slot, int64_t epoch)
{
    const qn_loader_options *o = &l->o;
    const size_t n = (size_t)slot->n;
    if (n < 2 || (o->n_epochs && epoch >= o->n_epochs - o->mix_off_epochs)) return;
    qn_draw draw = {.rng = qn_rng_make(o->seed, "mix", (uint64_t)slot->ticket)};
    const bool coin = qn_draw_bits(&draw) & 1;
    const bool pastes = o->cutmix > 0 && (o->mixup == 0 || coin);
    const mixing m = {l, slot, qn_draw_int(&draw, 1, (int)n - 1)};
    double share = draw_beta(&draw, pastes ? o->cutmix : o->mixup);
    memcpy(slot->before, slot->pixels, n * l->picture);
    memcpy(slot->weight_before, slot->weight, n * sizeof *slot->weight);
    share = pastes ? paste(&m, share, &draw) : blend(&m, share);
    mix_targets(&m, share);
}
