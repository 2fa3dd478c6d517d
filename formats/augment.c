/* SPDX-License-Identifier: Apache-2.0 */
/* formats/augment.c - the table of augmentations, lists as text, and their application;
 * see augment.h. */
#include "formats/augment_ops.h"

#include "engine/spelling.h"
#include "engine/text.h"

#include <string.h>

/* clang-format off */
static const qn_augment_op rows[] = {
    {"flip", "P: mirrored left to right in a share P of the epochs; 0.5 is every other",
     false, qn_augment_flip, 1, 0, {{0, 1, 0.5}}},
    {"shift", "N: moved by up to N pixels, or a share of the side, edges reflected",
     false, qn_augment_shift, 1, 0, {{0, 4096, 2}}},
    {"crop", "N: the same with black beyond the edge",
     false, qn_augment_crop, 1, 0, {{0, 4096, 0.125}}},
    {"zoom", "A:B: a part of A to B of the area, at an aspect of 3:4 to 4:3, enlarged",
     true, qn_augment_zoom, 2, 1, {{0.01, 1, 0.35}, {0.01, 1, 1}}},
    {"rotate", "D: turned by up to D degrees",
     true, qn_augment_rotate, 1, 0, {{0, 180, 10}}},
    {"scale", "A:B: scaled by A to B",
     true, qn_augment_scale, 2, 2, {{0.1, 10, 0.9}, {0.1, 10, 1.1}}},
    {"shear", "D: sheared by up to D degrees, both ways",
     true, qn_augment_shear, 1, 0, {{0, 60, 5}}},
    {"bright", "X: brightness times 1-X to 1+X",
     false, qn_augment_bright, 1, 0, {{0, 1, 0.2}}},
    {"contrast", "X: contrast times 1-X to 1+X",
     false, qn_augment_contrast, 1, 0, {{0, 1, 0.2}}},
    {"sat", "X: saturation times 1-X to 1+X",
     false, qn_augment_sat, 1, 0, {{0, 1, 0.2}}},
    {"hue", "X: colours turned by up to X of the circle",
     false, qn_augment_hue, 1, 0, {{0, 0.5, 0.05}}},
    {"gray", "P: without colour, with probability P",
     false, qn_augment_gray, 1, 0, {{0, 1, 0.1}}},
    {"blur", "P: blurred with sigma 0.1 to 2 pixels, with probability P",
     false, qn_augment_blur, 1, 0, {{0, 1, 0.1}}},
    {"randaug", "N:M: RandAugment, N operations of magnitude M of 30",
     false, qn_augment_randaug, 2, 2, {{0, 16, 2}, {0, 30, 9}}},
    {"trivial", "TrivialAugment: one operation of any magnitude",
     false, qn_augment_trivial, 0, 0, {{0, 0, 0}}},
    {"noise", "S: normal noise with deviation S of the full range",
     false, qn_augment_noise, 1, 0, {{0, 1, 0.02}}},
    {"erase", "P: a rectangle of 2 to 33 % becomes noise, with probability P",
     false, qn_augment_erase, 1, 0, {{0, 1, 0.25}}},
};
/* clang-format on */
#define N_ROWS ((int)(sizeof rows / sizeof rows[0]))

static const char *const presets[][2] = {
    {"none", ""},
    {"light", "flip=0.5,shift=2"},
    {"standard", "flip=0.5,crop=0.125,erase=0.25"},
    {"strong", "flip=0.5,crop=0.125,randaug=2:9,erase=0.25"},
};
#define N_PRESETS ((int)(sizeof presets / sizeof presets[0]))

bool qn_augment_row(int i, const char **name, const char **about)
{
    if (i < 0 || i >= N_ROWS) return false;
    *name = rows[i].name;
    *about = rows[i].about;
    return true;
}

bool qn_augment_preset(int i, const char **name, const char **list)
{
    if (i < 0 || i >= N_PRESETS) return false;
    *name = presets[i][0];
    *list = presets[i][1];
    return true;
}

/* ---- lists as text ---- */

/* What a text has said, by row; a row said twice is as it was said last. */
typedef struct said {
    bool is_on[N_ROWS];
    qn_augment_step step[N_ROWS];
} said;

typedef struct span {
    const char *p;
    size_t n;
} span;

static bool is_word(span s, const char *word)
{
    return strlen(word) == s.n && !memcmp(s.p, word, s.n);
}

/* What stands before the separator; *rest is what follows it, or p NULL. */
static span cut(span s, char separator, span *rest)
{
    const char *at = s.n ? memchr(s.p, separator, s.n) : NULL;
    *rest = (span){NULL, 0};
    if (!at) return s;
    *rest = (span){at + 1, s.n - (size_t)(at - s.p) - 1};
    return (span){s.p, (size_t)(at - s.p)};
}

static span trim(span s)
{
    while (s.n && *s.p == ' ')
        s.p++, s.n--;
    while (s.n && s.p[s.n - 1] == ' ')
        s.n--;
    return s;
}

