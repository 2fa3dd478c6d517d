/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/synth.h - pictures of cells that never were, with their labels: to train
 * by, to test by, to show.
 *
 * Cells are wobbly ellipses, scattered, clustered, in pairs or packed to a layer; a
 * mode says how a microscope would show them.  Picture `index` of a seed is a function
 * of the two and of the options: arithmetic is in double, random numbers are counted
 * (rng.h). */
#ifndef QN_ENGINE_CELLS_SYNTH_H
#define QN_ENGINE_CELLS_SYNTH_H

#include "engine/cells/labels.h"

/* name, word, share of the mixture, what it is */
#define QN_SYNTH_MAP(X)                                                         \
    X(FLUORESCENCE, "fluorescence", 8, "bright nuclei or cells on dark ground") \
    X(DARK, "dark", 2, "dark cells on bright ground")                           \
    X(RING, "ring", 2, "stained membranes")                                     \
    X(PHASE, "phase", 2, "phase contrast: gray cells with a bright halo")       \
    X(BRIGHTFIELD, "brightfield", 2, "relief of unstained cells")               \
    X(STAINED, "stained", 3, "purple nuclei in pink tissue")                    \
    X(PAIR, "pair", 1, "red cell bodies, green nuclei: two channels")

typedef enum qn_synth_mode {
#define X(name, text, share, about) QN_SYNTH_##name,
    QN_SYNTH_MAP(X)
#undef X
        QN_N_SYNTH_MODES
} qn_synth_mode;

enum { QN_SYNTH_MIXED = -1, QN_SYNTH_LEAST_SIDE = 16, QN_SYNTH_MOST_SIDE = 8192 };

typedef struct qn_synth_options {
    int64_t height, width; /* pixels */
    double diameter;       /* of a typical cell, pixels; 4 or more */
    int mode;              /* a qn_synth_mode, or QN_SYNTH_MIXED: by shares */
    uint64_t seed;
    double jpeg; /* share of pictures with JPEG's blocks: 0 to 1 */
} qn_synth_options;

typedef struct qn_synth {
    qn_synth_mode mode;
    int channels;    /* 1, or 3: red, green, blue */
    uint8_t *pixels; /* [height][width][channels] */
    qn_labels labels;
    uint32_t n; /* cells: labels are 1..n */
} qn_synth;

const char *qn_synth_mode_name(int mode, const char **about); /* NULL past the end */
/* Also "mixed"; false: no such mode. */
bool qn_synth_mode_find(const char *name, int *mode);

/* Everything lies in the arena, about 60 bytes a pixel with what is needed on the way.
 */
quern_status qn_synth_make(const qn_synth_options *opt, int64_t index, qn_arena *arena,
                           qn_synth *out, quern_error *err);

#endif
