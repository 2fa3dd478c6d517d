/* SPDX-License-Identifier: Apache-2.0 */
/* engine/letters.h - characters of UTF-8 text and their upper and lower case, the same
 * in every locale. */
#ifndef QN_ENGINE_LETTERS_H
#define QN_ENGINE_LETTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The character at p, of n > 0 bytes, and its length.  A malformed byte is a character
 * of its own, QN_BAD_LETTER plus the byte, so that nothing is lost. */
#define QN_BAD_LETTER 0x110000
uint32_t qn_letter_read(const char *p, size_t n, size_t *length);
/* Writes a character (or the byte it stands for) to p, at most 4 bytes; its length. */
size_t qn_letter_write(uint32_t c, char *p);

/* Simple case mapping, one character to one: Latin, Greek, Cyrillic, Armenian and
 * fullwidth letters; others stay. */
uint32_t qn_letter_upper(uint32_t c);
uint32_t qn_letter_lower(uint32_t c);

#endif
