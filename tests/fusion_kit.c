/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fusion_kit.c - see fusion_kit.h. */
#include "tests/fusion_kit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- building ---- */

void qn_fusion_begin(qn_fusion *f, qn_test *t, int c, int h, int w)
{
    char dims[60];
    *f = (qn_fusion){.t = t, .dim = {QN_FUSION_IMAGES, c, h, w}};
    snprintf(dims, sizeof dims, "N %d %d %d", c, h, w);
    qn_kit_begin(&f->kit, 8, 17);
    qn_kit_value(&f->kit, GRAPH_INPUT, "x", QUERN_FLOAT, dims);
}

/* Random numbers times size plus shift; name has room for 16. */
static void add_weight(qn_fusion *f, char *name, const char *dims, size_t n,
                       const double line[2])
{
    float *w = qn_random_floats(f->t, n);
    for (size_t i = 0; i < n; i++)
        w[i] = (float)(fabs((double)w[i]) * line[0] * (i % 3 ? 1 : -1) + line[1]);
    snprintf(name, 16, "weight%d", f->n_weights++);
    qn_kit_tensor(&f->kit, name, QUERN_FLOAT, dims, w, n * sizeof *w);
}

void qn_fusion_add_conv(qn_fusion *f, const qn_fusion_conv *c)
{
    char w[16], b[16], dims[60], text[120];
    const int ic = c->ic / c->group;
    const int fan = ic * c->side * c->side;
    snprintf(dims, sizeof dims, "%d %d %d %d", c->oc, ic, c->side, c->side);
    add_weight(f, w, dims, (size_t)(c->oc * fan), (double[]){2 / sqrt(fan), 0});
    snprintf(dims, sizeof dims, "%d", c->oc);
    add_weight(f, b, dims, (size_t)c->oc, (double[]){0.5, 0});
    snprintf(text, sizeof text, "Conv %s %s %s -> %s", c->in, w, b, c->out);
    const size_t node = qn_kit_open(&f->kit, GRAPH_NODE, text);
    snprintf(text, sizeof text, "%d %d %d %d", c->pad, c->pad, c->pad, c->pad);
    qn_kit_ints(&f->kit, "pads", text);
    snprintf(text, sizeof text, "%d %d", c->stride, c->stride);
    qn_kit_ints(&f->kit, "strides", text);
    qn_kit_int(&f->kit, "group", c->group);
    qn_pb_end(&f->kit.buf, node);
}

void qn_fusion_add_norm(qn_fusion *f, const char *in, const char *out, int c)
{
    static const double lines[4][2] = {{0.5, 1}, {0.5, 0.3}, {0.5, 0.2}, {0.2, 1}};
    char names[4][16], dims[20], text[160];
    snprintf(dims, sizeof dims, "%d", c);
    for (int i = 0; i < 4; i++)
        add_weight(f, names[i], dims, (size_t)c, lines[i]);
    snprintf(text, sizeof text, "BatchNormalization %s %s %s %s %s -> %s", in, names[0],
             names[1], names[2], names[3], out);
    qn_kit_node(&f->kit, text);
}

void qn_fusion_add_resize(qn_fusion *f, const char *in, const char *out, float rows,
                          float cols)
{
    char name[16], text[80];
    const float scales[4] = {1, 1, rows, cols};
    snprintf(name, sizeof name, "scales%d", f->n_weights++);
    qn_kit_tensor(&f->kit, name, QUERN_FLOAT, "4", scales, sizeof scales);
    snprintf(text, sizeof text, "Resize %s _ %s -> %s", in, name, out);
    const size_t node = qn_kit_open(&f->kit, GRAPH_NODE, text);
    qn_kit_string(&f->kit, "mode", "nearest");
    qn_kit_string(&f->kit, "coordinate_transformation_mode", "asymmetric");
    qn_kit_string(&f->kit, "nearest_mode", "floor");
    qn_pb_end(&f->kit.buf, node);
}

void qn_fusion_end(qn_fusion *f, const char *y)
{
    qn_kit_value(&f->kit, GRAPH_OUTPUT, y, QUERN_FLOAT, NULL);
    qn_kit_end(&f->kit);
}

/* ---- running ---- */

typedef struct result {
    float *y;
    size_t n;
    int nodes;
    int64_t instrs, macs;
} result;

typedef struct trial {
    const char *disable, *layout, *isa;
    int threads, no_winograd, poison;
    int64_t first, images;
} trial;

static bool run_session(const qn_fusion *f, const trial *how, quern_session *s,
                        const float *x, result *r)
{
    quern_error err;
    quern_session_stats stats;
    quern_tensor out = {0}, in = {.dtype = QUERN_FLOAT, .rank = 4};
    const int64_t image = f->dim[1] * f->dim[2] * f->dim[3];
    memcpy(in.dim, f->dim, sizeof f->dim);
    in.dim[0] = how->images;
    in.data = (void *)(uintptr_t)(x + how->first * image);
    if (!CHECK_OK(f->t, quern_session_bind(s, 0, &in, &err), &err) ||
        !CHECK_OK(f->t, quern_run(s, &err), &err) ||
        !CHECK_OK(f->t, quern_run(s, &err), &err) || /* over a used slab */
        !CHECK_OK(f->t, quern_session_output(s, 0, &out, &err), &err))
        return false;
    r->n = 1;
    for (int d = 0; d < out.rank; d++)
        r->n *= (size_t)out.dim[d];
    r->y = qn_exact(f->t, r->n * sizeof *r->y);
    memcpy(r->y, out.data, r->n * sizeof *r->y);
    quern_session_get_stats(s, &stats);
    r->instrs = stats.instrs;
    r->macs = (int64_t)stats.macs / how->images;
    CHECK_EQ(f->t, stats.run_allocs, 0);
    return true;
}

