/* SPDX-License-Identifier: Apache-2.0 */
/* tools/decode_wire.h - bytes between two processes through memory that both see.
 *
 * One speaks and the other listens, in turns; whose turn it is says a word that the
 * other sleeps on (futex(2)).  So a process needs no open file to be spoken to.  What
 * is longer than the window goes through it piece by piece.  What the other side wrote
 * is not believed: a length is read once and bounded. */
#ifndef QN_TOOLS_DECODE_WIRE_H
#define QN_TOOLS_DECODE_WIRE_H

#include "engine/error.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { QN_TURN_CLIENT, QN_TURN_WORKER };
#define QN_WINDOW_BYTES ((size_t)1 << 20)

typedef struct qn_window {
    _Atomic uint32_t turn, fill; /* fill: bytes that whoever had the turn left */
    char pad[56];
    uint8_t data[QN_WINDOW_BYTES - 64];
} qn_window;

typedef struct qn_wire {
    qn_window *window;
    uint32_t mine;   /* the turn that is ours */
    size_t at, fill; /* bytes put or taken since the turn came; bytes to take */
    bool is_cut;     /* the other side is gone, or says nothing; nothing more will come
                      */
    /* Sleeps until the turn is ours; false: it will not be. */
    bool (*wait)(void *ctx);
    void *ctx;
} qn_wire;

/* With the turn: what is put from here on stands at the window's beginning. */
void qn_wire_begin(qn_wire *wire);
void qn_wire_put(qn_wire *wire, const void *p, size_t n);
/* Waits for the turn: what the other side put is there to take. */
void qn_wire_await(qn_wire *wire);
/* Gives the turn away and waits for it: what was put is there for the other side, and
 * what that answers is here to take. */
void qn_wire_pass(qn_wire *wire);
/* p is filled with zeros when the wire is cut. */
void qn_wire_take(qn_wire *wire, void *p, size_t n);

/* A status that came over the wire, if a picture can have it; else QUERN_FORMAT. */
quern_status qn_wire_status(int64_t status);

/* Waits until the word is no longer `value`, or is told to look, or for so long (0: for
 * good).  false: the time is over. */
bool qn_word_wait(_Atomic uint32_t *word, uint32_t value, double seconds);
void qn_word_wake(_Atomic uint32_t *word);

#endif
