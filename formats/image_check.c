/* SPDX-License-Identifier: Apache-2.0 */
/* formats/image_check.c - see image_check.h.
 *
 * stb_image 2.27 reserves what a PNG chunk declares before it looks whether it is
 * there, and writes past a table when the 16 counts of a JPEG code table add up to more
 * than 256.  The walks below see every chunk and every segment that it can come to. */
#include "formats/image_check.h"

#include "formats/bytes.h"

#include <string.h>

bool qn_is_png(const void *bytes, size_t n)
{
    return n >= 8 && !memcmp(bytes, "\x89PNG\r\n\x1a\n", 8);
}

bool qn_is_jpeg(const void *bytes, size_t n)
{
    return n >= 3 && !memcmp(bytes, "\xff\xd8\xff", 3);
}

bool qn_is_bmp(const void *bytes, size_t n)
{
    return n >= 2 && !memcmp(bytes, "BM", 2);
}

/* ---- PNG: length, type, content, checksum --------------------------------------- */

static quern_status check_png(qn_span file, quern_error *err)
{
    qn_span head, body;
    qn_take(&file, 8, &head);
    while (qn_take(&file, 8, &head)) {
        const uint32_t length = (uint32_t)head.p[0] << 24 | (uint32_t)head.p[1] << 16 |
                                (uint32_t)head.p[2] << 8 | head.p[3];
        if (!qn_take(&file, (uint64_t)length + 4, &body))
            return qn_fail(err, QUERN_FORMAT,
                           "the PNG chunk at byte %zu has %u bytes, %zu are left",
                           head.offset, length, file.n);
        if (!memcmp(head.p + 4, "IDAT", 4) && length == 0)
            return qn_fail(err, QUERN_FORMAT, "the PNG data chunk at byte %zu is empty",
                           head.offset);
        if (!memcmp(head.p + 4, "IEND", 4)) return QUERN_OK;
    }
    return qn_fail(err, QUERN_FORMAT, "the PNG file ends before its end chunk");
}

/* ---- JPEG: FF marker, length that counts itself, content; coded data after SOS --- */

enum { JPEG_RST0 = 0xd0, JPEG_EOI = 0xd9, JPEG_SOS = 0xda, JPEG_DHT = 0xc4 };

/* Tables of class and number (1 byte), 16 counts, as many symbols as the counts say. */
static quern_status check_dht(qn_span body, quern_error *err)
{
    const size_t at = body.offset;
    qn_span head, symbols;
    while (body.n > 0) {
        unsigned sum = 0;
        if (!qn_take(&body, 17, &head)) break;
        for (int i = 1; i <= 16; i++)
            sum += head.p[i];
        if (sum > 256)
            return qn_fail(err, QUERN_FORMAT,
                           "a JPEG code table at byte %zu has %u codes of at most 256",
                           head.offset, sum);
        if (!qn_take(&body, sum, &symbols)) break;
    }
    if (body.n == 0) return QUERN_OK;
    return qn_fail(err, QUERN_FORMAT, "the JPEG code tables at byte %zu are cut off",
                   at);
}

/* Moves to the next marker and takes it.  In coded data FF 00 is a byte FF and FF D0 to
 * D7 are restarts; neither is a marker. */
static bool take_marker(qn_span *file, bool in_data, uint8_t *marker)
{
    uint8_t byte = 0;
    while (qn_take_u8(file, &byte)) {
        if (byte != 0xff) continue;
        while (byte == 0xff)
            if (!qn_take_u8(file, &byte)) return false;
        const bool is_restart = byte >= JPEG_RST0 && byte < JPEG_RST0 + 8;
        if (in_data && (byte == 0 || is_restart)) continue;
        *marker = byte;
        return true;
    }
    return false;
}

static quern_status check_jpeg(qn_span file, quern_error *err)
{
    bool in_data = false;
    qn_span soi, body;
    uint8_t marker = 0, high, low;
    qn_take(&file, 2, &soi);
    while (take_marker(&file, in_data, &marker) && marker != JPEG_EOI) {
        const size_t at = file.offset - 2;
        if (!qn_take_u8(&file, &high) || !qn_take_u8(&file, &low)) break;
        const unsigned length = high << 8 | low;
        if (length < 2 || !qn_take(&file, length - 2, &body))
            return qn_fail(err, QUERN_FORMAT,
                           "the JPEG segment at byte %zu has %u bytes, %zu are left",
                           at, length, file.n + 2);
        if (marker == JPEG_DHT) QN_TRY(check_dht(body, err));
        in_data = in_data || marker == JPEG_SOS;
        marker = 0;
    }
    if (marker == JPEG_EOI && in_data) return QUERN_OK;
    return qn_fail(err, QUERN_FORMAT, "the JPEG file ends before its end marker");
}

/* ---- BMP: pixels at an offset, rows padded to 4 bytes ---- */

static uint32_t u32_at(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static quern_status check_bmp(qn_span file, quern_error *err)
{
    const uint8_t *p = file.p;
    if (file.n < 30)
        return qn_fail(err, QUERN_FORMAT, "%zu bytes; a BMP header takes 30", file.n);
    const bool is_old = u32_at(p + 14) == 12; /* OS/2: 16-bit sizes */
    const uint64_t w = is_old ? u32_at(p + 18) & 0xffff : u32_at(p + 18);
    const uint32_t h = is_old ? u32_at(p + 18) >> 16 : u32_at(p + 22);
    const uint64_t rows = h > INT32_MAX ? 0 - h : h; /* negative: top row first */
    const uint64_t bits = (is_old ? u32_at(p + 22) >> 16 : u32_at(p + 26) >> 16) & 0xff;
    const uint64_t row = (w * bits + 31) / 32 * 4, at = u32_at(p + 10);
    if (at > file.n || row > 1 << 30 || row * rows > file.n - at)
        return qn_fail(err, QUERN_FORMAT,
                       "%llu rows of %llu bytes at %llu do not fit a file of %zu",
                       (unsigned long long)rows, (unsigned long long)row,
                       (unsigned long long)at, file.n);
    return QUERN_OK;
}

quern_status qn_image_check(const void *bytes, size_t n, quern_error *err)
{
    const qn_span file = {bytes, n, 0};
    if (qn_is_png(bytes, n)) return check_png(file, err);
    if (qn_is_jpeg(bytes, n)) return check_jpeg(file, err);
    if (qn_is_bmp(bytes, n)) return check_bmp(file, err);
    return qn_fail(err, QUERN_FORMAT, "it is no PNG, JPEG or BMP picture");
}
