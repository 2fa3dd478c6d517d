/* SPDX-License-Identifier: Apache-2.0 */
/* engine/letters.c - UTF-8 (RFC 3629) and simple case mapping by ranges of code points,
 * after the simple mappings of UnicodeData.txt. */
#include "engine/letters.h"

uint32_t qn_letter_read(const char *p, size_t n, size_t *length)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    uint8_t first = (uint8_t)p[0];
    size_t m = first < 0x80   ? 1
               : first < 0xc2 ? 0
               : first < 0xe0 ? 2
               : first < 0xf0 ? 3
                              : 4;
    *length = 1;
    if (m == 1) return first;
    if (m == 0 || first > 0xf4 || m > n) return QN_BAD_LETTER + first;
    uint32_t c = first & (0x7fu >> m);
    for (size_t i = 1; i < m; i++) {
        if (((uint8_t)p[i] & 0xc0) != 0x80) return QN_BAD_LETTER + first;
        c = c << 6 | ((uint8_t)p[i] & 0x3f);
    }
    if (c < least[m] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return QN_BAD_LETTER + first;
    *length = m;
    return c;
}

size_t qn_letter_write(uint32_t c, char *p)
{
    if (c >= 0x80 && c < QN_BAD_LETTER) {
        size_t m = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        for (size_t i = m - 1; i > 0; i--, c >>= 6)
            p[i] = (char)(0x80 | (c & 0x3f));
        p[0] = (char)((0xf00u >> m & 0xff) | c);
        return m;
    }
    p[0] = (char)(c & 0xff); /* a bad letter ends in its byte */
    return 1;
}

/* Upper case letters [first, last], every step-th: their lower case is shift further.
 */
static const struct {
    uint32_t first, last;
    int32_t shift;
    uint32_t step;
} ranges[] = {
    {0x41, 0x5a, 32, 1},     {0xc0, 0xd6, 32, 1},     {0xd8, 0xde, 32, 1},
    {0x100, 0x12e, 1, 2},    {0x132, 0x136, 1, 2},    {0x139, 0x147, 1, 2},
    {0x14a, 0x176, 1, 2},    {0x178, 0x178, -121, 1}, {0x179, 0x17d, 1, 2},
    {0x1cd, 0x1db, 1, 2},    {0x1de, 0x1ee, 1, 2},    {0x1f8, 0x21e, 1, 2},
    {0x222, 0x232, 1, 2},    {0x370, 0x372, 1, 2},    {0x376, 0x376, 1, 1},
    {0x386, 0x386, 38, 1},   {0x388, 0x38a, 37, 1},   {0x38c, 0x38c, 64, 1},
    {0x38e, 0x38f, 63, 1},   {0x391, 0x3a1, 32, 1},   {0x3a3, 0x3ab, 32, 1},
    {0x3d8, 0x3ee, 1, 2},    {0x400, 0x40f, 80, 1},   {0x410, 0x42f, 32, 1},
    {0x460, 0x480, 1, 2},    {0x48a, 0x4be, 1, 2},    {0x4c0, 0x4c0, 15, 1},
    {0x4c1, 0x4cd, 1, 2},    {0x4d0, 0x52e, 1, 2},    {0x531, 0x556, 48, 1},
    {0x1e00, 0x1e94, 1, 2},  {0x1ea0, 0x1efe, 1, 2},  {0x2160, 0x216f, 16, 1},
    {0x24b6, 0x24cf, 26, 1}, {0xff21, 0xff3a, 32, 1},
};

uint32_t qn_letter_lower(uint32_t c)
{
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (c >= ranges[i].first && c <= ranges[i].last &&
            (c - ranges[i].first) % ranges[i].step == 0)
            return c + (uint32_t)ranges[i].shift;
    return c;
}

uint32_t qn_letter_upper(uint32_t c)
{
    if (c == 0xb5) return 0x39c;  /* micro sign: capital mu */
    if (c == 0x3c2) return 0x3a3; /* final sigma */
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        uint32_t up = c - (uint32_t)ranges[i].shift;
        if (up >= ranges[i].first && up <= ranges[i].last &&
            (up - ranges[i].first) % ranges[i].step == 0)
            return up;
    }
    return c;
}
