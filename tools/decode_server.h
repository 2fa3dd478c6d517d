/* SPDX-License-Identifier: Apache-2.0 */
/* tools/decode_server.h - between decode.c, which asks, and the processes that decode.
 *
 * The program forks a server while it is young: small, without threads, with nothing
 * open.  The server forks workers when told to by bytes on a pipe (a start or a kill,
 * and whose), and notes in shared memory who ended and how.  It never sees a picture.
 */
#ifndef QN_TOOLS_DECODE_SERVER_H
#define QN_TOOLS_DECODE_SERVER_H

#include "engine/os.h"
#include "tools/decode.h"
#include "tools/decode_wire.h"

#define QN_DECODE_PLACES 64 /* workers at a time */

/* What the server says of a worker's place; workers cannot see it. */
typedef struct qn_decode_place {
    _Atomic uint32_t deaths; /* workers that ended there, or could not be started */
    _Atomic int32_t why;     /* of the last: as of waitpid, or -errno of the start */
    _Atomic int32_t pid;     /* of the one that is there */
} qn_decode_place;

/* A picture that a worker maps, as it is told before it is started; workers cannot see
 * it afterwards. */
typedef struct qn_decode_file {
    uint64_t bytes;
    char path[4096 - 8];
} qn_decode_file;

/* Shared by fork. */
typedef struct qn_decode_shared {
    union {
        qn_decode_place place[QN_DECODE_PLACES];
        char pages[1 << 16]; /* whole pages, whatever their size */
    } head;
    qn_decode_file file[QN_DECODE_PLACES]; /* whole pages, too */
    qn_window window[QN_DECODE_PLACES];
} qn_decode_shared;

enum { QN_DECODE_START = 's', QN_DECODE_KILL = 'k' };
/* What a worker has from its start on: TIFF's plug-in, a mapped file. */
enum { QN_WITH_TIFF = 1, QN_WITH_FILE = 2 };
typedef struct qn_decode_order {
    uint8_t act, place, with;
} qn_decode_order;

/* A message to a worker is a question of decode_planes.h, or this: how many pictures, a
 * head for each, then their bytes one after the other.  Its answer: how many of them it
 * did, at least one; for each a head, a sentence if it failed, else pixels. */
enum { QN_DECODE_BATCH = 64 };
typedef struct qn_decode_ask {
    uint64_t bytes, budget; /* budget: of memory, 0: none */
    int64_t max_pixels;
    uint64_t only_checked; /* 1: the answer has no pixels */
} qn_decode_ask;
typedef struct qn_decode_answer {
    int32_t status, width, height, channels;
    uint32_t n_text;
} qn_decode_answer;

/* Never returns: ends when the pipe's other end does, with all workers. */
void qn_decode_serve(const qn_decode_plan *plan, qn_decode_shared *shared, int orders);
/* Exit codes of workers, which are ended by signals else. */
enum { QN_DECODE_NO_FILTER = 1, QN_DECODE_NO_MEMORY, QN_DECODE_ODD, QN_DECODE_NO_FILE };
/* What was opened for a worker before it gave up opening. */
typedef struct qn_decode_kit {
    const struct qn_tiff_abi *tiff; /* or NULL, with the sentence why not */
    quern_error why_not;
    qn_map file;
} qn_decode_kit;
/* Serves one place for good, or until there is a reason to end: one of the codes. */
int qn_decode_work(const qn_decode_plan *plan, const qn_decode_kit *kit,
                   qn_window *window);

#endif
