/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/conv_shape.c - geometry shared by Conv, ConvTranspose, pools and Col2Im.
 */
#include "engine/ops/conv_shape.h"

#include <string.h>

#define WINDOW_MAX (INT64_C(1) << 31) /* of any one attribute; keeps sums in int64 */

static bool is(const char *text, const char *word)
{
    return strcmp(text, word) == 0;
}

static quern_status check_list(const char *name, qn_ints list, int64_t n, int64_t low,
                               quern_error *err)
{
    if (!list.v) return QUERN_OK;
    if (n >= 0 && list.n != n)
        return qn_fail(err, QUERN_INVALID, "%s has %lld values, wanted %lld", name,
                       (long long)list.n, (long long)n);
    for (int64_t i = 0; i < list.n; i++)
        if (list.v[i] < low || list.v[i] >= WINDOW_MAX)
            return qn_fail(err, QUERN_INVALID, "%s[%lld] is %lld, wanted %lld to 2^31",
                           name, (long long)i, (long long)list.v[i], (long long)low);
    return QUERN_OK;
}

quern_status qn_window_check(const qn_node *node, quern_error *err)
{
    const qn_window_params *p = node->params;
    int64_t n = p->kernel_shape.v ? p->kernel_shape.n
                : p->strides.v    ? p->strides.n
                : p->dilations.v  ? p->dilations.n
                : p->pads.v       ? p->pads.n / 2
                                  : -1;
    if (n > QN_MAX_SPATIAL)
        return qn_fail(err, QUERN_UNSUPPORTED, "window over %lld axes, at most %d",
                       (long long)n, QN_MAX_SPATIAL);
    QN_TRY(check_list("kernel_shape", p->kernel_shape, n, 1, err));
    QN_TRY(check_list("strides", p->strides, n, 1, err));
    QN_TRY(check_list("dilations", p->dilations, n, 1, err));
    QN_TRY(check_list("pads", p->pads, n < 0 ? n : 2 * n, 0, err));
    QN_TRY(check_list("output_padding", p->output_padding, n, 0, err));
    QN_TRY(check_list("output_shape", p->output_shape, -1, 0, err));
    if (p->auto_pad && !is(p->auto_pad, "NOTSET") && !is(p->auto_pad, "VALID") &&
        !is(p->auto_pad, "SAME_UPPER") && !is(p->auto_pad, "SAME_LOWER"))
        return qn_fail(err, QUERN_INVALID, "auto_pad is '%s'", p->auto_pad);
    if (p->group < 0 || p->group >= WINDOW_MAX)
        return qn_fail(err, QUERN_INVALID, "group is %lld", (long long)p->group);
    return QUERN_OK;
}

static quern_status check_axes(const char *name, qn_ints list, int n, quern_error *err)
{
    if (list.v && list.n != n)
        return qn_fail(err, QUERN_SHAPE, "%s has %lld values for %d spatial axes", name,
                       (long long)list.n, n);
    return QUERN_OK;
}

quern_status qn_window_kernel(const qn_window_params *p, const qn_tensor *x,
                              const qn_tensor *w, qn_window *win, quern_error *err)
{
    *win = (qn_window){.rank = x->rank - 2};
    if (x->rank < 3)
        return qn_fail(err, QUERN_SHAPE, "X is %s, wanted [N,C,spatial...]",
                       QN_SHAPE(x));
    int n = win->rank;
    QN_TRY(check_axes("kernel_shape", p->kernel_shape, n, err));
    QN_TRY(check_axes("strides", p->strides, n, err));
    QN_TRY(check_axes("dilations", p->dilations, n, err));
    for (int d = 0; d < n; d++) {
        win->in[d] = x->dim[2 + d];
        win->kernel[d] = p->kernel_shape.v ? p->kernel_shape.v[d]
                         : w               ? w->dim[2 + d]
                                           : 0;
        win->stride[d] = p->strides.v ? p->strides.v[d] : 1;
        win->dilation[d] = p->dilations.v ? p->dilations.v[d] : 1;
        if (w && win->kernel[d] != w->dim[2 + d])
            return qn_fail(err, QUERN_SHAPE, "kernel_shape[%d] is %lld but W is %s", d,
                           (long long)win->kernel[d], QN_SHAPE(w));
        if (win->kernel[d] < 1 || win->kernel[d] >= WINDOW_MAX ||
            win->in[d] >= INT64_MAX / 4)
            return qn_fail(err, QUERN_SHAPE, "kernel size %lld on axis %d of %s",
                           (long long)win->kernel[d], d + 2, QN_SHAPE(x));
    }
    return QUERN_OK;
}

