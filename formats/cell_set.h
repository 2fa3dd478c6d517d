/* SPDX-License-Identifier: Apache-2.0 */
/* formats/cell_set.h - pictures of cells with their labels, as a network of Cellpose's
 * kind learns from them: two planes of numbers, percentiles, the typical diameter.
 *
 * A folder holds pairs: picture x and labels x_masks (also x_cp_masks, x_labels) beside
 * it, or in the folders images and masks (or labels) under the same name. */
#ifndef QN_FORMATS_CELL_SET_H
#define QN_FORMATS_CELL_SET_H

#include "formats/image.h"
#include "engine/cells/synth.h"

enum { QN_CELL_PLANES = 2, QN_CELLS_FEWEST = 5 };

typedef enum qn_cell_part { QN_CELLS_TRAIN, QN_CELLS_VAL, QN_CELLS_TEST } qn_cell_part;

typedef struct qn_cell_item {
    const char *name;
    int64_t height, width;
    uint16_t *plane[QN_CELL_PLANES]; /* [height][width]; NULL: nothing in it */
    double low[QN_CELL_PLANES], high[QN_CELL_PLANES]; /* percentiles 1 and 99 */
    uint16_t *labels;                                 /* [height][width]: 0, 1 .. n */
    uint32_t n;
    double diameter;   /* median of its cells, pixels, at least 5 */
    uint64_t look;     /* bits that like pictures share */
    const char *group; /* name of the first of the pictures that look like it */
    qn_cell_part part;
    bool is_synthetic;
} qn_cell_item;

typedef struct qn_cell_reject {
    const char *name, *reason;
    bool is_bad; /* else it only has too few cells */
} qn_cell_reject;

typedef struct qn_cell_set {
    qn_mem *mem;
    qn_arena *arena;
    qn_cell_item *items;
    int64_t n, room;
    qn_cell_reject *rejects;
    int64_t n_rejects, reject_room;
    int chan,
        chan2; /* of colour pictures: 0 the mean (chan) or nothing (chan2), 1 red .. */
    const qn_decoder *decoder; /* of the pictures; NULL: this process */
} qn_cell_set;

/* Called for each picture; not 0: stop. */
typedef int qn_cell_step_fn(void *ctx, int64_t done, int64_t total);

void qn_cell_set_init(qn_cell_set *set, qn_mem *mem, qn_arena *arena);
/* Pairs that cannot be taken become rejects. */
quern_status qn_cell_set_folder(qn_cell_set *set, const char *path,
                                qn_cell_step_fn *step, void *ctx, quern_error *err);
/* Procedural pictures 0 .. n-1 of a seed. */
quern_status qn_cell_set_synth(qn_cell_set *set, const qn_synth_options *opt, int64_t n,
                               qn_cell_step_fn *step, void *ctx, quern_error *err);
/* Each group of like pictures goes to one part, by its name and the seed: a share of
 * about test, about val, and the rest to train by.  Procedural pictures all train, and
 * a share of val of them validates. */
quern_status qn_cell_set_divide(qn_cell_set *set, uint64_t seed, double val,
                                double test, quern_error *err);

#endif
