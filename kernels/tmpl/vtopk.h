/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/vtopk.h - selection by a heap of k positions whose top is the worst
 * kept, included once per element type with T, IS_NAN, BETTER, SINK and TOPK (the
 * names) defined. */

/* Whether position a comes before position b. */
static bool BETTER(const T *x, int64_t stride, bool largest, int64_t a, int64_t b)
{
    T p = x[a * stride], q = x[b * stride];
    bool p_nan = IS_NAN(p), q_nan = IS_NAN(q);
    if (p_nan != q_nan) return p_nan == largest;
    if (p != q && !p_nan) return largest ? p > q : p < q;
    return a < b;
}

/* Restores the heap below place i: every position is worse than its children. */
static void SINK(const T *x, int64_t stride, bool largest, int64_t *heap, int64_t n,
                 int64_t i)
{
    int64_t at = heap[i];
    for (int64_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && BETTER(x, stride, largest, heap[child], heap[child + 1]))
            child++;
        if (!BETTER(x, stride, largest, at, heap[child])) break;
        heap[i] = heap[child];
    }
    heap[i] = at;
}

static void TOPK(int64_t n, const void *from, int64_t stride, bool largest, int64_t k,
                 int64_t *index)
{
    const T *x = from;
    if (k == 0) return;
    for (int64_t i = 0; i < k; i++)
        index[i] = i;
    for (int64_t i = k / 2 - 1; i >= 0; i--)
        SINK(x, stride, largest, index, k, i);
    for (int64_t i = k; i < n; i++)
        if (BETTER(x, stride, largest, i, index[0])) {
            index[0] = i;
            SINK(x, stride, largest, index, k, 0);
        }
    for (int64_t m = k - 1; m > 0; m--) { /* the worst left goes behind */
        int64_t worst = index[0];
        index[0] = index[m];
        SINK(x, stride, largest, index, m, 0);
        index[m] = worst;
    }
}

#undef T
#undef IS_NAN
#undef BETTER
#undef SINK
#undef TOPK
