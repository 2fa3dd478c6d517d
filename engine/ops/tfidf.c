/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/tfidf.c - counts n-grams of a pool in each row, with gaps of up to
 * max_skip_count items; ONNX TfIdfVectorizer-9.
 *
 * The n-grams of one length are sorted once; a run looks every window up by bisection.
 */
#include "engine/index.h"
#include "engine/op.h"

#include <string.h>

typedef struct tfidf_params {
    const char *mode;
    int64_t min_gram_length, max_gram_length, max_skip_count;
    qn_ints ngram_counts, ngram_indexes, pool_int64s;
    qn_strs pool_strings;
    qn_floats weights;
} tfidf_params;

static int64_t pool_count(const tfidf_params *p)
{
    return p->pool_strings.v ? p->pool_strings.n : p->pool_int64s.n;
}

/* Where the n-grams of length n lie: pool items [begin, end). */
static int64_t pool_begin(const tfidf_params *p, int64_t n)
{
    return n <= p->ngram_counts.n ? p->ngram_counts.v[n - 1] : pool_count(p);
}

static int64_t output_size(const tfidf_params *p)
{
    int64_t most = -1;
    for (int64_t k = 0; k < p->ngram_indexes.n; k++)
        most = p->ngram_indexes.v[k] > most ? p->ngram_indexes.v[k] : most;
    return most + 1;
}

static quern_status check_pool(const tfidf_params *p, quern_error *err)
{
    int64_t grams = 0, items = pool_count(p);
    for (int64_t n = 1; n <= p->ngram_counts.n; n++) {
        int64_t begin = pool_begin(p, n), end = pool_begin(p, n + 1);
        if (begin < 0 || begin > end || end > items || (end - begin) % n != 0)
            return qn_fail(
                err, QUERN_INVALID, "%lld-grams at pool items %lld to %lld, of %lld",
                (long long)n, (long long)begin, (long long)end, (long long)items);
        grams += (end - begin) / n;
    }
    if (grams != p->ngram_indexes.n)
        return qn_fail(err, QUERN_INVALID, "%lld n-grams but %lld ngram_indexes",
                       (long long)grams, (long long)p->ngram_indexes.n);
    return QUERN_OK;
}

static quern_status tfidf_check(const qn_node *node, quern_error *err)
{
    const tfidf_params *p = node->params;
    if (strcmp(p->mode, "TF") != 0 && strcmp(p->mode, "IDF") != 0 &&
        strcmp(p->mode, "TFIDF") != 0)
        return qn_fail(err, QUERN_INVALID, "mode '%s' is not known", p->mode);
    if (p->min_gram_length < 1 || p->max_gram_length < p->min_gram_length ||
        p->max_skip_count < 0)
        return qn_fail(err, QUERN_INVALID, "n-grams of %lld to %lld with %lld skips",
                       (long long)p->min_gram_length, (long long)p->max_gram_length,
                       (long long)p->max_skip_count);
    if (!p->pool_strings.v == !p->pool_int64s.v)
        return qn_fail(err, QUERN_INVALID, "exactly one pool attribute is needed");
    QN_TRY(check_pool(p, err));
    for (int64_t k = 0; k < p->ngram_indexes.n; k++)
        if (p->ngram_indexes.v[k] < 0 || p->ngram_indexes.v[k] > INT32_MAX)
            return qn_fail(err, QUERN_INVALID, "ngram_indexes[%lld] is %lld",
                           (long long)k, (long long)p->ngram_indexes.v[k]);
    if (p->weights.v && p->weights.n < output_size(p))
        return qn_fail(err, QUERN_INVALID, "%lld weights for %lld columns",
                       (long long)p->weights.n, (long long)output_size(p));
    return QUERN_OK;
}

static quern_status tfidf_infer(const qn_infer *x, quern_error *err)
{
    const tfidf_params *p = x->params;
    const qn_tensor *in = x->in[0];
    qn_tensor *y = x->out[0];
    if (in->rank > 2)
        return qn_fail(err, QUERN_SHAPE, "input %s is neither [C] nor [B,C]",
                       QN_SHAPE(in));
    if ((in->dtype == QUERN_STRING) != (p->pool_strings.v != NULL))
        return qn_fail(err, QUERN_SHAPE, "input is %s but the pool holds %s",
                       quern_dtype_name(in->dtype),
                       p->pool_strings.v ? "strings" : "integers");
    y->rank = in->rank == 2 ? 2 : 1;
    y->dim[0] = in->rank == 2 ? in->dim[0] : output_size(p);
    y->dim[1] = output_size(p);
    return QUERN_OK;
}

/* The pool as a tensor, for comparisons. */
static qn_tensor pool_tensor(const tfidf_params *p)
{
    bool strings = p->pool_strings.v != NULL;
    qn_tensor t = {.dtype = strings ? QUERN_STRING : QUERN_INT64, .rank = 1};
    t.dim[0] = pool_count(p);
    t.data = strings ? (void *)p->pool_strings.v : (void *)p->pool_int64s.v;
    return t;
}

typedef struct gram_order {
    qn_tensor pool;
    int64_t n, begin, first; /* length, first pool item, first n-gram number */
} gram_order;

/* Order of a window of t (n items from at on, step apart) and n-gram g of the pool. */
static int compare_gram(const gram_order *o, const qn_tensor *t, int64_t at,
                        int64_t step, int64_t g)
{
    int64_t item = o->begin + (g - o->first) * o->n;
    for (int64_t k = 0; k < o->n; k++) {
        int order;
        if (t->dtype == QUERN_STRING) {
            order = qn_compare(t, at + k * step, &o->pool, item + k);
        } else {
            int64_t a = qn_get_int(t, at + k * step),
                    b = qn_get_int(&o->pool, item + k);
            order = (a > b) - (a < b);
        }
        if (order) return order;
    }
    return 0;
}

