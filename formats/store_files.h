/* SPDX-License-Identifier: Apache-2.0 */
/* formats/store_files.h - the files of the store as files: lists of trees, copies with
 * digests, what does not belong, and changes to the table of a data set. */
#ifndef QN_FORMATS_STORE_FILES_H
#define QN_FORMATS_STORE_FILES_H

#include "formats/store.h"
#include "formats/store_items.h"

typedef struct qn_tree_file {
    const char *path; /* relative to where the walk began */
    qn_path_kind kind;
    size_t bytes; /* of a regular file */
} qn_tree_file;

/* All below a folder that is no folder itself, sorted by path, in the arena. */
quern_status qn_tree_list(qn_arena *arena, const char *folder, qn_tree_file **out,
                          int *n, quern_error *err);

/* A file's digest and size. */
quern_status qn_file_digest(const char *folder, const char *path, qn_stored_file *out,
                            quern_error *err);
/* A new file with the bytes of another; their digest and number. */
quern_status qn_file_copy(const qn_store *store, const char *from, const char *to,
                          unsigned mode, qn_stored_file *out, quern_error *err);

/* Whether path is manifest.json or one of the object's files. */
bool qn_object_lists(const qn_object *object, const char *path);
/* Removes the files in an object's folder that its manifest does not list; *n counts
 * them.  Whoever calls holds the object's lock. */
quern_status qn_store_sweep(const qn_store *store, const qn_object *object, int *n,
                            quern_error *err);

/* ---- changing a table ------------------------------------------------------------ */

typedef enum qn_item_fate { QN_ITEM_STAYS, QN_ITEM_CHANGED, QN_ITEM_GOES } qn_item_fate;

typedef struct qn_rewriting {
    /* What becomes of an item; may change it.  Is asked twice for each. */
    qn_item_fate (*judge)(void *ctx, qn_stored_item *item);
    void *ctx;
    bool is_dry;        /* only counts */
    bool drops_rejects; /* the list of what was refused goes, too */
    int64_t n_changed, n_gone;
} qn_rewriting;

/* Puts every item of a data set before a judge and writes table and pack anew where
 * that changes anything; a set that loses all its items is removed.  *object follows.
 * Whoever calls holds the lock of the root. */
quern_status qn_store_rewrite(const qn_store *store, qn_object *object,
                              qn_rewriting *how, qn_arena *arena, quern_error *err);
/* Writes a data set anew with those of its items whose lines and pictures are whole;
 * fails when there is none.  *object follows.  The lock of the root is held. */
quern_status qn_store_salvage(const qn_store *store, qn_object *object, qn_arena *arena,
                              quern_error *err);
/* As qn_store_remove, by one who holds the lock of the root. */
quern_status qn_store_remove_locked(const qn_store *store, qn_kind kind,
                                    const char *text, qn_arena *arena,
                                    quern_error *err);

#endif
