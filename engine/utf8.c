/* SPDX-License-Identifier: Apache-2.0 */
/* engine/utf8.c - UTF-8 by RFC 3629. */
#include "engine/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

size_t qn_utf8_length(const char *text, size_t n)
{
    const uint8_t *p = (const uint8_t *)text;
    uint8_t c = p[0];
    if (c < 0x80) return 1;
    size_t k = c < 0xC2 ? 0 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : c < 0xF5 ? 4 : 0;
    if (k == 0 || k > n) return 0;
    for (size_t i = 1; i < k; i++)
        if ((p[i] & 0xC0) != 0x80) return 0;
    bool bad = (c == 0xE0 && p[1] < 0xA0) || (c == 0xED && p[1] > 0x9F) ||
               (c == 0xF0 && p[1] < 0x90) || (c == 0xF4 && p[1] > 0x8F);
    return bad ? 0 : k;
}

/* Bytes at p to show as they are; 0: escape one byte. */
static size_t harmless(const char *p, size_t n)
{
    uint8_t c = (uint8_t)p[0];
    size_t k = qn_utf8_length(p, n);
    bool c1 = k == 2 && c == 0xC2 && (uint8_t)p[1] < 0xA0; /* U+0080 .. U+009F */
    return c < 0x20 || c == 0x7F || c1 ? 0 : k;
}

void qn_utf8_escape(char *text, size_t room)
{
    static const char hex[] = "0123456789abcdef";
    char safe[1024];
    size_t n = strlen(text), i = 0, o = 0;
    if (room > sizeof safe) room = sizeof safe;
    while (i < n) {
        size_t k = harmless(text + i, n - i), m = k ? k : 4;
        if (o + m >= room) break;
        uint8_t c = (uint8_t)text[i];
        if (k)
            memcpy(safe + o, text + i, k);
        else
            memcpy(safe + o, (char[]){'\\', 'x', hex[c >> 4], hex[c & 15]}, 4);
        i += k ? k : 1;
        o += m;
    }
    memcpy(text, safe, o);
    text[o] = 0;
}
