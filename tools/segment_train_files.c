/* SPDX-License-Identifier: Apache-2.0 */
/* tools/segment_train_files.c - the run folder of a training for cells: config.json,
 * metrics.jsonl, split.csv, the models and a checkpoint. */
#include "engine/os.h"
#include "formats/files.h"
#include "formats/sha256.h"
#include "tools/segment_train.h"
#include "tools/trainer_files.h"

#include <inttypes.h>
#include <string.h>

/* ---- writing ---- */

quern_status qn_cell_run_write(const qn_cell_run *run, const char *name,
                               const qn_buf *buf, quern_error *err)
{
    char path[QN_PATH_MAX];
    QN_TRY(qn_buf_status(buf, err));
    QN_TRY(qn_path_format(path, err, "%s/%s", run->out, name));
    const quern_status status = qn_file_replace(path, buf->p, buf->n, err);
    if (status != QUERN_OK) qn_within(err, "%s", path);
    return status;
}

/* Every setting that decides the result, and what it is trained by. */
static void put_config(const qn_cell_run *run, qn_buf *out)
{
    qn_json j;
    qn_json_begin(&j, out);
    qn_json_array(&j, "folders");
    for (int i = 0; i < run->args->n_operands; i++)
        qn_json_text(&j, NULL, run->args->operands[i]);
    qn_json_close(&j);
    qn_json_text(&j, "model", run->model);
#define QN_PUT_INT             qn_json_int
#define QN_PUT_REAL            qn_json_real
#define X(kind, field, option) QN_PUT_##kind(&j, option, run->s.field);
    QN_CELL_SETTING_MAP(X)
#undef X
    qn_json_end(&j);
}

quern_status qn_cell_run_folder(qn_cell_run *run, quern_error *err)
{
    char path[QN_PATH_MAX];
    qn_buf config;
    QN_TRY(qn_path_format(path, err, "%s/config.json", run->out));
    if (qn_file_is_there(path) && !run->resumes && !qn_arg_flag(run->args, "overwrite"))
        return qn_fail(err, QUERN_INVALID,
                       "%s holds a run already: --resume goes on with it, --overwrite "
                       "begins anew",
                       run->out);
    if (run->resumes && !qn_file_is_there(path))
        return qn_fail(err, QUERN_INVALID, "%s: there is no run to go on with",
                       run->out);
    QN_TRY(qn_path_format(path, err, "%s/checkpoint", run->out));
    quern_status status = qn_dir_make(path, err);
    if (status != QUERN_OK) qn_within(err, "%s", path);
    qn_buf_init(&config, &run->mem);
    put_config(run, &config);
    if (status == QUERN_OK && !run->resumes)
        status = qn_cell_run_write(run, "config.json", &config, err);
    qn_buf_done(&config);
    return status;
}

quern_status qn_cell_run_row(qn_cell_run *run, const qn_cell_row *row, quern_error *err)
{
    qn_json j;
    char hash[24];
    qn_json_begin(&j, &run->rows);
    qn_json_int(&j, "epoch", row->epoch);
    qn_json_int(&j, "step", row->step);
    qn_json_real(&j, "lr", row->lr);
    qn_json_real(&j, "train_loss", row->train_loss);
    qn_json_real(&j, "val_loss", row->val_loss);
    qn_json_real(&j, "val_ap50", row->val_ap50);
    qn_json_real(&j, "images_per_s", row->images_per_s);
    qn_json_real(&j, "seconds", row->seconds);
    snprintf(hash, sizeof hash, "%016" PRIx64, row->hash);
    qn_json_text(&j, "weights_hash", hash);
    qn_json_end(&j);
    return qn_cell_run_write(run, "metrics.jsonl", &run->rows, err);
}

/* ---- models ---- */

static quern_status write_sidecar(const qn_cell_run *run, const char *name,
                                  const qn_buf *model, quern_error *err)
{
    qn_json j;
    qn_buf buf;
    char hex[65], file[64];
    qn_sha256_hex(model->p, model->n, hex);
    qn_buf_init(&buf, (qn_mem *)&run->mem);
    qn_json_begin(&j, &buf);
    qn_json_text(&j, "name", name);
    qn_json_real(&j, "diam_mean", run->s.diameter);
    qn_json_real(&j, "diam_labels", run->s.diameter);
    qn_json_int(&j, "nchan", QN_CELL_PLANES);
    qn_json_text(&j, "sha256", hex);
    qn_json_int(&j, "bytes", (int64_t)model->n);
    qn_json_text(&j, "source", "quern segment train");
    qn_json_end(&j);
    snprintf(file, sizeof file, "%s.json", name);
    const quern_status status = qn_cell_run_write(run, file, &buf, err);
    qn_buf_done(&buf);
    return status;
}

quern_status qn_cell_run_model(const qn_cell_run *run, const char *name,
                               const qn_buf *model, quern_error *err)
{
    char file[64];
    snprintf(file, sizeof file, "%s.onnx", name);
    QN_TRY(qn_cell_run_write(run, file, model, err));
    return write_sidecar(run, name, model, err);
}

/* ---- checkpoints ---- */

enum { N_NUMBERS = 9 };

static void list_numbers(qn_cell_run *run, int64_t *steps, int64_t *hash,
                         qn_run_number row[N_NUMBERS])
{
    const qn_run_number all[N_NUMBERS] = {
        {"steps", NULL, steps},           {"weights_hash", NULL, hash},
        {"epoch", NULL, &run->epoch},     {"batch", NULL, &run->batch},
        {"seen", NULL, &run->n_seen},     {"best_epoch", NULL, &run->best_epoch},
        {"best", &run->best, NULL},       {"loss_sum", &run->loss_sum, NULL},
        {"seconds", &run->seconds, NULL},
    };
    memcpy(row, all, sizeof all);
}

