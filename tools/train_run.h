/* SPDX-License-Identifier: Apache-2.0 */
/* tools/train_run.h - one training from settings to a run folder: data, network,
 * trainer, and what is known of it so far.
 *
 *   train_check.c   refuses settings that cannot be meant
 *   train_scan.c    reads every picture once: bad ones, equal ones
 *   train_data.c    opens the data, divides it, settles size, channels, mean and std
 *   train_net.c     the network as a raw model, the trainer, the batches; exports
 *   train_unfreeze.c  the trainer anew, with all weights trained
 *   train_loop.c    epochs: steps, validation, what was best, when to stop
 *   train_files.c   the run folder
 *   train_show.c    what people see
 *   train_features.c  --cache-features: the frozen part, computed once
 *   train_rate.c    --lr-find: which learning rates a network can bear
 *   train_cost.c    memory, time and disk, before the first step
 *   train_folds.c   --folds: a run for each part of the data */
#ifndef QN_TOOLS_TRAIN_RUN_H
#define QN_TOOLS_TRAIN_RUN_H

#include "engine/freeze.h"
#include "engine/head.h"
#include "engine/nets.h"
#include "engine/parameters.h"
#include "engine/schedule.h"
#include "engine/train.h"
#include "formats/loader.h"
#include "tools/evaluate.h"
#include "tools/out.h"
#include "tools/train_settings.h"

/* A row of metrics.jsonl. */
typedef struct qn_train_row {
    int64_t epoch, step;                                         /* done */
    double lr, train_loss, train_acc, val_loss, val_acc, val_f1; /* NaN: not measured */
    double images_per_s, seconds; /* of this epoch; since the start */
    uint64_t hash;                /* of weights */
} qn_train_row;

/* What a run takes; bytes and seconds. */
typedef struct qn_train_cost {
    double memory_bytes;            /* of the process, at its peak */
    double step_bytes, check_bytes; /* of it: the steps; an evaluation beside them */
    double model_bytes, disk_bytes; /* model.onnx; the folder */
    double epoch_seconds;           /* measured; 0: it was not */
} qn_train_cost;

typedef struct qn_features qn_features; /* of train_features.c */

enum { QN_TRAIN_LEAST_CHECK = 32, QN_TRAIN_MOST_CHECK = 256 };

typedef struct qn_train_run {
    const qn_args *args;
    bool resumes, overwrites;
    bool has_begun; /* what is invalid from here on is no mistake of the command line */
    qn_mem mem;
    qn_arena arena; /* for the whole run */
    qn_train_settings s;
    qn_dataset *set;
    qn_survey survey; /* of its pictures, unless they lie in one array */
    int64_t n_train, n_val, n_test;
    qn_recipe recipe;  /* from pictures to the input: size, channels, mean, std */
    const qn_net *net; /* NULL: an imported model */
    quern_model *raw;  /* the network as it will be written */
    qn_head head;      /* of an imported model: the layer that was replaced */
    qn_layers layers;  /* weights by layer, and which are frozen */
    quern_model *back; /* with cached features: what is trained of it, as a raw model */
    qn_features *features; /* NULL: none are cached */
    int feature_rank;
    int64_t feature_dim[QUERN_MAX_RANK];
    qn_trainer *trainer;
    qn_trainer_stats stats;
    qn_train_cost cost;
    qn_batches *batches;
    const qn_optimizer *optimizer;
    qn_schedule schedule;
    quern_pool *pool;
    /* progress */
    bool is_unfrozen;     /* what --freeze named is trained by now */
    int64_t epoch, batch; /* next to be done */
    double seconds;       /* trained before this start */
    double started;       /* clock */
    qn_train_row *rows;   /* [n_rows]: epochs done */
    int64_t n_rows;
    double best;        /* of the metric; higher is better */
    int64_t best_epoch; /* -1: none yet */
    double loss_sum;    /* of the epoch that runs, by pictures */
    int64_t n_seen, n_correct;
    double saved;       /* clock, when the last checkpoint was written */
    int64_t saved_step; /* batches done then, in all */
    bool last_is_bad;   /* the file of the last checkpoint is not worth keeping */
    /* of the best model: of the test split if there is one, of validation */
    double figure[QN_N_FIGURES], val_figure[QN_N_FIGURES];
    /* what people see */
    double epoch_started, val_seconds; /* clock; the last validation took */
    int64_t epoch_from;                /* batch that this epoch began with here */
    double shown, waited;              /* clock of the last line; of batches, then */
    bool has_line, told_waits;
} qn_train_run;

/* ---- train_check.c ---- */
quern_status qn_train_check(const qn_train_settings *s, quern_error *err);

/* ---- train_scan.c ---- */
/* Reads every picture; what cannot be read is an error, or is left out. */
quern_status qn_train_scan(qn_train_run *run, quern_error *err);
/* Tells of equal pictures in different splits. */
quern_status qn_train_twins(qn_train_run *run, quern_error *err);

/* ---- train_data.c ---- */
quern_status qn_train_open_data(qn_train_run *run, quern_error *err);

