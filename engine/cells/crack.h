/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/crack.h - walking along the edges of a label's pixels with the label at
 * the left hand, as x goes right and y counts down: right above it, down at its right
 * side, left below it, up at its left side. */
#ifndef QN_ENGINE_CELLS_CRACK_H
#define QN_ENGINE_CELLS_CRACK_H

#include "engine/cells/labels.h"

typedef enum qn_heading { QN_RIGHT, QN_DOWN, QN_LEFT, QN_UP } qn_heading;

/* A corner of pixels, and where the edge that begins there leads. */
typedef struct qn_crack {
    int32_t x, y;
    qn_heading heading;
} qn_crack;

static inline bool qn_label_at(const qn_labels *labels, uint32_t label, int32_t x,
                               int32_t y)
{
    return x >= 0 && y >= 0 && x < labels->width && y < labels->height &&
           labels->at[(int64_t)y * labels->width + x] == label;
}

/* The label's pixel beside the edge. */
static inline void qn_crack_pixel(const qn_crack *c, int32_t *x, int32_t *y)
{
    *x = c->x - (c->heading == QN_DOWN || c->heading == QN_LEFT);
    *y = c->y - (c->heading == QN_LEFT || c->heading == QN_UP);
}

/* To the end of the edge; the heading stays. */
static inline void qn_crack_step(qn_crack *c)
{
    c->x += (c->heading == QN_RIGHT) - (c->heading == QN_LEFT);
    c->y += (c->heading == QN_DOWN) - (c->heading == QN_UP);
}

/* At a corner: whether the pixels ahead at the label's side and at the other side have
 * the label. */
static inline void qn_crack_look(const qn_crack *c, const qn_labels *labels,
                                 uint32_t label, bool *mine, bool *other)
{
    const bool is_across = c->heading == QN_RIGHT || c->heading == QN_LEFT;
    const int32_t x = c->x - (c->heading == QN_LEFT), y = c->y - (c->heading == QN_UP);
    /* ahead at the smaller x or y, and at the larger */
    const bool lo = is_across ? qn_label_at(labels, label, x, c->y - 1)
                              : qn_label_at(labels, label, c->x - 1, y);
    const bool hi = is_across ? qn_label_at(labels, label, x, c->y)
                              : qn_label_at(labels, label, c->x, y);
    const bool is_mine_hi = c->heading == QN_RIGHT || c->heading == QN_UP;
    *mine = is_mine_hi ? hi : lo;
    *other = is_mine_hi ? lo : hi;
}

/* Round the label's corner: towards its side, or towards the other. */
static inline qn_heading qn_turn_to_label(qn_heading h)
{
    return (qn_heading)((h + 1) & 3);
}

static inline qn_heading qn_turn_away(qn_heading h)
{
    return (qn_heading)((h + 3) & 3);
}

#endif