static quern_status write_checkpoint(qn_cell_run *run, qn_arena *room, qn_buf *config,
                                     qn_buf *out, quern_error *err)
{
    qn_run_number row[N_NUMBERS];
    int64_t steps = qn_trainer_steps(run->trainer);
    int64_t hash = (int64_t)qn_trainer_hash(run->trainer);
    list_numbers(run, &steps, &hash, row);
    put_config(run, config);
    QN_TRY(qn_buf_status(config, err));
    const qn_checkpoint c = {run->trainer, row, N_NUMBERS, "config", config->p};
    QN_TRY(qn_checkpoint_bytes(&c, room, out, err));
    QN_TRY(qn_checkpoint_save(run->out, out, run->last_is_bad, err));
    run->last_is_bad = false;
    return QUERN_OK;
}

quern_status qn_cell_run_save(qn_cell_run *run, quern_error *err)
{
    qn_arena room;
    qn_buf config, out;
    const double before = run->seconds, now = qn_os_seconds();
    run->seconds += now - run->started; /* what the checkpoint says */
    qn_arena_init(&room, &run->mem);
    qn_buf_init(&config, &run->mem);
    qn_buf_init(&out, &run->mem);
    const quern_status status = write_checkpoint(run, &room, &config, &out, err);
    qn_buf_done(&out);
    qn_buf_done(&config);
    qn_arena_done(&room);
    run->seconds = before;
    run->saved = now;
    return status;
}

static quern_status check_config(const qn_cell_run *run, const qn_safetensors *file,
                                 quern_error *err)
{
    qn_buf config;
    const char *text = qn_safetensors_text(file, "config");
    qn_buf_init(&config, (qn_mem *)&run->mem);
    put_config(run, &config);
    quern_status status = qn_buf_status(&config, err);
    if (status == QUERN_OK && (!text || strcmp(text, config.p) != 0))
        status = qn_fail(err, QUERN_INVALID,
                         "its run had other folders or settings than this command: "
                         "%s/config.json has them",
                         run->out);
    qn_buf_done(&config);
    return status;
}

static quern_status take_up(qn_cell_run *run, const char *bytes, size_t n,
                            qn_arena *room, quern_error *err)
{
    qn_safetensors file;
    qn_run_number row[N_NUMBERS];
    int64_t steps = 0, hash = 0;
    list_numbers(run, &steps, &hash, row);
    QN_TRY(qn_safetensors_parse(room, bytes, n, &file, err));
    QN_TRY(check_config(run, &file, err));
    QN_TRY(qn_checkpoint_numbers(&file, row, N_NUMBERS, err));
    QN_TRY(qn_checkpoint_arrays(&file, run->trainer, err));
    qn_trainer_restore(run->trainer, steps, 0);
    if ((uint64_t)hash != qn_trainer_hash(run->trainer))
        return qn_fail(err, QUERN_FORMAT, "its weights do not match their hash");
    return QUERN_OK;
}

static quern_status read_checkpoint(qn_cell_run *run, const char *name,
                                    quern_error *err)
{
    char path[QN_PATH_MAX], *bytes;
    size_t n;
    qn_arena room;
    QN_TRY(qn_path_format(path, err, "%s/checkpoint/%s.safetensors", run->out, name));
    qn_arena_init(&room, &run->mem);
    quern_status status = qn_file_text(&room, path, &bytes, &n, err);
    if (status == QUERN_OK) {
        status = take_up(run, bytes, n, &room, err);
        if (status != QUERN_OK) qn_within(err, "%s", path);
    }
    qn_arena_done(&room);
    return status;
}

/* Rows of epochs that are done; those behind the checkpoint come again. */
static quern_status read_rows(qn_cell_run *run, quern_error *err)
{
    char path[QN_PATH_MAX], *text;
    QN_TRY(qn_path_format(path, err, "%s/metrics.jsonl", run->out));
    if (!qn_file_is_there(path)) return QUERN_OK;
    QN_TRY(qn_file_text(&run->arena, path, &text, NULL, err));
    for (int64_t i = 0; i < run->epoch && *text; i++) {
        const size_t n = strcspn(text, "\n");
        qn_buf_add(&run->rows, text, n);
        qn_buf_byte(&run->rows, '\n');
        text += n + (text[n] != 0);
    }
    return qn_buf_status(&run->rows, err);
}

static bool has_checkpoint(const qn_cell_run *run, const char *name)
{
    char path[QN_PATH_MAX];
    return qn_path_format(path, NULL, "%s/checkpoint/%s.safetensors", run->out, name) ==
               QUERN_OK &&
           qn_path_look(path) != QN_PATH_ABSENT;
}

quern_status qn_cell_run_resume(qn_cell_run *run, quern_error *err)
{
    quern_error first = {0};
    if (!has_checkpoint(run, "last") && !has_checkpoint(run, "previous")) {
        qn_say("%s has no checkpoint yet: from the beginning", run->out);
        return QUERN_OK;
    }
    const quern_status status = read_checkpoint(run, "last", &first);
    if (status != QUERN_OK) {
        if (!has_checkpoint(run, "previous") ||
            read_checkpoint(run, "previous", err) != QUERN_OK)
            return qn_fail(err, status, "%s", first.text);
        qn_say("%s; taking the one before", first.text);
        run->last_is_bad = true;
    }
    return read_rows(run, err);
}
