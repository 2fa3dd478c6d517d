/* SPDX-License-Identifier: Apache-2.0 */
/* formats/store_purge.h - one person's pictures out of the store, with what shows them;
 * and the store as a whole out of the way.
 *
 * ROOT/ledger.jsonl says when that was done and how much went: a subject stands in it
 * as a digest with a key of the store's own (ledger.key), so that who has the ledger
 * alone cannot try names. */
#ifndef QN_FORMATS_STORE_PURGE_H
#define QN_FORMATS_STORE_PURGE_H

#include "formats/store.h"

typedef struct qn_purge {
    const char *text;  /* of the subject or group */
    bool is_group;     /* only groups; else also columns such as patient_id */
    bool with_derived; /* runs and models that were made of it go, too */
    bool is_dry;       /* only counts */
} qn_purge;

typedef struct qn_purged {
    int64_t n_items; /* that went, or would */
    int n_sets;      /* that they were in */
    int n_files; /* of runs that may have shown them: reports, predictions, pictures */
    const qn_object **derived; /* runs and models made of those sets */
    int n_derived;
} qn_purged;

quern_status qn_store_purge(const qn_store *store, const qn_purge *what,
                            qn_arena *arena, qn_purged *out, quern_error *err);

/* Everything that the store has put there; *n_left: names that it has not. */
quern_status qn_store_wipe(const qn_store *store, int *n_left, quern_error *err);

#endif
