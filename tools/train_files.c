/* SPDX-License-Identifier: Apache-2.0 */
/* tools/train_files.c - the run folder: config.json, metrics.jsonl and .csv, the models
 * and the report of the best one. */
#include "engine/os.h"
#include "engine/text.h"
#include "formats/files.h"
#include "formats/json_read.h"
#include "tools/run_report.h"
#include "tools/sandbox.h"
#include "tools/train_run.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the folder ---- */

/* The last part of a path without its ending, for names of runs. */
static void base_name(const char *path, char *out, size_t n)
{
    const char *begin = path, *end = path + strlen(path);
    while (end > path && end[-1] == '/')
        end--;
    for (const char *p = path; p < end; p++)
        if (*p == '/') begin = p + 1;
    snprintf(out, n, "%.*s", (int)(end - begin), begin);
    char *dot = strchr(out, '.');
    if (dot && dot != out) *dot = 0;
}

/* runs/fast16-fashion-mnist-3: the first number that is free. */
static quern_status choose_name(qn_train_run *run, quern_error *err)
{
    char data[64], net[64], path[QN_PATH_MAX];
    base_name(run->s.data, data, sizeof data);
    base_name(run->s.model  ? run->s.model
              : run->s.arch ? run->s.arch
                            : "folds",
              net, sizeof net);
    for (int i = 1; i < 100000; i++) {
        QN_TRY(qn_path_format(path, err, "runs/%s-%s-%d", net, data, i));
        if (!qn_path_is_folder(path))
            return qn_arena_text(&run->arena, path, strlen(path), &run->s.out, err);
    }
    return qn_fail(err, QUERN_IO, "runs/ is full: give a folder with --out");
}

quern_status qn_train_folder(qn_train_run *run, quern_error *err)
{
    char path[QN_PATH_MAX];
    if (!run->s.out) QN_TRY(choose_name(run, err));
    QN_TRY(qn_path_format(path, err, "%s/config.json", run->s.out));
    if (qn_file_is_there(path) && !run->resumes && !run->overwrites)
        return qn_fail(err, QUERN_INVALID,
                       "%s holds a run already: --resume goes on with it, --overwrite "
                       "begins anew",
                       run->s.out);
    QN_TRY(qn_path_format(path, err, "%s/checkpoint", run->s.out));
    const quern_status status = qn_dir_make(path, err);
    if (status != QUERN_OK) qn_within(err, "%s", path);
    return status;
}

quern_status qn_train_write(const qn_train_run *run, const char *name,
                            const qn_buf *buf, quern_error *err)
{
    char path[QN_PATH_MAX];
    QN_TRY(qn_buf_status(buf, err));
    QN_TRY(qn_path_format(path, err, "%s/%s", run->s.out, name));
    const quern_status status = qn_file_replace(path, buf->p, buf->n, err);
    if (status != QUERN_OK) qn_within(err, "%s", path);
    return status;
}

quern_status qn_train_write_config(const qn_train_run *run, quern_error *err)
{
    qn_buf buf;
    qn_json j;
    qn_buf_init(&buf, (qn_mem *)&run->mem);
    qn_json_begin(&j, &buf);
    qn_train_settings_json(&run->s, &j);
    qn_json_text(&j, "sandbox",
                 run->args->sandbox ? qn_sandbox_word(run->args->sandbox->level)
                                    : "none");
    qn_json_end(&j);
    const quern_status status = qn_train_write(run, "config.json", &buf, err);
    qn_buf_done(&buf);
    return status;
}

/* ---- metrics.jsonl and metrics.csv ---- */

typedef struct row_field {
    const char *key;
    size_t offset;
    bool is_whole;
} row_field;

