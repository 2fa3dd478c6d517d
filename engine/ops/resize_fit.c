/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/resize_fit.c - from the attributes and inputs of Resize-19 to the sizes,
 * scales and tables of every axis. */
#include "engine/ops/resize_state.h"

#include <math.h>
#include <string.h>

static const char *const modes[] = {"nearest", "linear", "cubic"};
static const char *const coords[] = {
    "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel",  "align_corners",
    "asymmetric", "tf_crop_and_resize",   "tf_half_pixel_for_nn"};
static const char *const rounds[] = {"round_prefer_floor", "round_prefer_ceil", "floor",
                                     "ceil"};
static const char *const policies[] = {"stretch", "not_larger", "not_smaller"};

#define FIND(list, text) find((list), (int)(sizeof(list) / sizeof *(list)), (text))

static int find(const char *const *list, int n, const char *text)
{
    for (int i = 0; i < n; i++)
        if (strcmp(list[i], text) == 0) return i;
    return -1;
}

quern_status qn_resize_check(const qn_node *node, quern_error *err)
{
    const qn_resize_params *p = node->params;
    if (FIND(modes, p->mode) < 0)
        return qn_fail(err, QUERN_INVALID, "mode is '%s'", p->mode);
    if (FIND(coords, p->coordinate_transformation_mode) < 0)
        return qn_fail(err, QUERN_INVALID, "coordinate_transformation_mode is '%s'",
                       p->coordinate_transformation_mode);
    if (FIND(rounds, p->nearest_mode) < 0)
        return qn_fail(err, QUERN_INVALID, "nearest_mode is '%s'", p->nearest_mode);
    if (FIND(policies, p->keep_aspect_ratio_policy) < 0)
        return qn_fail(err, QUERN_INVALID, "keep_aspect_ratio_policy is '%s'",
                       p->keep_aspect_ratio_policy);
    return QUERN_OK;
}

/* ---- sizes ---- */

static const qn_tensor *given(const qn_tensor *const *in, int n_in, int i)
{
    return i < n_in && in[i] && qn_tensor_count(in[i]) > 0 ? in[i] : NULL;
}

/* Which axis the k-th value of roi, scales and sizes is for. */
static quern_status listed_axes(const qn_resize_params *p, const qn_tensor *x,
                                int axes[], int *n, quern_error *err)
{
    *n = p->axes.v ? (int)(p->axes.n > QUERN_MAX_RANK ? QUERN_MAX_RANK + 1 : p->axes.n)
                   : x->rank;
    if (*n > x->rank)
        return qn_fail(err, QUERN_INVALID, "%lld axes for X %s", (long long)p->axes.n,
                       QN_SHAPE(x));
    unsigned seen = 0;
    for (int k = 0; k < *n; k++) {
        axes[k] = k;
        if (p->axes.v) QN_TRY(qn_axis(p->axes.v[k], x->rank, false, &axes[k], err));
        if (seen & 1U << axes[k])
            return qn_fail(err, QUERN_INVALID, "axis %d is listed twice", axes[k]);
        seen |= 1U << axes[k];
    }
    return QUERN_OK;
}

static quern_status want_values(const char *name, const qn_tensor *t, int n,
                                quern_error *err)
{
    if (qn_tensor_count(t) == n) return QUERN_OK;
    return qn_fail(err, QUERN_SHAPE, "%s is %s, wanted %d values", name, QN_SHAPE(t),
                   n);
}

static quern_status sized_by_scales(qn_resize_axis *a, double scale, quern_error *err)
{
    float out = floorf((float)scale * (float)a->in);
    if (!(scale > 0) || !(out < 0x1p62f))
        return qn_fail(err, QUERN_DATA, "scale %g", scale);
    a->scale = scale;
    a->out = (int64_t)out;
    return QUERN_OK;
}

static void keep_aspect(const qn_resize_params *p, qn_resize_axis *axis,
                        const int *axes, int n)
{
    int policy = FIND(policies, p->keep_aspect_ratio_policy);
    double scale = 0;
    for (int k = 0; k < n && policy > 0; k++) {
        double s = axis[axes[k]].scale;
        if (k == 0 || (policy == 1 ? s < scale : s > scale)) scale = s;
    }
    for (int k = 0; k < n && policy > 0; k++) {
        qn_resize_axis *a = &axis[axes[k]];
        a->scale = scale;
        a->out = (int64_t)(scale * (double)a->in + 0.5);
    }
}

