/* SPDX-License-Identifier: Apache-2.0 */
/* tests/cells_kit.c - see cells_kit.h. */
#include "tests/cells_kit.h"

#include <string.h>

bool qn_scene_measure(qn_scene *s, qn_pool *pool)
{
    const qn_measure_options usual = {.near = QN_MEASURE_NEAR};
    const uint32_t n = (uint32_t)s->seg.n_labels;
    return CHECK_OK(s->t,
                    qn_runs_make(&s->labels, n, false, &s->arena, &s->runs, &s->err),
                    &s->err) &&
           CHECK_OK(s->t,
                    qn_measure(&s->seg, 0, &s->runs, &usual, pool, &s->arena,
                               &s->measures, &s->err),
                    &s->err);
}

static void fill_picture(qn_scene *s, float *flow, float *prob)
{
    const int64_t n = s->labels.height * s->labels.width;
    uint16_t *raw = s->picture.data;
    for (int64_t i = 0; i < n; i++) {
        raw[i] = (uint16_t)(10 * i);
        s->view.pixels[i] = (uint8_t)i;
        flow[i] = (float)i / 10;
        flow[n + i] = -1;
        prob[i] = s->labels.at[i] ? 2 : -2;
    }
}

bool qn_scene_of(qn_scene *s, qn_test *t, const uint32_t *at, int64_t height,
                 int64_t width, uint32_t n)
{
    const size_t pixels = (size_t)(height * width);
    memset(s, 0, sizeof *s);
    s->t = t;
    qn_mem_init(&s->mem, NULL, 0);
    qn_arena_init(&s->arena, &s->mem);
    s->labels = (qn_labels){height, width, qn_exact(t, pixels * sizeof *at)};
    memcpy(s->labels.at, at, pixels * sizeof *at);
    s->picture = (qn_planes){.dtype = QUERN_UINT16,
                             .depth = 1,
                             .channels = 1,
                             .height = height,
                             .width = width,
                             .data = qn_exact(t, pixels * 2)};
    s->view = (qn_image){(int)width, (int)height, 1, qn_exact(t, pixels)};
    s->settings =
        (qn_segment_settings){.flow_threshold = 0.4, .min_size = 15, .diameter = 30};
    float *flow = qn_exact(t, pixels * 2 * sizeof *flow);
    float *prob = qn_exact(t, pixels * sizeof *prob);
    s->seg = (qn_segmented){.picture = &s->picture,
                            .depth = 1,
                            .height = height,
                            .width = width,
                            .flow = flow,
                            .prob = prob,
                            .labels = s->labels.at,
                            .n_labels = n,
                            .diameter = 30,
                            .settings = &s->settings,
                            .model = "small",
                            .model_sha256 = "0123"};
    fill_picture(s, flow, prob);
    s->out = (qn_cells_out){.image = "a.png",
                            .seg = &s->seg,
                            .picture = &s->view,
                            .runs = &s->runs,
                            .measures = &s->measures,
                            .outline_rgb = -1,
                            .mem = &s->mem};
    return qn_scene_measure(s, NULL);
}

bool qn_scene_begin(qn_scene *s, qn_test *t, const char *rows, int64_t width)
{
    uint32_t at[1024], n = 0;
    const int64_t pixels = (int64_t)strlen(rows);
    if (!CHECK(t, pixels <= 1024 && pixels % width == 0)) return false;
    for (int64_t i = 0; i < pixels; i++) {
        at[i] = rows[i] == '.' ? 0 : (uint32_t)(rows[i] - '0');
        n = at[i] > n ? at[i] : n;
    }
    return qn_scene_of(s, t, at, pixels / width, width, n);
}

void qn_scene_end(qn_scene *s)
{
    qn_arena_done(&s->arena);
    CHECK_EQ(s->t, (int64_t)s->mem.used, 0);
}
