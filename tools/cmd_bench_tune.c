/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmd_bench_tune.c - quern bench tune: measured choices for the convolutions of
 * some models, as a file for --tuning. */
#include "bench/tune.h"
#include "bench/walk.h"
#include "engine/os.h"
#include "tools/bench_model.h"
#include "tools/out.h"
#include "tools/term.h"

#include <stdio.h>
#include <string.h>

const qn_option qn_bench_tune_options[] = {
    {"output", 'o', QN_OPT_TEXT, "FILE", "quern.tuning", "the file to write"},
    {"time", 0, QN_OPT_REAL, "S", "0.1", "seconds for each way of each problem"},
    {"batch", 0, QN_OPT_INT, "N", NULL,
     "images in a run, where the model leaves it free"},
    QN_OPTION_SHAPE,
    {"random", 0, QN_OPT_INT, "SEED", "1", "of the inputs, which are made up"},
    QN_OPTIONS_ENGINE,
    QN_OPTION_QUIET,
    QN_OPTIONS_END,
};

const char qn_bench_tune_about[] =
    "Times the ways to do each 3x3 convolution of the models (directly, or by "
    "Winograd's\n"
    "transform with tiles of 2 or 4) and writes which is the fastest here.  Without "
    "such a\n"
    "file quern chooses by a static model, which is the same everywhere.  A file goes "
    "with\n"
    "one version and one instruction set; any other is ignored with a warning, and so "
    "is\n"
    "a damaged one.\n"
    "\n"
    "  quern bench tune resnet50.onnx unet.onnx -o vision.tuning\n"
    "  quern run resnet50.onnx --random 1 --tuning vision.tuning\n";

typedef struct tuning_run {
    const qn_args *args;
    qn_mem mem;
    qn_kernel_bench bench;
    qn_tuned list[QN_TUNING_MOST];
    int n, n_changed;
} tuning_run;

static bool is_known(const tuning_run *r, const qn_tuned *conv)
{
    const qn_tuning known = {.list = (qn_tuned *)r->list, .n = r->n};
    return qn_tuning_find(&known, conv) >= 0;
}

static quern_status tune(tuning_run *r, const qn_problem *p, quern_error *err)
{
    qn_tuned conv;
    qn_tune_result found;
    qn_arena arena;
    char text[QN_PROBLEM_TEXT];
    if (!qn_tune_fits(p, &conv) || is_known(r, &conv) || r->n == QN_TUNING_MOST)
        return QUERN_OK;
    if (qn_interrupted(NULL)) return qn_fail(err, QUERN_CANCELLED, "interrupted");
    qn_arena_init(&arena, &r->mem);
    const quern_status status = qn_tune_problem(&r->bench, p, &arena, &found, err);
    qn_arena_done(&arena);
    if (status != QUERN_OK || !found.is_known) return status;
    r->list[r->n++] = found.choice;
    r->n_changed += found.choice.tile != found.usual;
    if (!qn_arg_flag(r->args, "quiet")) {
        printf("tile %d", found.choice.tile);
        if (found.choice.tile != found.usual)
            printf(" for %d, %.2f times as fast", found.usual, found.gain);
        printf("  %s\n", qn_problem_text(text, p, false));
        fflush(stdout);
    }
    return QUERN_OK;
}

static quern_status tune_model(tuning_run *r, const char *path, quern_error *err)
{
    qn_bench_model m;
    qn_problems problems = {0};
    int n_other;
    qn_bench_model_init(&m, r->args, path);
    problems.arena = &m.arena;
    quern_status status = qn_bench_model_open(&m, err);
    if (status == QUERN_OK) status = quern_session_plan(m.session, err);
    if (status == QUERN_OK) status = qn_extract(m.session, &problems, &n_other, err);
    for (int i = 0; i < problems.n && status == QUERN_OK; i++)
        status = tune(r, &problems.p[i], err);
    qn_bench_model_done(&m);
    if (status != QUERN_OK) qn_within(err, "%s", path);
    return status;
}

static quern_status save(tuning_run *r, quern_error *err)
{
    const char *path = qn_arg_text(r->args, "output");
    qn_buf out;
    qn_buf_init(&out, &r->mem);
    qn_tune_text(&out, quern_cpu_isa(), r->list, r->n);
    quern_status status = qn_buf_status(&out, err);
    if (status == QUERN_OK) status = qn_file_replace(path, out.p, out.n, err);
    qn_buf_done(&out);
    if (status == QUERN_OK)
        printf("%s: %d convolutions, %d not as the static model has them\n",
               QN_CLEAN(path), r->n, r->n_changed);
    return status;
}

int qn_cmd_bench_tune(const qn_args *args)
{
    quern_error err = {.status = QUERN_OK};
    qn_mem mem;
    void *at;
    if (args->n_operands < 1) return qn_usage(args, "needs a model");
    qn_mem_init(&mem, NULL, 0);
    if (qn_mem_alloc(&mem, sizeof(tuning_run), &at, &err) != QUERN_OK)
        return qn_report(NULL, &err);
    tuning_run *r = at;
    memset(r, 0, sizeof *r);
    r->args = args;
    qn_mem_init(&r->mem, NULL, 0);
    qn_kernel_bench_init(&r->bench, qn_cpu_isa());
    r->bench.states = 1u << QN_CACHE_NETWORK;
    r->bench.seconds = qn_arg_real(args, "time");
    quern_status status = QUERN_OK;
    for (int i = 0; i < args->n_operands && status == QUERN_OK; i++)
        status = tune_model(r, args->operands[i], &err);
    if (status == QUERN_OK) status = save(r, &err);
    qn_mem_free(&mem, r, sizeof *r);
    return status == QUERN_OK ? 0 : qn_report(NULL, &err);
}
