/* SPDX-License-Identifier: Apache-2.0 */
/* bench/adapter.c - the list of adapters, and the buffers of a case. */
#include "bench/adapter.h"

#include <string.h>

const qn_adapter *const qn_adapters[] = {
#define QN_ADAPTER(name) &qn_adapter_##name,
#include "bench/adapters.def"
#undef QN_ADAPTER
    NULL};

enum { PAGE = 4096, STEP = 13 * 64 };

quern_status qn_bench_buffer(qn_bench_case *c, const char *name, qn_buffer_role role,
                             size_t bytes, void **p, quern_error *err)
{
    if (c->n_buffers == QN_CASE_BUFFERS)
        return qn_fail(err, QUERN_INVALID, "more than %d buffers", QN_CASE_BUFFERS);
    const int i = c->n_buffers;
    /* Buffers that all begin a page would share the same few sets of a cache. */
    const size_t shift = c->use == QN_USE_TIME ? (size_t)(i * STEP) % PAGE : 0;
    QN_TRY(qn_guarded_make(&c->buffer[i].memory, bytes + shift,
                           c->use == QN_USE_END ? QN_AT_END : QN_AT_START, err));
    c->n_buffers++;
    c->buffer[i].name = name;
    c->buffer[i].role = role;
    c->buffer[i].bytes = bytes;
    c->buffer[i].p = *p = c->buffer[i].memory.p + shift;
    return QUERN_OK;
}

quern_status qn_bench_floats(qn_bench_case *c, int i, float **p, quern_error *err)
{
    const int64_t n = c->truth->in[i].n;
    void *at;
    QN_TRY(qn_bench_buffer(c, c->truth->in[i].name, QN_BUFFER_INPUT,
                           (size_t)n * sizeof(float), &at, err));
    *p = at;
    for (int64_t k = 0; k < n; k++)
        (*p)[k] = (float)c->truth->x[i][k];
    return QUERN_OK;
}

quern_status qn_bench_doubles(qn_bench_case *c, int i, double **p, quern_error *err)
{
    const int64_t n = c->truth->in[i].n;
    void *at = NULL;
    QN_TRY(qn_bench_buffer(c, c->truth->in[i].name, QN_BUFFER_INPUT,
                           (size_t)n * sizeof(double), &at, err));
    *p = at;
    memcpy(at, c->truth->x[i], (size_t)n * sizeof(double));
    return QUERN_OK;
}

quern_status qn_bench_output(qn_bench_case *c, size_t element, void **p,
                             quern_error *err)
{
    return qn_bench_buffer(c, "y", QN_BUFFER_OUTPUT, (size_t)c->truth->n_out * element,
                           p, err);
}

static const void *output_of(const qn_bench_case *c)
{
    for (int i = 0; i < c->n_buffers; i++)
        if (c->buffer[i].role == QN_BUFFER_OUTPUT) return c->buffer[i].p;
    return NULL;
}

void qn_bench_take_floats(qn_bench_case *c)
{
    const float *y = output_of(c);
    for (int64_t i = 0; y && i < c->truth->n_out; i++)
        c->y[i] = (double)y[i];
}

void qn_bench_take_doubles(qn_bench_case *c)
{
    const double *y = output_of(c);
    if (y) memcpy(c->y, y, (size_t)c->truth->n_out * sizeof *y);
}

quern_status qn_bench_open(qn_bench_case *c, quern_error *err)
{
    void *y;
    c->n_buffers = 0;
    QN_TRY(qn_arena_array(c->arena, (size_t)c->truth->n_out, sizeof(double), &y, err));
    c->y = y;
    return c->adapter->open(c, err);
}

void qn_bench_close(qn_bench_case *c)
{
    for (int i = 0; i < c->n_buffers; i++)
        qn_guarded_free(&c->buffer[i].memory);
    c->n_buffers = 0;
}
