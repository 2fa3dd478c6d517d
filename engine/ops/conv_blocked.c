/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/conv_blocked.c - convolution in the blocked layout, by one of the ways of
 * conv_way.h. */
#include "engine/ops/conv_blocked.h"

#include "engine/ops/conv_band.h"
#include "engine/ops/conv_gate.h"
#include "engine/ops/conv_norm.h"
#include "engine/ops/conv_shape.h"
#include "engine/rows8c.h"

#include <string.h>

enum { STEM_CHANNELS = 4, MAX_HALO = 64, BIAS_KEY = 1 << 30 };

static bool has_bias(const qn_instr *i)
{
    return i->node->n_in > 2 && i->node->in[2];
}

static uint32_t bit_of_input(int i)
{
    return i < 32 ? UINT32_C(1) << i : 0;
}

/* Bit of the residual in i->twice and the like; 0 if there is none.  Only a gate or the
 * inputs of a feeder stand behind it. */
static uint32_t residual_bit(const qn_instr *i)
{
    const int behind = i->feeder ? i->feeder->n_in : i->gate ? 1 : 0;
    return i->residual ? bit_of_input(i->n_in - 1 - behind) : 0;
}

static bool fits(const qn_instr *i, qn_conv8c *c, int64_t *end)
{
    const qn_window_params *p = i->params;
    const qn_tensor *x = i->in[0], *w = i->in[1], *y = i->out[0];
    qn_tensor doubled = *x;
    qn_window win;
    for (int d = 2; d < 4 && i->twice & 1; d++)
        doubled.dim[d] *= 2;
    if (x->rank != 4 || x->dtype != QUERN_FLOAT || !qn_conv_can_pack(i, 1) || !y ||
        qn_tensor_count(y) == 0 || qn_tensor_count(x) == 0 ||
        (has_bias(i) && !qn_conv_can_pack(i, 2)) ||
        qn_window_fit(p, &doubled, w, &win, NULL) != QUERN_OK)
        return false;
    *c = (qn_conv8c){.groups = p->group,
                     .y_step = QN_BLOCK8,
                     .twice = i->twice & 1,
                     .add_shift = (i->twice & residual_bit(i)) != 0,
                     .act = i->act};
    for (int d = 0; d < 2; d++) {
        c->kernel[d] = win.kernel[d];
        c->stride[d] = win.stride[d];
        c->dilation[d] = win.dilation[d];
        c->pad[d] = win.begin[d];
        end[d] = (win.out[d] - 1) * win.stride[d] +
                 (win.kernel[d] - 1) * win.dilation[d] - win.begin[d] - (win.in[d] - 1);
    }
    return true;
}

static bool choose(const qn_instr *i, const qn_conv8c *c, qn_conv_slot *chosen)
{
    int64_t ic = i->in[1]->dim[1], oc = i->in[1]->dim[0];
    if (c->groups == 1)
        *chosen = ic <= STEM_CHANNELS ? QN_CONV_STEM : QN_CONV_DIRECT;
    else if (ic == 1 && oc == c->groups)
        *chosen = QN_CONV_DEPTH;
    else if (ic % QN_BLOCK8 == 0 && oc / c->groups % QN_BLOCK8 == 0)
        *chosen = QN_CONV_DIRECT;
    else
        return false;
    return true;
}

uint32_t qn_conv_halves(const qn_instr *i)
{
    qn_conv8c c;
    qn_conv_slot chosen;
    int64_t end[2];
    uint32_t can = 0;
    if (!fits(i, &c, end) || !choose(i, &c, &chosen)) return 0;
    c.x.c = i->in[1]->dim[1];
    c.y.c = i->in[1]->dim[0];
    if (chosen == QN_CONV_DIRECT && c.pad[0] == 1 && c.pad[1] == 1 && end[0] == 1 &&
        end[1] == 1 && qn_conv_may_double(&c))
        can |= 1;
    if (chosen != QN_CONV_DEPTH) can |= residual_bit(i);
    return can;
}

/* Filters of a pixel are rows of the packed weights, to be multiplied for each image:
 * that pays where they have fewer columns than the map has pixels. */
bool qn_conv_gates(const qn_instr *i)
{
    qn_conv8c c;
    qn_conv_slot chosen;
    int64_t end[2];
    if (!fits(i, &c, end) || !choose(i, &c, &chosen) || chosen != QN_CONV_DIRECT ||
        c.groups != 1 || c.kernel[0] != 1 || c.kernel[1] != 1)
        return false;
    const int64_t oc = i->in[1]->dim[0], pixels = i->in[0]->dim[2] * i->in[0]->dim[3];
    return qn_blocks8c(oc) * QN_BLOCK8 < pixels;
}