static const row_field fields[] = {
    {"epoch", offsetof(qn_train_row, epoch), true},
    {"step", offsetof(qn_train_row, step), true},
    {"lr", offsetof(qn_train_row, lr), false},
    {"train_loss", offsetof(qn_train_row, train_loss), false},
    {"train_acc", offsetof(qn_train_row, train_acc), false},
    {"val_loss", offsetof(qn_train_row, val_loss), false},
    {"val_acc", offsetof(qn_train_row, val_acc), false},
    {"val_f1", offsetof(qn_train_row, val_f1), false},
    {"images_per_s", offsetof(qn_train_row, images_per_s), false},
    {"seconds", offsetof(qn_train_row, seconds), false},
};
#define N_FIELDS ((int)(sizeof fields / sizeof fields[0]))

void qn_train_row_json(qn_buf *buf, const qn_train_row *row)
{
    qn_json j;
    char hash[24];
    qn_json_begin(&j, buf);
    for (int i = 0; i < N_FIELDS; i++) {
        const char *at = (const char *)row + fields[i].offset;
        if (fields[i].is_whole)
            qn_json_int(&j, fields[i].key, *(const int64_t *)at);
        else
            qn_json_real(&j, fields[i].key, *(const double *)at);
    }
    snprintf(hash, sizeof hash, "%016" PRIx64, row->hash);
    qn_json_text(&j, "weights_hash", hash);
    qn_json_end(&j);
}

static void put_csv_row(qn_buf *buf, const qn_train_row *row)
{
    for (int i = 0; i < N_FIELDS; i++) {
        const char *at = (const char *)row + fields[i].offset;
        const double real =
            fields[i].is_whole ? (double)*(const int64_t *)at : *(const double *)at;
        if (i) qn_buf_byte(buf, ',');
        if (!isnan(real)) qn_buf_format(buf, "%.9g", real);
    }
    qn_buf_format(buf, ",%016" PRIx64 "\n", row->hash);
}

quern_status qn_train_write_rows(const qn_train_run *run, quern_error *err)
{
    qn_buf json, csv;
    qn_buf_init(&json, (qn_mem *)&run->mem);
    qn_buf_init(&csv, (qn_mem *)&run->mem);
    for (int i = 0; i < N_FIELDS; i++)
        qn_buf_format(&csv, "%s,", fields[i].key);
    qn_buf_text(&csv, "weights_hash\n");
    for (int64_t k = 0; k < run->n_rows; k++) {
        qn_train_row_json(&json, &run->rows[k]);
        put_csv_row(&csv, &run->rows[k]);
    }
    quern_status status = qn_train_write(run, "metrics.jsonl", &json, err);
    if (status == QUERN_OK) status = qn_train_write(run, "metrics.csv", &csv, err);
    qn_buf_done(&json);
    qn_buf_done(&csv);
    return status;
}

static quern_status take_pair(void *ctx, const char *key, const char *value,
                              quern_error *err)
{
    qn_train_row *row = ctx;
    double real = NAN;
    if (strcmp(key, "weights_hash") == 0)
        row->hash = value ? strtoull(value, NULL, 16) : 0;
    for (int i = 0; i < N_FIELDS; i++) {
        if (strcmp(key, fields[i].key) != 0) continue;
        char *at = (char *)row + fields[i].offset;
        if (value && !qn_text_to_real(value, strlen(value), &real))
            return qn_fail(err, QUERN_FORMAT, "%s is '%.40s', no number", key, value);
        if (fields[i].is_whole)
            *(int64_t *)at = isnan(real) ? 0 : (int64_t)real;
        else
            *(double *)at = real;
    }
    return QUERN_OK;
}

quern_status qn_train_add_row(qn_train_run *run, const qn_train_row *row,
                              quern_error *err)
{
    if (run->n_rows % 64 == 0) {
        void *p;
        QN_TRY(qn_arena_array(&run->arena, (size_t)run->n_rows + 64, sizeof *row, &p,
                              err));
        if (run->n_rows) memcpy(p, run->rows, (size_t)run->n_rows * sizeof *row);
        run->rows = p;
    }
    run->rows[run->n_rows++] = *row;
    return QUERN_OK;
}

