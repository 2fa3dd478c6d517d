/* SPDX-License-Identifier: Apache-2.0 */
/* formats/loader.c - setting up: which items, their weights, memory; see loader.h. */
#include "formats/loader_state.h"

#include "engine/os.h"
#include "engine/shuffle.h"

#include <string.h>

/* ---- items ---- */

static quern_status check_item(const qn_loader_options *o, int64_t item,
                               quern_error *err)
{
    char room[QN_ITEM_TEXT];
    if (item < 0 || item >= o->set->n)
        return qn_fail(err, QUERN_INVALID, "item %lld of a set of %lld",
                       (long long)item, (long long)o->set->n);
    if (o->set->label[item] >= o->set->n_classes)
        return qn_fail(err, QUERN_DATA, "%s: label %d, but there are %d classes",
                       qn_item_name(o->set, item, room), o->set->label[item],
                       o->set->n_classes);
    return QUERN_OK;
}

static bool is_wanted(const qn_loader_options *o, int64_t item)
{
    if (o->set->label[item] < 0 && !o->keep_unlabelled) return false;
    return o->items || o->split == QN_SPLIT_NONE || o->set->split[item] == o->split;
}

/* Keeps `subset` of the n items, in the order they are in. */
static void thin_out(qn_loader *l)
{
    const qn_shuffle shuffle = qn_shuffle_make(l->o.seed, "subset", 0, l->n);
    int64_t kept = 0;
    for (int64_t i = 0; i < l->n; i++)
        if (qn_shuffle_at(&shuffle, i) < l->o.subset) l->items[kept++] = l->items[i];
    l->n = kept;
}

static quern_status choose_items(qn_loader *l, quern_error *err)
{
    static const char *const names[] = {"set", "train split", "validation split",
                                        "test split"};
    const qn_loader_options *o = &l->o;
    const int64_t most = o->items ? o->n_items : o->set->n;
    void *items;
    QN_TRY(qn_arena_array(&l->arena, (size_t)most, sizeof *l->items, &items, err));
    l->items = items;
    for (int64_t i = 0; i < most; i++) {
        const int64_t item = o->items ? o->items[i] : i;
        QN_TRY(check_item(o, item, err));
        if (is_wanted(o, item)) l->items[l->n++] = item;
    }
    if (l->n == 0)
        return qn_fail(err, QUERN_DATA, "no %spicture in the %s",
                       o->keep_unlabelled ? "" : "labelled ",
                       o->items ? "list of items" : names[o->split]);
    if (o->subset > 0 && o->subset < l->n) thin_out(l);
    return QUERN_OK;
}

/* ---- classes ---- */

/* Places by class, and where each class that has any begins. */
static quern_status sort_by_class(qn_loader *l, quern_error *err)
{
    const qn_dataset *set = l->o.set;
    void *p, *q, *r;
    QN_TRY(qn_arena_array(&l->arena, (size_t)l->n, sizeof(int64_t), &p, err));
    QN_TRY(qn_arena_array(&l->arena, (size_t)set->n_classes + 1, sizeof(int64_t), &q,
                          err));
    QN_TRY(qn_arena_array(&l->arena, (size_t)set->n_classes + 1, sizeof(int64_t), &r,
                          err));
    int64_t *next = r;
    l->by_class = p;
    l->class_begin = q;
    for (int64_t i = 0; i < l->n; i++)
        if (set->label[l->items[i]] >= 0) next[set->label[l->items[i]] + 1]++;
    for (int c = 0; c < set->n_classes; c++) {
        if (next[c + 1]) l->class_begin[++l->n_filled] = next[c] + next[c + 1];
        next[c + 1] += next[c];
    }
    for (int64_t i = 0; i < l->n; i++)
        if (set->label[l->items[i]] >= 0)
            l->by_class[next[set->label[l->items[i]]]++] = i;
    if (l->n_filled == 0)
        return qn_fail(err, QUERN_DATA, "classes cannot be balanced without labels");
    return QUERN_OK;
}

