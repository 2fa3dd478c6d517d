/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_pictures.c - pictures beyond 8-bit PNG and JPEG: samples of 16 bits, PNM,
 * GIF, and those that TIFF's plug-in reads; whole, cut and damaged. */
#include "formats/buffer.h"
#include "formats/image.h"
#include "formats/plugin.h"
#include "formats/png_write.h"
#include "tests/test.h"

#include <stdio.h>
#include <string.h>

typedef struct kit {
    qn_test *t;
    qn_mem mem;
    qn_arena arena;
    quern_error err;
} kit;

static void kit_init(kit *k, qn_test *t)
{
    *k = (kit){.t = t};
    qn_mem_init(&k->mem, NULL, (size_t)64 << 20);
    qn_arena_init(&k->arena, &k->mem);
}

static void kit_done(kit *k)
{
    qn_arena_done(&k->arena);
    CHECK_EQ(k->t, (int64_t)k->mem.used, 0);
}

static quern_status decode(kit *k, const void *bytes, size_t n, qn_image *out)
{
    void *exact = qn_exact(k->t, n);
    if (n) memcpy(exact, bytes, n);
    *out = (qn_image){0};
    return qn_image_decode(&k->arena, exact, n, 0, out, &k->err);
}

/* Decodes to exactly these bytes. */
static void is_picture(kit *k, const void *bytes, size_t n, int width, int height,
                       int channels, const char *pixels)
{
    qn_image image;
    if (!CHECK_OK(k->t, decode(k, bytes, n, &image), &k->err)) return;
    CHECK(k->t, image.width == width && image.height == height);
    if (CHECK_EQ(k->t, image.channels, channels))
        CHECK(k->t, !memcmp(image.pixels, pixels, (size_t)(width * height * channels)));
}

static void refused(kit *k, const void *bytes, size_t n, quern_status status,
                    const char *part)
{
    qn_image image;
    CHECK_FAILS(k->t, decode(k, bytes, n, &image), status, &k->err, part);
}

/* ---- 16 bits -------------------------------------------------------------------- */

/* round(255 v / 65535): 128 is the last that is black, 129 the first that is not. */
void test_pictures_deep_png(qn_test *t)
{
    static const uint16_t deep[] = {0,     128,   129,   257,  32767,
                                    32768, 65406, 65407, 65535};
    static const char flat[] = "\x00\x00\x01\x01\x7f\x80\xfe\xff\xff";
    kit k;
    qn_buf file;
    kit_init(&k, t);
    qn_buf_init(&file, &k.mem);
    const qn_png gray = {9, 1, 1, 16, deep}, colour = {3, 1, 3, 16, deep};
    if (qn_png_write(&file, &gray, &k.err) == QUERN_UNSUPPORTED) {
        qn_skip(t, "%s", k.err.text);
        return;
    }
    is_picture(&k, file.p, file.n, 9, 1, 1, flat);
    for (size_t cut = 0; cut < file.n; cut++) {
        qn_image image;
        CHECK(t, decode(&k, file.p, cut, &image) != QUERN_OK);
    }
    file.p[16] = 0x10; /* 2^28 pixels wide */
    refused(&k, file.p, file.n, QUERN_LIMIT, "a side has at most");
    qn_buf_clear(&file);
    CHECK_OK(t, qn_png_write(&file, &colour, &k.err), &k.err);
    is_picture(&k, file.p, file.n, 3, 1, 3, flat);
    qn_buf_done(&file);
    kit_done(&k);
}

/* ---- PNM ------------------------------------------------------------------------ */

#define IS(bytes, w, h, c, pixels) \
    is_picture(&k, bytes, sizeof(bytes) - 1, w, h, c, pixels)
#define REFUSED(bytes, status, part) refused(&k, bytes, sizeof(bytes) - 1, status, part)

void test_pictures_pnm(qn_test *t)
{
    kit k;
    kit_init(&k, t);
    IS("P5 3 1 255\nabc", 3, 1, 1, "abc");
    IS("P6\n1 2\n255\nabcdef", 1, 2, 3, "abcdef");
    IS("P2 #1 2 3\n# 9\n3 1 # x\n15\n0 7 15", 3, 1, 1, "\x00\x77\xff");
    IS("P3 1 1 255 1 2 3", 1, 1, 3, "\x01\x02\x03");
    IS("P5 2 1 65535\n\x00\x80\x00\x81", 2, 1, 1, "\x00\x01");
    IS("P5 2 1 1023\n\x03\xff\x02\x00", 2, 1, 1, "\xff\x80");
    IS("P5 2 1 9\n\x09\xff", 2, 1, 1, "\xff\xff"); /* more than most is most */
    REFUSED("P5 3 1 255\nab", QUERN_FORMAT, "3 x 1 pixels do not fit the 2 bytes");
    REFUSED("P5 2 1 65535\nabc", QUERN_FORMAT, "do not fit");
    REFUSED("P2 2 1 9\n1", QUERN_FORMAT, "pixel");
    REFUSED("P5 0 1 255\n", QUERN_LIMIT, "0 x 1 pixels");
    REFUSED("P5 1 1 0\nx", QUERN_FORMAT, "depth of 0");
    REFUSED("P5 20000 1 255\n", QUERN_FORMAT, "do not fit");
    kit_done(&k);
}

