/* SPDX-License-Identifier: Apache-2.0 */
/* tests/oracle/cells_shim.c - functions of engine/cells/ on bare arrays, for
 * tests/cells_oracle.py, which makes a library of this file and libquern.a. */
#include "engine/cells/agreement.h"
#include "engine/cells/dynamics.h"

#include <string.h>

#define SHIM __attribute__((visibility("default")))

SHIM int shim_flows(int64_t height, int64_t width, uint32_t *at, int threads, float *dy,
                    float *dx);
SHIM int shim_labels(const qn_flow_field *field, const qn_dynamics_options *options,
                     int threads, uint32_t *at, int64_t *tally);
SHIM int shim_flow_error(const qn_flow_field *field, uint32_t *at, double *error);
SHIM int shim_clean(int64_t height, int64_t width, uint32_t *at, int64_t least);
SHIM int shim_resize(const int64_t *size, uint32_t *at, uint32_t *out);
SHIM int shim_stitch(int64_t n, int64_t height, int64_t width, uint32_t *at,
                     double threshold);
SHIM int shim_agree(int64_t height, int64_t width, uint32_t *truth, uint32_t *predicted,
                    double scale, double *figures);

int shim_flows(int64_t height, int64_t width, uint32_t *at, int threads, float *dy,
               float *dx)
{
    qn_mem mem;
    qn_arena arena;
    qn_pool *pool;
    const qn_labels labels = {height, width, at};
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    int status = quern_pool_create(threads, &pool, NULL);
    if (status == QUERN_OK)
        status = qn_labels_flows(&labels, qn_labels_max(&labels), pool, &arena, dy, dx,
                                 NULL);
    quern_pool_free(pool);
    qn_arena_done(&arena);
    return status;
}

int shim_labels(const qn_flow_field *field, const qn_dynamics_options *options,
                int threads, uint32_t *at, int64_t *tally)
{
    qn_mem mem;
    qn_arena arena;
    qn_pool *pool;
    qn_labels labels;
    qn_dynamics_tally t;
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    int status = quern_pool_create(threads, &pool, NULL);
    if (status == QUERN_OK)
        status = qn_dynamics_labels(field, options, pool, &arena, &labels, &t, NULL);
    if (status == QUERN_OK) {
        const int64_t said[] = {t.n,     t.pixels, t.moves, t.found,
                                t.large, t.bad,    t.small, (int64_t)mem.peak};
        memcpy(at, labels.at, (size_t)(labels.height * labels.width) * sizeof *at);
        memcpy(tally, said, sizeof said);
    }
    quern_pool_free(pool);
    qn_arena_done(&arena);
    return status;
}

int shim_flow_error(const qn_flow_field *field, uint32_t *at, double *error)
{
    qn_mem mem;
    qn_arena arena;
    const qn_labels labels = {field->height, field->width, at};
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    const int status = qn_labels_flow_error(&labels, qn_labels_max(&labels), field,
                                            NULL, &arena, error, NULL);
    qn_arena_done(&arena);
    return status;
}

int shim_clean(int64_t height, int64_t width, uint32_t *at, int64_t least)
{
    qn_mem mem;
    qn_arena arena;
    uint32_t n;
    qn_labels labels = {height, width, at};
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    const int status = qn_labels_clean(&labels, least, &arena, &n, NULL);
    qn_arena_done(&arena);
    return status;
}

int shim_resize(const int64_t *size, uint32_t *at, uint32_t *out)
{
    qn_mem mem;
    qn_arena arena;
    const qn_labels labels = {size[0], size[1], at};
    qn_labels made;
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    const int status = qn_labels_resize(&labels, size[2], size[3], &arena, &made, NULL);
    if (status == QUERN_OK)
        memcpy(out, made.at, (size_t)(size[2] * size[3]) * sizeof *out);
    qn_arena_done(&arena);
    return status;
}

int shim_stitch(int64_t n, int64_t height, int64_t width, uint32_t *at,
                double threshold)
{
    qn_mem mem;
    qn_arena arena;
    qn_labels plane[64];
    uint32_t n_cells;
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    for (int64_t z = 0; z < n && z < 64; z++)
        plane[z] = (qn_labels){height, width, at + z * height * width};
    const int status = qn_labels_stitch(plane, n, threshold, &arena, &n_cells, NULL);
    qn_arena_done(&arena);
    return status;
}

int shim_agree(int64_t height, int64_t width, uint32_t *truth, uint32_t *predicted,
               double scale, double *figures)
{
    qn_mem mem;
    qn_arena arena;
    qn_agreement a;
    qn_labels t = {height, width, truth}, p = {height, width, predicted};
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    const int status = qn_labels_agree(&t, &p, scale, &arena, &a, NULL);
    const double said[] = {
        qn_agreement_precision_at(&a, 0), qn_agreement_precision_at(&a, 5),
        qn_agreement_precision_at(&a, 8), qn_agreement_f1(&a),
        qn_agreement_jaccard(&a),         qn_agreement_panoptic(&a),
        qn_agreement_edge_precision(&a),  qn_agreement_edge_recall(&a),
        qn_agreement_edge_f1(&a),         qn_agreement_mean_precision(&a),
        qn_agreement_jaccard_classic(&a), a.diameter};
    memcpy(figures, said, sizeof said);
    qn_arena_done(&arena);
    return status;
}
