/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/segmenter.h - from a picture to cells: levels, network, flows at the
 * picture's own size, dynamics, stitching; and the size of cells where nobody knows it.
 */
#ifndef QN_ENGINE_CELLS_SEGMENTER_H
#define QN_ENGINE_CELLS_SEGMENTER_H

#include "engine/cells/cellnet.h"
#include "engine/cells/segmented.h"

/* All of it.  With settings->diameter 0 the diameter is measured first.  out's arrays
 * lie in the arena; scratch is used and reset. */
quern_status qn_segment_picture(const qn_cellnet *net, const qn_planes *picture,
                                const qn_segment_settings *settings, qn_arena *arena,
                                qn_arena *scratch, qn_segmented *out, quern_error *err);
/* One picture's work, with what it needs. */
typedef struct qn_segment_job {
    const qn_cellnet *net;
    const qn_planes *picture;
    const qn_segment_settings *settings;
    const qn_level *level; /* of the network's channels, or NULL: found */
    qn_arena *arena, *scratch;
} qn_segment_job;
quern_status qn_segment_run(const qn_segment_job *job, qn_segmented *out,
                            quern_error *err);

/* Replaces the job's picture and settings by the filtered picture, in the job's arena,
 * and what is left to do with it, if filters are wanted. */
quern_status qn_segment_filter(qn_segment_job *job, qn_planes *picture,
                               qn_segment_settings *settings, quern_error *err);

/* For a picture that is too large to be worked on at once: squares of side pixels, each
 * seen with a margin of more than two cells around it.  Levels are those of the whole
 * picture (the job's are not looked at); a cell belongs to the square that its middle
 * lies in, so none is cut and none is found twice.  The arena gets the labels and two
 * figures a cell (flow_error, cell_prob), scratch what a square needs; flow and prob
 * are not kept.  One plane only. */
quern_status qn_segment_squares(const qn_segment_job *job, int64_t side,
                                qn_segmented *out, quern_error *err);
/* Pixels of that margin, on each side. */
int64_t qn_segment_margin(double diameter);
/* The last part: labels from out's flow and prob, which have the picture's size. */
quern_status qn_segment_labels(qn_segmented *out, double rescale, qn_pool *pool,
                               qn_arena *arena, qn_arena *scratch, quern_error *err);
/* flow_error from labels and flow, for a plain picture that has them. */
quern_status qn_segment_errors(qn_segmented *out, qn_pool *pool, qn_arena *arena,
                               qn_arena *scratch, quern_error *err);
/* The typical diameter of cells, by trying three sizes on the middle of the picture:
 * the one that finds cells of about the size it looked for wins.  Without cells it is
 * the network's own. */
quern_status qn_segment_diameter(const qn_cellnet *net, const qn_planes *picture,
                                 const qn_segment_settings *settings, qn_arena *scratch,
                                 double *diameter, quern_error *err);

#endif
