/* SPDX-License-Identifier: Apache-2.0 */
/* formats/markup.c - see markup.h. */
#include "formats/markup.h"

#include "engine/text.h"
#include "engine/utf8.h"

#include <math.h>
#include <string.h>

static const char *entity(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    case '\n':
    case '\r':
    case '\t':
        return " ";
    }
    return NULL;
}

/* Characters that XML 1.0 cannot hold, even when they are well-formed UTF-8. */
static bool is_unfit(const char *p, size_t length)
{
    const unsigned char c = (unsigned char)*p;
    return length == 0 || c < 0x20 || c == 0x7f ||
           (length == 3 &&
            (memcmp(p, "\xef\xbf\xbe", 3) == 0 || memcmp(p, "\xef\xbf\xbf", 3) == 0));
}

void qn_markup_text(qn_buf *out, const char *text)
{
    for (size_t left = strlen(text); left > 0;) {
        const size_t length = qn_utf8_length(text, left);
        const char *replaced = entity(*text);
        if (replaced)
            qn_buf_text(out, replaced);
        else if (is_unfit(text, length))
            qn_buf_text(out, "\xef\xbf\xbd");
        else
            qn_buf_add(out, text, length);
        text += length ? length : 1;
        left -= length ? length : 1;
    }
}

void qn_markup_base64(qn_buf *out, const void *bytes, size_t n)
{
    static const char digit[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *p = bytes;
    for (size_t i = 0; i < n; i += 3) {
        const uint32_t b1 = i + 1 < n ? p[i + 1] : 0, b2 = i + 2 < n ? p[i + 2] : 0;
        const uint32_t v = (uint32_t)p[i] << 16 | b1 << 8 | b2;
        char four[4] = {digit[v >> 18], digit[v >> 12 & 63], digit[v >> 6 & 63],
                        digit[v & 63]};
        if (i + 1 >= n) four[2] = '=';
        if (i + 2 >= n) four[3] = '=';
        qn_buf_add(out, four, 4);
    }
}

void qn_markup_number(qn_buf *out, double value)
{
    char text[QN_REAL_TEXT];
    const double cents = round(value * 100) / 100;
    qn_buf_text(out, qn_real_text(text, cents == 0 ? 0 : cents)); /* no -0 */
}
