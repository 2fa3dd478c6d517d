/* SPDX-License-Identifier: Apache-2.0 */
/* engine/text.c - decimal text to double and back, exactly rounded, without the locale.
 *
 * Reading keeps the number as decimal digits 0.d[0]d[1].. * 10^point and multiplies or
 * divides it by powers of two until it lies in [1/2, 1); the next 53 bits are the
 * mantissa.  That is slow and simple, and short numbers take the exact path of doubles.
 */
#include "engine/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* 767 digits tell any two neighbours of a double apart; the rest is one sticky digit.
 */
#define MAX_DIGITS 780
#define MAX_SHIFT  59 /* bits: a digit times 2^59 and a carry fit 64 bits */

typedef struct decimal {
    uint8_t digit[MAX_DIGITS];
    int n, point;
    bool is_cut; /* digits other than zero were dropped */
} decimal;

static void trim(decimal *d)
{
    while (d->n > 0 && d->digit[d->n - 1] == 0)
        d->n--;
    if (d->n == 0) d->point = 0;
}

static void put(decimal *d, int digit)
{
    if (d->n < MAX_DIGITS)
        d->digit[d->n++] = (uint8_t)digit;
    else if (digit)
        d->is_cut = true;
}

/* d / 2^k: long division from the left. */
static void shift_right(decimal *d, int k)
{
    const int n = d->n;
    uint64_t rest = 0;
    int read = 0;
    for (; rest >> k == 0; read++) { /* until the first digit of the quotient */
        if (read >= n && rest == 0) return;
        rest = rest * 10 + (read < n ? d->digit[read] : 0);
    }
    d->point -= read - 1;
    d->n = 0;
    const uint64_t mask = (UINT64_C(1) << k) - 1;
    for (; read < n || rest != 0; read++) {
        put(d, (int)(rest >> k));
        rest = (rest & mask) * 10 + (read < n ? d->digit[read] : 0);
    }
    trim(d);
}

/* d * 2^k: long multiplication from the right into a longer row. */
static void shift_left(decimal *d, int k)
{
    uint8_t row[MAX_DIGITS + 20];
    int at = (int)sizeof row;
    uint64_t carry = 0;
    for (int i = d->n - 1; i >= 0; i--) {
        carry += (uint64_t)d->digit[i] << k;
        row[--at] = (uint8_t)(carry % 10);
        carry /= 10;
    }
    const int before = at;
    for (; carry > 0; carry /= 10)
        row[--at] = (uint8_t)(carry % 10);
    d->point += before - at;
    d->n = 0;
    for (int i = at; i < (int)sizeof row; i++)
        put(d, row[i]);
    trim(d);
}

/* The whole part of d (below 2^63), rounded half to even. */
static uint64_t rounded(const decimal *d)
{
    uint64_t whole = 0;
    for (int i = 0; i < d->point; i++)
        whole = whole * 10 + (i < d->n ? d->digit[i] : 0);
    if (d->point < 0 || d->point >= d->n) return whole;
    const bool is_half = d->digit[d->point] == 5 && d->point + 1 == d->n && !d->is_cut;
    const bool up = is_half ? whole & 1 : d->digit[d->point] >= 5;
    return whole + up;
}

static void shift(decimal *d, int k)
{
    for (; k > MAX_SHIFT; k -= MAX_SHIFT)
        shift_left(d, MAX_SHIFT);
    for (; k < -MAX_SHIFT; k += MAX_SHIFT)
        shift_right(d, MAX_SHIFT);
    if (k > 0) shift_left(d, k);
    if (k < 0) shift_right(d, -k);
}

/* Powers of two that surely do not step over [1/2, 1) from n digits away. */
static int bits_of(int n)
{
    static const int bits[] = {1, 3, 6, 9, 13, 16, 19, 23, 26};
    return n < 9 ? bits[n] : 27;
}

static double to_double(decimal *d)
{
    int exponent = 0; /* the number is d * 2^exponent */
    trim(d);
    if (d->n == 0 || d->point < -330) return 0;
    if (d->point > 310) return INFINITY;
    while (d->point > 0) {
        const int k = bits_of(d->point);
        shift(d, -k);
        exponent += k;
    }
    while (d->point < 0 || d->digit[0] < 5) {
        const int k = bits_of(-d->point);
        shift(d, k);
        exponent -= k;
    }
    if (exponent < -1021) { /* subnormal: fewer bits of mantissa */
        shift(d, exponent + 1021);
        exponent = -1021;
    }
    shift(d, 53);
    return ldexp((double)rounded(d), exponent - 53);
}

/* ---- reading ---- */

static bool is_word(const char *p, size_t n, const char *word)
{
    if (strlen(word) != n) return false;
    for (size_t i = 0; i < n; i++)
        if ((p[i] | 0x20) != word[i]) return false;
    return true;
}

