/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_large_pictures.c - what is too large for memory lies in files: blocks of
 * the spool, arenas on it, pictures read, segmented and written through it; and more
 * cells than a 16-bit picture of labels holds. */
#include "tests/test.h"

#include "engine/cells/agreement.h"
#include "engine/cells/dynamics.h"
#include "engine/cells/measure.h"
#include "engine/os_spool.h"
#include "formats/cells_out.h"
#include "formats/label_file.h"
#include "formats/png_read.h"
#include "formats/png_write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct bench {
    qn_mem mem;
    qn_spool spool;
    qn_arena arena;
    quern_error err;
} bench;

static void begin(qn_test *t, bench *b, size_t least)
{
    *b = (bench){.err = {.status = QUERN_OK}};
    qn_mem_init(&b->mem, NULL, 0);
    qn_spool_init(&b->spool, qn_temp(t, "."), least);
    b->mem.spool = &b->spool;
    qn_arena_init(&b->arena, &b->mem);
}

static int64_t n_blocks(const bench *b)
{
    int64_t n = 0;
    for (int i = 0; i < QN_SPOOL_BLOCKS; i++)
        n += b->spool.block[i].base != NULL;
    return n;
}

static bool is_all(const uint8_t *p, size_t n, uint8_t value)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != value) return false;
    return true;
}

/* Zeros at first, what was written afterwards, also when it left memory; small blocks
 * stay on the heap and alone count. */
void test_spool_blocks(qn_test *t)
{
    enum { LARGE = 1 << 20 };
    bench b;
    void *p, *q, *small;
    begin(t, &b, LARGE);
    b.mem.budget = 1000;
    REQUIRE_OK(t, qn_mem_alloc(&b.mem, LARGE, &p, &b.err), &b.err);
    REQUIRE_OK(t, qn_mem_alloc(&b.mem, LARGE + 77, &q, &b.err), &b.err);
    REQUIRE_OK(t, qn_mem_alloc(&b.mem, 500, &small, &b.err), &b.err);
    CHECK_EQ(t, n_blocks(&b), 2);
    CHECK_EQ(t, (int64_t)b.mem.used, 500);
    CHECK_FAILS(t, qn_mem_alloc(&b.mem, LARGE - 1, &(void *){NULL}, &b.err),
                QUERN_LIMIT, &b.err, "of a budget of 1000");
    CHECK(t, is_all(p, LARGE, 0) && is_all(q, LARGE + 77, 0));
    memset(p, 7, LARGE);
    memset(q, 9, LARGE + 77);
    for (int i = 0; i < 5; i++)
        qn_mem_passed(&b.mem, QN_SPOOL_PASSED - 1);
    CHECK(t, is_all(p, LARGE, 7) && is_all(q, LARGE + 77, 9));
    qn_mem_free(&b.mem, p, LARGE);
    qn_mem_free(&b.mem, small, 500);
    CHECK_EQ(t, n_blocks(&b), 1);
    qn_mem_free(&b.mem, q, LARGE + 77);
    CHECK_EQ(t, n_blocks(&b), 0);
    CHECK_EQ(t, (int64_t)b.mem.used, 0);
    const char *names = "";
    char command[700];
    snprintf(command, sizeof command, "ls -A '%s'", qn_temp(t, "."));
    qn_shell(t, command, &names);
    CHECK_STR(t, names, ""); /* no file has a name */
}

/* Arenas promise zeros: of a chunk that was used before as well. */
void test_spool_arena(qn_test *t)
{
    enum { LARGE = 1 << 18 };
    bench b;
    void *p;
    begin(t, &b, LARGE);
    for (int round = 0; round < 3; round++) {
        REQUIRE_OK(t, qn_arena_raw(&b.arena, LARGE / 4, &p, &b.err), &b.err);
        memset(p, 1, LARGE / 4);
        REQUIRE_OK(t, qn_arena_raw(&b.arena, (size_t)LARGE * (1 + round), &p, &b.err),
                   &b.err);
        memset(p, 2, (size_t)LARGE * (1 + round));
        REQUIRE_OK(t, qn_arena_alloc(&b.arena, LARGE * 3, &p, &b.err), &b.err);
        CHECK(t, is_all(p, LARGE * 3, 0));
        memset(p, 3, LARGE * 3);
        qn_arena_reset(&b.arena);
    }
    qn_arena_done(&b.arena);
    CHECK_EQ(t, n_blocks(&b), 0);
}

