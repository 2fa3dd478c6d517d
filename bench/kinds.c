/* SPDX-License-Identifier: Apache-2.0 */
/* bench/kinds.c - the list of problem kinds. */
#include "bench/kinds.h"

const qn_problem_kind *const qn_problem_kinds[] = {
#define QN_PROBLEM_KIND(name) &qn_kind_##name,
#include "bench/kinds.def"
#undef QN_PROBLEM_KIND
    NULL};
