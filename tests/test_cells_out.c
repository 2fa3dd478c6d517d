/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_cells_out.c - files of a segmentation, read back by our own readers;
 * tests/cells_out_oracle.py has other people's programs read them. */
#include "formats/csv_read.h"
#include "formats/deflate.h"
#include "formats/json_tree.h"
#include "formats/zip_write.h"
#include "tests/cells_kit.h"
#include "tools/cell_outputs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A donut with an island, a bow tie, a block. */
static const char picture[] = "11111..22.."
                              "1...1..22.."
                              "1.1.1....22"
                              "1...1....22"
                              "11111......"
                              "....333333.";
enum { WIDTH = 11, HEIGHT = 6 };

static const qn_tree *item(const qn_tree *list, int i)
{
    const qn_tree *at = list ? list->first : NULL;
    for (; at && i > 0; i--)
        at = at->next;
    return at;
}

static const qn_tree *parsed(qn_scene *s, qn_cells_write_fn *write)
{
    const qn_tree *root = NULL;
    qn_buf out;
    qn_buf_init(&out, &s->mem);
    if (CHECK_OK(s->t, write(&s->out, &out, &s->err), &s->err))
        CHECK_OK(s->t, qn_tree_parse(&s->arena, out.p, out.n, &root, &s->err), &s->err);
    qn_buf_done(&out);
    return root;
}

/* ---- tables ---------------------------------------------------------------------- */

void test_cells_csv(qn_test *t)
{
    enum { MOST = 64 };
    qn_scene s;
    qn_buf out;
    qn_csv_reader csv;
    char *field[MOST];
    int n, n_columns;
    if (!qn_scene_begin(&s, t, picture, WIDTH)) return;
    s.out.image = "=cmd|'/c calc'!A0,\".png";
    s.seg.um_per_px = 0.5;
    qn_buf_init(&out, &s.mem);
    REQUIRE_OK(t, qn_cells_csv(&s.out, &out, &s.err), &s.err);
    CHECK_HAS(t, out.p, "# sample_id,\"'=cmd|'/c calc'!A0,\"\".png\"\n");
    CHECK_HAS(t, out.p, "# cell_count,3\n");
    CHECK_HAS(t, out.p, "# median_area_px,8\n");
    CHECK_HAS(t, out.p, "# flow_threshold,0.4\n");
    CHECK_HAS(t, out.p, "# mean_area_um2,");
    char *table = strstr(out.p, "\n\n");
    REQUIRE(t, table != NULL);
    REQUIRE_OK(
        t, qn_csv_read_begin(&csv, table, out.n - (size_t)(table - out.p), ',', &s.err),
        &s.err);
    REQUIRE_OK(t, qn_csv_read_row(&csv, field, MOST, &n_columns, &s.err), &s.err);
    CHECK_STR(t, field[0], "label");
    CHECK_STR(t, field[1], "area_px");
    CHECK_STR(t, field[2], "area_um2");
    CHECK_STR(t, field[n_columns - 1], "sum_1");
    static const char *const areas[] = {"17", "8", "6"};
    for (int i = 0; i < 3; i++) {
        REQUIRE_OK(t, qn_csv_read_row(&csv, field, MOST, &n, &s.err), &s.err);
        CHECK_EQ(t, n, n_columns);
        CHECK_STR(t, field[1], areas[i]);
    }
    CHECK_STR(t, field[2], "1.5"); /* 6 pixels of a quarter square micrometre */
    REQUIRE_OK(t, qn_csv_read_row(&csv, field, MOST, &n, &s.err), &s.err);
    CHECK_EQ(t, n, 0);
    qn_buf_done(&out);
    qn_scene_end(&s);
}

