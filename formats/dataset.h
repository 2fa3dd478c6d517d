/* SPDX-License-Identifier: Apache-2.0 */
/* formats/dataset.h - labelled pictures, wherever they come from.
 *
 * A data set is a table: item i has a name, a label, a split, perhaps a group (patient,
 * site) and other columns of metadata, and pixels that are read when asked for.
 * Opening reads the table and no pixels, unless the format keeps all pictures in one
 * array.  A format is one file (formats/dataset_<name>.c) and one row of datasets.def;
 * nothing of the user's is ever written. */
#ifndef QN_FORMATS_DATASET_H
#define QN_FORMATS_DATASET_H

#include "formats/image.h"
#include "formats/sketch.h"

typedef enum qn_split {
    QN_SPLIT_NONE, /* the source does not say */
    QN_SPLIT_TRAIN,
    QN_SPLIT_VAL,
    QN_SPLIT_TEST
} qn_split;

typedef struct qn_dataset qn_dataset;

typedef struct qn_dataset_format {
    const char *name, *about; /* "idx", "IDX files of MNIST and its kin" */
    /* Whether path (a file or folder) looks like this format: looks, opens little. */
    bool (*is)(const char *path);
    /* Fills the table. */
    quern_status (*open)(qn_dataset *set, const char *path, quern_error *err);
    /* Pixels of item i, in the arena.  Safe from several threads at once with an arena
     * for each.  NULL when set->array holds all pixels. */
    quern_status (*read)(const qn_dataset *set, int64_t i, qn_arena *arena,
                         qn_image *out, quern_error *err);
    /* The file of item i (a PNG, a JPEG) as its source holds it, in the arena; threads
     * as for read.  NULL when the source holds pixels. */
    quern_status (*packed)(const qn_dataset *set, int64_t i, qn_arena *arena,
                           const void **bytes, size_t *n, quern_error *err);
    void (*close)(qn_dataset *set); /* what state owns besides the arena; may be NULL */
} qn_dataset_format;

/* A row without its line in datasets.def draws a warning from clang. */
#define QN_DATASET(name) extern const qn_dataset_format qn_dataset_##name;
#include "formats/datasets.def"
#undef QN_DATASET

/* An item that could not be taken, and why; the rest of the set is usable. */
typedef struct qn_reject {
    const char *item, *reason;
} qn_reject;

/* A further column of a manifest: one text per item. */
typedef struct qn_column {
    const char *name;
    const char **text; /* [n]; entries NULL where the manifest has none */
} qn_column;

/* Items first .. first+n-1, of one split of the source. */
typedef struct qn_part {
    int64_t first, n;
} qn_part;

/* How a set is opened; zeroed, everything is as by default. */
typedef struct qn_dataset_options {
    const char *format; /* NULL: whichever row says that the path is its own */
    const char
        *scratch; /* folder for what an archive unpacks to; NULL: of the system */
    /* What an archive may unpack to: files, bytes, bytes to one of its own. */
    int64_t entries;
    uint64_t unpacked;
    double ratio;
    quern_cancel_fn *cancel; /* asked while it unpacks; NULL: nobody */
    void *ctx;
    bool is_selected;          /* a list of items named the path */
    bool is_unpacked;          /* the path is what an archive unpacked to */
    bool may_lack;             /* where no picture is there at all, the table will do */
    const qn_decoder *decoder; /* of its pictures; NULL: this process */
} qn_dataset_options;

struct qn_dataset {
    const qn_dataset_format *format;
    const qn_dataset_options *options; /* while it is opened */
    const qn_decoder *decoder;         /* of its pictures, as options say */
    const char *path;                  /* as given */
    qn_arena arena;                    /* the table and all its texts */
    int64_t n, room;   /* items; for how many there is room while the table is filled */
    const char **name; /* [n]: path relative to the set, or NULL: qn_item_name */
    int32_t *label;    /* [n]: class, -1: not labelled */
    uint8_t *split;    /* [n]: qn_split */
    uint8_t *source_split; /* [n]: the same, as the source says it */
    int32_t *group; /* [n]: items that must stay in one split, -1: alone; or NULL */
    const char **groups; /* [n_groups]: their names */
    int n_groups;
    float *weight;        /* [n], or NULL: all 1 */
    const char **classes; /* [n_classes]: in the order that labels count */
    int n_classes;
    qn_column *columns;
    int n_columns;
    /* Of all pictures, where they are alike and known without reading; else 0. */
    int height, width, channels;
    bool is_listed; /* items stand as folders list them: their order says nothing */
    const uint8_t *array; /* [n][height][width][channels], or NULL */
    qn_part part[4];      /* by qn_split, as the source divides: where name is NULL */
    qn_reject *rejects;
    int n_rejects;
    int64_t n_missing; /* files that the source names and that are not there */
    bool is_table;     /* all of them: its items have no pictures here */
    void *state;       /* of the format */
};

/* "train", "val", "test"; "" for none. */
const char *qn_split_name(qn_split split);
/* The same for keys and tables: "undivided" for none. */
const char *qn_split_key(qn_split split);
/* The split that text names (train, training, val, valid, validation, dev, test,
 * testing; case ignored), or QN_SPLIT_NONE. */
qn_split qn_split_of(const char *text);

