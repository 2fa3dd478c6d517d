/* SPDX-License-Identifier: Apache-2.0 */
/* formats/cell_set.c - pictures and labels into items, and items into parts. */
#include "formats/cell_set.h"

#include "engine/rng.h"
#include "formats/files.h"
#include "formats/label_file.h"
#include "formats/raster.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    LOOK_BITS_APART = 14,
    MOST_COMPARED = 20000,
    LEAST_DIAMETER = 5,
    MOST_PIXELS = 100000000
};

void qn_cell_set_init(qn_cell_set *set, qn_mem *mem, qn_arena *arena)
{
    *set = (qn_cell_set){.mem = mem, .arena = arena};
}

/* ---- lists that grow ---- */

static quern_status grow(qn_arena *arena, void **list, int64_t n, int64_t *room,
                         size_t size, quern_error *err)
{
    void *p;
    if (n < *room) return QUERN_OK;
    const int64_t more = *room ? 2 * *room : 64;
    QN_TRY(qn_arena_array(arena, (size_t)more, size, &p, err));
    if (n) memcpy(p, *list, (size_t)n * size);
    *list = p;
    *room = more;
    return QUERN_OK;
}

static quern_status add_item(qn_cell_set *set, const qn_cell_item *item,
                             quern_error *err)
{
    void *list = set->items;
    QN_TRY(grow(set->arena, &list, set->n, &set->room, sizeof *item, err));
    set->items = list;
    set->items[set->n++] = *item;
    return QUERN_OK;
}

static quern_status reject(qn_cell_set *set, const char *name, const char *reason,
                           bool is_bad, quern_error *err)
{
    void *list = set->rejects;
    qn_cell_reject r = {.is_bad = is_bad};
    QN_TRY(qn_arena_text(set->arena, name, strlen(name), &r.name, err));
    QN_TRY(qn_arena_text(set->arena, reason, strlen(reason), &r.reason, err));
    QN_TRY(grow(set->arena, &list, set->n_rejects, &set->reject_room, sizeof r, err));
    set->rejects = list;
    set->rejects[set->n_rejects++] = r;
    return QUERN_OK;
}

/* ---- one item ---- */

/* The percentile p of counted samples: between two of them by its place. */
static double percentile(const uint32_t *count, int64_t n, double p)
{
    const double place = p / 100 * (double)(n - 1);
    const int64_t at = (int64_t)place;
    int64_t seen = 0, k = 0;
    while ((seen += count[k]) <= at)
        k++;
    const int64_t low = k;
    if (seen <= at + 1 && at + 1 < n)
        for (k++; count[k] == 0;)
            k++;
    return (double)low + (place - (double)at) * (double)(k - low);
}

static quern_status measure(qn_cell_item *item, int c, qn_arena *room, quern_error *err)
{
    void *p;
    const int64_t n = item->height * item->width;
    QN_TRY(qn_arena_array(room, 65536, sizeof(uint32_t), &p, err));
    uint32_t *count = p;
    for (int64_t i = 0; i < n; i++)
        count[item->plane[c][i]]++;
    item->low[c] = percentile(count, n, 1);
    item->high[c] = percentile(count, n, 99);
    return QUERN_OK;
}

/* Which of 64 neighbouring pairs of a 9 x 8 miniature get brighter (a difference hash).
 */
static uint64_t look_of(const qn_cell_item *item)
{
    double mean[8][9];
    uint64_t look = 0;
    for (int r = 0; r < 8; r++)
        for (int c = 0; c < 9; c++) {
            const int64_t top = item->height * r / 8, left = item->width * c / 9;
            const int64_t bottom = item->height * (r + 1) / 8;
            const int64_t right = item->width * (c + 1) / 9;
            uint64_t sum = 0;
            for (int64_t y = top; y < bottom; y++)
                for (int64_t x = left; x < right; x++)
                    sum += item->plane[0][y * item->width + x];
            const int64_t n = (bottom - top) * (right - left);
            mean[r][c] = n > 0 ? (double)sum / (double)n : 0;
        }
    for (int r = 0; r < 8; r++)
        for (int c = 0; c < 8; c++)
            look = look << 1 | (mean[r][c] < mean[r][c + 1]);
    return look;
}

