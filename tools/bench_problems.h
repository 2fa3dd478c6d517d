/* SPDX-License-Identifier: Apache-2.0 */
/* tools/bench_problems.h - problems from a command line, and from -f FILE. */
#ifndef QN_TOOLS_BENCH_PROBLEMS_H
#define QN_TOOLS_BENCH_PROBLEMS_H

#include "bench/problem.h"
#include "bench/worker_case.h"
#include "tools/options.h"

/* Problems are the operands, or the arguments of a list option.  Exit code: 0, 1 for a
 * file that cannot be read, 2 after a mistake in a problem, told on stderr with its
 * place and the grammar. */
int qn_bench_problems(const qn_args *args, const char *from_option, qn_problems *out);

#endif
