/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_image.c - pictures: written and decoded, cut, turned, resized; SHA-256. */
#include "tests/test.h"

#include "formats/fitting.h"
#include "formats/image.h"
#include "formats/image_check.h"
#include "formats/png_write.h"
#include "formats/sha256.h"

#include <string.h>

typedef struct kit {
    qn_mem mem;
    qn_arena arena;
    quern_error err;
} kit;

static void kit_init(kit *k)
{
    qn_mem_init(&k->mem, NULL, (size_t)256 << 20);
    qn_arena_init(&k->arena, &k->mem);
    k->err = (quern_error){.status = QUERN_OK};
}

static void kit_done(qn_test *t, kit *k)
{
    qn_arena_done(&k->arena);
    CHECK_EQ(t, (int64_t)k->mem.used, 0);
}

/* Random bytes as a picture. */
static qn_image noise(qn_test *t, int width, int height, int channels)
{
    const size_t n = (size_t)width * (size_t)height * (size_t)channels;
    qn_image image = {width, height, channels, qn_exact(t, n)};
    for (size_t i = 0; i < n; i++)
        image.pixels[i] = (uint8_t)qn_test_random(t);
    return image;
}

static bool same(const qn_image *a, const qn_image *b)
{
    return a->width == b->width && a->height == b->height &&
           a->channels == b->channels &&
           !memcmp(a->pixels, b->pixels,
                   (size_t)a->width * (size_t)a->height * (size_t)a->channels);
}

/* The PNG of a picture, or false where the build lacks zlib or stb_image. */
static bool png_of(qn_test *t, kit *k, const qn_image *image, qn_buf *out)
{
    const qn_png png = {(uint32_t)image->width, (uint32_t)image->height,
                        image->channels, 8, image->pixels};
    qn_image back;
    qn_buf_init(out, &k->mem);
    if (qn_png_write(out, &png, &k->err) == QUERN_UNSUPPORTED ||
        qn_image_decode(&k->arena, out->p, out->n, 0, &back, &k->err) ==
            QUERN_UNSUPPORTED) {
        qn_skip(t, "%s", k->err.text);
        return false;
    }
    return true;
}

void test_image_png(qn_test *t)
{
    kit k;
    qn_buf file;
    qn_image back;
    kit_init(&k);
    for (int channels = 1; channels <= 3; channels += 2) {
        const qn_image image = noise(t, 17, 9, channels);
        if (!png_of(t, &k, &image, &file)) return;
        REQUIRE_OK(t, qn_image_decode(&k.arena, file.p, file.n, 0, &back, &k.err),
                   &k.err);
        CHECK(t, same(&image, &back));
        CHECK_FAILS(t, qn_image_decode(&k.arena, file.p, file.n, 100, &back, &k.err),
                    QUERN_LIMIT, &k.err, "17 x 9");
        qn_buf_done(&file);
    }
    kit_done(t, &k);
}

void test_image_cut(qn_test *t)
{
    kit k;
    qn_buf file;
    qn_image back;
    kit_init(&k);
    const qn_image image = noise(t, 12, 8, 3);
    if (!png_of(t, &k, &image, &file)) return;
    for (size_t i = 0; i < file.n; i++) {
        uint8_t *part = qn_exact(t, i);
        if (i) memcpy(part, file.p, i);
        qn_note(t, "%zu of %zu bytes", i, file.n);
        CHECK(t, qn_image_decode(&k.arena, part, i, 0, &back, &k.err) != QUERN_OK);
    }
    for (size_t i = 0; i < 2000 && file.n > 0;
         i++) { /* damage may go unseen, but must not crash */
        uint8_t *copy = qn_exact(t, file.n);
        memcpy(copy, file.p, file.n);
        copy[qn_test_random(t) % file.n] ^= (uint8_t)(1 << qn_test_random(t) % 8);
        qn_image_decode(&k.arena, copy, file.n, 0, &back, &k.err);
    }
    qn_buf_done(&file);
    kit_done(t, &k);
}

