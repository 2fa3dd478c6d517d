/* SPDX-License-Identifier: Apache-2.0 */
/* formats/json_read.h - the two shapes of JSON that people hand over: a list of names
 * and a flat file of settings. */
#ifndef QN_FORMATS_JSON_READ_H
#define QN_FORMATS_JSON_READ_H

#include "engine/mem.h"

/* A list of names: an array of strings, or an object whose keys are the numbers 0, 1,
 * ... and whose values are strings or arrays that end in one (as in ImageNet's class
 * index). */
quern_status qn_json_names(qn_arena *arena, const char *text, size_t n,
                           const char *const **names, int *n_names, quern_error *err);

/* One pair of an object: value as text ("true", "0.5", the string itself), NULL for
 * null; in the arena. */
typedef quern_status qn_json_pair_fn(void *ctx, const char *key, const char *value,
                                     quern_error *err);
/* Hands over the pairs of a flat object (a file of settings), in their order. */
quern_status qn_json_pairs(qn_arena *arena, const char *text, size_t n,
                           qn_json_pair_fn *take, void *ctx, quern_error *err);

#endif
