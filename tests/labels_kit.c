/* SPDX-License-Identifier: Apache-2.0 */
/* tests/labels_kit.c - see labels_kit.h. */
#include "tests/labels_kit.h"

#include <stdio.h>
#include <string.h>

void qn_dish_init(qn_dish *b, qn_test *t)
{
    *b = (qn_dish){.t = t};
    qn_mem_init(&b->mem, NULL, 0);
    qn_arena_init(&b->arena, &b->mem);
}

void qn_dish_done(qn_dish *b)
{
    qn_arena_done(&b->arena);
    CHECK_EQ(b->t, (int64_t)b->mem.used, 0);
}

qn_labels qn_blank(qn_dish *b, int64_t height, int64_t width)
{
    qn_labels out = {0};
    CHECK_OK(b->t, qn_labels_init(&b->arena, height, width, &out, &b->err), &b->err);
    out.at = qn_exact(b->t, (size_t)(height * width) * sizeof *out.at);
    memset(out.at, 0, (size_t)(height * width) * sizeof *out.at);
    return out;
}

static uint32_t value_of(char c)
{
    return c == '.' ? 0 : c <= '9' ? (uint32_t)(c - '0') : (uint32_t)(c - 'a' + 10);
}

qn_labels qn_spelled(qn_dish *b, const char *rows)
{
    const size_t width = strcspn(rows, "/"), height = (strlen(rows) + 1) / (width + 1);
    qn_labels out = qn_blank(b, (int64_t)height, (int64_t)width);
    for (size_t i = 0; i < height * width; i++)
        out.at[i] = value_of(rows[i / width * (width + 1) + i % width]);
    return out;
}

bool qn_spells(qn_test *t, const qn_labels *labels, const char *rows)
{
    char text[1024];
    size_t n = 0;
    for (int64_t y = 0; y < labels->height; y++) {
        if (y) text[n++] = '/';
        for (int64_t x = 0; x < labels->width && n + 2 < sizeof text; x++) {
            const uint32_t v = labels->at[y * labels->width + x];
            text[n++] = v == 0    ? '.'
                        : v < 10  ? (char)('0' + v)
                        : v <= 35 ? (char)('a' + v - 10)
                                  : '?';
        }
    }
    text[n] = 0;
    return CHECK_STR(t, text, rows);
}

void qn_add_disc(qn_labels *labels, uint32_t label, double y, double x, double radius)
{
    for (int64_t v = 0; v < labels->height; v++)
        for (int64_t u = 0; u < labels->width; u++) {
            const double dy = (double)v - y, dx = (double)u - x;
            uint32_t *at = &labels->at[v * labels->width + u];
            if (dy * dy + dx * dx < radius * radius && *at == 0) *at = label;
        }
}

qn_labels qn_random_discs(qn_dish *b, int64_t height, int64_t width, double radius)
{
    qn_labels out = qn_blank(b, height, width);
    const double step = 2.1 * radius;
    uint32_t n = 0;
    for (double y = radius; y < (double)height; y += step)
        for (double x = radius; x < (double)width; x += step)
            qn_add_disc(&out, ++n, y + qn_test_uniform(b->t, -2, 2),
                        x + qn_test_uniform(b->t, -2, 2),
                        radius * qn_test_uniform(b->t, 0.8, 1.2));
    CHECK_OK(b->t, qn_labels_renumber(&out, &b->arena, &n, &b->err), &b->err);
    return out;
}

bool qn_same_labels(const qn_labels *a, const qn_labels *b)
{
    return a->height == b->height && a->width == b->width &&
           !memcmp(a->at, b->at, (size_t)(a->height * a->width) * sizeof *a->at);
}

qn_flow_field qn_perfect_field(qn_dish *b, const qn_labels *labels)
{
    const size_t n = (size_t)(labels->height * labels->width);
    float *dy = qn_exact(b->t, n * sizeof *dy), *dx = qn_exact(b->t, n * sizeof *dx);
    float *prob = qn_exact(b->t, n * sizeof *prob);
    CHECK_OK(b->t,
             qn_labels_flows(labels, qn_labels_max(labels), NULL, &b->arena, dy, dx,
                             &b->err),
             &b->err);
    for (size_t i = 0; i < n; i++) {
        dy[i] *= QN_FLOW_SCALE;
        dx[i] *= QN_FLOW_SCALE;
        prob[i] = labels->at[i] ? 3 : -3;
    }
    return (qn_flow_field){labels->height, labels->width, dy, dx, prob};
}
