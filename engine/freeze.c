/* SPDX-License-Identifier: Apache-2.0 */
/* engine/freeze.c - see freeze.h. */
#include "engine/freeze.h"
#include "engine/raw.h"

#include "engine/text.h"

#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- layers ---- */

static bool is_weight(const qn_value *v)
{
    return v && v->constant && !v->is_input && v->constant->kind == QN_TENSOR &&
           qn_dtype_is_float(v->constant->dtype);
}

static bool is_layer(const qn_node *node)
{
    static const char *const types[] = {"Conv", "ConvTranspose", "Gemm", "MatMul"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (qn_raw_is(node, types[i]))
            for (int k = 0; k < node->n_in; k++)
                if (is_weight(node->in[k])) return true;
    return false;
}

static int by_name(const void *a, const void *b)
{
    const qn_layer_weight *x = a, *y = b;
    const int order = strcmp(x->name, y->name);
    return order ? order : x->layer - y->layer;
}

/* A tensor that was met before has an entry already, which sorts before this one. */
static void drop_repeated(qn_layers *layers)
{
    int kept = 0;
    qn_layer_weight *w = layers->weights;
    for (int i = 0; i < layers->n_weights; i++)
        if (kept == 0 || strcmp(w[kept - 1].name, w[i].name) != 0) w[kept++] = w[i];
    layers->n_weights = kept;
}

quern_status qn_layers_find(const quern_model *raw, qn_arena *arena, qn_layers *out,
                            quern_error *err)
{
    size_t n = 0;
    void *list;
    *out = (qn_layers){0};
    for (const qn_node *node = raw->graph->first; node; node = node->next)
        for (int i = 0; i < node->n_in; i++)
            n += is_weight(node->in[i]);
    QN_TRY(qn_arena_array(arena, n, sizeof *out->weights, &list, err));
    out->weights = list;
    for (const qn_node *node = raw->graph->first; node; node = node->next) {
        out->n_layers += is_layer(node);
        for (int i = 0; i < node->n_in; i++)
            if (is_weight(node->in[i]))
                out->weights[out->n_weights++] = (qn_layer_weight){
                    .name = node->in[i]->name,
                    .node = node->name,
                    .layer = out->n_layers > 0 ? out->n_layers - 1 : 0};
    }
    if (n) qsort(out->weights, n, sizeof *out->weights, by_name);
    drop_repeated(out);
    return QUERN_OK;
}

static int name_to_weight(const void *key, const void *element)
{
    return strcmp(key, ((const qn_layer_weight *)element)->name);
}

const qn_layer_weight *qn_layers_get(const qn_layers *layers, const char *name)
{
    const size_t n = (size_t)layers->n_weights;
    return n ? bsearch(name, layers->weights, n, sizeof *layers->weights,
                       name_to_weight)
             : NULL;
}

/* ---- freezing ---- */

static quern_status freeze_first(qn_layers *layers, int64_t n, quern_error *err)
{
    if (n < 1 || n >= layers->n_layers)
        return qn_fail(err, QUERN_INVALID,
                       "%lld layers cannot be frozen: the network has %d, of which "
                       "the last is trained",
                       (long long)n, layers->n_layers);
    for (int i = 0; i < layers->n_weights; i++)
        if (layers->weights[i].layer < n) layers->weights[i].is_frozen = true;
    return QUERN_OK;
}

/* Exporters put a slash before the names of nodes. */
static bool matches(const qn_layer_weight *w, const char *pattern)
{
    return fnmatch(pattern, w->name, 0) == 0 || fnmatch(pattern, w->node, 0) == 0 ||
           (*w->node == '/' && fnmatch(pattern, w->node + 1, 0) == 0);
}

static quern_status freeze_matching(qn_layers *layers, const char *pattern,
                                    quern_error *err)
{
    int n = 0;
    for (int i = 0; i < layers->n_weights; i++) {
        qn_layer_weight *w = &layers->weights[i];
        if (!matches(w, pattern)) continue;
        w->is_frozen = true;
        n++;
    }
    if (n == 0)
        return qn_fail(err, QUERN_INVALID, "no weight or node is called '%.100s'",
                       pattern);
    return QUERN_OK;
}

static quern_status freeze_list(qn_layers *layers, const char *list, quern_error *err)
{
    char pattern[256];
    while (*list) {
        const size_t n = strcspn(list, ",");
        if (n >= sizeof pattern)
            return qn_fail(err, QUERN_INVALID, "a pattern of %zu bytes, at most %zu", n,
                           sizeof pattern - 1);
        memcpy(pattern, list, n);
        pattern[n] = 0;
        if (n) QN_TRY(freeze_matching(layers, pattern, err));
        list += n + (list[n] == ',');
    }
    return QUERN_OK;
}

static int count_frozen(const qn_layers *layers)
{
    int n = 0;
    for (int i = 0; i < layers->n_weights; i++)
        n += layers->weights[i].is_frozen;
    return n;
}

quern_status qn_layers_freeze(qn_layers *layers, const char *what, quern_error *err)
{
    int64_t first;
    if (qn_text_to_int(what, strlen(what), &first))
        return freeze_first(layers, first, err);
    QN_TRY(freeze_list(layers, what, err));
    if (count_frozen(layers) == layers->n_weights)
        return qn_fail(err, QUERN_INVALID, "'%.100s' freezes all %d weights", what,
                       layers->n_weights);
    return QUERN_OK;
}

bool qn_layers_is_frozen(void *ctx, const char *name)
{
    const qn_layer_weight *w = qn_layers_get(ctx, name);
    return w && w->is_frozen;
}

bool qn_layers_norm_is_frozen(const qn_layers *layers, const qn_node *norm)
{
    const qn_value *scale = norm->n_in > 1 ? norm->in[1] : NULL;
    const qn_layer_weight *w = scale ? qn_layers_get(layers, scale->name) : NULL;
    return w && w->is_frozen;
}

double qn_layers_rate(const qn_layers *layers, const char *name, double decay)
{
    const qn_layer_weight *w = qn_layers_get(layers, name);
    return w ? pow(decay, layers->n_layers - 1 - w->layer) : 1;
}
