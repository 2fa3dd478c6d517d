/* SPDX-License-Identifier: Apache-2.0 */
/* tools/recipe.c - what is said about pictures, by whom; see recipe.h. */
#include "tools/recipe.h"

#include "engine/text.h"
#include "formats/json_read.h"
#include "formats/files.h"

#include <stdio.h>
#include <string.h>

/* One thing that can be said, under its name in metadata ("quern.<key>") and options.
 */
typedef quern_status set_fn(qn_recipe *r, const char *text, quern_error *err);

/* Splits "a,b,c" into reals; how many, or -1. */
static int reals(const char *text, double *out, int most)
{
    int n = 0;
    while (n < most) {
        const size_t length = strcspn(text, ",");
        const size_t blank = strspn(text, " ");
        if (blank > length || !qn_text_to_real(text + blank, length - blank, &out[n]))
            return -1;
        n++;
        text += length;
        if (!*text) return n;
        text++;
    }
    return -1;
}

static quern_status set_size(qn_recipe *r, const char *text, quern_error *err)
{
    double size[2];
    const int n = reals(text, size, 2);
    if (n < 1) return qn_fail(err, QUERN_INVALID, "size '%s' is not H,W", text);
    if (n == 1) size[1] = size[0];
    for (int i = 0; i < 2; i++)
        if (!(size[i] >= 1 && size[i] <= QN_IMAGE_MAX_SIDE))
            return qn_fail(err, QUERN_INVALID, "size '%s' is not within 1 .. %d", text,
                           QN_IMAGE_MAX_SIDE);
    r->height = (int)size[0];
    r->width = (int)size[1];
    return QUERN_OK;
}

static quern_status set_resize(qn_recipe *r, const char *text, quern_error *err)
{
    static const char *const names[] = {"stretch", "crop", "pad", "fit"};
    for (int i = 0; i < 4; i++)
        if (!strcmp(text, names[i])) {
            r->fitting = (qn_fitting)i;
            return QUERN_OK;
        }
    return qn_fail(err, QUERN_INVALID, "resize '%s' is not fit, crop, pad or stretch",
                   text);
}

static quern_status set_shorter(qn_recipe *r, const char *text, quern_error *err)
{
    double n;
    if (reals(text, &n, 1) != 1 || !(n >= 1 && n <= QN_IMAGE_MAX_SIDE))
        return qn_fail(err, QUERN_INVALID, "shorter '%s' is not within 1 .. %d", text,
                       QN_IMAGE_MAX_SIDE);
    r->shorter = (int)n;
    return QUERN_OK;
}

static quern_status set_channels(qn_recipe *r, const char *text, quern_error *err)
{
    r->is_bgr = !strcmp(text, "bgr");
    if (!strcmp(text, "gray"))
        r->channels = 1;
    else if (!strcmp(text, "rgb") || r->is_bgr)
        r->channels = 3;
    else
        return qn_fail(err, QUERN_INVALID, "channels '%s' is not gray, rgb or bgr",
                       text);
    return QUERN_OK;
}

/* One number stands for all channels. */
static quern_status set_three(double out[3], const char *what, const char *text,
                              quern_error *err)
{
    const int n = reals(text, out, 3);
    if (n != 1 && n != 3)
        return qn_fail(err, QUERN_INVALID, "%s '%s' is not one number or three", what,
                       text);
    if (n == 1) out[1] = out[2] = out[0];
    return QUERN_OK;
}

static quern_status set_mean(qn_recipe *r, const char *text, quern_error *err)
{
    return set_three(r->mean, "mean", text, err);
}

static quern_status set_std(qn_recipe *r, const char *text, quern_error *err)
{
    QN_TRY(set_three(r->std, "std", text, err));
    for (int i = 0; i < 3; i++)
        if (!(r->std[i] > 0))
            return qn_fail(err, QUERN_INVALID, "std '%s' is not above 0", text);
    return QUERN_OK;
}

static quern_status set_temperature(qn_recipe *r, const char *text, quern_error *err)
{
    if (reals(text, &r->temperature, 1) == 1 && r->temperature > 0) return QUERN_OK;
    return qn_fail(err, QUERN_INVALID, "temperature '%s' is not above 0", text);
}

static const struct {
    const char *key;
    set_fn *set;
} sayings[] = {
    {"size", set_size},
    {"resize", set_resize},
    {"shorter", set_shorter},
    {"channels", set_channels},
    {"mean", set_mean},
    {"std", set_std},
    {"temperature", set_temperature},
};
#define N_SAYINGS (sizeof sayings / sizeof sayings[0])