static bool run(const qn_fusion *f, const trial *how, const float *x, result *r)
{
    quern_error err;
    quern_model *m;
    quern_session *s;
    const quern_model_options mo = {.size = sizeof mo, .disable_passes = how->disable};
    const quern_session_options so = {.size = sizeof so,
                                      .n_threads = how->threads,
                                      .layout = how->layout,
                                      .isa = how->isa,
                                      .gemm = "own",
                                      .no_winograd = how->no_winograd,
                                      .poison = how->poison};
    if (!CHECK_OK(f->t, quern_model_parse(f->kit.buf.p, f->kit.buf.n, &mo, &m, &err),
                  &err))
        return false;
    r->nodes = m->graph->n_nodes;
    bool ok = CHECK_OK(f->t, quern_session_create(m, &so, &s, &err), &err);
    if (ok) {
        ok = run_session(f, how, s, x, r);
        quern_session_free(s);
    }
    quern_model_free(m);
    return ok;
}

static void check_near(const qn_fusion *f, const result *a, const result *want,
                       double tolerance)
{
    double most = 0, diff = 0;
    if (!CHECK_EQ(f->t, a->n, want->n)) return;
    for (size_t i = 0; i < a->n; i++) {
        const double v = (double)want->y[i], d = fabs((double)a->y[i] - v);
        if (fabs(v) > most) most = fabs(v);
        if (!(d <= diff)) diff = d; /* keeps NaN */
    }
    CHECK(f->t, most > 0);
    CHECK_WITHIN(f->t, diff / most, 0, tolerance);
}

static void check_bits(const qn_fusion *f, const float *x, const result *want)
{
    static const int threads[] = {2, 3, 8};
    result r;
    trial how = {.layout = "blocked", .images = QN_FUSION_IMAGES};
    for (int i = 0; i < 4; i++) {
        how.threads = i < 3 ? threads[i] : 1;
        how.poison = i == 3;
        qn_note(f->t, "%d threads", how.threads);
        if (run(f, &how, x, &r) && CHECK_EQ(f->t, r.n, want->n))
            CHECK(f->t, memcmp(r.y, want->y, r.n * sizeof *r.y) == 0);
    }
    qn_note(f->t, "norms by themselves");
    how = (trial){.layout = "blocked",
                  .threads = 1,
                  .images = QN_FUSION_IMAGES,
                  .disable = "fuse_norm_ahead"};
    if (run(f, &how, x, &r) && CHECK_EQ(f->t, r.n, want->n))
        CHECK(f->t, memcmp(r.y, want->y, r.n * sizeof *r.y) == 0);
    how = (trial){.layout = "blocked", .threads = 1, .images = 1};
    for (; how.first < QN_FUSION_IMAGES; how.first++) {
        qn_note(f->t, "image %d", (int)how.first);
        if (run(f, &how, x, &r) && CHECK_EQ(f->t, r.n * QN_FUSION_IMAGES, want->n))
            CHECK(f->t, memcmp(r.y, want->y + (size_t)how.first * r.n,
                               r.n * sizeof *r.y) == 0);
    }
}

qn_fusion_counts qn_fusion_check(qn_fusion *f, double tolerance)
{
    static const trial hows[] = {
        {.layout = "blocked"},
        {.layout = "blocked", .no_winograd = 1},
        {.layout = "blocked", .isa = "ref"},
        {.layout = "blocked", .isa = "ref", .no_winograd = 1},
        {.layout = "blocked", .disable = "all"},
        {.layout = "plain"},
    };
    result want, got;
    qn_fusion_counts counts = {0, 0, 0};
    const float *x =
        qn_random_floats(f->t, (size_t)(f->dim[0] * f->dim[1] * f->dim[2] * f->dim[3]));
    trial how = {
        .disable = "all", .layout = "plain", .threads = 1, .images = QN_FUSION_IMAGES};
    const bool ok = run(f, &how, x, &want);
    for (int i = 0; ok && i < (int)(sizeof hows / sizeof hows[0]); i++) {
        how = hows[i];
        how.threads = 1;
        how.images = QN_FUSION_IMAGES;
        qn_note(f->t, "way %d", i);
        if (!run(f, &how, x, &got)) continue;
        check_near(f, &got, &want, tolerance);
        if (i > 0) continue;
        counts = (qn_fusion_counts){got.nodes, got.instrs, got.macs};
        check_bits(f, x, &got);
    }
    qn_kit_done(&f->kit);
    return counts;
}