static quern_status unknown(span word, quern_error *err)
{
    const char *names[N_ROWS + N_PRESETS];
    char text[QN_WORD_MAX + 1] = {0};
    for (int i = 0; i < N_ROWS; i++)
        names[i] = rows[i].name;
    for (int i = 0; i < N_PRESETS; i++)
        names[N_ROWS + i] = presets[i][0];
    memcpy(text, word.p, word.n < QN_WORD_MAX ? word.n : QN_WORD_MAX);
    const char *near = qn_nearest(text, names, N_ROWS + N_PRESETS);
    return qn_fail(err, QUERN_INVALID, "no augmentation '%s'%s%s%s", text,
                   near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

/* "a" or "a:b" */
static quern_status read_amounts(qn_augment_step *step, span text, quern_error *err)
{
    const qn_augment_op *op = step->op;
    double *const amounts[] = {&step->a, &step->b};
    span rest = text;
    int n = 0;
    while (rest.p && n < op->n_args) {
        const span word = trim(cut(rest, ':', &rest));
        if (!qn_text_to_real(word.p, word.n, amounts[n]))
            return qn_fail(err, QUERN_INVALID, "%s=%.*s: '%.*s' is no number", op->name,
                           (int)text.n, text.p, (int)word.n, word.p);
        if (!(*amounts[n] >= op->arg[n].lo && *amounts[n] <= op->arg[n].hi))
            return qn_fail(err, QUERN_INVALID, "%s=%.*s: not within %g .. %g", op->name,
                           (int)text.n, text.p, op->arg[n].lo, op->arg[n].hi);
        n++;
    }
    if (rest.p || n < op->n_needed)
        return qn_fail(err, QUERN_INVALID, "%s takes %d amounts, not '%.*s'", op->name,
                       op->n_args, (int)text.n, text.p);
    if (op->is_affine && n == 2 && step->a > step->b)
        return qn_fail(err, QUERN_INVALID, "%s=%.*s: the first is above the second",
                       op->name, (int)text.n, text.p);
    return QUERN_OK;
}

static quern_status read_list(said *s, span list, bool in_preset, quern_error *err);

static quern_status read_word(said *s, span word, bool in_preset, quern_error *err)
{
    span amounts;
    const span name = trim(cut(word, '=', &amounts));
    for (int i = 0; i < N_PRESETS && !in_preset; i++)
        if (is_word(word, presets[i][0]))
            return read_list(s, (span){presets[i][1], strlen(presets[i][1])}, true,
                             err);
    for (int i = 0; i < N_ROWS; i++)
        if (is_word(name, rows[i].name)) {
            qn_augment_step step = {&rows[i], rows[i].arg[0].otherwise,
                                    rows[i].arg[1].otherwise};
            if (amounts.p) QN_TRY(read_amounts(&step, amounts, err));
            s->is_on[i] = true;
            s->step[i] = step;
            return QUERN_OK;
        }
    return unknown(name, err);
}

static quern_status read_list(said *s, span list, bool in_preset, quern_error *err)
{
    for (span rest = list, word; rest.p;) {
        word = trim(cut(rest, ',', &rest));
        if (word.n) QN_TRY(read_word(s, word, in_preset, err));
    }
    return QUERN_OK;
}

quern_status qn_augment_parse(const char *text, qn_augment *out, quern_error *err)
{
    _Static_assert(N_ROWS <= QN_AUGMENT_MAX, "room for every row");
    said s = {{false}, {{0}}};
    *out = (qn_augment){0};
    if (text) QN_TRY(read_list(&s, (span){text, strlen(text)}, false, err));
    for (int i = 0; i < N_ROWS; i++)
        if (s.is_on[i]) out->step[out->n++] = s.step[i];
    return QUERN_OK;
}

/* ---- application ---- */

uint32_t qn_draw_bits(qn_draw *draw)
{
    if (draw->left == 0) {
        qn_rng_block(&draw->rng, draw->n_blocks++, draw->block);
        draw->left = 4;
    }
    return draw->block[--draw->left];
}

double qn_draw_uniform(qn_draw *draw, double lo, double hi)
{
    return lo + (hi - lo) * ((double)qn_draw_bits(draw) * 0x1p-32);
}

int qn_draw_int(qn_draw *draw, int lo, int hi)
{
    return lo + (int)((uint64_t)qn_draw_bits(draw) * (uint64_t)(hi - lo + 1) >> 32);
}

void qn_augment_apply(const qn_augment *list, const qn_augment_key *key,
                      qn_image *image, uint8_t *spare)
{
    const uint64_t who = (uint64_t)key->epoch << 40 ^ (uint64_t)key->item;
    qn_canvas canvas = {.height = image->height,
                        .width = image->width,
                        .channels = image->channels,
                        .pixels = image->pixels,
                        .spare = spare,
                        .affine = qn_affine_identity()};
    for (int i = 0; i < list->n; i++) {
        const qn_augment_step *step = &list->step[i];
        qn_draw draw = {.key = key, .rng = qn_rng_make(key->seed, step->op->name, who)};
        if (!step->op->is_affine) qn_canvas_settle(&canvas);
        step->op->apply(&canvas, step, &draw);
    }
    qn_canvas_settle(&canvas);
    if (canvas.pixels != image->pixels)
        memcpy(image->pixels, canvas.pixels, qn_canvas_bytes(&canvas));
}
