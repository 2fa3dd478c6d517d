/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_decode_planes.c - samples for measurement, read by another process: the
 * same as here, whatever the format and wherever the file ends; and answers that a
 * worker should not give. */
#include "tests/test.h"

#include "engine/os_spool.h"
#include "formats/buffer.h"
#include "formats/raster_parts.h"
#include "tools/decode.h"
#include "tools/decode_planes.h"

#include <stdio.h>
#include <string.h>

#define FOLDER "tests/data/raster/"

typedef struct kit {
    qn_test *t;
    qn_mem mem;
    qn_arena arena;
    qn_decode *decode;
    qn_raster_options here, there;
} kit;

static bool kit_init(kit *k, qn_test *t)
{
    quern_error err;
    const char *out;
    *k = (kit){.t = t};
    qn_mem_init(&k->mem, NULL, 0);
    qn_arena_init(&k->arena, &k->mem);
    const bool has_filter = qn_quern(t, "version --json", &out) == 0 &&
                            strstr(out, "\"sandbox\":\"full\"") != NULL;
    qn_decode_plan plan = qn_decode_usual(0, has_filter);
    if (!has_filter) plan.memory = 0; /* sanitizers need more than any limit */
    if (!CHECK_OK(t, qn_decode_start(&plan, &k->mem, &k->decode, &err), &err))
        return false;
    k->here = (qn_raster_options){.z_axis = -1, .channel_axis = -1};
    k->there = k->here;
    k->there.decoder = qn_decode_handle(k->decode);
    return true;
}

static void kit_done(kit *k)
{
    qn_decode_stop(k->decode);
    qn_arena_done(&k->arena);
    CHECK_EQ(k->t, (int64_t)k->mem.used, 0);
}

static void check_equal(qn_test *t, const qn_planes *a, const qn_planes *b)
{
    REQUIRE(t, a->dtype == b->dtype && a->depth == b->depth &&
                   a->channels == b->channels && a->height == b->height &&
                   a->width == b->width);
    CHECK(t, a->is_colour == b->is_colour && a->um_per_px == b->um_per_px &&
                 a->um_per_plane == b->um_per_plane);
    CHECK_EQ(t, a->data != NULL, b->data != NULL);
    const size_t n = (size_t)(a->depth * a->channels * a->height * a->width);
    if (a->data) CHECK(t, !memcmp(a->data, b->data, n * qn_dtype_size(a->dtype)));
}

/* Both ways end alike: the same samples, or the same sentence. */
static void check_both(kit *k, const char *name, const void *bytes, size_t n)
{
    qn_planes a, b;
    quern_error here = {0}, there = {0};
    qn_note(k->t, "%s, %zu bytes", name, n);
    const quern_status status =
        qn_raster_parse(&k->arena, bytes, n, &k->here, &a, &here);
    CHECK_EQ(k->t, qn_raster_parse(&k->arena, bytes, n, &k->there, &b, &there), status);
    if (status == QUERN_OK)
        check_equal(k->t, &a, &b);
    else
        CHECK_STR(k->t, there.text, here.text);
    qn_arena_reset(&k->arena);
}

void test_planes_same(qn_test *t)
{
    static const char *const files[] = {
        "gray1.png",      "u16.png",        "u16_interlaced.png",
        "u8_palette.png", "u8_rgb.png",     "u16.pgm",
        "u8_rgb.ppm",     "f16.tif",        "f32_deflate.tif",
        "f64.tif",        "i16.tif",        "u16_big.tif",
        "u16_imagej.tif", "u16_joined.tif", "u16_lzw.tif",
        "u16_ome.tif",    "u16_planar.tif", "u8_cm.tif",
        "u8_jpeg.tif",    "u8_pages.tif",   "u8_palette.tif",
        "u8_rgba.tif",    "u8_tiled.tif"};
    kit k;
    REQUIRE(t, kit_init(&k, t));
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[64];
        size_t n;
        snprintf(path, sizeof path, FOLDER "%s", files[i]);
        const char *bytes = qn_get_file(t, path, &n);
        REQUIRE(t, bytes != NULL);
        for (int shape = 1; shape >= 0; shape--) {
            k.here.shape_only = k.there.shape_only = shape != 0;
            check_both(&k, path, bytes, n);
        }
        for (size_t cut = 0; cut < n; cut += 1 + n / 25)
            check_both(&k, "cut", bytes, cut);
        k.here.max_pixels = k.there.max_pixels = 7;
        check_both(&k, "more pixels than 7", bytes, n);
        k.here.max_pixels = k.there.max_pixels = 0;
    }
    check_both(&k, "plain", "P3 2 1 9\n1 2 3 4 5 6", 21);
    check_both(&k, "plain, cut", "P3 2 1 9\n1 2 3 4 5", 19);
    check_both(&k, "10^9 pixels", "P5 1000000 1000 255\n123", 24);
    CHECK_EQ(t, qn_decode_count(k.decode), 1);
    kit_done(&k);
}

