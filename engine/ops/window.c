/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/window.c - tables of signal processing: ONNX HannWindow-17,
 * HammingWindow-17, BlackmanWindow-17 and MelWeightMatrix-17, formed in double. */
#include "engine/index.h"
#include "engine/op.h"

#include <math.h>
#include <string.h>

typedef struct window_params {
    int64_t output_datatype, periodic;
} window_params;

static quern_dtype table_dtype(const qn_node *node, int i)
{
    (void)i;
    return (quern_dtype)((const window_params *)node->params)->output_datatype;
}

static quern_status table_check(const qn_node *node, quern_error *err)
{
    int64_t type = ((const window_params *)node->params)->output_datatype;
    if (type < 1 || type > 31 || !(QN_T_NUMBERS >> type & 1))
        return qn_fail(err, QUERN_INVALID, "output_datatype %lld is no number type",
                       (long long)type);
    return QUERN_OK;
}

static quern_status window_infer(const qn_infer *x, quern_error *err)
{
    int64_t n;
    QN_TRY(qn_infer_need(x, 0));
    QN_TRY(qn_scalar_int(x->in[0], "size", &n, err));
    if (n < 0) return qn_fail(err, QUERN_DATA, "size is %lld", (long long)n);
    x->out[0]->rank = 1;
    x->out[0]->dim[0] = n;
    return QUERN_OK;
}

/* w[k] = a - b cos(2 pi k / period) + c cos(4 pi k / period). */
static void fill_window(const qn_instr *i, double a, double b, double c)
{
    const window_params *p = i->params;
    const double two_pi = 6.28318530717958647693;
    qn_tensor *y = i->out[0];
    int64_t n = y->dim[0];
    double period = (double)(p->periodic ? n : n - 1);
    for (int64_t k = 0; k < n; k++) {
        double at = two_pi * (double)k / period;
        double w = n == 1 ? 1 : a - b * cos(at) + c * cos(2 * at);
        qn_set_real(y, k, w);
    }
}

static quern_status hann_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)x;
    (void)err;
    fill_window(i, 0.5, 0.5, 0);
    return QUERN_OK;
}

static quern_status hamming_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)x;
    (void)err;
    fill_window(i, 25.0 / 46, 21.0 / 46, 0);
    return QUERN_OK;
}

static quern_status blackman_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)x;
    (void)err;
    fill_window(i, 0.42, 0.5, 0.08);
    return QUERN_OK;
}

static const qn_attr window_attrs[] = {
    QN_INT(window_params, output_datatype, QUERN_FLOAT),
    QN_INT(window_params, periodic, 1),
    QN_ATTRS_END,
};

const qn_op qn_op_hann_window = {
    .name = "HannWindow",
    .since = 17,
    .first = 17,
    .min_in = 1,
    .max_in = 1,
    .attrs = window_attrs,
    .params_size = sizeof(window_params),
    .types = {QN_T_INDEX},
    .out_dtype = table_dtype,
    .check = table_check,
    .infer = window_infer,
    .run = hann_run,
};

const qn_op qn_op_hamming_window = {
    .name = "HammingWindow",
    .since = 17,
    .first = 17,
    .min_in = 1,
    .max_in = 1,
    .attrs = window_attrs,
    .params_size = sizeof(window_params),
    .types = {QN_T_INDEX},
    .out_dtype = table_dtype,
    .check = table_check,
    .infer = window_infer,
    .run = hamming_run,
};

const qn_op qn_op_blackman_window = {
    .name = "BlackmanWindow",
    .since = 17,
    .first = 17,
    .min_in = 1,
    .max_in = 1,
    .attrs = window_attrs,
    .params_size = sizeof(window_params),
    .types = {QN_T_INDEX},
    .out_dtype = table_dtype,
    .check = table_check,
    .infer = window_infer,
    .run = blackman_run,
};

/* MelWeightMatrix ------------------------------------------------------------------ */

