/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmd_train.c - quern train: from labelled pictures to an ONNX model and a run
 * folder that says how good it is. */
#include "engine/os.h"
#include "formats/augment.h"
#include "formats/files.h"
#include "formats/png_write.h"
#include "tools/train_run.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

const qn_option qn_train_options[] = {
#define QN_SETTING(kind, field, option, letter, arg, otherwise, help) \
    {option, letter, QN_OPT_##kind, arg, otherwise, help},
#include "tools/train_settings.def"
#undef QN_SETTING
    {"config", 0, QN_OPT_TEXT, "FILE", NULL, "settings from another run's config.json"},
    {"resume", 'r', QN_OPT_FLAG, NULL, NULL, "go on with the run in --out"},
    {"overwrite", 0, QN_OPT_FLAG, NULL, NULL, "begin anew in a folder that has a run"},
    {"dry-run", 'n', QN_OPT_FLAG, NULL, NULL,
     "say what would be done, with its cost, and stop"},
    {"show-aug", 0, QN_OPT_TEXT, "FILE.png", NULL,
     "write a sheet of augmented pictures, and stop"},
    {"lr-find", 0, QN_OPT_FLAG, NULL, NULL,
     "try 100 growing learning rates, suggest one, and stop"},
    {"list-archs", 0, QN_OPT_FLAG, NULL, NULL, "list the built-in networks, and stop"},
    {"list-augs", 0, QN_OPT_FLAG, NULL, NULL, "list the augmentations, and stop"},
    {"list-opts", 0, QN_OPT_FLAG, NULL, NULL,
     "list optimizers and schedules, and stop"},
    QN_OPTION_THREADS,
    QN_OPTION_LIMIT,
    QN_OPTION_JSON,
    QN_OPTION_QUIET,
    QN_OPTIONS_END,
};

const char qn_train_about[] =
    "DATA is a folder of class folders (also under train, val, test), a CSV manifest, "
    "an\n"
    "IDX file or the four files of MNIST, CIFAR's binary folder, or .npz.  Nothing of "
    "it is\n"
    "written to.\n"
    "\n"
    "The run folder gets model.onnx (the best weights by --metric on the validation\n"
    "pictures, the moving average with --ema), last.onnx, metrics.jsonl and .csv,\n"
    "config.json (every setting as it was settled; --config runs it again to the same\n"
    "weights), report.json with the figures of the best model, and a checkpoint.\n"
    "Ctrl-C finishes the step and saves; --resume goes on to the same bits.\n"
    "\n"
    "  quern train photos/ --epochs 20\n"
    "  quern train fashion-mnist/ --arch fast32 --epochs 8 --out runs/a\n"
    "  quern train --resume --out runs/a\n"
    "  quern train xrays.csv --model resnet18.onnx --freeze 10\n";

/* ---- smaller jobs ---- */

static int list_archs(const qn_args *args)
{
    qn_mem mem;
    qn_table t;
    (void)args;
    qn_mem_init(&mem, NULL, 0);
    qn_table_begin(&t, &mem, "llrrl");
    for (int k = 0; k < 5; k++)
        qn_table_cell(&t, "%s",
                      (const char *[]){"name", "made for", "rate", "epochs", ""}[k]);
    const qn_net *net;
    for (int i = 0; (net = qn_net_at(i)); i++) {
        qn_table_cell(&t, "%s", net->name);
        qn_table_cell(&t, "%dx%d", net->side, net->side);
        qn_table_cell(&t, "%g", net->rate);
        qn_table_cell(&t, "%d", net->n_epochs);
        qn_table_cell(&t, "%s", net->summary);
    }
    quern_error err;
    return qn_table_print(&t, stdout, &err) == QUERN_OK ? 0 : qn_report(NULL, &err);
}

/* A table of names and sentences. */
static void print_names(const char *title,
                        bool (*row)(int i, const char **name, const char **about))
{
    const char *name, *about;
    printf("%s\n", title);
    for (int i = 0; row(i, &name, &about); i++)
        printf("  %-12s %s\n", name, about);
}

static int list_augs(void)
{
    print_names("operations (--aug flip=0.5,shift=2):", qn_augment_row);
    print_names("presets (--aug light, or with more: light,blur=0.1):",
                qn_augment_preset);
    return 0;
}

static bool schedule_row(int i, const char **name, const char **about)
{
    *name = qn_schedule_name(i, about);
    return *name != NULL;
}

static int list_opts(void)
{
    const qn_optimizer *o;
    printf("optimizers (--opt), with rate, momentum, second beta, decay:\n");
    for (int i = 0; (o = qn_optimizer_at(i)); i++)
        printf("  %-7s %-7g %-5g %-6g %-7g %s\n", o->name, (double)o->rate,
               (double)o->beta1, (double)o->beta2, (double)o->decay, o->about);
    print_names("schedules (--sched), behind the warm-up:", schedule_row);
    return 0;
}

static quern_status show_augmentation(qn_train_run *run, const char *path,
                                      quern_error *err)
{
    qn_image sheet;
    const qn_loader_options opt = {.set = run->set,
                                   .split = QN_SPLIT_TRAIN,
                                   .frame = qn_recipe_frame(&run->recipe),
                                   .batch = 16,
                                   .shuffle = true,
                                   .seed = (uint64_t)run->s.seed,
                                   .augment = run->s.aug};
    QN_TRY(qn_loader_sheet(&run->mem, &opt, 8, 9, &run->arena, &sheet, err));
    const qn_png png = {.width = (uint32_t)sheet.width,
                        .height = (uint32_t)sheet.height,
                        .channels = sheet.channels,
                        .bits = 8,
                        .pixels = sheet.pixels};
    return qn_png_save(&run->mem, path, &png, err);
}

/* ---- a training ---- */

static bool is_one_of(const char *word, const char *const *words)
{
    while (*words && strcmp(*words, word) != 0)
        words++;
    return *words != NULL;
}

/* With --resume the settings are those of the run folder, but for what may change
 * without making what was done so far another training. */
static quern_status take_up_settings(qn_train_run *run, quern_error *err)
{
    static const char *const may_change[] = {"epochs",     "time-limit", "save-every",
                                             "early-stop", "min-acc",    NULL};
    static const char *const others[] = {"out",  "resume", "threads", "limit",
                                         "json", "quiet",  NULL};
    char path[QN_PATH_MAX];
    const char *out = run->s.out, *data = run->s.data;
    if (!out) return qn_fail(err, QUERN_INVALID, "--resume needs --out RUN");
    for (int i = 0; i < run->args->n_given; i++) {
        const char *name = run->args->given[i].option->name;
        if (!is_one_of(name, may_change) && !is_one_of(name, others))
            return qn_fail(
                err, QUERN_INVALID,
                "--resume goes on as %s/config.json says; --%s would make it "
                "another training",
                out, name);
    }
    QN_TRY(qn_path_format(path, err, "%s/config.json", out));
    QN_TRY(qn_train_settings_load(&run->s, path, &run->arena, err));
    QN_TRY(qn_train_settings_change(&run->s, run->args, may_change, err));
    run->s.out = out;
    if (run->args->n_operands > 0) run->s.data = data;
    return QUERN_OK;
}

static quern_status read_settings(qn_train_run *run, quern_error *err)
{
    QN_TRY(qn_train_settings_read(&run->s, run->args, &run->arena, err));
    if (qn_arg_flag(run->args, "resume")) QN_TRY(take_up_settings(run, err));
    if (!run->s.data)
        return qn_fail(err, QUERN_INVALID, "no data: give a folder or file");
    return qn_train_check(&run->s, err);
}

quern_status qn_train_prepare(qn_train_run *run, quern_error *err)
{
    const int n_threads = (int)qn_arg_int(run->args, "threads");
    QN_TRY(quern_pool_create(n_threads, &run->pool, err));
    run->recipe = (qn_recipe){.std = {1, 1, 1}, .temperature = 1};
    run->recipe.fitting = QN_STRETCH;
    run->best_epoch = -1;
    for (int f = 0; f < QN_N_FIGURES; f++)
        run->figure[f] = run->val_figure[f] = NAN;
    if (run->s.model) QN_TRY(qn_train_open_model(run, err));
    QN_TRY(qn_train_open_data(run, err));
    return qn_train_make(run, err);
}

static void print_json(const qn_train_run *run)
{
    qn_json j;
    qn_buf out;
    char hash[24];
    double now, peak;
    qn_os_resident(&now, &peak);
    snprintf(hash, sizeof hash, "%016" PRIx64, qn_trainer_hash(run->trainer));
    qn_buf_init(&out, (qn_mem *)&run->mem);
    qn_json_begin(&j, &out);
    qn_json_text(&j, "run", run->s.out);
    qn_json_int(&j, "epochs", run->epoch);
    qn_json_int(&j, "best_epoch", run->best_epoch);
    qn_json_real(&j, "best", run->best);
    qn_json_real(&j, "top1", run->figure[QN_FIGURE_TOP1]);
    qn_json_real(&j, "macro_f1", run->figure[QN_FIGURE_MACRO_F1]);
    qn_json_real(&j, "seconds", run->seconds);
    qn_json_int(&j, "planned_bytes", (int64_t)run->cost.memory_bytes);
    qn_json_int(&j, "peak_bytes", (int64_t)peak);
    qn_json_int(&j, "parameters", run->stats.n_trained);
    qn_json_text(&j, "weights_hash", hash);
    qn_json_end(&j);
    qn_out_flush(&out);
    qn_buf_done(&out);
}

quern_status qn_train_whole(qn_train_run *run, quern_error *err)
{
    QN_TRY(qn_train_folder(run, err));
    run->has_begun = true;
    if (run->resumes) QN_TRY(qn_train_resume(run, err));
    QN_TRY(qn_train_write_config(run, err));
    QN_TRY(qn_train_plan(run, err));
    qn_train_show_plan(run);
    QN_TRY(qn_train_epochs(run, err));
    QN_TRY(qn_train_conclude(run, err));
    if (qn_arg_flag(run->args, "json")) print_json(run);
    return QUERN_OK;
}

/* For scripts: everything is written, and the exit code says whether it is good enough.
 */
static quern_status judge(const qn_train_run *run, quern_error *err)
{
    const double top1 = run->figure[QN_FIGURE_TOP1];
    if (run->s.min_acc <= 0 || top1 >= run->s.min_acc) return QUERN_OK;
    if (isnan(top1))
        return qn_fail(err, QUERN_DATA,
                       "--min-acc %g: there are no pictures to measure it on",
                       run->s.min_acc);
    return qn_fail(err, QUERN_DATA, "accuracy is %.4f, below --min-acc %g", top1,
                   run->s.min_acc);
}

static quern_status train(qn_train_run *run, quern_error *err)
{
    const char *sheet = qn_arg_text(run->args, "show-aug");
    const bool finds = qn_arg_flag(run->args, "lr-find");
    const bool tries = qn_arg_flag(run->args, "dry-run");
    run->resumes = qn_arg_flag(run->args, "resume");
    run->overwrites = qn_arg_flag(run->args, "overwrite");
    QN_TRY(read_settings(run, err));
    if (run->s.folds > 1 && strcmp(run->s.fold, "all") == 0) {
        if (!sheet && !finds && !tries) {
            QN_TRY(qn_train_folds(run, err));
            return judge(run, err);
        }
        run->s.fold = "1";
    }
    QN_TRY(qn_train_prepare(run, err));
    if (sheet) return show_augmentation(run, sheet, err);
    if (finds) return qn_train_find_rate(run, err);
    if (tries) return qn_train_try(run, err);
    QN_TRY(qn_train_whole(run, err));
    return judge(run, err);
}

void qn_train_done(qn_train_run *run)
{
    if (run->batches) run->batches->free(run->batches);
    qn_trainer_free(run->trainer);
    quern_model_free(run->back);
    quern_model_free(run->raw);
    quern_pool_free(run->pool);
    qn_dataset_close(run->set);
    qn_arena_done(&run->arena);
}

int qn_cmd_train(const qn_args *args)
{
    qn_train_run run = {.args = args};
    quern_error err = {0};
    if (qn_arg_flag(args, "list-archs")) return list_archs(args);
    if (qn_arg_flag(args, "list-augs")) return list_augs();
    if (qn_arg_flag(args, "list-opts")) return list_opts();
    if (args->n_operands > 1)
        return qn_usage(args, "one data set, not %d", args->n_operands);
    qn_mem_init(&run.mem, NULL, 0);
    qn_arena_init(&run.arena, &run.mem);
    const quern_status status = train(&run, &err);
    qn_train_done(&run);
    if (status == QUERN_OK) return 0;
    const int code = qn_report(NULL, &err);
    return status == QUERN_INVALID && !run.has_begun ? 2 : code;
}
