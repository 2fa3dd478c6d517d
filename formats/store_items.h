/* SPDX-License-Identifier: Apache-2.0 */
/* formats/store_items.h - the table of a stored data set: one line of JSON per item,
 * whose last member is a checksum of what stands before it, so that a line that was cut
 * or changed is seen.
 *
 *   {"schema":1,"name":"train/0","label":9,"split":"train","group":"p7","weight":0.5,
 *    "from":0,"at":0,"bytes":784,"sha256":"...","pixels":[28,28,1],"meta":{"age":"31"},
 *    "crc":"89abcdef"}
 *
 * "at" and "bytes" say where in the pack the picture is: a file of its own, or with
 * "pixels" (height, width, channels) the bytes of its pixels.  "from" is the item's
 * number in the source. */
#ifndef QN_FORMATS_STORE_ITEMS_H
#define QN_FORMATS_STORE_ITEMS_H

#include "formats/buffer.h"
#include "formats/dataset.h"

enum { QN_ITEM_MAX_META = 64 }; /* further columns that are kept */

typedef struct qn_stored_item {
    const char *name, *group; /* group: or NULL */
    int32_t label;            /* -1: not labelled */
    qn_split split;
    double weight; /* 1 is not written */
    int64_t from, at, bytes;
    char sha256[65];
    int pixels[3]; /* height, width, channels, or zeros: a file */
    int n_meta;
    const char *const *meta[2]; /* [n_meta] names; and texts, perhaps NULL */
} qn_stored_item;

/* Appends the line with its newline. */
void qn_item_write(qn_buf *out, const qn_stored_item *item);
/* Reads the line that begins at *p and steps behind it.  Fails when it ends before its
 * newline, or its checksum or a member is wrong.  Texts go to the arena. */
quern_status qn_item_read(qn_arena *arena, const char **p, const char *end,
                          qn_stored_item *out, quern_error *err);

#endif
