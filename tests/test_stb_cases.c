/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_stb_cases.c - files of the kinds that have broken stb_image, made here:
 * each must be refused or decoded, and the address sanitizer must find nothing.
 *
 *   CVE-2021-28021  JPEG: a code that stands for more bits than there can be
 *   CVE-2021-37789  JPEG: sampling factors that do not divide the largest
 *   CVE-2022-28041  JPEG, progressive: shifts and sums that overflow
 *   CVE-2022-28042  JPEG: tables that were never defined, scans that come again
 *   CVE-2021-42715, 42716  HDR and 16-bit PNM: not compiled in; ours reads PNM
 *   CVE-2023-45661 .. 45667  GIF with several frames, 16 bits with fewer channels,
 * flips: not compiled in; ours reads GIF, deep PNG is read by png_read.c */
#include "formats/buffer.h"
#include "formats/image.h"
#include "tests/test.h"

#include <string.h>

/* What a made JPEG is like. */
typedef struct jpeg {
    uint8_t frame;       /* C0 baseline, C2 progressive */
    uint8_t sampling[3]; /* of each component: across << 4 | down */
    uint8_t tables;      /* code tables of the components: DC << 4 | AC */
    uint8_t dc_symbol;   /* that every code of the DC table stands for */
    uint8_t ac_symbol;
    uint8_t from, to, bits; /* of the scan: coefficients, high << 4 | low bit */
    int n_scans, width, height;
    bool has_tables;
    uint16_t restart;
} jpeg;

static void u16be(qn_buf *out, int value)
{
    qn_buf_byte(out, value >> 8);
    qn_buf_byte(out, value & 255);
}

static void segment(qn_buf *out, int marker, int n)
{
    qn_buf_byte(out, 0xff);
    qn_buf_byte(out, marker);
    u16be(out, n + 2);
}

/* Two codes of one bit, both for the same symbol. */
static void put_codes(qn_buf *out, int id, int symbol)
{
    segment(out, 0xc4, 19);
    qn_buf_byte(out, id);
    qn_buf_byte(out, 2);
    for (int i = 1; i < 16; i++)
        qn_buf_byte(out, 0);
    qn_buf_byte(out, symbol);
    qn_buf_byte(out, symbol);
}

static void put_scan(qn_test *t, qn_buf *out, const jpeg *j)
{
    segment(out, 0xda, 10);
    qn_buf_byte(out, 3);
    for (int c = 0; c < 3; c++) {
        qn_buf_byte(out, c + 1);
        qn_buf_byte(out, j->tables);
    }
    qn_buf_byte(out, j->from);
    qn_buf_byte(out, j->to);
    qn_buf_byte(out, j->bits);
    for (int i = 0; i < 64; i++) {
        const int byte = (int)(qn_test_random(t) & 255);
        qn_buf_byte(out, byte);
        if (byte == 255) qn_buf_byte(out, 0);
    }
}

static void put_jpeg(qn_test *t, qn_buf *out, const jpeg *j)
{
    u16be(out, 0xffd8);
    segment(out, 0xdb, 65);
    for (int i = 0; i < 65; i++)
        qn_buf_byte(out, i ? 255 : 0);
    if (j->restart) {
        segment(out, 0xdd, 2);
        u16be(out, j->restart);
    }
    segment(out, j->frame, 15);
    qn_buf_byte(out, 8);
    u16be(out, j->height);
    u16be(out, j->width);
    qn_buf_byte(out, 3);
    for (int c = 0; c < 3; c++) {
        qn_buf_byte(out, c + 1);
        qn_buf_byte(out, j->sampling[c]);
        qn_buf_byte(out, 0);
    }
    if (j->has_tables) {
        put_codes(out, 0x00, j->dc_symbol);
        put_codes(out, 0x10, j->ac_symbol);
    }
    for (int s = 0; s < j->n_scans; s++)
        put_scan(t, out, j);
    u16be(out, 0xffd9);
}

/* Whether this build decodes at all; *decoded counts the good ones, of which each test
 * must have some: else its files end at the door. */
