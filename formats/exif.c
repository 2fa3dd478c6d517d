/* SPDX-License-Identifier: Apache-2.0 */
/* formats/exif.c - how a camera was held: the orientation tag of Exif 2.3, found in the
 * APP1 segment of a JPEG or the eXIf chunk of a PNG.  Damage means "upright". */
#include "formats/bytes.h"
#include "formats/image.h"

#include <string.h>

#define TAG_ORIENTATION 0x0112
#define TYPE_SHORT      3

static uint32_t number(const uint8_t *p, int bytes, bool is_big)
{
    uint32_t value = 0;
    for (int i = 0; i < bytes; i++)
        value = value << 8 | p[is_big ? i : bytes - 1 - i];
    return value;
}

/* The first directory of a TIFF block: count, then entries of 12 bytes. */
static int from_tiff(qn_span tiff)
{
    qn_span dir = tiff, skipped, head;
    if (!qn_take(&dir, 8, &head)) return 1;
    const bool is_big = !memcmp(head.p, "MM\0*", 4);
    if (!is_big && memcmp(head.p, "II*\0", 4) != 0) return 1;
    dir = tiff;
    if (!qn_take(&dir, number(head.p + 4, 4, is_big), &skipped)) return 1;
    if (!qn_take(&dir, 2, &head)) return 1;
    for (uint32_t n = number(head.p, 2, is_big); n > 0; n--) {
        qn_span entry;
        if (!qn_take(&dir, 12, &entry)) return 1;
        if (number(entry.p, 2, is_big) != TAG_ORIENTATION) continue;
        const uint32_t value = number(entry.p + 8, 2, is_big);
        const bool is_short = number(entry.p + 2, 2, is_big) == TYPE_SHORT;
        return is_short && value >= 1 && value <= 8 ? (int)value : 1;
    }
    return 1;
}

/* Segments: FF marker, big-endian length that counts itself, content. */
static int from_jpeg(qn_span file)
{
    qn_span head, body, name;
    qn_take(&file, 2, &head);
    while (qn_take(&file, 4, &head) && head.p[0] == 0xff) {
        const uint32_t length = number(head.p + 2, 2, true);
        if (head.p[1] == 0xda || length < 2) return 1; /* the picture itself begins */
        if (!qn_take(&file, length - 2, &body)) return 1;
        if (head.p[1] == 0xe1 && qn_take(&body, 6, &name) &&
            !memcmp(name.p, "Exif\0\0", 6))
            return from_tiff(body);
    }
    return 1;
}

static int from_png(qn_span file)
{
    qn_span head, body;
    qn_take(&file, 8, &head);
    while (qn_take(&file, 8, &head)) {
        if (!qn_take(&file, (uint64_t)number(head.p, 4, true) + 4, &body)) return 1;
        if (!memcmp(head.p + 4, "eXIf", 4)) {
            body.n -= 4; /* the checksum */
            return from_tiff(body);
        }
    }
    return 1;
}

int qn_exif_orientation(const void *bytes, size_t n)
{
    const qn_span file = {bytes, n, 0};
    if (n >= 8 && !memcmp(bytes, "\x89PNG", 4)) return from_png(file);
    if (n >= 4 && !memcmp(bytes, "\xff\xd8", 2)) return from_jpeg(file);
    return 1;
}
