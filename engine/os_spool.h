/* SPDX-License-Identifier: Apache-2.0 */
/* engine/os_spool.h - blocks that are too large for memory: each lies in a file without
 * a name, mapped, and is used like any other.
 *
 * Whoever goes through such blocks says how much was passed, and now and then all of
 * them leave memory; what is touched again comes back from the file.  Room on the disk
 * is taken when a block is made, so that a full disk is an error and not a signal. */
#ifndef QN_ENGINE_OS_SPOOL_H
#define QN_ENGINE_OS_SPOOL_H

#include "engine/os.h"

#include <stdatomic.h>

enum { QN_SPOOL_BLOCKS = 32 };
#define QN_SPOOL_LEAST  ((size_t)64 << 20) /* bytes of a block that is too large */
#define QN_SPOOL_PASSED ((size_t)64 << 20) /* bytes after which all leave memory */

typedef struct qn_spool {
    const char *folder; /* where the files are made */
    size_t least;       /* bytes; smaller blocks stay in memory */
    qn_map block[QN_SPOOL_BLOCKS];
    qn_map watched; /* a file that is read along with them */
    atomic_size_t passed;
} qn_spool;

/* folder lives as long as the spool. */
void qn_spool_init(qn_spool *spool, const char *folder, size_t least);
/* size bytes of zeros, on a page's border. */
quern_status qn_spool_alloc(qn_spool *spool, size_t size, void **out, quern_error *err);
/* false: no block of the spool. */
bool qn_spool_free(qn_spool *spool, const void *p);
/* That many bytes of blocks were read or written; by any thread. */
void qn_spool_passed(qn_spool *spool, size_t bytes);

#endif
