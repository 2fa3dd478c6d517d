/* SPDX-License-Identifier: Apache-2.0 */
/* formats/onnx_export.c - see onnx_export.h. */
#include "formats/onnx_export.h"
#include "formats/json_write.h"

#include "engine/text.h"

#include <stdlib.h>
#include <string.h>

/* ---- weights ---- */

static int by_name(const void *a, const void *b)
{
    const qn_value *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static int name_to_value(const void *key, const void *element)
{
    const qn_value *const *v = element;
    return strcmp(key, (*v)->name);
}

/* The initializers of the main graph, sorted by name. */
static quern_status list_initializers(const quern_model *raw, qn_arena *arena,
                                      qn_value ***out, size_t *n, quern_error *err)
{
    const qn_graph *g = raw->graph;
    void *list;
    QN_TRY(qn_arena_array(arena, (size_t)g->n_values, sizeof **out, &list, err));
    *out = list;
    *n = 0;
    for (int i = 0; i < g->n_values; i++)
        if (g->values[i]->constant && !g->values[i]->alias)
            (*out)[(*n)++] = g->values[i];
    if (*n) qsort(*out, *n, sizeof **out, by_name);
    return QUERN_OK;
}

static quern_status find(qn_value *const *list, size_t n, const qn_export_weight *t,
                         qn_value **out, quern_error *err)
{
    qn_value *const *hit =
        n ? bsearch(t->name, list, n, sizeof *list, name_to_value) : NULL;
    if (!hit)
        return qn_fail(err, QUERN_INVALID, "the model has no initializer '%s'",
                       t->name);
    const qn_tensor *have = (*hit)->constant;
    if (!qn_dtype_is_float(have->dtype) || qn_tensor_count(have) != t->n)
        return qn_fail(err, QUERN_SHAPE, "initializer '%s' is %s %s, not %lld floats",
                       t->name, quern_dtype_name(have->dtype), QN_SHAPE(have),
                       (long long)t->n);
    *out = *hit;
    return QUERN_OK;
}

static void convert(const qn_export_weight *from, qn_tensor *to)
{
    if (to->dtype == QUERN_FLOAT) {
        if (from->n) memcpy(to->data, from->data, (size_t)from->n * sizeof(float));
        return;
    }
    for (int64_t i = 0; i < from->n; i++)
        qn_set_real(to, i, from->data[i]);
}

/* Memory that may be written: the file's own is not, what an export before made is. */
static quern_status own_data(quern_model *raw, const qn_value *v, qn_tensor *out,
                             quern_error *err)
{
    *out = *v->constant;
    return v->is_parameter ? QUERN_OK : qn_tensor_alloc(&raw->arena, out, err);
}

/* All that can fail comes before the first change. */
static quern_status replace_all(quern_model *raw, qn_arena *scratch,
                                const qn_export_weight *trained, int n,
                                quern_error *err)
{
    qn_value **list;
    size_t n_list;
    void *found, *made;
    QN_TRY(list_initializers(raw, scratch, &list, &n_list, err));
    QN_TRY(qn_arena_array(scratch, (size_t)n, sizeof(qn_value *), &found, err));
    QN_TRY(qn_arena_array(scratch, (size_t)n, sizeof(qn_tensor), &made, err));
    qn_value **values = found;
    qn_tensor *tensors = made;
    for (int i = 0; i < n; i++)
        QN_TRY(find(list, n_list, &trained[i], &values[i], err));
    for (int i = 0; i < n; i++)
        QN_TRY(own_data(raw, values[i], &tensors[i], err));
    for (int i = 0; i < n; i++) {
        convert(&trained[i], &tensors[i]);
        *values[i]->constant = tensors[i];
        values[i]->is_parameter = true;
    }
    return QUERN_OK;
}

quern_status qn_export_weights(quern_model *raw, const qn_export_weight *trained, int n,
                               quern_error *err)
{
    qn_arena scratch;
    qn_arena_init(&scratch, &raw->mem);
    const quern_status status = replace_all(raw, &scratch, trained, n, err);
    qn_arena_done(&scratch);
    return status;
}

/* ---- metadata ---- */

static void put_reals(qn_buf *to, const double *v, int n)
{
    char text[QN_REAL_TEXT];
    for (int i = 0; i < n; i++) {
        if (i > 0) qn_buf_byte(to, ',');
        qn_buf_text(to, qn_real_text(text, v[i]));
    }
}

static void put_names(qn_buf *to, const char *const *names, int n)
{
    qn_json j = {.out = to};
    qn_json_array(&j, NULL);
    for (int i = 0; i < n; i++)
        qn_json_text(&j, NULL, names[i]);
    qn_json_close(&j);
}

/* The pair key and what stands in the buffer, which is empty then. */
static quern_status set(quern_model *raw, const char *key, qn_buf *text,
                        quern_error *err)
{
    QN_TRY(qn_buf_status(text, err));
    QN_TRY(qn_model_set_metadata(raw, key, text->p ? text->p : "", err));
    qn_buf_clear(text);
    return QUERN_OK;
}

static quern_status set_pairs(quern_model *raw, const qn_export_recipe *r, qn_buf *text,
                              quern_error *err)
{
    QN_TRY(qn_model_set_metadata(raw, "quern.schema", "1", err));
    QN_TRY(qn_model_set_metadata(raw, "quern.resize", r->resize, err));
    QN_TRY(qn_model_set_metadata(raw, "quern.channels", r->channels, err));
    put_names(text, r->classes, r->n_classes);
    QN_TRY(set(raw, "quern.classes", text, err));
    qn_buf_format(text, "%d,%d", r->height, r->width);
    QN_TRY(set(raw, "quern.size", text, err));
    put_reals(text, r->mean, r->n_channels);
    QN_TRY(set(raw, "quern.mean", text, err));
    put_reals(text, r->std, r->n_channels);
    QN_TRY(set(raw, "quern.std", text, err));
    if (r->temperature == 0) return QUERN_OK;
    put_reals(text, &r->temperature, 1);
    return set(raw, "quern.temperature", text, err);
}

quern_status qn_export_metadata(quern_model *raw, const qn_export_recipe *recipe,
                                quern_error *err)
{
    qn_buf text;
    qn_buf_init(&text, &raw->mem);
    const quern_status status = set_pairs(raw, recipe, &text, err);
    qn_buf_done(&text);
    return status;
}
