/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmd_segment_train.c - quern segment train: from pictures with labels to a
 * network that segments. */
#include "engine/os.h"
#include "tools/segment_train.h"

#include <inttypes.h>

const qn_option qn_segment_train_options[] = {
    {"out", 'o', QN_OPT_TEXT, "DIR", "runs/cells", "the run folder"},
    {"synth", 0, QN_OPT_INT, "N", "0",
     "procedural pictures beside those of the folders"},
    {"model", 'm', QN_OPT_TEXT, "FILE.onnx", NULL,
     "train a network of Cellpose's kind further, not a new one"},
    {"width", 0, QN_OPT_INT, "N", "8",
     "channels of a new network: N, 2N, 4N, 8N by level"},
    {"diameter", 'd', QN_OPT_REAL, "PX", "17",
     "of cells as the network sees them; pictures are scaled to it"},
    {"epochs", 'e', QN_OPT_INT, "N", "60", "rounds over the pictures"},
    {"batch", 'b', QN_OPT_INT, "N", "8", "windows a step"},
    {"crop", 0, QN_OPT_INT, "PX", "224", "side of a window, a multiple of 8"},
    {"lr", 0, QN_OPT_REAL, "RATE", "0.003", "peak learning rate of AdamW"},
    {"wd", 0, QN_OPT_REAL, "X", "0.0001", "weight decay"},
    {"warmup", 0, QN_OPT_REAL, "EPOCHS", "1", "from nothing up to the peak rate"},
    {"ema", 0, QN_OPT_REAL, "X", "0.998",
     "the model is a moving average of the weights; 0: it is not"},
    {"clip", 0, QN_OPT_REAL, "X", "1", "largest norm of a gradient; 0: any"},
    {"val", 0, QN_OPT_REAL, "SHARE", "0.1", "of the pictures, to choose the best by"},
    {"test", 0, QN_OPT_REAL, "SHARE", "0",
     "of the pictures, kept out of everything; split.csv names them"},
    {"check-every", 0, QN_OPT_INT, "EPOCHS", "2", "how often the best is looked for"},
    {"save-every", 0, QN_OPT_REAL, "MINUTES", "1", "how often a checkpoint is written"},
    {"seed", 's', QN_OPT_INT, "N", "1", "of weights, order, augmentation, --synth"},
    {"split-seed", 0, QN_OPT_INT, "N", "0", "of the division into parts"},
    {"chan", 0, QN_OPT_INT, "C", "0",
     "channel with the cells: 0 the mean of all, 1 red, 2 green, 3 blue"},
    {"chan2", 0, QN_OPT_INT, "C", "0", "channel with their nuclei; 0: none"},
    {"skip-bad", 0, QN_OPT_FLAG, NULL, NULL, "leave out pairs that cannot be used"},
    {"resume", 'r', QN_OPT_FLAG, NULL, NULL, "go on with the run in --out"},
    {"overwrite", 0, QN_OPT_FLAG, NULL, NULL, "begin anew in a folder that has a run"},
    {"dry-run", 'n', QN_OPT_FLAG, NULL, NULL, "say what would be trained, and stop"},
    QN_OPTION_THREADS,
    QN_OPTION_LIMIT,
    QN_OPTION_JSON,
    QN_OPTION_QUIET,
    QN_OPTIONS_END,
};

const char qn_segment_train_about[] =
    "A folder holds pictures and, under the same name with _masks, _cp_masks or "
    "_labels\n"
    "at its end, their labels (gray PNG, TIFF or .npy: 0 is background, each cell a\n"
    "number); or it has the folders images and masks (or labels) with equal names.\n"
    "Pictures are scaled so that their cells are of --diameter, cut into windows, "
    "turned\n"
    "and lit otherwise; flows follow from the labels.  Pictures that look alike stay "
    "in\n"
    "one part (training, --val, --test).\n"
    "\n"
    "The run folder gets model.onnx (the best by average precision at 0.5 over --val)\n"
    "and model.json with its diameter, last.onnx, metrics.jsonl, config.json, "
    "split.csv\n"
    "and a checkpoint.  Ctrl-C saves; the same command with --resume goes on to the "
    "same\n"
    "bits.\n"
    "\n"
    "  quern segment train cells/ --epochs 40 -o runs/mine\n"
    "  quern segment train cells/ --model cyto3.onnx --diameter 30 --lr 0.0005\n"
    "  quern segment train --synth 300 --epochs 20 -o runs/synthetic\n";

/* ---- settings ---- */

static quern_status check_range(const char *option, double x, double least, double most,
                                quern_error *err)
{
    if (x >= least && x <= most) return QUERN_OK;
    return qn_fail(err, QUERN_INVALID, "--%s %g; it lies in %g to %g", option, x, least,
                   most);
}

