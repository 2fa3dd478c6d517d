/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_segment.c - from pictures to cells, with a network that hands its input
 * on: the picture's channels are the flows of known labels, so the labels must come
 * back. */
#include "tests/test.h"

#include "engine/cells/agreement.h"
#include "engine/cells/flows.h"
#include "engine/cells/segmenter.h"
#include "engine/cells/synth.h"
#include "engine/os_spool.h"
#include "tests/onnx_kit.h"

#include <string.h>

typedef struct bench {
    quern_model *model;
    quern_session *session;
    quern_pool *pool;
    qn_cellnet net;
    qn_mem mem;
    qn_arena arena, scratch;
    qn_planes flows; /* three channels: 5 dY, 5 dX, logit */
    qn_labels truth;
    uint32_t n;
} bench;

/* in and out as the kit's dims; node: what is between. */
static quern_status open_net(bench *b, const char *in, const char *out,
                             const char *node, int threads, quern_error *err)
{
    qn_kit k;
    quern_session_options options = {.size = sizeof options};
    qn_kit_begin(&k, 8, 17);
    qn_kit_value(&k, GRAPH_INPUT, "x", QUERN_FLOAT, in);
    qn_kit_value(&k, GRAPH_OUTPUT, "y", QUERN_FLOAT, out);
    qn_kit_node(&k, node);
    qn_kit_end(&k);
    quern_status status = quern_model_parse(k.buf.p, k.buf.n, NULL, &b->model, err);
    if (status == QUERN_OK) status = quern_pool_create(threads, &b->pool, err);
    options.pool = b->pool;
    if (status == QUERN_OK)
        status = quern_session_create(b->model, &options, &b->session, err);
    if (status == QUERN_OK)
        status = qn_cellnet_init(&b->net, b->model, b->session, b->pool, err);
    qn_kit_done(&k);
    return status;
}

static void close_net(bench *b)
{
    quern_session_free(b->session);
    quern_model_free(b->model);
    quern_pool_free(b->pool);
    b->session = NULL;
    b->model = NULL;
    b->pool = NULL;
}

static bool make_cells(qn_test *t, bench *b, int64_t height, int64_t width)
{
    const qn_synth_options o = {height, width, 24, QN_SYNTH_MIXED, 5, 0};
    const size_t n = (size_t)(height * width);
    qn_synth made;
    quern_error err = {.status = QUERN_OK};
    qn_mem_init(&b->mem, NULL, 0);
    qn_arena_init(&b->arena, &b->mem);
    qn_arena_init(&b->scratch, &b->mem);
    if (!CHECK_OK(t, qn_synth_make(&o, 0, &b->arena, &made, &err), &err)) return false;
    b->truth = made.labels;
    b->n = made.n;
    float *p = qn_exact(t, 3 * n * sizeof *p);
    b->flows = (qn_planes){QUERN_FLOAT, 1, 3, height, width, p, false, 0, 0, NULL};
    if (!CHECK_OK(
            t, qn_labels_flows(&made.labels, made.n, NULL, &b->scratch, p, p + n, &err),
            &err))
        return false;
    for (size_t i = 0; i < 2 * n; i++)
        p[i] *= QN_FLOW_SCALE;
    for (size_t i = 0; i < n; i++)
        p[2 * n + i] = made.labels.at[i] ? 5 : -5;
    return true;
}

static void done(bench *b)
{
    close_net(b);
    qn_arena_done(&b->arena);
    qn_arena_done(&b->scratch);
}

static double agreement(qn_test *t, bench *b, const uint32_t *labels, int level)
{
    qn_agreement a;
    qn_labels truth, found;
    quern_error err = {.status = QUERN_OK};
    const qn_labels given = {b->flows.height, b->flows.width,
                             (uint32_t *)(uintptr_t)labels};
    if (!CHECK_OK(t, qn_labels_copy(&b->arena, &b->truth, &truth, &err), &err) ||
        !CHECK_OK(t, qn_labels_copy(&b->arena, &given, &found, &err), &err) ||
        !CHECK_OK(t, qn_labels_agree(&truth, &found, 0.02, &b->arena, &a, &err), &err))
        return -1;
    return qn_agreement_precision_at(&a, level);
}

static qn_segment_settings settings_of(int64_t tile)
{
    qn_segment_settings s = QN_SEGMENT_DEFAULT;
    s.no_norm = true;
    s.diameter = 30; /* the network's own: no scaling */
    s.tile = tile;
    return s;
}