void test_cells_json(qn_test *t)
{
    qn_scene s;
    if (!qn_scene_begin(&s, t, picture, WIDTH)) return;
    s.out.image = "a \"b\"\n.png";
    s.out.sample.well = "B07";
    const qn_tree *root = parsed(&s, qn_cells_json);
    CHECK_WITHIN(t, qn_tree_real(root, "schema"), 1, 0);
    CHECK_STR(t, qn_tree_text(root, "sample_id", ""), "a \"b\"\n.png");
    CHECK_STR(t, qn_tree_text(root, "well", ""), "B07");
    CHECK_WITHIN(t, qn_tree_real(qn_tree_get(root, "params"), "diameter"), 30, 0);
    const qn_tree *metrics = qn_tree_get(root, "metrics");
    CHECK_WITHIN(t, qn_tree_real(metrics, "cell_count"), 3, 0);
    CHECK_WITHIN(t, qn_tree_real(metrics, "mean_area_px"), 31.0 / 3, 1e-6);
    CHECK(t, qn_tree_get(metrics, "density_cells_per_cm2") == NULL);
    const qn_tree *histogram = qn_tree_get(metrics, "area_histogram");
    CHECK_EQ(t, qn_tree_get(histogram, "counts")->n, QN_MEASURE_BINS);
    const qn_tree *cells = qn_tree_get(root, "cells");
    CHECK_EQ(t, cells ? cells->n : 0, 3);
    CHECK_WITHIN(t, qn_tree_real(item(cells, 1), "area_px"), 8, 0);
    CHECK_WITHIN(t, qn_tree_real(item(cells, 1), "bbox_x1"), 11, 0);
    /* nobody said what the flow error is */
    CHECK_EQ(t, qn_tree_get(item(cells, 0), "flow_error")->kind, QN_TREE_NULL);
    qn_scene_end(&s);
}

/* ---- outlines -------------------------------------------------------------------- */

static double ring_area(const qn_tree *ring)
{
    double sum = 0;
    for (const qn_tree *p = ring->first; p && p->next; p = p->next)
        sum += p->first->number * p->next->first->next->number -
               p->next->first->number * p->first->next->number;
    return sum / 2;
}

static double polygon_area(const qn_tree *polygon)
{
    double sum = 0;
    for (const qn_tree *ring = polygon->first; ring; ring = ring->next)
        sum += ring_area(ring);
    return sum;
}

void test_cells_geojson(qn_test *t)
{
    qn_scene s;
    if (!qn_scene_begin(&s, t, picture, WIDTH)) return;
    const qn_tree *root = parsed(&s, qn_cells_geojson);
    const qn_tree *features = qn_tree_get(root, "features");
    CHECK_STR(t, qn_tree_text(root, "type", ""), "FeatureCollection");
    REQUIRE(t, features && features->n == 3);
    for (int i = 0; i < 3; i++) {
        const qn_tree *feature = item(features, i);
        const qn_tree *geometry = qn_tree_get(feature, "geometry");
        const qn_tree *properties = qn_tree_get(feature, "properties");
        const qn_tree *coordinates = qn_tree_get(geometry, "coordinates");
        const bool is_multi = i < 2;
        double area = 0;
        qn_note(t, "cell %d", i + 1);
        CHECK_STR(t, qn_tree_text(geometry, "type", ""),
                  is_multi ? "MultiPolygon" : "Polygon");
        CHECK_EQ(t, (int64_t)strlen(qn_tree_text(feature, "id", "")), 36);
        CHECK_STR(t, qn_tree_text(properties, "objectType", ""), "detection");
        if (is_multi)
            for (const qn_tree *p = coordinates->first; p; p = p->next)
                area += polygon_area(p);
        else
            area = polygon_area(coordinates);
        CHECK_WITHIN(t, area, (double)s.measures.cell[i].area, 0);
        CHECK_WITHIN(t,
                     qn_tree_real(qn_tree_get(properties, "measurements"), "area_px"),
                     area, 0);
    }
    /* the donut: a part with a hole, and the island */
    const qn_tree *donut =
        qn_tree_get(qn_tree_get(item(features, 0), "geometry"), "coordinates");
    CHECK(t, donut->n == 2 && item(donut, 0)->n == 2 && item(donut, 1)->n == 1);
    /* a ring ends where it begins */
    const qn_tree *ring = item(item(donut, 0), 0);
    CHECK_EQ(t, ring->n, 5);
    CHECK(t, item(ring, 0)->first->number == item(ring, 4)->first->number);
    /* ids tell pictures and labels apart, and stay */
    const char *id = qn_tree_text(item(features, 0), "id", "");
    CHECK(t, strcmp(id, qn_tree_text(item(features, 1), "id", "")) != 0);
    s.out.image = "b.png";
    const qn_tree *other = qn_tree_get(parsed(&s, qn_cells_geojson), "features");
    CHECK(t, strcmp(id, qn_tree_text(item(other, 0), "id", "")) != 0);
    s.out.image = "a.png";
    const qn_tree *again = qn_tree_get(parsed(&s, qn_cells_geojson), "features");
    CHECK_STR(t, qn_tree_text(item(again, 0), "id", ""), id);
    qn_scene_end(&s);
}

