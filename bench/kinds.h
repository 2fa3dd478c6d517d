/* SPDX-License-Identifier: Apache-2.0 */
/* bench/kinds.h - every kind of problem that kinds.def lists. */
#ifndef QN_BENCH_KINDS_H
#define QN_BENCH_KINDS_H

#include "bench/problem.h"

#define QN_PROBLEM_KIND(name) extern const qn_problem_kind qn_kind_##name;
#include "bench/kinds.def"
#undef QN_PROBLEM_KIND

#endif
