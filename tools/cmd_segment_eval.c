/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmd_segment_eval.c - quern segment eval: how well predicted cells agree with
 * true ones, picture by picture and over all. */
#include "engine/cells/agreement.h"
#include "engine/os.h"
#include "formats/csv_write.h"
#include "formats/label_file.h"
#include "tools/label_pairs.h"
#include "tools/options.h"
#include "tools/out.h"
#include "tools/term.h"

#include <string.h>

enum { SHOWN = 40 }; /* pictures in the table for people */

const qn_option qn_segment_eval_options[] = {
    {"common", 0, QN_OPT_FLAG, NULL, NULL,
     "only pictures that are in both folders; otherwise one without a partner is an "
     "error"},
    {"boundary", 0, QN_OPT_REAL, "F", "0.1",
     "how far boundaries may be apart, over the median diameter of the true cells; at "
     "least a pixel"},
    {"csv", 0, QN_OPT_TEXT, "FILE", NULL, "write a row per picture, and their mean"},
    {"min-ap", 0, QN_OPT_REAL, "F", NULL, "exit code 1 when AP at 0.5 is below F"},
    QN_OPTION_LIMIT,
    QN_OPTION_JSON,
    QN_OPTION_QUIET,
    QN_OPTIONS_END,
};

const char qn_segment_eval_about[] =
    "TRUTH and PREDICTED are two pictures of labels or two folders of them: 16-bit "
    "PNG,\n"
    "TIFF of up to 32 bits, or .npy.  0 is background, every other number a cell.  "
    "Files\n"
    "of folders are paired by name; a _masks or _cp_masks before the extension does "
    "not\n"
    "count, and where there are such files, only they do.\n"
    "\n"
    "AP is TP / (TP + FP + FN) of cells matched by intersection over union, as "
    "Cellpose\n"
    "and StarDist have it; F1 and panoptic quality are at 0.5; AJI is Cellpose's, the\n"
    "classic one stands beside it in JSON and CSV.  Figures over all are means of "
    "those\n"
    "of the pictures; \"pooled\" counts the cells of all pictures together.  Two "
    "pictures\n"
    "without cells agree: 1.\n"
    "\n"
    "  quern segment eval truth/ predicted/\n"
    "  quern segment eval truth/ predicted/ --csv figures.csv --min-ap 0.8 --json\n"
    "  quern segment eval a_true.png a_masks.tif\n";

/* The figures of a picture: name in JSON and CSV, heading for people or NULL, value. */
typedef double figure_fn(const qn_agreement *a);
typedef struct figure {
    const char *name, *heading;
    figure_fn *value;
} figure;

static double ap50(const qn_agreement *a)
{
    return qn_agreement_precision_at(a, qn_agreement_level(0.5));
}

static double ap75(const qn_agreement *a)
{
    return qn_agreement_precision_at(a, qn_agreement_level(0.75));
}

static double ap90(const qn_agreement *a)
{
    return qn_agreement_precision_at(a, qn_agreement_level(0.9));
}

static const figure figures[] = {
    {"ap50", "AP@0.5", ap50},
    {"ap75", "AP@0.75", ap75},
    {"ap90", "AP@0.9", ap90},
    {"f1", "F1", qn_agreement_f1},
    {"aji", "AJI", qn_agreement_jaccard},
    {"pq", "PQ", qn_agreement_panoptic},
    {"ap", NULL, qn_agreement_mean_precision},
    {"aji_classic", NULL, qn_agreement_jaccard_classic},
    {"boundary_precision", NULL, qn_agreement_edge_precision},
    {"boundary_recall", NULL, qn_agreement_edge_recall},
    {"boundary_f1", "boundary F1", qn_agreement_edge_f1},
};
#define N_FIGURES ((int)(sizeof figures / sizeof figures[0]))

typedef struct command {
    const qn_args *args;
    qn_mem mem;
    qn_arena arena;
    qn_label_pair *pairs;
    int n;
    qn_agreement *each; /* [n] */
    qn_agreement all;
    double mean[N_FIGURES];
} command;