void test_cells_coco(qn_test *t)
{
    qn_scene s;
    uint32_t at[HEIGHT * WIDTH] = {0};
    if (!qn_scene_begin(&s, t, picture, WIDTH)) return;
    const qn_tree *list = qn_tree_get(parsed(&s, qn_cells_coco), "annotations");
    REQUIRE(t, list && list->n == 3);
    for (const qn_tree *a = list->first; a; a = a->next) {
        const qn_tree *counts = qn_tree_get(qn_tree_get(a, "segmentation"), "counts");
        int64_t k = 0;
        bool is_cell = false;
        for (const qn_tree *c = counts->first; c; c = c->next, is_cell = !is_cell) {
            CHECK(t, c->number > 0 || c == counts->first);
            for (int64_t i = 0; i < (int64_t)c->number && k < HEIGHT * WIDTH; i++, k++)
                if (is_cell)
                    at[k % HEIGHT * WIDTH + k / HEIGHT] =
                        (uint32_t)qn_tree_real(a, "id");
        }
        CHECK_EQ(t, k, HEIGHT * WIDTH);
    }
    CHECK(t, memcmp(at, s.labels.at, sizeof at) == 0);
    const qn_tree *box = qn_tree_get(item(list, 1), "bbox");
    CHECK(t, item(box, 0)->number == 7 && item(box, 1)->number == 0);
    CHECK(t, item(box, 2)->number == 4 && item(box, 3)->number == 4);
    qn_scene_end(&s);
}

void test_cells_text(qn_test *t)
{
    qn_scene s;
    qn_buf out;
    if (!qn_scene_begin(&s, t,
                        "111.2.."
                        "111.2.."
                        "111...."
                        "....333",
                        7))
        return;
    qn_buf_init(&out, &s.mem);
    REQUIRE_OK(t, qn_cells_outlines_text(&s.out, &out, &s.err), &s.err);
    /* down first; two pixels and three in a row there and back are too short */
    CHECK_STR(t, out.p, "0,0,0,1,0,2,1,2,2,2,2,1,2,0,1,0\n\n\n");
    qn_buf_done(&out);
    qn_scene_end(&s);
}

/* ---- ImageJ ---------------------------------------------------------------------- */

static int64_t u16be(const uint8_t *p)
{
    return p[0] << 8 | p[1];
}

static int64_t u32be(const uint8_t *p)
{
    return (int64_t)u16be(p) << 16 | u16be(p + 2);
}

static int64_t u32le(const uint8_t *p)
{
    return p[0] | p[1] << 8 | p[2] << 16 | (int64_t)p[3] << 24;
}

/* Member i of the archive by its directory: its bytes; its name to name. */
static const uint8_t *member(qn_test *t, const qn_buf *zip, int i, char name[80],
                             size_t *n)
{
    const uint8_t *p = (const uint8_t *)zip->p, *end = p + zip->n - 22;
    if (!CHECK(t, zip->n > 22 && memcmp(end, "PK\5\6", 4) == 0)) return NULL;
    const uint8_t *entry = p + u32le(end + 16);
    for (; i > 0; i--)
        entry += 46 + (entry[28] | entry[29] << 8);
    const int length = entry[28] | entry[29] << 8;
    if (!CHECK(t, memcmp(entry, "PK\1\2", 4) == 0 && length < 80)) return NULL;
    memcpy(name, entry + 46, (size_t)length);
    name[length] = 0;
    *n = (size_t)u32le(entry + 24);
    const uint8_t *data = p + u32le(entry + 42) + 30 + length;
    CHECK_EQ(t, qn_crc32(0, data, *n), u32le(entry + 16));
    return data;
}