static quern_status mel_infer(const qn_infer *x, quern_error *err)
{
    static const char *const names[] = {"num_mel_bins", "dft_length", "sample_rate",
                                        "lower_edge_hertz", "upper_edge_hertz"};
    int64_t bins, length;
    for (int i = 0; i < 5; i++)
        if (qn_tensor_count(x->in[i]) != 1)
            return qn_fail(err, QUERN_SHAPE, "%s is %s instead of a scalar", names[i],
                           QN_SHAPE(x->in[i]));
    QN_TRY(qn_infer_need(x, 0));
    QN_TRY(qn_infer_need(x, 1));
    bins = qn_get_int(x->in[0], 0);
    length = qn_get_int(x->in[1], 0);
    if (bins < 0 || bins > INT32_MAX || length < 0)
        return qn_fail(err, QUERN_DATA, "%lld bins of a transform of %lld",
                       (long long)bins, (long long)length);
    x->out[0]->rank = 2;
    x->out[0]->dim[0] = length / 2 + 1;
    x->out[0]->dim[1] = bins;
    return QUERN_OK;
}

typedef struct mel_scale {
    double low, step; /* in mel */
    double per_hertz; /* spectrogram bins */
} mel_scale;

/* The spectrogram bin of the k-th edge. */
static double mel_edge(const mel_scale *m, int64_t k)
{
    double hertz = 700 * (pow(10, (m->low + (double)k * m->step) / 2595) - 1);
    return floor(hertz * m->per_hertz);
}

/* One triangle: rises from low to center, falls to high. */
static void fill_triangle(qn_tensor *y, int64_t column, int64_t low, int64_t center,
                          int64_t high)
{
    int64_t columns = y->dim[1];
    if (low == center) qn_set_real(y, center * columns + column, 1);
    for (int64_t k = low; k <= center && low < center; k++)
        qn_set_real(y, k * columns + column,
                    (double)(k - low) / (double)(center - low));
    for (int64_t k = center; k < high; k++)
        qn_set_real(y, k * columns + column,
                    (double)(high - k) / (double)(high - center));
}

static quern_status mel_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)x;
    qn_tensor *y = i->out[0];
    double length = (double)qn_get_int(i->in[1], 0), rate = qn_get_real(i->in[2], 0);
    double low = 2595 * log10(1 + qn_get_real(i->in[3], 0) / 700);
    double high = 2595 * log10(1 + qn_get_real(i->in[4], 0) / 700);
    int64_t rows = y->dim[0], columns = y->dim[1];
    mel_scale m = {.low = low,
                   .step = (high - low) / (double)(columns + 2),
                   .per_hertz = (length + 1) / rate};
    size_t bytes = qn_tensor_bytes(y);
    if (bytes) memset(y->data, 0, bytes);
    for (int64_t c = 0; c < columns; c++) {
        double edge[3];
        for (int k = 0; k < 3; k++) {
            edge[k] = mel_edge(&m, c + k);
            double least = k ? edge[k - 1] : 0, most = (double)rows - (k < 2);
            if (!(edge[k] >= least && edge[k] <= most))
                return qn_fail(err, QUERN_DATA,
                               "mel bin %lld has an edge at %g, of %lld spectrum bins",
                               (long long)c, edge[k], (long long)rows);
        }
        fill_triangle(y, c, (int64_t)edge[0], (int64_t)edge[1], (int64_t)edge[2]);
    }
    return QUERN_OK;
}

static const qn_attr mel_attrs[] = {
    QN_INT(window_params, output_datatype, QUERN_FLOAT),
    QN_ATTRS_END,
};

const qn_op qn_op_mel_weight_matrix = {
    .name = "MelWeightMatrix",
    .since = 17,
    .first = 17,
    .min_in = 5,
    .max_in = 5,
    .attrs = mel_attrs,
    .params_size = sizeof(window_params),
    .types = {QN_T_INDEX, QN_T_INDEX, QN_T_INDEX, QN_T_FLOATS},
    .out_dtype = table_dtype,
    .check = table_check,
    .infer = mel_infer,
    .run = mel_run,
};
