/* SPDX-License-Identifier: Apache-2.0 */
/* engine/pages.h - pieces that live together for long and are read in every run: packed
 * weights.  They lie side by side in blocks of whole large pages (2 MB), for with small
 * ones a network of 20 MB looks up some 5,000 addresses in each run, and no processor
 * remembers that many. */
#ifndef QN_ENGINE_PAGES_H
#define QN_ENGINE_PAGES_H

#include "engine/mem.h"

typedef struct qn_pages_block qn_pages_block;

typedef struct qn_pages {
    qn_pages_block *first;
    size_t bytes; /* handed out */
} qn_pages;

/* n bytes, aligned to 64, not cleared.  The first megabyte is given in blocks that fit,
 * so that a small network does not take a large page. */
quern_status qn_pages_alloc(qn_pages *pages, qn_mem *mem, size_t n, void **out,
                            quern_error *err);
void qn_pages_done(qn_pages *pages, qn_mem *mem); /* frees all pieces */

#endif
