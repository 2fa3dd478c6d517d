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
#define PAGE                                                                \
    ((size_t)4096) /* bytes: what a look at a few pixels brings into memory \
                    */

typedef struct window {
    int64_t top, left, bottom, right; /* of the square */
    int64_t y0, x0, y1, x1;           /* with its margin, within the picture */
    int64_t slack; /* pixels that a middle may lie before the square: rounding */
} window;

/* What is known of a square's cells beside their pixels. */
typedef struct found {
    struct found *next;
    uint32_t first, n;   /* numbers first + 1 .. first + n */
    float *error, *prob; /* [n] */
} found;

typedef struct squares {
    const qn_segment_job *job;
    const qn_planes *picture;
    qn_cellnet net; /* the job's, but for who is told of tiles */
    qn_segment_settings settings;
    qn_level level[QN_INPUT_CHANNELS];
    int64_t side, margin;
    int64_t n_squares, n_done;
    uint32_t *labels;
    uint32_t n;
    found *founds;
    qn_arena room; /* for a square */
    qn_segmented *out;
} squares;

int64_t qn_segment_margin(double diameter)
{
    const double margin = ceil(MARGIN_CELLS * diameter);
    return margin > MARGIN_LEAST ? (int64_t)margin : MARGIN_LEAST;
}

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
    out->mem = NULL;
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

/* ---- which cells are the square's ---- */

typedef struct middle {
    double y, x, prob; /* sums over the pixels */
    int64_t area, taken;
    uint32_t number; /* in the picture; 0: not the square's */
} middle;