/* ---- the work -------------------------------------------------------------------- */

static quern_status compare(command *c, int i, qn_arena *scratch, quern_error *err)
{
    const qn_label_pair *pair = &c->pairs[i];
    const int64_t pixels = (int64_t)qn_arg_limit(c->args, "pixels", 0);
    qn_labels truth, predicted;
    QN_TRY(qn_label_file_read(scratch, pair->truth, pixels, &truth, err));
    QN_TRY(qn_label_file_read(scratch, pair->predicted, pixels, &predicted, err));
    const quern_status status =
        qn_labels_agree(&truth, &predicted, qn_arg_real(c->args, "boundary"), scratch,
                        &c->each[i], err);
    if (status != QUERN_OK) qn_within(err, "%s", pair->predicted);
    return status;
}

static quern_status compare_all(command *c, quern_error *err)
{
    quern_status status = QUERN_OK;
    qn_progress progress;
    qn_arena scratch;
    qn_arena_init(&scratch, &c->mem);
    qn_progress_begin(&progress, "pictures", c->n, qn_arg_flag(c->args, "quiet"));
    for (int i = 0; i < c->n && status == QUERN_OK; i++) {
        status = compare(c, i, &scratch, err);
        qn_arena_reset(&scratch);
        qn_progress_step(&progress, i + 1);
        if (status == QUERN_OK && qn_interrupted(NULL))
            status = qn_fail(err, QUERN_CANCELLED, "stopped after %d of %d pictures",
                             i + 1, c->n);
    }
    qn_progress_end(&progress);
    qn_arena_done(&scratch);
    return status;
}

static void add_up(command *c)
{
    for (int i = 0; i < c->n; i++) {
        qn_agreement_add(&c->all, &c->each[i]);
        for (int k = 0; k < N_FIGURES; k++)
            c->mean[k] += figures[k].value(&c->each[i]);
    }
    for (int k = 0; k < N_FIGURES; k++)
        c->mean[k] /= c->n;
}

/* ---- what is told ---------------------------------------------------------------- */

static void put_counts(qn_json *j, const qn_agreement *a)
{
    qn_json_int(j, "cells_true", a->n_true);
    qn_json_int(j, "cells_predicted", a->n_predicted);
}

static void put_figures(qn_json *j, const qn_agreement *a)
{
    put_counts(j, a);
    for (int k = 0; k < N_FIGURES; k++)
        qn_json_real(j, figures[k].name, figures[k].value(a));
}

static int tell_json(command *c)
{
    qn_buf out;
    qn_json j;
    qn_buf_init(&out, &c->mem);
    qn_json_begin(&j, &out);
    qn_json_int(&j, "n", c->n);
    put_counts(&j, &c->all);
    for (int k = 0; k < N_FIGURES; k++)
        qn_json_real(&j, figures[k].name, c->mean[k]);
    qn_json_object(&j, "pooled");
    put_figures(&j, &c->all);
    qn_json_close(&j);
    qn_json_array(&j, "images");
    for (int i = 0; i < c->n; i++) {
        qn_json_object(&j, NULL);
        qn_json_text(&j, "image", c->pairs[i].name);
        put_figures(&j, &c->each[i]);
        qn_json_real(&j, "diameter", c->each[i].diameter);
        qn_json_close(&j);
    }
    qn_json_close(&j);
    qn_json_end(&j);
    const int code = qn_out_flush(&out);
    qn_buf_done(&out);
    return code;
}

static void table_row(qn_table *t, const char *name, const qn_agreement *a,
                      const double *mean)
{
    qn_table_cell(t, "%s", QN_CLEAN(name));
    qn_table_cell(t, "%lld", (long long)a->n_true);
    qn_table_cell(t, "%lld", (long long)a->n_predicted);
    for (int k = 0; k < N_FIGURES; k++)
        if (figures[k].heading)
            qn_table_cell(t, "%.4f", mean ? mean[k] : figures[k].value(a));
}

