/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/label_shapes.c - see labels.h: what cells enclose, and parts of cells
 * that do not touch.  Both are floods with a stack of pixels that may still spread. */
#include "engine/cells/labels.h"

#include <string.h>

/* ---- holes ----------------------------------------------------------------------- */

enum { UNSEEN, CELL, OUTSIDE };

/* A box of the picture while the outside floods it. */
typedef struct flood {
    int64_t height, width;
    uint8_t *at;     /* [height][width] */
    uint32_t *stack; /* pixels of the box; [box] */
    size_t n;
} flood;

static void spread(flood *f, int64_t i)
{
    if (f->at[i] != UNSEEN) return;
    f->at[i] = OUTSIDE;
    f->stack[f->n++] = (uint32_t)i;
}

static void flood_from_rim(flood *f)
{
    const int64_t w = f->width, h = f->height;
    for (int64_t x = 0; x < w; x++) {
        spread(f, x);
        spread(f, (h - 1) * w + x);
    }
    for (int64_t y = 0; y < h; y++) {
        spread(f, y * w);
        spread(f, y * w + w - 1);
    }
    while (f->n) {
        const int64_t i = f->stack[--f->n], x = i % w;
        if (i >= w) spread(f, i - w);
        if (i < (h - 1) * w) spread(f, i + w);
        if (x > 0) spread(f, i - 1);
        if (x < w - 1) spread(f, i + 1);
    }
}

/* Whether some row has something else between two pixels of the cell: without that
 * there is no hole, and most cells are so. */
static bool has_gaps(const qn_labels *labels, uint32_t label, const qn_cell_box *box)
{
    for (int64_t y = box->top; y < box->bottom; y++) {
        const uint32_t *row = labels->at + y * labels->width;
        int64_t from = box->left, to = box->right;
        while (from < to && row[from] != label)
            from++;
        while (to > from && row[to - 1] != label)
            to--;
        while (from < to && row[from] == label)
            from++;
        if (from < to) return true;
    }
    return false;
}

static void fill_cell(qn_labels *labels, uint32_t label, const qn_cell_box *box,
                      flood *f)
{
    f->height = box->bottom - box->top;
    f->width = box->right - box->left;
    f->n = 0;
    if (f->height < 3 || f->width < 3 || !has_gaps(labels, label, box)) return;
    uint32_t *first = labels->at + box->top * labels->width + box->left;
    for (int64_t y = 0; y < f->height; y++)
        for (int64_t x = 0; x < f->width; x++)
            f->at[y * f->width + x] =
                first[y * labels->width + x] == label ? CELL : UNSEEN;
    flood_from_rim(f);
    for (int64_t y = 0; y < f->height; y++)
        for (int64_t x = 0; x < f->width; x++)
            if (f->at[y * f->width + x] == UNSEEN) first[y * labels->width + x] = label;
}

quern_status qn_labels_fill_holes(qn_labels *labels, uint32_t n, qn_arena *arena,
                                  quern_error *err)
{
    qn_cells cells;
    size_t most = 0;
    void *at, *stack;
    QN_TRY(qn_labels_survey(labels, n, arena, &cells, err));
    for (uint32_t label = 1; label <= n; label++) {
        const qn_cell_box *b = &cells.box[label];
        const size_t size = (size_t)((b->bottom - b->top) * (b->right - b->left));
        if (size > most) most = size;
    }
    QN_TRY(qn_arena_raw(arena, most, &at, err));
    QN_TRY(qn_arena_raw(arena, most * sizeof(uint32_t), &stack, err));
    flood f = {.at = at, .stack = stack};
    for (uint32_t label = 1; label <= n; label++)
        fill_cell(labels, label, &cells.box[label], &f);
    return QUERN_OK;
}

/* ---- parts ----------------------------------------------------------------------- */

typedef struct parts {
    const qn_labels *from;
    uint32_t *made, *stack; /* [pixels] each */
    size_t n;
} parts;

/* Gives the number to all that hangs together with pixel i, corners included. */
static void flood_part(parts *p, int64_t i, uint32_t number)
{
    const int64_t width = p->from->width, height = p->from->height;
    const uint32_t label = p->from->at[i];
    p->made[i] = number;
    p->stack[p->n++] = (uint32_t)i;
    while (p->n) {
        const int64_t at = p->stack[--p->n], y = at / width, x = at % width;
        for (int64_t v = y - (y > 0); v <= y + (y < height - 1); v++)
            for (int64_t u = x - (x > 0); u <= x + (x < width - 1); u++) {
                const int64_t k = v * width + u;
                if (p->made[k] || p->from->at[k] != label) continue;
                p->made[k] = number;
                p->stack[p->n++] = (uint32_t)k;
            }
    }
}

quern_status qn_labels_split_parts(qn_labels *labels, qn_arena *arena, uint32_t *n,
                                   quern_error *err)
{
    const size_t pixels = (size_t)(labels->height * labels->width);
    void *made, *stack;
    QN_TRY(qn_arena_array(arena, pixels, sizeof(uint32_t), &made, err));
    QN_TRY(qn_arena_raw(arena, pixels * sizeof(uint32_t), &stack, err));
    parts p = {labels, made, stack, 0};
    *n = 0;
    for (size_t i = 0; i < pixels; i++)
        if (labels->at[i] && !p.made[i]) flood_part(&p, (int64_t)i, ++*n);
    memcpy(labels->at, made, pixels * sizeof(uint32_t));
    return QUERN_OK;
}
