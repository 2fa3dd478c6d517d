/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/conv_gate.c - see conv_gate.h. */
#include "engine/ops/conv_gate.h"

#include "engine/ops/conv_blocked.h"

enum {
    ROOM = 256 << 10, /* floats of filters in the scratch, if they are of more images */
    GRAIN = 16 << 10  /* floats worth handing to a thread */
};

static int64_t weight_size(const qn_conv8c *c)
{
    return (qn_conv8c_weight_size(c) + 15) & ~(int64_t)15;
}

int64_t qn_conv_gate_images(const qn_conv_way *w)
{
    const int64_t fit = ROOM / weight_size(&w->c);
    return fit < 1 ? 1 : fit < w->images ? fit : w->images;
}

quern_status qn_conv_gate_prepare(qn_prep *p, quern_error *err)
{
    qn_conv_way *s;
    QN_TRY(qn_prep_state(p, sizeof *s, (void **)&s, err));
    QN_TRY(qn_conv_blocked_prepare_way(p, s, err));
    qn_prep_scratch(p, (size_t)(s->images * weight_size(&s->c)) * sizeof(float));
    return QUERN_OK;
}

typedef struct job {
    const qn_kernels *k;
    qn_gate8c gate;
    int64_t panels;
} job;

/* Item: a panel of an image. */
static void gate_panels(void *ctx, int64_t begin, int64_t end, int worker)
{
    const job *j = ctx;
    (void)worker;
    for (int64_t n = begin; n < end; n++) {
        const int64_t c = n % j->panels;
        const qn_task8c t = {.image = n / j->panels, .c0 = c, .c1 = c + 1};
        j->k->gate8c_f32(&j->gate, &t);
    }
}

/* c has the planes of the first of s->images. */
static void run_images(const qn_conv_way *s, qn_conv8c c, const qn_instr *i,
                       const qn_exec *x, int64_t first)
{
    const qn_conv8c *whole = &s->c;
    job j = {.k = x->k, .panels = qn_conv8c_panels(whole)};
    j.gate = (qn_gate8c){.conv = whole,
                         .z = qn_tensor_plane(i->gate),
                         .y = i->scratch,
                         .image = weight_size(whole)};
    j.gate.z.data += first * j.gate.z.image;
    const int64_t grain = GRAIN * j.panels / j.gate.image;
    qn_parallel_for(x->pool, s->images * j.panels, grain < 1 ? 1 : grain, gate_panels,
                    &j);
    c.x.data += first * c.x.image;
    c.y.data += first * c.y.image;
    if (c.add.data) c.add.data += first * c.add.image;
    c.weight = i->scratch;
    c.weight_image = j.gate.image;
    qn_conv_way_run(s, &c, i, x);
}

void qn_conv_gate_run(const qn_instr *i, const qn_exec *x)
{
    qn_conv_way s = *(const qn_conv_way *)i->state;
    const int64_t all = i->in[0]->dim[0], most = s.images;
    qn_conv8c c = s.c;
    c.x = qn_tensor_plane(i->in[0]);
    c.y = qn_tensor_plane(i->out[0]);
    if (i->residual) c.add = qn_tensor_plane(i->residual);
    for (int64_t first = 0; first < all; first += s.images) {
        s.images = all - first < most ? all - first : most;
        run_images(&s, c, i, x, first);
    }
}
