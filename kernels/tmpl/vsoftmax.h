/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/vsoftmax.h - softmax for SUF f32 or f64.  Results go through a tile of
 * their own, so that loops vectorise when y is x. */
#define T QN_OF(t)

static T QN_OF(row_max)(const T *x, int64_t n)
{
    T lane[16], max = (T)-INFINITY;
    for (int l = 0; l < 16; l++)
        lane[l] = max;
    int64_t i = 0;
    for (; i + 16 <= n; i += 16)
        for (int l = 0; l < 16; l++)
            lane[l] = x[i + l] > lane[l] || x[i + l] != x[i + l] ? x[i + l] : lane[l];
    for (; i < n; i++)
        lane[0] = x[i] > lane[0] || x[i] != x[i] ? x[i] : lane[0];
    for (int l = 0; l < 16; l++)
        max = lane[l] > max || lane[l] != lane[l] ? lane[l] : max;
    return max;
}

/* y = exp(x - max); returns the sum. */
static T QN_OF(row_exp)(const T *x, T *y, int64_t n, T max)
{
    T lane[16] = {0}, sum = 0, tile[16];
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) {
        for (int l = 0; l < 16; l++)
            tile[l] = QN_OF(exp)(x[i + l] - max);
        for (int l = 0; l < 16; l++)
            lane[l] += tile[l];
        memcpy(y + i, tile, sizeof tile);
    }
    for (; i < n; i++) {
        y[i] = QN_OF(exp)(x[i] - max);
        lane[0] += y[i];
    }
    for (int l = 0; l < 16; l++)
        sum += lane[l];
    return sum;
}

/* log of the sum of exp(x - max); in double, for near 0 every bit of the sum counts. */
static double QN_OF(row_log_sum)(const T *x, int64_t n, T max)
{
    double lane[16] = {0}, sum = 0;
    int64_t i = 0;
    for (; i + 16 <= n; i += 16)
        for (int l = 0; l < 16; l++)
            lane[l] += (double)QN_OF(exp)(x[i + l] - max);
    for (; i < n; i++)
        lane[0] += (double)QN_OF(exp)(x[i] - max);
    for (int l = 0; l < 16; l++)
        sum += lane[l];
    return log(sum);
}

static void QN_OF(softmax_row)(qn_softmax_kind kind, const T *x, T *y, int64_t n)
{
    const T max = QN_OF(row_max)(x, n);
    if (kind == QN_SOFTMAX) {
        const T scale = 1 / QN_OF(row_exp)(x, y, n, max);
        for (int64_t i = 0; i < n; i++)
            y[i] *= scale;
    } else if (kind == QN_LOG_SOFTMAX) {
        const double shift = (double)max, lost = QN_OF(row_log_sum)(x, n, max);
        for (int64_t i = 0; i < n; i++)
            y[i] = (T)((double)x[i] - shift - lost);
    } else {
        int64_t at = 0;
        while (at < n - 1 && x[at] != max)
            at++;
        memset(y, 0, (size_t)n * sizeof *y);
        y[at] = 1;
    }
}

/* w <= TILE columns, n rows that lie inner apart */
enum { QN_OF(SOFTMAX_TILE) = 64 };

static void QN_OF(softmax_columns)(qn_softmax_kind kind, const T *x, T *y, int64_t n,
                                   int64_t inner, int64_t w)
{
    T max[QN_OF(SOFTMAX_TILE)], e[QN_OF(SOFTMAX_TILE)];
    double sum[QN_OF(SOFTMAX_TILE)] = {0};
    for (int64_t j = 0; j < w; j++)
        max[j] = x[j];
    for (int64_t i = 1; i < n; i++)
        for (int64_t j = 0; j < w; j++) {
            const T v = x[i * inner + j];
            max[j] = v > max[j] || v != v ? v : max[j];
        }
    for (int64_t i = 0; i < n; i++) {
        const T *xi = x + i * inner;
        T *yi = y + i * inner;
        for (int64_t j = 0; j < w; j++)
            e[j] = kind == QN_HARDMAX ? (T)(xi[j] == max[j] && sum[j] == 0)
                                      : QN_OF(exp)(xi[j] - max[j]);
        for (int64_t j = 0; j < w; j++)
            sum[j] += (double)e[j];
        if (kind != QN_LOG_SOFTMAX) memcpy(yi, e, (size_t)w * sizeof *e);
    }
    if (kind == QN_HARDMAX) return;
    for (int64_t j = 0; j < w; j++)
        e[j] = (T)(kind == QN_SOFTMAX ? 1 / sum[j] : log(sum[j]));
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < w; j++) {
            const int64_t at = i * inner + j;
            y[at] = kind == QN_SOFTMAX ? y[at] * e[j] : x[at] - max[j] - e[j];
        }
}

void QN_OF(softmax)(qn_softmax_kind kind, int64_t n, int64_t inner, const T *x, T *y,
                    int64_t begin, int64_t end)
{
    if (n == 0) return;
    for (int64_t o = begin; o < end; o++) {
        const T *xo = x + o * n * inner;
        T *yo = y + o * n * inner;
        if (inner == 1) {
            QN_OF(softmax_row)(kind, xo, yo, n);
            continue;
        }
        for (int64_t j = 0; j < inner; j += QN_OF(SOFTMAX_TILE))
            QN_OF(softmax_columns)
        (kind, xo + j, yo + j, n, inner,
         inner - j < QN_OF(SOFTMAX_TILE) ? inner - j : QN_OF(SOFTMAX_TILE));
    }
}
#undef T
#undef SUF
