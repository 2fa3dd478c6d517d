/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_raster.c - pictures in every form of tests/zoo/make_rasters.py: each holds
 * samples that a formula gives, so what is read is what was measured. */
#include "tests/test.h"

#include "formats/files.h"
#include "formats/plugin.h"
#include "formats/raster.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER "tests/data/raster/"

typedef struct form {
    const char *file;
    quern_dtype dtype;
    int depth, channels;
    double times, plus; /* sample = times * (40 z + 20 c + 5 y + x) + plus */
    double tolerance, um, um_plane;
} form;

/* clang-format off */
static const form forms[] = {
    {"u8.tif", QUERN_UINT8, 1, 1, 1, 0, 0, 0, 0},
    {"u16.tif", QUERN_UINT16, 1, 1, 257, 0, 0, 0, 0},
    {"i16.tif", QUERN_FLOAT, 1, 1, 1, -100, 0, 0, 0},
    {"i8.tif", QUERN_FLOAT, 1, 1, 1, -50, 0, 0, 0},
    {"u32.tif", QUERN_FLOAT, 1, 1, 1000, 0, 0, 0, 0},
    {"f16.tif", QUERN_FLOAT, 1, 1, 0.5, -3, 0, 0, 0},
    {"f32.tif", QUERN_FLOAT, 1, 1, 0.5, -3, 0, 0, 0},
    {"f64.tif", QUERN_FLOAT, 1, 1, 0.5, -3, 0, 0, 0},
    {"u16_big.tif", QUERN_UINT16, 1, 1, 257, 0, 0, 0, 0},
    {"u16_bigtiff.tif", QUERN_UINT16, 1, 1, 257, 0, 0, 0, 0},
    {"u16_lzw.tif", QUERN_UINT16, 1, 1, 257, 0, 0, 0, 0},
    {"u16_zstd.tif", QUERN_UINT16, 1, 1, 257, 0, 0, 0, 0},
    {"f32_deflate.tif", QUERN_FLOAT, 1, 1, 0.5, -3, 0, 0, 0},
    {"u8_packbits.tif", QUERN_UINT8, 1, 1, 1, 0, 0, 0, 0},
    {"u8_jpeg.tif", QUERN_UINT8, 1, 1, 1, 0, 2, 0, 0},
    {"u8_tiled.tif", QUERN_UINT8, 1, 1, 1, 0, 0, 0, 0},
    {"u8_rgb.tif", QUERN_UINT8, 1, 3, 1, 0, 0, 0, 0},
    {"u8_rgba.tif", QUERN_UINT8, 1, 3, 1, 0, 0, 0, 0},
    {"u16_planar.tif", QUERN_UINT16, 1, 3, 257, 0, 0, 0, 0},
    {"u8_palette.tif", QUERN_UINT8, 1, 3, 1, 0, 0, 0, 0},
    {"u16_ome.tif", QUERN_UINT16, 3, 2, 257, 0, 0, 0.5, 2},
    {"u16_imagej.tif", QUERN_UINT16, 3, 2, 257, 0, 0, 0.25, 2},
    {"u16_joined.tif", QUERN_UINT16, 3, 2, 257, 0, 0, 0.25, 2},
    {"u8_cm.tif", QUERN_UINT8, 1, 1, 1, 0, 0, 0.5, 0},
    {"u16.png", QUERN_UINT16, 1, 1, 257, 0, 0, 0, 0},
    {"u16_interlaced.png", QUERN_UINT16, 1, 1, 257, 0, 0, 0, 0},
    {"u8_rgb.png", QUERN_UINT8, 1, 3, 1, 0, 0, 0, 0},
    {"u8_rgba.png", QUERN_UINT8, 1, 3, 1, 0, 0, 0, 0},
    {"u8_palette.png", QUERN_UINT8, 1, 3, 1, 0, 0, 0, 0},
    {"u16.pgm", QUERN_UINT16, 1, 1, 257, 0, 0, 0, 0},
    {"u8_rgb.ppm", QUERN_UINT8, 1, 3, 1, 0, 0, 0, 0},
};
/* clang-format on */
enum { N_FORMS = sizeof forms / sizeof forms[0], H = 9, W = 13 };