static float float_be(const uint8_t *p)
{
    const uint32_t bits = (uint32_t)u32be(p);
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* The area of a path of n floats, and how many rings it has. */
static double path_area(qn_test *t, const uint8_t *p, int64_t n, int *rings)
{
    double sum = 0, x0 = 0, y0 = 0, x = 0, y = 0;
    *rings = 0;
    for (int64_t i = 0; i < n;) {
        const int what = (int)float_be(p + 4 * i);
        const bool is_close = what == 4;
        CHECK(t, what == 0 || what == 1 || what == 4);
        const double to_x = is_close ? x0 : float_be(p + 4 * i + 4);
        const double to_y = is_close ? y0 : float_be(p + 4 * i + 8);
        if (what == 0) x0 = to_x, y0 = to_y, ++*rings;
        if (what != 0) sum += x * to_y - to_x * y;
        x = to_x, y = to_y;
        i += is_close ? 1 : 3;
    }
    return sum / 2;
}

void test_cells_roi(qn_test *t)
{
    qn_scene s;
    qn_buf out;
    char name[80];
    size_t n;
    int rings;
    if (!qn_scene_begin(&s, t, picture, WIDTH)) return;
    qn_buf_init(&out, &s.mem);
    REQUIRE_OK(t, qn_cells_roi_zip(&s.out, &out, &s.err), &s.err);
    static const int want_rings[] = {3, 2};
    for (int i = 0; i < 2; i++) {
        const uint8_t *roi = member(t, &out, i, name, &n);
        REQUIRE(t, roi != NULL);
        CHECK(t, memcmp(roi, "Iout", 4) == 0 && u16be(roi + 4) == 228 && roi[6] == 1);
        CHECK_EQ(t, (int64_t)n, 64 + 4 * u32be(roi + 36));
        CHECK_WITHIN(t, path_area(t, roi + 64, u32be(roi + 36), &rings),
                     (double)s.measures.cell[i].area, 0);
        CHECK_EQ(t, rings, want_rings[i]);
    }
    const uint8_t *roi = member(t, &out, 2, name, &n);
    REQUIRE(t, roi != NULL);
    CHECK_STR(t, name, "0003-0005-0006.roi"); /* label, centre's y and x */
    CHECK(t, roi[6] == 8 && u16be(roi + 8) == 5 && u16be(roi + 10) == 4);
    CHECK(t, u16be(roi + 12) == 6 && u16be(roi + 14) == 10 && u16be(roi + 16) == 4);
    static const uint8_t corners[] = {0, 6, 0, 6, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0};
    CHECK_EQ(t, (int64_t)n, 64 + 16);
    CHECK(t, memcmp(roi + 64, corners, 16) == 0);
    qn_buf_done(&out);
    qn_scene_end(&s);
}

void test_zip_counts_far(qn_test *t)
{
    enum { MANY = 70000 };
    qn_mem mem;
    qn_buf out;
    qn_zip zip;
    char name[16];
    quern_error err;
    qn_mem_init(&mem, NULL, 0);
    qn_buf_init(&out, &mem);
    qn_zip_begin_in(&zip, &out);
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "%d", i);
        if (!CHECK_OK(t, qn_zip_add(&zip, name, "", 0, &err), &err)) break;
    }
    CHECK_OK(t, qn_zip_end(&zip, &err), &err);
    const uint8_t *end = (const uint8_t *)out.p + out.n - 22;
    CHECK(t, memcmp(end, "PK\5\6", 4) == 0 && end[10] == 0xff && end[11] == 0xff);
    CHECK(t, memcmp(end - 20, "PK\6\7", 4) == 0);
    const uint8_t *end64 = (const uint8_t *)out.p + u32le(end - 12);
    CHECK(t, memcmp(end64, "PK\6\6", 4) == 0 && end64 + 56 == end - 20);
    CHECK_EQ(t, u32le(end64 + 32), MANY);
    CHECK(t, memcmp(out.p + u32le(end64 + 48), "PK\1\2", 4) == 0);
    qn_zip_done(&zip);
    qn_buf_done(&out);
    CHECK_EQ(t, (int64_t)mem.used, 0);
}

