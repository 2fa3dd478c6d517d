/* SPDX-License-Identifier: Apache-2.0 */
/* engine/number.c - see engine/number.h.  strtod and snprintf do the hard part; only
 * the decimal point, which they take from the locale, is put right. */
#include "engine/number.h"

#include "kernels/convert.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void trim(const char **text, size_t *n)
{
    for (; *n > 0 && is_blank((*text)[*n - 1]); --*n)
        continue;
    for (; *n > 0 && is_blank(**text); ++*text)
        --*n;
}

/* The locale's decimal point: what stands between the digits of 0.5. */
static size_t locale_point(char *point)
{
    char half[16];
    int n = snprintf(half, sizeof half, "%.1f", 0.5);
    size_t len = n > 2 && n < (int)sizeof half ? (size_t)n - 2 : 0;
    memcpy(point, half + 1, len);
    return len;
}

static bool parse_word(const char *text, size_t n, double *out)
{
    bool negative = n > 0 && *text == '-';
    if (n > 0 && (*text == '-' || *text == '+')) text++, n--;
    if (n == 3 && strncasecmp(text, "nan", 3) == 0)
        *out = (double)NAN;
    else if ((n == 3 || n == 8) && strncasecmp(text, "infinity", n) == 0)
        *out = negative ? -HUGE_VAL : HUGE_VAL;
    else
        return false;
    return true;
}

bool qn_parse_real(const char *text, size_t n, double *out)
{
    char plain[512], point[16], *end;
    trim(&text, &n);
    if (parse_word(text, n, out)) return true;
    size_t len = 0, point_len = locale_point(point);
    if (n == 0) return false;
    for (size_t i = 0; i < n; i++) {
        if (!strchr("0123456789+-.eE", text[i]) || text[i] == '\0') return false;
        if (len + sizeof point >= sizeof plain) return false;
        if (text[i] != '.') {
            plain[len++] = text[i];
            continue;
        }
        memcpy(plain + len, point, point_len);
        len += point_len;
    }
    plain[len] = '\0';
    *out = strtod(plain, &end);
    return end == plain + len;
}

bool qn_parse_int(const char *text, size_t n, uint64_t *out)
{
    trim(&text, &n);
    bool negative = n > 0 && *text == '-';
    if (n > 0 && (*text == '-' || *text == '+')) text++, n--;
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t digit = (uint64_t)(text[i] - '0');
        if (text[i] < '0' || text[i] > '9' || v > (UINT64_MAX - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    if (n == 0 || (negative && v > (uint64_t)1 << 63)) return false;
    *out = negative ? 0 - v : v;
    return true;
}

/* The value as the type with so many digits holds it. */
static double rounded(double x, int digits)
{
    enum qn_elem type = digits > 9   ? QN_E_F64
                        : digits > 5 ? QN_E_F32
                        : digits > 4 ? QN_E_F16
                                     : QN_E_BF16;
    uint64_t bits;
    double y;
    qn_convert(&x, QN_E_F64, &bits, type, 1, 0);
    qn_convert(&bits, type, &y, QN_E_F64, 1, 0);
    return y;
}

static size_t put(char *text, const char *word)
{
    size_t n = strlen(word);
    memcpy(text, word, n + 1);
    return n;
}

/* digits "12345" with value 1.2345e<exp> as text. */
static size_t lay_out(char *text, const char *digits, int exp, bool negative)
{
    size_t n = 0, count = strlen(digits);
    if (negative) text[n++] = '-';
    if (exp < -4 || exp >= 16) {
        text[n++] = digits[0];
        if (count > 1) text[n++] = '.';
        memcpy(text + n, digits + 1, count - 1);
        n += count - 1;
        return n + (size_t)snprintf(text + n, 8, "e%c%02d", exp < 0 ? '-' : '+',
                                    exp < 0 ? -exp : exp);
    }
    if (exp < 0) n += put(text + n, "0.");
    for (int i = exp; i < -1; i++)
        text[n++] = '0';
    for (int i = 0; i < (int)count || i <= exp; i++) {
        text[n++] = i < (int)count ? digits[i] : '0';
        if (i == exp) text[n++] = '.';
    }
    if (text[n - 1] == '.') text[n++] = '0';
    text[n] = '\0';
    return n;
}

size_t qn_format_real(char *text, double value, int digits)
{
    if (value != value) return put(text, "NaN");
    if (isinf(value)) return put(text, value > 0 ? "INF" : "-INF");
    char sci[64], plain[32] = "0";
    int precision = 0;
    do
        snprintf(sci, sizeof sci, "%.*e", precision, fabs(value));
    while (++precision < digits &&
           rounded(strtod(sci, NULL), digits) != rounded(fabs(value), digits));
    /* d<point>ddde+xx: keep the digits and the exponent */
    char *e = strchr(sci, 'e');
    size_t count = 0;
    for (const char *p = sci; p < e; p++)
        if (*p >= '0' && *p <= '9') plain[count++] = *p;
    while (count > 1 && plain[count - 1] == '0')
        count--;
    plain[count] = '\0';
    return lay_out(text, plain, (int)strtol(e + 1, NULL, 10), signbit(value) != 0);
}
