/* SPDX-License-Identifier: Apache-2.0 */
/* bench/blocked_case.c - see blocked_case.h. */
#include "bench/blocked_case.h"

#include <string.h>

/* Element (image, channel, row, column) of a blocked tensor. */
static int64_t place(const qn_plane8c *p, const int64_t at[4])
{
    return at[0] * p->image + at[1] / QN_BLOCK8 * p->plane + at[2] * p->row +
           at[3] * QN_BLOCK8 + at[1] % QN_BLOCK8;
}

quern_status qn_blocked_input(qn_bench_case *c, int i, qn_plane8c *p,
                              const int64_t dims[4], int64_t halo, quern_error *err)
{
    int64_t origin, at[4] = {0};
    void *memory;
    const double *plain = c->truth->x[i];
    qn_plane8c_shape(p, dims[1], dims[2], dims[3], halo, &origin);
    QN_TRY(qn_bench_buffer(c, c->truth->in[i].name, QN_BUFFER_INPUT,
                           (size_t)(dims[0] * p->image) * sizeof(float), &memory, err));
    p->data = (float *)memory + origin;
    do
        p->data[place(p, at)] = (float)*plain++;
    while (qn_window_next(4, dims, at));
    return QUERN_OK;
}

static void set_plain(qn_plane8c *p, const int64_t dims[4])
{
    *p = (qn_plane8c){.row = dims[3],
                      .plane = dims[2] * dims[3],
                      .image = dims[1] * dims[2] * dims[3],
                      .c = dims[1],
                      .h = dims[2],
                      .w = dims[3]};
}

quern_status qn_blocked_plain(qn_bench_case *c, int i, qn_plane8c *p,
                              const int64_t dims[4], quern_error *err)
{
    void *memory;
    set_plain(p, dims);
    if (i >= 0) return qn_bench_floats(c, i, &p->data, err);
    QN_TRY(qn_bench_output(c, sizeof(float), &memory, err));
    p->data = memory;
    return QUERN_OK;
}

quern_status qn_blocked_open(qn_bench_case *c, qn_blocked_output *y,
                             const int64_t dims[4], quern_error *err)
{
    void *memory;
    qn_plane8c_shape(&y->p, dims[1], dims[2], dims[3], 1, &y->origin);
    y->n = dims[0];
    y->floats = dims[0] * y->p.image;
    QN_TRY(qn_bench_buffer(c, "y", QN_BUFFER_OUTPUT, (size_t)y->floats * sizeof(float),
                           &memory, err));
    y->memory = memory;
    y->p.data = y->memory + y->origin;
    return QUERN_OK;
}

void qn_blocked_take(qn_bench_case *c, const qn_blocked_output *y)
{
    const int64_t dims[4] = {y->n, y->p.c, y->p.h, y->p.w};
    int64_t at[4] = {0};
    double *to = c->y;
    do
        *to++ = (double)y->p.data[place(&y->p, at)];
    while (qn_window_next(4, dims, at));
}

const char *qn_blocked_audit(const qn_blocked_output *y)
{
    const qn_plane8c *p = &y->p;
    const int64_t blocks = qn_blocks8c(p->c);
    for (int64_t i = 0; i < y->floats; i++) {
        uint32_t bits;
        const int64_t at = i - y->origin;
        memcpy(&bits, y->memory + i, sizeof bits);
        const int64_t image = at < 0 ? -1 : at / p->image;
        const int64_t rest = at - image * p->image;
        const int64_t block = rest / p->plane, r = rest % p->plane / p->row;
        const int64_t column = rest % p->plane % p->row;
        const bool is_inside = at >= 0 && image < y->n && block < blocks && r < p->h &&
                               column < p->w * QN_BLOCK8;
        const int64_t channel = block * QN_BLOCK8 + column % QN_BLOCK8;
        if (!is_inside && bits != UINT32_MAX) return "writes to the halo of y";
        if (is_inside && channel >= p->c && bits << 1 != 0)
            return "the tail of the last block is not zero";
    }
    return NULL;
}
