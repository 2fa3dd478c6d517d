/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/vnorm.h - included once per type with T, MATH(f) and the names MOMENTS,
 * MEAN_SQUARE, SUMS, AFFINE, NORMALIZE, LRN, LPSCALE defined. */

/* Sums of (x - shift) and (x - shift)^2 in double. */
static void SUMS(const T *x, int64_t n, double shift, double *sum, double *squares)
{
    double s[8] = {0}, q[8] = {0};
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int64_t j = 0; j < 8; j++) {
            double v = (double)x[i + j] - shift;
            s[j] += v;
            q[j] += v * v;
        }
    for (int64_t j = 0; i < n; i++, j++) {
        double v = (double)x[i] - shift;
        s[j] += v;
        q[j] += v * v;
    }
    *sum = ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
    *squares = ((q[0] + q[1]) + (q[2] + q[3])) + ((q[4] + q[5]) + (q[6] + q[7]));
}

qn_moments MOMENTS(const T *x, int64_t n)
{
    double sum, squares, shift = n > 0 ? (double)x[0] : 0;
    SUMS(x, n, shift, &sum, &squares);
    double mean = shift + sum / (double)n;
    SUMS(x, n, mean, &sum, &squares);
    return (qn_moments){mean, squares / (double)n};
}

double MEAN_SQUARE(const T *x, int64_t n)
{
    double sum, squares;
    SUMS(x, n, 0, &sum, &squares);
    return squares / (double)n;
}

void AFFINE(T *y, const T *x, int64_t n, double mean, double scale, double bias)
{
    T m = (T)mean, a = (T)scale, b = (T)bias;
    if (y == x) /* told apart so that both loops vectorise */
        for (int64_t i = 0; i < n; i++)
            y[i] = (y[i] - m) * a + b;
    else
        for (int64_t i = 0; i < n; i++)
            y[i] = (x[i] - m) * a + b;
}

void NORMALIZE(T *y, const T *x, int64_t n, const double mean_factor[2], const T *scale,
               const T *bias)
{
    T m = (T)mean_factor[0], f = (T)mean_factor[1];
    if (bias)
        for (int64_t i = 0; i < n; i++)
            y[i] = (x[i] - m) * f * scale[i] + bias[i];
    else
        for (int64_t i = 0; i < n; i++)
            y[i] = (x[i] - m) * f * scale[i];
}

void LRN(const qn_lrn *how, const T *x, T *y, int64_t n)
{
    int64_t before = (how->size - 1) / 2, after = how->size / 2;
    T sum[QN_LRN_BLOCK], factor = (T)how->alpha / (T)how->size, bias = (T)how->bias;
    for (int64_t c = 0; c < how->channels; c++) {
        int64_t from = c - before < 0 ? 0 : c - before;
        int64_t to = c + after < how->channels ? c + after : how->channels - 1;
        for (int64_t i = 0; i < n; i++)
            sum[i] = 0;
        for (int64_t k = from; k <= to; k++)
            for (int64_t i = 0; i < n; i++)
                sum[i] += x[k * how->pitch + i] * x[k * how->pitch + i];
        const T *in = x + c * how->pitch;
        T *out = y + c * how->pitch;
        if (how->beta == 0.75f) /* s^(3/4) by two square roots: it vectorises */
            for (int64_t i = 0; i < n; i++) {
                T root = MATH(sqrt)(bias + factor * sum[i]);
                out[i] = in[i] / (root * MATH(sqrt)(root));
            }
        else
            for (int64_t i = 0; i < n; i++)
                out[i] = in[i] / MATH(pow)(bias + factor * sum[i], (T)how->beta);
    }
}

void LPSCALE(T *y, const T *x, int64_t count, int64_t pitch, int64_t p)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++) {
        double v = (double)x[i * pitch];
        sum += p == 1 ? fabs(v) : v * v;
    }
    double norm = p == 1 ? sum : sqrt(sum);
    for (int64_t i = 0; i < count; i++)
        y[i * pitch] = norm == 0 ? 0 : (T)((double)x[i * pitch] / norm);
}