/* No room is an error when the block is made, not a signal when it is used. */
void test_spool_no_room(qn_test *t)
{
    bench b;
    void *p[QN_SPOOL_BLOCKS + 1];
    begin(t, &b, 4096);
    CHECK_FAILS(t, qn_mem_alloc(&b.mem, (size_t)1 << 60, &p[0], &b.err), QUERN_IO,
                &b.err, "cannot put 1152921504606846976 bytes of work there: ");
    for (int i = 0; i < QN_SPOOL_BLOCKS; i++)
        REQUIRE_OK(t, qn_mem_alloc(&b.mem, 4096, &p[i], &b.err), &b.err);
    CHECK_FAILS(t, qn_mem_alloc(&b.mem, 4096, &p[QN_SPOOL_BLOCKS], &b.err),
                QUERN_MEMORY, &b.err, "more than 32 blocks");
    for (int i = 0; i < QN_SPOOL_BLOCKS; i++)
        qn_mem_free(&b.mem, p[i], 4096);
    b.spool.folder = "/nowhere/at/all";
    CHECK_FAILS(t, qn_mem_alloc(&b.mem, 4096, &p[0], &b.err), QUERN_IO, &b.err,
                "/nowhere/at/all: cannot put 4096 bytes of work there: No such file");
    CHECK_EQ(t, (int64_t)b.mem.used, 0);
}

/* Rows longer than what is unpacked at a time, and data in many chunks. */
void test_png_long_rows(qn_test *t)
{
    enum { WIDE = 300000, HIGH = 3 };
    bench b;
    qn_buf file;
    qn_png_samples back;
    uint16_t *pixels = qn_exact(t, WIDE * HIGH * sizeof *pixels);
    begin(t, &b, SIZE_MAX);
    for (size_t i = 0; i < WIDE * HIGH; i++)
        pixels[i] = (uint16_t)qn_test_random(t);
    qn_buf_init(&file, &b.mem);
    const qn_png png = {WIDE, HIGH, 1, 16, pixels};
    const quern_status status = qn_png_write(&file, &png, &b.err);
    if (status == QUERN_UNSUPPORTED) {
        qn_skip(t, "this build has no zlib");
        return;
    }
    REQUIRE_OK(t, status, &b.err);
    REQUIRE_OK(t, qn_png_read(&b.arena, file.p, file.n, false, &back, &b.err), &b.err);
    CHECK(t, back.width == WIDE && back.height == HIGH && back.bits == 16);
    CHECK(t, !memcmp(back.samples, pixels, WIDE * HIGH * sizeof *pixels));
    REQUIRE_OK(t, qn_png_shape(file.p, file.n, false, &back, &b.err), &b.err);
    CHECK(t, back.width == WIDE && back.height == HIGH && back.samples == NULL);
    qn_buf_done(&file);
    qn_arena_done(&b.arena);
}

/* ---- very many cells ------------------------------------------------------------ */

/* Cells of 5 x 5 pixels side by side. */
static void lay_cells(qn_labels *l, int64_t per_row)
{
    for (int64_t y = 0; y < l->height; y++)
        for (int64_t x = 0; x < l->width; x++)
            l->at[y * l->width + x] = (uint32_t)(y / 5 * per_row + x / 5 + 1);
}

/* QN_CELLS is their number a side; a million is for `make test-long`. */
static int64_t cells_a_side(void)
{
    const char *text = getenv("QN_CELLS");
    const int64_t n = text ? atoll(text) : 0;
    return n > 0 ? n : 300;
}

/* Labels, their flows, the way back, measurements, a table, a file and its contents:
 * all in time that grows with the pixels only. */
