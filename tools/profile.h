/* SPDX-License-Identifier: Apache-2.0 */
/* tools/profile.h - the time of every node of a run, collected by a callback. */
#ifndef QN_TOOLS_PROFILE_H
#define QN_TOOLS_PROFILE_H

#include "engine/mem.h"

#include <stdio.h>

typedef struct qn_profile_row {
    const char *node, *op;
    double seconds;
} qn_profile_row;

/* Rows of the last run in the order of execution. */
typedef struct qn_profile {
    qn_arena arena;
    qn_profile_row *rows;
    size_t n, room;
    bool is_full; /* memory ran out: rows are missing */
} qn_profile;

void qn_profile_init(qn_profile *profile, qn_mem *mem);
void qn_profile_done(qn_profile *profile);
void qn_profile_restart(qn_profile *profile); /* forgets the rows: another run begins */
/* A quern_profile_fn; ctx is the profile. */
void qn_profile_add(void *ctx, const char *node, const char *op, double seconds);
/* A line per operator type, the slowest first. */
void qn_profile_print(const qn_profile *profile, FILE *to);
/* JSON lines {"node","op","ms"}. */
quern_status qn_profile_save(const qn_profile *profile, const char *path,
                             quern_error *err);

#endif
