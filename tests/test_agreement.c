/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_agreement.c - figures of agreement worked out by hand, matchings beside
 * all that there are, boundaries beside their definition; and the command over files.
 */
#include "engine/cells/agreement.h"
#include "formats/label_file.h"
#include "tests/labels_kit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static qn_agreement agree(qn_dish *b, const char *truth, const char *predicted)
{
    qn_agreement a = {.n_true = 0};
    qn_labels t = qn_spelled(b, truth), p = qn_spelled(b, predicted);
    CHECK_OK(b->t, qn_labels_agree(&t, &p, 0.1, &b->arena, &a, &b->err), &b->err);
    return a;
}

void test_agreement_by_hand(qn_test *t)
{
    qn_dish b;
    qn_dish_init(&b, t);
    /* IoU: 9 with a is 4/4, 7 with b is 3/5, 5 finds nobody, c is nobody's. */
    const qn_agreement a =
        agree(&b, "99.7777.5/99......5/.........", "aa..bbbb./aa......./....ccc..");
    CHECK_EQ(t, a.n_true, 3);
    CHECK_EQ(t, a.n_predicted, 3);
    CHECK_EQ(t, a.hits[0], 2);
    CHECK_EQ(t, a.hits[qn_agreement_level(0.6)], 2);
    CHECK_EQ(t, a.hits[qn_agreement_level(0.65)], 1);
    CHECK_EQ(t, a.hits[qn_agreement_level(0.95)], 1);
    CHECK_WITHIN(t, qn_agreement_precision_at(&a, 0), 2 / 4., 1e-15);
    CHECK_WITHIN(t, qn_agreement_precision_at(&a, qn_agreement_level(0.9)), 1 / 5.,
                 1e-15);
    CHECK_WITHIN(t, qn_agreement_mean_precision(&a), (3 * 0.5 + 7 * 0.2) / 10, 1e-15);
    CHECK_WITHIN(t, qn_agreement_f1(&a), 4 / 6., 1e-15);
    CHECK_WITHIN(t, qn_agreement_panoptic(&a), 1.6 / 3, 1e-15);
    CHECK_WITHIN(t, qn_agreement_jaccard(&a), 7 / 14., 1e-15);
    CHECK_WITHIN(t, qn_agreement_jaccard_classic(&a), 7 / (4 + 5 + 2 + 3.), 1e-15);
    CHECK_WITHIN(t, a.diameter, 2 * sqrt(4 / 3.14159265358979), 1e-12);
    CHECK_EQ(t, qn_agreement_level(0.5), 0);
    CHECK_EQ(t, qn_agreement_level(0.75), 5);
    CHECK_EQ(t, qn_agreement_level(0.9), 8);
    qn_dish_done(&b);
}

/* Exactly half is half enough, but for one partner only. */
void test_agreement_halves(qn_test *t)
{
    qn_dish b;
    qn_dish_init(&b, t);
    qn_agreement a = agree(&b, "1111", "2233");
    CHECK_EQ(t, a.hits[0], 1);
    CHECK_EQ(t, a.hits[1], 0);
    a = agree(&b, "2233", "1111");
    CHECK_EQ(t, a.hits[0], 1);
    CHECK_WITHIN(t, qn_agreement_precision_at(&a, 0), 0.5, 1e-15);
    qn_dish_done(&b);
}

void test_agreement_nothing(qn_test *t)
{
    qn_dish b;
    qn_dish_init(&b, t);
    qn_agreement none = agree(&b, "..../....", "..../....");
    const qn_agreement missed = agree(&b, "11../11..", "..../....");
    CHECK_WITHIN(t, qn_agreement_precision_at(&none, 0), 1, 0);
    CHECK_WITHIN(t, qn_agreement_f1(&none), 1, 0);
    CHECK_WITHIN(t, qn_agreement_jaccard(&none), 1, 0);
    CHECK_WITHIN(t, qn_agreement_panoptic(&none), 1, 0);
    CHECK_WITHIN(t, qn_agreement_edge_f1(&none), 1, 0);
    CHECK_WITHIN(t, qn_agreement_edge_precision(&none), 1, 0);
    CHECK_WITHIN(t, qn_agreement_precision_at(&missed, 0), 0, 0);
    CHECK_WITHIN(t, qn_agreement_jaccard(&missed), 0, 0);
    CHECK_WITHIN(t, qn_agreement_edge_precision(&missed), 0, 0);
    CHECK_WITHIN(t, qn_agreement_edge_recall(&missed), 0, 0);
    qn_agreement_add(&none, &missed);
    CHECK_EQ(t, none.n_true, 1);
    qn_labels a = qn_blank(&b, 2, 3), c = qn_blank(&b, 3, 2);
    CHECK_FAILS(t, qn_labels_agree(&a, &c, 0.1, &b.arena, &none, &b.err), QUERN_SHAPE,
                &b.err, "2 x 3 pixels, but the truth has 3 x 2");
    qn_dish_done(&b);
}

