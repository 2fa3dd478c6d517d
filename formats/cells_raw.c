/* SPDX-License-Identifier: Apache-2.0 */
/* formats/cells_raw.c - see cells_raw.h. */
#include "formats/cells_raw.h"

#include "formats/npz.h"

#include <math.h>
#include <string.h>

static qn_tensor tensor(quern_dtype dtype, const void *data)
{
    return (qn_tensor){.dtype = dtype, .data = (void *)(uintptr_t)data};
}

static qn_tensor text(const char *t)
{
    qn_tensor out = tensor(QUERN_UINT8, t);
    out.rank = 1;
    out.dim[0] = (int64_t)strlen(t);
    return out;
}

quern_status qn_cells_raw_save(qn_mem *mem, const char *path, const qn_cells_raw *raw,
                               quern_error *err)
{
    const qn_segmented *s = &raw->seg;
    const double scale[3] = {s->diameter, raw->rescale, s->um_per_px};
    qn_npz_member members[] = {{"flow", tensor(QUERN_FLOAT, s->flow)},
                               {"prob", tensor(QUERN_FLOAT, s->prob)},
                               {"scale", tensor(QUERN_DOUBLE, scale)},
                               {"image", text(raw->image)},
                               {"model", text(s->model)}};
    qn_set_shape(&members[0].value, QUERN_FLOAT, 4,
                 (int64_t[]){s->depth, 2, s->height, s->width});
    qn_set_shape(&members[1].value, QUERN_FLOAT, 3,
                 (int64_t[]){s->depth, s->height, s->width});
    qn_set_shape(&members[2].value, QUERN_DOUBLE, 1, (int64_t[]){3});
    return qn_npz_save(mem, path, members, sizeof members / sizeof members[0], err);
}

static quern_status member(const qn_npz_member *members, int n, const char *name,
                           quern_dtype dtype, int rank, const qn_tensor **out,
                           quern_error *err)
{
    for (int i = 0; i < n; i++) {
        const qn_tensor *t = &members[i].value;
        if (strcmp(members[i].name, name) != 0) continue;
        if (t->kind != QN_TENSOR || t->dtype != dtype || t->rank != rank)
            return qn_fail(err, QUERN_FORMAT, "'%s' is %s %s", name,
                           quern_dtype_name(t->dtype), QN_SHAPE(t));
        *out = t;
        return QUERN_OK;
    }
    return qn_fail(err, QUERN_FORMAT, "it has no '%s': not what --save raw writes",
                   name);
}

static quern_status take_text(const qn_tensor *t, qn_arena *arena, const char **out,
                              quern_error *err)
{
    return qn_arena_text(arena, t->data, (size_t)t->dim[0], out, err);
}

static quern_status take(const qn_npz_member *m, int n, qn_arena *arena,
                         qn_cells_raw *out, quern_error *err)
{
    const qn_tensor *flow, *prob, *scale, *image, *model;
    QN_TRY(member(m, n, "flow", QUERN_FLOAT, 4, &flow, err));
    QN_TRY(member(m, n, "prob", QUERN_FLOAT, 3, &prob, err));
    QN_TRY(member(m, n, "scale", QUERN_DOUBLE, 1, &scale, err));
    QN_TRY(member(m, n, "image", QUERN_UINT8, 1, &image, err));
    QN_TRY(member(m, n, "model", QUERN_UINT8, 1, &model, err));
    const int64_t *d = prob->dim;
    if (flow->dim[0] != d[0] || flow->dim[1] != 2 || flow->dim[2] != d[1] ||
        flow->dim[3] != d[2] || d[0] < 1 || d[1] < 1 || d[2] < 1 || scale->dim[0] != 3)
        return qn_fail(err, QUERN_FORMAT, "flow is %s and prob %s", QN_SHAPE(flow),
                       QN_SHAPE(prob));
    const double *v = scale->data;
    if (!(v[0] > 0 && v[1] > 0 && v[2] >= 0 && isfinite(v[0] + v[1] + v[2])))
        return qn_fail(err, QUERN_FORMAT, "scale is %g, %g, %g", v[0], v[1], v[2]);
    *out = (qn_cells_raw){.seg = {.depth = d[0],
                                  .height = d[1],
                                  .width = d[2],
                                  .flow = flow->data,
                                  .prob = prob->data,
                                  .diameter = v[0],
                                  .um_per_px = v[2],
                                  .model_sha256 = ""},
                          .rescale = v[1]};
    QN_TRY(take_text(image, arena, &out->image, err));
    return take_text(model, arena, &out->seg.model, err);
}

quern_status qn_cells_raw_load(qn_arena *arena, const char *path, qn_cells_raw *out,
                               quern_error *err)
{
    qn_npz_member *members;
    int n;
    QN_TRY(qn_npz_load(arena, path, &members, &n, err));
    const quern_status status = take(members, n, arena, out, err);
    if (status != QUERN_OK) qn_within(err, "%s", path);
    return status;
}
