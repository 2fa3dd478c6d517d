/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_cells_synth.c - procedural pictures of cells: always the same, in every
 * mode with cells that are labelled 1 .. n, at any size. */
#include "engine/cells/synth.h"
#include "tests/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint64_t hash(uint64_t h, const void *p, size_t n)
{
    const uint8_t *x = p;
    for (size_t i = 0; i < n; i++)
        h = (h ^ x[i]) * UINT64_C(0x100000001b3);
    return h;
}

/* Of pixels and labels of one picture. */
static uint64_t hash_of(qn_test *t, const qn_synth_options *opt, int64_t index)
{
    qn_mem mem;
    qn_arena arena;
    qn_synth s;
    quern_error err;
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    if (CHECK_OK(t, qn_synth_make(opt, index, &arena, &s, &err), &err)) {
        const size_t n = (size_t)(opt->height * opt->width);
        h = hash(h, s.pixels, n * (size_t)s.channels);
        for (size_t i = 0; i < n; i++)
            h = hash(h, (uint8_t[]){(uint8_t)s.labels.at[i]}, 1);
    }
    qn_arena_done(&arena);
    return h;
}

/* The same on every machine: the default network is told to come of them. */
void test_synth_same(qn_test *t)
{
    static const uint64_t want[QN_N_SYNTH_MODES] = {
        0x8e8c572d228e6d6d, 0xba18e45a177629e5, 0x70e5b4d9585df361, 0xa2933971c5565683,
        0xc4b934431ffff965, 0xc170d7af994bfec2, 0x2d3dd7967010a196};
    for (int mode = 0; mode < QN_N_SYNTH_MODES; mode++) {
        const qn_synth_options opt = {96, 80, 17, mode, 1, 0};
        const uint64_t got = hash_of(t, &opt, 3);
        qn_note(t, "%s: %016llx", qn_synth_mode_name(mode, NULL),
                (unsigned long long)got);
        CHECK(t, got == want[mode]);
        CHECK(t, got == hash_of(t, &opt, 3));
        CHECK(t, got != hash_of(t, &opt, 4));
        CHECK(t, got != hash_of(t, &(qn_synth_options){96, 80, 17, mode, 2, 0}, 3));
    }
}

/* How much steeper pixels change from block to block than within. */
static double blockiness(const qn_synth *s, int64_t n)
{
    double across = 0, within = 0;
    const int64_t w = s->labels.width;
    for (int64_t i = 0; i + 1 < n; i++) {
        const int64_t x = i % w;
        const double d =
            abs(s->pixels[(i + 1) * s->channels] - s->pixels[i * s->channels]);
        if (x % 8 == 7 && x + 1 < w) across += d / (double)(w / 8 - 1);
        if (x % 8 == 3) within += d / (double)(w / 8);
    }
    return across / within;
}

/* Blocks of JPEG: in a share of the
 * pictures, over the same labels; pixels are
 * those of all or of none. */
void test_synth_jpeg(qn_test *t)
{
    int n_changed = 0;
    double most = 0, plain = 0;
    for (int64_t i = 0; i < 24; i++) {
        qn_mem mem;
        qn_arena arena;
        qn_synth s[3];
        quern_error err;
        const int64_t n = 96 * 83;
        static const double shares[] = {0, 0.5, 1};
        qn_mem_init(&mem, NULL, 0);
        qn_arena_init(&arena, &mem);
        for (int k = 0; k < 3; k++) {
            const qn_synth_options opt = {83, 96, 17, QN_SYNTH_MIXED, 5, shares[k]};
            REQUIRE_OK(t, qn_synth_make(&opt, i, &arena, &s[k], &err), &err);
            CHECK(t, !memcmp(s[k].labels.at, s[0].labels.at, (size_t)n * 4));
        }
        const size_t bytes = (size_t)(n * s[0].channels);
        const bool changed = memcmp(s[1].pixels, s[0].pixels, bytes) != 0;
        n_changed += changed;
        CHECK(t, memcmp(s[2].pixels, s[0].pixels, bytes) != 0);
        CHECK(t, !changed || !memcmp(s[1].pixels, s[2].pixels, bytes));
        most = fmax(most, blockiness(&s[2], n));
        plain = fmax(plain, blockiness(&s[0], n));
        qn_arena_done(&arena);
    }
    CHECK(t, n_changed > 4 && n_changed < 20);
    CHECK(t, plain < 1.4 && most > 1.8);
}

