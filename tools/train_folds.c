/* SPDX-License-Identifier: Apache-2.0 */
/* tools/train_folds.c - --folds K: K runs, each of which chooses by another part of the
 * data; RUN/fold-1 .. fold-K are whole run folders.  Beside them oof.csv has, for every
 * picture, what the run said that was not trained on it, and folds.json the figures
 * with mean and standard deviation. */
#include "formats/csv_read.h"
#include "formats/csv_write.h"
#include "formats/files.h"
#include "tools/train_run.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const qn_figure summed[] = {QN_FIGURE_TOP1, QN_FIGURE_MACRO_F1, QN_FIGURE_LOSS};
enum { N_SUMMED = sizeof summed / sizeof summed[0], MAX_FIELDS = 16 };

typedef struct fold {
    double figure[QN_N_FIGURES];
    uint64_t hash;
    int64_t best_epoch;
    bool has_test; /* then predictions of the fold are in predictions_val.csv */
} fold;

/* ---- one fold ---- */

static quern_status name_fold(qn_train_run *child, int64_t k, quern_error *err)
{
    char path[QN_PATH_MAX], number[24];
    QN_TRY(qn_path_format(path, err, "%s/fold-%lld", child->s.out, (long long)k));
    snprintf(number, sizeof number, "%lld", (long long)k);
    QN_TRY(qn_arena_text(&child->arena, path, strlen(path), &child->s.out, err));
    QN_TRY(qn_arena_text(&child->arena, number, strlen(number), &child->s.fold, err));
    QN_TRY(qn_path_format(path, err, "%s/config.json", child->s.out));
    child->resumes = child->resumes && qn_file_is_there(path);
    return QUERN_OK;
}

static quern_status run_fold(const qn_train_run *run, int64_t k, fold *out,
                             quern_error *err)
{
    qn_train_run child = {.args = run->args,
                          .s = run->s,
                          .resumes = run->resumes,
                          .overwrites = run->overwrites};
    qn_mem_init(&child.mem, NULL, 0);
    qn_arena_init(&child.arena, &child.mem);
    if (!qn_arg_flag(run->args, "quiet"))
        qn_say("fold %lld of %lld", (long long)k, (long long)run->s.folds);
    quern_status status = name_fold(&child, k, err);
    if (status == QUERN_OK) status = qn_train_prepare(&child, err);
    if (status == QUERN_OK) status = qn_train_whole(&child, err);
    if (status == QUERN_OK) {
        memcpy(out->figure, child.val_figure, sizeof out->figure);
        out->hash = qn_trainer_hash(child.trainer);
        out->best_epoch = child.best_epoch;
        out->has_test = child.n_test > 0;
    }
    qn_train_done(&child);
    if (status == QUERN_CANCELLED)
        return qn_fail(err, status,
                       "stopped in fold %lld; to go on: quern train "
                       "--resume -o %s",
                       (long long)k, run->s.out);
    return status;
}

/* ---- predictions of all folds ---- */

static quern_status add_predictions(const qn_train_run *run, int64_t k, bool has_test,
                                    qn_csv *csv, qn_arena *room, quern_error *err)
{
    char path[QN_PATH_MAX], *text, *field[MAX_FIELDS];
    size_t bytes;
    qn_csv_reader from;
    QN_TRY(qn_path_format(path, err, "%s/fold-%lld/predictions%s.csv", run->s.out,
                          (long long)k, has_test ? "_val" : ""));
    QN_TRY(qn_file_text(room, path, &text, &bytes, err));
    QN_TRY(qn_csv_read_begin(&from, text, bytes, ',', err));
    for (int n = 1, row = 0; n > 0; row++) {
        QN_TRY(qn_csv_read_row(&from, field, MAX_FIELDS, &n, err));
        if (n == 0 || (row == 0 && k > 1)) continue;
        if (row == 0)
            qn_csv_text(csv, "fold");
        else
            qn_csv_int(csv, k);
        for (int i = 0; i < n && i < MAX_FIELDS; i++)
            qn_csv_text(csv, field[i]);
        qn_csv_end(csv);
    }
    return QUERN_OK;
}

