/* SPDX-License-Identifier: Apache-2.0 */
/* engine/strided.c - strided copies: merging dims, choosing a kernel, sharing the work.
 *
 * After merging, the last dim of the box is the row.  If both sides are contiguous
 * along it a row is a memcpy; if the source is contiguous along another dim, the two
 * dims form a transposition; otherwise elements are picked one by one.  The remaining
 * dims, times the pieces that a long dim is cut into, are the items handed to the pool.
 */
#include "engine/strided.h"
#include "kernels/move.h"

#define PIECE_BYTES  (64 << 10)
#define SERIAL_BYTES (256 << 10)

typedef struct copy_work {
    qn_strided box; /* outer dims only */
    int64_t n, m;   /* row length; of a tile: n rows of the source's contiguous dim */
    int64_t ts, fs; /* strides of row or tile */
    int64_t piece;  /* n is cut into pieces of this many */
    int64_t n_pieces;
    bool contiguous; /* rows are memcpy */
    qn_copy_row_fn *row;
    qn_copy_tile_fn *tile; /* NULL: rows */
    char *to;
    const char *from;
} copy_work;

void qn_row_major(int rank, const int64_t *dim, int64_t *stride)
{
    int64_t s = 1;
    for (int i = rank - 1; i >= 0; i--) {
        stride[i] = s;
        s *= dim[i];
    }
}

/* Drops dims of one and merges neighbours that lie together on both sides. */
static void merge_dims(qn_strided *b)
{
    int r = 0;
    for (int i = 0; i < b->rank; i++) {
        if (b->dim[i] == 1) continue;
        int64_t d = b->dim[i], t = b->to[i], f = b->from[i];
        if (r > 0 && b->to[r - 1] == t * d && b->from[r - 1] == f * d) {
            b->dim[r - 1] *= d;
            b->to[r - 1] = t;
            b->from[r - 1] = f;
        } else {
            b->dim[r] = d;
            b->to[r] = t;
            b->from[r] = f;
            r++;
        }
    }
    b->rank = r;
}

/* Turns a short contiguous last dim into a larger element, where sizes and alignment
 * allow: pairs of floats move as one word. */
static void widen(qn_strided *b, const void *to, const void *from)
{
    int last = b->rank - 1;
    if (last < 1 || b->to[last] != 1 || b->from[last] != 1) return;
    int64_t n = b->dim[last];
    if (n > 16 || !qn_copy_row((size_t)n * b->size)) return;
    size_t size = (size_t)n * b->size, align = size == 16 ? 8 : size;
    if ((uintptr_t)to % align || (uintptr_t)from % align) return;
    for (int i = 0; i < last; i++)
        if (b->to[i] % n || b->from[i] % n) return;
    for (int i = 0; i < last; i++) {
        b->to[i] /= n;
        b->from[i] /= n;
    }
    b->size = size;
    b->rank = last;
}

static void drop_dim(qn_strided *b, int k)
{
    b->rank--;
    for (int i = k; i < b->rank; i++) {
        b->dim[i] = b->dim[i + 1];
        b->to[i] = b->to[i + 1];
        b->from[i] = b->from[i + 1];
    }
}

/* Takes the dims of the inner kernel out of the box. */
static void choose_kernel(copy_work *w)
{
    qn_strided *b = &w->box;
    int last = b->rank - 1;
    w->row = qn_copy_row(b->size);
    w->m = 1;
    if (last < 0) {
        w->n = 1;
        w->contiguous = true;
        return;
    }
    w->n = b->dim[last];
    w->ts = b->to[last];
    w->fs = b->from[last];
    w->contiguous = w->ts == 1 && w->fs == 1;
    if (!w->contiguous && w->ts == 1 && w->fs != 0)
        for (int k = 0; k < last; k++)
            if (b->from[k] == 1 && b->dim[k] >= 4) {
                w->tile = qn_copy_tile(b->size);
                w->m = w->n;
                w->n = b->dim[k];
                w->ts = b->to[k];
                drop_dim(b, last);
                drop_dim(b, k);
                return;
            }
    drop_dim(b, last);
}

static void copy_piece(const copy_work *w, int64_t to, int64_t from, int64_t piece)
{
    int64_t size = (int64_t)w->box.size, i = piece * w->piece;
    int64_t n = w->n - i < w->piece ? w->n - i : w->piece;
    char *y = w->to + (to + i * w->ts) * size;
    const char *x = w->from + (from + i * (w->tile ? 1 : w->fs)) * size;
    if (w->tile)
        w->tile(n, w->m, y, w->ts, x, w->fs);
    else if (w->contiguous)
        memcpy(y, x, (size_t)(n * size));
    else
        w->row(n, y, w->ts, x, w->fs);
}

static void copy_range(void *ctx, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const copy_work *w = ctx;
    const qn_strided *b = &w->box;
    int64_t at[QN_STRIDED_RANK], to = 0, from = 0;
    int64_t piece = begin % w->n_pieces, outer = begin / w->n_pieces;
    for (int d = b->rank - 1; d >= 0; d--) {
        at[d] = outer % b->dim[d];
        outer /= b->dim[d];
        to += at[d] * b->to[d];
        from += at[d] * b->from[d];
    }
    for (int64_t item = begin; item < end; item++) {
        copy_piece(w, to, from, piece);
        if (++piece < w->n_pieces) continue;
        piece = 0;
        for (int d = b->rank - 1; d >= 0; d--) {
            to += b->to[d];
            from += b->from[d];
            if (++at[d] < b->dim[d]) break;
            to -= at[d] * b->to[d];
            from -= at[d] * b->from[d];
            at[d] = 0;
        }
    }
}

void qn_strided_copy(qn_pool *pool, const qn_strided *box, void *to, const void *from)
{
    for (int i = 0; i < box->rank; i++)
        if (box->dim[i] == 0) return;
    copy_work w = {.box = *box, .to = to, .from = from};
    merge_dims(&w.box);
    widen(&w.box, to, from);
    choose_kernel(&w);
    int64_t outer = 1;
    for (int i = 0; i < w.box.rank; i++)
        outer *= w.box.dim[i];
    int64_t item = w.n * w.m * (int64_t)w.box.size; /* bytes */
    int64_t total = outer * item;
    w.piece = w.n;
    if (total >= SERIAL_BYTES && item > PIECE_BYTES) {
        w.piece = PIECE_BYTES / (w.m * (int64_t)w.box.size);
        w.piece = w.piece < 8 ? 8 : w.piece & ~(int64_t)7;
    }
    w.n_pieces = (w.n + w.piece - 1) / w.piece;
    int64_t n = outer * w.n_pieces, each = total / n;
    if (total < SERIAL_BYTES)
        copy_range(&w, 0, n, 0);
    else
        qn_parallel_for(pool, n, each < PIECE_BYTES ? PIECE_BYTES / each : 1,
                        copy_range, &w);
}

void qn_fill(qn_pool *pool, void *to, int64_t n, size_t size, const void *value)
{
    qn_strided box = {.size = size, .rank = 1, .dim = {n}, .to = {1}, .from = {0}};
    qn_strided_copy(pool, &box, to, value);
}