/* ---- matching -------------------------------------------------------------------- */

enum { LEFT = 6, RIGHT = 5 };

/* The best sum over all ways to match rows from i on. */
static double best_of_all(double w[LEFT][RIGHT], int i, unsigned taken)
{
    if (i == LEFT) return 0;
    double best = best_of_all(w, i + 1, taken);
    for (int j = 0; j < RIGHT; j++)
        if (w[i][j] > 0 && !(taken >> j & 1))
            best = fmax(best, w[i][j] + best_of_all(w, i + 1, taken | 1u << j));
    return best;
}

void test_match_best(qn_test *t)
{
    qn_dish b;
    qn_dish_init(&b, t);
    for (int round = 0; round < 400; round++) {
        double w[LEFT][RIGHT] = {{0}}, sum = 0;
        qn_worth pairs[LEFT * RIGHT];
        int64_t n = 0, partner[LEFT];
        unsigned taken = 0;
        const int64_t density = qn_test_int(t, 1, 6);
        for (uint32_t i = 0; i < LEFT; i++)
            for (uint32_t j = 0; j < RIGHT; j++)
                if (qn_test_int(t, 0, 6) < density) {
                    w[i][j] = round % 2 ? (double)qn_test_int(t, 1, 3)
                                        : qn_test_uniform(t, 0.01, 1.5);
                    pairs[n++] = (qn_worth){i, j, w[i][j]};
                }
        CHECK_OK(t, qn_match_best(pairs, n, LEFT, RIGHT, &b.arena, partner, &b.err),
                 &b.err);
        for (int i = 0; i < LEFT; i++) {
            if (partner[i] < 0) continue;
            CHECK(t, !(taken >> partner[i] & 1));
            CHECK(t, w[i][partner[i]] > 0);
            taken |= 1u << partner[i];
            sum += w[i][partner[i]];
        }
        CHECK_WITHIN(t, sum, best_of_all(w, 0, 0), 1e-9);
    }
    qn_dish_done(&b);
}

/* Each takes the next one's partner, until the last makes all hand theirs on. */
void test_match_chain(qn_test *t)
{
    enum { N = 3000 };
    qn_dish b;
    qn_dish_init(&b, t);
    qn_worth *pairs = qn_exact(t, 2 * N * sizeof *pairs);
    int64_t *partner = qn_exact(t, N * sizeof *partner), n = 0;
    for (uint32_t i = 0; i < N; i++) {
        pairs[n++] = (qn_worth){i, i, 1};
        if (i + 1 < N) pairs[n++] = (qn_worth){i, i + 1, 1.0001};
    }
    CHECK_OK(t, qn_match_best(pairs, n, N, N, &b.arena, partner, &b.err), &b.err);
    CHECK_EQ(t, partner[0], 0);
    CHECK_EQ(t, partner[N - 1], N - 1);
    qn_dish_done(&b);
}

/* ---- boundaries ------------------------------------------------------------------ */

static bool is_edge(const qn_labels *l, int64_t y, int64_t x)
{
    static const int dy[] = {-1, 1, 0, 0}, dx[] = {0, 0, -1, 1};
    const uint32_t at = l->at[y * l->width + x];
    for (int k = 0; at && k < 4; k++) {
        const int64_t v = y + dy[k], u = x + dx[k];
        if (v < 0 || u < 0 || v == l->height || u == l->width ||
            l->at[v * l->width + u] != at)
            return true;
    }
    return false;
}

static bool is_near(const qn_labels *l, int64_t y, int64_t x, double reach)
{
    for (int64_t v = 0; v < l->height; v++)
        for (int64_t u = 0; u < l->width; u++)
            if (is_edge(l, v, u) &&
                sqrt((double)((v - y) * (v - y) + (u - x) * (u - x))) <= reach)
                return true;
    return false;
}

void test_boundaries(qn_test *t)
{
    static const double scales[] = {0, 0.2, 0.5, 3};
    qn_dish b;
    qn_dish_init(&b, t);
    for (int i = 0; i < 4; i++) {
        qn_agreement a;
        int64_t hit = 0, wrong = 0, missed = 0;
        qn_labels p = qn_random_discs(&b, 33, 41, 6),
                  q = qn_random_discs(&b, 33, 41, 6);
        CHECK_OK(t, qn_labels_agree(&p, &q, scales[i], &b.arena, &a, &b.err), &b.err);
        CHECK(t, a.reach >= 1);
        for (int64_t y = 0; y < 33; y++)
            for (int64_t x = 0; x < 41; x++) {
                const bool in_p = is_near(&p, y, x, a.reach);
                const bool in_q = is_near(&q, y, x, a.reach);
                hit += in_p && in_q;
                missed += in_p && !in_q;
                wrong += in_q && !in_p;
            }
        qn_note(t, "reach %g", a.reach);
        CHECK_EQ(t, a.edges_hit, hit);
        CHECK_EQ(t, a.edges_missed, missed);
        CHECK_EQ(t, a.edges_false, wrong);
    }
    qn_dish_done(&b);
}

