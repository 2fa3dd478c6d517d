/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_move.c - the strided copy and the operators that move elements, against
 * loops that do one element at a time. */
#include "engine/strided.h"
#include "tests/op_case.h"

#include <string.h>

static const quern_dtype sizes[] = {QUERN_UINT8, QUERN_FLOAT16,    QUERN_FLOAT,
                                    QUERN_INT64, QUERN_COMPLEX128, QUERN_STRING};
enum { N_SIZES = sizeof sizes / sizeof sizes[0] };

static bool same_element(const qn_tensor *a, int64_t i, const qn_tensor *b, int64_t j)
{
    size_t n = qn_dtype_size(a->dtype);
    return memcmp((const char *)a->data + (size_t)i * n,
                  (const char *)b->data + (size_t)j * n, n) == 0;
}

/* Coordinates of element k. */
static void unravel(const qn_tensor *t, int64_t k, int64_t *at)
{
    for (int d = t->rank - 1; d >= 0; d--) {
        at[d] = k % t->dim[d];
        k /= t->dim[d];
    }
}

static int64_t ravel(const qn_tensor *t, const int64_t *at)
{
    int64_t k = 0;
    for (int d = 0; d < t->rank; d++)
        k = k * t->dim[d] + at[d];
    return k;
}

/* dim[rank] random, now and then with a 0 or a 1. */
static void random_dims(qn_test *t, int rank, int64_t most, int64_t *dim)
{
    for (int d = 0; d < rank; d++)
        dim[d] =
            qn_test_int(t, 0, 9) == 0 ? qn_test_int(t, 0, 1) : qn_test_int(t, 1, most);
}

void test_transpose_everything(qn_test *t)
{
    for (int round = 0; round < 400; round++) {
        qn_op_case c;
        int rank = (int)qn_test_int(t, 0, 5);
        int64_t dim[8], perm[8], at[8] = {0}, from[8] = {0};
        random_dims(t, rank, 12, dim);
        for (int d = 0; d < rank; d++) {
            int k = (int)qn_test_int(t, 0, d);
            perm[d] = perm[k];
            perm[k] = d;
        }
        qn_case_begin(t, &c, "Transpose", 13);
        qn_case_input(&c, 0, sizes[round % N_SIZES], rank, dim);
        qn_node_set_ints(c.node, "perm", rank, perm, NULL);
        if (CHECK_OK(t, qn_case_run(&c, 1), &c.err)) {
            int64_t n = qn_tensor_count(&c.out[0]), wrong = 0;
            CHECK_EQ(t, n, qn_tensor_count(&c.in[0]));
            for (int64_t k = 0; k < n; k++) {
                unravel(&c.out[0], k, at);
                for (int d = 0; d < rank; d++)
                    from[perm[d]] = at[d];
                wrong += !same_element(&c.out[0], k, &c.in[0], ravel(&c.in[0], from));
            }
            CHECK_EQ(t, wrong, 0);
        }
        qn_case_end(&c);
    }
}

void test_transpose_in_pieces(qn_test *t)
{
    static const int64_t shapes[][3] = {
        {1, 600, 700}, {3, 301, 299}, {2, 3, 100000}, {2, 100000, 3}};
    static const int64_t perms[][3] = {{0, 2, 1}, {2, 1, 0}, {1, 2, 0}};
    quern_pool *pool;
    REQUIRE_OK(t, quern_pool_create(3, &pool, NULL), NULL);
    for (size_t s = 0; s < 4; s++)
        for (size_t p = 0; p < 3; p++) {
            qn_op_case c;
            int64_t at[3], from[3], wrong = 0;
            qn_case_begin(t, &c, "Transpose", 13);
            c.pool = s % 2 ? pool : NULL;
            qn_case_input(&c, 0, QUERN_INT32, 3, shapes[s]);
            qn_node_set_ints(c.node, "perm", 3, perms[p], NULL);
            if (CHECK_OK(t, qn_case_run(&c, 1), &c.err))
                for (int64_t k = 0; k < qn_tensor_count(&c.out[0]); k++) {
                    unravel(&c.out[0], k, at);
                    for (int d = 0; d < 3; d++)
                        from[perms[p][d]] = at[d];
                    wrong +=
                        !same_element(&c.out[0], k, &c.in[0], ravel(&c.in[0], from));
                }
            CHECK_EQ(t, wrong, 0);
            qn_case_end(&c);
        }
    quern_pool_free(pool);
}

