/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_cells_measure.c - measurements of shapes that can be worked out by hand;
 * tests/cells_out_oracle.py compares them with scikit-image's. */
#include "tests/cells_kit.h"

#include <math.h>
#include <string.h>

#define PI 3.14159265358979323846

void test_measure_rectangle(qn_test *t)
{
    qn_scene s;
    if (!qn_scene_begin(&s, t,
                        "......."
                        ".11111."
                        ".11111."
                        ".11111."
                        ".......",
                        7))
        return;
    const qn_cell *c = &s.measures.cell[0];
    CHECK_EQ(t, c->area, 15);
    CHECK(t, c->top == 1 && c->left == 1 && c->bottom == 4 && c->right == 6);
    CHECK_WITHIN(t, c->y, 2, 0);
    CHECK_WITHIN(t, c->x, 3, 0);
    CHECK_WITHIN(t, c->equiv_diameter, sqrt(60 / PI), 1e-12);
    CHECK_WITHIN(t, c->perimeter, 12, 1e-12); /* from centre to centre */
    /* a square's second moment is side^2 / 12, of the whole rectangle too */
    CHECK_WITHIN(t, c->major, 4 * sqrt(25.0 / 12), 1e-12);
    CHECK_WITHIN(t, c->minor, 4 * sqrt(9.0 / 12), 1e-12);
    CHECK_WITHIN(t, c->eccentricity, 0.8, 1e-12);
    CHECK_WITHIN(t, c->orientation, 0, 1e-12);
    CHECK_WITHIN(t, c->solidity, 1, 0);
    CHECK_WITHIN(t, c->extent, 1, 0);
    CHECK_WITHIN(t, c->feret, sqrt(34), 1e-12);
    CHECK_WITHIN(t, c->circularity, 1, 0); /* 1.3, but no more than 1 is told */
    CHECK(t, !c->is_at_edge);
    CHECK(t, isnan(c->flow_error) && isnan(c->nearest));
    CHECK_WITHIN(t, c->prob, 1 / (1 + exp(-2)), 1e-12);
    qn_scene_end(&s);
}

void test_measure_odd_shapes(qn_test *t)
{
    qn_scene s;
    if (!qn_scene_begin(&s, t,
                        "1....2.2.."
                        ".....222.."
                        "...3......"
                        "....3....."
                        ".....3...4",
                        10))
        return;
    const qn_cell *pixel = &s.measures.cell[0], *u = &s.measures.cell[1];
    const qn_cell *falling = &s.measures.cell[2], *corner = &s.measures.cell[3];
    CHECK_WITHIN(t, pixel->perimeter, 0, 0);
    CHECK_WITHIN(t, pixel->circularity, 0, 0);
    CHECK_WITHIN(t, pixel->major, 4 * sqrt(1.0 / 12), 1e-12);
    CHECK_WITHIN(t, pixel->eccentricity, 0, 0);
    CHECK_WITHIN(t, pixel->feret, sqrt(2), 1e-12);
    CHECK_WITHIN(t, pixel->solidity, 1, 0);
    CHECK_WITHIN(t, u->solidity, 5.0 / 6, 1e-12);
    CHECK_WITHIN(t, u->extent, 5.0 / 6, 1e-12);
    CHECK_WITHIN(t, falling->orientation, 135, 1e-9);
    CHECK_WITHIN(t, falling->feret, sqrt(18), 1e-12);
    CHECK_WITHIN(t, falling->solidity, 3.0 / 5, 1e-12); /* 9, less two triangles of 2 */
    CHECK(t, pixel->is_at_edge && u->is_at_edge && falling->is_at_edge &&
                 corner->is_at_edge);
    qn_scene_end(&s);
}

void test_measure_intensity(qn_test *t)
{
    /* channel 1: whole numbers; channel 2: one of them is none */
    static float samples[2][6] = {{1, 4, 2, 9, 7, 3}, {5, 5, NAN, 5, 6, 5}};
    qn_scene s;
    if (!qn_scene_begin(&s, t, "112112", 3)) return;
    CHECK_WITHIN(t, s.measures.intensity[0].mean, (0 + 10 + 30 + 40) / 4.0, 0);
    CHECK_WITHIN(t, s.measures.intensity[0].median, 20, 0);
    CHECK_WITHIN(t, s.measures.intensity[1].sum, 70, 0);
    s.picture.data = samples;
    s.picture.dtype = QUERN_FLOAT;
    s.picture.channels = 2;
    if (!qn_scene_measure(&s, NULL)) return;
    CHECK_EQ(t, s.measures.n_channels, 2);
    const qn_intensity *v = s.measures.intensity; /* [cell][channel] */
    CHECK_WITHIN(t, v[0].mean, 5.25, 0);
    CHECK_WITHIN(t, v[0].median, 5.5, 0); /* of 1 4 7 9 */
    CHECK_WITHIN(t, v[0].sd,
                 sqrt((4.25 * 4.25 + 1.25 * 1.25 + 1.75 * 1.75 + 3.75 * 3.75) / 4),
                 1e-12);
    CHECK(t, v[0].min == 1 && v[0].max == 9 && v[0].sum == 21);
    CHECK_WITHIN(t, v[1].mean, 5.25, 0);
    CHECK(t, isnan(v[3].mean) && isnan(v[3].median) && isnan(v[3].sum));
    s.picture.height = 1;
    const qn_measure_options usual = {.near = 5};
    CHECK_FAILS(
        t, qn_measure(&s.seg, 0, &s.runs, &usual, NULL, &s.arena, &s.measures, &s.err),
        QUERN_DATA, &s.err, "a picture of 3 x 1");
    qn_scene_end(&s);
}

