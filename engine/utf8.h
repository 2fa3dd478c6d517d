/* SPDX-License-Identifier: Apache-2.0 */
/* engine/utf8.h - which bytes are text, and text that is safe to show (RFC 3629). */
#ifndef QN_ENGINE_UTF8_H
#define QN_ENGINE_UTF8_H

#include <stddef.h>

/* Bytes of the character at p, of n > 0 left; 0 when it is malformed: overlong, a
 * surrogate, beyond U+10FFFF or cut off.  A zero byte is a character. */
size_t qn_utf8_length(const char *p, size_t n);
/* Replaces control characters and malformed bytes of zero-ended text by \xNN, so that
 * names from a file cannot steer a terminal.  What then exceeds room bytes is cut. */
void qn_utf8_escape(char *text, size_t room);

#endif
