/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmd_bench_extract.c - quern bench extract: a model's steps as a sweep file. */
#include "bench/walk.h"
#include "tools/bench_model.h"
#include "tools/out.h"

#include <stdio.h>

const qn_option qn_bench_extract_options[] = {
    {"batch", 0, QN_OPT_INT, "N", NULL,
     "images in a run, where the model leaves it free"},
    QN_OPTION_SHAPE,
    {"random", 0, QN_OPT_INT, "SEED", "1", "of the inputs, which are made up"},
    QN_OPTIONS_ENGINE,
    QN_OPTION_QUIET,
    QN_OPTIONS_END,
};

const char qn_bench_extract_about[] =
    "Plans a model and writes the problems that its steps pose, each once with how "
    "often\nit comes, as a sweep file for quern bench kernel -f.\n"
    "\n"
    "  quern bench extract resnet50.onnx > resnet50.qbs\n";

int qn_cmd_bench_extract(const qn_args *args)
{
    qn_bench_model m;
    quern_error err = {.status = QUERN_OK};
    qn_problems problems = {0};
    qn_buf out;
    int n_other = 0, code;
    if (args->n_operands != 1) return qn_usage(args, "needs one model");
    qn_bench_model_init(&m, args, args->operands[0]);
    problems.arena = &m.arena;
    qn_buf_init(&out, &m.mem);
    quern_status status = qn_bench_model_open(&m, &err);
    if (status == QUERN_OK) status = quern_session_plan(m.session, &err);
    if (status == QUERN_OK) status = qn_extract(m.session, &problems, &n_other, &err);
    if (status == QUERN_OK) {
        char text[QN_PROBLEM_TEXT];
        qn_buf_format(&out, "# %s: %d problems; %d other steps\ncount %d\n",
                      QN_CLEAN(args->operands[0]), problems.n, n_other, problems.n);
        for (int i = 0; i < problems.n; i++)
            qn_buf_format(&out, "%s\n", qn_problem_text(text, &problems.p[i], true));
        code = qn_out_flush(&out);
    } else {
        code = qn_report(args->operands[0], &err);
    }
    qn_buf_done(&out);
    qn_bench_model_done(&m);
    return code;
}