static int64_t within(int64_t x, int64_t lo, int64_t hi)
{
    return x < lo ? lo : x > hi ? hi : x;
}

/* Elements taken of n, counted one by one; *start becomes the first. */
static int64_t slice_count(int64_t n, int64_t *start, int64_t end, int64_t step)
{
    bool up = step > 0;
    if (n == 0) return 0;
    int64_t at = within(*start < 0 ? *start + n : *start, 0, up ? n : n - 1), count = 0;
    end = within(end < 0 ? end + n : end, up ? 0 : -1, up ? n : n - 1);
    *start = at;
    for (; up ? at < end : at > end; at += within(step, -n - 1, n + 1))
        count++;
    return count;
}

void test_slice_everything(qn_test *t)
{
    static const int64_t hard[] = {INT64_MIN, INT64_MAX, INT64_MIN + 1, -1, 0, 1};
    for (int round = 0; round < 1000; round++) {
        qn_op_case c;
        int rank = (int)qn_test_int(t, 1, 3);
        int64_t dim[8], starts[8] = {0}, ends[8] = {0}, steps[8] = {0}, at[8];
        random_dims(t, rank, 9, dim);
        for (int d = 0; d < rank; d++) {
            bool odd = qn_test_int(t, 0, 3) == 0;
            starts[d] = odd ? hard[qn_test_int(t, 0, 5)] : qn_test_int(t, -12, 12);
            ends[d] = odd ? hard[qn_test_int(t, 0, 5)] : qn_test_int(t, -12, 12);
            steps[d] = qn_test_int(t, 0, 9) ? qn_test_int(t, -3, 3) : hard[d % 2];
            if (steps[d] == 0) steps[d] = -1;
        }
        qn_case_begin(t, &c, "Slice", 13);
        qn_case_input(&c, 0, sizes[round % N_SIZES], rank, dim);
        qn_case_ints(&c, 1, rank, starts);
        qn_case_ints(&c, 2, rank, ends);
        qn_case_ints(&c, 4, rank, steps);
        qn_note(t, "%s start %lld end %lld step %lld", QN_SHAPE(&c.in[0]),
                (long long)starts[0], (long long)ends[0], (long long)steps[0]);
        if (CHECK_OK(t, qn_case_run(&c, 1), &c.err)) {
            int64_t wrong = 0;
            for (int d = 0; d < rank; d++)
                CHECK_EQ(t, c.out[0].dim[d],
                         slice_count(dim[d], &starts[d], ends[d], steps[d]));
            for (int64_t k = 0; k < qn_tensor_count(&c.out[0]); k++) {
                unravel(&c.out[0], k, at);
                for (int d = 0; d < rank; d++)
                    at[d] = at[d] ? starts[d] + at[d] * steps[d] : starts[d];
                wrong += !same_element(&c.out[0], k, &c.in[0], ravel(&c.in[0], at));
            }
            CHECK_EQ(t, wrong, 0);
        }
        qn_case_end(&c);
    }
}

/* Where output i of an axis of n elements comes from; -1: the constant. */
static int64_t pad_source(const char *mode, int64_t i, int64_t n)
{
    if (i >= 0 && i < n) return i;
    if (mode[0] == 'c') return -1;
    if (mode[0] == 'e') return i < 0 ? 0 : n - 1;
    while (i < 0 || i >= n) {
        if (mode[0] == 'w')
            i += i < 0 ? n : -n;
        else if (n == 1)
            i = 0;
        else
            i = i < 0 ? -i : 2 * (n - 1) - i;
    }
    return i;
}