void test_measure_neighbours(qn_test *t)
{
    qn_scene s;
    if (!qn_scene_begin(&s, t,
                        "11.....3.........5"
                        "112....3.........."
                        "..2..............."
                        "4.................",
                        18))
        return;
    static const uint32_t touching[] = {1, 1, 0, 0, 0}, near[] = {2, 3, 1, 2, 0};
    for (int i = 0; i < 5; i++) {
        qn_note(t, "cell %d", i + 1);
        CHECK_EQ(t, s.measures.cell[i].n_touching, touching[i]);
        CHECK_EQ(t, s.measures.cell[i].n_near, near[i]);
    }
    CHECK_WITHIN(t, s.measures.cell[0].nearest, sqrt(1.5 * 1.5 + 1), 1e-12);
    CHECK_WITHIN(t, s.measures.cell[4].nearest, sqrt(100.25), 1e-12);
    qn_scene_end(&s);
}

void test_measure_census(qn_test *t)
{
    qn_scene s;
    if (!qn_scene_begin(&s, t,
                        "1.22.3333."
                        "..22.3333.",
                        10))
        return;
    s.seg.um_per_px = 0.5;
    const qn_census *all = &s.measures.census;
    CHECK(t, all->n == 3 && all->covered == 13 && all->pixels == 20);
    CHECK_WITHIN(t, qn_cells_confluence(&s.out), 65, 1e-12);
    CHECK_WITHIN(t, all->area_mean, 13.0 / 3, 1e-12);
    CHECK_WITHIN(t, all->area_median, 4, 0);
    CHECK_WITHIN(t, all->area_sd, sqrt(74.0 / 6), 1e-12); /* of 1, 4, 8 with n - 1 */
    CHECK(t, all->bins[0] == 1 && all->bins[8] == 1 && all->bins[19] == 1);
    CHECK_EQ(t, all->n_at_edge, 3);
    /* 3 cells in 5 um x 1 um */
    CHECK_WITHIN(t, qn_cells_density(&s.out), 3 / (5e-4 * 1e-4), 1e-3);
    s.out.sample.fov_w_mm = 2;
    s.out.sample.fov_h_mm = 5;
    CHECK_WITHIN(t, qn_cells_density(&s.out), 3 / (0.2 * 0.5), 1e-9);
    CHECK(t, qn_census_bin(5, 5, 5) == 0 && qn_census_bin(10, 5, 10) == 19);
    qn_scene_end(&s);
}

void test_measure_nothing(qn_test *t)
{
    qn_scene s;
    if (!qn_scene_begin(&s, t, "......", 3)) return;
    CHECK(t, s.measures.n == 0 && s.measures.census.n == 0);
    CHECK(t, isnan(s.measures.census.area_mean) && s.measures.census.area_sd == 0);
    CHECK_WITHIN(t, qn_cells_confluence(&s.out), 0, 0);
    qn_scene_end(&s);
}

/* Scattered pixels of many labels: every bounding box is the whole picture. */
void test_measure_threads(qn_test *t)
{
    enum { SIDE = 80, N = 900 };
    uint32_t *at = qn_exact(t, SIDE * SIDE * sizeof *at);
    qn_cell *kept = qn_exact(t, N * sizeof *kept);
    quern_pool *pool;
    qn_scene s;
    for (int i = 0; i < SIDE * SIDE; i++)
        at[i] = (uint32_t)qn_test_int(t, 0, N);
    if (!qn_scene_of(&s, t, at, SIDE, SIDE, N)) return;
    REQUIRE_OK(t, quern_pool_create(3, &pool, &s.err), &s.err);
    memcpy(kept, s.measures.cell, N * sizeof *kept);
    if (qn_scene_measure(&s, pool))
        CHECK(t, memcmp(kept, s.measures.cell, N * sizeof *kept) == 0);
    quern_pool_free(pool);
    double apart = INFINITY;
    for (int i = 1; i < N; i++)
        apart = fmin(apart, hypot(kept[i].x - kept[0].x, kept[i].y - kept[0].y));
    CHECK_WITHIN(t, kept[0].nearest, apart, 1e-12);
    qn_scene_end(&s);
}