/* ---- pictures -------------------------------------------------------------------- */

static bool decoded(qn_scene *s, qn_cells_write_fn *write, qn_image *out)
{
    qn_buf bytes;
    qn_buf_init(&bytes, &s->mem);
    quern_status status = write(&s->out, &bytes, &s->err);
    if (status == QUERN_OK)
        status = qn_image_decode(&s->arena, bytes.p, bytes.n, 0, out, &s->err);
    qn_buf_done(&bytes);
    if (status == QUERN_UNSUPPORTED) qn_skip(s->t, "%s", s->err.text);
    return status != QUERN_UNSUPPORTED && CHECK_OK(s->t, status, &s->err);
}

static const uint8_t *pixel_at(const qn_image *p, int x, int y)
{
    return p->pixels + (y * p->width + x) * p->channels;
}

void test_cells_pictures(qn_test *t)
{
    qn_scene s;
    qn_image p;
    uint8_t rgb[3];
    if (!qn_scene_begin(&s, t,
                        ".....2"
                        ".111.2"
                        ".111.2"
                        ".111.2",
                        6))
        return;
    if (!decoded(&s, qn_cells_outlines_png, &p)) return qn_scene_end(&s);
    qn_label_colour(1, rgb);
    CHECK(t, p.width == 6 && p.height == 4 && p.channels == 3);
    CHECK(t, memcmp(pixel_at(&p, 1, 1), rgb, 3) == 0);
    CHECK(t, memcmp(pixel_at(&p, 2, 3), rgb, 3) == 0); /* at the picture's edge */
    CHECK(t, pixel_at(&p, 2, 2)[0] == 14 && pixel_at(&p, 2, 2)[2] == 14); /* inside */
    CHECK(t, pixel_at(&p, 0, 0)[1] == 0);
    s.out.outline_rgb = 0xff6b35;
    if (decoded(&s, qn_cells_outlines_png, &p))
        CHECK(t, memcmp(pixel_at(&p, 5, 0), "\xff\x6b\x35", 3) == 0);
    if (decoded(&s, qn_cells_overlay_png, &p)) {
        CHECK_EQ(t, pixel_at(&p, 2, 2)[0], (14 + rgb[0] + 1) / 2);
        CHECK_EQ(t, pixel_at(&p, 0, 3)[0], 18);
    }
    s.out.picture = NULL;
    if (decoded(&s, qn_cells_overlay_png, &p))
        CHECK(t,
              pixel_at(&p, 0, 3)[0] == 0 && pixel_at(&p, 2, 2)[1] == (rgb[1] + 1) / 2);
    if (decoded(&s, qn_cells_prob_png, &p)) { /* 16 bits, of which 8 are read */
        CHECK_EQ(t, pixel_at(&p, 2, 2)[0], (int)(65535 / (1 + exp(-2))) >> 8);
        CHECK_EQ(t, pixel_at(&p, 0, 0)[0], (int)(65535 / (1 + exp(2))) >> 8);
    }
    qn_scene_end(&s);
}

void test_cells_flow_picture(qn_test *t)
{
    /* up, right, down, left, and no flow at all */
    static const float flow[10] = {-5, 0, 5, 0, 0, 0, 5, 0, -5, NAN};
    qn_scene s;
    qn_image p;
    if (!qn_scene_begin(&s, t, "11111", 5)) return;
    s.seg.flow = flow;
    if (!decoded(&s, qn_cells_flows_png, &p)) return qn_scene_end(&s);
    for (int i = 0; i < 4; i++) {
        const double angle = atan2(flow[5 + i], flow[i]) + 3.14159265358979323846;
        qn_note(t, "pixel %d", i);
        for (int k = 0; k < 3; k++)
            CHECK_WITHIN(t, pixel_at(&p, i, 0)[k],
                         127.5 * (cos(angle + k * 2.0943951023931953) + 1), 1);
    }
    CHECK(t, pixel_at(&p, 4, 0)[0] == 0 && pixel_at(&p, 4, 0)[1] == 0);
    s.seg.flow = NULL;
    qn_buf none;
    qn_buf_init(&none, &s.mem);
    CHECK_FAILS(t, qn_cells_flows_png(&s.out, &none, &s.err), QUERN_INVALID, &s.err,
                "no flows");
    qn_buf_done(&none);
    qn_scene_end(&s);
}

