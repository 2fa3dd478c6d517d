/* SPDX-License-Identifier: Apache-2.0 */
/* formats/store.h - where data sets, models and runs are kept: plain folders under one
 * root, each with a manifest.json that lists its files and their digests.
 *
 *   ROOT/datasets/ID/{manifest.json, items.jsonl, files/pack.bin}
 *   ROOT/models/ID/{manifest.json, model.onnx}
 *   ROOT/runs/ID/{manifest.json, and the files of the run}
 *
 * An ID is a readable word and eight digits of a digest of the content.  An object is
 * built in .tmp-ID and renamed; it is changed by writing new files and then its
 * manifest anew, which alone says what belongs to it; it is removed by renaming it to
 * .trash-ID first.  So it is there whole or not at all, whenever a process ends.
 *
 * Whoever changes what is in place holds the lock of the root; whoever changes an
 * object that others may be opening holds that object's, too.  The order is root first.
 */
#ifndef QN_FORMATS_STORE_H
#define QN_FORMATS_STORE_H

#include "engine/os_disk.h"
#include "formats/buffer.h"

typedef enum qn_kind { QN_DATASETS, QN_MODELS, QN_RUNS, QN_N_KINDS } qn_kind;

typedef struct qn_store {
    qn_mem *mem;
    qn_disk disk;
    char root[QN_PATH_MAX];
    bool is_there; /* the root exists */
} qn_store;

#define QN_ID_MAX   64  /* bytes, the zero included */
#define QN_NAME_MAX 128 /* bytes of a name that people give */

/* A file of an object. */
typedef struct qn_stored_file {
    const char *path; /* relative to the object's folder */
    size_t bytes;
    char sha256[65];
} qn_stored_file;

/* What a manifest says.  Texts are NULL where it is silent. */
typedef struct qn_object {
    qn_kind kind;
    const char *id, *name, *note, *licence, *created;
    const char *source, *source_format; /* where it came from */
    qn_stored_file *files;
    int n_files;
    const char **derived_from; /* IDs of what it was made of */
    int n_derived;
    const char **classes;
    int n_classes;
    /* Data sets: */
    bool is_reference; /* the pictures stay where they came from */
    const char *items; /* which of the files holds the table */
    const char *pack;  /* and which the pictures; NULL for a reference */
    int64_t n_items, n_rejects, in_split[4];
    int generation; /* times that the files were written anew */
} qn_object;

/* "data set", "model", "run"; and the folder: "datasets", ... */
const char *qn_kind_word(qn_kind kind);
const char *qn_kind_folder(qn_kind kind);

/* ---- the place ------------------------------------------------------------------- */

/* With make, the folders are made where they lack.  Fails when the root or a folder in
 * it is not this user's alone. */
quern_status qn_store_open(qn_store *store, qn_mem *mem, const char *root, bool make,
                           quern_error *err);
/* ROOT/KIND/prefix ID; prefix is "", ".tmp-" or ".trash-".  Both empty: the kind's
 * folder. */
quern_status qn_store_path(const qn_store *store, qn_kind kind, const char *prefix,
                           const char *id, char out[QN_PATH_MAX], quern_error *err);

/* ---- names ----------------------------------------------------------------------- */

/* Lower-case letters, digits and single dashes; what else there is becomes a dash. */
void qn_store_slug(const char *name, char out[QN_ID_MAX - 16]);
/* Whether text is an ID: then it is safe as the name of a folder. */
bool qn_store_is_id(const char *text);
/* A name is UTF-8 of 1 to QN_NAME_MAX bytes without control characters and slashes, and
 * begins with neither dash nor dot. */
quern_status qn_store_check_name(const char *name, quern_error *err);
/* The last part of a path without its ending, as a name. */
void qn_store_name_of(const char *path, char out[QN_NAME_MAX + 1]);

/* ---- objects --------------------------------------------------------------------- */

/* All of a kind, in the order of their IDs, in the arena.  Folders whose manifest does
 * not read are left out: qn_store_check tells them. */
quern_status qn_store_list(const qn_store *store, qn_kind kind, qn_arena *arena,
                           qn_object **out, int *n, quern_error *err);
/* The object of that ID or name; QUERN_IO when there is none. */
quern_status qn_store_find(const qn_store *store, qn_kind kind, const char *text,
                           qn_arena *arena, qn_object *out, quern_error *err);
/* Fails when another object of the kind has the name; id: of the one that may. */
quern_status qn_store_check_free(const qn_store *store, qn_kind kind, const char *name,
                                 const char *id, quern_error *err);
/* Puts a finished .tmp-FROM in place as object->id, unless that is there already:
 * *is_new.  Takes the lock of the root. */
quern_status qn_store_commit(const qn_store *store, const qn_object *object,
                             const char *from, bool *is_new, quern_error *err);
/* Removes it, or goes on with a removal that was cut short. */
quern_status qn_store_remove(const qn_store *store, qn_kind kind, const char *text,
                             quern_error *err);
/* Changes what its manifest says of it; keys are name, note and licence, an empty value
 * takes a note or licence away. */
quern_status qn_store_set(const qn_store *store, qn_kind kind, const char *text,
                          const char *key, const char *value, quern_error *err);

/* ---- manifests ------------------------------------------------------------------- */

/* folder/manifest.json, every name and number of it checked. */
quern_status qn_manifest_read(qn_arena *arena, const char *folder, qn_object *out,
                              quern_error *err);
/* Writes it over the one before: what it lists must be on the disk. */
quern_status qn_manifest_write(const qn_store *store, const char *folder,
                               const qn_object *object, quern_error *err);
/* Whether path is relative and neither empty nor leads up anywhere. */
bool qn_path_is_clean(const char *path);
void qn_date_text(int64_t seconds, char out[24]); /* "2026-01-31T12:00:00Z" */

#endif