/* However it is cut, and on any number of threads, the cells are the same: no seams. */
void test_segment_seams(qn_test *t)
{
    static const struct {
        int64_t tile;
        bool augment;
        int threads;
    } ways[] = {{512, false, 1}, {64, false, 1}, {96, false, 3},
                {0, false, 2},   {224, true, 2}, {64, false, 3}};
    bench b = {0};
    qn_segmented first = {0};
    REQUIRE(t, make_cells(t, &b, 301, 418));
    for (int i = 0; i < 6; i++) {
        qn_segment_settings s = settings_of(ways[i].tile);
        qn_segmented out;
        quern_error err = {.status = QUERN_OK};
        s.augment = ways[i].augment;
        qn_note(t, "tile %lld, %d threads", (long long)ways[i].tile, ways[i].threads);
        if (s.augment) s.flow_threshold = 0; /* flips turn what is no flow of cells */
        REQUIRE_OK(t,
                   open_net(&b, "n 3 h w", "n 3 h w", "Identity x -> y",
                            ways[i].threads, &err),
                   &err);
        REQUIRE_OK(
            t,
            qn_segment_picture(&b.net, &b.flows, &s, &b.arena, &b.scratch, &out, &err),
            &err);
        close_net(&b);
        if (s.augment) continue; /* flows of flipped tiles are not those of cells */
        CHECK_WITHIN(t, agreement(t, &b, out.labels, 0), 1, 0);
        if (!first.labels) first = out;
        int64_t n_other = 0;
        for (int64_t k = 0; k < out.height * out.width; k++)
            n_other += out.labels[k] != first.labels[k];
        CHECK_EQ(t, n_other, 0);
    }
    done(&b);
}

static int64_t n_unlike(const qn_segmented *a, const qn_segmented *b)
{
    int64_t n = 0;
    for (int64_t i = 0; i < a->height * a->width; i++)
        n += a->labels[i] != b->labels[i];
    return n;
}

/* Square by square, with the labels in a file: the same cells under the same numbers,
 * none cut, none twice, and the same figures of them. */
void test_segment_squares(qn_test *t)
{
    static const int64_t sides[] = {64, 97, 200, 1000};
    bench b = {0};
    qn_segmented whole, out;
    quern_error err = {.status = QUERN_OK};
    const qn_segment_settings s = settings_of(224);
    qn_mem large;
    qn_spool spool;
    qn_arena results;
    const qn_segment_job job = {&b.net, &b.flows, &s, NULL, &results, &b.scratch};
    qn_mem_init(&large, NULL, 0);
    qn_spool_init(&spool, qn_temp(t, "."), 65536);
    large.spool = &spool;
    qn_arena_init(&results, &large);
    REQUIRE(t, make_cells(t, &b, 301, 418));
    b.flows.mem = &large;
    REQUIRE_OK(t, open_net(&b, "n 3 h w", "n 3 h w", "Identity x -> y", 2, &err), &err);
    REQUIRE_OK(
        t, qn_segment_picture(&b.net, &b.flows, &s, &b.arena, &b.scratch, &whole, &err),
        &err);
    REQUIRE_OK(t, qn_segment_errors(&whole, b.pool, &b.arena, &b.scratch, &err), &err);
    for (int i = 0; i < 4; i++) {
        qn_note(t, "side %lld", (long long)sides[i]);
        REQUIRE_OK(t, qn_segment_squares(&job, sides[i], &out, &err), &err);
        CHECK(t, spool.block[0].base != NULL);
        CHECK_EQ(t, out.n_labels, whole.n_labels);
        CHECK_EQ(t, n_unlike(&out, &whole), 0);
        CHECK_WITHIN(t, agreement(t, &b, out.labels, 8),
                     agreement(t, &b, whole.labels, 8), 0);
        for (int64_t k = 0; k < out.n_labels; k++)
            CHECK_WITHIN(t, out.flow_error[k], whole.flow_error[k], 1e-6);
    }
    qn_segment_settings inside = s;
    inside.exclude_edges = true;
    const qn_segment_job within = {&b.net, &b.flows, &inside,
                                   NULL,   &results, &b.scratch};
    REQUIRE_OK(t,
               qn_segment_picture(&b.net, &b.flows, &inside, &b.arena, &b.scratch,
                                  &whole, &err),
               &err);
    REQUIRE_OK(t, qn_segment_squares(&within, 97, &out, &err), &err);
    CHECK_EQ(t, out.n_labels, whole.n_labels);
    CHECK_EQ(t, n_unlike(&out, &whole), 0);
    qn_arena_done(&results);
    done(&b);
}

/* A stack whose planes are the same picture: stitched, each cell is one body; else
 * numbers go on. */
