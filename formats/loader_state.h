/* SPDX-License-Identifier: Apache-2.0 */
/* formats/loader_state.h - what the files of the loader share: loader.c sets it up,
 * loader_fill.c and loader_mix.c make one batch, loader_ahead.c makes them before they
 * are asked for.
 */
#ifndef QN_FORMATS_LOADER_STATE_H
#define QN_FORMATS_LOADER_STATE_H

#include "engine/pool.h"
#include "formats/augment.h"
#include "formats/loader.h"

#include <stdatomic.h>

/* Room for one batch.  A ticket is the number of a batch, counted through all epochs;
 * ticket t belongs into slot t % n_slots. */
typedef enum qn_slot_state { QN_SLOT_EMPTY, QN_SLOT_BUSY, QN_SLOT_READY } qn_slot_state;

typedef struct qn_loader_slot {
    qn_slot_state state;
    int64_t ticket;
    quern_status status; /* of making it */
    quern_error err;
    qn_mem mem; /* a thread counts its memory apart from the loader's owner */
    qn_arena scratch;
    int64_t n;
    uint8_t *pixels; /* [max_n][picture] */
    uint8_t *spare;  /* [picture], for augmenting */
    uint8_t *before; /* [max_n][picture]: what is mixed; NULL: mixing is off */
    float *target, *weight, *weight_before;
    int32_t *label;
    int64_t *item;
} qn_loader_slot;

/* How far a picture of the cache has come. */
enum { QN_PICTURE_ABSENT, QN_PICTURE_BUSY, QN_PICTURE_KEPT };

typedef struct qn_loader {
    qn_batches batches; /* first: it is what the trainer holds */
    qn_mem *mem;
    qn_arena arena;
    qn_loader_options o; /* its lists are NULL once they are used */
    qn_augment augment;
    size_t picture; /* bytes of one */
    bool varies;    /* from epoch to epoch */
    bool in_place;  /* pictures are read from the set's array */
    int64_t n;      /* pictures to choose from */
    int64_t *items; /* [n]: which of the set */
    float *weight;  /* [n] */
    /* Balanced sampling: places in items, class after class. */
    int64_t *by_class, *class_begin; /* [n], [n_filled + 1] */
    int n_filled;                    /* classes that have pictures */
    uint8_t *cache;                  /* [n][picture], or NULL */
    atomic_uchar *kept;              /* [n] */
    /* The slots, the threads that fill them, and what both look at inside monitor. */
    qn_monitor *monitor;
    qn_thread **threads;
    int n_started, n_slots;
    qn_loader_slot *slots;
    int64_t want; /* ticket that comes next, or is held */
    bool stop;
} qn_loader;

/* Makes the batch of slot->ticket. */
quern_status qn_loader_fill(qn_loader *l, qn_loader_slot *slot, quern_error *err);
/* Pixels of picture k of l->items, at the frame's size, before augmentation; valid as
 * long as scratch, or as the loader. */
quern_status qn_loader_picture(qn_loader *l, int64_t k, qn_arena *scratch,
                               const uint8_t **out, quern_error *err);

/* Changes the picture of a set's item as that epoch has it; spare is of its size. */
void qn_loader_augment(const qn_loader *l, int64_t item, int64_t epoch, uint8_t *pixels,
                       uint8_t *spare);
/* Mixes the pictures, targets and weights of a batch as the options say. */
void qn_loader_mix(const qn_loader *l, qn_loader_slot *slot, int64_t epoch);

quern_status qn_loader_start(qn_loader *l, quern_error *err);
void qn_loader_stop(qn_loader *l);
quern_status qn_loader_get(qn_batches *b, int64_t epoch, int64_t batch, qn_batch *out,
                           quern_error *err);

#endif
