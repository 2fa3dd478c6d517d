/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmd_report.c - quern report: a run folder as a page, a document or data. */
#include "formats/files.h"
#include "formats/plugin.h"
#include "tools/options.h"
#include "tools/out.h"
#include "tools/run_report.h"

const qn_option qn_report_options[] = {
    {"out", 'o', QN_OPT_LIST, "FILE", NULL,
     "file to write: .html, .pdf, .json or .csv; may be given several times"},
    {"no-pictures", 0, QN_OPT_FLAG, NULL, NULL,
     "do not look for the pictures of mistakes in the data"},
    QN_OPTIONS_END,
};

const char qn_report_about[] =
    "RUN is a folder that `quern train` or `quern eval -o` wrote.  The report holds "
    "its\n"
    "settings, the curves, all figures with their intervals, the confusion matrix, "
    "the\n"
    "calibration and the worst mistakes; the same numbers in every kind of file.  "
    "Without\n"
    "-o it is RUN/report.html.\n"
    "\n"
    "PDF, and the charts in HTML, need the drawing plug-in (see `quern version`).\n"
    "\n"
    "  quern report runs/a\n"
    "  quern report runs/a -o a.pdf -o a.csv\n";

typedef struct command {
    qn_mem mem;
    qn_arena arena;
    qn_run_report r;
    qn_dataset *set; /* the pictures' */
} command;

typedef quern_status write_fn(command *c, qn_buf *out, quern_error *err);

/* Without the plug-in the page says so in place of its charts. */
static quern_status write_html(command *c, qn_buf *out, quern_error *err)
{
    char path[QN_PATH_MAX], text[QN_PLUGIN_TEXT];
    const char *why =
        qn_plugin_find("draw", path) ? NULL : qn_plugin_missing("draw", text);
    return qn_report_html(&c->r.report, why, &c->arena, out, err);
}

static quern_status write_pdf(command *c, qn_buf *out, quern_error *err)
{
    return qn_report_pdf(&c->r.report, &c->arena, out, err);
}

static quern_status write_json(command *c, qn_buf *out, quern_error *err)
{
    return qn_run_report_json(&c->r, out, err);
}

static quern_status write_csv(command *c, qn_buf *out, quern_error *err)
{
    return qn_run_report_csv(&c->r, out, err);
}

static const struct {
    const char *ending;
    write_fn *write;
} kinds[] = {{".html", write_html},
             {".pdf", write_pdf},
             {".json", write_json},
             {".csv", write_csv}};

static write_fn *kind_of(const char *path)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (qn_ends_with(path, kinds[i].ending)) return kinds[i].write;
    return NULL;
}

static quern_status save(command *c, const char *path, quern_error *err)
{
    qn_buf out;
    qn_buf_init(&out, &c->mem);
    quern_status status = kind_of(path)(c, &out, err);
    if (status == QUERN_OK) status = qn_file_replace(path, out.p, out.n, err);
    qn_buf_done(&out);
    if (status != QUERN_OK) qn_within(err, "%s", path);
    return status;
}

static quern_status write_all(command *c, const qn_args *args, quern_error *err)
{
    const int n = qn_arg_count(args, "out");
    char path[QN_PATH_MAX];
    QN_TRY(qn_run_report_read(args->operands[0], &c->arena, &c->r, err));
    if (!qn_arg_flag(args, "no-pictures"))
        QN_TRY(qn_run_report_find_pictures(&c->r, &c->mem, &c->arena, args->decoder,
                                           &c->set, err));
    for (int i = 0; i < n; i++)
        QN_TRY(save(c, qn_arg_nth(args, "out", i), err));
    if (n > 0) return QUERN_OK;
    QN_TRY(qn_path_format(path, err, "%s/report.html", args->operands[0]));
    return save(c, path, err);
}

int qn_cmd_report(const qn_args *args)
{
    command c = {.set = NULL};
    quern_error err = {0};
    if (args->n_operands != 1) return qn_usage(args, "needs one run folder");
    for (int i = 0; i < qn_arg_count(args, "out"); i++)
        if (!kind_of(qn_arg_nth(args, "out", i)))
            return qn_usage(args,
                            "--out %s: a report ends with .html, .pdf, .json or .csv",
                            qn_arg_nth(args, "out", i));
    qn_mem_init(&c.mem, NULL, 0);
    qn_arena_init(&c.arena, &c.mem);
    const quern_status status = write_all(&c, args, &err);
    qn_arena_done(&c.arena);
    qn_dataset_close(c.set);
    return status == QUERN_OK ? 0 : qn_report(NULL, &err);
}