void test_segment_stack(qn_test *t)
{
    bench b = {0};
    qn_segmented out;
    quern_error err = {.status = QUERN_OK};
    REQUIRE(t, make_cells(t, &b, 220, 210));
    const size_t bytes = 3 * 220 * 210 * sizeof(float);
    char *twice = qn_exact(t, 2 * bytes);
    memcpy(twice, b.flows.data, bytes);
    memcpy(twice + bytes, b.flows.data, bytes);
    qn_planes stack = b.flows;
    stack.depth = 2;
    stack.data = twice;
    qn_segment_settings s = settings_of(0);
    REQUIRE_OK(t, open_net(&b, "n 3 h w", "n 3 h w", "Identity x -> y", 2, &err), &err);
    REQUIRE_OK(t,
               qn_segment_picture(&b.net, &stack, &s, &b.arena, &b.scratch, &out, &err),
               &err);
    const int64_t apart = out.n_labels;
    s.stitch = 0.5;
    REQUIRE_OK(t,
               qn_segment_picture(&b.net, &stack, &s, &b.arena, &b.scratch, &out, &err),
               &err);
    CHECK(t, out.n_labels > 3);
    CHECK_EQ(t, apart, 2 * out.n_labels);
    CHECK(t, !memcmp(out.labels, out.labels + 220 * 210, 220 * 210 * sizeof(uint32_t)));
    const uint32_t *kept = out.labels;
    out.labels = NULL;
    REQUIRE_OK(t, qn_segment_labels(&out, 1, b.pool, &b.arena, &b.scratch, &err), &err);
    CHECK(t, !memcmp(kept, out.labels, 2 * 220 * 210 * sizeof(uint32_t)));
    s.stitch = 0;
    s.exclude_edges = true;
    REQUIRE_OK(t, qn_segment_labels(&out, 1, b.pool, &b.arena, &b.scratch, &err), &err);
    CHECK(t, out.n_labels < apart);
    done(&b);
}

/* One pixel, one row, a constant picture, no cells: empty labels, no complaint. */
void test_segment_nothing(qn_test *t)
{
    static const int sizes[][2] = {{1, 1}, {1, 40}, {40, 1}, {17, 19}};
    bench b = {0};
    REQUIRE(t, make_cells(t, &b, 16, 16));
    quern_error err = {.status = QUERN_OK};
    REQUIRE_OK(t, open_net(&b, "n 3 h w", "n 3 h w", "Identity x -> y", 1, &err), &err);
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 2; k++) {
            qn_segmented out;
            qn_segment_settings s = settings_of(224);
            uint8_t pixels[3 * 17 * 19];
            memset(pixels, k ? 200 : 0, sizeof pixels);
            s.no_norm = false;
            s.diameter = k ? 0 : 90;
            const qn_planes p = {QUERN_UINT8, 1,    3, sizes[i][0], sizes[i][1],
                                 pixels,      true, 0, 0,           NULL};
            REQUIRE_OK(
                t, qn_segment_picture(&b.net, &p, &s, &b.arena, &b.scratch, &out, &err),
                &err);
            CHECK_EQ(t, out.n_labels, 0);
            CHECK_EQ(t, out.labels[0], 0);
        }
    done(&b);
}

void test_segment_networks(qn_test *t)
{
    static const struct {
        const char *in, *out, *why; /* NULL: it will do */
    } nets[] = {
        {"n 3 h w", "n 3 h w", NULL},
        {"1 3 64 96", "1 3 64 96", NULL},
        {"n 4 h w", "n 4 h w", "has 4 channels, not 1 to 3"},
        {"n 2 h w", "n 2 h w", "with 2 channels"},
        {"4 3 h w", "4 3 h w", "insists on 4 pictures"},
        {"n 3 h", "n 3 h", "of rank 3; a network for cells takes"},
        {"n 3 8 w", "n 3 8 w", "is 8 pixels high; at least 16"},
    };
    for (int i = 0; i < 7; i++) {
        bench b = {0};
        quern_error err = {.status = QUERN_OK};
        const quern_status status =
            open_net(&b, nets[i].in, nets[i].out, "Identity x -> y", 1, &err);
        qn_note(t, "%s", nets[i].in);
        if (nets[i].why)
            CHECK_FAILS(t, status, QUERN_SHAPE, &err, nets[i].why);
        else
            CHECK_OK(t, status, &err);
        close_net(&b);
    }
}

/* A network that insists on a size gets tiles of it; one that answers with another size
 * is refused. */
void test_segment_fixed(qn_test *t)
{
    bench b = {0};
    qn_segmented out;
    qn_segment_settings s = settings_of(224);
    quern_error err = {.status = QUERN_OK};
    REQUIRE(t, make_cells(t, &b, 130, 90));
    REQUIRE_OK(t, open_net(&b, "1 3 64 160", "1 3 64 160", "Identity x -> y", 1, &err),
               &err);
    REQUIRE_OK(
        t, qn_segment_picture(&b.net, &b.flows, &s, &b.arena, &b.scratch, &out, &err),
        &err);
    CHECK_WITHIN(t, agreement(t, &b, out.labels, 0), 1, 0);
    close_net(&b);
    REQUIRE_OK(
        t, open_net(&b, "n 3 h w", "n c h2 w2", "GlobalAveragePool x -> y", 1, &err),
        &err);
    CHECK_FAILS(
        t, qn_segment_picture(&b.net, &b.flows, &s, &b.arena, &b.scratch, &out, &err),
        QUERN_SHAPE, &err, "the network gives [1,3,1,1]");
    done(&b);
}
