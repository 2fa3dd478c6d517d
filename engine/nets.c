/* SPDX-License-Identifier: Apache-2.0 */
/* engine/nets.c - the table of built-in networks, and from a row to a model. */
#include "engine/nets.h"
#include "engine/nets/net_builder.h"

#include <string.h>

static const qn_net *const nets[] = {
#define QN_NET(name) &qn_net_##name,
#include "engine/nets.def"
#undef QN_NET
};

const qn_net *qn_net_at(int i)
{
    return i >= 0 && i < (int)(sizeof nets / sizeof *nets) ? nets[i] : NULL;
}

const qn_net *qn_net_find(const char *name)
{
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++)
        if (!strcmp(nets[i]->name, name)) return nets[i];
    return NULL;
}

static quern_status check_side(const char *what, int side, quern_error *err)
{
    if (side >= QN_NET_MIN_SIDE && side <= QN_NET_MAX_SIDE) return QUERN_OK;
    return qn_fail(err, QUERN_INVALID,
                   "the %s is %d; built-in networks take %d to %d pixels", what, side,
                   QN_NET_MIN_SIDE, QN_NET_MAX_SIDE);
}

static quern_status check_options(const qn_net_options *o, quern_error *err)
{
    QN_TRY(check_side("height", o->height, err));
    QN_TRY(check_side("width", o->width, err));
    if (o->channels != 1 && o->channels != 3)
        return qn_fail(err, QUERN_INVALID,
                       "pictures have %d channels; built-in networks take 1 or 3",
                       o->channels);
    if (o->n_classes < 2 || o->n_classes > 1000000)
        return qn_fail(err, QUERN_INVALID,
                       "%d classes; a classifier needs 2 to 1000000", o->n_classes);
    if (o->multiplier != 0 && !(o->multiplier >= 0.25 && o->multiplier <= 4))
        return qn_fail(err, QUERN_INVALID,
                       "the width multiplier is %g; it lies in 0.25 to 4",
                       o->multiplier);
    return QUERN_OK;
}

static quern_status build(const qn_net_plan *plan, quern_model *model, quern_error *err)
{
    void *opsets;
    QN_TRY(qn_arena_array(&model->arena, 1, sizeof *model->opsets, &opsets, err));
    model->ir_version = 8;
    model->opsets = opsets;
    model->opsets[0] = (qn_opset){"", QN_NET_OPSET};
    model->n_opsets = 1;
    model->graph->name = plan->name;
    qn_builder b = {.model = model, .opt = plan->opt, .error = {.status = QUERN_OK}};
    plan->layers(&b, plan->which);
    if (b.error.status != QUERN_OK && err) *err = b.error;
    return b.error.status;
}

quern_status qn_net_make(const qn_net_plan *plan, const quern_model_options *memory,
                         quern_model **out, quern_error *err)
{
    *out = NULL;
    QN_TRY(qn_model_create(memory, out, err));
    const quern_status status = build(plan, *out, err);
    if (status == QUERN_OK) return QUERN_OK;
    quern_model_free(*out);
    *out = NULL;
    return status;
}

static void classifier(qn_builder *b, const void *which)
{
    const qn_net *net = which;
    net->build(b, net);
}

quern_status qn_net_build(const qn_net *net, const qn_net_options *opt,
                          const quern_model_options *memory, quern_model **out,
                          quern_error *err)
{
    *out = NULL;
    QN_TRY(check_options(opt, err));
    return qn_net_make(&(qn_net_plan){net->name, classifier, net, opt}, memory, out,
                       err);
}
