/* SPDX-License-Identifier: Apache-2.0 */
/* formats/json_read.h - reading JSON, by jansson, which only json_read.c sees. */
#ifndef QN_FORMATS_JSON_READ_H
#define QN_FORMATS_JSON_READ_H

#include "engine/mem.h"

/* A list of names: an array of strings, or an object whose keys are the numbers 0, 1,
 * ... and whose values are strings or arrays that end in one (as in ImageNet's class
 * index). */
quern_status qn_json_names(qn_arena *arena, const char *text, size_t n,
                           const char *const **names, int *n_names, quern_error *err);

#endif
