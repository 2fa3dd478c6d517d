/* SPDX-License-Identifier: Apache-2.0 */
/* engine/text.h - numbers as text, the same in every locale. */
#ifndef QN_ENGINE_TEXT_H
#define QN_ENGINE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The double nearest to the decimal number that p[n] is as a whole: [+-]digits[.digits]
 * [(e|E)[+-]digits], or inf, infinity, nan in any case; no blanks.  false: none. */
bool qn_text_to_real(const char *p, size_t n, double *out);
/* [+-]digits; false: no whole number, or more than int64_t holds. */
bool qn_text_to_int(const char *p, size_t n, int64_t *out);

/* The shortest text that reads back as the same value: "0.1", "1e+300", "nan". */
#define QN_REAL_TEXT 40
const char *qn_real_text(char text[QN_REAL_TEXT], double value);
const char *qn_single_text(char text[QN_REAL_TEXT],
                           float value); /* as the same float */

#endif
