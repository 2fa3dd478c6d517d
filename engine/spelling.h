/* SPDX-License-Identifier: Apache-2.0 */
/* engine/spelling.h - what somebody meant who wrote a word that does not exist. */
#ifndef QN_ENGINE_SPELLING_H
#define QN_ENGINE_SPELLING_H

#define QN_WORD_MAX 40 /* longer words have no near neighbour */

/* The candidate nearest to a misspelt word, or NULL if none is near. */
const char *qn_nearest(const char *word, const char *const *candidates, int n);

#endif
