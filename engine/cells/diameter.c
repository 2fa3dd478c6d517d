/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/diameter.c - how large cells are, when nobody says: qn_segment_diameter.
 *
 * A network sees cells of the size it knows, so it is asked at three scales, the
 * cheapest first, on the middle of the picture.  A scale is right if the cells it finds
 * have the size it assumed: that ends the search.  Else the scale with the smallest
 * disagreement wins, a little in favour of covering much. */
#include "engine/cells/dynamics.h"
#include "engine/cells/segmenter.h"

#include <math.h>
#include <string.h>

#define CROP   1024 /* pixels */
#define CLOSE  0.35 /* a measured size so near the guess ends the search */
#define FAVOUR 0.15 /* of coverage: what e-fold more of it is worth */
static const double guesses[] = {40, 20, 10}; /* pixels */

/* The middle of the middle plane, at most CROP each way. */
static quern_status crop(const qn_planes *p, qn_arena *arena, qn_planes *out,
                         quern_error *err)
{
    const size_t size = qn_dtype_size(p->dtype);
    *out = *p;
    out->depth = 1;
    out->height = p->height < CROP ? p->height : CROP;
    out->width = p->width < CROP ? p->width : CROP;
    const int64_t top = (p->height - out->height) / 2,
                  left = (p->width - out->width) / 2;
    const size_t n = (size_t)(out->height * out->width * out->channels);
    QN_TRY(qn_arena_array(arena, n, size, &out->data, err));
    char *to = out->data;
    for (int64_t c = 0; c < p->channels; c++)
        for (int64_t y = 0; y < out->height; y++) {
            const char *from = qn_planes_channel(p, p->depth / 2, c);
            from += (size_t)((top + y) * p->width + left) * size;
            memcpy(to, from, (size_t)out->width * size);
            to += (size_t)out->width * size;
        }
    return QUERN_OK;
}

typedef struct found {
    double diameter; /* pixels of the picture; 0: no cells */
    double coverage; /* of the picture by cells */
} found;

static quern_status look(const qn_cellnet *net, const qn_input *at, double guess,
                         qn_arena *scratch, found *out, quern_error *err)
{
    qn_input in;
    void *flows;
    qn_labels labels;
    qn_cells cells;
    qn_dynamics_options how = QN_DYNAMICS_DEFAULT;
    const double rescale = net->diam_mean / guess;
    QN_TRY(qn_input_init(&in, at->picture, at->settings, net->channels, rescale, err));
    memcpy(in.level, at->level, sizeof in.level);
    const int64_t n = in.height * in.width;
    QN_TRY(qn_arena_array(scratch, 3 * (size_t)n, sizeof(float), &flows, err));
    QN_TRY(qn_cellnet_run(net, &in, 0, scratch, flows, err));
    const float *p = flows;
    const qn_flow_field field = {in.height, in.width, p, p + n, p + 2 * n};
    how.prob_threshold = at->settings->cellprob_threshold;
    how.flow_threshold = at->settings->flow_threshold;
    QN_TRY(qn_dynamics_labels(&field, &how, net->pool, scratch, &labels, NULL, err));
    QN_TRY(qn_labels_survey(&labels, qn_labels_max(&labels), scratch, &cells, err));
    QN_TRY(qn_cells_diameter(&cells, scratch, &out->diameter, err));
    out->diameter /= rescale;
    int64_t covered = 0;
    for (uint32_t i = 1; i <= cells.n; i++)
        covered += cells.area[i];
    out->coverage = (double)covered / (double)n;
    return QUERN_OK;
}

/* The better guess is the lower one. */
static double badness(const found *f, double guess)
{
    return fabs(log(f->diameter / guess)) - FAVOUR * log(f->coverage);
}

static quern_status search(const qn_cellnet *net, const qn_input *in, qn_arena *scratch,
                           double *diameter, quern_error *err)
{
    double best = INFINITY;
    qn_arena room;
    *diameter = net->diam_mean;
    for (size_t i = 0; i < sizeof guesses / sizeof guesses[0]; i++) {
        found f = {0, 0};
        qn_arena_init(&room, scratch->mem);
        const quern_status status = look(net, in, guesses[i], &room, &f, err);
        qn_arena_done(&room);
        QN_TRY(status);
        if (!(f.diameter > 0)) continue;
        const double bad = badness(&f, guesses[i]);
        if (bad < best) *diameter = f.diameter;
        best = fmin(best, bad);
        if (fabs(f.diameter / guesses[i] - 1) > CLOSE) continue;
        *diameter = f.diameter;
        break;
    }
    return QUERN_OK;
}

quern_status qn_segment_diameter(const qn_cellnet *net, const qn_planes *picture,
                                 const qn_segment_settings *settings, qn_arena *scratch,
                                 double *diameter, quern_error *err)
{
    qn_input in;
    qn_planes middle;
    const int64_t z = picture->depth / 2;
    QN_TRY(qn_input_init(&in, picture, settings, net->channels, 1, err));
    QN_TRY(qn_input_levels(&in, z, z + 1, scratch, err));
    QN_TRY(crop(picture, scratch, &middle, err));
    for (int c = 0; c < QN_INPUT_CHANNELS; c++) {
        in.level[c].top = (picture->height - middle.height) / 2;
        in.level[c].left = (picture->width - middle.width) / 2;
    }
    in.picture = &middle;
    const quern_status status = search(net, &in, scratch, diameter, err);
    qn_arena_reset(scratch);
    return status;
}