/* Output size of an axis whose padding is known. */
static quern_status axis_size(const qn_window_params *p, qn_window *w, int d,
                              quern_error *err)
{
    int64_t reach = (w->kernel[d] - 1) * w->dilation[d] + 1;
    int64_t room = w->in[d] + w->begin[d] + w->end[d] - reach, step = w->stride[d];
    if (room < 0) {
        w->out[d] = 0;
        if (w->in[d] == 0) return QUERN_OK;
        return qn_fail(
            err, QUERN_SHAPE,
            "window reaches over %lld elements but axis %d has %lld with its "
            "padding",
            (long long)reach, d + 2, (long long)(room + reach));
    }
    w->out[d] = room / step + 1;
    if (p->ceil_mode && room % step != 0) {
        w->out[d]++;
        /* A last window that begins in the right padding is dropped. */
        if ((w->out[d] - 1) * step >= w->in[d] + w->begin[d]) w->out[d]--;
    }
    return QUERN_OK;
}

quern_status qn_window_fit(const qn_window_params *p, const qn_tensor *x,
                           const qn_tensor *w, qn_window *win, quern_error *err)
{
    QN_TRY(qn_window_kernel(p, x, w, win, err));
    bool explicit_pads = is(p->auto_pad, "NOTSET");
    bool lower = is(p->auto_pad, "SAME_LOWER");
    if (explicit_pads)
        QN_TRY(check_axes("pads / 2", (qn_ints){p->pads.n / 2, p->pads.v}, win->rank,
                          err));
    for (int d = 0; d < win->rank; d++) {
        if (explicit_pads && p->pads.v) {
            win->begin[d] = p->pads.v[d];
            win->end[d] = p->pads.v[win->rank + d];
        }
        if (explicit_pads || is(p->auto_pad, "VALID")) {
            QN_TRY(axis_size(p, win, d, err));
            continue;
        }
        int64_t reach = (win->kernel[d] - 1) * win->dilation[d] + 1;
        win->out[d] = win->in[d] ? (win->in[d] - 1) / win->stride[d] + 1 : 0;
        int64_t total =
            win->out[d] ? (win->out[d] - 1) * win->stride[d] + reach - win->in[d] : 0;
        if (total < 0) total = 0;
        win->begin[d] = lower ? total - total / 2 : total / 2;
        win->end[d] = total - win->begin[d];
    }
    return QUERN_OK;
}

quern_status qn_conv_check_shapes(const qn_tensor *x, const qn_tensor *w,
                                  const qn_tensor *b, int64_t group, quern_error *err)
{
    if (x->rank < 3 || w->rank != x->rank)
        return qn_fail(err, QUERN_SHAPE, "X is %s but W is %s", QN_SHAPE(x),
                       QN_SHAPE(w));
    if (group < 1 || w->dim[0] % group != 0 || x->dim[1] % group != 0 ||
        x->dim[1] / group != w->dim[1])
        return qn_fail(err, QUERN_SHAPE, "X is %s but W is %s with group %lld",
                       QN_SHAPE(x), QN_SHAPE(w), (long long)group);
    if (b && (b->rank != 1 || b->dim[0] != w->dim[0]))
        return qn_fail(err, QUERN_SHAPE, "B is %s but W is %s", QN_SHAPE(b),
                       QN_SHAPE(w));
    return QUERN_OK;
}

quern_status qn_infer_one_type(const qn_infer *x, int n, quern_error *err)
{
    for (int i = 1; i < n && i < x->n_in; i++)
        if (x->in[i] && x->in[i]->dtype != x->in[0]->dtype)
            return qn_fail(err, QUERN_SHAPE, "input %d is %s but input 0 is %s", i,
                           quern_dtype_name(x->in[i]->dtype),
                           quern_dtype_name(x->in[0]->dtype));
    return QUERN_OK;
}

void qn_window_shape(qn_tensor *out, const qn_tensor *x, int64_t channels,
                     const qn_window *win)
{
    if (!out) return;
    out->rank = x->rank;
    out->dim[0] = x->dim[0];
    out->dim[1] = channels;
    for (int d = 0; d < win->rank; d++)
        out->dim[2 + d] = win->out[d];
}

void qn_window_to_plane(qn_window *win)
{
    for (; win->rank < 2; win->rank++) {
        for (int d = win->rank; d > 0; d--) {
            win->in[d] = win->in[d - 1];
            win->out[d] = win->out[d - 1];
            win->kernel[d] = win->kernel[d - 1];
            win->stride[d] = win->stride[d - 1];
            win->dilation[d] = win->dilation[d - 1];
            win->begin[d] = win->begin[d - 1];
            win->end[d] = win->end[d - 1];
        }
        win->in[0] = win->out[0] = win->kernel[0] = win->stride[0] = 1;
        win->dilation[0] = 1;
        win->begin[0] = win->end[0] = 0;
    }
}