static int tell_people(command *c)
{
    qn_table t;
    qn_table_begin(&t, &c->mem, "lrrrrrrrrr");
    qn_table_cell(&t, "picture");
    qn_table_cell(&t, "true");
    qn_table_cell(&t, "predicted");
    for (int k = 0; k < N_FIGURES; k++)
        if (figures[k].heading) qn_table_cell(&t, "%s", figures[k].heading);
    for (int i = 0; i < c->n && i < SHOWN; i++)
        table_row(&t, c->pairs[i].name, &c->each[i], NULL);
    if (c->n > 1) table_row(&t, "mean", &c->all, c->mean);
    quern_error err;
    if (qn_table_print(&t, stdout, &err) != QUERN_OK) return qn_report(NULL, &err);
    if (c->n > SHOWN)
        printf("the first %d of %d pictures; --csv and --json tell all\n", SHOWN, c->n);
    return 0;
}

static void csv_row(qn_csv *csv, const char *name, const qn_agreement *a,
                    const double *mean)
{
    qn_csv_text(csv, name);
    qn_csv_int(csv, a->n_true);
    qn_csv_int(csv, a->n_predicted);
    for (int k = 0; k < N_FIGURES; k++)
        qn_csv_real(csv, mean ? mean[k] : figures[k].value(a));
    qn_csv_end(csv);
}

static quern_status write_csv(command *c, const char *path, quern_error *err)
{
    qn_buf out;
    qn_csv csv;
    qn_buf_init(&out, &c->mem);
    qn_csv_begin(&csv, &out);
    qn_csv_text(&csv, "image");
    qn_csv_text(&csv, "cells_true");
    qn_csv_text(&csv, "cells_predicted");
    for (int k = 0; k < N_FIGURES; k++)
        qn_csv_text(&csv, figures[k].name);
    qn_csv_end(&csv);
    for (int i = 0; i < c->n; i++)
        csv_row(&csv, c->pairs[i].name, &c->each[i], NULL);
    csv_row(&csv, "(mean)", &c->all, c->mean);
    quern_status status = qn_buf_status(&out, err);
    if (status == QUERN_OK) status = qn_file_replace(path, out.p, out.n, err);
    if (status != QUERN_OK) qn_within(err, "%s", path);
    qn_buf_done(&out);
    return status;
}

static quern_status eval(command *c, quern_error *err)
{
    const char *csv = qn_arg_text(c->args, "csv");
    void *each;
    QN_TRY(qn_label_pairs(&c->arena, c->args->operands[0], c->args->operands[1],
                          qn_arg_flag(c->args, "common"), &c->pairs, &c->n, err));
    QN_TRY(qn_arena_array(&c->arena, (size_t)c->n, sizeof *c->each, &each, err));
    c->each = each;
    QN_TRY(compare_all(c, err));
    add_up(c);
    return csv ? write_csv(c, csv, err) : QUERN_OK;
}

static int verdict(const command *c)
{
    const double least =
        qn_arg_text(c->args, "min-ap") ? qn_arg_real(c->args, "min-ap") : -1;
    if (c->mean[0] >= least) return 0;
    qn_say("AP at 0.5 is %.4f, below %g", c->mean[0], least);
    return 1;
}

int qn_cmd_segment_eval(const qn_args *args)
{
    command c = {.args = args};
    quern_error err = {.status = QUERN_OK};
    if (args->n_operands != 2)
        return qn_usage(args, "needs two pictures of labels, or two folders of them");
    if (!(qn_arg_real(args, "boundary") >= 0 && qn_arg_real(args, "boundary") <= 10))
        return qn_usage(args, "--boundary is within 0 .. 10");
    qn_interrupt_install();
    qn_mem_init(&c.mem, NULL, (size_t)qn_arg_limit(args, "memory", 0));
    qn_arena_init(&c.arena, &c.mem);
    int code = eval(&c, &err) == QUERN_OK ? 0 : qn_report(NULL, &err);
    if (code == 0) code = qn_arg_flag(args, "json") ? tell_json(&c) : tell_people(&c);
    if (code == 0) code = verdict(&c);
    qn_arena_done(&c.arena);
    return code;
}