/* A kilobyte that declares a gigabyte is refused before anything is reserved. */
void test_image_declares_much(qn_test *t)
{
    static const uint8_t head[] = {
        0x89, 'P', 'N', 'G',  '\r', '\n', 0x1a, '\n', 0,   0,   0,   13, 'I', 'H', 'D',
        'R',  0,   0,   0,    32,   0,    0,    0,    32,  8,   0,   0,  0,   0,   0,
        0,    0,   0,   0x3f, 0xff, 0xff, 0xff, 'I',  'D', 'A', 'T', 1,  2,   3,   4};
    kit k;
    qn_image back;
    kit_init(&k);
    uint8_t *file = qn_exact(t, sizeof head);
    memcpy(file, head, sizeof head);
    const quern_status status =
        qn_image_decode(&k.arena, file, sizeof head, 0, &back, &k.err);
    if (status == QUERN_UNSUPPORTED)
        qn_skip(t, "%s", k.err.text);
    else
        CHECK_FAILS(t, status, QUERN_FORMAT, &k.err, "1073741823 bytes");
    kit_done(t, &k);
}

/* What would make stb_image write past a table, and files that stop too early. */
void test_image_check(qn_test *t)
{
    uint8_t jpeg[64] = {0xff, 0xd8, 0xff, 0xc4, 0, 2 + 17 + 4, 0};
    static const uint8_t end[] = {0xff, 0xda, 0, 2, 1, 2, 0xff, 0, 0xff, 0xd9};
    uint8_t bmp[54 + 8] = {
        'B', 'M', [10] = 54, [14] = 40, [18] = 1, [22] = 2, [28] = 24};
    quern_error err;
    jpeg[7] = 4;
    memcpy(jpeg + 27, end, sizeof end);
    CHECK_OK(t, qn_image_check(jpeg, 37, &err), &err);
    for (size_t n = 3; n < 37; n++)
        CHECK(t, qn_image_check(jpeg, n, &err) == QUERN_FORMAT);
    jpeg[8] = 255;
    CHECK_FAILS(t, qn_image_check(jpeg, 37, &err), QUERN_FORMAT, &err, "has 259 codes");
    CHECK_OK(t, qn_image_check(bmp, sizeof bmp, &err), &err);
    for (size_t n = 2; n < sizeof bmp; n++)
        CHECK(t, qn_image_check(bmp, n, &err) == QUERN_FORMAT);
}

void test_image_orientation(qn_test *t)
{
    /* 3 wide, 2 high; what EXIF's eight numbers make of it */
    static uint8_t stored[] = {1, 2, 3, 4, 5, 6};
    static const uint8_t upright[9][6] = {
        {0},
        {1, 2, 3, 4, 5, 6}, /* 1 as it is */
        {3, 2, 1, 6, 5, 4}, /* 2 mirrored */
        {6, 5, 4, 3, 2, 1}, /* 3 half turn */
        {4, 5, 6, 1, 2, 3}, /* 4 upside down, mirrored */
        {1, 4, 2, 5, 3, 6}, /* 5 transposed */
        {4, 1, 5, 2, 6, 3}, /* 6 quarter turn clockwise */
        {6, 3, 5, 2, 4, 1}, /* 7 transposed along the other diagonal */
        {3, 6, 2, 5, 1, 4}, /* 8 quarter turn counter-clockwise */
    };
    const qn_image image = {3, 2, 1, stored};
    kit k;
    kit_init(&k);
    for (int o = 1; o <= 8; o++) {
        qn_image out;
        qn_note(t, "orientation %d", o);
        REQUIRE_OK(t, qn_image_orient(&k.arena, &image, o, &out, &k.err), &k.err);
        CHECK_EQ(t, out.width, o < 5 ? 3 : 2);
        CHECK(t, !memcmp(out.pixels, upright[o], 6));
    }
    kit_done(t, &k);
}

void test_image_exif(qn_test *t)
{
    static const uint8_t file[] = {
        0xff, 0xd8, 0xff, 0xe0, 0,   4,   1,   2, /* an APP0 segment in front */
        0xff, 0xe1, 0,    34,   'E', 'x', 'i', 'f', 0,    0, 'M',  'M', 0,
        42,   0,    0,    0,    8,   0,   1,   1,   0x12, 0, 3,    0,   0,
        0,    1,    0,    6,    0,   0,   0,   0,   0,    0, 0xff, 0xda};
    CHECK_EQ(t, qn_exif_orientation(file, sizeof file), 6);
    for (size_t i = 0; i < 42; i++) {
        uint8_t *part = qn_exact(t, i);
        if (i) memcpy(part, file, i);
        CHECK_EQ(t, qn_exif_orientation(part, i), 1);
    }
}

