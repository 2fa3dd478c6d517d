/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_labels.c - pictures of labels counted, cleaned, filled, split and resized,
 * on pictures small enough to be spelled out. */
#include "tests/labels_kit.h"

#include <math.h>
#include <string.h>

void test_labels_numbers(qn_test *t)
{
    qn_dish b;
    uint32_t n = 0;
    qn_dish_init(&b, t);
    qn_labels l = qn_spelled(&b, "..9/3.9/z33");
    CHECK_EQ(t, qn_labels_max(&l), 35);
    CHECK_OK(t, qn_labels_renumber(&l, &b.arena, &n, &b.err), &b.err);
    CHECK_EQ(t, n, 3);
    qn_spells(t, &l, "..1/2.1/322");
    l.at[0] = UINT32_MAX;
    CHECK_OK(t, qn_labels_renumber(&l, &b.arena, &n, &b.err), &b.err);
    qn_spells(t, &l, "1.2/3.2/433");
    qn_dish_done(&b);
}

/* More cells than the table of numbers holds at first. */
void test_labels_million(qn_test *t)
{
    qn_dish b;
    qn_cells cells;
    uint32_t n = 0;
    double diameter;
    qn_dish_init(&b, t);
    qn_labels l = qn_blank(&b, 1000, 1000);
    for (uint32_t i = 0; i < 1000000; i++)
        l.at[i] = 0u - i * 7;
    CHECK_OK(t, qn_labels_renumber(&l, &b.arena, &n, &b.err), &b.err);
    CHECK_EQ(t, n, 999999);
    CHECK_EQ(t, l.at[0], 0);
    CHECK_EQ(t, l.at[999999], 999999);
    CHECK_OK(t, qn_labels_survey(&l, n, &b.arena, &cells, &b.err), &b.err);
    CHECK_EQ(t, cells.area[777777], 1);
    CHECK_OK(t, qn_cells_diameter(&cells, &b.arena, &diameter, &b.err), &b.err);
    CHECK_WITHIN(t, diameter, 2 / sqrt(3.14159265358979), 1e-12);
    CHECK_OK(t, qn_labels_clean(&l, 15, &b.arena, &n, &b.err), &b.err);
    CHECK_EQ(t, n, 0);
    qn_dish_done(&b);
}

void test_labels_survey(qn_test *t)
{
    qn_dish b;
    qn_cells c;
    double diameter;
    qn_dish_init(&b, t);
    const qn_labels l = qn_spelled(&b, ".11./21.4/.1.4");
    CHECK_OK(t, qn_labels_survey(&l, 5, &b.arena, &c, &b.err), &b.err);
    static const int64_t areas[] = {5, 4, 1, 0, 2, 0};
    for (int i = 0; i < 6; i++)
        CHECK_EQ(t, c.area[i], areas[i]);
    CHECK(t, !memcmp(&c.box[1], &(qn_cell_box){0, 1, 3, 3}, sizeof c.box[1]));
    CHECK(t, !memcmp(&c.box[2], &(qn_cell_box){1, 0, 2, 1}, sizeof c.box[2]));
    CHECK(t, !memcmp(&c.box[3], &(qn_cell_box){0, 0, 0, 0}, sizeof c.box[3]));
    CHECK(t, !memcmp(&c.box[4], &(qn_cell_box){1, 3, 3, 4}, sizeof c.box[4]));
    CHECK_OK(t, qn_cells_diameter(&c, &b.arena, &diameter, &b.err), &b.err);
    CHECK_WITHIN(t, diameter, 2 * sqrt(2 / 3.14159265358979), 1e-12);
    const qn_labels none = qn_blank(&b, 1, 3);
    CHECK_OK(t, qn_labels_survey(&none, 0, &b.arena, &c, &b.err), &b.err);
    CHECK_OK(t, qn_cells_diameter(&c, &b.arena, &diameter, &b.err), &b.err);
    CHECK_WITHIN(t, diameter, 0, 0);
    qn_dish_done(&b);
}

static void check_filled(qn_dish *b, const char *from, const char *to)
{
    qn_labels l = qn_spelled(b, from);
    CHECK_OK(b->t, qn_labels_fill_holes(&l, qn_labels_max(&l), &b->arena, &b->err),
             &b->err);
    qn_spells(b->t, &l, to);
}

void test_labels_holes(qn_test *t)
{
    qn_dish b;
    qn_dish_init(&b, t);
    check_filled(&b, "111/1.1/111", "111/111/111");
    check_filled(&b, "11./1.1/111", "11./111/111"); /* corners do not let out */
    check_filled(&b, "1.1/1.1/111", "1.1/1.1/111");
    check_filled(&b, "11111/12221/12.21/12221/11111", "11111/11111/11111/11111/11111");
    check_filled(&b, ".1./1.1/.1.", ".1./111/.1."); /* parts that meet at corners */
    check_filled(&b, "1111.222/1..1.2.2/1111.222", "1111.222/1111.222/1111.222");
    check_filled(&b, "1", "1");
    check_filled(&b, "1.1.1", "1.1.1");
    check_filled(&b, "..../....", "..../....");
    qn_dish_done(&b);
}

