/* SPDX-License-Identifier: Apache-2.0 */
/* formats/store_import.h - data sets into the store: pictures that are files are kept
 * byte for byte, others as pixels, all in one pack; or the pictures stay where they are
 * and only their digests come in (by reference).
 *
 * An import that was cut short is taken up by the same call: what is there already is
 * compared with the source, byte for byte, and not decoded again. */
#ifndef QN_FORMATS_STORE_IMPORT_H
#define QN_FORMATS_STORE_IMPORT_H

#include "formats/dataset.h"
#include "formats/store.h"

typedef struct qn_import {
    const char *name; /* checked; NULL: from the path */
    const char *note, *licence;
    bool by_reference;
    quern_pool *pool; /* or NULL */
    /* Now and then, with the items done; not 0: stop, with QUERN_CANCELLED.  Or NULL.
     */
    int (*step)(void *ctx, int64_t done);
    void *ctx;
} qn_import;

typedef struct qn_imported {
    char id[QN_ID_MAX], name[QN_NAME_MAX + 1];
    int64_t n_items, n_resumed; /* taken; those of them that were there already */
    bool is_new;                /* false: the store had it */
} qn_imported;

/* The store is open with its folders.  Items that cannot be taken are noted in
 * set->rejects. */
quern_status qn_store_import_set(const qn_store *store, qn_dataset *set,
                                 const qn_import *plan, qn_imported *out,
                                 quern_error *err);

/* A model's file, or a folder with a run.  from: IDs it was made of. */
typedef struct qn_keeping {
    qn_kind kind;
    const char *path, *name, *note; /* name: checked, or NULL; note: or NULL */
    const char **derived_from, **classes;
    int n_derived, n_classes;
} qn_keeping;
quern_status qn_store_import_files(const qn_store *store, const qn_keeping *what,
                                   qn_imported *out, quern_error *err);

/* The ID that name and digest make. */
void qn_store_make_id(const char *name, const char *hex, char out[QN_ID_MAX]);

#endif