static void weigh_class(qn_loader *l, int64_t begin, int64_t end)
{
    const int64_t n_labelled = l->class_begin[l->n_filled];
    const double w = (double)n_labelled / ((double)l->n_filled * (double)(end - begin));
    for (int64_t i = begin; i < end; i++)
        l->weight[l->by_class[i]] *= (float)w;
}

static quern_status weigh(qn_loader *l, quern_error *err)
{
    const qn_dataset *set = l->o.set;
    void *p;
    QN_TRY(qn_arena_array(&l->arena, (size_t)l->n, sizeof *l->weight, &p, err));
    l->weight = p;
    for (int64_t i = 0; i < l->n; i++) {
        const int32_t label = set->label[l->items[i]];
        const bool given = l->o.weights == QN_WEIGHT_GIVEN && label >= 0;
        l->weight[i] = label < 0 ? 0 : set->weight ? set->weight[l->items[i]] : 1;
        if (given) l->weight[i] *= l->o.class_weight[label];
    }
    const bool balances = l->o.weights == QN_WEIGHT_BALANCED;
    if (balances || l->o.sampler == QN_SAMPLE_BALANCED) QN_TRY(sort_by_class(l, err));
    for (int c = 0; balances && c < l->n_filled; c++)
        weigh_class(l, l->class_begin[c], l->class_begin[c + 1]);
    return QUERN_OK;
}

/* ---- memory ---- */

static bool is_in_place(const qn_loader *l)
{
    const qn_dataset *set = l->o.set;
    const qn_frame *f = &l->o.frame;
    return set->array && set->height == f->height && set->width == f->width &&
           set->channels == f->channels;
}

static quern_status make_cache(qn_loader *l, quern_error *err)
{
    size_t bytes, most = l->o.cache_bytes ? l->o.cache_bytes : qn_os_memory() / 4;
    const bool fits = qn_size_mul((size_t)l->n, l->picture, &bytes) && bytes <= most;
    void *p;
    if (l->in_place || l->o.cache == QN_CACHE_OFF) return QUERN_OK;
    if (l->o.cache == QN_CACHE_AUTO && !fits) return QUERN_OK;
    if (!qn_size_mul((size_t)l->n, l->picture, &bytes))
        return qn_fail(err, QUERN_LIMIT, "%lld pictures of %zu bytes are too many",
                       (long long)l->n, l->picture);
    QN_TRY(qn_arena_array(&l->arena, (size_t)l->n, sizeof *l->kept, &p, err));
    l->kept = p;
    QN_TRY(qn_arena_raw(&l->arena, bytes, &p, err));
    l->cache = p;
    return QUERN_OK;
}

static bool mixes(const qn_loader_options *o)
{
    return o->mixup > 0 || o->cutmix > 0;
}

static quern_status make_slot(qn_loader *l, qn_loader_slot *slot, quern_error *err)
{
    const size_t n = (size_t)l->batches.max_n;
    const size_t classes = (size_t)l->batches.n_classes;
    void *p;
    qn_mem_init(&slot->mem, &l->mem->allocator, l->mem->budget);
    qn_arena_init(&slot->scratch, &slot->mem);
    QN_TRY(qn_arena_array(&l->arena, n, l->picture, &p, err));
    slot->pixels = p;
    QN_TRY(qn_arena_raw(&l->arena, l->picture, &p, err));
    slot->spare = p;
    if (mixes(&l->o)) {
        QN_TRY(qn_arena_array(&l->arena, n, l->picture, &p, err));
        slot->before = p;
    }
    QN_TRY(qn_arena_array(&l->arena, n, (classes + 2) * sizeof(float), &p, err));
    slot->target = p;
    slot->weight = slot->target + n * classes;
    slot->weight_before = slot->weight + n;
    QN_TRY(qn_arena_array(&l->arena, n, sizeof *slot->label, &p, err));
    slot->label = p;
    QN_TRY(qn_arena_array(&l->arena, n, sizeof *slot->item, &p, err));
    slot->item = p;
    return QUERN_OK;
}

static quern_status make_slots(qn_loader *l, quern_error *err)
{
    void *p;
    /* one held, one in the making by each thread, two ready */
    const int n = l->o.n_threads ? l->o.n_threads + 3 : 1;
    QN_TRY(qn_arena_array(&l->arena, (size_t)n, sizeof *l->slots, &p, err));
    l->slots = p;
    for (; l->n_slots < n; l->n_slots++)
        QN_TRY(make_slot(l, &l->slots[l->n_slots], err));
    return QUERN_OK;
}

