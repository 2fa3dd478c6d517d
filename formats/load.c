/* SPDX-License-Identifier: Apache-2.0 */
/* formats/load.c - quern_model_open and quern_model_parse: bytes from a file or from
 * memory, through the reader of their format, to a model that is ready to run. */
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
    QN_TRY(qn_onnx_read(model, all, &external, err));
    return qn_model_finish(model, err);
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
    QN_TRY(qn_onnx_read(model, (qn_span){copy, n, 0}, &external, err));
    return qn_model_finish(model, err);
}

quern_status quern_model_open(const char *path, const quern_model_options *opt,
                              quern_model **out, quern_error *err)
{
    quern_model_options options;
    copy_options(&options, opt);
    *out = NULL;
    if (!path) return qn_fail(err, QUERN_INVALID, "no path is given");
    QN_TRY(qn_model_create(opt, out, err));
    quern_status status = read_file(*out, path, &options, err);
    if (status == QUERN_OK) return QUERN_OK;
    qn_within(err, "%s", path);
    quern_model_free(*out);
    *out = NULL;
    return status;
}

quern_status quern_model_parse(const void *bytes, size_t n,
                               const quern_model_options *opt, quern_model **out,
                               quern_error *err)
{
    quern_model_options options;
    copy_options(&options, opt);
    *out = NULL;
    QN_TRY(qn_model_create(opt, out, err));
    quern_status status = read_memory(*out, bytes, n, &options, err);
    if (status == QUERN_OK) return QUERN_OK;
    quern_model_free(*out);
    *out = NULL;
    return status;
}