void test_cells_by_the_million(qn_test *t)
{
    const int64_t side = cells_a_side(), n = side * side;
    const size_t pixels = (size_t)(25 * n);
    const double begun = qn_effort();
    bench b;
    qn_labels truth, found, back;
    void *flows, *logits;
    begin(t, &b, SIZE_MAX);
    REQUIRE_OK(t, qn_labels_init(&b.arena, 5 * side, 5 * side, &truth, &b.err), &b.err);
    lay_cells(&truth, side);
    REQUIRE_OK(t, qn_arena_array(&b.arena, pixels, 2 * sizeof(float), &flows, &b.err),
               &b.err);
    REQUIRE_OK(t, qn_arena_array(&b.arena, pixels, sizeof(float), &logits, &b.err),
               &b.err);
    float *dy = flows, *dx = dy + pixels, *logit = logits;
    REQUIRE_OK(t, qn_labels_flows(&truth, (uint32_t)n, NULL, &b.arena, dy, dx, &b.err),
               &b.err);
    for (size_t i = 0; i < 2 * pixels; i++)
        dy[i] *= QN_FLOW_SCALE;
    for (size_t i = 0; i < pixels; i++)
        logit[i] = 5;
    const qn_flow_field field = {truth.height, truth.width, dy, dx, logit};
    const qn_dynamics_options usual = QN_DYNAMICS_DEFAULT;
    REQUIRE_OK(t,
               qn_dynamics_labels(&field, &usual, NULL, &b.arena, &found, NULL, &b.err),
               &b.err);
    CHECK_EQ(t, qn_labels_max(&found), n);
    CHECK(t, !memcmp(found.at, truth.at, pixels * sizeof *truth.at));
    char path[700], base[600];
    snprintf(base, sizeof base, "%s", qn_temp(t, "many"));
    REQUIRE_OK(t, qn_label_file_save(&b.mem, base, &found, path, sizeof path, &b.err),
               &b.err);
    CHECK_HAS(t, path, n > 65535 ? "many.tif" : "many.png");
    REQUIRE_OK(t, qn_label_file_read(&b.arena, path, 0, &back, &b.err), &b.err);
    CHECK(t, !memcmp(back.at, truth.at, pixels * sizeof *truth.at));
    qn_runs runs;
    qn_measures measures;
    const qn_measure_options near = {.near = QN_MEASURE_NEAR};
    const qn_segmented seg = {.depth = 1,
                              .height = truth.height,
                              .width = truth.width,
                              .labels = found.at,
                              .n_labels = n};
    REQUIRE_OK(t, qn_runs_make(&found, (uint32_t)n, false, &b.arena, &runs, &b.err),
               &b.err);
    REQUIRE_OK(t, qn_measure(&seg, 0, &runs, &near, NULL, &b.arena, &measures, &b.err),
               &b.err);
    CHECK_EQ(t, measures.census.n, n);
    CHECK_WITHIN(t, measures.census.area_sd, 0, 0);
    CHECK_EQ(t, measures.cell[side + 1].n_touching, 8);
    const qn_cells_out c = {.image = "many",
                            .seg = &seg,
                            .runs = &runs,
                            .measures = &measures,
                            .outline_rgb = -1,
                            .mem = &b.mem};
    static qn_cells_write_fn *const writers[] = {qn_cells_csv, qn_cells_coco,
                                                 qn_cells_roi_zip, qn_cells_geojson,
                                                 qn_cells_outlines_text};
    for (int i = 0; i < 5; i++) {
        qn_buf out;
        qn_buf_init(&out, &b.mem);
        CHECK_OK(t, writers[i](&c, &out, &b.err), &b.err);
        CHECK(t, out.n > (size_t)n * 30);
        qn_buf_done(&out);
    }
    qn_arena_done(&b.arena);
    qn_note(t, "%.1f s for %lld cells", qn_effort() - begun, (long long)n);
    if (qn_is_release(t)) CHECK(t, qn_effort() - begun < 2 + 60e-6 * (double)n);
}
