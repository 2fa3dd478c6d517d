/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/nms.c - boxes by falling score, each kept unless it overlaps a kept one of
 * its class by more than a threshold; ONNX NonMaxSuppression-11. */
#include "engine/index.h"
#include "engine/op.h"

typedef struct nms_params {
    int64_t center_point_box;
} nms_params;

static quern_status nms_infer(const qn_infer *x, quern_error *err)
{
    const qn_tensor *boxes = x->in[0], *scores = x->in[1];
    if (boxes->rank != 3 || boxes->dim[2] != 4 || scores->rank != 3 ||
        scores->dim[0] != boxes->dim[0] || scores->dim[2] != boxes->dim[1])
        return qn_fail(err, QUERN_SHAPE, "boxes %s and scores %s do not fit",
                       QN_SHAPE(boxes), QN_SHAPE(scores));
    for (int i = 2; i < x->n_in; i++)
        if (x->in[i] && qn_tensor_count(x->in[i]) > 1)
            return qn_fail(err, QUERN_SHAPE, "input %d is %s instead of a scalar", i,
                           QN_SHAPE(x->in[i]));
    x->out[0]->rank = 2;
    x->out[0]->dim[0] = 0;
    x->out[0]->dim[1] = 3;
    return QUERN_OK;
}

static quern_status nms_prepare(qn_prep *p, quern_error *err)
{
    size_t bytes, n = (size_t)p->instr->in[0]->dim[1];
    if (!qn_size_mul(n, 3 * sizeof(int64_t), &bytes))
        return qn_fail(err, QUERN_LIMIT, "%zu boxes are too many", n);
    qn_prep_scratch(p, bytes);
    return QUERN_OK;
}

/* Input i as a number, or what stands for it when it is absent or empty. */
static double scalar_or(const qn_instr *i, int k, double otherwise)
{
    const qn_tensor *t = k < i->n_in ? i->in[k] : NULL;
    return t && qn_tensor_count(t) == 1 ? qn_get_real(t, 0) : otherwise;
}

static bool higher_score(const void *ctx, int64_t a, int64_t b)
{
    const float *scores = ctx;
    return scores[a] > scores[b];
}

/* Low and high corner of a box: y0, x0, y1, x1 (or x first; it makes no difference). */
static void corners(const float *box, bool center, float *c)
{
    for (int d = 0; d < 2; d++) {
        float a = center ? box[d] - box[d + 2] / 2 : box[d];
        float b = center ? box[d] + box[d + 2] / 2 : box[d + 2];
        c[d] = a < b ? a : b;
        c[d + 2] = a < b ? b : a;
    }
}

static bool overlaps(const float *p, const float *q, bool center, float threshold)
{
    float a[4], b[4];
    corners(p, center, a);
    corners(q, center, b);
    float h = (a[2] < b[2] ? a[2] : b[2]) - (a[0] > b[0] ? a[0] : b[0]);
    float w = (a[3] < b[3] ? a[3] : b[3]) - (a[1] > b[1] ? a[1] : b[1]);
    if (!(h > 0 && w > 0)) return false;
    float area_a = (a[2] - a[0]) * (a[3] - a[1]),
          area_b = (b[2] - b[0]) * (b[3] - b[1]);
    float both = h * w, either = area_a + area_b - both;
    if (!(area_a > 0 && area_b > 0 && either > 0)) return false;
    return both / either > threshold;
}

typedef struct nms_limits {
    int64_t most; /* boxes kept for each class */
    float iou;
    double score;   /* -infinity: none */
    bool any_score; /* no threshold was given: NaN scores stay too */
} nms_limits;

static bool passes(const nms_limits *l, float score)
{
    return l->any_score || (double)score > l->score;
}

/* Keeps boxes of one class: positions into kept, best first; returns how many. */
static int64_t keep_boxes(const qn_tensor *boxes, int64_t batch, const float *scores,
                          bool center, const nms_limits *l, int64_t *scratch)
{
    int64_t n = boxes->dim[1], n_left = 0, n_kept = 0;
    int64_t *left = scratch, *spare = left + n, *kept = spare + n;
    const float *box = (const float *)boxes->data + batch * n * 4;
    for (int64_t k = 0; k < n; k++)
        if (passes(l, scores[k])) left[n_left++] = k;
    qn_sort_indices(left, spare, n_left, higher_score, scores);
    for (int64_t k = 0; k < n_left && n_kept < l->most; k++) {
        bool free = true;
        for (int64_t j = 0; free && j < n_kept; j++)
            free = !overlaps(box + 4 * left[k], box + 4 * kept[j], center, l->iou);
        if (free) kept[n_kept++] = left[k];
    }
    return n_kept;
}

/* No more rows than this can come out. */
static int64_t most_rows(const qn_tensor *scores, const nms_limits *l)
{
    int64_t rows = 0, n = scores->dim[2], classes = scores->dim[0] * scores->dim[1];
    const float *s = scores->data;
    for (int64_t c = 0; c < classes; c++, s += n) {
        int64_t count = 0;
        for (int64_t k = 0; k < n; k++)
            count += passes(l, s[k]);
        rows += count < l->most ? count : l->most;
    }
    return rows;
}

static quern_status nms_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    const nms_params *p = i->params;
    const qn_tensor *boxes = i->in[0], *scores = i->in[1];
    qn_tensor *y = i->out[0];
    const qn_tensor *most = i->n_in > 2 ? i->in[2] : NULL;
    nms_limits l = {
        .most = most && qn_tensor_count(most) == 1 ? qn_get_int(most, 0) : 0,
        .iou = (float)scalar_or(i, 3, 0),
        .score = scalar_or(i, 4, 0),
        .any_score = i->n_in <= 4 || !i->in[4] || qn_tensor_count(i->in[4]) == 0};
    if (l.most < 0) l.most = 0;
    y->rank = 2;
    y->dim[0] = most_rows(scores, &l);
    y->dim[1] = 3;
    QN_TRY(qn_exec_output(x, y, err));
    int64_t *row = y->data, rows = 0, n = boxes->dim[1];
    int64_t *kept = (int64_t *)i->scratch + 2 * n;
    const float *s = scores->data;
    for (int64_t b = 0; b < scores->dim[0]; b++)
        for (int64_t c = 0; c < scores->dim[1]; c++, s += n) {
            int64_t count =
                l.most ? keep_boxes(boxes, b, s, p->center_point_box, &l, i->scratch)
                       : 0;
            for (int64_t k = 0; k < count; k++, row += 3) {
                row[0] = b;
                row[1] = c;
                row[2] = kept[k];
            }
            rows += count;
        }
    y->dim[0] = rows;
    return QUERN_OK;
}

static const qn_attr nms_attrs[] = {
    QN_INT(nms_params, center_point_box, 0),
    QN_ATTRS_END,
};

const qn_op qn_op_nms = {
    .name = "NonMaxSuppression",
    .since = 11,
    .first = 10,
    .min_in = 2,
    .max_in = 5,
    .flags = QN_OP_DYNAMIC,
    .attrs = nms_attrs,
    .params_size = sizeof(nms_params),
    .types = {QN_T_F32, QN_T_F32, QN_T_I64, QN_T_F32, QN_T_F32},
    .out_type = QUERN_INT64,
    .infer = nms_infer,
    .prepare = nms_prepare,
    .run = nms_run,
};
