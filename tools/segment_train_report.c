/* SPDX-License-Identifier: Apache-2.0 */
/* tools/segment_train_report.c - the end of a training: the best model once more over
 * all that it did not learn from, and again with its weights in half the bytes. */
#include "engine/raw.h"
#include "formats/files.h"
#include "formats/onnx.h"
#include "formats/sha256.h"
#include "tools/segment_train.h"

#include <math.h>
#include <string.h>

/* ---- the model in half the bytes ---- */

static quern_status halve(const qn_buf *model, qn_buf *half, quern_error *err)
{
    quern_model *raw;
    QN_TRY(qn_onnx_parse_raw(model->p, model->n, NULL, &raw, err));
    quern_status status = qn_raw_store_half(raw, err);
    if (status == QUERN_OK) status = qn_onnx_write(half, raw, err);
    quern_model_free(raw);
    return status;
}

static quern_status read_best(qn_cell_run *run, qn_buf *model, quern_error *err)
{
    char path[QN_PATH_MAX], *bytes;
    size_t n;
    qn_arena room;
    QN_TRY(qn_path_format(path, err, "%s/model.onnx", run->out));
    qn_arena_init(&room, &run->mem);
    quern_status status = qn_file_text(&room, path, &bytes, &n, err);
    if (status == QUERN_OK) qn_buf_add(model, bytes, n);
    qn_arena_done(&room);
    return status == QUERN_OK ? qn_buf_status(model, err) : status;
}

/* ---- report.json ---- */

/* Bytes, hash and figures of one file. */
static quern_status put_model(qn_cell_run *run, qn_json *j, const char *key,
                              const qn_buf *model, quern_error *err)
{
    char hex[65];
    double loss, ap50;
    qn_sha256_hex(model->p, model->n, hex);
    qn_json_object(j, key);
    qn_json_int(j, "bytes", (int64_t)model->n);
    qn_json_text(j, "sha256", hex);
    QN_TRY(qn_cell_run_check(run, model, QN_CELLS_VAL, &loss, &ap50, err));
    qn_json_real(j, "val_loss", loss);
    qn_json_real(j, "val_ap50", ap50);
    QN_TRY(qn_cell_run_check(run, model, QN_CELLS_TEST, &loss, &ap50, err));
    qn_json_real(j, "test_loss", loss);
    qn_json_real(j, "test_ap50", ap50);
    qn_json_close(j);
    if (!isnan(ap50) && !qn_arg_flag(run->args, "quiet"))
        qn_say("%s: AP@0.5 %.4f over %lld pictures kept out", key, ap50,
               (long long)run->n_part[QN_CELLS_TEST]);
    return QUERN_OK;
}

static quern_status report(qn_cell_run *run, const qn_buf *model, const qn_buf *half,
                           qn_buf *out, quern_error *err)
{
    qn_json j;
    qn_json_begin(&j, out);
    qn_json_int(&j, "steps", qn_trainer_steps(run->trainer));
    qn_json_int(&j, "best_epoch", run->best_epoch);
    qn_json_int(&j, "n_train", run->n_part[QN_CELLS_TRAIN]);
    qn_json_int(&j, "n_val", run->n_part[QN_CELLS_VAL]);
    qn_json_int(&j, "n_test", run->n_part[QN_CELLS_TEST]);
    qn_json_real(&j, "seconds", run->seconds);
    QN_TRY(put_model(run, &j, "model", model, err));
    QN_TRY(put_model(run, &j, "model-half", half, err));
    qn_json_end(&j);
    QN_TRY(qn_cell_run_write(run, "report.json", out, err));
    return qn_cell_run_model(run, "model-half", half, err);
}

quern_status qn_cell_run_conclude(qn_cell_run *run, quern_error *err)
{
    qn_buf model, half, out;
    qn_buf_init(&model, &run->mem);
    qn_buf_init(&half, &run->mem);
    qn_buf_init(&out, &run->mem);
    quern_status status = read_best(run, &model, err);
    if (status == QUERN_OK) status = halve(&model, &half, err);
    if (status == QUERN_OK) status = report(run, &model, &half, &out, err);
    qn_buf_done(&out);
    qn_buf_done(&half);
    qn_buf_done(&model);
    return status;
}