void test_label_colours(qn_test *t)
{
    uint8_t a[3], b[3];
    for (uint32_t label = 1; label < 3000; label++) {
        qn_label_colour(label, a);
        qn_label_colour(label + 1, b);
        const int apart = abs(a[0] - b[0]) + abs(a[1] - b[1]) + abs(a[2] - b[2]);
        CHECK(t, apart > 60); /* neighbours can be told apart */
        CHECK(t, a[0] == 255 || a[1] == 255 || a[2] == 255);
    }
}

/* ---- all kinds ------------------------------------------------------------------- */

void test_cells_out_nothing(qn_test *t)
{
    const qn_cell_output *kind;
    qn_scene s;
    if (!qn_scene_begin(&s, t, "......", 3)) return;
    for (int i = 0; (kind = qn_cell_output_at(i)) != NULL; i++) {
        char path[QN_PATH_MAX];
        qn_note(t, "%s", kind->name);
        const quern_status status =
            qn_cell_output_save(kind, &s.out, qn_temp(t, "empty"), path, &s.err);
        if (status == QUERN_UNSUPPORTED) continue; /* no zlib */
        CHECK_OK(t, status, &s.err);
        CHECK(t, qn_get_file(t, path, NULL) != NULL);
    }
    qn_scene_end(&s);
}

/* A folder that is not there, and memory that ends: a sentence, and no file. */
void test_cells_out_fails(qn_test *t)
{
    const qn_cell_output *kind;
    qn_scene s;
    if (!qn_scene_begin(&s, t, picture, WIDTH)) return;
    for (int i = 0; (kind = qn_cell_output_at(i)) != NULL; i++) {
        char path[QN_PATH_MAX];
        qn_note(t, "%s", kind->name);
        CHECK(t, qn_cell_output_save(kind, &s.out, qn_temp(t, "none/a"), path,
                                     &s.err) != QUERN_OK);
        const size_t used = s.mem.used;
        quern_status status = QUERN_MEMORY;
        for (int64_t k = 1; k < 500 && status == QUERN_MEMORY; k++) {
            s.mem.fail_at = k;
            status = qn_cell_output_save(kind, &s.out, qn_temp(t, "a"), path, &s.err);
            CHECK_EQ(t, (int64_t)s.mem.used, (int64_t)used);
            if (status == QUERN_MEMORY) CHECK(t, qn_get_file(t, path, NULL) == NULL);
        }
        s.mem.fail_at = 0;
        CHECK(t, status == QUERN_OK || status == QUERN_UNSUPPORTED);
    }
    qn_scene_end(&s);
}

static bool knows_raw(void *ctx, const char *name)
{
    ++*(int *)ctx;
    return strcmp(name, "raw") == 0;
}

void test_cell_outputs_list(qn_test *t)
{
    quern_error err;
    uint32_t set;
    int asked = 0;
    CHECK_OK(t, qn_cell_outputs_parse("csv,raw,,json", knows_raw, &asked, &set, &err),
             &err);
    CHECK_EQ(t, asked, 1);
    CHECK(t, set != 0 && (set & (set - 1)) != 0);
    CHECK_OK(t, qn_cell_outputs_parse("all", NULL, NULL, &set, &err), &err);
    CHECK(t, qn_cell_output_at(0) && (set & 1));
    CHECK_FAILS(t, qn_cell_outputs_parse("csv,xyz", knows_raw, &asked, &set, &err),
                QUERN_INVALID, &err, "'xyz', which is no output");
}
