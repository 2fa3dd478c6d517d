/* SPDX-License-Identifier: Apache-2.0 */
/* formats/load.c - quern_model_open and quern_model_parse: bytes from a file or from
 * memory, through the reader of their format, to a model that is ready to run; or to a
 * raw one, which is what the file says and nothing else. */
#include "formats/onnx.h"

#include <string.h>

/* The options as this build knows them; an older caller's are shorter. */
static void copy_options(quern_model_options *to, const quern_model_options *from)
{
    memset(to, 0, sizeof *to);
    if (!from) return;
    size_t n = from->size;
    memcpy(to, from, n && n < sizeof *to ? n : sizeof *to);
}

static quern_status read_file(quern_model *model, const char *path,
                              const quern_model_options *opt, quern_error *err)
{
    qn_file file;
    qn_backing *backing;
    qn_external external = {.model = model,
                            .model_path = path,
                            .extra_dir = opt->external_dir,
                            .strict = opt->strict_files != 0};
    QN_TRY(qn_file_open(NULL, path, &file, err));
    quern_status status = qn_model_map(model, &file, &backing, err);
    qn_file_close(&file);
    QN_TRY(status);
    qn_span all = {backing->base, backing->bytes, 0};
    return qn_onnx_read(model, all, &external, err);
}

static quern_status read_memory(quern_model *model, const void *bytes, size_t n,
                                const quern_model_options *opt, quern_error *err)
{
    void *copy;
    qn_external external = {.model = model,
                            .extra_dir = opt->external_dir,
                            .strict = opt->strict_files != 0};
    QN_TRY(qn_arena_raw(&model->arena, n, &copy, err));
    if (n) memcpy(copy, bytes, n);
    return qn_onnx_read(model, (qn_span){copy, n, 0}, &external, err);
}

/* Up to IR 3 every initializer had to be an input, too, and some exporters never
 * stopped.  From IR 4 on the inputs are those that are to be fed. */
static void drop_default_inputs(quern_model *model)
{
    qn_graph *g = model->graph;
    int kept = 0;
    if (model->keep_overridable) return;
    for (int i = 0; i < g->n_inputs; i++) {
        g->inputs[i]->is_input = !g->inputs[i]->constant;
        if (g->inputs[i]->is_input) g->inputs[kept++] = g->inputs[i];
    }
    g->n_inputs = kept;
    if (model->ir_version < 4) model->ir_version = 4;
}

static quern_status finish_raw(quern_model *model, quern_error *err)
{
    drop_default_inputs(model);
    return qn_graph_sort(model->graph, err);
}

/* Where the bytes come from: a path, or memory (path NULL). */
typedef struct source {
    const char *path;
    const void *bytes;
    size_t n;
} source;

static quern_status load(const source *from, const quern_model_options *opt,
                         quern_status (*finish)(quern_model *, quern_error *),
                         quern_model **out, quern_error *err)
{
    quern_model_options options;
    copy_options(&options, opt);
    QN_TRY(qn_model_create(opt, out, err));
    quern_status status = from->path
                              ? read_file(*out, from->path, &options, err)
                              : read_memory(*out, from->bytes, from->n, &options, err);
    if (status == QUERN_OK) status = finish(*out, err);
    if (status == QUERN_OK) return QUERN_OK;
    if (from->path) qn_within(err, "%s", from->path);
    quern_model_free(*out);
    *out = NULL;
    return status;
}

quern_status quern_model_open(const char *path, const quern_model_options *opt,
                              quern_model **out, quern_error *err)
{
    *out = NULL;
    if (!path) return qn_fail(err, QUERN_INVALID, "no path is given");
    return load(&(source){.path = path}, opt, qn_model_finish, out, err);
}

quern_status quern_model_parse(const void *bytes, size_t n,
                               const quern_model_options *opt, quern_model **out,
                               quern_error *err)
{
    return load(&(source){NULL, bytes, n}, opt, qn_model_finish, out, err);
}

quern_status qn_onnx_open_raw(const char *path, const quern_model_options *opt,
                              quern_model **out, quern_error *err)
{
    return load(&(source){.path = path}, opt, finish_raw, out, err);
}

quern_status qn_onnx_parse_raw(const void *bytes, size_t n,
                               const quern_model_options *opt, quern_model **out,
                               quern_error *err)
{
    return load(&(source){NULL, bytes, n}, opt, finish_raw, out, err);
}
