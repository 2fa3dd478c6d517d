/* SPDX-License-Identifier: Apache-2.0 */
/* tools/segment_train.h - one training of a network for cells: pictures with labels,
 * trainer, and what is known of the run so far.
 *
 *   segment_train_data.c   reads the pictures, divides them, says what was left out
 *   segment_train.c        network and trainer; epochs, what was best, when to stop
 *   segment_train_check.c  how well a network segments the pictures held back
 *   segment_train_files.c  the run folder: models, rows, checkpoints
 *   segment_train_report.c what came of it: report.json, the model in half the bytes */
#ifndef QN_TOOLS_SEGMENT_TRAIN_H
#define QN_TOOLS_SEGMENT_TRAIN_H

#include "engine/schedule.h"
#include "engine/train.h"
#include "formats/cell_batches.h"
#include "tools/options.h"
#include "tools/out.h"

/* Every setting that decides the result: kind, field, option. */
#define QN_CELL_SETTING_MAP(X)         \
    X(INT, synth, "synth")             \
    X(INT, epochs, "epochs")           \
    X(INT, batch, "batch")             \
    X(INT, crop, "crop")               \
    X(INT, width, "width")             \
    X(INT, seed, "seed")               \
    X(INT, split_seed, "split-seed")   \
    X(INT, chan, "chan")               \
    X(INT, chan2, "chan2")             \
    X(INT, check_every, "check-every") \
    X(REAL, diameter, "diameter")      \
    X(REAL, lr, "lr")                  \
    X(REAL, wd, "wd")                  \
    X(REAL, warmup, "warmup")          \
    X(REAL, ema, "ema")                \
    X(REAL, clip, "clip")              \
    X(REAL, val, "val")                \
    X(REAL, test, "test")

typedef struct qn_cell_settings {
#define QN_CELL_FIELD_INT      int64_t
#define QN_CELL_FIELD_REAL     double
#define X(kind, field, option) QN_CELL_FIELD_##kind field;
    QN_CELL_SETTING_MAP(X)
#undef X
} qn_cell_settings;

/* A row of metrics.jsonl; figures that were not measured are NaN. */
typedef struct qn_cell_row {
    int64_t epoch, step; /* done */
    double lr, train_loss, val_loss, val_ap50;
    double images_per_s, seconds; /* of this epoch; since the start */
    uint64_t hash;                /* of weights */
} qn_cell_row;

typedef struct qn_cell_run {
    const qn_args *args;
    const char *out, *model; /* folders, files; model NULL: a new network */
    bool resumes, has_begun;
    qn_mem mem;
    qn_arena arena;
    qn_cell_settings s;
    qn_cell_set set;
    int64_t n_part[3];
    quern_model *raw; /* as it will be written */
    qn_trainer *trainer;
    qn_trainer_stats stats;
    qn_schedule schedule;
    qn_batches *batches;
    quern_pool *pool;
    /* progress */
    int64_t epoch, batch, n_seen, best_epoch;
    double loss_sum, best, seconds, started, saved;
    int64_t epoch_from; /* batch that this epoch began with here */
    double epoch_started, shown;
    bool has_line, last_is_bad;
    qn_buf rows; /* metrics.jsonl so far */
} qn_cell_run;

/* ---- segment_train_data.c ---- */
quern_status qn_cell_run_data(qn_cell_run *run, quern_error *err);
/* OUT/split.csv: name, group and part of each picture, and why others were left out. */
quern_status qn_cell_run_split(const qn_cell_run *run, quern_error *err);

/* ---- segment_train.c ---- */
/* Network, trainer, batches, schedule. */
quern_status qn_cell_run_make(qn_cell_run *run, quern_error *err);
/* From run->epoch and run->batch to the end; QUERN_CANCELLED after Ctrl-C, all saved.
 */
quern_status qn_cell_run_epochs(qn_cell_run *run, quern_error *err);

/* ---- segment_train_check.c ---- */
/* Loss and average precision at 0.5 of an exported model, over the middles of the
 * pictures of one part; NaN without pictures. */
quern_status qn_cell_run_check(qn_cell_run *run, const qn_buf *model, qn_cell_part part,
                               double *loss, double *ap50, quern_error *err);

/* ---- segment_train_files.c ---- */
quern_status qn_cell_run_folder(qn_cell_run *run, quern_error *err);
quern_status qn_cell_run_write(const qn_cell_run *run, const char *name,
                               const qn_buf *buf, quern_error *err);
quern_status qn_cell_run_save(qn_cell_run *run, quern_error *err);
quern_status qn_cell_run_resume(qn_cell_run *run, quern_error *err);
/* Adds a row and writes metrics.jsonl. */
quern_status qn_cell_run_row(qn_cell_run *run, const qn_cell_row *row,
                             quern_error *err);
/* OUT/NAME.onnx and what a reader has to know of it beside it, OUT/NAME.json. */
quern_status qn_cell_run_model(const qn_cell_run *run, const char *name,
                               const qn_buf *model, quern_error *err);

/* ---- segment_train_report.c ---- */
quern_status qn_cell_run_conclude(qn_cell_run *run, quern_error *err);

#endif
