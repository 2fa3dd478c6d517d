/* SPDX-License-Identifier: Apache-2.0 */
/* tools/decode.h - pictures decoded in processes of their own, which have nothing open,
 * may make no system call but for memory and waiting, and may crash, hang or run out of
 * memory without harm: that is the sentence about this picture, and the next one gets a
 * new process.
 *
 * It is to be started inside the sandbox and before there are threads.  Workers come to
 * be when they are needed, as many as threads decode at the same time. */
#ifndef QN_TOOLS_DECODE_H
#define QN_TOOLS_DECODE_H

#include "formats/image.h"

typedef quern_status qn_decode_fn(qn_arena *arena, const void *bytes, size_t n,
                                  int64_t max_pixels, qn_image *out, quern_error *err);

typedef struct qn_decode_plan {
    bool has_filter; /* workers give up all system calls that they do not need */
    size_t memory;   /* bytes that a worker may have; 0: any */
    double seconds;  /* of processor time for a message, less what its length adds */
    qn_decode_fn *decode; /* qn_image_decode, or what a test plants */
} qn_decode_plan;

/* As commands want it, for pictures of up to so many pixels (0: the default). */
qn_decode_plan qn_decode_usual(int64_t max_pixels, bool has_filter);

typedef struct qn_decode qn_decode;
quern_status qn_decode_start(const qn_decode_plan *plan, qn_mem *mem, qn_decode **out,
                             quern_error *err);
/* What readers of pictures take; it lives as long as d. */
const qn_decoder *qn_decode_handle(const qn_decode *d);
void qn_decode_stop(qn_decode *d); /* ends all of its processes; NULL is fine */
/* Workers started so far, for the tests. */
int qn_decode_count(const qn_decode *d);

#endif
