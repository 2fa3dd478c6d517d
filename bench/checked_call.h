/* SPDX-License-Identifier: Apache-2.0 */
/* bench/checked_call.h - a function called through a door that notices what it should
 * have left alone. */
#ifndef QN_BENCH_CHECKED_CALL_H
#define QN_BENCH_CHECKED_CALL_H

#include <stdbool.h>

/* What the last call through qn_checked_call left behind it, as bits. */
enum qn_left_behind {
    QN_LEFT_REGISTER = 1,  /* a register that belongs to the caller has changed */
    QN_LEFT_CONTROL = 2,   /* rounding, flush-to-zero or exception masks have changed */
    QN_LEFT_DIRECTION = 4, /* the direction flag is set */
    QN_LEFT_UPPER = 8      /* upper halves of vector registers are dirty: slow SSE */
};

/* Whether this processor has such a door here; without it qn_checked_target is returned
 * as it is. */
bool qn_checked_is_there(void);
/* Whether QN_LEFT_UPPER can be seen on this processor. */
bool qn_checked_sees_upper(void);
/* A function of the same type as target that calls it, whatever that type is; one
 * target and one thread at a time. */
void (*qn_checked_call_of(void (*target)(void)))(void);
void qn_checked_reset(void);
/* Bits of qn_left_behind since the reset, and in text what they mean. */
unsigned qn_checked_result(void);
const char *qn_checked_text(unsigned bits);

#endif
