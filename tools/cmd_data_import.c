/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmd_data_import.c - quern data import: a data set into the store. */
#include "engine/pool.h"
#include "formats/store_import.h"
#include "tools/options.h"
#include "tools/out.h"
#include "tools/place.h"
#include "tools/scratch.h"
#include "tools/term.h"

#include <string.h>

enum { SHOWN = 10 }; /* rejects, for people */

const qn_option qn_data_import_options[] = {
    {"name", 'n', QN_OPT_TEXT, "NAME", NULL, "what it is called; else as its source"},
    {"format", 'f', QN_OPT_TEXT, "NAME", NULL, "of the source; otherwise found out"},
    {"by-reference", 'r', QN_OPT_FLAG, NULL, NULL,
     "leave the pictures where they are, keep the table and their digests"},
    {"note", 0, QN_OPT_TEXT, "TEXT", NULL, "kept with it"},
    {"licence", 0, QN_OPT_TEXT, "TEXT", NULL, "of the pictures, kept with it"},
    QN_OPTION_LIMIT,
    QN_OPTION_THREADS,
    QN_OPTION_JSON,
    QN_OPTION_QUIET,
    QN_OPTIONS_END,
};

const char qn_data_import_about[] =
    "Copies a data set into the store, where it has a name that every command takes "
    "as\n"
    "DATA.  Pictures that are files are kept byte for byte.  Each is decoded once to "
    "see\n"
    "that it can be; what cannot be taken is listed with its reason.  The source is "
    "not\n"
    "changed.  An import that was stopped goes on when the command is given again.\n"
    "\n"
    "  quern data import photos/ --name flowers\n"
    "  quern data import patients.csv --by-reference --note 'ward 3, 2026'\n"
    "  quern train flowers\n";

typedef struct import {
    const qn_args *args;
    qn_mem mem;
    qn_store store;
    qn_dataset *set;
    quern_pool *pool;
    qn_progress progress;
    qn_imported got;
} import;

static int step(void *ctx, int64_t done)
{
    import *im = ctx;
    qn_progress_step(&im->progress, done);
    return qn_interrupted(NULL);
}

static quern_status bring_in(import *im, quern_error *err)
{
    const qn_args *args = im->args;
    qn_import plan = {.name = qn_arg_text(args, "name"),
                      .note = qn_arg_text(args, "note"),
                      .licence = qn_arg_text(args, "licence"),
                      .by_reference = qn_arg_flag(args, "by-reference"),
                      .step = step,
                      .ctx = im};
    if (plan.name) QN_TRY(qn_store_check_name(plan.name, err));
    QN_TRY(qn_place_open(&im->store, &im->mem, true, err));
    QN_TRY(qn_data_open(args, &im->mem, args->operands[0], qn_arg_text(args, "format"),
                        &im->set, err));
    QN_TRY(quern_pool_create((int)qn_arg_int(args, "threads"), &im->pool, err));
    plan.pool = im->pool;
    const bool is_quiet = qn_arg_flag(args, "quiet");
    qn_progress_begin(&im->progress, "items", im->set->n, is_quiet);
    const quern_status status =
        qn_store_import_set(&im->store, im->set, &plan, &im->got, err);
    qn_progress_end(&im->progress);
    return status;
}

static int tell_json(const import *im)
{
    qn_buf out;
    qn_json j;
    qn_buf_init(&out, (qn_mem *)&im->mem);
    qn_json_begin(&j, &out);
    qn_json_text(&j, "id", im->got.id);
    qn_json_text(&j, "name", im->got.name);
    qn_json_int(&j, "items", im->got.n_items);
    qn_json_int(&j, "resumed", im->got.n_resumed);
    qn_json_bool(&j, "is_new", im->got.is_new);
    qn_json_array(&j, "rejects");
    for (int i = 0; i < im->set->n_rejects; i++) {
        qn_json_object(&j, NULL);
        qn_json_text(&j, "item", im->set->rejects[i].item);
        qn_json_text(&j, "reason", im->set->rejects[i].reason);
        qn_json_close(&j);
    }
    qn_json_end(&j);
    const int code = qn_out_flush(&out);
    qn_buf_done(&out);
    return code;
}

static int tell_people(const import *im)
{
    const int n = im->set->n_rejects;
    printf("%s: %s (%s), %s items", im->got.is_new ? "stored" : "was stored already",
           QN_CLEAN(im->got.name), im->got.id, QN_COUNT(im->got.n_items));
    if (im->got.n_resumed)
        printf(", %s of them from before", QN_COUNT(im->got.n_resumed));
    printf("\n");
    for (int i = 0; i < n && i < SHOWN; i++)
        printf("  refused: %s: %s\n", QN_CLEAN(im->set->rejects[i].item),
               QN_CLEAN(im->set->rejects[i].reason));
    if (n > SHOWN) printf("  and %s more\n", QN_COUNT(n - SHOWN));
    return 0;
}

int qn_cmd_data_import(const qn_args *args)
{
import im = {.args = args };
    quern_error err = {0};
    if (args->n_operands != 1) return qn_usage(args, "needs one data set");
    qn_mem_init(&im.mem, NULL, 0);
    const quern_status status = bring_in(&im, &err);
    const int code = status != QUERN_OK          ? qn_report(NULL, &err)
                     : qn_arg_flag(args, "json") ? tell_json(&im)
                                                 : tell_people(&im);
    quern_pool_free(im.pool);
    qn_dataset_close(im.set);
    return code;
}