static quern_status write_predictions(qn_train_run *run, const fold *folds,
                                      quern_error *err)
{
    qn_csv csv;
    qn_buf buf;
    qn_arena room;
    quern_status status = QUERN_OK;
    qn_arena_init(&room, &run->mem);
    qn_buf_init(&buf, &run->mem);
    qn_csv_begin(&csv, &buf);
    for (int64_t k = 1; k <= run->s.folds && status == QUERN_OK; k++)
        status = add_predictions(run, k, folds[k - 1].has_test, &csv, &room, err);
    if (status == QUERN_OK) status = qn_train_write(run, "oof.csv", &buf, err);
    qn_buf_done(&buf);
    qn_arena_done(&room);
    return status;
}

/* ---- figures of all folds ---- */

/* Mean and the standard deviation of the folds (n - 1). */
static void spread(const qn_train_run *run, const fold *folds, qn_figure f,
                   double *mean, double *sd)
{
    const double n = (double)run->s.folds;
    double sum = 0, squares = 0;
    for (int64_t k = 0; k < run->s.folds; k++)
        sum += folds[k].figure[f];
    *mean = sum / n;
    for (int64_t k = 0; k < run->s.folds; k++)
        squares += (folds[k].figure[f] - *mean) * (folds[k].figure[f] - *mean);
    *sd = sqrt(squares / (n - 1));
}

static void put_fold(qn_json *j, int64_t k, const fold *f)
{
    char hash[24];
    qn_json_object(j, NULL);
    qn_json_int(j, "fold", k);
    qn_json_int(j, "best_epoch", f->best_epoch);
    for (int i = 0; i < N_SUMMED; i++)
        qn_json_real(j, qn_figure_at(summed[i])->key, f->figure[summed[i]]);
    snprintf(hash, sizeof hash, "%016" PRIx64, f->hash);
    qn_json_text(j, "weights_hash", hash);
    qn_json_close(j);
}

static void put_folds(qn_json *j, const qn_train_run *run, const fold *folds)
{
    qn_json_array(j, "folds");
    for (int64_t k = 0; k < run->s.folds; k++)
        put_fold(j, k + 1, &folds[k]);
    qn_json_close(j);
    for (int i = 0; i < N_SUMMED; i++) {
        double mean, sd;
        spread(run, folds, summed[i], &mean, &sd);
        qn_json_object(j, qn_figure_at(summed[i])->key);
        qn_json_real(j, "mean", mean);
        qn_json_real(j, "sd", sd);
        qn_json_close(j);
    }
}

static quern_status sum_up(qn_train_run *run, const fold *folds, quern_error *err)
{
    qn_buf buf;
    qn_json j;
    double mean, sd;
    qn_buf_init(&buf, &run->mem);
    qn_json_begin(&j, &buf);
    qn_json_text(&j, "run", run->s.out);
    put_folds(&j, run, folds);
    qn_json_end(&j);
    const quern_status status = qn_train_write(run, "folds.json", &buf, err);
    if (status == QUERN_OK && qn_arg_flag(run->args, "json")) qn_out_flush(&buf);
    qn_buf_done(&buf);
    spread(run, folds, QN_FIGURE_TOP1, &mean, &sd);
    run->figure[QN_FIGURE_TOP1] = mean;
    if (!qn_arg_flag(run->args, "quiet"))
        qn_say("%lld folds: %.2f %% right, standard deviation %.2f",
               (long long)run->s.folds, 100 * mean, 100 * sd);
    return status;
}

quern_status qn_train_folds(qn_train_run *run, quern_error *err)
{
    void *p;
    QN_TRY(qn_arena_array(&run->arena, (size_t)run->s.folds, sizeof(fold), &p, err));
    QN_TRY(qn_train_folder(run, err));
    run->has_begun = true;
    QN_TRY(qn_train_write_config(run, err));
    for (int64_t k = 1; k <= run->s.folds; k++)
        QN_TRY(run_fold(run, k, (fold *)p + k - 1, err));
    QN_TRY(write_predictions(run, p, err));
    return sum_up(run, p, err);
}