static bool gram_before(const void *ctx, int64_t a, int64_t b)
{
    const gram_order *o = ctx;
    return compare_gram(o, &o->pool, o->begin + (a - o->first) * o->n, 1, b) < 0;
}

static quern_status tfidf_prepare(qn_prep *prep, quern_error *err)
{
    const tfidf_params *p = prep->instr->params;
    void *state;
    size_t bytes;
    if (!qn_size_mul((size_t)p->ngram_indexes.n, 2 * sizeof(int64_t), &bytes))
        return qn_fail(err, QUERN_LIMIT, "%lld n-grams", (long long)p->ngram_indexes.n);
    QN_TRY(qn_prep_state(prep, bytes, &state, err));
    int64_t *order = state, *spare = order + p->ngram_indexes.n;
    gram_order o = {.pool = pool_tensor(p)};
    for (o.n = 1; o.n <= p->ngram_counts.n; o.n++) {
        o.begin = pool_begin(p, o.n);
        int64_t count = (pool_begin(p, o.n + 1) - o.begin) / o.n;
        for (int64_t k = 0; k < count; k++)
            order[o.first + k] = o.first + k;
        qn_sort_indices(order + o.first, spare, count, gram_before, &o);
        o.first += count;
    }
    return QUERN_OK;
}

/* Counts the windows of one length and one gap in a row of x. */
static void count_grams(const tfidf_params *p, const gram_order *o,
                        const int64_t *order, int64_t n_grams, const qn_tensor *x,
                        const int64_t row[3], float *y)
{
    int64_t begin = row[0], length = row[1], step = row[2];
    int64_t reach;
    if (__builtin_mul_overflow(o->n - 1, step, &reach)) return;
    for (int64_t at = 0; at < length - reach; at++) {
        int64_t lo = 0, hi = n_grams; /* the last n-gram that is not above the window */
        while (lo < hi) {
            int64_t mid = lo + (hi - lo) / 2;
            if (compare_gram(o, x, begin + at, step, order[mid]) < 0)
                hi = mid;
            else
                lo = mid + 1;
        }
        if (lo > 0 && compare_gram(o, x, begin + at, step, order[lo - 1]) == 0)
            y[p->ngram_indexes.v[order[lo - 1]]] += 1;
    }
}

static void count_row(const tfidf_params *p, const int64_t *order, const qn_tensor *x,
                      int64_t begin, int64_t length, float *y)
{
    gram_order o = {.pool = pool_tensor(p)};
    for (o.n = 1; o.n <= p->ngram_counts.n && o.n <= p->max_gram_length; o.n++) {
        o.begin = pool_begin(p, o.n);
        int64_t count = (pool_begin(p, o.n + 1) - o.begin) / o.n;
        /* Single items have no gaps, so they are counted once. */
        int64_t skips = o.n == 1 ? 0 : p->max_skip_count;
        for (int64_t s = 0; o.n >= p->min_gram_length && s <= skips && s < length; s++)
            count_grams(p, &o, order + o.first, count, x,
                        (int64_t[3]){begin, length, s + 1}, y);
        o.first += count;
    }
}

static quern_status tfidf_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)x;
    (void)err;
    const tfidf_params *p = i->params;
    const qn_tensor *in = i->in[0];
    int64_t rows = in->rank == 2 ? in->dim[0] : 1, columns = output_size(p);
    int64_t length = in->rank == 0 ? 1 : in->dim[in->rank - 1];
    float *y = i->out[0]->data;
    for (int64_t r = 0; r < rows; r++, y += columns) {
        for (int64_t c = 0; c < columns; c++)
            y[c] = 0;
        count_row(p, i->state, in, r * length, length, y);
        bool clip = strcmp(p->mode, "IDF") == 0, weigh = strcmp(p->mode, "TF") != 0;
        for (int64_t c = 0; c < columns; c++) {
            if (clip && y[c] > 0) y[c] = 1;
            if (weigh && p->weights.v) y[c] *= p->weights.v[c];
        }
    }
    return QUERN_OK;
}

static const qn_attr tfidf_attrs[] = {
    QN_REQUIRED(tfidf_params, mode, QN_ATTR_STRING),
    QN_REQUIRED(tfidf_params, min_gram_length, QN_ATTR_INT),
    QN_REQUIRED(tfidf_params, max_gram_length, QN_ATTR_INT),
    QN_REQUIRED(tfidf_params, max_skip_count, QN_ATTR_INT),
    QN_REQUIRED(tfidf_params, ngram_counts, QN_ATTR_INTS),
    QN_REQUIRED(tfidf_params, ngram_indexes, QN_ATTR_INTS),
    QN_INTS(tfidf_params, pool_int64s),
    QN_STRS(tfidf_params, pool_strings),
    QN_FLOATS(tfidf_params, weights),
    QN_ATTRS_END,
};

const qn_op qn_op_tfidf = {
    .name = "TfIdfVectorizer",
    .since = 9,
    .first = 9,
    .min_in = 1,
    .max_in = 1,
    .attrs = tfidf_attrs,
    .params_size = sizeof(tfidf_params),
    .types = {QN_T_STRING | QN_T_INDEX},
    .out_type = QUERN_FLOAT,
    .check = tfidf_check,
    .infer = tfidf_infer,
    .prepare = tfidf_prepare,
    .run = tfidf_run,
};