/* ---- the whole ---- */

static bool is_alpha(double x)
{
    return x == 0 || (x >= 0.01 && x <= 100);
}

static quern_status check_options(const qn_loader_options *o, quern_error *err)
{
    const qn_frame *f = &o->frame;
    if (f->height < 1 || f->width < 1 || f->height > QN_IMAGE_MAX_SIDE ||
        f->width > QN_IMAGE_MAX_SIDE)
        return qn_fail(err, QUERN_INVALID, "pictures of %d x %d pixels, not 1 .. %d",
                       f->height, f->width, QN_IMAGE_MAX_SIDE);
    if (f->channels != 1 && f->channels != 3)
        return qn_fail(err, QUERN_INVALID, "pictures of %d channels, not 1 or 3",
                       f->channels);
    if (o->batch < 1 || o->batch > 1 << 20)
        return qn_fail(err, QUERN_INVALID, "batches of %lld pictures, not 1 .. %d",
                       (long long)o->batch, 1 << 20);
    if (!is_alpha(o->mixup) || !is_alpha(o->cutmix))
        return qn_fail(err, QUERN_INVALID,
                       "mixup %g, cutmix %g: not 0, nor 0.01 .. 100", o->mixup,
                       o->cutmix);
    if (o->n_threads < 0 || o->n_threads > 64)
        return qn_fail(err, QUERN_INVALID, "%d loader threads, not 0 .. 64",
                       o->n_threads);
    return QUERN_OK;
}

static void shape_batches(qn_loader *l)
{
    const int64_t n = l->n, size = l->o.batch;
    const bool drops = l->o.drop_last && n > size;
    l->batches = (qn_batches){.per_epoch = drops ? n / size : (n + size - 1) / size,
                              .n_items = drops ? n / size * size : n,
                              .max_n = n < size ? n : size,
                              .height = l->o.frame.height,
                              .width = l->o.frame.width,
                              .channels = l->o.frame.channels,
                              .n_classes = l->o.set->n_classes,
                              .get = qn_loader_get,
                              .free = l->batches.free};
    l->varies = l->o.shuffle || l->o.sampler == QN_SAMPLE_BALANCED || l->augment.n ||
                mixes(&l->o);
}

static quern_status set_up(qn_loader *l, quern_error *err)
{
    l->picture = (size_t)l->o.frame.height * (size_t)l->o.frame.width *
                 (size_t)l->o.frame.channels;
    QN_TRY(qn_augment_parse(l->o.augment, &l->augment, err));
    QN_TRY(choose_items(l, err));
    QN_TRY(weigh(l, err));
    shape_batches(l);
    l->o.items = NULL;
    l->o.class_weight = NULL;
    l->o.augment = NULL;
    l->in_place = is_in_place(l);
    QN_TRY(make_cache(l, err));
    QN_TRY(make_slots(l, err));
    return qn_loader_start(l, err);
}

static void loader_free(qn_batches *b)
{
    qn_loader *l = (qn_loader *)b;
    qn_loader_stop(l);
    for (int i = 0; i < l->n_slots; i++)
        qn_arena_done(&l->slots[i].scratch);
    qn_arena_done(&l->arena);
    qn_mem_free(l->mem, l, sizeof *l);
}

quern_status qn_loader_create(qn_mem *mem, const qn_loader_options *options,
                              qn_batches **out, quern_error *err)
{
    void *p;
    *out = NULL;
    QN_TRY(check_options(options, err));
    QN_TRY(qn_mem_alloc(mem, sizeof(qn_loader), &p, err));
    qn_loader *l = p;
    *l = (qn_loader){.mem = mem, .o = *options, .batches.free = loader_free};
    qn_arena_init(&l->arena, mem);
    const quern_status status = set_up(l, err);
    if (status != QUERN_OK) {
        loader_free(&l->batches);
        return status;
    }
    *out = &l->batches;
    return QUERN_OK;
}