void test_labels_cleaned(qn_test *t)
{
    qn_dish b;
    uint32_t n;
    qn_dish_init(&b, t);
    qn_labels l = qn_spelled(&b, "5...333/....3.3/22..333/22.....");
    CHECK_OK(t, qn_labels_clean(&l, 2, &b.arena, &n, &b.err), &b.err);
    CHECK_EQ(t, n, 2);
    qn_spells(t, &l, "....111/....111/22..111/22.....");
    l = qn_spelled(&b, "5.333/..3.3/..333");
    CHECK_OK(t, qn_labels_clean(&l, -1, &b.arena, &n, &b.err), &b.err);
    CHECK_EQ(t, n, 2);
    qn_spells(t, &l, "1.222/..222/..222");
    /* A hole swallows another cell, which makes room for no one. */
    l = qn_spelled(&b, "1111/12.1/1111/4444");
    CHECK_OK(t, qn_labels_clean(&l, 1, &b.arena, &n, &b.err), &b.err);
    CHECK_EQ(t, n, 2);
    qn_spells(t, &l, "1111/1111/1111/2222");
    qn_dish_done(&b);
}

void test_labels_dropped(qn_test *t)
{
    qn_dish b;
    qn_dish_init(&b, t);
    qn_labels l = qn_spelled(&b, "1..../1.22./...2./33..4");
    CHECK_OK(t, qn_labels_drop_border(&l, 4, &b.arena, &b.err), &b.err);
    qn_spells(t, &l, "...../..22./...2./.....");
    l = qn_spelled(&b, "1..../1.22./...2./33..4");
    CHECK_OK(t, qn_labels_drop_small(&l, 4, 2, &b.arena, &b.err), &b.err);
    qn_spells(t, &l, "1..../1.22./...2./33...");
    qn_dish_done(&b);
}

void test_labels_parts(qn_test *t)
{
    qn_dish b;
    uint32_t n;
    qn_dish_init(&b, t);
    qn_labels l = qn_spelled(&b, "2.22/.2../1.11/1.1.");
    CHECK_OK(t, qn_labels_split_parts(&l, &b.arena, &n, &b.err), &b.err);
    CHECK_EQ(t, n, 3);
    qn_spells(t, &l, "1.11/.1../2.33/2.3.");
    qn_dish_done(&b);
}

void test_labels_resized(qn_test *t)
{
    qn_dish b;
    qn_labels out;
    qn_dish_init(&b, t);
    const qn_labels l = qn_spelled(&b, "123/456");
    CHECK_OK(t, qn_labels_resize(&l, 4, 6, &b.arena, &out, &b.err), &b.err);
    qn_spells(t, &out, "112233/112233/445566/445566");
    CHECK_OK(t, qn_labels_resize(&l, 1, 2, &b.arena, &out, &b.err), &b.err);
    qn_spells(t, &out, "12");
    CHECK_FAILS(t, qn_labels_resize(&l, 0, 2, &b.arena, &out, &b.err), QUERN_LIMIT,
                &b.err, "2 x 0 pixels");
    CHECK_FAILS(t, qn_labels_init(&b.arena, 1 << 17, 1 << 17, &out, &b.err),
                QUERN_LIMIT, &b.err, "131072 x 131072");
    qn_dish_done(&b);
}

/* ---- stacks ---------------------------------------------------------------------- */

void test_labels_stitched(qn_test *t)
{
    qn_dish b;
    uint32_t n;
    qn_dish_init(&b, t);
    qn_labels plane[] = {qn_spelled(&b, "11.22/11.22"), qn_spelled(&b, "22.1./22.1."),
                         qn_spelled(&b, "...../....."), qn_spelled(&b, "11.../11..2")};
    CHECK_OK(t, qn_labels_stitch(plane, 4, 0.25, &b.arena, &n, &b.err), &b.err);
    qn_spells(t, &plane[1], "11.2./11.2.");
    qn_spells(t, &plane[2], "...../.....");
    qn_spells(t, &plane[3], "33.../33..4");
    CHECK_EQ(t, n, 4);
    /* Two cells over one: the one that overlaps more goes on. */
    qn_labels split[] = {qn_spelled(&b, "11111/11111"), qn_spelled(&b, "22111/22111")};
    CHECK_OK(t, qn_labels_stitch(split, 2, 0.25, &b.arena, &n, &b.err), &b.err);
    qn_spells(t, &split[1], "22111/22111");
    qn_labels apart[] = {qn_spelled(&b, "1..."), qn_spelled(&b, "1111")};
    CHECK_OK(t, qn_labels_stitch(apart, 2, 0.26, &b.arena, &n, &b.err), &b.err);
    qn_spells(t, &apart[1], "2222");
    qn_dish_done(&b);
}
