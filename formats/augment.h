/* SPDX-License-Identifier: Apache-2.0 */
/* formats/augment.h - the same picture, but different: flips, shifts, warps, colours,
 * noise, drawn anew each epoch.
 *
 * A list is a text: a preset (none, light, standard, strong) or operations with their
 * amounts, "flip=0.5,shift=2,erase=0.25", or both.  Operations are rows of one table
 * (augment.c) and are applied in the table's order, whatever the order of the text.
 * What is drawn depends on (seed, operation, epoch, item) only. */
#ifndef QN_FORMATS_AUGMENT_H
#define QN_FORMATS_AUGMENT_H

#include "formats/image.h"

typedef struct qn_augment_op qn_augment_op;

typedef struct qn_augment_step {
    const qn_augment_op *op;
    double a, b; /* its amounts */
} qn_augment_step;

#define QN_AUGMENT_MAX 24

typedef struct qn_augment {
    int n; /* 0: pictures stay as they are */
    qn_augment_step step[QN_AUGMENT_MAX];
} qn_augment;

/* An unknown name is an error that tells the nearest one.  NULL means none. */
quern_status qn_augment_parse(const char *text, qn_augment *out, quern_error *err);

typedef struct qn_augment_key {
    uint64_t seed;
    int64_t epoch, item; /* below 2^24 and 2^40, to be all different */
} qn_augment_key;

/* Changes the picture in place; spare is of its size. */
void qn_augment_apply(const qn_augment *list, const qn_augment_key *key,
                      qn_image *image, uint8_t *spare);

/* Row i of the table: its name, what it does ("P: mirrored in a share P of epochs");
 * false past the end. */
bool qn_augment_row(int i, const char **name, const char **about);
/* The i-th preset and the list it stands for; false past the end. */
bool qn_augment_preset(int i, const char **name, const char **list);

#endif
