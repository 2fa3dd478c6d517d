/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmd_eval.c - quern eval: how good a classifier is on labelled pictures, with
 * every figure, slice by slice, beside another classifier. */
#include "tools/classifier.h"
#include "tools/evaluate.h"
#include "tools/figures.h"
#include "tools/out.h"
#include "tools/scratch.h"
#include "tools/term.h"

#include <math.h>
#include <string.h>

const qn_option qn_eval_options[] = {
    {"split", 's', QN_OPT_TEXT, "NAME", NULL,
     "train, val, test or all; otherwise test where there is one, else val, else all"},
    {"batch", 'b', QN_OPT_INT, "N", "64", "pictures at a time, where the model allows"},
    {"out", 'o', QN_OPT_TEXT, "DIR", NULL,
     "write report.json, confusion.csv, per_class.csv, predictions.csv, "
     "reliability.csv"},
    {"top", 'k', QN_OPT_INT, "K", "5", "accuracy with up to K answers, in \"top\""},
    {"by", 0, QN_OPT_LIST, "COLUMN", NULL,
     "figures for each text in this column of the manifest, too"},
    {"bootstrap", 0, QN_OPT_INT, "N", "1000",
     "resamples for the 95 % intervals; 0: no intervals"},
    {"tta", 0, QN_OPT_TEXT, "flip", NULL, "the mean with mirror images, too"},
    {"calibrate", 0, QN_OPT_TEXT, "SPLIT", NULL,
     "fit a temperature on this split and show what it does on the other"},
    {"compare", 0, QN_OPT_TEXT, "MODEL", NULL,
     "another model on the same pictures: McNemar's test"},
    {"min-acc", 0, QN_OPT_REAL, "F", NULL, "exit code 1 when accuracy is below F"},
    {"skip-bad", 0, QN_OPT_FLAG, NULL, NULL,
     "list pictures that cannot be read, and go on without them"},
    {"labels", 'l', QN_OPT_TEXT, "FILE", NULL,
     "names of the classes: a line each, or JSON; instead of the model's own"},
    QN_OPTIONS_RECIPE,
    QN_OPTIONS_ENGINE,
    QN_OPTION_JSON,
    QN_OPTION_QUIET,
    QN_OPTIONS_END,
};

const char qn_eval_about[] =
    "DATA is a folder of class folders (also under train, val, test), an IDX file or "
    "a\n"
    "folder of the four files of MNIST, or what else `quern data` reads.  Classes of "
    "the\n"
    "data are matched with those of the model by name; only where one side has no "
    "names\n"
    "by number, with a warning.\n"
    "\n"
    "Intervals are percentiles of a bootstrap over the pictures; --seed chooses its\n"
    "random numbers, which do not depend on the threads.  ECE has 15 bins.  A figure "
    "that\n"
    "is not defined (ROC-AUC of a class without pictures) is null in JSON.\n"
    "\n"
    "  quern eval model.onnx data/ -o report\n"
    "  quern eval model.onnx data/ --split val --min-acc 0.9 --json\n"
    "  quern eval model.onnx patients.csv --by site --calibrate val\n"
    "  quern eval new.onnx data/ --compare old.onnx\n";

/* A second model, and how the two agree. */
typedef struct rival {
    qn_evaluation e;
    qn_mcnemar test;
} rival;

typedef struct command {
    const qn_args *args;
    qn_mem mem;
    qn_arena arena;
    quern_pool *pool;
    qn_dataset *set;
    qn_progress progress;
    qn_evaluate_options opt;
    qn_evaluation e;
    rival rival;
    qn_buf out;
} command;

/* ---- options --------------------------------------------------------------------- */

static bool take_split(const qn_args *args, const char *option, qn_split *split,
                       bool *all)
{
    const char *text = qn_arg_text(args, option);
    *split = QN_SPLIT_NONE;
    *all = text && !strcmp(text, "all");
    if (text && !*all) *split = qn_split_of(text);
    return !text || *all || *split != QN_SPLIT_NONE;
}

/* The exit code of a mistake, or 0. */
static int check(command *c)
{
    const qn_args *args = c->args;
    const char *tta = qn_arg_text(args, "tta");
    qn_split split;
    bool all;
    if (args->n_operands != 2) return qn_usage(args, "needs a model and data");
    if (!take_split(args, "calibrate", &split, &all) ||
        !take_split(args, "split", &c->opt.split, &c->opt.all))
        return qn_usage(args, "splits are train, val, test and all");
    if (tta && strcmp(tta, "flip") != 0)
        return qn_usage(args, "--tta knows flip only, not %s", tta);
    if (qn_arg_int(args, "top") < 1 || qn_arg_int(args, "top") > INT32_MAX)
        return qn_usage(args, "--top is at least 1");
    if (qn_arg_int(args, "bootstrap") < 0 || qn_arg_int(args, "bootstrap") > 1000000)
        return qn_usage(args, "--bootstrap is within 0 .. 1000000");
    return 0;
}

