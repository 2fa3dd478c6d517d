/* SPDX-License-Identifier: Apache-2.0 */
/* tools/bench_problems.c - see bench_problems.h. */
#include "tools/bench_problems.h"

#include "bench/sweep.h"
#include "tools/out.h"

#include <stdio.h>
#include <string.h>

static int mistake(const char *where, const quern_error *err, qn_mem *mem)
{
    qn_buf help;
    qn_report(where, err);
    fputc('\n', stderr);
    qn_buf_init(&help, mem);
    qn_problem_help(&help);
    fputs(help.p ? help.p : "", stderr);
    qn_buf_done(&help);
    return 2;
}

int qn_bench_problems(const qn_args *args, const char *from_option, qn_problems *out)
{
    quern_error err;
    const int n_texts =
        from_option ? qn_arg_count(args, from_option) : args->n_operands;
    for (int i = 0; i < n_texts; i++) {
        const char *text =
            from_option ? qn_arg_nth(args, from_option, i) : args->operands[i];
        if (qn_problem_parse(out, text, strlen(text), 1, &err) != QUERN_OK)
            return mistake(text, &err, out->arena->mem);
    }
    for (int i = 0; i < qn_arg_count(args, "file"); i++) {
        const char *path = qn_arg_nth(args, "file", i);
        if (qn_sweep_load(out, path, &err) != QUERN_OK)
            return err.status == QUERN_INVALID ? mistake(NULL, &err, out->arena->mem)
                                               : qn_report(NULL, &err);
    }
    if (out->n == 0) {
        qn_usage(args, "needs a problem, or -f FILE with some");
        snprintf(err.text, sizeof err.text, "the grammar of problems");
        return mistake("bench", &err, out->arena->mem);
    }
    return 0;
}