/* Samples become whole numbers of 16 bits in the same proportions: bytes as they are
 * (the mean of several as their sum), floats from the least to the most. */
typedef struct scale {
    double offset, factor;
} scale;

static double sample(const qn_planes *p, int64_t c, int64_t i)
{
    const void *data = qn_planes_channel(p, 0, c);
    return p->dtype == QUERN_UINT8    ? ((const uint8_t *)data)[i]
           : p->dtype == QUERN_UINT16 ? ((const uint16_t *)data)[i]
                                      : (double)((const float *)data)[i];
}

static scale scale_of(const qn_planes *p)
{
    double low = INFINITY, high = -INFINITY;
    if (p->dtype == QUERN_UINT8) return (scale){0, (double)p->channels};
    if (p->dtype == QUERN_UINT16) return (scale){0, 1};
    for (int64_t c = 0; c < p->channels; c++)
        for (int64_t i = 0; i < p->height * p->width; i++) {
            low = fmin(low, sample(p, c, i));
            high = fmax(high, sample(p, c, i));
        }
    return (scale){low, high > low ? UINT16_MAX / (high - low) : 0};
}

/* Channel chan of a picture, 1 for the first; 0: the mean of all. */
static quern_status take_plane(qn_cell_set *set, const qn_planes *p, int64_t chan,
                               uint16_t **out, quern_error *err)
{
    void *room;
    const scale s = scale_of(p);
    const int64_t n = p->height * p->width;
    const int64_t first = chan > 0 ? chan - 1 : 0, last = chan > 0 ? chan : p->channels;
    QN_TRY(qn_arena_raw(set->arena, (size_t)n * sizeof **out, &room, err));
    *out = room;
    for (int64_t i = 0; i < n; i++) {
        double sum = 0;
        for (int64_t c = first; c < last; c++)
            sum += sample(p, c, i) - s.offset;
        (*out)[i] = (uint16_t)(sum * s.factor / (double)(last - first) + 0.5);
    }
    return QUERN_OK;
}

static quern_status take_labels(qn_cell_set *set, qn_labels *labels, qn_arena *room,
                                qn_cell_item *item, quern_error *err)
{
    void *p;
    qn_cells cells;
    const int64_t n = labels->height * labels->width;
    QN_TRY(qn_labels_renumber(labels, room, &item->n, err));
    if (item->n > UINT16_MAX)
        return qn_fail(err, QUERN_LIMIT, "%u cells; training takes %d a picture",
                       item->n, UINT16_MAX);
    QN_TRY(qn_labels_survey(labels, item->n, room, &cells, err));
    QN_TRY(qn_cells_diameter(&cells, room, &item->diameter, err));
    if (item->diameter < LEAST_DIAMETER) item->diameter = LEAST_DIAMETER;
    QN_TRY(qn_arena_raw(set->arena, (size_t)n * sizeof *item->labels, &p, err));
    item->labels = p;
    for (int64_t i = 0; i < n; i++)
        item->labels[i] = (uint16_t)labels->at[i];
    return QUERN_OK;
}

static quern_status check_pair(const qn_planes *p, const qn_labels *labels,
                               quern_error *err)
{
    if (p->depth != 1)
        return qn_fail(err, QUERN_DATA,
                       "it is a stack of %lld; training takes one plane",
                       (long long)p->depth);
    if (p->channels > 255)
        return qn_fail(err, QUERN_DATA, "it has %lld channels", (long long)p->channels);
    if (labels->height != p->height || labels->width != p->width)
        return qn_fail(err, QUERN_DATA,
                       "the picture has %lldx%lld pixels, its labels %lldx%lld",
                       (long long)p->width, (long long)p->height,
                       (long long)labels->width, (long long)labels->height);
    return QUERN_OK;
}