bool qn_conv_blocked(const qn_instr *i, qn_blocked *how)
{
    qn_conv8c c;
    qn_conv_slot chosen;
    int64_t end[2], halo = 0;
    if (!fits(i, &c, end) || !choose(i, &c, &chosen)) return false;
    for (int d = 0; d < 2; d++) {
        halo = c.pad[d] > halo ? c.pad[d] : halo;
        halo = end[d] > halo ? end[d] : halo;
    }
    if (halo > MAX_HALO) return false;
    *how = (qn_blocked){.wants = true, .in = 1, .halo = (int)halo};
    if (chosen == QN_CONV_STEM) *how = (qn_blocked){.wants = true};
    how->in |= residual_bit(i);
    if (i->gate) how->in |= bit_of_input(i->n_in - 1);
    return true;
}

/* The bias, zeros where there is no channel. */
static void pack_bias(void *packed, const qn_tensor *bias, const void *ctx)
{
    const size_t n = qn_tensor_bytes(bias), *bytes = ctx;
    memcpy(packed, bias->data, n);
    memset((char *)packed + n, 0, *bytes - n);
}

static quern_status take_bias(qn_prep *p, qn_conv_way *s, quern_error *err)
{
    const qn_instr *i = p->instr;
    const void *packed;
    if (!has_bias(i)) return QUERN_OK;
    const size_t bytes = (size_t)qn_blocks8c(s->c.y.c) * QN_BLOCK8 * sizeof(float);
    const qn_packer how = {BIAS_KEY, bytes, pack_bias, &bytes, sizeof bytes};
    QN_TRY(qn_prep_pack(p, 2, &how, &packed, err));
    s->c.bias = packed;
    return QUERN_OK;
}

static void set_planes(qn_conv8c *c, const qn_instr *i, bool stem)
{
    c->x = stem ? qn_plain_plane(i->in[0]) : qn_tensor_plane(i->in[0]);
    c->y = qn_tensor_plane(i->out[0]);
    if (i->residual) c->add = qn_tensor_plane(i->residual);
}

bool qn_conv_blocked_way(const qn_instr *i, qn_conv_way *w)
{
    int64_t end[2];
    *w = (qn_conv_way){.images = i->in[0]->dim[0]};
    if (!fits(i, &w->c, end) || !choose(i, &w->c, &w->slot)) return false;
    set_planes(&w->c, i, w->slot == QN_CONV_STEM);
    return true;
}

quern_status qn_conv_blocked_prepare_way(qn_prep *p, qn_conv_way *w, quern_error *err)
{
    const qn_instr *i = p->instr;
    if (!qn_conv_blocked_way(i, w))
        return qn_fail(err, QUERN_INVALID, "blocked convolution of %s",
                       QN_SHAPE(i->in[0]));
    if (i->gate) w->images = qn_conv_gate_images(w);
    QN_TRY(take_bias(p, w, err));
    return qn_conv_way_prepare(p, w, 1, 0, err);
}

quern_status qn_conv_blocked_prepare(qn_prep *p, quern_error *err)
{
    qn_conv_way *w;
    const qn_instr *feeder = p->instr->feeder;
    if (feeder)
        return feeder->op == p->instr->op ? qn_conv_band_prepare(p, err)
                                          : qn_conv_norm_prepare(p, err);
    if (p->instr->gate) return qn_conv_gate_prepare(p, err);
    QN_TRY(qn_prep_state(p, sizeof *w, (void **)&w, err));
    return qn_conv_blocked_prepare_way(p, w, err);
}

quern_status qn_conv_blocked_run(const qn_instr *i, const qn_exec *x)
{
    if (i->feeder) {
        (i->feeder->op == i->op ? qn_conv_band_run : qn_conv_norm_run)(i, x);
        return QUERN_OK;
    }
    if (i->gate) {
        qn_conv_gate_run(i, x);
        return QUERN_OK;
    }
    const qn_conv_way *s = i->state;
    qn_conv8c c = s->c;
    set_planes(&c, i, s->slot == QN_CONV_STEM);
    qn_conv_way_run(s, &c, i, x);
    return QUERN_OK;
}
