/* SPDX-License-Identifier: Apache-2.0 */
/* engine/regex.h - regular expressions in the syntax of RE2, matched against whole
 * strings in time proportional to pattern times text, whatever the pattern.
 *
 * A pattern becomes a program for a machine that is in many states at once (Thompson
 * 1968); nothing is captured, so greedy and lazy repetitions are the same. */
#ifndef QN_ENGINE_REGEX_H
#define QN_ENGINE_REGEX_H

#include "engine/mem.h"
#include "engine/tensor.h"

typedef struct qn_regex qn_regex;

/* Unicode classes (\pL) are refused with QUERN_UNSUPPORTED, wrong patterns with
 * QUERN_INVALID. */
quern_status qn_regex_compile(qn_arena *arena, const qn_str *pattern, qn_regex **out,
                              quern_error *err);
/* Bytes of scratch that a match takes. */
size_t qn_regex_scratch(const qn_regex *re);
bool qn_regex_full_match(const qn_regex *re, const qn_str *text, void *scratch);

#endif