/* A picture and its labels, which are changed, become an item. */
static quern_status make_item(qn_cell_set *set, const qn_planes *planes,
                              qn_labels *labels, const int64_t chan[QN_CELL_PLANES],
                              qn_arena *room, qn_cell_item *item, quern_error *err)
{
    item->height = planes->height;
    item->width = planes->width;
    QN_TRY(check_pair(planes, labels, err));
    QN_TRY(take_labels(set, labels, room, item, err));
    for (int c = 0; c < QN_CELL_PLANES; c++) {
        const bool is_there = chan[c] > 0 && chan[c] <= planes->channels;
        if (c > 0 && (!is_there || planes->channels == 1)) continue;
        QN_TRY(take_plane(set, planes, is_there ? chan[c] : 0, &item->plane[c], err));
        QN_TRY(measure(item, c, room, err));
    }
    item->look = look_of(item);
    return QUERN_OK;
}

/* ---- pairs in folders ---- */

typedef struct pairing {
    const char *images, *labels; /* folders */
    const char *const *names;    /* of files in images */
    const char *const *others;   /* in labels */
    int n_names, n_others;
} pairing;

static size_t stem_length(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot && dot != name ? (size_t)(dot - name) : strlen(name);
}

static const char *const endings[] = {"_masks", "_cp_masks", "_labels"};

/* Whether a file's stem is that of a picture, with one of the endings (or without). */
static bool belongs(const char *file, const char *stem, size_t n, bool plain)
{
    const size_t length = stem_length(file);
    if (strncmp(file, stem, n) != 0) return false;
    if (plain && length == n) return true;
    for (size_t k = 0; k < sizeof endings / sizeof *endings; k++)
        if (length == n + strlen(endings[k]) &&
            strncmp(file + n, endings[k], length - n) == 0)
            return true;
    return false;
}

static bool is_labels(const char *name)
{
    const size_t length = stem_length(name);
    for (size_t k = 0; k < sizeof endings / sizeof *endings; k++) {
        const size_t n = strlen(endings[k]);
        if (length > n && strncmp(name + length - n, endings[k], n) == 0) return true;
    }
    return false;
}

static bool is_picture(const char *name)
{
    static const char *const known[] = {".png", ".jpg",  ".jpeg", ".bmp",
                                        ".tif", ".tiff", ".pgm",  ".ppm"};
    for (size_t k = 0; k < sizeof known / sizeof *known; k++)
        if (qn_ends_with(name, known[k])) return true;
    return false;
}

static quern_status find_folders(qn_cell_set *set, const char *path, pairing *p,
                                 quern_error *err)
{
    static const char *const words[] = {"masks", "labels"};
    char images[QN_PATH_MAX], labels[QN_PATH_MAX];
    QN_TRY(qn_path_format(images, err, "%s/images", path));
    if (!qn_path_is_folder(images)) {
        QN_TRY(qn_path_format(images, err, "%s", path));
        memcpy(labels, images, sizeof labels);
    } else {
        for (int k = 0; k < 2; k++) {
            QN_TRY(qn_path_format(labels, err, "%s/%s", path, words[k]));
            if (qn_path_is_folder(labels)) break;
        }
    }
    QN_TRY(qn_arena_text(set->arena, images, strlen(images), &p->images, err));
    QN_TRY(qn_arena_text(set->arena, labels, strlen(labels), &p->labels, err));
    QN_TRY(qn_dir_list(p->images, set->arena, &p->names, &p->n_names, err));
    return qn_dir_list(p->labels, set->arena, &p->others, &p->n_others, err);
}

