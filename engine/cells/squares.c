/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/squares.c - large pictures square by square: qn_segment_squares.
 *
 * Two squares see a cell on their border alike, up to rounding, because both see all
 * around it.  The one that its middle lies in writes it; where rounding moves the
 * middle across the border, the second sees that most of the cell is written already.
 */
#include "engine/cells/labels.h"
#include "engine/cells/segmenter.h"
#include "engine/os.h"

#include <math.h>
#include <string.h>

#define MARGIN_CELLS 2.5 /* diameters around a square */
#define MARGIN_LEAST 48  /* pixels: the taper of tiles and what rounding moves */

typedef struct window {
    int64_t top, left, bottom, right; /* of the square */
    int64_t y0, x0, y1, x1;           /* with its margin, within the picture */
    int64_t slack; /* pixels that a middle may lie before the square: rounding */
} window;

typedef struct squares {
    const qn_cellnet *net;
    const qn_planes *picture;
    qn_segment_settings settings;
    qn_level level[QN_INPUT_CHANNELS];
    int64_t side, margin;
    uint32_t *labels;
    uint32_t n;
    qn_arena room, scratch; /* for a square */
    qn_segmented *out;
} squares;

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static window window_at(const squares *s, int64_t top, int64_t left)
{
    const qn_planes *p = s->picture;
    window w = {top,
                left,
                least(top + s->side, p->height),
                least(left + s->side, p->width),
                0,
                0,
                0,
                0,
                s->margin / 4};
    w.y0 = top > s->margin ? top - s->margin : 0;
    w.x0 = left > s->margin ? left - s->margin : 0;
    w.y1 = least(w.bottom + s->margin, p->height);
    w.x1 = least(w.right + s->margin, p->width);
    return w;
}

static quern_status cut(squares *s, const window *w, qn_planes *out, quern_error *err)
{
    const qn_planes *p = s->picture;
    const size_t size = qn_dtype_size(p->dtype);
    *out = *p;
    out->height = w->y1 - w->y0;
    out->width = w->x1 - w->x0;
    const size_t row = (size_t)out->width * size;
    QN_TRY(qn_arena_array(&s->room, (size_t)(out->height * out->channels), row,
                          &out->data, err));
    char *to = out->data;
    for (int64_t c = 0; c < p->channels; c++)
        for (int64_t y = w->y0; y < w->y1; y++, to += row) {
            const char *from = qn_planes_channel(p, 0, c);
            memcpy(to, from + (size_t)(y * p->width + w->x0) * size, row);
        }
    return QUERN_OK;
}

/* ---- which cells are the square's -------------------------------------------------
 */

typedef struct middle {
    double y, x; /* sums over the pixels */
    int64_t area, taken;
    uint32_t number; /* in the picture; 0: not the square's */
} middle;

static void look_at(const squares *s, const window *w, const uint32_t *found, middle *m)
{
    const int64_t width = w->x1 - w->x0;
    for (int64_t y = w->y0; y < w->y1; y++)
        for (int64_t x = w->x0; x < w->x1; x++) {
            const uint32_t k = found[(y - w->y0) * width + x - w->x0];
            if (!k) continue;
            m[k].y += (double)y;
            m[k].x += (double)x;
            m[k].area++;
            m[k].taken += s->labels[y * s->picture->width + x] != 0;
        }
}

static bool is_own(const squares *s, const window *w, const middle *m)
{
    const double y = m->y / (double)m->area, x = m->x / (double)m->area;
    const bool below = w->bottom < s->picture->height && y >= (double)w->bottom;
    const bool beyond = w->right < s->picture->width && x >= (double)w->right;
    return m->area > 0 && !below && !beyond && y >= (double)(w->top - w->slack) &&
           x >= (double)(w->left - w->slack) && 2 * m->taken <= m->area;
}

static void write_own(squares *s, const window *w, const uint32_t *found,
                      const middle *m)
{
    const int64_t width = w->x1 - w->x0;
    for (int64_t y = w->y0; y < w->y1; y++)
        for (int64_t x = w->x0; x < w->x1; x++) {
            uint32_t *to = &s->labels[y * s->picture->width + x];
            const uint32_t k = found[(y - w->y0) * width + x - w->x0];
            if (m[k].number && !*to) *to = m[k].number;
        }
}