void test_pad_everything(qn_test *t)
{
    static const char *const modes[] = {"constant", "reflect", "edge", "wrap"};
    for (int round = 0; round < 600; round++) {
        qn_op_case c;
        const char *mode = modes[round % 4];
        int rank = (int)qn_test_int(t, 1, 4);
        int64_t dim[8], pads[16], at[8];
        for (int d = 0; d < rank; d++) {
            dim[d] = qn_test_int(t, 1, 7);
            pads[d] = qn_test_int(t, 0, 1) ? 0 : qn_test_int(t, -3, 9);
            pads[d + rank] = qn_test_int(t, 0, 1) ? 0 : qn_test_int(t, -3, 9);
            if (dim[d] + pads[d] + pads[d + rank] < 0) pads[d] = pads[d + rank] = 0;
        }
        qn_case_begin(t, &c, "Pad", 19);
        qn_case_input(&c, 0, sizes[round / 4 % N_SIZES], rank, dim);
        qn_case_ints(&c, 1, 2 * rank, pads);
        qn_node_set_str(c.node, "mode", mode, NULL);
        qn_note(t, "%s %s", mode, QN_SHAPE(&c.in[0]));
        if (CHECK_OK(t, qn_case_run(&c, 1), &c.err)) {
            static const char zero[16];
            int64_t wrong = 0;
            for (int64_t k = 0; k < qn_tensor_count(&c.out[0]); k++) {
                bool outside = false;
                unravel(&c.out[0], k, at);
                for (int d = 0; d < rank; d++) {
                    at[d] = pad_source(mode, at[d] - pads[d], dim[d]);
                    outside = outside || at[d] < 0;
                }
                size_t size = qn_dtype_size(c.out[0].dtype);
                wrong += outside ? memcmp((char *)c.out[0].data + (size_t)k * size,
                                          zero, size) != 0
                                 : !same_element(&c.out[0], k, &c.in[0],
                                                 ravel(&c.in[0], at));
            }
            CHECK_EQ(t, wrong, 0);
        }
        qn_case_end(&c);
    }
}

void test_split_and_concat(qn_test *t)
{
    for (int round = 0; round < 200; round++) {
        qn_op_case s, c;
        int rank = (int)qn_test_int(t, 1, 4), axis = (int)qn_test_int(t, 0, rank - 1);
        int64_t dim[8], parts[4], sum = 0;
        random_dims(t, rank, 8, dim);
        for (int k = 0; k < 4; k++)
            sum += parts[k] = qn_test_int(t, 0, 5);
        dim[axis] = sum;
        qn_case_begin(t, &s, "Split", 13);
        qn_case_input(&s, 0, sizes[round % N_SIZES], rank, dim);
        qn_case_ints(&s, 1, 4, parts);
        qn_node_set_int(s.node, "axis", axis - rank, NULL);
        qn_case_begin(t, &c, "Concat", 13);
        qn_node_set_int(c.node, "axis", axis, NULL);
        if (CHECK_OK(t, qn_case_run(&s, 4), &s.err)) {
            for (int k = 0; k < 4; k++) {
                CHECK_EQ(t, s.out[k].dim[axis], parts[k]);
                qn_case_input(&c, k, s.out[k].dtype, rank, s.out[k].dim);
                c.in[k] = s.out[k];
            }
            if (CHECK_OK(t, qn_case_run(&c, 1), &c.err)) {
                CHECK(t, qn_same_shape(&c.out[0], &s.in[0]));
                size_t bytes = qn_tensor_bytes(&s.in[0]);
                CHECK(t, bytes == 0 || !memcmp(c.out[0].data, s.in[0].data, bytes));
            }
        }
        qn_case_end(&s);
        qn_case_end(&c);
    }
}

void test_expand_and_tile(qn_test *t)
{
    static const int64_t dim[3] = {2, 1, 3}, shape[4] = {4, 1, 5, 1},
                         reps[3] = {2, 0, 3};
    qn_op_case c;
    int64_t at[8] = {0};
    qn_case_begin(t, &c, "Expand", 13);
    qn_case_input(&c, 0, QUERN_STRING, 3, dim);
    qn_case_ints(&c, 1, 4, shape);
    if (CHECK_OK(t, qn_case_run(&c, 1), &c.err)) {
        CHECK_STR(t, QN_SHAPE(&c.out[0]), "[4,2,5,3]");
        for (int64_t k = 0; k < 120; k++) {
            unravel(&c.out[0], k, at);
            CHECK(t, same_element(&c.out[0], k, &c.in[0], at[1] * 3 + at[3]));
        }
    }
    qn_case_end(&c);
    for (int64_t middle = 0; middle < 3; middle++) {
        const int64_t times[3] = {reps[0], middle, reps[2]};
        qn_case_begin(t, &c, "Tile", 13);
        qn_case_input(&c, 0, QUERN_FLOAT, 3, dim);
        qn_case_ints(&c, 1, 3, times);
        if (CHECK_OK(t, qn_case_run(&c, 1), &c.err))
            for (int64_t k = 0; k < qn_tensor_count(&c.out[0]); k++) {
                unravel(&c.out[0], k, at);
                CHECK(t,
                      same_element(&c.out[0], k, &c.in[0], at[0] % 2 * 3 + at[2] % 3));
            }
        qn_case_end(&c);
    }
}