static bool has_tiff(void)
{
    char path[QN_PATH_MAX];
    return qn_plugin_find("tiff", path);
}

static double sample(const qn_planes *p, int64_t z, int64_t c, int64_t i)
{
    const void *at = qn_planes_channel(p, z, c);
    if (p->dtype == QUERN_FLOAT) return (double)((const float *)at)[i];
    return p->dtype == QUERN_UINT16 ? ((const uint16_t *)at)[i]
                                    : ((const uint8_t *)at)[i];
}

static double worst(const qn_planes *p, const form *f)
{
    double worst = 0;
    for (int z = 0; z < f->depth; z++)
        for (int c = 0; c < f->channels; c++)
            for (int i = 0; i < H * W; i++) {
                const double v = 40 * z + 20 * c + 5 * (i / W) + i % W;
                const double want = f->tolerance < 0 ? v : f->times * v + f->plus;
                worst = fmax(worst, fabs(sample(p, z, c, i) - want));
            }
    return worst;
}

static void check_form(qn_test *t, const form *f, qn_arena *arena)
{
    char path[256];
    qn_planes p;
    quern_error err = {.status = QUERN_OK};
    snprintf(path, sizeof path, FOLDER "%s", f->file);
    qn_note(t, "%s", f->file);
    REQUIRE_OK(t, qn_raster_load(arena, path, NULL, &p, &err), &err);
    CHECK_EQ(t, p.dtype, f->dtype);
    CHECK_EQ(t, p.depth, f->depth);
    CHECK_EQ(t, p.channels, f->channels);
    CHECK_EQ(t, p.height, H);
    REQUIRE(t, p.width == W && p.depth == f->depth && p.channels == f->channels);
    if (strcmp(f->file, "i8.tif") != 0) /* its numbers wrap at 100 */
        CHECK_WITHIN(t, worst(&p, f), 0, f->tolerance);
    CHECK_WITHIN(t, p.um_per_px, f->um, 1e-9);
    CHECK_WITHIN(t, p.um_per_plane, f->um_plane, 1e-9);
}

void test_raster_forms(qn_test *t)
{
    qn_mem mem;
    qn_arena arena;
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    for (int i = 0; i < N_FORMS; i++)
        if (has_tiff() || !strstr(forms[i].file, ".tif"))
            check_form(t, &forms[i], &arena);
    qn_arena_done(&arena);
    CHECK_EQ(t, mem.used, 0);
}

void test_raster_axes(qn_test *t)
{
    qn_mem mem;
    qn_arena arena;
    qn_planes p;
    quern_error err = {.status = QUERN_OK};
    qn_raster_options o = {.z_axis = -1, .channel_axis = -1};
    if (!has_tiff()) {
        qn_skip(t, "there is no quern-tiff.so");
        return;
    }
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    CHECK_OK(t, qn_raster_load(&arena, FOLDER "u8_pages.tif", &o, &p, &err), &err);
    CHECK_EQ(t, p.channels, 3); /* fewer than 10 pages */
    CHECK_EQ(t, p.depth, 1);
    o.z_axis = 0;
    CHECK_OK(t, qn_raster_load(&arena, FOLDER "u8_pages.tif", &o, &p, &err), &err);
    CHECK_EQ(t, p.channels, 1);
    CHECK_EQ(t, p.depth, 3);
    CHECK_WITHIN(t, sample(&p, 2, 0, W + 1), 86, 0);
    o.z_axis = 1;
    CHECK_FAILS(t, qn_raster_load(&arena, FOLDER "u8_pages.tif", &o, &p, &err),
                QUERN_INVALID, &err, "axis 1 cannot be z");
    o = (qn_raster_options){.z_axis = -1, .channel_axis = 1};
    CHECK_FAILS(t, qn_raster_load(&arena, FOLDER "u8_rgb.tif", &o, &p, &err),
                QUERN_INVALID, &err, "axis 1 cannot be channels");
    o.channel_axis = 2;
    CHECK_OK(t, qn_raster_load(&arena, FOLDER "u8_rgb.tif", &o, &p, &err), &err);
    qn_arena_done(&arena);
}