/* Rows of epochs that the checkpoint does not hold yet are done again. */
quern_status qn_train_read_rows(qn_train_run *run, quern_error *err)
{
    char path[QN_PATH_MAX], *text;
    QN_TRY(qn_path_format(path, err, "%s/metrics.jsonl", run->s.out));
    if (run->epoch == 0) return QUERN_OK;
    QN_TRY(qn_file_text(&run->arena, path, &text, NULL, err));
    for (char *line = text; *line;) {
        qn_train_row row = {0};
        const size_t n = strcspn(line, "\n");
        const quern_status status =
            qn_json_pairs(&run->arena, line, n, take_pair, &row, err);
        if (status != QUERN_OK) {
            qn_within(err, "%s: line %lld", path, (long long)run->n_rows + 1);
            return status;
        }
        if (row.epoch <= run->epoch) QN_TRY(qn_train_add_row(run, &row, err));
        line += n + (line[n] == '\n');
    }
    return QUERN_OK;
}

/* ---- the report ---- */

static quern_status best_model(qn_train_run *run, qn_buf *buf, quern_error *err)
{
    char path[QN_PATH_MAX], *bytes;
    size_t n;
    QN_TRY(qn_path_format(path, err, "%s/model.onnx", run->s.out));
    QN_TRY(qn_file_text(&run->arena, path, &bytes, &n, err));
    qn_buf_add(buf, bytes, n);
    return qn_buf_status(buf, err);
}

/* Curves, matrices and the worst mistakes as pictures, a page and a model card. */
static quern_status draw(qn_train_run *run, const qn_evaluation *e, quern_error *err)
{
    quern_error why = {0};
    QN_TRY(qn_run_report_write(run->s.out, e, &run->mem, &why, err));
    if (qn_arg_flag(run->args, "quiet")) return QUERN_OK;
    if (why.status != QUERN_OK) qn_say("%s", why.text);
    qn_say("report: %s/report.html", QN_CLEAN(run->s.out));
    return QUERN_OK;
}

static quern_status evaluate(qn_train_run *run, const qn_buf *model, qn_split split,
                             qn_evaluation *out, quern_error *err)
{
    const qn_metrics_options full = {.bootstrap = 1000, .seed = (uint64_t)run->s.seed};
    return qn_train_evaluate(run, model, split, &full, &run->arena, out, err);
}

static quern_status write_figures(qn_train_run *run, const qn_evaluation *e,
                                  const char *suffix, quern_error *err)
{
    return qn_evaluation_write(e, run->s.out, suffix, &run->mem, err);
}

/* On the validation split, and from that a temperature for the test split, which had no
 * part in any choice. */
static quern_status report(qn_train_run *run, const qn_buf *model, quern_error *err)
{
    const qn_metrics_options full = {.bootstrap = 1000, .seed = (uint64_t)run->s.seed};
    qn_evaluation val = {0}, test = {0}, *shown = NULL;
    const bool has_val = run->n_val > 0, has_test = run->n_test > 0;
    if (has_val) QN_TRY(evaluate(run, model, QN_SPLIT_VAL, shown = &val, err));
    if (has_test) QN_TRY(evaluate(run, model, QN_SPLIT_TEST, shown = &test, err));
    if (has_val && has_test)
        QN_TRY(qn_evaluate_tempered(&test, &val, &full, &run->arena, err));
    if (has_test) QN_TRY(write_figures(run, &test, "", err));
    if (has_val) QN_TRY(write_figures(run, &val, has_test ? "_val" : "", err));
    if (!shown) return QUERN_OK;
    memcpy(run->figure, shown->metrics.figure, sizeof run->figure);
    memcpy(run->val_figure, (has_val ? &val : shown)->metrics.figure,
           sizeof run->val_figure);
    qn_train_show_result(run, shown);
    return draw(run, shown, err);
}

quern_status qn_train_conclude(qn_train_run *run, quern_error *err)
{
    qn_buf model;
    qn_buf_init(&model, &run->mem);
    quern_status status = best_model(run, &model, err);
    if (status == QUERN_OK) status = report(run, &model, err);
    qn_buf_done(&model);
    return status;
}