/* Sizes, scales and region of every axis of x.  The values must be known. */
static quern_status fit(const qn_resize_params *p, const qn_tensor *const *in, int n_in,
                        qn_resize_axis *axis, quern_error *err)
{
    const qn_tensor *x = in[0], *roi = given(in, n_in, 1);
    const qn_tensor *scales = given(in, n_in, 2), *sizes = given(in, n_in, 3);
    int axes[QUERN_MAX_RANK], n;
    QN_TRY(listed_axes(p, x, axes, &n, err));
    for (int d = 0; d < x->rank; d++)
        axis[d] = (qn_resize_axis){
            .in = x->dim[d], .out = x->dim[d], .scale = 1, .roi = {0, 1}};
    if (x->rank == 0) return QUERN_OK;
    if (!sizes == !scales)
        return qn_fail(err, QUERN_INVALID, "%s scales and sizes are given",
                       sizes ? "both" : "neither");
    QN_TRY(want_values(sizes ? "sizes" : "scales", sizes ? sizes : scales, n, err));
    if (FIND(coords, p->coordinate_transformation_mode) == QN_TF_CROP_AND_RESIZE) {
        if (!roi) return qn_fail(err, QUERN_INVALID, "tf_crop_and_resize without roi");
        QN_TRY(want_values("roi", roi, 2 * n, err));
    } else
        roi = NULL;
    for (int k = 0; k < n; k++) {
        qn_resize_axis *a = &axis[axes[k]];
        if (roi) a->roi[0] = qn_get_real(roi, k);
        if (roi) a->roi[1] = qn_get_real(roi, n + k);
        if (scales) {
            QN_TRY(sized_by_scales(a, qn_get_real(scales, k), err));
            continue;
        }
        a->out = qn_get_int(sizes, k);
        if (a->out < 0 || (a->in == 0 && a->out > 0))
            return qn_fail(err, QUERN_DATA, "size %lld for axis %d of %s",
                           (long long)a->out, axes[k], QN_SHAPE(x));
        a->scale = a->in ? (double)a->out / (double)a->in : 1;
    }
    if (sizes) keep_aspect(p, axis, axes, n);
    return QUERN_OK;
}

quern_status qn_resize_setup(const qn_resize_params *p, const qn_tensor *const *in,
                             int n_in, qn_resize_state *s, quern_error *err)
{
    *s = (qn_resize_state){.n_active = 0};
    QN_TRY(fit(p, in, n_in, s->axis, err));
    s->how = (qn_resize){
        .mode = (qn_resize_mode)FIND(modes, p->mode),
        .coord = (qn_resize_coord)FIND(coords, p->coordinate_transformation_mode),
        .round = (qn_resize_round)FIND(rounds, p->nearest_mode),
        .antialias = p->antialias != 0,
        .exclude_outside = p->exclude_outside != 0,
        .cubic_a = (double)p->cubic_coeff_a};
    for (int d = 0; d < in[0]->rank; d++) {
        const qn_resize_axis *a = &s->axis[d];
        s->active[d] =
            a->in != a->out || a->scale != 1 || a->roi[0] != 0 || a->roi[1] != 1;
        s->n_active += s->active[d];
    }
    return QUERN_OK;
}

quern_status qn_resize_need(const qn_infer *x, int first, quern_error *err)
{
    const qn_resize_params *p = x->params;
    const int coord = FIND(coords, p->coordinate_transformation_mode);
    (void)err;
    for (int i = first + (coord != QN_TF_CROP_AND_RESIZE); i < x->n_in; i++)
        if (given(x->in, x->n_in, i)) QN_TRY(qn_infer_need(x, i));
    return QUERN_OK;
}

quern_status qn_resize_tables(qn_arena *arena, qn_resize_state *s, int rank,
                              quern_error *err)
{
    for (int d = 0; d < rank; d++) {
        void *p;
        size_t n;
        qn_resize_axis *a = &s->axis[d];
        a->taps = qn_resize_taps(&s->how, a->scale);
        if (!qn_size_mul((size_t)a->taps, (size_t)a->out, &n))
            return qn_fail(err, QUERN_LIMIT, "%lld taps on axis %d", (long long)a->taps,
                           d);
        QN_TRY(qn_arena_array(arena, n, sizeof(int64_t), &p, err));
        a->index = p;
        QN_TRY(qn_arena_array(arena, n, sizeof(double), &p, err));
        a->coef = p;
        qn_resize_table(&s->how, a);
    }
    return QUERN_OK;
}