/* ---- GIF ------------------------------------------------------------------------ */

typedef struct frame {
    int left, top, width, height;
    bool is_interlaced, is_gray;
} frame;

/* Four colours: black, then 64, 128, 255 of gray, or red, green, blue. */
static const char grays[] = "\0\0\0\x40\x40\x40\x80\x80\x80\xff\xff\xff";
static const char colours[] = "\0\0\0\xff\0\0\0\xff\0\0\0\xff";

/* Codes of three bits, lowest first; a clear (4) before each two pixels, so that they
 * stay that wide; 5 at the end. */
static void put_codes(qn_buf *out, const char *pixels, int n)
{
    uint8_t packed[255];
    size_t n_packed = 0;
    uint32_t bits = 0;
    int n_bits = 0;
    for (int i = 0; i <= n; i++)
        for (int k = i % 2; k < 2; k++) {
            const uint32_t code = k == 0 ? 4 : i < n ? (uint32_t)(pixels[i] - '0') : 5;
            bits |= code << n_bits;
            n_bits += 3;
            for (; n_bits >= 8; n_bits -= 8, bits >>= 8)
                packed[n_packed++] = (uint8_t)bits;
        }
    if (n_bits) packed[n_packed++] = (uint8_t)bits;
    qn_buf_byte(out, 2);
    qn_buf_byte(out, (int)n_packed);
    qn_buf_add(out, packed, n_packed);
    qn_buf_byte(out, 0);
}

/* A screen of 4 x 5 whose background is colour 1, an extension, one frame. */
static void put_gif(qn_buf *out, const frame *f, const char *pixels)
{
    qn_buf_text(out, "GIF89a");
    qn_buf_u16le(out, 4);
    qn_buf_u16le(out, 5);
    qn_buf_add(out, "\x81\x01\0", 3);
    qn_buf_add(out, f->is_gray ? grays : colours, 12);
    qn_buf_add(out, "!\xf9\4\1\0\0\2\0", 8); /* colour 2 is transparent */
    qn_buf_byte(out, ',');
    qn_buf_u16le(out, (uint32_t)f->left);
    qn_buf_u16le(out, (uint32_t)f->top);
    qn_buf_u16le(out, (uint32_t)f->width);
    qn_buf_u16le(out, (uint32_t)f->height);
    qn_buf_byte(out, f->is_interlaced ? 0x40 : 0);
    put_codes(out, pixels, f->width * f->height);
    qn_buf_byte(out, ';');
}

void test_pictures_gif(qn_test *t)
{
    static const frame whole = {0, 0, 4, 5, false, true};
    static const frame laced = {0, 0, 4, 5, true, true};
    static const frame part = {1, 1, 2, 1, false, false};
    static const char rows[] = "01230123012301231111";
    kit k;
    qn_buf gif;
    char want[60];
    qn_image image;
    kit_init(&k, t);
    qn_buf_init(&gif, &k.mem);
    put_gif(&gif, &whole, rows);
    for (int i = 0; i < 20; i++)
        want[i] = grays[3 * (rows[i] - '0')];
    is_picture(&k, gif.p, gif.n, 4, 5, 1, want);
    for (size_t cut = 0; cut + 3 < gif.n; cut++) /* the end is not waited for */
        CHECK(t, decode(&k, gif.p, cut, &image) != QUERN_OK);
    qn_buf_clear(&gif);
    put_gif(&gif, &laced, "00001111222233330123"); /* rows 0, 4, 2, 1, 3 */
    static const char order[] = "00003333222201231111";
    for (int i = 0; i < 20; i++)
        want[i] = grays[3 * (order[i] - '0')];
    is_picture(&k, gif.p, gif.n, 4, 5, 1, want);
    qn_buf_clear(&gif);
    put_gif(&gif, &part, "23");
    for (int i = 0; i < 20; i++)
        memcpy(want + 3 * i, colours + (i == 5 ? 6 : i == 6 ? 9 : 3), 3);
    is_picture(&k, gif.p, gif.n, 4, 5, 3, want);
    qn_buf_done(&gif);
    kit_done(&k);
}

