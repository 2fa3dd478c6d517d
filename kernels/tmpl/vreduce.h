/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/vreduce.h - reductions over one element type: SUF names it, HIGHEST and
 * LOWEST are its extremes, IS_FLOAT and IS_SIGNED tell its kind.
 *
 * A row (the reduced run lies densely) is folded into eight accumulators, columns (kept
 * ones lie densely) into a tile of accumulators; `kind` is a constant wherever it is
 * tested in a loop, because these functions are inlined under a switch. */
#define T         QN_OF(t)
#define ACC       QN_OF(acc)
#define FN        static inline __attribute__((always_inline))
#define IS_NAN(x) (IS_FLOAT && isnan((double)(x)))

FN ACC QN_OF(reduce_term)(qn_reduce_kind kind, T x, double shift)
{
    switch (kind) {
    case QN_REDUCE_L1:
        return (double)x < 0 ? -(ACC)x : (ACC)x;
    case QN_REDUCE_L2:
    case QN_REDUCE_SUM_SQUARE:
        return (ACC)x * (ACC)x;
    case QN_REDUCE_LOG_SUM_EXP:
        return (ACC)exp((double)x - shift);
    default:
        return (ACC)x;
    }
}

FN ACC QN_OF(reduce_row)(qn_reduce_kind kind, ACC acc, const T *x, int64_t n,
                         double shift)
{
    if (kind == QN_REDUCE_PROD) {
        for (int64_t i = 0; i < n; i++)
            acc *= (ACC)x[i];
        return acc;
    }
    ACC lane[8] = {0};
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int l = 0; l < 8; l++)
            lane[l] += QN_OF(reduce_term)(kind, x[i + l], shift);
    for (; i < n; i++)
        lane[0] += QN_OF(reduce_term)(kind, x[i], shift);
    for (int l = 0; l < 8; l++)
        acc += lane[l];
    return acc;
}

FN void QN_OF(reduce_columns)(qn_reduce_kind kind, ACC *acc, const T *x, int64_t n,
                              const double *shift)
{
    if (kind == QN_REDUCE_PROD) {
        for (int64_t j = 0; j < n; j++)
            acc[j] *= (ACC)x[j];
        return;
    }
    for (int64_t j = 0; j < n; j++)
        acc[j] += QN_OF(reduce_term)(kind, x[j], shift[j]);
}

FN T QN_OF(reduce_best)(bool max, T best, T x)
{
    return (max ? x > best : x < best) || IS_NAN(x) ? x : best;
}

static T QN_OF(reduce_best_row)(bool max, T best, const T *x, int64_t n)
{
    T lane[8];
    for (int l = 0; l < 8; l++)
        lane[l] = best;
    int64_t i = 0;
    if (max)
        for (; i + 8 <= n; i += 8)
            for (int l = 0; l < 8; l++)
                lane[l] = QN_OF(reduce_best)(true, lane[l], x[i + l]);
    else
        for (; i + 8 <= n; i += 8)
            for (int l = 0; l < 8; l++)
                lane[l] = QN_OF(reduce_best)(false, lane[l], x[i + l]);
    for (; i < n; i++)
        lane[0] = QN_OF(reduce_best)(max, lane[0], x[i]);
    for (int l = 0; l < 8; l++)
        best = QN_OF(reduce_best)(max, best, lane[l]);
    return best;
}

static void QN_OF(reduce_best_columns)(bool max, T *best, const T *x, int64_t n)
{
    if (max)
        for (int64_t j = 0; j < n; j++)
            best[j] = QN_OF(reduce_best)(true, best[j], x[j]);
    else
        for (int64_t j = 0; j < n; j++)
            best[j] = QN_OF(reduce_best)(false, best[j], x[j]);
}

/* Folds one run into n accumulators: n = 1 is a row of `length`, else columns. */
static void QN_OF(reduce_fold)(qn_reduce_kind kind, ACC *acc, int64_t n, const T *x,
                               int64_t length, const double *shift)
{
    switch (kind) {
#define ONE(k)                                                          \
    case k:                                                             \
        if (n == 1)                                                     \
            acc[0] = QN_OF(reduce_row)(k, acc[0], x, length, shift[0]); \
        else                                                            \
            QN_OF(reduce_columns)(k, acc, x, n, shift);                 \
        break;
        ONE(QN_REDUCE_PROD)
        ONE(QN_REDUCE_L1)
        ONE(QN_REDUCE_SUM_SQUARE)
        ONE(QN_REDUCE_LOG_SUM_EXP)
        ONE(QN_REDUCE_SUM)
#undef ONE
    default:
        break;
    }
}

