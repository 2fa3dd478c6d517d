/* SPDX-License-Identifier: Apache-2.0 */
/* tests/cells_kit.h - a segmented picture from rows of digits, measured and ready to be
 * written. */
#ifndef QN_TESTS_CELLS_KIT_H
#define QN_TESTS_CELLS_KIT_H

#include "formats/cells_out.h"
#include "tests/test.h"

typedef struct qn_scene {
    qn_test *t;
    qn_mem mem;
    qn_arena arena;
    quern_error err;
    qn_labels labels;
    qn_planes picture;
    qn_segment_settings settings;
    qn_segmented seg;
    qn_image view;
    qn_runs runs;
    qn_measures measures;
    qn_cells_out out;
} qn_scene;

/* rows: of width characters each, 0 to 9, a full stop is background.  The picture is
 * uint16, pixel i worth 10 i; flow and probability are there. */
bool qn_scene_begin(qn_scene *s, qn_test *t, const char *rows, int64_t width);
/* Labels from numbers 0 .. n, copied. */
bool qn_scene_of(qn_scene *s, qn_test *t, const uint32_t *at, int64_t height,
                 int64_t width, uint32_t n);
/* Measured anew, after something was changed. */
bool qn_scene_measure(qn_scene *s, qn_pool *pool);
void qn_scene_end(qn_scene *s);

#endif