/* Digits and a point into d; how many bytes were read, 0 if there is no digit. */
static size_t read_digits(const char *p, size_t n, decimal *d)
{
    size_t i = 0, n_digits = 0;
    bool after_point = false;
    for (; i < n; i++) {
        if (p[i] == '.' && !after_point) {
            after_point = true;
            continue;
        }
        if (p[i] < '0' || p[i] > '9') break;
        n_digits++;
        if (d->n == 0 && p[i] == '0') { /* leading zeros only move the point */
            if (after_point && d->point > -100000) d->point--;
            continue;
        }
        put(d, p[i] - '0');
        if (!after_point && d->point < 100000) d->point++;
    }
    return n_digits ? i : 0;
}

/* e[+-]digits as a whole; large ones saturate. */
static bool read_exponent(const char *p, size_t n, int *out)
{
    const bool is_signed = n > 1 && (p[1] == '+' || p[1] == '-');
    const size_t from = is_signed ? 2 : 1;
    int e = 0;
    if (n <= from || (*p != 'e' && *p != 'E')) return false;
    for (size_t i = from; i < n; i++) {
        if (p[i] < '0' || p[i] > '9') return false;
        if (e < 100000) e = 10 * e + (p[i] - '0');
    }
    *out = is_signed && p[1] == '-' ? -e : e;
    return true;
}

/* At most 15 digits and 10^22 are exact doubles, so one operation rounds once. */
static bool exact(const decimal *d, double *out)
{
    static const double ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                 1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const int e = d->point - d->n;
    double whole = 0;
    if (d->n > 15 || e < -22 || e > 22) return false;
    for (int i = 0; i < d->n; i++)
        whole = whole * 10 + d->digit[i];
    *out = e < 0 ? whole / ten[-e] : whole * ten[e];
    return true;
}

bool qn_text_to_real(const char *p, size_t n, double *out)
{
    const bool is_signed = n > 0 && (*p == '+' || *p == '-');
    const double sign = is_signed && *p == '-' ? -1 : 1;
    decimal d;
    int e = 0;
    double value;
    d.n = d.point = 0;
    d.is_cut = false;
    p += is_signed;
    n -= is_signed;
    if (is_word(p, n, "inf") || is_word(p, n, "infinity")) {
        *out = sign * (double)INFINITY;
        return true;
    }
    if (is_word(p, n, "nan")) {
        *out = (double)NAN;
        return true;
    }
    const size_t read = read_digits(p, n, &d);
    if (read == 0 || (read < n && !read_exponent(p + read, n - read, &e))) return false;
    if (d.n > 0) d.point += e;
    *out = sign * (exact(&d, &value) ? value : to_double(&d));
    return true;
}

bool qn_text_to_int(const char *p, size_t n, int64_t *out)
{
    const bool is_signed = n > 0 && (*p == '+' || *p == '-');
    const bool is_negative = is_signed && *p == '-';
    int64_t value = 0;
    if (n == (size_t)is_signed) return false;
    for (size_t i = is_signed; i < n; i++) {
        const int digit = p[i] - '0';
        if (digit < 0 || digit > 9) return false;
        if (value < (INT64_MIN + digit) / 10)
            return false; /* kept negative: one more */
        value = value * 10 - digit;
    }
    if (!is_negative && value == INT64_MIN) return false;
    *out = is_negative ? value : -value;
    return true;
}

/* ---- writing ---- */

/* Everything that is no digit, sign or exponent is the locale's decimal point, which
 * may take several bytes. */
static void point_only(char *text)
{
    char *to = text;
    bool in_point = false;
    for (const char *p = text; *p; p++) {
        const bool is_plain = strchr("0123456789+-e", *p) != NULL;
        if (is_plain) *to++ = *p;
        if (!is_plain && !in_point) *to++ = '.';
        in_point = !is_plain;
    }
    *to = 0;
}

static const char *number_text(char text[QN_REAL_TEXT], double value, bool single)
{
    if (isnan(value) || isinf(value)) {
        snprintf(text, QN_REAL_TEXT, "%s",
                 isnan(value) ? "nan"
                 : value > 0  ? "inf"
                              : "-inf");
        return text;
    }
    for (int digits = 6; digits <= 17; digits++) {
        double back = 0;
        snprintf(text, QN_REAL_TEXT, "%.*g", digits, value);
        point_only(text);
        qn_text_to_real(text, strlen(text), &back);
        if (single ? (float)back == (float)value : back == value) break;
    }
    return text;
}

const char *qn_real_text(char text[QN_REAL_TEXT], double value)
{
    return number_text(text, value, false);
}

const char *qn_single_text(char text[QN_REAL_TEXT], float value)
{
    return number_text(text, (double)value, true);
}