FN T QN_OF(reduce_finish)(qn_reduce_kind kind, ACC acc, int64_t count, double shift)
{
    /* what a negative sum of integers means */
    const double real = IS_SIGNED ? (double)(int64_t)acc : (double)acc;
    switch (kind) {
    case QN_REDUCE_L2:
        return QN_OF(narrow)(sqrt((double)acc));
    case QN_REDUCE_LOG_SUM:
        return QN_OF(narrow)(log(IS_FLOAT ? (double)acc : real));
    case QN_REDUCE_LOG_SUM_EXP:
        return QN_OF(narrow)(log((double)acc) + shift);
    case QN_REDUCE_MEAN:
        if (IS_FLOAT) return (T)((double)acc / (double)count);
        if (count == 0) return 0;
        return IS_SIGNED ? (T)((int64_t)acc / count)
                         : (T)((uint64_t)acc / (uint64_t)count);
    default:
        return (T)acc;
    }
}

/* Calls of the two passes below: run r of the reduced dims starts at this offset. */
static int64_t QN_OF(reduce_offset)(const qn_reduce_shape *s, int64_t r)
{
    int64_t at = 0;
    for (int d = s->n_red - 1; d >= 0; d--) {
        at += r % s->red[d] * s->red_step[d];
        r /= s->red[d];
    }
    return at;
}

enum { QN_OF(REDUCE_TILE) = 128 };

/* One tile of n outputs whose first input is x. */
static void QN_OF(reduce_tile)(qn_reduce_kind kind, const qn_reduce_shape *s,
                               const T *x, T *y, int64_t n)
{
    const bool best = kind == QN_REDUCE_MAX || kind == QN_REDUCE_MIN;
    const qn_reduce_kind sum = kind == QN_REDUCE_L2 ? QN_REDUCE_SUM_SQUARE
                               : kind == QN_REDUCE_MEAN || kind == QN_REDUCE_LOG_SUM
                                   ? QN_REDUCE_SUM
                                   : kind;
    const int64_t length = s->length, runs = length > 0 ? s->count / length : 0;
    double shift[QN_OF(REDUCE_TILE)] = {0};
    if (best || kind == QN_REDUCE_LOG_SUM_EXP) {
        const bool max = kind != QN_REDUCE_MIN;
        for (int64_t j = 0; j < n; j++)
            y[j] = max ? LOWEST : HIGHEST;
        for (int64_t r = 0; r < runs; r++) {
            const T *run = x + QN_OF(reduce_offset)(s, r);
            if (s->width == 1)
                y[0] = QN_OF(reduce_best_row)(max, y[0], run, length);
            else
                QN_OF(reduce_best_columns)(max, y, run, n);
        }
        if (best) return;
        for (int64_t j = 0; j < n; j++)
            shift[j] = isfinite((double)y[j]) ? (double)y[j] : 0;
    }
    ACC acc[QN_OF(REDUCE_TILE)];
    for (int64_t j = 0; j < n; j++)
        acc[j] = kind == QN_REDUCE_PROD;
    for (int64_t r = 0; r < runs; r++)
        QN_OF(reduce_fold)(sum, acc, n, x + QN_OF(reduce_offset)(s, r), length, shift);
    for (int64_t j = 0; j < n; j++)
        y[j] = QN_OF(reduce_finish)(kind, acc[j], s->count, shift[j]);
}

void QN_OF(reduce)(qn_reduce_kind kind, const qn_reduce_shape *s, const T *x, T *y,
                   int64_t begin, int64_t end)
{
    for (int64_t o = begin; o < end; o++) {
        int64_t at = 0, rest = o;
        for (int d = s->n_keep - 1; d >= 0; d--) {
            at += rest % s->keep[d] * s->keep_step[d];
            rest /= s->keep[d];
        }
        for (int64_t j = 0; j < s->width; j += QN_OF(REDUCE_TILE)) {
            const int64_t left = s->width - j;
            QN_OF(reduce_tile)
            (kind, s, x + at + j, y + o * s->width + j,
             left < QN_OF(REDUCE_TILE) ? left : QN_OF(REDUCE_TILE));
        }
    }
}

/* Does b, met after a, take its place? */
FN bool QN_OF(arg_wins)(const qn_arg_shape *s, T a, T b)
{
    if (IS_NAN(b)) return !IS_NAN(a) || s->last;
    if (IS_NAN(a)) return false;
    return (s->smallest ? b < a : b > a) || (s->last && b == a);
}

void QN_OF(arg)(const qn_arg_shape *s, const T *x, int64_t *y, int64_t begin,
                int64_t end)
{
    for (int64_t o = begin; o < end; o++)
        for (int64_t j = 0; j < s->inner; j++) {
            const T *column = x + o * s->n * s->inner + j;
            int64_t at = 0;
            for (int64_t i = 1; i < s->n; i++)
                if (QN_OF(arg_wins)(s, column[at * s->inner], column[i * s->inner]))
                    at = i;
            y[o * s->inner + j] = at;
        }
}
#undef T
#undef ACC
#undef FN
#undef IS_NAN
#undef SUF
#undef LOWEST
#undef HIGHEST
#undef IS_FLOAT
#undef IS_SIGNED
