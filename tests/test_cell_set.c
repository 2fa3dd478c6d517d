/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_cell_set.c - pairs of pictures and labels: found, refused, divided; and
 * the windows that training sees of them. */
#include "engine/cells/flows.h"
#include "formats/cell_batches.h"
#include "formats/label_file.h"
#include "formats/png_write.h"
#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 96, CELL = 12, GRID = SIDE / 16 };

typedef struct cell_kit {
    qn_mem mem;
    qn_arena arena;
    qn_cell_set set;
} cell_kit;

static void begin(cell_kit *k)
{
    qn_mem_init(&k->mem, NULL, 0);
    qn_arena_init(&k->arena, &k->mem);
    qn_cell_set_init(&k->set, &k->mem, &k->arena);
}

/* A picture of n bright squares in rows, and its labels unless NULL; by its kind of
 * seed the ground differs, so that no two look alike. */
static void put_pair(qn_test *t, const char *picture, const char *labels, int n,
                     int side)
{
    char made[4200], base[4096];
    qn_mem mem;
    qn_arena arena;
    qn_labels l;
    quern_error err;
    uint8_t *p = qn_exact(t, SIDE * SIDE);
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    CHECK_OK(t, qn_labels_init(&arena, side, side, &l, &err), &err);
    for (int i = 0; i < SIDE * SIDE; i++)
        p[i] = (uint8_t)qn_test_int(t, 0, 60);
    for (int k = 0; k < n; k++)
        for (int i = 0; i < CELL * CELL; i++) {
            const int y = k / GRID * 16 + i / CELL, x = k % GRID * 16 + i % CELL;
            p[y * SIDE + x] = (uint8_t)(150 + p[y * SIDE + x]);
            if (y < side && x < side) l.at[y * side + x] = (uint32_t)k + 1;
        }
    const qn_png png = {SIDE, SIDE, 1, 8, p};
    CHECK_OK(t, qn_png_save(&mem, qn_temp(t, picture), &png, &err), &err);
    if (labels) {
        snprintf(base, sizeof base, "%s", qn_temp(t, labels));
        CHECK_OK(t, qn_label_file_save(&mem, base, &l, made, sizeof made, &err), &err);
    }
    qn_arena_done(&arena);
}

static const qn_cell_item *find(const qn_cell_set *set, const char *name)
{
    for (int64_t i = 0; i < set->n; i++)
        if (strcmp(set->items[i].name, name) == 0) return &set->items[i];
    return NULL;
}

static const qn_cell_reject *rejected(const qn_cell_set *set, const char *name)
{
    for (int64_t i = 0; i < set->n_rejects; i++)
        if (strcmp(set->rejects[i].name, name) == 0) return &set->rejects[i];
    return NULL;
}

/* Bad pairs are told with their reasons, the good ones taken. */
void test_cell_set_pairs(qn_test *t)
{
    cell_kit k;
    quern_error err;
    put_pair(t, "good.png", "good_masks", 20, SIDE);
    put_pair(t, "other.png", "other_cp_masks", 9, SIDE);
    put_pair(t, "alone.png", NULL, 9, SIDE);
    put_pair(t, "small.png", "small_masks", 9, SIDE - 16);
    put_pair(t, "few.png", "few_masks", 4, SIDE);
    qn_put_file(t, qn_temp(t, "broken.png"), "\x89PNG\r\n\x1a\n", 8);
    put_pair(t, "x.png", "broken_masks", 9, SIDE);
    remove(qn_temp(t, "x.png"));
    begin(&k);
    CHECK_OK(t, qn_cell_set_folder(&k.set, qn_temp(t, "."), NULL, NULL, &err), &err);
    CHECK_EQ(t, k.set.n, 2);
    CHECK_EQ(t, k.set.n_rejects, 4);
    const qn_cell_item *good = find(&k.set, "good");
    REQUIRE(t, good && find(&k.set, "other"));
    CHECK_EQ(t, good->n, 20);
    CHECK_WITHIN(t, good->diameter, 2 * CELL / sqrt(3.14159265358979), 1e-9);
    CHECK(t, good->low[0] < 5 && good->high[0] > 180 && !good->plane[1]);
    const qn_cell_reject *alone = rejected(&k.set, "alone.png");
    const qn_cell_reject *small = rejected(&k.set, "small.png");
    const qn_cell_reject *few = rejected(&k.set, "few.png");
    REQUIRE(t, alone && small && few && rejected(&k.set, "broken.png"));
    CHECK_HAS(t, alone->reason, "no labels");
    CHECK_HAS(t, small->reason, "96x96 pixels, its labels 80x80");
    CHECK_HAS(t, few->reason, "4 cells; 5 are the fewest");
    CHECK(t, alone->is_bad && small->is_bad && !few->is_bad);
    qn_arena_done(&k.arena);
}

void test_cell_set_folders(qn_test *t)
{
    cell_kit k;
    quern_error err;
    char line[8400];
    snprintf(line, sizeof line, "mkdir -p %s/images %s/labels", qn_temp(t, "d"),
             qn_temp(t, "d"));
    CHECK_EQ(t, qn_shell(t, line, NULL), 0);
    put_pair(t, "d/images/a.png", "d/labels/a", 12, SIDE);
    put_pair(t, "d/images/ab.png", "d/labels/ab_masks", 7, SIDE);
    begin(&k);
    CHECK_OK(t, qn_cell_set_folder(&k.set, qn_temp(t, "d"), NULL, NULL, &err), &err);
    REQUIRE(t, find(&k.set, "a") && find(&k.set, "ab"));
    CHECK_EQ(t, find(&k.set, "a")->n, 12);
    CHECK_EQ(t, find(&k.set, "ab")->n, 7);
    CHECK(t, qn_cell_set_folder(&k.set, qn_temp(t, "none"), NULL, NULL, &err) != 0);
    qn_arena_done(&k.arena);
}