/* The first of `others` with that stem; both lists are sorted by bytes. */
static const char *find_labels(const pairing *p, const char *name)
{
    const size_t n = stem_length(name);
    int low = 0, high = p->n_others;
    while (low < high) {
        const int middle = low + (high - low) / 2;
        if (strncmp(p->others[middle], name, n) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < p->n_others && strncmp(p->others[low], name, n) == 0; low++)
        if (belongs(p->others[low], name, n,
                    p->images != p->labels && strcmp(p->images, p->labels) != 0))
            return p->others[low];
    return NULL;
}

static quern_status read_pair(qn_cell_set *set, const pairing *p, const char *name,
                              qn_arena *room, qn_cell_item *item, quern_error *err)
{
    char path[QN_PATH_MAX];
    qn_planes planes;
    qn_labels labels;
    const qn_raster_options opt = {.z_axis = -1,
                                   .channel_axis = -1,
                                   .max_pixels = MOST_PIXELS,
                                   .decoder = set->decoder};
    const int64_t chan[] = {set->chan, set->chan2};
    const char *other = find_labels(p, name);
    if (!other) return qn_fail(err, QUERN_DATA, "it has no labels beside it");
    QN_TRY(qn_path_format(path, err, "%s/%s", p->images, name));
    QN_TRY(qn_raster_load(room, path, &opt, &planes, err));
    QN_TRY(qn_path_format(path, err, "%s/%s", p->labels, other));
    QN_TRY(qn_label_file_read(room, path, MOST_PIXELS, &labels, err));
    QN_TRY(qn_arena_text(set->arena, name, stem_length(name), &item->name, err));
    return make_item(set, &planes, &labels, chan, room, item, err);
}

static quern_status take_pair(qn_cell_set *set, const pairing *p, const char *name,
                              qn_arena *room, quern_error *err)
{
    char text[64];
    quern_error why = {0};
    qn_cell_item item = {0};
    const quern_status status = read_pair(set, p, name, room, &item, &why);
    if (status == QUERN_MEMORY || (status == QUERN_LIMIT && set->mem->budget > 0 &&
                                   set->mem->used >= set->mem->budget / 2))
        return qn_fail(err, status, "%s", why.text);
    if (status != QUERN_OK) return reject(set, name, why.text, true, err);
    if (item.n >= QN_CELLS_FEWEST) return add_item(set, &item, err);
    snprintf(text, sizeof text, "it has %u cells; %d are the fewest to learn from",
             item.n, QN_CELLS_FEWEST);
    return reject(set, name, text, false, err);
}

quern_status qn_cell_set_folder(qn_cell_set *set, const char *path,
                                qn_cell_step_fn *step, void *ctx, quern_error *err)
{
    pairing p = {0};
    qn_arena room;
    quern_status status = find_folders(set, path, &p, err);
    qn_arena_init(&room, set->mem);
    for (int i = 0; i < p.n_names && status == QUERN_OK; i++) {
        if (is_labels(p.names[i]) || !is_picture(p.names[i])) continue;
        status = take_pair(set, &p, p.names[i], &room, err);
        qn_arena_reset(&room);
        if (step && status == QUERN_OK && step(ctx, i + 1, p.n_names))
            status = qn_fail(err, QUERN_CANCELLED, "stopped");
    }
    qn_arena_done(&room);
    return status;
}

/* ---- procedural pictures ---- */

/* From colours side by side to one plane each. */
static quern_status as_planes(const qn_synth *s, const qn_synth_options *opt,
                              qn_arena *room, qn_planes *out, quern_error *err)
{
    void *p;
    const int64_t n = opt->height * opt->width;
    QN_TRY(qn_arena_raw(room, (size_t)(n * s->channels), &p, err));
    uint8_t *to = p;
    *out = (qn_planes){.dtype = QUERN_UINT8,
                       .depth = 1,
                       .channels = s->channels,
                       .height = opt->height,
                       .width = opt->width,
                       .data = p};
    for (int c = 0; c < s->channels; c++)
        for (int64_t i = 0; i < n; i++)
            to[c * n + i] = s->pixels[i * s->channels + c];
    return QUERN_OK;
}

static quern_status take_synth(qn_cell_set *set, const qn_synth_options *opt, int64_t i,
                               qn_arena *room, quern_error *err)
{
    char name[48];
    qn_synth s;
    qn_planes planes;
    qn_cell_item item = {.is_synthetic = true};
    QN_TRY(qn_synth_make(opt, i, room, &s, err));
    QN_TRY(as_planes(&s, opt, room, &planes, err));
    const int64_t is_pair = s.mode == QN_SYNTH_PAIR, chan[] = {is_pair, 2 * is_pair};
    snprintf(name, sizeof name, "synth-%05lld", (long long)i);
    QN_TRY(qn_arena_text(set->arena, name, strlen(name), &item.name, err));
    QN_TRY(make_item(set, &planes, &s.labels, chan, room, &item, err));
    return item.n >= QN_CELLS_FEWEST ? add_item(set, &item, err) : QUERN_OK;
}

quern_status qn_cell_set_synth(qn_cell_set *set, const qn_synth_options *opt, int64_t n,
                               qn_cell_step_fn *step, void *ctx, quern_error *err)
{
    qn_arena room;
    quern_status status = QUERN_OK;
    qn_arena_init(&room, set->mem);
    for (int64_t i = 0; i < n && status == QUERN_OK; i++) {
        status = take_synth(set, opt, i, &room, err);
        qn_arena_reset(&room);
        if (step && status == QUERN_OK && step(ctx, i + 1, n))
            status = qn_fail(err, QUERN_CANCELLED, "stopped");
    }
    qn_arena_done(&room);
    return status;
}

/* ---- parts ---- */

static int64_t root_of(const int64_t *leader, int64_t i)
{
    while (leader[i] != i)
        i = leader[i];
    return i;
}

static int bits_of(uint64_t x)
{
    int n = 0;
    for (; x; x &= x - 1)
        n++;
    return n;
}

static bool is_alike(const qn_cell_item *a, const qn_cell_item *b, int apart)
{
    return !a->is_synthetic && !b->is_synthetic && a->height == b->height &&
           a->width == b->width && bits_of(a->look ^ b->look) <= apart;
}

/* leader [n]: of each the first that it is joined to, directly or through others. */
static quern_status join_alike(const qn_cell_set *set, qn_arena *room, int64_t **leader,
                               quern_error *err)
{
    void *p;
    QN_TRY(qn_arena_array(room, (size_t)set->n + 1, sizeof **leader, &p, err));
    *leader = p;
    for (int64_t i = 0; i < set->n; i++) {
        (*leader)[i] = i;
        const int64_t from = i > MOST_COMPARED ? i - MOST_COMPARED : 0;
        for (int64_t k = from; k < i; k++) {
            if (!is_alike(&set->items[i], &set->items[k], LOOK_BITS_APART)) continue;
            const int64_t a = root_of(*leader, i), b = root_of(*leader, k);
            if (a != b) (*leader)[a > b ? a : b] = a > b ? b : a;
        }
    }
    return QUERN_OK;
}

quern_status qn_cell_set_divide(qn_cell_set *set, uint64_t seed, double val,
                                double test, quern_error *err)
{
    qn_arena room;
    int64_t *leader;
    qn_arena_init(&room, set->mem);
    const quern_status status = join_alike(set, &room, &leader, err);
    for (int64_t i = 0; i < set->n && status == QUERN_OK; i++) {
        qn_cell_item *item = &set->items[i];
        item->group = set->items[root_of(leader, i)].name;
        const qn_rng rng = qn_rng_make(seed, item->group, 0);
        const double at = qn_rng_uniform(&rng, 0);
        const double out = item->is_synthetic ? 0 : test;
        item->part = at < out         ? QN_CELLS_TEST
                     : at < out + val ? QN_CELLS_VAL
                                      : QN_CELLS_TRAIN;
    }
    qn_arena_done(&room);
    return status;
}
