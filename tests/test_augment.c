/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_augment.c - augmentations: lists as text, what each does to small pictures
 * by hand, that amounts of nothing do nothing, and odd sizes. */
#include "tests/test.h"

#include "formats/augment_ops.h"

#include <math.h>
#include <string.h>

/* ---- tools ---------------------------------------------------------------------- */

static qn_image noise(qn_test *t, int width, int height, int channels)
{
    const size_t n = (size_t)width * (size_t)height * (size_t)channels;
    qn_image image = {width, height, channels, qn_exact(t, n)};
    for (size_t i = 0; i < n; i++)
        image.pixels[i] = (uint8_t)qn_test_random(t);
    return image;
}

static size_t bytes_of(const qn_image *image)
{
    return (size_t)image->width * (size_t)image->height * (size_t)image->channels;
}

/* The picture after a list, in memory of its own. */
static qn_image after(qn_test *t, const char *list, const qn_image *image,
                      int64_t epoch, int64_t item)
{
    const size_t n = bytes_of(image);
    const qn_augment_key key = {3, epoch, item};
    qn_augment a;
    quern_error err;
    qn_image out = *image;
    out.pixels = qn_exact(t, n);
    memcpy(out.pixels, image->pixels, n);
    if (CHECK_OK(t, qn_augment_parse(list, &a, &err), &err))
        qn_augment_apply(&a, &key, &out, qn_exact(t, n));
    return out;
}

static bool same(const qn_image *a, const qn_image *b)
{
    return !memcmp(a->pixels, b->pixels, bytes_of(a));
}

static qn_canvas canvas_of(qn_test *t, const qn_image *image)
{
    const size_t n = bytes_of(image);
    qn_canvas c = {.height = image->height,
                   .width = image->width,
                   .channels = image->channels,
                   .pixels = qn_exact(t, n),
                   .spare = qn_exact(t, n),
                   .affine = qn_affine_identity()};
    memcpy(c.pixels, image->pixels, n);
    return c;
}

/* ---- text ----------------------------------------------------------------------- */

void test_augment_lists(qn_test *t)
{
    quern_error err;
    qn_augment a;
    const char *name, *list;
    for (int i = 0; qn_augment_preset(i, &name, &list); i++) {
        qn_augment b;
        CHECK_OK(t, qn_augment_parse(name, &a, &err), &err);
        CHECK_OK(t, qn_augment_parse(list, &b, &err), &err);
        CHECK(t, a.n == b.n && !memcmp(&a, &b, sizeof a));
        CHECK(t, i == 0 ? a.n == 0 : a.n > 1);
    }
    for (int i = 0; qn_augment_row(i, &name, &list); i++) {
        CHECK_OK(t, qn_augment_parse(name, &a, &err), &err);
        CHECK_EQ(t, a.n, 1);
    }
    CHECK_OK(t, qn_augment_parse(NULL, &a, &err), &err);
    CHECK_EQ(t, a.n, 0);
    CHECK_OK(t,
             qn_augment_parse("erase , light, shift = 0.25,scale=.5 : 1.5", &a, &err),
             &err);
    CHECK_EQ(t, a.n, 4); /* flip, shift, scale, erase: in the table's order */
    CHECK_WITHIN(t, a.step[1].a, 0.25, 0);
    CHECK_WITHIN(t, a.step[2].b, 1.5, 0);
    CHECK_WITHIN(t, a.step[3].a, 0.25, 0);
}

