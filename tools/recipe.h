/* SPDX-License-Identifier: Apache-2.0 */
/* tools/recipe.h - from a picture to the tensor a model wants, and from scores to
 * names: what the model's metadata says (quern.size, quern.mean, ...), what a preset
 * says, what the options say, each standing above the one before. */
#ifndef QN_TOOLS_RECIPE_H
#define QN_TOOLS_RECIPE_H

#include "formats/fitting.h"
#include "tools/options.h"
#include "tools/values.h"

/* clang-format off */
#define QN_OPTIONS_RECIPE                                                               \
    {"preset", 0, QN_OPT_TEXT, "NAME", NULL,                                            \
     "imagenet: shorter side to 256, centre 224 x 224, ImageNet's mean and std"},       \
    {"size", 0, QN_OPT_TEXT, "H,W", NULL, "size of the model's pictures"},              \
    {"resize", 0, QN_OPT_TEXT, "HOW", NULL, "fit, crop, pad or stretch to the size"},   \
    {"shorter", 0, QN_OPT_INT, "N", NULL,                                               \
     "with crop: first scale the shorter side to N pixels"},                            \
    {"channels", 0, QN_OPT_TEXT, "ORDER", NULL, "gray, rgb or bgr"},                    \
    {"mean", 0, QN_OPT_TEXT, "M,M,M", NULL,                                             \
     "subtracted, on the 0..1 scale; one, or one per channel of the tensor"},           \
    {"std", 0, QN_OPT_TEXT, "S,S,S", NULL, "divided by, on the 0..1 scale"},            \
    {"temperature", 0, QN_OPT_REAL, "T", NULL, "scores are divided by T before softmax"}
/* clang-format on */

typedef struct qn_recipe {
    int height, width; /* 0: as the model's input says, or as the picture is */
    int shorter;       /* 0: crop covers the size exactly */
    qn_fitting fitting;
    int channels; /* 1 or 3; 0: as the model's input says */
    bool is_bgr, is_nhwc;
    double mean[3], std[3]; /* in the order of the tensor's channels */
    double temperature;
    const char *const *classes; /* NULL: no names */
    int n_classes;
    bool is_said; /* metadata, a preset or an option spoke */
} qn_recipe;

/* args may be NULL: metadata only.  input is the picture's; classes live in the arena.
 */
quern_status qn_recipe_read(qn_recipe *recipe, const quern_model *model,
                            const quern_info *input, const qn_args *args,
                            qn_arena *arena, quern_error *err);
/* One thing, as metadata or an option would say it: "size", "24,24". */
quern_status qn_recipe_say(qn_recipe *recipe, const char *key, const char *text,
                           quern_error *err);
/* What it says of size and channels. */
qn_frame qn_recipe_frame(const qn_recipe *recipe);
/* Names from a file: a line each, or JSON. */
quern_status qn_recipe_labels(qn_recipe *recipe, const char *path, qn_arena *arena,
                              quern_error *err);
/* Height and width of the tensor that a picture becomes. */
void qn_recipe_size(const qn_recipe *recipe, const qn_image *image, int *height,
                    int *width);
/* Writes picture k of a batch tensor [N,C,H,W] (or [N,H,W,C]) of any real type; uint8
 * tensors get bytes, the others (x/255 - mean) / std. */
quern_status qn_recipe_apply(const qn_recipe *recipe, const qn_image *image,
                             qn_arena *arena, qn_tensor *batch, int64_t k,
                             quern_error *err);
/* A batch tensor for n pictures like this one. */
quern_status qn_recipe_batch(const qn_recipe *recipe, const qn_image *image,
                             const quern_info *input, int64_t n, qn_arena *arena,
                             qn_tensor *out, quern_error *err);
/* A picture file as a whole input. */
quern_status qn_recipe_load(const quern_model *model, const quern_info *input,
                            const char *path, const qn_decoder *decoder,
                            qn_arena *arena, qn_tensor *out, quern_error *err);

#endif