/* ---- a model over the data ------------------------------------------------------- */

static int step(void *ctx, int64_t done, int64_t total)
{
    qn_progress *progress = ctx;
    progress->total = total;
    qn_progress_step(progress, done);
    return qn_interrupted(NULL);
}

static quern_status recipe_of(command *c, const quern_model *model, qn_recipe *recipe,
                              quern_error *err)
{
    const char *labels = qn_arg_text(c->args, "labels");
    quern_info input;
    QN_TRY(qn_classifier_input(model, &input, err));
    QN_TRY(qn_recipe_read(recipe, model, &input, c->args, &c->arena, err));
    return labels ? qn_recipe_labels(recipe, labels, &c->arena, err) : QUERN_OK;
}

static quern_status run_model(command *c, const char *path, const quern_model *model,
                              const qn_evaluate_options *how, qn_evaluation *e,
                              quern_error *err)
{
    const bool is_quiet = qn_arg_flag(c->args, "quiet");
    qn_evaluate_options opt = *how;
    qn_recipe recipe;
    QN_TRY(recipe_of(c, model, &recipe, err));
    if (!recipe.is_said && !is_quiet)
        qn_say("%s says nothing of its pictures: they are scaled to 0..1 and stretched",
               QN_CLEAN(path));
    opt.recipe = &recipe;
    qn_progress_begin(&c->progress, "pictures", 0, is_quiet);
    const quern_status status = qn_evaluate(model, c->set, &opt, &c->arena, e, err);
    qn_progress_end(&c->progress);
    e->model = path;
    return status;
}

/* Fits a temperature where that is asked for: another split, another run. */
static quern_status calibrate(command *c, const char *path, const quern_model *model,
                              quern_error *err)
{
    qn_evaluate_options opt = c->opt;
    qn_evaluation fit_on;
    if (!qn_arg_text(c->args, "calibrate")) return QUERN_OK;
    take_split(c->args, "calibrate", &opt.split, &opt.all);
    const char *split = opt.all ? "all" : qn_split_name(opt.split);
    if (opt.all || !strcmp(c->e.split, "all") || !strcmp(c->e.split, split))
        return qn_fail(err, QUERN_INVALID,
                       "a temperature fitted on %s says nothing on %s: they share "
                       "pictures",
                       split, c->e.split);
    opt.flip = false;
    opt.metrics.bootstrap = 0;
    opt.metrics.no_ranking = true;
    QN_TRY(run_model(c, path, model, &opt, &fit_on, err));
    return qn_evaluate_tempered(&c->e, &fit_on, &c->opt.metrics, &c->arena, err);
}

static quern_status with_model(command *c, const char *path, qn_evaluation *e,
                               quern_error *err)
{
    const quern_model_options opt = qn_model_options(c->args);
    quern_model *model = NULL;
    quern_status status = quern_model_open(path, &opt, &model, err);
    if (status == QUERN_OK) status = run_model(c, path, model, &c->opt, e, err);
    if (status == QUERN_OK && e == &c->e) status = calibrate(c, path, model, err);
    if (status != QUERN_OK) qn_within(err, "%s", path);
    quern_model_free(model);
    return status;
}

static quern_status compare(command *c, quern_error *err)
{
    const char *path = qn_arg_text(c->args, "compare");
    if (!path) return QUERN_OK;
    QN_TRY(with_model(c, path, &c->rival.e, err));
    if (c->rival.e.predictions.n != c->e.predictions.n)
        return qn_fail(err, QUERN_DATA, "%lld pictures were read for %s, %lld for %s",
                       (long long)c->e.predictions.n, c->e.model,
                       (long long)c->rival.e.predictions.n, path);
    c->rival.test = qn_mcnemar_test(c->e.metrics.outcomes, c->rival.e.metrics.outcomes,
                                    c->e.predictions.n);
    return QUERN_OK;
}

/* ---- telling --------------------------------------------------------------------- */

static void warn(const command *c)
{
    const qn_evaluation *e = &c->e;
    if (e->is_by_index)
        qn_say("%s has no names of classes: labels are taken as numbers of classes",
               QN_CLEAN(e->classes ? e->set->path : e->model));
    for (int i = 0; i < e->n_rejects && i < 10; i++)
        qn_say("%s: left out: %s", QN_CLEAN(e->rejects[i].item),
               QN_CLEAN(e->rejects[i].reason));
    if (e->n_rejects > 10) qn_say("and %d more are left out", e->n_rejects - 10);
}