static void look_at(const squares *s, const window *w, const qn_segmented *seg,
                    middle *m)
{
    const int64_t width = w->x1 - w->x0;
    for (int64_t y = w->y0; y < w->y1; y++)
        for (int64_t x = w->x0; x < w->x1; x++) {
            const int64_t at = (y - w->y0) * width + x - w->x0;
            const uint32_t k = seg->labels[at];
            if (!k) continue;
            m[k].y += (double)y;
            m[k].x += (double)x;
            m[k].prob += 1 / (1 + exp(-(double)seg->prob[at]));
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

static void write_own(squares *s, const window *w, const uint32_t *labels,
                      const middle *m)
{
    const int64_t width = w->x1 - w->x0;
    for (int64_t y = w->y0; y < w->y1; y++)
        for (int64_t x = w->x0; x < w->x1; x++) {
            uint32_t *to = &s->labels[y * s->picture->width + x];
            const uint32_t k = labels[(y - w->y0) * width + x - w->x0];
            if (m[k].number && !*to) *to = m[k].number;
        }
}

static quern_status note_own(squares *s, const qn_segmented *seg, const middle *m,
                             uint32_t before, quern_error *err)
{
    qn_arena *arena = s->job->arena;
    void *room, *errors, *probs;
    QN_TRY(qn_arena_alloc(arena, sizeof(found), &room, err));
    found *f = room;
    *f = (found){.next = s->founds, .first = before, .n = s->n - before};
    QN_TRY(qn_arena_raw(arena, f->n * sizeof(float), &errors, err));
    QN_TRY(qn_arena_raw(arena, f->n * sizeof(float), &probs, err));
    f->error = errors;
    f->prob = probs;
    for (int64_t k = 1; k <= seg->n_labels; k++)
        if (m[k].number) {
            f->error[m[k].number - before - 1] = seg->flow_error[k - 1];
            f->prob[m[k].number - before - 1] = (float)(m[k].prob / (double)m[k].area);
        }
    s->founds = f;
    return QUERN_OK;
}

static quern_status take_own(squares *s, const window *w, const qn_segmented *seg,
                             quern_error *err)
{
    void *middles;
    const size_t n = (size_t)seg->n_labels + 1;
    const uint32_t before = s->n;
    QN_TRY(qn_arena_array(&s->room, n, sizeof(middle), &middles, err));
    middle *m = middles;
    look_at(s, w, seg, m);
    for (size_t k = 1; k < n; k++)
        if (is_own(s, w, &m[k])) m[k].number = ++s->n;
    write_own(s, w, seg->labels, m);
    const size_t row = (size_t)(w->x1 - w->x0) * sizeof *s->labels + PAGE;
    qn_mem_passed(s->job->arena->mem, row * (size_t)(w->y1 - w->y0));
    return note_own(s, seg, m, before, err);
}

/* ---- square by square ---- */

static bool tile_of_square(void *ctx, int64_t done, int64_t total)
{
    const squares *s = ctx;
    const qn_cellnet *net = s->job->net;
    return !net->progress || net->progress(net->progress_ctx, s->n_done * total + done,
                                           s->n_squares * total);
}

static quern_status one_square(squares *s, const window *w, quern_error *err)
{
    qn_planes part;
    qn_segmented seg;
    QN_TRY(cut(s, w, &part, err));
    const qn_segment_job job = {&s->net,  &part,    &s->settings,
                                s->level, &s->room, s->job->scratch};
    for (int i = 0; i < QN_INPUT_CHANNELS; i++) {
        s->level[i].top = w->y0;
        s->level[i].left = w->x0;
    }
    QN_TRY(qn_segment_run(&job, &seg, err));
    QN_TRY(qn_segment_errors(&seg, s->net.pool, &s->room, job.scratch, err));
    s->out->seconds[1] += seg.seconds[1];
    s->out->seconds[2] += seg.seconds[2];
    return take_own(s, w, &seg, err);
}

static quern_status all_squares(squares *s, quern_error *err)
{
    quern_status status = QUERN_OK;
    qn_arena *scratch = s->job->scratch;
    for (int64_t y = 0; status == QUERN_OK && y < s->picture->height; y += s->side)
        for (int64_t x = 0; status == QUERN_OK && x < s->picture->width; x += s->side) {
            const window w = window_at(s, y, x);
            qn_arena_init(&s->room, scratch->mem);
            status = one_square(s, &w, err);
            qn_arena_done(&s->room);
            qn_arena_done(scratch); /* the next may be larger: its chunks, too */
            s->n_done++;
        }
    return status;
}

static int64_t n_of(int64_t length, int64_t side)
{
    return (length - 1) / side + 1;
}

static quern_status prepare(squares *s, quern_error *err)
{
    qn_input in;
    const qn_segment_job *job = s->job;
    QN_TRY(qn_input_init(&in, s->picture, &s->settings, s->net.channels, 1, err));
    QN_TRY(qn_input_levels(&in, 0, 1, job->arena, err));
    memcpy(s->level, in.level, sizeof s->level);
    if (!(s->settings.diameter > 0))
        QN_TRY(qn_segment_diameter(job->net, s->picture, &s->settings, job->scratch,
                                   &s->settings.diameter, err));
    s->margin = qn_segment_margin(s->settings.diameter);
    s->settings.exclude_edges = false; /* of squares: the picture's come last */
    s->n_squares = n_of(s->picture->height, s->side) * n_of(s->picture->width, s->side);
    s->net = *job->net;
    s->net.progress = tile_of_square;
    s->net.progress_ctx = s;
    return QUERN_OK;
}

/* ---- numbers in the order of first pixels ---- */

#define GONE UINT32_MAX /* a cell that is at the picture's edge, and is not wanted */

static void mark_edges(const squares *s, uint32_t *number)
{
    const int64_t h = s->picture->height, w = s->picture->width;
    for (int64_t x = 0; x < w; x++)
        number[s->labels[x]] = number[s->labels[(h - 1) * w + x]] = GONE;
    for (int64_t y = 0; y < h; y++) {
        number[s->labels[y * w]] = number[s->labels[(y + 1) * w - 1]] = GONE;
        qn_mem_passed(s->job->arena->mem, 2 * PAGE);
    }
}

/* number [n + 1] of each number so far. */
static uint32_t renumber(squares *s, uint32_t *number)
{
    const int64_t w = s->picture->width;
    uint32_t n = 0;
    for (int64_t y = 0; y < s->picture->height; y++) {
        uint32_t *row = s->labels + y * w;
        for (int64_t x = 0; x < w; x++) {
            uint32_t *to = &number[row[x]];
            if (row[x] == 0) continue;
            if (*to == 0) *to = ++n;
            row[x] = *to == GONE ? 0 : *to;
        }
        qn_mem_passed(s->job->arena->mem, (size_t)w * sizeof *row);
    }
    return n;
}

static quern_status keep_found(const squares *s, const uint32_t *number, uint32_t n,
                               quern_error *err)
{
    void *errors, *probs;
    QN_TRY(qn_arena_array(s->job->arena, (size_t)n + 1, sizeof(float), &errors, err));
    QN_TRY(qn_arena_array(s->job->arena, (size_t)n + 1, sizeof(float), &probs, err));
    float *error = errors, *prob = probs;
    for (const found *f = s->founds; f; f = f->next)
        for (uint32_t i = 0; i < f->n; i++) {
            const uint32_t to = number[f->first + i + 1];
            if (to == 0 || to == GONE) continue;
            error[to - 1] = f->error[i];
            prob[to - 1] = f->prob[i];
        }
    s->out->flow_error = error;
    s->out->cell_prob = prob;
    return QUERN_OK;
}

/* Cells at the picture's edge go if that is asked for; numbers become 1..n. */
static quern_status finish(squares *s, quern_error *err)
{
    void *numbers;
    QN_TRY(qn_arena_array(s->job->scratch, (size_t)s->n + 1, sizeof(uint32_t), &numbers,
                          err));
    if (s->job->settings->exclude_edges) mark_edges(s, numbers);
    s->out->n_labels = renumber(s, numbers);
    return keep_found(s, numbers, (uint32_t)s->out->n_labels, err);
}

static quern_status make_labels(squares *s, quern_error *err)
{
    void *labels;
    const size_t n = (size_t)(s->picture->height * s->picture->width);
    QN_TRY(qn_arena_array(s->job->arena, n, sizeof(uint32_t), &labels, err));
    s->out->labels = s->labels = labels;
    return QUERN_OK;
}

static quern_status run_squares(const qn_segment_job *job, int64_t side,
                                qn_segmented *out, quern_error *err)
{
    const double start = qn_os_seconds();
    const qn_planes *picture = job->picture;
    squares s = {.job = job,
                 .net = *job->net,
                 .picture = picture,
                 .settings = *job->settings,
                 .side = side,
                 .out = out};
    if (picture->depth != 1 || side < 1)
        return qn_fail(err, QUERN_INVALID,
                       "squares of %lld pixels for %lld planes, not 1", (long long)side,
                       (long long)picture->depth);
    *out = (qn_segmented){.picture = picture,
                          .depth = 1,
                          .height = picture->height,
                          .width = picture->width,
                          .um_per_px = picture->um_per_px,
                          .settings = job->settings,
                          .model = job->net->name,
                          .model_sha256 = job->net->sha256};
    QN_TRY(make_labels(&s, err));
    QN_TRY(prepare(&s, err));
    QN_TRY(all_squares(&s, err));
    QN_TRY(finish(&s, err));
    qn_arena_reset(job->scratch);
    out->diameter = s.settings.diameter;
    out->seconds[3] = qn_os_seconds() - start;
    return QUERN_OK;
}

quern_status qn_segment_squares(const qn_segment_job *job, int64_t side,
                                qn_segmented *out, quern_error *err)
{
    qn_segment_job own = *job;
    qn_planes picture;
    qn_segment_settings settings;
    QN_TRY(qn_segment_filter(&own, &picture, &settings, err));
    QN_TRY(run_squares(&own, side, out, err));
    out->picture = job->picture;
    out->settings = job->settings;
    return QUERN_OK;
}