/* Labels are 1 .. n, none missing, and no cell is a sliver. */
static void check_labels(qn_test *t, const qn_synth *s, int64_t n)
{
    int64_t area[4096] = {0}, slivers = 0;
    REQUIRE(t, s->n < 4096);
    for (int64_t i = 0; i < n; i++)
        area[s->labels.at[i] < 4096 ? s->labels.at[i] : 0]++;
    CHECK_EQ(t, qn_labels_max(&s->labels), s->n);
    for (uint32_t k = 1; k <= s->n; k++)
        slivers += area[k] < 12;
    CHECK_EQ(t, slivers, 0);
}

void test_synth_modes(qn_test *t)
{
    static const int64_t sizes[][2] = {{160, 224}, {16, 16}, {16, 300}};
    for (int k = 0; k < 3 * QN_N_SYNTH_MODES; k++) {
        qn_mem mem;
        qn_arena arena;
        qn_synth s;
        quern_error err;
        const int mode = k / 3;
        const qn_synth_options opt = {sizes[k % 3][0], sizes[k % 3][1], 17, mode, 5, 0};
        const int64_t n = opt.height * opt.width;
        bool varies = false;
        qn_note(t, "%s, %lldx%lld", qn_synth_mode_name(mode, NULL),
                (long long)opt.width, (long long)opt.height);
        qn_mem_init(&mem, NULL, 0);
        qn_arena_init(&arena, &mem);
        if (CHECK_OK(t, qn_synth_make(&opt, k, &arena, &s, &err), &err)) {
            CHECK_EQ(t, s.mode, mode);
            check_labels(t, &s, n);
            for (int64_t i = 1; i < n * s.channels; i++)
                varies |= s.pixels[i] != s.pixels[0];
            CHECK(t, varies);
        }
        qn_arena_done(&arena);
    }
}

/* The mixture has all modes, and fluorescence the most. */
void test_synth_mixture(qn_test *t)
{
    int count[QN_N_SYNTH_MODES] = {0};
    for (int64_t i = 0; i < 200; i++) {
        qn_mem mem;
        qn_arena arena;
        qn_synth s;
        quern_error err;
        const qn_synth_options opt = {16, 16, 17, QN_SYNTH_MIXED, 9, 0};
        qn_mem_init(&mem, NULL, 0);
        qn_arena_init(&arena, &mem);
        if (CHECK_OK(t, qn_synth_make(&opt, i, &arena, &s, &err), &err))
            count[s.mode]++;
        qn_arena_done(&arena);
    }
    for (int mode = 0; mode < QN_N_SYNTH_MODES; mode++) {
        qn_note(t, "%s", qn_synth_mode_name(mode, NULL));
        CHECK(t, count[mode] > 0);
        CHECK(t, mode == 0 || count[mode] < count[0]);
    }
}

void test_synth_bad(qn_test *t)
{
    qn_mem mem;
    qn_arena arena;
    qn_synth s;
    quern_error err;
    int mode;
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    const qn_synth_options small = {15, 64, 17, 0, 1, 0},
                           wide = {64, 8193, 17, 0, 1, 0};
    const qn_synth_options tiny = {64, 64, 3.9, 0, 1, 0};
    CHECK_FAILS(t, qn_synth_make(&small, 0, &arena, &s, &err), QUERN_INVALID, &err,
                "64x15 pixels");
    CHECK_FAILS(t, qn_synth_make(&wide, 0, &arena, &s, &err), QUERN_INVALID, &err,
                "8193x64 pixels");
    CHECK_FAILS(t, qn_synth_make(&tiny, 0, &arena, &s, &err), QUERN_INVALID, &err,
                "cells of 3.9 pixels");
    CHECK(t, qn_synth_mode_find("ring", &mode) && mode == QN_SYNTH_RING);
    CHECK(t, qn_synth_mode_find("mixed", &mode) && mode == QN_SYNTH_MIXED);
    CHECK(t, !qn_synth_mode_find("rings", &mode));
    CHECK(t, !qn_synth_mode_name(QN_N_SYNTH_MODES, NULL));
    qn_arena_done(&arena);
}