/* ---- train_net.c ---- */
/* --model: opens it and reads how it wants its pictures; before the data are opened. */
quern_status qn_train_open_model(qn_train_run *run, quern_error *err);
/* Fills in what the settings leave to the network, makes network, trainer, batches. */
quern_status qn_train_make(qn_train_run *run, quern_error *err);
/* A copy of a raw model made ready for a trainer: parameters marked, batch fixed. */
quern_status qn_train_parse(const quern_model *raw, int64_t batch,
                            qn_is_frozen_fn *is_frozen, void *ctx, qn_mem *mem,
                            quern_model **out, quern_error *err);
/* The trained network as an ONNX model in buf: with the moving average where there is
 * one. */
quern_status qn_train_export(qn_train_run *run, qn_buf *buf, quern_error *err);

/* The trainer for run->raw, planned. */
quern_status qn_train_make_trainer(qn_train_run *run, quern_error *err);

/* ---- train_features.c ---- */
/* Cuts the network into run->features and run->back. */
quern_status qn_train_cache_features(qn_train_run *run, quern_error *err);
/* Features in place of the pixels of run->batches. */
quern_status qn_train_feature_batches(qn_train_run *run, quern_error *err);

/* ---- train_unfreeze.c ---- */
/* Goes on with the same numbers in a trainer that trains all weights. */
quern_status qn_train_unfreeze(qn_train_run *run, quern_error *err);

/* ---- train_loop.c ---- */
/* The numbers of a step. */
qn_step_rule qn_train_rule(const qn_train_run *run, int64_t step);
/* Seconds trained so far, in all starts. */
double qn_train_clock(const qn_train_run *run);
/* From run->epoch and run->batch to the end; QUERN_CANCELLED after Ctrl-C, with all
 * saved. */
quern_status qn_train_epochs(qn_train_run *run, quern_error *err);

/* Pictures at a time while it is checked: what fits a step fits a check. */
int64_t qn_train_check_batch(const qn_train_run *run);
/* Figures of an exported model on one split. */
quern_status qn_train_evaluate(qn_train_run *run, const qn_buf *model, qn_split split,
                               const qn_metrics_options *metrics, qn_arena *arena,
                               qn_evaluation *out, quern_error *err);

/* ---- train_checkpoint.c ---- */
/* Between two steps: writes a checkpoint when one is due, or before it gives up with
 * QUERN_CANCELLED after Ctrl-C. */
quern_status qn_train_pause(qn_train_run *run, quern_error *err);
quern_status qn_train_save(qn_train_run *run, quern_error *err);
/* Takes up the run folder's last good checkpoint. */
quern_status qn_train_resume(qn_train_run *run, quern_error *err);

/* ---- train_files.c ---- */
/* Makes the run folder; refuses one that holds a run already, unless resuming. */
quern_status qn_train_folder(qn_train_run *run, quern_error *err);
quern_status qn_train_write_rows(const qn_train_run *run, quern_error *err);
quern_status qn_train_read_rows(qn_train_run *run, quern_error *err);
/* config.json: every setting as it was settled. */
quern_status qn_train_write_config(const qn_train_run *run, quern_error *err);
/* Figures of the best model, where there are pictures for them: report.json and its
 * kin. */
quern_status qn_train_conclude(qn_train_run *run, quern_error *err);
/* RUN/name, from buf. */
quern_status qn_train_write(const qn_train_run *run, const char *name,
                            const qn_buf *buf, quern_error *err);
/* Adds a row to run->rows. */
quern_status qn_train_add_row(qn_train_run *run, const qn_train_row *row,
                              quern_error *err);

/* The row as an object and a line. */
void qn_train_row_json(qn_buf *buf, const qn_train_row *row);

/* ---- train_cost.c ---- */
/* Fills run->cost from the plans of training and evaluation. */
quern_status qn_train_plan(qn_train_run *run, quern_error *err);
/* --dry-run: that, and the time of a few real steps; tells both. */
quern_status qn_train_try(qn_train_run *run, quern_error *err);

/* ---- train_rate.c ---- */
/* A ramp of rates over 100 steps; the weights are as before then, bit for bit. */
quern_status qn_train_find_rate(qn_train_run *run, quern_error *err);

/* ---- train_folds.c ---- */
/* Trains each fold in a folder of its own, then sums them up. */
quern_status qn_train_folds(qn_train_run *run, quern_error *err);

/* ---- cmd_train.c ---- */
/* Everything that stands before the first step; the settings are there. */
quern_status qn_train_prepare(qn_train_run *run, quern_error *err);
/* The folder, the epochs, the report. */
quern_status qn_train_whole(qn_train_run *run, quern_error *err);

/* ---- train_show.c ---- */
void qn_train_show_step(qn_train_run *run);
/* Takes the line away, so that others may be written. */
void qn_train_hide_step(qn_train_run *run);
void qn_train_show_plan(const qn_train_run *run);
void qn_train_show_row(qn_train_run *run, const qn_train_row *row, bool is_best);

void qn_train_show_result(const qn_train_run *run, const qn_evaluation *e);

/* The metric of the run's choice; higher is better. */
double qn_train_metric(const qn_train_run *run, const qn_metrics *m);
void qn_train_done(qn_train_run *run);

#endif
