/* SPDX-License-Identifier: Apache-2.0 */
/* engine/number.h - numbers as text, the same in every locale. */
#ifndef QN_ENGINE_NUMBER_H
#define QN_ENGINE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads all n bytes, blanks around aside, as a decimal number, inf, infinity or nan in
 * any case; false when they are something else. */
bool qn_parse_real(const char *text, size_t n, double *out);
/* The same for a whole number that fits 64 bits, signed or not (*out holds its bits).
 */
bool qn_parse_int(const char *text, size_t n, uint64_t *out);

#define QN_NUMBER_TEXT 40
/* Shortest decimal text that reads back as the same value in a type with `digits`
 * significant digits (17: double, 9: float, 5: float16, 4: bfloat16); a point is always
 * there: "1.0", "0.1", "1e-05", "NaN", "INF", "-INF".  Returns the length. */
size_t qn_format_real(char *text, double value, int digits);

#endif
