/* SPDX-License-Identifier: Apache-2.0 */
/* formats/loader.h - batches of a data set for the trainer (engine/batches.h): which
 * pictures, in which order, at which size, with what weight.
 *
 * Threads of the loader prepare the next few batches while the trainer works on one.
 * Every choice is drawn by (seed, epoch, place or item), never from a state that runs
 * on, so a batch has the same bytes whoever asks for it and whenever. */
#ifndef QN_FORMATS_LOADER_H
#define QN_FORMATS_LOADER_H

#include "engine/batches.h"
#include "formats/dataset.h"
#include "formats/fitting.h"

typedef enum qn_sampler {
    QN_SAMPLE_UNIFORM,  /* every picture once an epoch */
    QN_SAMPLE_BALANCED, /* every class equally often; pictures of a small one repeat */
} qn_sampler;

typedef enum qn_class_weights {
    QN_WEIGHT_NONE,
    QN_WEIGHT_BALANCED, /* n / (classes * n of the class) */
    QN_WEIGHT_GIVEN,    /* class_weight[] */
} qn_class_weights;

typedef enum qn_cache {
    QN_CACHE_AUTO, /* when it fits cache_bytes */
    QN_CACHE_OFF,  /* pictures are decoded whenever they are needed */
    QN_CACHE_ON,   /* pictures are decoded once, and kept at the frame's size */
} qn_cache;

typedef struct qn_loader_options {
    const qn_dataset *set; /* outlives the loader */
    qn_split split;        /* QN_SPLIT_NONE: all items */
    const int64_t *items;  /* [n_items]: these items of the set instead of a split; */
    int64_t n_items;       /* they are copied */
    int64_t subset;        /* this many, chosen by seed; 0: all */
    bool keep_unlabelled;  /* items without a label come too, with weight 0 */
    qn_frame frame;        /* height, width and channels must be said */
    int64_t batch;
    bool shuffle;   /* else in the set's order */
    bool drop_last; /* no batch smaller than the others, unless it is the only one */
    uint64_t seed;
    qn_sampler sampler;
    qn_class_weights weights;
    const float *class_weight; /* [classes of the set]; copied */
    const char *augment;       /* list as in augment.h; NULL: none */
    double mixup, cutmix;   /* alpha of the Beta distribution; 0: not done; with both,
                             * chance picks one for each batch */
    int64_t n_epochs;       /* nothing is prepared ahead past these; 0: unknown */
    int64_t mix_off_epochs; /* the last so many of n_epochs do without mixing */
    int n_threads;          /* that prepare ahead; 0: get does it itself */
    qn_cache cache;
    size_t cache_bytes; /* of QN_CACHE_AUTO; 0: a quarter of the machine's memory */
} qn_loader_options;

/* A set whose pictures lie in one array of the frame's size is used in place.  *out is
 * ended by its own free. */
quern_status qn_loader_create(qn_mem *mem, const qn_loader_options *options,
                              qn_batches **out, quern_error *err);
/* A contact sheet of what such a loader would deliver: a row for each of a few items,
 * first the picture as it is (framed), then as it is in epochs 0, 1, ..; without
 * mixing. The sheet is in the arena. */
quern_status qn_loader_sheet(qn_mem *mem, const qn_loader_options *options, int rows,
                             int epochs, qn_arena *arena, qn_image *out,
                             quern_error *err);

#endif