/* ---- the command ----------------------------------------------------------------- */

static void save(qn_dish *b, const char *name, const char *rows)
{
    char path[4096];
    const qn_labels l = qn_spelled(b, rows);
    CHECK_OK(b->t,
             qn_label_file_save(&b->mem, qn_temp(b->t, name), &l, path, sizeof path,
                                &b->err),
             &b->err);
}

static int run_eval(qn_test *t, const char *a, const char *c, const char *more,
                    const char **out)
{
    char line[9000];
    char first[4096];
    snprintf(first, sizeof first, "%s", qn_temp(t, a));
    snprintf(line, sizeof line, "segment eval %s %s %s", first, qn_temp(t, c), more);
    return qn_quern(t, line, out);
}

void test_segment_eval(qn_test *t)
{
    qn_dish b;
    const char *out;
    char more[4200];
    qn_dish_init(&b, t);
    snprintf(more, sizeof more, "mkdir -p %s", qn_temp(t, "truth"));
    CHECK_EQ(t, qn_shell(t, more, &out), 0);
    snprintf(more, sizeof more, "mkdir -p %s", qn_temp(t, "found"));
    CHECK_EQ(t, qn_shell(t, more, &out), 0);
    save(&b, "truth/x", "11.22/11.22");
    save(&b, "truth/y", "11.22/11.22");
    save(&b, "found/x_masks", "33.44/33.44");
    save(&b, "found/x_outlines", "1");
    save(&b, "found/y_cp_masks", "33..4/33...");
    CHECK_EQ(t, run_eval(t, "truth", "found", "--json", &out), 0);
    CHECK_HAS(t, out, "\"schema\":1,\"n\":2,\"cells_true\":4,\"cells_predicted\":4,");
    CHECK_HAS(t, out, "\"ap50\":0.6666666666666666,");
    CHECK_HAS(t, out,
              "\"pooled\":{\"cells_true\":4,\"cells_predicted\":4,\"ap50\":0.6,");
    CHECK_HAS(t, out,
              "{\"image\":\"x\",\"cells_true\":2,\"cells_predicted\":2,\"ap50\":1");
    snprintf(more, sizeof more, "--csv %s --min-ap 0.7", qn_temp(t, "e.csv"));
    CHECK_EQ(t, run_eval(t, "truth", "found", more, &out), 1);
    CHECK_HAS(t, out, "AP at 0.5 is 0.6667, below 0.7");
    const char *csv = qn_get_file(t, qn_temp(t, "e.csv"), NULL);
    REQUIRE(t, csv != NULL);
    CHECK_HAS(t, csv, "image,cells_true,cells_predicted,ap50,");
    CHECK_HAS(t, csv, "\ny,2,2,0.3333333333333333,");
    CHECK_EQ(t, run_eval(t, "truth/x.png", "found/x_masks.png", "--json", &out), 0);
    CHECK_HAS(t, out, "\"n\":1");
    qn_dish_done(&b);
}

void test_segment_eval_bad(qn_test *t)
{
    qn_dish b;
    const char *out;
    char more[4200];
    qn_dish_init(&b, t);
    snprintf(more, sizeof more, "mkdir -p %s", qn_temp(t, "truth"));
    CHECK_EQ(t, qn_shell(t, more, &out), 0);
    snprintf(more, sizeof more, "mkdir -p %s", qn_temp(t, "found"));
    CHECK_EQ(t, qn_shell(t, more, &out), 0);
    save(&b, "truth/x", "11");
    CHECK_EQ(t, run_eval(t, "truth", "found", "", &out), 1);
    CHECK_HAS(t, out, "found: no .png, .tif or .npy file of labels");
    save(&b, "found/y", "11");
    CHECK_EQ(t, run_eval(t, "truth", "found", "", &out), 1);
    CHECK_HAS(t, out, "x.png: no picture of the same name in");
    CHECK_EQ(t, run_eval(t, "truth", "found", "--common", &out), 1);
    CHECK_HAS(t, out, "have no name in common");
    save(&b, "found/x", "11/11");
    CHECK_EQ(t, run_eval(t, "truth", "found", "--common", &out), 1);
    CHECK_HAS(t, out, "x.png: 2 x 2 pixels, but the truth has 2 x 1");
    CHECK_EQ(t, run_eval(t, "truth", "found/x.png", "", &out), 1);
    CHECK_HAS(t, out, "is a folder and");
    qn_put_file(t, qn_temp(t, "found/x.png"), "GIF89a", 6);
    CHECK_EQ(t, run_eval(t, "truth/x.png", "found/x.png", "", &out), 1);
    CHECK_HAS(t, out, "x.png: neither PNG nor TIFF nor .npy");
    CHECK_EQ(t, qn_quern(t, "segment eval a", &out), 2);
    qn_dish_done(&b);
}