/* A picture that is mapped there, of many windows of the wire, and put into a file
 * here; which then is not what it was, or gone. */
void test_planes_mapped(qn_test *t)
{
    enum { W = 2500, H = 2000, HEAD = 17, CUT = 4500000 };
    static const char head[] = "P5 2500 2000 255\n";
    kit k;
    qn_spool spool;
    qn_planes a, b;
    quern_error err;
    uint8_t *file = qn_exact(t, HEAD + W * H);
    memcpy(file, head, HEAD);
    for (size_t i = HEAD; i < HEAD + W * H; i++)
        file[i] = (uint8_t)qn_test_random(t);
    const char *path = qn_temp(t, "large.pgm");
    qn_put_file(t, path, file, HEAD + W * H);
    REQUIRE(t, kit_init(&k, t));
    REQUIRE_OK(t, qn_raster_load(&k.arena, path, &k.here, &a, &err), &err);
    qn_arena far;
    qn_mem mem;
    qn_mem_init(&mem, NULL, 0);
    qn_spool_init(&spool, qn_temp(t, "."), 1 << 20);
    mem.spool = &spool;
    qn_arena_init(&far, &mem);
    REQUIRE_OK(t, qn_raster_load(&far, path, &k.there, &b, &err), &err);
    check_equal(t, &a, &b);
    qn_arena_done(&far);
    qn_put_file(t, path, file, CUT);
    k.there.max_pixels = 1000;
    CHECK_FAILS(t, qn_raster_load(&k.arena, path, &k.there, &b, &err), QUERN_FORMAT,
                &err, "large.pgm: 2500 x 2000 pixels do not fit the ");
    const qn_raster_file gone = {NULL, 5 << 20, qn_temp(t, "gone.pgm")};
    int orientation;
    CHECK_FAILS(t,
                k.there.decoder->read(k.there.decoder->ctx, &k.arena, &gone, &k.there,
                                      &b, &orientation, &err),
                QUERN_IO, &err, "the decoder cannot open it, or it has changed");
    CHECK_EQ(t, qn_decode_count(k.decode), 3);
    kit_done(&k);
}

/* ---- what a worker should not say ---- */

static bool nobody(void *ctx)
{
    (void)ctx;
    return false;
}

/* The answer in the window, as the asking side takes it. */
static bool take(qn_window *window, size_t fill, qn_arena *arena, quern_status *status)
{
    const qn_raster_options options = {.max_pixels = 10000};
    qn_wire wire = {
        .window = window, .mine = QN_TURN_CLIENT, .fill = fill, .wait = nobody};
    qn_planes planes;
    quern_error err;
    int orientation;
    bool is_left;
    return qn_planes_take(&wire, arena, &options, &planes, &orientation, status,
                          &is_left, &err);
}

/* Every byte of a good answer changed, and the answer cut behind it: no sense, another
 * sense, or a sentence. */
void test_planes_hostile(qn_test *t)
{
    static const char picture[] = "P6 3 2 255\nabcdefghijklmnopqr";
    const qn_planes_ask ask = {.z_axis = -1, .channel_axis = -1};
    qn_mem mem;
    qn_arena arena;
    quern_status status;
    int n_good = 0;
    qn_window *window = qn_exact(t, sizeof *window);
    memset(window, 0, sizeof *window);
    qn_wire wire = {.window = window, .mine = QN_TURN_WORKER, .wait = nobody};
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    mem.budget = 1 << 24;
    qn_planes_answer(&wire, &arena, picture, sizeof picture - 1, &ask, NULL);
    const size_t n = wire.at;
    REQUIRE(t, take(window, n, &arena, &status) && status == QUERN_OK);
    for (size_t i = 0; i < n; i++) {
        const uint8_t byte = window->data[i];
        CHECK(t, !take(window, i, &arena, &status));
        for (int k = 0; k < 4; k++) {
            window->data[i] = (uint8_t)(k < 3 ? byte ^ (1 << (3 * k)) : 255);
            n_good += take(window, n, &arena, &status) && status == QUERN_OK;
        }
        window->data[i] = byte;
        qn_arena_reset(&arena);
    }
    qn_note(t, "%d of %zu changes make sense", n_good, 4 * n);
    CHECK(t, n_good >= 18 && n_good < (int)n * 3);
    qn_arena_done(&arena);
}