static bool try_jpeg(qn_test *t, const jpeg *j, int *decoded)
{
    qn_mem mem;
    qn_arena arena;
    qn_buf file;
    qn_image image;
    quern_error err = {.status = QUERN_OK};
    qn_mem_init(&mem, NULL, (size_t)64 << 20);
    qn_arena_init(&arena, &mem);
    qn_buf_init(&file, &mem);
    put_jpeg(t, &file, j);
    const void *exact = memcpy(qn_exact(t, file.n), file.p, file.n);
    const quern_status status = qn_image_decode(&arena, exact, file.n, 0, &image, &err);
    unsigned sum = 0;
    if (status == QUERN_OK) {
        CHECK(t, image.width == j->width && image.height == j->height);
        const size_t n = (size_t)image.width * (size_t)image.height;
        for (size_t i = 0; i < n * (size_t)image.channels; i++)
            sum += image.pixels[i];
        CHECK(t, sum <= 255 * 3 * n);
    } else {
        CHECK(t, strlen(err.text) > 10);
    }
    qn_buf_done(&file);
    qn_arena_done(&arena);
    CHECK_EQ(t, (int64_t)mem.used, 0);
    if (status == QUERN_UNSUPPORTED) qn_skip(t, "%s", err.text);
    *decoded += status == QUERN_OK;
    return status != QUERN_UNSUPPORTED;
}

static const jpeg plain = {.frame = 0xc0,
                           .sampling = {0x11, 0x11, 0x11},
                           .dc_symbol = 1,
                           .to = 63,
                           .n_scans = 1,
                           .width = 19,
                           .height = 13,
                           .has_tables = true};

void test_stb_symbols(qn_test *t)
{
    int decoded = 0;
    for (int frame = 0xc0; frame <= 0xc2; frame += 2)
        for (int symbol = 0; symbol < 256; symbol++)
            for (int is_ac = 0; is_ac < 2; is_ac++) {
                jpeg j = plain;
                j.frame = (uint8_t)frame;
                *(is_ac ? &j.ac_symbol : &j.dc_symbol) = (uint8_t)symbol;
                qn_note(t, "frame %x, symbol %x", frame, symbol);
                if (!try_jpeg(t, &j, &decoded)) return;
            }
    CHECK(t, decoded > 10);
}

void test_stb_sampling(qn_test *t)
{
    int decoded = 0;
    for (int a = 0; a < 25; a++)
        for (int b = 0; b < 25; b++) {
            jpeg j = plain;
            j.sampling[0] = (uint8_t)((a / 5) << 4 | a % 5);
            j.sampling[1] = (uint8_t)((b / 5) << 4 | b % 5);
            j.sampling[2] = (uint8_t)(qn_test_random(t) & 0x77);
            j.frame = a % 2 ? 0xc0 : 0xc2;
            j.to = a % 2 ? 63 : 0;
            qn_note(t, "sampling %x %x %x", j.sampling[0], j.sampling[1],
                    j.sampling[2]);
            if (!try_jpeg(t, &j, &decoded)) return;
        }
    CHECK(t, decoded > 10);
}

void test_stb_progressive(qn_test *t)
{
    int decoded = 0;
    for (int bits = 0; bits < 256; bits++)
        for (int from = 0; from < 70; from += 23) {
            jpeg j = plain;
            j.frame = 0xc2;
            j.bits = (uint8_t)bits;
            j.from = (uint8_t)from;
            j.to = (uint8_t)(from ? 69 - bits % 9 : 0);
            j.n_scans = 1 + bits % 3;
            j.dc_symbol = (uint8_t)(bits % 17);
            j.ac_symbol = (uint8_t)qn_test_random(t);
            qn_note(t, "bits %x, from %d", bits, from);
            if (!try_jpeg(t, &j, &decoded)) return;
        }
    CHECK(t, decoded > 10);
}

void test_stb_tables(qn_test *t)
{
    int decoded = 0;
    for (int tables = 0; tables < 256; tables++)
        for (int how = 0; how < 4; how++) {
            jpeg j = plain;
            j.frame = how & 1 ? 0xc2 : 0xc0;
            j.tables = (uint8_t)tables;
            j.has_tables = how & 2;
            j.n_scans = 1 + tables % 4;
            j.restart = (uint16_t)(tables % 5);
            qn_note(t, "tables %x, way %d", tables, how);
            if (!try_jpeg(t, &j, &decoded)) return;
        }
    CHECK(t, decoded > 10);
}

/* Formats that stb_image could read, but is not asked to, are no pictures here. */
void test_stb_left_out(qn_test *t)
{
    static const char *const heads[] = {
        "#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 9 +X 9\n", "8BPS\0\1",
        "\x53\x80\xf6\x34", "P4 1 1\n", "P7\n"};
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
        CHECK(t, !qn_image_is(heads[i], strlen(heads[i])));
}
