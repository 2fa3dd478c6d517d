/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_contact_sheet.c - where the pictures of a sheet lie, enlarged and shrunk,
 * with a border and without. */
#include "tests/test.h"

#include "formats/contact_sheet.h"

#include <string.h>

static const uint8_t *pixel(const qn_image *p, int x, int y)
{
    return p->pixels + (size_t)p->channels * ((size_t)y * (size_t)p->width + (size_t)x);
}

static bool is_gray(const uint8_t *p, int value)
{
    return p[0] == value && p[1] == value && p[2] == value;
}

void test_contact_sheet(qn_test *t)
{
    static const uint8_t red[3] = {255, 0, 0};
    const qn_sheet_style style = {.columns = 2, .cell = 10, .border = 1, .gap = 2};
    uint8_t small[] = {50, 60}, large[40 * 20];
    const qn_image two = {2, 1, 1, small}, wide = {40, 20, 1, large};
    qn_mem mem;
    quern_error err;
    qn_arena arena;
    qn_image sheet;
    int left, top;
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    memset(large, 77, sizeof large);
    REQUIRE_OK(t, qn_sheet_make(&style, 3, &arena, &sheet, &err), &err);
    CHECK(t, sheet.width == 2 + 2 * 14 && sheet.height == 2 + 2 * 14);
    CHECK_OK(t, qn_sheet_put(&style, &sheet, 0, &two, red, &arena, &err), &err);
    CHECK_OK(t, qn_sheet_put(&style, &sheet, 2, &wide, NULL, &arena, &err), &err);
    /* enlarged five times, in the middle of a framed cell */
    qn_sheet_place(&style, 0, &left, &top);
    CHECK(t, left == 3 && top == 3);
    CHECK(t, is_gray(pixel(&sheet, 3, 5), 50) && is_gray(pixel(&sheet, 7, 9), 50));
    CHECK(t, is_gray(pixel(&sheet, 8, 5), 60) && is_gray(pixel(&sheet, 12, 9), 60));
    CHECK(t, is_gray(pixel(&sheet, 3, 4), 0) && is_gray(pixel(&sheet, 3, 10), 0));
    CHECK(t, !memcmp(pixel(&sheet, 2, 2), red, 3));
    CHECK(t, !memcmp(pixel(&sheet, 13, 13), red, 3));
    CHECK(t, is_gray(pixel(&sheet, 14, 13), 0));
    /* shrunk to half a cell's height */
    qn_sheet_place(&style, 2, &left, &top);
    CHECK(t, left == 3 && top == 17);
    CHECK(t, is_gray(pixel(&sheet, 3, 19), 77) && is_gray(pixel(&sheet, 12, 23), 77));
    CHECK(t, is_gray(pixel(&sheet, 3, 18), 0) && is_gray(pixel(&sheet, 3, 24), 0));
    CHECK(t, is_gray(pixel(&sheet, 2, 19), 0));
    CHECK(t,
          qn_sheet_make(&style, (int64_t)1 << 40, &arena, &sheet, &err) == QUERN_LIMIT);
    qn_arena_done(&arena);
}