/* Where the parts of put_gif's file begin. */
enum { WIDTH_AT = 6, BLOCK_AT = 25, FRAME_AT = 34, BITS_AT = 43, CODES_AT = 45 };

void test_pictures_gif_bad(qn_test *t)
{
    static const frame whole = {0, 0, 4, 5, false, true};
    static const struct {
        int at, byte;
        quern_status status;
        const char *part;
    } cases[] = {
        {WIDTH_AT, 3, QUERN_FORMAT,
         "a GIF frame of 4 x 5 at 0, 0 on a screen of 3 x 5"},
        {WIDTH_AT, 0, QUERN_FORMAT, "0 x 5 pixels"},
        {WIDTH_AT + 1, 255, QUERN_LIMIT, "a side has at most"},
        {BLOCK_AT, 'x', QUERN_FORMAT, "a GIF block of kind 0x78"},
        {BLOCK_AT + 2, 255, QUERN_FORMAT, "cut off"},
        {FRAME_AT + 4, 0, QUERN_FORMAT, "a GIF frame of 0 x 5"},
        {BITS_AT, 9, QUERN_FORMAT, "GIF pixels of 9 bits"},
        {BITS_AT, 1, QUERN_FORMAT, "GIF pixels of 1 bits"},
        {CODES_AT, 0x3c, QUERN_FORMAT, "GIF data is damaged"}, /* clear, then code 7 */
        {CODES_AT, 0x2c, QUERN_FORMAT, "the GIF data gives 0 of 20"}, /* end at once */
    };
    kit k;
    qn_buf gif;
    kit_init(&k, t);
    qn_buf_init(&gif, &k.mem);
    put_gif(&gif, &whole, "01230123012301231111");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char was = gif.p[cases[i].at];
        qn_note(t, "case %zu", i);
        gif.p[cases[i].at] = (char)cases[i].byte;
        refused(&k, gif.p, gif.n, cases[i].status, cases[i].part);
        gif.p[cases[i].at] = was;
    }
    REFUSED("GIF89a\x00\x40\x00\x10\x00\x00\x00", QUERN_FORMAT,
            "16384 x 4096 pixels in 13 bytes of GIF");
    for (int i = 0; i < 20000; i++) { /* damage may go unseen, but must not crash */
        qn_image image;
        const size_t at = (size_t)(qn_test_random(t) % gif.n);
        const char was = gif.p[at];
        gif.p[at] = (char)qn_test_random(t);
        if (decode(&k, gif.p, gif.n, &image) != QUERN_OK)
            CHECK(t, strlen(k.err.text) > 10);
        gif.p[at] = was;
        qn_arena_reset(&k.arena);
    }
    qn_buf_done(&gif);
    kit_done(&k);
}

/* ---- TIFF ----------------------------------------------------------------------- */

/* Little-endian, one strip: 3 x 1 pixels of gray of 16 bits. */
static void put_tiff(qn_buf *out, uint32_t format)
{
    static const uint16_t tags[][2] = {{256, 3}, {257, 1}, {258, 16}, {259, 1},
                                       {262, 1}, {273, 0}, {277, 1},  {278, 1},
                                       {279, 6}, {339, 0}};
    const uint32_t n = sizeof tags / sizeof tags[0], data = 8 + 2 + n * 12 + 4;
    qn_buf_add(out, "II*\0\x08\0\0\0", 8);
    qn_buf_u16le(out, n);
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t value = tags[i][0] == 273   ? data
                               : tags[i][0] == 339 ? format
                                                   : tags[i][1];
        qn_buf_u16le(out, tags[i][0]);
        qn_buf_u16le(out, 4);
        qn_buf_u32le(out, 1);
        qn_buf_u32le(out, value);
    }
    qn_buf_u32le(out, 0);
    qn_buf_add(out, "\x81\x00\x01\x80\xff\xff", 6);
}

void test_pictures_tiff(qn_test *t)
{
    char path[QN_PATH_MAX];
    kit k;
    qn_buf tiff;
    qn_image image;
    kit_init(&k, t);
    qn_buf_init(&tiff, &k.mem);
    put_tiff(&tiff, 1);
    if (!qn_plugin_find("tiff", path)) {
        refused(&k, tiff.p, tiff.n, QUERN_UNSUPPORTED, "quern-tiff.so");
        qn_buf_done(&tiff);
        qn_skip(t, "libtiff is not there");
        return;
    }
    is_picture(&k, tiff.p, tiff.n, 3, 1, 1, "\x01\x80\xff");
    for (size_t cut = 0; cut < tiff.n; cut++)
        CHECK(t, decode(&k, tiff.p, cut, &image) != QUERN_OK);
    qn_buf_done(&tiff);
    kit_done(&k);
}
