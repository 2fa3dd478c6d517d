/* SPDX-License-Identifier: Apache-2.0 */
/* bench/sweep.h - files of problems (.qbs), a problem a line.
 *
 *     # what follows is no part of the line
 *     count 12                how many problem lines there must be: a cut file is seen
 *     set n8,act=relu         fields of the problems below that do not say else
 *     include other.qbs       the problems of a file in the same folder or below it
 *
 * A set holds to the end of its file and in the files included below it. */
#ifndef QN_BENCH_SWEEP_H
#define QN_BENCH_SWEEP_H

#include "bench/problem.h"

/* Adds the problems of a text that includes nothing.  Errors begin "line L, column C:
 * ".
 */
quern_status qn_sweep_parse(qn_problems *list, const char *text, size_t n,
                            quern_error *err);
/* Adds those of a file; errors name it, and the file that included it. */
quern_status qn_sweep_load(qn_problems *list, const char *path, quern_error *err);

#endif
