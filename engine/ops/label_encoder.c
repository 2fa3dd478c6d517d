/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/label_encoder.c - maps keys to values, element by element; ai.onnx.ml
 * LabelEncoder-4.  Version 1 numbers a list of class names. */
#include "engine/index.h"
#include "engine/op.h"

#include <string.h>

typedef struct encoder_params {
    qn_tensor *keys_tensor, *values_tensor, *default_tensor;
    qn_strs keys_strings, values_strings, classes_strings;
    qn_ints keys_int64s, values_int64s;
    qn_floats keys_floats, values_floats;
    const char *default_string;
    int64_t default_int64;
    float default_float;
} encoder_params;

/* The keys or values as a tensor; data NULL if there are none. */
static qn_tensor list_of(const qn_tensor *t, const qn_strs *s, const qn_ints *i,
                         const qn_floats *f)
{
    qn_tensor y = {0};
    if (t) return *t;
    if (s->v) {
        qn_set_shape(&y, QUERN_STRING, 1, &s->n);
        y.data = (void *)s->v;
    } else if (i->v) {
        qn_set_shape(&y, QUERN_INT64, 1, &i->n);
        y.data = (void *)i->v;
    } else if (f->v) {
        qn_set_shape(&y, QUERN_FLOAT, 1, &f->n);
        y.data = (void *)f->v;
    }
    return y;
}

static qn_tensor keys_of(const encoder_params *p)
{
    return list_of(p->keys_tensor, &p->keys_strings, &p->keys_int64s, &p->keys_floats);
}

static qn_tensor values_of(const encoder_params *p)
{
    return list_of(p->values_tensor, &p->values_strings, &p->values_int64s,
                   &p->values_floats);
}

static quern_dtype encoder_dtype(const qn_node *node, int i)
{
    (void)i;
    const encoder_params *p = node->params;
    if (p->classes_strings.v)
        return node->in[0]->dtype == QUERN_STRING ? QUERN_INT64 : QUERN_STRING;
    return values_of(p).dtype;
}

static quern_status encoder_check(const qn_node *node, quern_error *err)
{
    const encoder_params *p = node->params;
    if (p->classes_strings.v) return QUERN_OK;
    qn_tensor keys = keys_of(p), values = values_of(p);
    if (!keys.data || !values.data)
        return qn_fail(err, QUERN_INVALID, "keys or values are missing");
    if (qn_tensor_count(&keys) != qn_tensor_count(&values))
        return qn_fail(err, QUERN_INVALID, "%lld keys but %lld values",
                       (long long)qn_tensor_count(&keys),
                       (long long)qn_tensor_count(&values));
    if (p->default_tensor && (p->default_tensor->dtype != values.dtype ||
                              qn_tensor_count(p->default_tensor) != 1))
        return qn_fail(err, QUERN_INVALID, "default_tensor is %s %s, not one %s",
                       quern_dtype_name(p->default_tensor->dtype),
                       QN_SHAPE(p->default_tensor), quern_dtype_name(values.dtype));
    return QUERN_OK;
}

static quern_status encoder_infer(const qn_infer *x, quern_error *err)
{
    const encoder_params *p = x->params;
    quern_dtype have = x->in[0]->dtype, want = keys_of(p).dtype;
    if (p->classes_strings.v) want = have == QUERN_INT64 ? QUERN_INT64 : QUERN_STRING;
    if (have != want)
        return qn_fail(err, QUERN_SHAPE, "input is %s but the keys are %s",
                       quern_dtype_name(have), quern_dtype_name(want));
    qn_copy_shape(x->out[0], x->in[0]);
    return QUERN_OK;
}

/* Version 1 by its list of names, the others by their keys. */
static qn_tensor search_keys(const encoder_params *p)
{
    const qn_ints none = {0};
    const qn_floats no = {0};
    if (p->classes_strings.v) return list_of(NULL, &p->classes_strings, &none, &no);
    return keys_of(p);
}

static bool key_before(const void *ctx, int64_t a, int64_t b)
{
    return qn_compare(ctx, a, ctx, b) < 0;
}

