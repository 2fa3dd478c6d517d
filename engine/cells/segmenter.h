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
/* The last part: labels from out's flow and prob, which have the picture's size. */
quern_status qn_segment_labels(qn_segmented *out, double rescale, qn_pool *pool,
                               qn_arena *arena, qn_arena *scratch, quern_error *err);
/* flow_error from labels and flow, for a plain picture: out->flow_error. */
quern_status qn_segment_errors(qn_segmented *out, qn_pool *pool, qn_arena *arena,
                               qn_arena *scratch, quern_error *err);
/* The typical diameter of cells, by trying three sizes on the middle of the picture:
 * the one that finds cells of about the size it looked for wins.  Without cells it is
 * the network's own. */
quern_status qn_segment_diameter(const qn_cellnet *net, const qn_planes *picture,
                                 const qn_segment_settings *settings, qn_arena *scratch,
                                 double *diameter, quern_error *err);

#endif
