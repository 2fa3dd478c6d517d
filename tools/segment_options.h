/* SPDX-License-Identifier: Apache-2.0 */
/* tools/segment_options.h - the options of `quern segment` and `quern segment
 * rethreshold`, as settings, and as the text by which a run knows another one. */
#ifndef QN_TOOLS_SEGMENT_OPTIONS_H
#define QN_TOOLS_SEGMENT_OPTIONS_H

#include "engine/cells/segment_settings.h"
#include "formats/buffer.h"
#include "tools/options.h"

/* clang-format off */
/* Of what follows the network. */
#define QN_OPTIONS_DYNAMICS                                                              \
    {"flow-threshold", 0, QN_OPT_REAL, "X", "0.4",                                       \
     "largest flow error of a cell; 0: any"},                                            \
    {"flow_threshold", 0, QN_OPT_REAL, "X", NULL, "the same"},                           \
    {"cellprob-threshold", 0, QN_OPT_REAL, "X", "0",                                     \
     "pixels above it are in cells, about -6 to 6"},                                     \
    {"cellprob_threshold", 0, QN_OPT_REAL, "X", NULL, "the same"},                       \
    {"min-size", 0, QN_OPT_INT, "N", "15", "pixels of the smallest cell; -1: any"},      \
    {"min_size", 0, QN_OPT_INT, "N", NULL, "the same"},                                  \
    {"niter", 0, QN_OPT_INT, "N", "0", "steps of the dynamics; 0: from the diameter"},   \
    {"exclude-edges", 0, QN_OPT_FLAG, NULL, NULL, "drop cells at the picture's edge"},   \
    {"exclude_on_edges", 0, QN_OPT_FLAG, NULL, NULL, "the same"},                        \
    {"stitch", 0, QN_OPT_REAL, "T", "0",                                                 \
     "join cells of neighbouring planes that overlap (IoU) by at least T"},              \
    {"stitch_threshold", 0, QN_OPT_REAL, "T", NULL, "the same"}

#define QN_OPTIONS_RESULTS                                                               \
    {"output", 'o', QN_OPT_TEXT, "DIR", ".", "folder to write to"},                      \
    {"savedir", 0, QN_OPT_TEXT, "DIR", NULL, "the same"},                                \
    {"save", 0, QN_OPT_LIST, "LIST", "masks,outlines,flows",                             \
     "masks, raw, outlines, overlay, flows, prob, csv, json, text, roi, geojson, coco, " \
     "html, or all but raw"},                                                            \
    {"outline-color", 0, QN_OPT_TEXT, "RRGGBB", NULL,                                    \
     "of all outlines, in place of one for each label"},                                 \
    {"fov", 0, QN_OPT_TEXT, "W,H", NULL,                                                 \
     "field of view in mm, for the density of cells; else from um-per-px"},              \
    {"um-per-px", 0, QN_OPT_REAL, "UM", NULL,                                            \
     "edge of a pixel in micrometres, above what the file says"}
/* clang-format on */

/* QUERN_INVALID names the option and what it may be. */
quern_status qn_segment_settings_of(const qn_args *args, qn_segment_settings *out,
                                    quern_error *err);
/* Tells why options were not read, and returns the exit code: 2 for a wrong value. */
int qn_segment_refuse(const qn_args *args, const quern_error *err);
/* An option by its name or by Cellpose's spelling, whichever is given last. */
double qn_either_real(const qn_args *args, const char *name, const char *alias);
const char *qn_either_text(const qn_args *args, const char *name, const char *alias);
/* SHA-256 of all that decides what is written. */
void qn_segment_settings_hash(const qn_segment_settings *s, const char *model_sha256,
                              const char *saved, qn_mem *mem, char hex[65]);

#endif