static quern_status take_own(squares *s, const window *w, const qn_segmented *seg,
                             quern_error *err)
{
    void *middles;
    const size_t n = (size_t)seg->n_labels + 1;
    QN_TRY(qn_arena_array(&s->room, n, sizeof(middle), &middles, err));
    middle *m = middles;
    look_at(s, w, seg->labels, m);
    for (size_t k = 1; k < n; k++)
        if (is_own(s, w, &m[k])) m[k].number = ++s->n;
    write_own(s, w, seg->labels, m);
    return QUERN_OK;
}

/* ---- square by square ---------------------------------------------------------------
 */

static quern_status one_square(squares *s, const window *w, quern_error *err)
{
    qn_planes part;
    qn_segmented seg;
    QN_TRY(cut(s, w, &part, err));
    const qn_segment_job job = {s->net,   &part,    &s->settings,
                                s->level, &s->room, &s->scratch};
    QN_TRY(qn_segment_run(&job, &seg, err));
    s->out->seconds[1] += seg.seconds[1];
    s->out->seconds[2] += seg.seconds[2];
    return take_own(s, w, &seg, err);
}

static quern_status all_squares(squares *s, quern_error *err)
{
    quern_status status = QUERN_OK;
    for (int64_t y = 0; status == QUERN_OK && y < s->picture->height; y += s->side)
        for (int64_t x = 0; status == QUERN_OK && x < s->picture->width; x += s->side) {
            const window w = window_at(s, y, x);
            qn_arena_init(&s->room, s->scratch.mem);
            status = one_square(s, &w, err);
            qn_arena_done(&s->room);
            qn_arena_reset(&s->scratch);
        }
    return status;
}

static quern_status prepare(squares *s, quern_error *err)
{
    qn_input in;
    QN_TRY(qn_input_init(&in, s->picture, &s->settings, s->net->channels, 1, err));
    QN_TRY(qn_input_levels(&in, 0, 1, &s->scratch, err));
    memcpy(s->level, in.level, sizeof s->level);
    if (!(s->settings.diameter > 0))
        QN_TRY(qn_segment_diameter(s->net, s->picture, &s->settings, &s->scratch,
                                   &s->settings.diameter, err));
    const double margin = ceil(MARGIN_CELLS * s->settings.diameter);
    s->margin = margin > MARGIN_LEAST ? (int64_t)margin : MARGIN_LEAST;
    s->settings.exclude_edges = false; /* of squares: the picture's come last */
    return QUERN_OK;
}

/* Cells at the picture's edge go if that is asked for; numbers become 1..n. */
static quern_status finish(squares *s, bool exclude_edges, quern_error *err)
{
    qn_labels all = {s->picture->height, s->picture->width, s->labels};
    if (exclude_edges) QN_TRY(qn_labels_drop_border(&all, s->n, &s->scratch, err));
    return qn_labels_renumber(&all, &s->scratch, &s->n, err);
}

quern_status qn_segment_squares(const qn_cellnet *net, const qn_planes *picture,
                                const qn_segment_settings *settings, int64_t side,
                                qn_arena *arena, qn_segmented *out, quern_error *err)
{
    const double start = qn_os_seconds();
    squares s = {.net = net,
                 .picture = picture,
                 .settings = *settings,
                 .side = side,
                 .out = out};
    void *labels;
    if (picture->depth != 1 || side < 1)
        return qn_fail(err, QUERN_INVALID,
                       "squares of %lld pixels for %lld planes, not 1", (long long)side,
                       (long long)picture->depth);
    *out = (qn_segmented){.picture = picture,
                          .depth = 1,
                          .height = picture->height,
                          .width = picture->width,
                          .um_per_px = picture->um_per_px,
                          .settings = settings,
                          .model = net->name,
                          .model_sha256 = net->sha256};
    const size_t n = (size_t)(picture->height * picture->width);
    QN_TRY(qn_arena_array(arena, n, sizeof(uint32_t), &labels, err));
    out->labels = s.labels = labels;
    qn_arena_init(&s.scratch, arena->mem);
    quern_status status = prepare(&s, err);
    if (status == QUERN_OK) status = all_squares(&s, err);
    if (status == QUERN_OK) status = finish(&s, settings->exclude_edges, err);
    qn_arena_done(&s.scratch);
    out->diameter = s.settings.diameter;
    out->n_labels = s.n;
    out->seconds[3] = qn_os_seconds() - start;
    return status;
}
