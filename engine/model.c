/* SPDX-License-Identifier: Apache-2.0 */
/* engine/model.c - a model as an object: making one, freeing it, asking it questions.
 */
#include "engine/model.h"

#include "engine/finish.h"
#include "engine/pass.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

quern_status qn_model_create(const quern_model_options *opt, quern_model **out,
                             quern_error *err)
{
    quern_model_options o = {.size = sizeof o};
    if (opt) memcpy(&o, opt, opt->size && opt->size < sizeof o ? opt->size : sizeof o);
    *out = NULL;
    qn_mem mem;
    void *p;
    qn_mem_init(&mem, o.allocator, o.max_bytes);
    QN_TRY(qn_mem_alloc(&mem, sizeof **out, &p, err));
    quern_model *m = p;
    *m = (quern_model){.mem = mem,
                       .producer = "",
                       .allow_missing = o.allow_missing != 0,
                       .keep_overridable = o.keep_overridable != 0,
                       .log = o.log,
                       .log_ctx = o.log_ctx};
    qn_arena_init(&m->arena, &m->mem);
    quern_status status = qn_graph_create(&m->arena, NULL, &m->graph, err);
    const char *passes = o.disable_passes ? o.disable_passes : "";
    if (status == QUERN_OK)
        status =
            qn_arena_text(&m->arena, passes, strlen(passes), &m->disable_passes, err);
    if (status != QUERN_OK) {
        quern_model_free(m);
        return status;
    }
    *out = m;
    return QUERN_OK;
}

void quern_model_free(quern_model *model)
{
    if (!model) return;
    for (qn_backing *b = model->backings, *next; b; b = next) {
        next = b->next;
        if (b->release) b->release(b);
    }
    qn_arena_done(&model->arena);
    qn_mem mem = model->mem;
    qn_mem_free(&mem, model, sizeof *model);
}

int64_t qn_model_opset(const quern_model *model, const char *domain)
{
    if (strcmp(domain, "ai.onnx") == 0) domain = "";
    for (int i = 0; i < model->n_opsets; i++) {
        const char *d = model->opsets[i].domain;
        if (strcmp(strcmp(d, "ai.onnx") == 0 ? "" : d, domain) == 0)
            return model->opsets[i].version;
    }
    return 0;
}

static qn_pair *find_pair(const quern_model *model, const char *key)
{
    for (int i = 0; i < model->n_metadata; i++)
        if (strcmp(model->metadata[i].key, key) == 0) return &model->metadata[i];
    return NULL;
}

static quern_status add_pair(quern_model *model, const char *key, qn_pair **out,
                             quern_error *err)
{
    void *p;
    const size_t n = (size_t)model->n_metadata;
    QN_TRY(qn_arena_array(&model->arena, n + 1, sizeof *model->metadata, &p, err));
    if (n) memcpy(p, model->metadata, n * sizeof *model->metadata);
    model->metadata = p;
    *out = &model->metadata[n];
    QN_TRY(qn_arena_text(&model->arena, key, strlen(key), &(*out)->key, err));
    model->n_metadata++;
    return QUERN_OK;
}

quern_status qn_model_set_metadata(quern_model *model, const char *key,
                                   const char *value, quern_error *err)
{
    const char *copy;
    qn_pair *pair = find_pair(model, key);
    QN_TRY(qn_arena_text(&model->arena, value, strlen(value), &copy, err));
    if (!pair) QN_TRY(add_pair(model, key, &pair, err));
    pair->value = copy;
    return QUERN_OK;
}

void qn_model_log(const quern_model *model, const char *format, ...)
{
    if (!model->log) return;
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    model->log(model->log_ctx, text);
}

/* ---- questions ---- */

static int value_info(qn_value *const *values, int n, int i, quern_info *info)
{
    if (i < 0 || i >= n) return 0;
    const qn_value *v = values[i];
    *info = (quern_info){.name = v->name,
                         .dtype = v->dtype,
                         .rank = v->rank,
                         .is_sequence = v->kind == QN_SEQUENCE,
                         .is_optional = v->is_optional};
    memcpy(info->dim, v->dim, sizeof info->dim);
    memcpy(info->symbol, v->symbol, sizeof info->symbol);
    return 1;
}

int quern_model_n_inputs(const quern_model *model)
{
    return model->graph->n_inputs;
}

int quern_model_n_outputs(const quern_model *model)
{
    return model->graph->n_outputs;
}

int quern_model_input(const quern_model *model, int i, quern_info *info)
{
    return value_info(model->graph->inputs, model->graph->n_inputs, i, info);
}

int quern_model_output(const quern_model *model, int i, quern_info *info)
{
    if (!value_info(model->outputs, model->graph->n_outputs, i, info)) return 0;
    /* what the passes found out is at least as good as what the file declares */
    const qn_value *v = model->graph->outputs[i];
    if (info->dtype == QUERN_UNDEFINED) info->dtype = v->dtype;
    if (info->rank < 0 && v->rank >= 0) {
        info->rank = v->rank;
        memcpy(info->dim, v->dim, sizeof info->dim);
    }
    return 1;
}

const char *quern_model_metadata(const quern_model *model, const char *key)
{
    const qn_pair *pair = find_pair(model, key);
    return pair ? pair->value : NULL;
}

int quern_model_metadata_at(const quern_model *model, int i, const char **key,
                            const char **value)
{
    if (i < 0 || i >= model->n_metadata) return 0;
    *key = model->metadata[i].key;
    *value = model->metadata[i].value;
    return 1;
}

void quern_model_get_stats(const quern_model *model, quern_model_stats *stats)
{
    *stats =
        (quern_model_stats){.ir_version = model->ir_version,
                            .nodes = model->nodes_loaded,
                            .nodes_after_passes = qn_graph_total_nodes(model->graph),
                            .parameters = model->n_parameters,
                            .weight_bytes = model->weight_bytes,
                            .producer = model->producer,
                            .graph_name = model->graph->name};
}

int quern_model_opset(const quern_model *model, int i, const char **domain,
                      int64_t *version)
{
    if (i < 0 || i >= model->n_opsets) return 0;
    *domain = model->opsets[i].domain;
    *version = model->opsets[i].version;
    return 1;
}

int quern_model_op(const quern_model *model, int i, const char **op_type,
                   const char **domain, int64_t *count)
{
    if (i < 0 || i >= model->n_counts) return 0;
    *op_type = model->counts[i].op_type;
    *domain = model->counts[i].domain;
    *count = model->counts[i].n;
    return 1;
}

int quern_model_missing(const quern_model *model, int i, quern_missing *missing)
{
    if (i < 0 || i >= model->n_missing) return 0;
    *missing = model->missing[i];
    return 1;
}