static quern_status check(const qn_cell_settings *s, quern_error *err)
{
    QN_TRY(check_range("synth", (double)s->synth, 0, 1e6, err));
    QN_TRY(check_range("width", (double)s->width, 1, 128, err));
    QN_TRY(check_range("diameter", s->diameter, 5, 100, err));
    QN_TRY(check_range("epochs", (double)s->epochs, 1, 1e6, err));
    QN_TRY(check_range("batch", (double)s->batch, 1, 1024, err));
    QN_TRY(check_range("crop", (double)s->crop, 16, 1024, err));
    QN_TRY(check_range("lr", s->lr, 1e-9, 10, err));
    QN_TRY(check_range("wd", s->wd, 0, 1, err));
    QN_TRY(check_range("warmup", s->warmup, 0, (double)s->epochs, err));
    QN_TRY(check_range("ema", s->ema, 0, 0.99999, err));
    QN_TRY(check_range("clip", s->clip, 0, 1e9, err));
    QN_TRY(check_range("val", s->val, 0, 0.9, err));
    QN_TRY(check_range("test", s->test, 0, 0.9, err));
    QN_TRY(check_range("check-every", (double)s->check_every, 1, 1e6, err));
    QN_TRY(check_range("chan", (double)s->chan, 0, 3, err));
    QN_TRY(check_range("chan2", (double)s->chan2, 0, 3, err));
    if (s->crop % 8 != 0)
        return qn_fail(err, QUERN_INVALID, "--crop %lld is no multiple of 8",
                       (long long)s->crop);
    return QUERN_OK;
}

static quern_status read_settings(qn_cell_run *run, quern_error *err)
{
#define QN_CELL_GET_INT        qn_arg_int
#define QN_CELL_GET_REAL       qn_arg_real
#define X(kind, field, option) run->s.field = QN_CELL_GET_##kind(run->args, option);
    QN_CELL_SETTING_MAP(X)
#undef X
    run->out = qn_arg_text(run->args, "out");
    run->model = qn_arg_text(run->args, "model");
    run->resumes = qn_arg_flag(run->args, "resume");
    return check(&run->s, err);
}

/* ---- the run ---- */

static void show_plan(const qn_cell_run *run)
{
    if (qn_arg_flag(run->args, "quiet")) return;
    qn_say("%lld pictures to train by, %lld to choose by, %lld kept out",
           (long long)run->n_part[QN_CELLS_TRAIN], (long long)run->n_part[QN_CELLS_VAL],
           (long long)run->n_part[QN_CELLS_TEST]);
    qn_say("%s parameters, %s multiply-adds and %s a step of %lldx%lldx%lld",
           QN_COUNT(run->stats.n_trained), QN_SCALED(run->stats.macs),
           QN_BYTES(run->stats.slab_bytes), (long long)run->s.batch,
           (long long)run->s.crop, (long long)run->s.crop);
    qn_say("%lld epochs of %lld steps; run folder: %s", (long long)run->s.epochs,
           (long long)run->batches->per_epoch, QN_CLEAN(run->out));
}

static void print_json(const qn_cell_run *run)
{
    qn_json j;
    qn_buf out;
    char hash[24];
    snprintf(hash, sizeof hash, "%016" PRIx64, qn_trainer_hash(run->trainer));
    qn_buf_init(&out, (qn_mem *)&run->mem);
    qn_json_begin(&j, &out);
    qn_json_text(&j, "run", run->out);
    qn_json_int(&j, "epochs", run->epoch);
    qn_json_int(&j, "steps", qn_trainer_steps(run->trainer));
    qn_json_int(&j, "best_epoch", run->best_epoch);
    qn_json_real(&j, "best", run->best);
    qn_json_int(&j, "parameters", run->stats.n_trained);
    qn_json_text(&j, "weights_hash", hash);
    qn_json_end(&j);
    qn_out_flush(&out);
    qn_buf_done(&out);
}

static quern_status train(qn_cell_run *run, quern_error *err)
{
    QN_TRY(read_settings(run, err));
    if (run->args->n_operands == 0 && run->s.synth == 0)
        return qn_fail(err, QUERN_INVALID, "no pictures: give a folder, or --synth N");
    QN_TRY(quern_pool_create((int)qn_arg_int(run->args, "threads"), &run->pool, err));
    run->mem.budget = (size_t)qn_arg_limit(run->args, "memory", 0);
    QN_TRY(qn_cell_run_data(run, err));
    QN_TRY(qn_cell_run_make(run, err));
    show_plan(run);
    if (qn_arg_flag(run->args, "dry-run")) return QUERN_OK;
    QN_TRY(qn_cell_run_folder(run, err));
    run->has_begun = true;
    if (run->resumes) QN_TRY(qn_cell_run_resume(run, err));
    QN_TRY(qn_cell_run_split(run, err));
    QN_TRY(qn_cell_run_epochs(run, err));
    QN_TRY(qn_cell_run_conclude(run, err));
    if (qn_arg_flag(run->args, "json")) print_json(run);
    return QUERN_OK;
}

int qn_cmd_segment_train(const qn_args *args)
{
    qn_cell_run run = {.args = args};
    quern_error err = {0};
    qn_mem_init(&run.mem, NULL, 0);
    qn_arena_init(&run.arena, &run.mem);
    qn_buf_init(&run.rows, &run.mem);
    const quern_status status = train(&run, &err);
    if (run.batches) run.batches->free(run.batches);
    qn_trainer_free(run.trainer);
    quern_model_free(run.raw);
    quern_pool_free(run.pool);
    qn_buf_done(&run.rows);
    qn_arena_done(&run.arena);
    if (status == QUERN_OK) return 0;
    const int code = qn_report(NULL, &err);
    return status == QUERN_INVALID && !run.has_begun ? 2 : code;
}