/* Bytes of a file in a block of exactly n bytes. */
static void *exact_file(qn_test *t, const char *name, size_t *n)
{
    char path[256];
    snprintf(path, sizeof path, FOLDER "%s", name);
    const char *bytes = qn_get_file(t, path, n);
    void *copy = bytes ? qn_exact(t, *n) : NULL;
    if (copy) memcpy(copy, bytes, *n);
    return copy;
}

/* Cut anywhere, a file is refused with a sentence, or what is left is the picture. */
void test_raster_cut(qn_test *t)
{
    qn_mem mem;
    qn_mem_init(&mem, NULL, (size_t)64 << 20);
    for (int i = 0; i < N_FORMS; i++) {
        size_t n = 0;
        if (!has_tiff() && strstr(forms[i].file, ".tif")) continue;
        const uint8_t *bytes = exact_file(t, forms[i].file, &n);
        REQUIRE(t, bytes != NULL);
        int n_read = 0;
        for (size_t cut = 0; cut < n; cut++) {
            qn_arena arena;
            qn_planes p;
            quern_error err = {.status = QUERN_OK};
            uint8_t *part = malloc(cut ? cut : 1);
            memcpy(part, bytes, cut);
            qn_arena_init(&arena, &mem);
            if (qn_raster_parse(&arena, part, cut, NULL, &p, &err) == QUERN_OK)
                n_read++;
            else if (!err.text[0])
                CHECK(t, !"a failure without a sentence");
            qn_arena_done(&arena);
            free(part);
        }
        qn_note(t, "%s", forms[i].file);
        CHECK(t, n_read < (int)n / 2); /* notes behind the pixels */
    }
    CHECK_EQ(t, mem.used, 0);
}

static void refuses(qn_test *t, void *bytes, size_t n, quern_status status,
                    const char *part)
{
    qn_mem mem;
    qn_arena arena;
    qn_planes p;
    quern_error err = {.status = QUERN_OK};
    qn_mem_init(&mem, NULL, (size_t)64 << 20);
    qn_arena_init(&arena, &mem);
    CHECK_FAILS(t, qn_raster_parse(&arena, bytes, n, NULL, &p, &err), status, &err,
                part);
    qn_arena_done(&arena);
    CHECK(t, mem.peak < (size_t)1 << 20);
}

void test_raster_bad(qn_test *t)
{
    size_t n;
    uint8_t *b = exact_file(t, "u16.png", &n);
    REQUIRE(t, b != NULL);
    b[16] = 0x3b; /* 10^9 pixels wide */
    refuses(t, b, n, QUERN_LIMIT, "pixels are more than");
    b[16] = 0;
    b[18] = 0xff; /* 65 thousand */
    refuses(t, b, n, QUERN_FORMAT, "needs more than its");
    refuses(t, "P5 1000000000 1 255\n", 20, QUERN_FORMAT, "has no width");
    refuses(t, "P5 99999 99999 255\n", 19, QUERN_FORMAT, "do not fit");
    refuses(t, "P5 3 3 99999\n", 13, QUERN_FORMAT, "a PNM depth");
    refuses(t, "P2 2 1 9\n3 11\n", 14, QUERN_FORMAT, "no number up to 9");
    refuses(t, "RIFFWEBP", 8, QUERN_FORMAT, "it is no TIFF");
    refuses(t, "", 0, QUERN_FORMAT, "it is no TIFF");
    if (!has_tiff()) return;
    b = exact_file(t, "f32.tif", &n);
    const float nan = NAN;
    memcpy(b + n - 4, &nan, 4);
    refuses(t, b, n, QUERN_DATA,
            "1 of 117 samples are no finite numbers, the first at "
            "row 8, column 12 of plane 0");
    b = exact_file(t, "u8.tif", &n);
    for (size_t i = 8; i + 12 < n; i++)
        if (b[i] == 0 && b[i + 1] == 1 && b[i + 2] <= 4 && b[i + 3] == 0) { /* width */
            b[i + 2] = 4;
            memcpy(b + i + 8, "\x00\xca\x9a\x3b", 4); /* 10^9 */
            break;
        }
    refuses(t, b, n, QUERN_FORMAT, "cannot be in a file");
    refuses(t, "MM\0*\0\0\0\x08\0\0\0\0\0", 13, QUERN_FORMAT, "TIFF");
}