void test_image_resize(qn_test *t)
{
    static uint8_t ramp[] = {0, 100, 200, 50};
    const qn_image row = {4, 1, 1, ramp};
    qn_image out;
    kit k;
    kit_init(&k);
    /* By hand: the weights of output 0 are 3/7, 3/7, 1/7 of inputs 0, 1, 2. */
    REQUIRE_OK(t, qn_image_resize(&k.arena, &row, 2, 1, &out, &k.err), &k.err);
    CHECK_EQ(t, out.pixels[0], 71);
    CHECK_EQ(t, out.pixels[1], 121);
    const qn_image image = noise(t, 9, 5, 3);
    REQUIRE_OK(t, qn_image_resize(&k.arena, &image, 9, 5, &out, &k.err), &k.err);
    CHECK(t, same(&image, &out));
    REQUIRE_OK(t, qn_image_resize(&k.arena, &image, 1, 1, &out, &k.err), &k.err);
    REQUIRE_OK(t, qn_image_resize(&k.arena, &image, 40, 30, &out, &k.err), &k.err);
    CHECK(t, out.width == 40 && out.height == 30);
    CHECK(t, qn_image_resize(&k.arena, &image, 0, 1, &out, &k.err) != QUERN_OK);
    kit_done(t, &k);
}

void test_image_window(qn_test *t)
{
    static uint8_t pixels[] = {1, 2, 3, 4};
    static const uint8_t want[] = {9, 9, 9, 9, 9, 1, 2, 9, 9, 3, 4, 9};
    const qn_image image = {2, 2, 1, pixels};
    const uint8_t fill = 9;
    qn_image out;
    kit k;
    kit_init(&k);
    REQUIRE_OK(t, qn_image_window(&k.arena, &image, -1, -1, 4, 3, &fill, &out, &k.err),
               &k.err);
    CHECK(t, !memcmp(out.pixels, want, sizeof want));
    kit_done(t, &k);
}

void test_sha256(qn_test *t)
{
    char hex[65], million[1000];
    uint8_t digest[32];
    qn_sha256 s;
    qn_sha256_hex("abc", 3, hex);
    CHECK_STR(t, hex,
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    qn_sha256_hex("", 0, hex);
    CHECK_STR(t, hex,
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    memset(million, 'a', sizeof million);
    qn_sha256_init(&s);
    for (int i = 0; i < 1000; i++)
        qn_sha256_add(&s, million, sizeof million);
    qn_sha256_end(&s, digest);
    CHECK(t, digest[0] == 0xcd && digest[1] == 0xc7 && digest[31] == 0xd0);
}

/* A picture of 8 x 4 in frames of 6 x 6. */
void test_image_frames(qn_test *t)
{
    static const struct {
        qn_fitting fitting;
        int shorter, height, width;
    } cases[] = {{QN_STRETCH, 0, 6, 6},
                 {QN_CROP, 0, 6, 6},
                 {QN_CROP, 9, 6, 6},
                 {QN_PAD, 0, 6, 6},
                 {QN_FIT, 0, 3, 6}};
    kit k;
    kit_init(&k);
    const qn_image p = noise(t, 8, 4, 3);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const qn_frame f = {.height = 6,
                            .width = 6,
                            .shorter = cases[i].shorter,
                            .fitting = cases[i].fitting,
                            .channels = 3,
                            .fill = {1, 2, 3}};
        qn_image q, scaled;
        int h, w;
        qn_note(t, "case %d", (int)i);
        qn_frame_size(&f, &p, &h, &w);
        REQUIRE_OK(t, qn_frame_apply(&f, &p, &k.arena, &q, &k.err), &k.err);
        CHECK(t, h == cases[i].height && w == cases[i].width);
        CHECK(t, q.height == h && q.width == w && q.channels == 3);
        if (f.fitting == QN_PAD) { /* 3 rows, 1.5 above: half to even gives 2 */
            REQUIRE_OK(t, qn_image_resize(&k.arena, &p, 6, 3, &scaled, &k.err), &k.err);
            CHECK(t, !memcmp(q.pixels + 2 * 18, scaled.pixels, 3 * 18));
            CHECK(t, q.pixels[0] == 1 && q.pixels[1] == 2 && q.pixels[107] == 3);
        }
        if (f.fitting == QN_CROP && !f.shorter) { /* 12 x 6: columns 3 .. 8 */
            REQUIRE_OK(t, qn_image_resize(&k.arena, &p, 12, 6, &scaled, &k.err),
                       &k.err);
            CHECK(t, !memcmp(q.pixels, scaled.pixels + 9, 18));
        }
    }
    kit_done(t, &k);
}
