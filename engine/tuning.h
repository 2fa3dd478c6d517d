/* SPDX-License-Identifier: Apache-2.0 */
/* engine/tuning.h - choices that were measured, in place of those of the static model:
 * for 3x3 convolutions of stride 1, the tile of Winograd's transform.
 *
 * As text they are a file that can be shipped (`quern bench tune` writes it):
 *
 *     quern-tuning 1
 *     made-for 0.1.0 avx2
 *     conv3x3 64 64 56 56 4       channels in and out, rows and columns out; the tile,
 *     ...                         0: no transform
 *     end 12 0123456789abcdef     lines between, and a hash of all bytes before this
 * line
 *
 * Lines are read to the letter: a file that is damaged, or made for another version or
 * another instruction set, is not used at all. */
#ifndef QN_ENGINE_TUNING_H
#define QN_ENGINE_TUNING_H

#include "engine/mem.h"

typedef struct qn_tuned {
    int64_t ic, oc, h, w;
    int tile; /* 0, 2 or 4 */
} qn_tuned;

typedef struct qn_tuning {
    qn_tuned *list;
    int n;
} qn_tuning;

enum { QN_TUNING_MOST = 4096 };

/* The list in memory of mem; on an error, which says why the text is not used, none. */
quern_status qn_tuning_parse(qn_tuning *t, const char *text, size_t n, const char *isa,
                             qn_mem *mem, quern_error *err);
void qn_tuning_done(qn_tuning *t, qn_mem *mem);
/* The tile for a convolution, or -1: not measured. */
int qn_tuning_find(const qn_tuning *t, const qn_tuned *conv);
/* Of the bytes before the last line. */
uint64_t qn_tuning_hash(const char *text, size_t n);

#endif