/* Equal pictures stay together under any seed; parts have about their shares. */
void test_cell_set_divide(qn_test *t)
{
    cell_kit k;
    quern_error err;
    begin(&k);
    const qn_synth_options opt = {32, 32, 10, QN_SYNTH_FLUORESCENCE, 4, 0};
    CHECK_OK(t, qn_cell_set_synth(&k.set, &opt, 300, NULL, NULL, &err), &err);
    const int64_t n = k.set.n / 2;
    REQUIRE(t, n > 20);
    for (int64_t i = 0; i < k.set.n; i++)
        k.set.items[i].is_synthetic = false;
    for (int64_t i = 0; i < n; i++) /* the second half looks like the first */
        k.set.items[n + i].look = k.set.items[i].look ^ 3;
    for (uint64_t seed = 0; seed < 3; seed++) {
        int64_t count[3] = {0}, apart = 0;
        CHECK_OK(t, qn_cell_set_divide(&k.set, seed, 0.2, 0.3, &err), &err);
        for (int64_t i = 0; i < n; i++) {
            apart += k.set.items[i].part != k.set.items[n + i].part;
            count[k.set.items[i].part]++;
        }
        CHECK_EQ(t, apart, 0);
        CHECK(t, count[QN_CELLS_TRAIN] > 0 && count[QN_CELLS_TEST] > 0);
    }
    qn_arena_done(&k.arena);
}

/* ---- windows ---- */

/* Flows lead into cells: unit vectors inside, nothing outside, and the same batch comes
 * whenever it is asked for. */
void test_cell_batches_same(qn_test *t)
{
    enum { CROP = 64, N = 2, PIXELS = CROP * CROP };
    cell_kit k;
    quern_error err;
    qn_batches *b = NULL;
    qn_batch one;
    begin(&k);
    const qn_synth_options opt = {96, 128, 17, QN_SYNTH_MIXED, 4, 0};
    CHECK_OK(t, qn_cell_set_synth(&k.set, &opt, 9, NULL, NULL, &err), &err);
    CHECK_OK(t, qn_cell_set_divide(&k.set, 1, 0, 0, &err), &err);
    const qn_cell_batches_options how = {&k.set, N, CROP, 17, 3};
    REQUIRE_OK(t, qn_cell_batches(&k.mem, &how, &b, &err), &err);
    REQUIRE_OK(t, b->get(b, 2, 1, &one, &err), &err);
    float *x = qn_exact(t, N * 2 * PIXELS * sizeof *x);
    float *y = qn_exact(t, N * 3 * PIXELS * sizeof *y);
    memcpy(x, one.pixels, N * 2 * PIXELS * sizeof *x);
    memcpy(y, one.target, N * 3 * PIXELS * sizeof *y);
    int64_t bad = 0, cells = 0;
    for (int64_t i = 0; i < N * PIXELS; i++) {
        const float *at = y + i / PIXELS * 3 * PIXELS + i % PIXELS;
        const double length = hypot((double)at[0], (double)at[PIXELS]);
        const bool in = at[2 * PIXELS] != 0;
        cells += in;
        bad += in ? length > 1e-3 && fabs(length - 1) > 1e-3 : length != 0;
    }
    CHECK_EQ(t, bad, 0);
    CHECK(t, cells > PIXELS / 50);
    REQUIRE_OK(t, b->get(b, 0, 0, &one, &err), &err);
    CHECK(t, memcmp(x, one.pixels, N * 2 * PIXELS * sizeof *x) != 0);
    REQUIRE_OK(t, b->get(b, 2, 1, &one, &err), &err);
    CHECK(t, memcmp(x, one.pixels, N * 2 * PIXELS * sizeof *x) == 0);
    CHECK(t, memcmp(y, one.target, N * 3 * PIXELS * sizeof *y) == 0);
    b->free(b);
    qn_arena_done(&k.arena);
}

/* The window as it is: cells have the size that was asked for. */
void test_cell_view_scale(qn_test *t)
{
    cell_kit k;
    quern_error err;
    qn_cells cells;
    begin(&k);
    put_pair(t, "p.png", "p_masks", 36, SIDE);
    CHECK_OK(t, qn_cell_set_folder(&k.set, qn_temp(t, "."), NULL, NULL, &err), &err);
    REQUIRE(t, k.set.n == 1);
    for (double diameter = 8; diameter < 40; diameter *= 2) {
        float *planes;
        double seen;
        qn_labels labels;
        CHECK_OK(
            t,
            qn_cell_view(k.set.items, diameter, 64, &k.arena, &planes, &labels, &err),
            &err);
        CHECK_OK(t, qn_labels_drop_border(&labels, 36, &k.arena, &err), &err);
        CHECK_OK(t, qn_labels_survey(&labels, 36, &k.arena, &cells, &err), &err);
        CHECK_OK(t, qn_cells_diameter(&cells, &k.arena, &seen, &err), &err);
        CHECK_WITHIN(t, seen, diameter, 0.08 * diameter);
        CHECK(t, planes[64 * 64] == 0); /* one channel only */
    }
    qn_arena_done(&k.arena);
}
