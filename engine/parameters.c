/* SPDX-License-Identifier: Apache-2.0 */
/* engine/parameters.c - see the header. */
#include "engine/parameters.h"

#include <string.h>

/* Rows whose inputs from the second on are weights, however small. */
static const char *const weighted[] = {"Conv",
                                       "ConvTranspose",
                                       "Gemm",
                                       "BatchNormalization",
                                       "LayerNormalization",
                                       "GroupNormalization",
                                       "InstanceNormalization",
                                       "PRelu"};

static bool is_weighted(const qn_node *node)
{
    if (node->domain[0] && strcmp(node->domain, "ai.onnx") != 0) return false;
    for (size_t i = 0; i < sizeof weighted / sizeof weighted[0]; i++)
        if (strcmp(node->op_type, weighted[i]) == 0) return true;
    return false;
}

static bool is_float(const qn_value *v)
{
    const qn_tensor *t = v ? v->constant : NULL;
    return t && t->kind == QN_TENSOR &&
           (t->dtype == QUERN_FLOAT || t->dtype == QUERN_DOUBLE) && v->name[0];
}

static void mark_inputs(const qn_node *node, qn_is_frozen_fn *is_frozen, void *ctx)
{
    const bool small = is_weighted(node);
    for (int i = 0; i < node->n_in; i++) {
        qn_value *v = node->in[i];
        if (!is_float(v) || (qn_tensor_count(v->constant) < 2 && !(small && i > 0)))
            continue;
        v->is_parameter = !is_frozen || !is_frozen(ctx, v->name);
    }
}

/* Statistics follow their scale: a frozen batch-norm is an affine map for good. */
static void settle_statistics(const qn_node *node)
{
    if (strcmp(node->op_type, "BatchNormalization") != 0 || node->n_in < 5) return;
    const bool trains = node->in[1] && node->in[1]->is_parameter;
    for (int i = 2; i < 5; i++)
        if (is_float(node->in[i])) node->in[i]->is_parameter = trains;
}

void qn_parameters_mark(quern_model *model, qn_is_frozen_fn *is_frozen, void *ctx)
{
    model->purpose = QN_FOR_GRADIENTS;
    for (qn_node *node = model->graph->first; node; node = node->next)
        mark_inputs(node, is_frozen, ctx);
    for (qn_node *node = model->graph->first; node; node = node->next)
        settle_statistics(node);
}

quern_status qn_batch_fix(quern_model *model, int64_t n, quern_error *err)
{
    for (int i = 0; i < model->graph->n_inputs; i++) {
        qn_value *v = model->graph->inputs[i];
        if (v->constant) continue; /* an initializer that older files list here, too */
        if (v->rank < 1)
            return qn_fail(err, QUERN_SHAPE, "input '%s' has no batch dim", v->name);
        if (v->dim[0] != -1 && v->dim[0] != 1 && v->dim[0] != n)
            return qn_fail(err, QUERN_SHAPE,
                           "input '%s' takes batches of %lld, not of %lld", v->name,
                           (long long)v->dim[0], (long long)n);
        v->dim[0] = n;
        v->symbol[0] = NULL;
    }
    return QUERN_OK;
}
