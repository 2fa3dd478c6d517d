/* SPDX-License-Identifier: Apache-2.0 */
/* engine/batches.h - where a trainer's batches come from: the interface, implemented
 * one room up (formats/loader.h).
 *
 * Access is random: batch b of epoch e is a function of (seed, e, b) alone, however
 * many threads prepare it and whatever was asked for before.  So resuming is asking for
 * another number. */
#ifndef QN_ENGINE_BATCHES_H
#define QN_ENGINE_BATCHES_H

#include "engine/mem.h"

typedef struct qn_batch {
    int64_t n;             /* pictures; the last batch of an epoch may be smaller */
    const uint8_t *pixels; /* [n][height][width][channels] */
    const float
        *target; /* [n][classes], or as the output of the network is: one-hot, or mixed
                  * by mixup and cutmix; label smoothing is the loss's business */
    const float *weight;  /* [n]: of the sample in the loss (class and item weights) */
    const int32_t *label; /* [n]: of the picture itself; -1: none */
    const int64_t *item;  /* [n]: index in the data set */
} qn_batch;

typedef struct qn_batches qn_batches;

struct qn_batches {
    int64_t per_epoch; /* batches in an epoch */
    int64_t n_items;   /* pictures in an epoch */
    int64_t max_n;     /* the largest n of a batch */
    int height, width, channels, n_classes;
    /* Valid until the next call; asking in order is fastest, as the next few are being
     * prepared meanwhile.  Fails with QUERN_IO or QUERN_FORMAT if a picture cannot be
     * read any more. */
    quern_status (*get)(qn_batches *b, int64_t epoch, int64_t batch, qn_batch *out,
                        quern_error *err);
    double waited; /* seconds that get had to wait in all */
    void (*free)(qn_batches *b);
};

#endif