static quern_status tell_json(command *c, quern_error *err)
{
    qn_json j;
    qn_json_begin(&j, &c->out);
    QN_TRY(qn_evaluation_json(&c->e, &j, &c->arena, err));
    if (c->rival.e.model) {
        const qn_mcnemar *t = &c->rival.test;
        qn_json_object(&j, "compare");
        qn_json_text(&j, "model", c->rival.e.model);
        qn_json_real(&j, "top1", c->rival.e.metrics.figure[QN_FIGURE_TOP1]);
        qn_json_int(&j, "both_right", t->both);
        qn_json_int(&j, "only_first", t->only_a);
        qn_json_int(&j, "only_second", t->only_b);
        qn_json_int(&j, "both_wrong", t->neither);
        qn_json_real(&j, "mcnemar_chi2", t->chi2);
        qn_json_real(&j, "p_chi2", t->p_chi2);
        qn_json_real(&j, "p_exact", t->p_exact);
        qn_json_close(&j);
    }
    qn_json_end(&j);
    QN_TRY(qn_buf_status(&c->out, err));
    qn_out_flush(&c->out);
    return QUERN_OK;
}

static quern_status tell_people(command *c, quern_error *err)
{
    const qn_evaluation *e = &c->e;
    const qn_mcnemar *t = &c->rival.test;
    char clean[256];
    printf("%s on %s, split %s: %s pictures of %d classes\n\n",
           qn_clean(clean, sizeof clean, e->model), QN_CLEAN(e->set->path), e->split,
           QN_COUNT(e->predictions.n), e->metrics.n_classes);
    QN_TRY(qn_print_evaluation(e, &c->arena, stdout, err));
    if (c->rival.e.model)
        printf(
            "%s: accuracy %.2f %%; %lld pictures only the first has right, %lld only "
            "this one; McNemar's p %.3g\n",
            QN_CLEAN(c->rival.e.model), 100 * c->rival.e.metrics.figure[QN_FIGURE_TOP1],
            (long long)t->only_a, (long long)t->only_b, t->p_exact);
    printf("%.2f s, %.0f pictures a second\n", e->seconds, e->images_per_s);
    return QUERN_OK;
}

static quern_status eval(command *c, quern_error *err)
{
    const qn_args *args = c->args;
    const char *folder = qn_arg_text(args, "out");
    quern_session_options session = qn_session_options(args);
    QN_TRY(quern_pool_create(session.n_threads, &c->pool, err));
    session.pool = c->pool;
    c->opt.session = &session;
    c->opt.metrics.pool = c->pool;
    QN_TRY(qn_data_open(args, &c->mem, args->operands[1], NULL, &c->set, err));
    QN_TRY(with_model(c, args->operands[0], &c->e, err));
    for (int i = 0; i < qn_arg_count(args, "by"); i++)
        QN_TRY(qn_evaluate_slices(&c->e, qn_arg_nth(args, "by", i), &c->opt.metrics,
                                  &c->arena, err));
    QN_TRY(compare(c, err));
    if (!qn_arg_flag(args, "quiet")) warn(c);
    QN_TRY(qn_arg_flag(args, "json") ? tell_json(c, err) : tell_people(c, err));
    return folder ? qn_evaluation_write(&c->e, folder, "", &c->mem, err) : QUERN_OK;
}

static int verdict(const command *c)
{
    const double accuracy = c->e.metrics.figure[QN_FIGURE_TOP1];
    if (!qn_arg_text(c->args, "min-acc") || accuracy >= qn_arg_real(c->args, "min-acc"))
        return 0;
    qn_say("accuracy %.4f is below %g", accuracy, qn_arg_real(c->args, "min-acc"));
    return 1;
}

int qn_cmd_eval(const qn_args *args)
{
    command c = {.args = args};
    quern_error err = {.status = QUERN_OK};
    const int mistake = check(&c);
    if (mistake) return mistake;
    c.opt.batch = qn_arg_int(args, "batch");
    c.opt.flip = qn_arg_text(args, "tta") != NULL;
    c.opt.skip_bad = qn_arg_flag(args, "skip-bad");
    c.opt.metrics =
        (qn_metrics_options){.top = (int)qn_arg_int(args, "top"),
                             .bootstrap = (int)qn_arg_int(args, "bootstrap"),
                             .seed = (uint64_t)qn_arg_int(args, "seed")};
    c.opt.step = step;
    c.opt.ctx = &c.progress;
    qn_mem_init(&c.mem, NULL, 0);
    qn_arena_init(&c.arena, &c.mem);
    qn_buf_init(&c.out, &c.mem);
    const quern_status status = eval(&c, &err);
    qn_dataset_close(c.set);
    quern_pool_free(c.pool);
    qn_buf_done(&c.out);
    qn_arena_done(&c.arena);
    return status == QUERN_OK ? verdict(&c) : qn_report(NULL, &err);
}
