/* SPDX-License-Identifier: Apache-2.0 */
/* formats/dataset_write.h - data sets written in another format.
 *
 * A format that is written is one file (formats/dataset_write_<name>.c) and one row of
 * dataset_writers.def.  Pictures pass one after the other: some dozens are read,
 * changed and packed at a time on the pool's threads, then handed over in order.  All
 * goes to a stage (engine/os_stage.h), so the target appears when it is whole. */
#ifndef QN_FORMATS_DATASET_WRITE_H
#define QN_FORMATS_DATASET_WRITE_H

#include "engine/os_stage.h"
#include "engine/pool.h"
#include "formats/buffer.h"
#include "formats/dataset.h"
#include "formats/fitting.h"
#include "formats/names.h"

/* ---- for those who convert ---- */

typedef struct qn_write_plan {
    const char *format; /* name of a row, or one of its other names */
    const char *target; /* file or folder that is not there yet */
    unsigned splits;    /* bits 1 << qn_split of those taken; 0: all */
    qn_frame frame;     /* height 0: sizes stay; channels 0: so do they */
    bool skip_bad;    /* leaves out items that cannot be taken, else they are errors */
    bool gzip;        /* of formats that know files with and without */
    uint64_t shard;   /* bytes after which a new shard begins; 0: one file a split */
    quern_pool *pool; /* NULL: on this thread */
    const qn_disk *disk; /* NULL: nobody watches */
    /* Now and then, with the items done so far; not 0: stop, with QUERN_CANCELLED. */
    int (*step)(void *ctx, int64_t done);
    void *ctx;
} qn_write_plan;

typedef struct qn_written {
    int64_t n, n_copied; /* items; those whose file was passed on as it was */
    int64_t in_split[4];
    uint64_t bytes; /* of pictures as they are stored */
    char sum[65];   /* qn_content_sum of the target, as its reader sees it */
    char lost[512]; /* "groups, 2 columns (age, site)", which the target cannot hold */
} qn_written;

/* Items to be taken: those of the plan's splits. */
int64_t qn_write_count(const qn_dataset *set, const qn_write_plan *plan);
/* What cannot be taken is noted in set->rejects.  QUERN_UNSUPPORTED when the format
 * cannot hold the set; then, as after every failure, nothing is there. */
quern_status qn_dataset_write(qn_dataset *set, const qn_write_plan *plan,
                              qn_written *out, quern_error *err);

/* ---- for those who write a format ---- */

/* An item on its way. */
typedef struct qn_piece {
    int64_t item; /* of the set */
    qn_split split;
    int32_t label;
    const char *path; /* "train/cat/1", different for all, safe, without an extension */
    qn_image image;
    const void *file; /* the picture as PNG or JPEG; NULL if the row wants pixels */
    size_t n_file;
    const char *end; /* of its name: ".png" */
} qn_piece;

typedef struct qn_writer qn_writer;

enum qn_carries { /* what a format keeps beside pictures, labels and splits */
                  QN_CARRIES_GROUPS = 1,
                  QN_CARRIES_WEIGHTS = 2,
                  QN_CARRIES_COLUMNS = 4,
                  QN_CARRIES_NAMES = 8 /* of items, more or less */
};

typedef struct qn_dataset_writer {
    const char *name, *other_names, *about; /* other names: "a,b", or NULL */
    bool has_files; /* pictures are PNG or JPEG files, else pixels */
    bool has_keys;  /* dots in the path's last part become '_' */
    unsigned carries;
    /* Looks whether the set can be held, opens what will be written. */
    quern_status (*begin)(qn_writer *w, quern_error *err);
    /* What may be done out of order, on several threads; may be NULL. */
    quern_status (*place)(const qn_writer *w, const qn_piece *piece, quern_error *err);
    /* One after the other, in order. */
    quern_status (*add)(qn_writer *w, const qn_piece *piece, quern_error *err);
    quern_status (*end)(qn_writer *w, quern_error *err);
    void (*done)(qn_writer *w); /* closes what is open, after end or a failure */
} qn_dataset_writer;

struct qn_writer {
    const qn_dataset_writer *row;
    const qn_dataset *set;
    const qn_write_plan *plan;
    qn_mem *mem;
    qn_arena *arena;    /* lasts until done */
    const char *folder; /* the stage's */
    const char
        *result; /* the file in the folder that is the target; NULL: the folder */
    const char **class_parts; /* [n_classes]: their names as parts of paths */
    bool has_split[4];        /* among the items that are taken */
    uint8_t *class_splits;    /* [n_classes]: a bit for each split it has items in */
    int64_t n;                /* items to be taken, at most */
    qn_split as_split[4];     /* what the splits become; a row's begin may change it */
    char lost[512];
    void *state;
};

/* A row without its line in dataset_writers.def draws a warning from clang. */
#define QN_DATASET_WRITER(name) extern const qn_dataset_writer qn_dataset_write_##name;
#include "formats/dataset_writers.def"
#undef QN_DATASET_WRITER

/* Row i, or NULL past the end; the row of that name, or NULL. */
const qn_dataset_writer *qn_dataset_writer_at(int i);
const qn_dataset_writer *qn_dataset_writer_find(const char *name);

/* Adds to what is told as lost. */
void qn_writer_loses(qn_writer *w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* "folder/name" of the stage. */
quern_status qn_writer_path(const qn_writer *w, const char *name, char out[QN_PATH_MAX],
                            quern_error *err);
quern_status qn_writer_open(const qn_writer *w, const char *name, qn_out_file *out,
                            quern_error *err);
/* A whole small file. */
quern_status qn_writer_put(const qn_writer *w, const char *name, const void *p,
                           size_t n, quern_error *err);
/* The names of the classes, a line each, or as JSON where lines cannot hold them. */
quern_status qn_writer_put_classes(const qn_writer *w, const char *name,
                                   quern_error *err);
/* The target is a file: its name becomes the result's. */
quern_status qn_writer_is_file(qn_writer *w, quern_error *err);
/* Whether classes are called 0, 1, 2, ... */
bool qn_writer_is_numbered(const qn_writer *w);
/* Appends ,"key":value for group, weight and further columns that an item has. */
void qn_writer_put_pairs(const qn_writer *w, int64_t item, qn_buf *out);
/* place of formats whose pictures are files "images/train/cat/1.png". */
quern_status qn_writer_place_file(const qn_writer *w, const char *above,
                                  const qn_piece *piece, quern_error *err);

/* Text as one part of a path: what file systems, terminals or tools choke on becomes
 * %XX, and so does a % before two hexadecimal digits, so that texts stay different. */
quern_status qn_path_part(qn_arena *arena, const char *text, size_t n, const char **out,
                          quern_error *err);

#endif
