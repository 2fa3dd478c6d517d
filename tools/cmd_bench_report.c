/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmd_bench_report.c - quern bench report: JSON lines in, a page out. */
#include "engine/os.h"
#include "formats/files.h"
#include "tools/bench_sections.h"
#include "tools/options.h"
#include "tools/out.h"

#include <stdio.h>
#include <string.h>

const qn_option qn_bench_report_options[] = {
    {"output", 'o', QN_OPT_TEXT, "DIR", "bench-report", "where the page is written"},
    {"title", 0, QN_OPT_TEXT, "TEXT", "quern bench", "of the page"},
    QN_OPTION_JSON,
    QN_OPTION_QUIET,
    QN_OPTIONS_END,
};

const char qn_bench_report_about[] =
    "Reads the JSON lines that bench kernel, model, peaks and doctor print with "
    "--json\n"
    "and writes one page: DIR/report.html, which needs nothing else, and "
    "DIR/report.md,\n"
    "with the pictures beside it as SVG, PNG and PDF where the drawing plug-in is "
    "there.\n"
    "\n"
    "  quern bench peaks --json > r.jsonl\n"
    "  quern bench kernel -f net.qbs --json >> r.jsonl\n"
    "  quern bench model net.onnx --threads 1 --ort auto --json >> r.jsonl\n"
    "  quern bench report r.jsonl -o report\n"
    "\n"
    "make bench does so for the standard sweep.\n";

typedef struct report {
    const qn_args *args;
    qn_mem mem;
    qn_arena arena;
    qn_records records;
    qn_page page;
    const char *folder;
} report;

static quern_status read_files(report *r, quern_error *err)
{
    for (int i = 0; i < r->args->n_operands; i++) {
        const char *path = r->args->operands[i];
        char *text;
        size_t n;
        QN_TRY(qn_file_text(&r->arena, path, &text, &n, err));
        const quern_status status = qn_records_parse(&r->records, text, n, err);
        if (status != QUERN_OK) {
            qn_within(err, "%s", path);
            return status;
        }
    }
    if (r->records.kernels.n == 0 && r->records.models.n == 0)
        return qn_fail(err, QUERN_DATA, "no results of kernels or networks to report");
    return QUERN_OK;
}

static quern_status write_page(report *r, quern_error *err)
{
    qn_page *page = &r->page;
    QN_TRY(qn_dir_make(r->folder, err));
    qn_page_begin(
        page, &r->mem, r->folder, qn_arg_text(r->args, "title"),
        "Medians with 95 % intervals by order statistics; nothing leaves this "
        "machine.");
    quern_status status = qn_bench_section_models(page, &r->records, err);
    if (status == QUERN_OK) status = qn_bench_section_kernels(page, &r->records, err);
    qn_bench_section_machine(page, &r->records);
    if (page->why[0]) qn_page_text(page, "No pictures: %s", page->why);
    const quern_status ended =
        qn_page_end(page, "report", status == QUERN_OK ? err : NULL);
    return status == QUERN_OK ? ended : status;
}

static int tell(report *r)
{
    qn_buf out;
    qn_json j;
    if (!qn_arg_flag(r->args, "json")) {
        if (r->page.why[0] && !qn_arg_flag(r->args, "quiet"))
            qn_say("no pictures: %s", r->page.why);
        printf("%s/report.html\n%s/report.md\n", r->folder, r->folder);
        return 0;
    }
    qn_buf_init(&out, &r->mem);
    qn_json_begin(&j, &out);
    qn_json_text(&j, "folder", r->folder);
    qn_json_int(&j, "kernels", r->records.kernels.n);
    qn_json_int(&j, "models", r->records.models.n);
    qn_json_int(&j, "pictures", r->page.n_pictures);
    qn_json_end(&j);
    const int code = qn_out_flush(&out);
    qn_buf_done(&out);
    return code;
}

int qn_cmd_bench_report(const qn_args *args)
{
    report r = {.args = args};
    quern_error err = {.status = QUERN_OK};
    if (args->n_operands < 1) return qn_usage(args, "needs files of results");
    qn_mem_init(&r.mem, NULL, 0);
    qn_arena_init(&r.arena, &r.mem);
    r.records.arena = &r.arena;
    r.folder = qn_arg_text(args, "output");
    quern_status status = read_files(&r, &err);
    if (status == QUERN_OK) status = write_page(&r, &err);
    const int code = status == QUERN_OK ? tell(&r) : qn_report(NULL, &err);
    qn_arena_done(&r.arena);
    return code;
}