/* Recognises and opens.  *out is to be closed.  Errors name the file. */
quern_status qn_dataset_open_as(qn_mem *mem, const char *path,
                                const qn_dataset_options *options, qn_dataset **out,
                                quern_error *err);
/* The same with a format, or NULL, and else the defaults. */
quern_status qn_dataset_open(qn_mem *mem, const char *path, const char *format,
                             qn_dataset **out, quern_error *err);
void qn_dataset_close(qn_dataset *set); /* NULL is fine */
/* Pixels of item i as 8-bit gray or RGB, upright. */
quern_status qn_dataset_read(const qn_dataset *set, int64_t i, qn_arena *arena,
                             qn_image *out, quern_error *err);
/* The same for items[0] and some behind it, of n: quicker where somebody else decodes
 * (set->decoder).  each [n]: image, status and err of each; returns how many, at least
 * one, so that the pixels of all of them fit in a few megabytes. */
#define QN_READ_TOGETHER 32
int qn_dataset_read_some(const qn_dataset *set, const int64_t *items, int n,
                         qn_arena *arena, qn_encoded *each);
/* The file of item i, not decoded; *bytes is NULL where the source holds pixels. */
quern_status qn_dataset_packed(const qn_dataset *set, int64_t i, qn_arena *arena,
                               const void **bytes, size_t *n, quern_error *err);
/* Name of item i: its own, or "train/123" (counted within the split of the source). */
#define QN_ITEM_TEXT 64
const char *qn_item_name(const qn_dataset *set, int64_t i, char room[QN_ITEM_TEXT]);
/* i-th row, or NULL past the end. */
const qn_dataset_format *qn_dataset_format_at(int i);

/* How items are divided that the source does not divide. */
typedef struct qn_split_plan {
    double val, test; /* fractions in [0, 1) of what is to be divided; negative: default
                       * of the contract (val 0.05 of train where the source has a test
                       * split, else 0.15; test 0) */
    uint64_t seed;
    bool stratify;   /* each class in proportion */
    int folds, fold; /* folds >= 2: val is fold 0 .. folds-1 of the seed's, instead */
} qn_split_plan;

/* Gives every item a split, beginning from source_split.  Splits that the source names
 * stay, but what it calls train gives the splits that it lacks (and, with folds, is
 * divided anew together with val).  Groups stay whole.  Which split a name falls into
 * follows from seed, name and class: the order of items does not matter, and an item
 * that is added moves few others. */
quern_status qn_dataset_split(qn_dataset *set, const qn_split_plan *plan,
                              quern_error *err);

/* What reading one picture tells. */
typedef struct qn_look {
    int32_t size[3];   /* height, width, channels; upright */
    uint8_t turned;    /* EXIF orientation of its file, 1 to 8; 0: it has no file */
    uint64_t sum[3];   /* of the bytes of each channel */
    uint64_t power[3]; /* of their squares */
} qn_look;

/* What reading every picture tells. */
typedef struct qn_survey {
    uint8_t *is_good;      /* [n]: 0: it cannot be read, and is noted in set->rejects */
    uint8_t (*digest)[32]; /* [n]: SHA-256 of size and pixels */
    int64_t n_good;
    int least[3], most[3]; /* height, width, channels of those that can */
    qn_look *look;         /* [n] */
    qn_sketch *sketch;     /* [n]; NULL where the watch did not ask */
} qn_survey;
typedef struct qn_survey_watch {
    /* Now and then, with the pictures read so far; not 0: stop, with QUERN_CANCELLED.
     */
    int (*step)(void *ctx, int64_t done); /* may be NULL */
    void *ctx;
    quern_cancel_fn *cancel; /* asked more often, with NULL, by any thread; or NULL */
    bool is_quick; /* digests are 64 bits that tell pictures apart, but nobody swears */
    bool sketches; /* fill survey->sketch, and turned and the sums of looks */
} qn_survey_watch;
/* Reads them all, on the pool's threads (NULL: on this one).  Lists in arena; watch may
 * be NULL. */
quern_status qn_dataset_survey(qn_dataset *set, quern_pool *pool,
                               const qn_survey_watch *watch, qn_arena *arena,
                               qn_survey *out, quern_error *err);

/* Two items with the same pixels. */
typedef struct qn_twin {
    int64_t a, b; /* a < b */
} qn_twin;
/* Equal pictures of a survey: each that has one before it is paired with the first
 * such, with across_only the first in another split.  The list is sorted by b, in
 * arena. */
quern_status qn_dataset_twins(const qn_dataset *set, const qn_survey *survey,
                              bool across_only, qn_arena *arena, qn_twin **out,
                              int64_t *n_out, quern_error *err);
/* Pictures of a survey with sketches that are alike without being equal: each that is
 * like one before it, paired with the first such found, with across_only the first in
 * another split.  distance: of qn_sketch_distance, at most; difference hashes differ in
 * at most 3 bits.  Pictures of one brightness are like none.  *is_cut: so many have
 * like hashes that not all were compared. */
quern_status qn_dataset_near(const qn_dataset *set, const qn_survey *survey,
                             double distance, bool across_only, qn_arena *arena,
                             qn_twin **out, int64_t *n_out, bool *is_cut,
                             quern_error *err);

#endif