quern_status qn_recipe_say(qn_recipe *r, const char *key, const char *text,
                           quern_error *err)
{
    for (size_t i = 0; i < N_SAYINGS; i++)
        if (strcmp(sayings[i].key, key) == 0) {
            r->is_said = true;
            return sayings[i].set(r, text, err);
        }
    return qn_fail(err, QUERN_INVALID, "nothing is called '%s'", key);
}

static quern_status from_metadata(qn_recipe *r, const quern_model *model,
                                  qn_arena *arena, quern_error *err)
{
    const char *schema = quern_model_metadata(model, "quern.schema");
    const char *classes = quern_model_metadata(model, "quern.classes");
    char key[64];
    if (schema && strcmp(schema, "1") != 0)
        return qn_fail(err, QUERN_UNSUPPORTED, "its metadata has schema %s; 1 is known",
                       schema);
    for (size_t i = 0; i < N_SAYINGS; i++) {
        snprintf(key, sizeof key, "quern.%s", sayings[i].key);
        const char *text = quern_model_metadata(model, key);
        if (text) QN_TRY(qn_recipe_say(r, sayings[i].key, text, err));
    }
    if (!classes) return QUERN_OK;
    const quern_status status =
        qn_json_names(arena, classes, strlen(classes), &r->classes, &r->n_classes, err);
    /* a build that reads no JSON still classifies: by number */
    return status == QUERN_UNSUPPORTED ? QUERN_OK : status;
}

static quern_status from_preset(qn_recipe *r, const char *name, quern_error *err)
{
    static const double mean[] = {0.485, 0.456, 0.406}, std[] = {0.229, 0.224, 0.225};
    if (strcmp(name, "imagenet") != 0)
        return qn_fail(err, QUERN_INVALID, "no preset '%s'; there is imagenet", name);
    r->height = r->width = 224;
    r->shorter = 256;
    r->fitting = QN_CROP;
    r->channels = 3;
    r->is_bgr = false;
    memcpy(r->mean, mean, sizeof mean);
    memcpy(r->std, std, sizeof std);
    r->is_said = true;
    return QUERN_OK;
}

/* Layout, channels and size, as far as the input tells and nobody else has. */
static quern_status from_input(qn_recipe *r, const quern_info *input, quern_error *err)
{
    if (input->rank >= 0 && input->rank != 4)
        return qn_fail(err, QUERN_SHAPE, "input '%s' has rank %d; pictures need 4",
                       input->name, input->rank);
    const int64_t *dim = input->dim;
    const bool known = input->rank == 4;
    r->is_nhwc = known && dim[1] != 1 && dim[1] != 3 && (dim[3] == 1 || dim[3] == 3);
    const int64_t c = !known ? -1 : dim[r->is_nhwc ? 3 : 1];
    const int64_t h = !known ? -1 : dim[r->is_nhwc ? 1 : 2];
    const int64_t w = !known ? -1 : dim[r->is_nhwc ? 2 : 3];
    if (c >= 0 && c != 1 && c != 3)
        return qn_fail(err, QUERN_SHAPE,
                       "input '%s' has %lld channels; pictures have 1 "
                       "or 3",
                       input->name, (long long)c);
    if (r->channels && c > 0 && r->channels != c)
        return qn_fail(err, QUERN_SHAPE, "input '%s' has %lld channels, not %d",
                       input->name, (long long)c, r->channels);
    if (!r->channels) r->channels = c > 0 ? (int)c : 3;
    if (!r->height && h > 0 && h <= QN_IMAGE_MAX_SIDE) r->height = (int)h;
    if (!r->width && w > 0 && w <= QN_IMAGE_MAX_SIDE) r->width = (int)w;
    return QUERN_OK;
}

quern_status qn_recipe_read(qn_recipe *r, const quern_model *model,
                            const quern_info *input, const qn_args *args,
                            qn_arena *arena, quern_error *err)
{
    *r = (qn_recipe){.std = {1, 1, 1}, .temperature = 1};
    QN_TRY(from_metadata(r, model, arena, err));
    const char *preset = args ? qn_arg_text(args, "preset") : NULL;
    if (preset) QN_TRY(from_preset(r, preset, err));
    for (size_t i = 0; args && i < N_SAYINGS; i++) {
        const char *text = qn_arg_text(args, sayings[i].key);
        if (text) QN_TRY(qn_recipe_say(r, sayings[i].key, text, err));
    }
    return from_input(r, input, err);
}

quern_status qn_recipe_labels(qn_recipe *r, const char *path, qn_arena *arena,
                              quern_error *err)
{
    return qn_file_names(arena, path, &r->classes, &r->n_classes, err);
}
