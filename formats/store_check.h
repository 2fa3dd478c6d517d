/* SPDX-License-Identifier: Apache-2.0 */
/* formats/store_check.h - whether all that the store lists is there as it was written,
 * what a process that ended early has left, and how to make both right again. */
#ifndef QN_FORMATS_STORE_CHECK_H
#define QN_FORMATS_STORE_CHECK_H

#include "formats/store.h"

typedef enum qn_fault_kind {
    QN_FAULT_UNFINISHED, /* an import that was cut short; the same command goes on */
    QN_FAULT_TRASH,      /* a removal that was */
    QN_FAULT_EXTRA,      /* a file that no manifest lists: a change that was */
    QN_FAULT_DAMAGE,     /* a file of an object that is gone or not as it was written */
    QN_FAULT_STRANGE     /* what the store has not put there */
} qn_fault_kind;

typedef struct qn_fault {
    qn_fault_kind kind;
    const char *path; /* relative to the root */
    const char *what;
    bool is_repaired;
} qn_fault;

typedef struct qn_findings {
    qn_fault *faults;
    int n, room;
    int n_objects[QN_N_KINDS];
    int n_damaged; /* faults of damage that are left */
    uint64_t bytes[QN_N_KINDS];
    int64_t n_lost; /* items whose pictures could not be saved */
} qn_findings;

/* Reads everything.  With repair: leftovers go, unless a process is at work on them; a
 * data set with damage keeps the items whose lines and pictures are whole. */
quern_status qn_store_check(const qn_store *store, bool repair, qn_arena *arena,
                            qn_findings *out, quern_error *err);

/* Removes what is left of changes that were cut short, without reading what is whole.
 * The lock of the root is held. */
quern_status qn_store_tidy(const qn_store *store, quern_error *err);

#endif
