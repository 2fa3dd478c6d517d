/* SPDX-License-Identifier: Apache-2.0 */
/* bench/tune.c - see tune.h. */
#include "bench/tune.h"

#include "bench/kinds.h"
#include "engine/ops/conv_way.h"

#include <stdio.h>
#include <string.h>

enum { STEM_CHANNELS = 4 }; /* up to which sessions have a way of their own */

static qn_conv8c conv_of(const qn_problem *p)
{
    const qn_conv_problem g = qn_conv_problem_of(p);
    qn_conv8c c = {.groups = g.groups};
    c.x.c = g.ic;
    c.y.c = g.oc;
    c.y.h = g.w.out[0];
    c.y.w = g.w.out[1];
    for (int d = 0; d < 2; d++) {
        c.kernel[d] = g.w.kernel[d];
        c.stride[d] = g.w.stride[d];
        c.dilation[d] = g.w.dilation[d];
    }
    return c;
}

bool qn_tune_fits(const qn_problem *p, qn_tuned *conv)
{
    if (p->kind != &qn_kind_conv_f32) return false;
    const qn_conv8c c = conv_of(p);
    *conv = (qn_tuned){.ic = c.x.c, .oc = c.y.c, .h = c.y.h, .w = c.y.w};
    return c.x.c > STEM_CHANNELS && qn_conv_may_transform(&c);
}

/* The tile of a row, by its name: conv8c_..., wino8c_.../4x4. */
static int tile_of(const qn_kernel_result *r)
{
    const char *slash = strchr(r->impl, '/');
    return !strncmp(r->impl, "wino", 4) && slash ? slash[1] - '0' : 0;
}

quern_status qn_tune_problem(qn_kernel_bench *b, const qn_problem *p, qn_arena *arena,
                             qn_tune_result *out, quern_error *err)
{
    qn_kernel_results rows = {.arena = arena};
    const qn_kernel_result *usual = NULL;
    const qn_conv8c c = conv_of(p);
    char impl[40];
    *out = (qn_tune_result){.usual = qn_conv_wino_tile(&c, 1), .gain = 1};
    qn_tune_fits(p, &out->choice);
    out->choice.tile = out->usual;
    snprintf(impl, sizeof impl, "[cw]*8c_f32_%s*", quern_cpu_isa());
    b->impl = impl;
    const quern_status status = qn_kernel_bench_run(b, p, &rows, err);
    b->impl = NULL;
    if (status != QUERN_OK) return status;
    for (int i = 0; i < rows.n; i++)
        if (rows.r[i].is_timed && tile_of(&rows.r[i]) == out->usual) usual = &rows.r[i];
    if (!usual) return QUERN_OK;
    out->is_known = true;
    for (int i = 0; i < rows.n; i++) {
        const qn_kernel_result *r = &rows.r[i];
        const double gain = usual->seconds.median / r->seconds.median;
        if (!r->is_timed || r->seconds.hi >= usual->seconds.lo || gain <= out->gain)
            continue;
        out->choice.tile = tile_of(r);
        out->gain = gain;
    }
    return QUERN_OK;
}

void qn_tune_text(qn_buf *out, const char *isa, const qn_tuned *list, int n)
{
    const size_t start = out->n;
    qn_buf_format(out, "quern-tuning 1\nmade-for %s %s\n", QUERN_VERSION, isa);
    for (int i = 0; i < n; i++)
        qn_buf_format(out, "conv3x3 %lld %lld %lld %lld %d\n", (long long)list[i].ic,
                      (long long)list[i].oc, (long long)list[i].h, (long long)list[i].w,
                      list[i].tile);
    if (!out->p) return;
    const uint64_t hash = qn_tuning_hash(out->p + start, out->n - start);
    qn_buf_format(out, "end %d %016llx\n", n, (unsigned long long)hash);
}
