/* SPDX-License-Identifier: Apache-2.0 */
/* engine/error.h - how every fallible function reports: a status returned, and one
 * sentence written where the mistake is known.  Callers add the place on the way up. */
#ifndef QN_ENGINE_ERROR_H
#define QN_ENGINE_ERROR_H

#include "engine/quern.h"

/* Internal status, never seen outside: a shape function met an input whose value is not
 * known yet, so the node is planned when it runs (see qn_infer_value in op.h). */
#define QN_DEFER ((quern_status)100)

/* Writes the sentence (lower case, no full stop, both numbers) and returns the status.
 * err may be NULL. */
quern_status qn_fail(quern_error *err, quern_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#ifdef __clang_analyzer__ /* it cannot look into variadic functions: tell what returns \
                           */
#define qn_fail(err, status, ...) (qn_fail((err), (status), __VA_ARGS__), (status))
#endif

/* Puts "place: " before the sentence that err already holds, unless it begins so; err
 * may be NULL. */
void qn_within(quern_error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Leaves the function with the status of a call that failed.  The one macro of the
 * house that holds a return. */
#define QN_TRY(call)                                         \
    do {                                                     \
        quern_status qn_try_status = (call);                 \
        if (qn_try_status != QUERN_OK) return qn_try_status; \
    } while (0)

#endif