void test_augment_list_mistakes(qn_test *t)
{
    static const char *const bad[][2] = {
        {"flop=0.5", "did you mean flip?"},   {"ligth", "did you mean light?"},
        {"sepia", "no augmentation 'sepia'"}, {"flip=2", "0 .. 1"},
        {"flip=x", "'x' is no number"},       {"flip=", "no number"},
        {"flip=0.5:1", "1 amounts"},          {"scale=0.9", "2 amounts"},
        {"scale=1.2:0.9", "above"},           {"trivial=1", "0 amounts"},
        {"randaug=2:31", "0 .. 30"},          {"rotate=nan", "not within"},
        {"flip=0.5 shift", "no number"},      {"randaug=2:9:1", "2 amounts"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        quern_error err;
        qn_augment a;
        qn_note(t, "%s", bad[i][0]);
        CHECK_FAILS(t, qn_augment_parse(bad[i][0], &a, &err), QUERN_INVALID, &err,
                    bad[i][1]);
    }
}

/* ---- all of them ---------------------------------------------------------------- */

static const int sizes[][3] = {{1, 1, 1}, {1, 1, 3}, {5, 1, 1}, {1, 6, 3},
                               {2, 2, 1}, {7, 9, 3}, {9, 7, 1}};
enum { N_SIZES = sizeof sizes / sizeof sizes[0] };

void test_augment_nothing(qn_test *t)
{
    static const char *const nothing[] = {
        "none",      "flip=0",  "shift=0",  "crop=0",     "zoom=1:1",   "rotate=0",
        "scale=1:1", "shear=0", "bright=0", "contrast=0", "sat=0",      "hue=0",
        "gray=0",    "blur=0",  "noise=0",  "erase=0",    "randaug=0:9"};
    for (int s = 0; s < N_SIZES; s++)
        for (size_t i = 0; i < sizeof nothing / sizeof nothing[0]; i++) {
            const qn_image p = noise(t, sizes[s][0], sizes[s][1], sizes[s][2]);
            const qn_image q = after(t, nothing[i], &p, 4, 11);
            qn_note(t, "%s, %d x %d x %d", nothing[i], sizes[s][0], sizes[s][1],
                    sizes[s][2]);
            CHECK(t, same(&p, &q));
        }
}

/* Twice the same bytes, other bytes in other epochs and items; no step past an end. */
void test_augment_something(qn_test *t)
{
    const char *name, *about;
    for (int i = 0; qn_augment_row(i, &name, &about); i++) {
        int changed = 0, varied = 0;
        for (int s = 0; s < N_SIZES; s++)
            for (int epoch = 0; epoch < 40; epoch++) {
                const qn_image p = noise(t, sizes[s][0], sizes[s][1], sizes[s][2]);
                const qn_image a = after(t, name, &p, epoch, 5);
                const qn_image b = after(t, name, &p, epoch, 5);
                const qn_image c = after(t, name, &p, epoch + 1, 6);
                qn_note(t, "%s, %d x %d x %d", name, p.width, p.height, p.channels);
                CHECK(t, same(&a, &b));
                changed += s == 5 && !same(&a, &p);
                varied += s == 5 && !same(&a, &c);
            }
        CHECK(t, changed > 0);
        CHECK(t, varied > 0);
    }
    for (int s = 0; s < N_SIZES; s++) {
        const qn_image p = noise(t, sizes[s][0], sizes[s][1], sizes[s][2]);
        for (int epoch = 0; epoch < 40; epoch++)
            after(
                t,
                "flip,shift=9,crop=9,zoom=.01:1,rotate=180,scale=.1:10,shear=60,"
                "bright=1,contrast=1,sat=1,hue=.5,gray=.5,blur=1,randaug=4:30,trivial,"
                "noise=1,erase=1",
                &p, epoch, 1);
    }
}

/* ---- places --------------------------------------------------------------------- */

void test_augment_flips_alternate(qn_test *t)
{
    const qn_image p = noise(t, 6, 3, 3);
    int first = 0;
    for (int item = 0; item < 200; item++) {
        const qn_image e0 = after(t, "flip", &p, 0, item);
        const qn_image e1 = after(t, "flip", &p, 1, item);
        const qn_image e2 = after(t, "flip", &p, 2, item);
        const qn_image always = after(t, "flip=1", &p, 7, item);
        const qn_image back = after(t, "flip=1", &always, 8, item);
        const bool is_flipped = !same(&e0, &p);
        first += is_flipped;
        CHECK(t, is_flipped == same(&e1, &p));
        CHECK(t, same(&e0, &e2));
        CHECK(t, same(is_flipped ? &e0 : &e1, &always));
        CHECK(t, same(&back, &p));
        for (int y = 0; y < 3; y++)
            for (int x = 0; x < 6; x++)
                for (int k = 0; k < 3; k++)
                    CHECK_EQ(t, always.pixels[(y * 6 + x) * 3 + k],
                             p.pixels[(y * 6 + 5 - x) * 3 + k]);
    }
    CHECK_WITHIN(t, first, 100.0, 5 * 7.1);
}

/* Reflected index, by walking. */
static int walk_to(int i, int n)
{
    int at = 0, step = 1;
    if (n == 1) return 0;
    for (int k = 0, end = i < 0 ? -i : i; k < end; k++) {
        if (at + step < 0 || at + step >= n) step = -step;
        at += step;
    }
    return at;
}

/* The picture moved by (dx, dy); what lies outside is reflected or black. */
static bool is_moved(const qn_image *p, const qn_image *q, int dx, int dy, bool black)
{
    for (int y = 0; y < p->height; y++)
        for (int x = 0; x < p->width; x++) {
            const bool inside =
                x + dx >= 0 && x + dx < p->width && y + dy >= 0 && y + dy < p->height;
            const int sx = walk_to(x + dx, p->width), sy = walk_to(y + dy, p->height);
            const int want = inside || !black ? p->pixels[sy * p->width + sx] : 0;
            if (q->pixels[y * p->width + x] != want) return false;
        }
    return true;
}

void test_augment_shifts(qn_test *t)
{
    const qn_image p = noise(t, 7, 5, 1);
    for (int black = 0; black < 2; black++) {
        bool seen[7][7] = {{false}};
        int n_seen = 0;
        for (int item = 0; item < 400; item++) {
            const qn_image q = after(t, black ? "crop=3" : "shift=3", &p, 0, item);
            bool found = false;
            for (int dy = -3; dy <= 3; dy++)
                for (int dx = -3; dx <= 3; dx++)
                    if (!found && is_moved(&p, &q, dx, dy, black)) {
                        found = true;
                        n_seen += !seen[dy + 3][dx + 3];
                        seen[dy + 3][dx + 3] = true;
                    }
            CHECK(t, found);
        }
        CHECK(t, n_seen >= 47); /* of 49 */
    }
    /* a share of the side; further than the picture is wide */
    const qn_image q = after(t, "shift=0.1", &p, 0, 1);
    CHECK(t, is_moved(&p, &q, 0, 0, false) || !same(&p, &q));
    qn_image line = noise(t, 3, 1, 1);
    for (int item = 0; item < 30; item++) {
        const qn_image far = after(t, "shift=20", &line, 0, item);
        bool found = false;
        for (int dx = -20; dx <= 20; dx++)
            found |= is_moved(&line, &far, dx, 0, false);
        CHECK(t, found);
    }
}

void test_augment_warps(qn_test *t)
{
    const qn_image p = noise(t, 5, 5, 3);
    qn_canvas c = canvas_of(t, &p);
    qn_affine quarter = qn_affine_rotation(90), move = qn_affine_identity();
    qn_canvas_turn(&c, &quarter);
    qn_canvas_settle(&c);
    for (int y = 0; y < 5; y++)
        for (int x = 0; x < 5; x++)
            for (int k = 0; k < 3; k++)
                CHECK_EQ(t, c.pixels[(y * 5 + x) * 3 + k],
                         p.pixels[(x * 5 + 4 - y) * 3 + k]);
    for (int i = 0; i < 3; i++)
        qn_canvas_turn(&c, &quarter);
    qn_canvas_settle(&c);
    CHECK(t, !memcmp(c.pixels, p.pixels, bytes_of(&p)));

    const qn_image gray = noise(t, 6, 4, 1);
    c = canvas_of(t, &gray);
    move.m[2] = 2;
    move.m[5] = -1;
    qn_canvas_turn(&c, &move);
    qn_canvas_settle(&c);
    const qn_image moved = {6, 4, 1, c.pixels};
    CHECK(t, is_moved(&gray, &moved, 2, -1, false));

    /* half a pixel is the mean of two */
    qn_image pair = {2, 1, 1, (uint8_t[]){10, 21}};
    c = canvas_of(t, &pair);
    move = (qn_affine){{1, 0, 0.5, 0, 1, 0}};
    qn_canvas_turn(&c, &move);
    qn_canvas_settle(&c);
    CHECK_EQ(t, c.pixels[0], 16);
}

/* Zooming in on a ramp leaves a ramp that is flatter. */
void test_augment_zoom(qn_test *t)
{
    uint8_t ramp[64 * 64];
    const qn_image p = {64, 64, 1, ramp};
    for (int i = 0; i < 64 * 64; i++)
        ramp[i] = (uint8_t)(4 * (i % 64));
    for (int item = 0; item < 50; item++) {
        const qn_image q = after(t, "zoom=.25:.5", &p, 0, item);
        const double slope = (q.pixels[63] - q.pixels[0]) / 63.0;
        CHECK(t, slope > 4 * 0.42 && slope < 4 * 0.83); /* sqrt(area times aspect) */
    }
}

/* ---- colours -------------------------------------------------------------------- */

void test_augment_colours(qn_test *t)
{
    uint8_t rgb[] = {10, 100, 200, 50, 50, 50};
    const qn_image p = {2, 1, 3, rgb};
    qn_canvas c = canvas_of(t, &p);
    qn_canvas_bright(&c, 1.5);
    CHECK(t, c.pixels[0] == 15 && c.pixels[1] == 150 && c.pixels[2] == 255);
    c = canvas_of(t, &p);
    qn_canvas_contrast(&c, 0); /* luma 84 and 50 */
    CHECK(t, c.pixels[0] == 67 && c.pixels[5] == 67);
    c = canvas_of(t, &p);
    qn_canvas_saturate(&c, 0);
    CHECK(t, c.pixels[0] == 84 && c.pixels[1] == 84 && c.pixels[2] == 84);
    CHECK_EQ(t, c.pixels[3], 50);
    c = canvas_of(t, &p);
    qn_canvas_saturate(&c, 2);
    CHECK(t, c.pixels[0] == 0 && c.pixels[1] == 116 && c.pixels[4] == 50);
    c = canvas_of(t, &p);
    qn_canvas_posterize(&c, 3);
    CHECK(t, c.pixels[0] == 0 && c.pixels[1] == 96 && c.pixels[2] == 192);
    c = canvas_of(t, &p);
    qn_canvas_solarize(&c, 100);
    CHECK(t, c.pixels[0] == 10 && c.pixels[1] == 155 && c.pixels[2] == 55);
    c = canvas_of(t, &p);
    qn_canvas_autocontrast(&c);
    CHECK(t, c.pixels[0] == 0 && c.pixels[3] == 255);
    CHECK(t, c.pixels[1] == 255 && c.pixels[4] == 0);
    for (int item = 0; item < 20; item++) {
        const qn_image q = after(t, "hue=.5", &p, 0, item);
        const double luma =
            0.299 * q.pixels[0] + 0.587 * q.pixels[1] + 0.114 * q.pixels[2];
        const bool clips =
            q.pixels[0] % 255 == 0 || q.pixels[1] % 255 == 0 || q.pixels[2] % 255 == 0;
        if (!clips) CHECK_WITHIN(t, luma, 84.0, 2);
        for (int k = 3; k < 6; k++)
            CHECK_EQ(t, q.pixels[k], 50);
        const qn_image gray = after(t, "gray=1", &p, 0, item);
        CHECK(t, gray.pixels[0] == 84 && gray.pixels[2] == 84);
    }
}

/* A quarter of the range, evenly filled, becomes all of it. */
void test_augment_equalize(qn_test *t)
{
    uint8_t dark[1024];
    const qn_image p = {32, 32, 1, dark};
    for (int i = 0; i < 1024; i++)
        dark[i] = (uint8_t)(i % 64);
    qn_canvas c = canvas_of(t, &p);
    qn_canvas_equalize(&c);
    for (int i = 0; i < 64; i++)
        CHECK_WITHIN(t, c.pixels[i], 255.0 * i / 63, 0.5);
}

/* ---- grain ---------------------------------------------------------------------- */

void test_augment_grain(qn_test *t)
{
    uint8_t flat[32 * 32];
    const qn_image p = {32, 32, 1, flat};
    memset(flat, 128, sizeof flat);
    double sum = 0, squares = 0;
    for (int item = 0; item < 20; item++) {
        const qn_image blurred = after(t, "blur=1", &p, 0, item);
        CHECK(t, same(&blurred, &p));
        const qn_image q = after(t, "noise=0.05", &p, 0, item);
        for (int i = 0; i < 32 * 32; i++) {
            const double d = q.pixels[i] - 128.0;
            sum += d;
            squares += d * d;
        }
    }
    const double n = 20 * 32 * 32, deviation = 0.05 * 255;
    CHECK_WITHIN(t, sum / n, 0.0, 5 * deviation / sqrt(n));
    CHECK_WITHIN(t, sqrt(squares / n), deviation, 5 * deviation / sqrt(2 * n));
    flat[16 * 32 + 16] = 255; /* a point becomes a hill */
    for (int item = 0; item < 20; item++) {
        const qn_image hill = after(t, "blur=1", &p, 0, item);
        int total = 0;
        for (int i = 0; i < 32 * 32; i++)
            total += hill.pixels[i] - 128;
        CHECK(t, hill.pixels[16 * 32 + 16] >= hill.pixels[16 * 32 + 17]);
        CHECK_EQ(t, hill.pixels[15 * 32 + 16], hill.pixels[17 * 32 + 16]);
        CHECK_WITHIN(t, total, 127.0, 40.5); /* 81 samples, each rounded by up to 1/2 */
    }
    qn_canvas c = canvas_of(t, &p);
    qn_canvas_sharpen(&c, 0); /* (12 * 128 + 5 * 255 - 4 * 128) / 13 is 176.8 */
    CHECK_EQ(t, c.pixels[16 * 32 + 16], 177);
    CHECK_EQ(t, c.pixels[15 * 32 + 16], 138);
}

/* Rows and columns are blurred by different code: a picture on its side must come out
 * as the other does, but for the rounding between the two passes. */
void test_augment_blur_ends(qn_test *t)
{
    static const int sides[] = {1, 3, 8, 9, 12, 17};
    for (int s = 0; s < 6; s++)
        for (int item = 0; item < 8; item++) {
            const int w = sides[s], h = sides[item % 6];
            const qn_image p = noise(t, w, h, 1);
            qn_image side = noise(t, h, w, 1);
            for (int i = 0; i < w * h; i++)
                side.pixels[i % w * h + i / w] = p.pixels[i];
            const qn_image a = after(t, "blur=1", &p, 0, item);
            const qn_image b = after(t, "blur=1", &side, 0, item);
            qn_note(t, "%d x %d", w, h);
            for (int i = 0; i < w * h; i++)
                CHECK_WITHIN(t, a.pixels[i], (double)b.pixels[i % w * h + i / w], 1);
        }
}

void test_augment_erases_a_box(qn_test *t)
{
    uint8_t flat[40 * 30];
    const qn_image p = {40, 30, 1, flat};
    int n_erased = 0;
    memset(flat, 7, sizeof flat);
    for (int item = 0; item < 400; item++) {
        const qn_image q = after(t, "erase=.25", &p, 0, item);
        int left = 40, right = -1, top = 30, bottom = -1, changed = 0;
        for (int i = 0; i < 40 * 30; i++) {
            if (q.pixels[i] == 7) continue;
            changed++;
            left = i % 40 < left ? i % 40 : left;
            right = i % 40 > right ? i % 40 : right;
            top = i / 40 < top ? i / 40 : top;
            bottom = i / 40 > bottom ? i / 40 : bottom;
        }
        if (!changed) continue;
        const double area = (double)(right - left + 1) * (bottom - top + 1);
        n_erased++;
        CHECK(t, changed >= 0.9 * area && area >= 0.01 * 1200 && area <= 0.36 * 1200);
    }
    CHECK_WITHIN(t, n_erased, 100.0, 5 * 8.7);
}
