/* SPDX-License-Identifier: Apache-2.0 */
/* formats/dataset_arrays.h - pictures of one size and their labels, by split, on their
 * way into arrays: pixels go to a file a split, behind a header whose count is put in
 * at the end; labels wait in memory. */
#ifndef QN_FORMATS_DATASET_ARRAYS_H
#define QN_FORMATS_DATASET_ARRAYS_H

#include "formats/dataset_write.h"

typedef struct qn_arrays qn_arrays;

struct qn_arrays {
    int height, width, channels; /* 0 before the first picture */
    struct {
        qn_out_file pixels;
        qn_buf labels; /* a byte each, or four (big-endian) of more than 256 classes */
        int64_t n;
    } part[4];
    /* Name of a split's file of pixels; the header in front of n pictures, which is as
     * long for any n. */
    const char *const *names;
    quern_status (*head)(qn_buf *out, const qn_arrays *arrays, int64_t n,
                         quern_error *err);
};

/* Into w->state, zeroed but for names and head. */
quern_status qn_arrays_begin(qn_writer *w, const char *const names[4],
                             quern_status (*head)(qn_buf *, const qn_arrays *, int64_t,
                                                  quern_error *),
                             quern_error *err);
/* Bytes of a label: 1, or 4. */
int qn_arrays_label_size(const qn_writer *w);
/* add of a row; a picture of another size than the first is QUERN_UNSUPPORTED. */
quern_status qn_arrays_add(qn_writer *w, const qn_piece *piece, quern_error *err);
/* Puts the counts in and closes the files. */
quern_status qn_arrays_end(qn_writer *w, quern_error *err);
void qn_arrays_done(qn_writer *w); /* done of a row */

/* Bytes of a file of the stage, to be given back by qn_map_done. */
quern_status qn_arrays_map(const qn_writer *w, const char *name, qn_map *out,
                           quern_error *err);
quern_status qn_arrays_remove(const qn_writer *w, const char *name, quern_error *err);

#endif