static quern_status encoder_prepare(qn_prep *prep, quern_error *err)
{
    qn_tensor keys = search_keys(prep->instr->params);
    int64_t n = qn_tensor_count(&keys);
    void *state;
    QN_TRY(qn_prep_state(prep, (size_t)n * 2 * sizeof(int64_t), &state, err));
    int64_t *order = state;
    for (int64_t k = 0; k < n; k++)
        order[k] = k;
    qn_sort_indices(order, order + n, n, key_before, &keys);
    return QUERN_OK;
}

/* The last key equal to element i of x; -1: none. */
static int64_t find_key(const qn_tensor *keys, const int64_t *order, const qn_tensor *x,
                        int64_t i)
{
    int64_t lo = 0, hi = qn_tensor_count(keys);
    while (lo < hi) {
        int64_t mid = lo + (hi - lo) / 2;
        if (qn_compare(x, i, keys, order[mid]) < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo > 0 && qn_compare(x, i, keys, order[lo - 1]) == 0 ? order[lo - 1] : -1;
}

/* Writes what stands for an unknown key. */
static void write_default(const encoder_params *p, qn_tensor *y, int64_t i)
{
    size_t size = qn_dtype_size(y->dtype);
    if (p->default_tensor)
        memcpy((char *)y->data + (size_t)i * size, p->default_tensor->data, size);
    else if (y->dtype == QUERN_STRING)
        ((qn_str *)y->data)[i] =
            (qn_str){.p = p->default_string, .n = strlen(p->default_string)};
    else if (qn_dtype_is_float(y->dtype))
        qn_set_real(y, i, (double)p->default_float);
    else
        qn_set_real(y, i, (double)p->default_int64);
}

static void run_names(const encoder_params *p, const qn_tensor *x, qn_tensor *y)
{
    int64_t n = qn_tensor_count(x);
    for (int64_t i = 0; i < n; i++) {
        int64_t at = ((const int64_t *)x->data)[i];
        if (at >= 0 && at < p->classes_strings.n)
            ((qn_str *)y->data)[i] = p->classes_strings.v[at];
        else
            write_default(p, y, i);
    }
}

static quern_status encoder_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)x;
    (void)err;
    const encoder_params *p = i->params;
    const qn_tensor *in = i->in[0];
    qn_tensor *y = i->out[0], keys = search_keys(p), values = values_of(p);
    if (p->classes_strings.v && in->dtype != QUERN_STRING) {
        run_names(p, in, y);
        return QUERN_OK;
    }
    size_t size = qn_dtype_size(y->dtype);
    const char *from = values.data;
    int64_t n = qn_tensor_count(in);
    for (int64_t k = 0; k < n; k++) {
        int64_t at = find_key(&keys, i->state, in, k);
        if (at < 0)
            write_default(p, y, k);
        else if (p->classes_strings.v)
            ((int64_t *)y->data)[k] = at;
        else if (from)
            memcpy((char *)y->data + (size_t)k * size, from + (size_t)at * size, size);
    }
    return QUERN_OK;
}

static const qn_attr encoder_attrs[] = {
    QN_TENSOR_ATTR(encoder_params, keys_tensor),
    QN_TENSOR_ATTR(encoder_params, values_tensor),
    QN_TENSOR_ATTR(encoder_params, default_tensor),
    QN_STRS(encoder_params, keys_strings),
    QN_STRS(encoder_params, values_strings),
    QN_STRS(encoder_params, classes_strings),
    QN_INTS(encoder_params, keys_int64s),
    QN_INTS(encoder_params, values_int64s),
    QN_FLOATS(encoder_params, keys_floats),
    QN_FLOATS(encoder_params, values_floats),
    QN_STR(encoder_params, default_string, "_Unused"),
    QN_INT(encoder_params, default_int64, -1),
    QN_FLOAT(encoder_params, default_float, -0.0f),
    QN_ATTRS_END,
};

#define ENCODER_TYPES \
    (QN_T_STRING | QN_T_INDEX | QN_BIT(QUERN_INT16) | QN_T_F32 | QN_T_F64)

const qn_op qn_op_label_encoder = {
    .name = "LabelEncoder",
    .domain = "ai.onnx.ml",
    .since = 4,
    .min_in = 1,
    .max_in = 1,
    .attrs = encoder_attrs,
    .params_size = sizeof(encoder_params),
    .types = {ENCODER_TYPES},
    .out_dtype = encoder_dtype,
    .check = encoder_check,
    .infer = encoder_infer,
    .prepare = encoder_prepare,
    .run = encoder_run,
};
