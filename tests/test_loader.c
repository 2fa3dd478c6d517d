/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_loader.c - batches: every picture once an epoch, the same bytes whoever
 * asks and in any order, balanced classes, sizes, errors from threads. */
#include "tests/test.h"

#include "formats/contact_sheet.h"
#include "formats/loader.h"

#include <string.h>

enum { CLASSES = 3 };

/* A set in memory.  Item i is of one gray that no other item has, so a batch shows who
 * is in it. */
typedef struct kit {
    qn_mem mem;
    quern_error err;
    qn_dataset set;
    qn_loader_options o;
} kit;

static quern_status read_gray(const qn_dataset *set, int64_t i, qn_arena *arena,
                              qn_image *out, quern_error *err)
{
    void *p;
    if (set->state && i == *(const int64_t *)set->state)
        return qn_fail(err, QUERN_IO, "it is gone");
    *out = (qn_image){.width = 6 + (int)(i % 3), .height = 6, .channels = 1};
    const size_t n = (size_t)out->width * (size_t)out->height;
    QN_TRY(qn_arena_raw(arena, n, &p, err));
    memset(p, (int)i, n);
    out->pixels = p;
    return QUERN_OK;
}

static const qn_dataset_format grays = {.name = "grays", .read = read_gray};

/* n < 256 items; labels 0 1 2 0 1 2 .. */
static void kit_init(qn_test *t, kit *k, int n)
{
    static const char *const names[CLASSES] = {"a", "b", "c"};
    *k = (kit){.err = {.status = QUERN_OK}};
    qn_mem_init(&k->mem, NULL, 0);
    k->set = (qn_dataset){.format = &grays, .n = n, .n_classes = CLASSES};
    k->set.classes = (const char **)names;
    k->set.label = qn_exact(t, (size_t)n * sizeof *k->set.label);
    k->set.split = qn_exact(t, (size_t)n);
    memset(k->set.split, QN_SPLIT_TRAIN, (size_t)n);
    for (int i = 0; i < n; i++)
        k->set.label[i] = i % CLASSES;
    k->o = (qn_loader_options){.set = &k->set,
                               .split = QN_SPLIT_TRAIN,
                               .frame = {.height = 4, .width = 4, .channels = 1},
                               .batch = 8,
                               .seed = 7,
                               .shuffle = true};
}

/* Pictures of 4 x 4 in one array. */
static void put_array(qn_test *t, kit *k)
{
    uint8_t *array = qn_exact(t, (size_t)k->set.n * 16);
    for (int64_t i = 0; i < k->set.n; i++)
        memset(array + 16 * i, (int)i, 16);
    k->set.array = array;
    k->set.height = k->set.width = 4;
    k->set.channels = 1;
}

/* FNV-1a over everything a batch holds. */
static uint64_t digest(const qn_batches *b, const qn_batch *x)
{
    const size_t picture = (size_t)b->height * (size_t)b->width * (size_t)b->channels;
    const size_t n = (size_t)x->n;
    const struct {
        const void *p;
        size_t n;
    } parts[] = {{x->pixels, n * picture},
                 {x->target, n * (size_t)b->n_classes * sizeof(float)},
                 {x->weight, n * sizeof(float)},
                 {x->label, n * sizeof(int32_t)},
                 {x->item, n * sizeof(int64_t)}};
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        for (size_t k = 0; k < parts[i].n; k++)
            hash = (hash ^ ((const uint8_t *)parts[i].p)[k]) * UINT64_C(0x100000001b3);
    return hash;
}

static uint64_t digest_at(qn_test *t, kit *k, qn_batches *b, int64_t epoch,
                          int64_t batch)
{
    qn_batch x;
    if (!CHECK_OK(t, b->get(b, epoch, batch, &x, &k->err), &k->err)) return 0;
    return digest(b, &x);
}

void test_loader_covers_items(qn_test *t)
{
    kit k;
    kit_init(t, &k, 30);
    for (int mode = 0; mode < 4; mode++) {
        qn_batches *b;
        int64_t seen[30] = {0}, out_of_order = 0, total = 0;
        k.o.shuffle = mode & 1;
        k.o.drop_last = mode & 2;
        qn_note(t, "mode %d", mode);
        REQUIRE_OK(t, qn_loader_create(&k.mem, &k.o, &b, &k.err), &k.err);
        CHECK_EQ(t, b->per_epoch, k.o.drop_last ? 3 : 4);
        CHECK_EQ(t, b->n_items, k.o.drop_last ? 24 : 30);
        for (int64_t i = 0; i < b->per_epoch; i++) {
            qn_batch x;
            REQUIRE_OK(t, b->get(b, 3, i, &x, &k.err), &k.err);
            for (int64_t j = 0; j < x.n; j++, total++) {
                out_of_order += x.item[j] != total;
                seen[x.item[j]]++;
                CHECK_EQ(t, x.pixels[16 * j], x.item[j]);
                CHECK_EQ(t, x.pixels[16 * j + 15], x.item[j]);
                CHECK_EQ(t, x.label[j], x.item[j] % CLASSES);
                CHECK_WITHIN(t, x.weight[j], 1.0, 0);
                for (int c = 0; c < CLASSES; c++)
                    CHECK_WITHIN(t, x.target[j * CLASSES + c], c == x.label[j], 0);
            }
        }
        CHECK_EQ(t, total, b->n_items);
        for (int i = 0; i < 30; i++)
            CHECK(t, seen[i] == 1 || (k.o.drop_last && seen[i] == 0));
        CHECK(t, k.o.shuffle ? out_of_order > 20 : out_of_order == 0);
        b->free(b);
        CHECK_EQ(t, (int64_t)k.mem.used, 0);
    }
}

/* The digests of all batches of three epochs, asked for backwards by one thread, must
 * be those of every other way. */
void test_loader_same_bytes(qn_test *t)
{
    enum { EPOCHS = 3, PER_EPOCH = 7 };
    uint64_t want[EPOCHS][PER_EPOCH];
    kit k;
    kit_init(t, &k, 50);
    for (int way = 0; way < 24; way++) {
        static const int threads[] = {0, 1, 2, 5};
        qn_batches *b;
        k.o.n_threads = threads[way % 4];
        k.o.cache = (qn_cache)(way / 4 % 3);
        k.o.n_epochs = way / 12 ? EPOCHS : 0;
        qn_note(t, "%d threads, cache %d", k.o.n_threads, (int)k.o.cache);
        REQUIRE_OK(t, qn_loader_create(&k.mem, &k.o, &b, &k.err), &k.err);
        REQUIRE(t, b->per_epoch == PER_EPOCH);
        for (int i = 0; i < EPOCHS * PER_EPOCH; i++) {
            const int at = way == 0  ? EPOCHS * PER_EPOCH - 1 - i
                           : way % 2 ? i
                                     : i * 8 % (EPOCHS * PER_EPOCH);
            uint64_t *w = &want[at / PER_EPOCH][at % PER_EPOCH];
            const uint64_t got = digest_at(t, &k, b, at / PER_EPOCH, at % PER_EPOCH);
            if (way == 0)
                *w = got;
            else
                CHECK(t, got == *w);
        }
        b->free(b);
        CHECK_EQ(t, (int64_t)k.mem.used, 0);
    }
    CHECK(t, want[0][0] != want[1][0] && want[0][0] != want[0][1]);
}

/* In order nothing varies, and round after round is served. */
void test_loader_in_order_repeats(qn_test *t)
{
    kit k;
    qn_batches *b;
    kit_init(t, &k, 21);
    put_array(t, &k);
    k.o.shuffle = false;
    k.o.n_threads = 1;
    REQUIRE_OK(t, qn_loader_create(&k.mem, &k.o, &b, &k.err), &k.err);
    for (int i = 0; i < 12; i++) {
        qn_batch x;
        /* an evaluation may call every epoch 0, or count them, or break off */
        const int64_t batch = i % 5 % b->per_epoch;
        REQUIRE_OK(t, b->get(b, i % 2, batch, &x, &k.err), &k.err);
        CHECK_EQ(t, x.item[0], 8 * batch);
        CHECK_EQ(t, x.n, batch == 2 ? 5 : 8);
    }
    CHECK(t, b->get(b, 0, b->per_epoch, &(qn_batch){0}, &k.err) == QUERN_INVALID);
    b->free(b);
}

void test_loader_balanced(qn_test *t)
{
    kit k;
    qn_batches *b;
    kit_init(t, &k, 120);
    for (int i = 0; i < 120; i++) /* 100, 20, none */
        k.set.label[i] = i >= 100;
    k.o.sampler = QN_SAMPLE_BALANCED;
    k.o.weights = QN_WEIGHT_BALANCED;
    k.o.n_threads = 2;
    REQUIRE_OK(t, qn_loader_create(&k.mem, &k.o, &b, &k.err), &k.err);
    int64_t of_class[CLASSES] = {0}, seen[120] = {0};
    for (int64_t i = 0; i < b->per_epoch; i++) {
        qn_batch x;
        REQUIRE_OK(t, b->get(b, 1, i, &x, &k.err), &k.err);
        for (int64_t j = 0; j < x.n; j++) {
            of_class[x.label[j]]++;
            seen[x.item[j]]++;
            CHECK_WITHIN(t, x.weight[j], x.label[j] ? 3.0 : 0.6, 1e-6);
        }
    }
    b->free(b);
    CHECK_EQ(t, of_class[0], 60);
    CHECK_EQ(t, of_class[1], 60);
    for (int i = 0; i < 120; i++)
        CHECK(t, i < 100 ? seen[i] <= 1 : seen[i] == 3);
}

void test_loader_chooses(qn_test *t)
{
    static const float weight[CLASSES] = {1, 2, 4};
    static const int64_t items[] = {9, 4, 17, 5};
    kit k;
    qn_batches *b;
    qn_batch x;
    kit_init(t, &k, 30);
    k.set.split[3] = QN_SPLIT_VAL;
    k.set.label[6] = -1;
    k.o.weights = QN_WEIGHT_GIVEN;
    k.o.class_weight = weight;
    k.o.split = QN_SPLIT_VAL;
    REQUIRE_OK(t, qn_loader_create(&k.mem, &k.o, &b, &k.err), &k.err);
    CHECK_EQ(t, b->n_items, 1);
    b->free(b);
    k.o.split = QN_SPLIT_TRAIN;
    REQUIRE_OK(t, qn_loader_create(&k.mem, &k.o, &b, &k.err), &k.err);
    CHECK_EQ(t, b->n_items, 28);
    b->free(b);
    k.o.subset = 5;
    REQUIRE_OK(t, qn_loader_create(&k.mem, &k.o, &b, &k.err), &k.err);
    CHECK_EQ(t, b->n_items, 5);
    b->free(b);
    k.o.subset = 0;
    k.o.items = items;
    k.o.n_items = 4;
    k.o.shuffle = false;
    REQUIRE_OK(t, qn_loader_create(&k.mem, &k.o, &b, &k.err), &k.err);
    REQUIRE_OK(t, b->get(b, 0, 0, &x, &k.err), &k.err);
    CHECK_EQ(t, x.n, 4);
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(t, x.item[i], items[i]);
        CHECK_WITHIN(t, x.weight[i], weight[items[i] % CLASSES], 0);
    }
    b->free(b);
    k.o.items = NULL;
    k.o.keep_unlabelled = true;
    REQUIRE_OK(t, qn_loader_create(&k.mem, &k.o, &b, &k.err), &k.err);
    CHECK_EQ(t, b->n_items, 29);
    REQUIRE_OK(t, b->get(b, 0, 0, &x, &k.err), &k.err);
    CHECK_EQ(t, x.label[5], -1);
    CHECK_WITHIN(t, x.weight[5], 0.0, 0);
    b->free(b);
    CHECK_EQ(t, (int64_t)k.mem.used, 0);
}

/* A picture that cannot be read fails the batch it is in, whoever makes it. */
void test_loader_bad_picture(qn_test *t)
{
    for (int threads = 0; threads < 3; threads++) {
        kit k;
        qn_batches *b;
        qn_batch x;
        int64_t gone = 19;
        kit_init(t, &k, 30);
        k.set.state = &gone;
        k.o.shuffle = false;
        k.o.n_threads = threads;
        REQUIRE_OK(t, qn_loader_create(&k.mem, &k.o, &b, &k.err), &k.err);
        CHECK_OK(t, b->get(b, 0, 0, &x, &k.err), &k.err);
        CHECK_FAILS(t, b->get(b, 0, 2, &x, &k.err), QUERN_IO, &k.err, "it is gone");
        CHECK_HAS(t, k.err.text, "19");
        CHECK_OK(t, b->get(b, 0, 3, &x, &k.err), &k.err);
        b->free(b);
        CHECK_EQ(t, (int64_t)k.mem.used, 0);
    }
}

void test_loader_refuses(qn_test *t)
{
    kit k;
    qn_batches *b;
    kit_init(t, &k, 30);
    k.o.split = QN_SPLIT_TEST;
    CHECK_FAILS(t, qn_loader_create(&k.mem, &k.o, &b, &k.err), QUERN_DATA, &k.err,
                "test split");
    k.o.split = QN_SPLIT_TRAIN;
    k.set.label[11] = 3;
    CHECK_FAILS(t, qn_loader_create(&k.mem, &k.o, &b, &k.err), QUERN_DATA, &k.err,
                "label 3");
    k.set.label[11] = 2;
    k.o.frame.channels = 2;
    CHECK_FAILS(t, qn_loader_create(&k.mem, &k.o, &b, &k.err), QUERN_INVALID, &k.err,
                "2 channels");
    k.o.frame.channels = 1;
    k.o.batch = 0;
    CHECK_FAILS(t, qn_loader_create(&k.mem, &k.o, &b, &k.err), QUERN_INVALID, &k.err,
                "0 pictures");
    k.o.batch = 4;
    k.o.frame.fitting = QN_FIT; /* item 1 is wider than high */
    k.o.shuffle = false;
    REQUIRE_OK(t, qn_loader_create(&k.mem, &k.o, &b, &k.err), &k.err);
    CHECK_FAILS(t, b->get(b, 0, 0, &(qn_batch){0}, &k.err), QUERN_SHAPE, &k.err,
                "3 x 4");
    b->free(b);
    CHECK_EQ(t, (int64_t)k.mem.used, 0);
}

/* Wherever the heap runs dry, everything is given back. */
void test_loader_out_of_memory(qn_test *t)
{
    kit k;
    kit_init(t, &k, 30);
    k.o.n_threads = 1;
    k.o.cache = QN_CACHE_ON;
    k.o.sampler = QN_SAMPLE_BALANCED;
    for (int at = 1;; at++) {
        qn_heap heap = {.fail_at = at};
        const quern_allocator allocator = qn_heap_allocator(&heap);
        qn_batches *b;
        qn_batch x;
        qn_mem_init(&k.mem, &allocator, 0);
        if (qn_loader_create(&k.mem, &k.o, &b, &k.err) == QUERN_OK) {
            const quern_status status = b->get(b, 0, 0, &x, &k.err);
            CHECK(t, status == QUERN_OK || status == QUERN_MEMORY);
            b->free(b);
            if (heap.n_allocs < at) return;
        }
        CHECK_EQ(t, heap.blocks, 0);
    }
}

/* Everything that is drawn, at once. */
void test_loader_augmented_same_bytes(qn_test *t)
{
    uint64_t want[12];
    kit k;
    kit_init(t, &k, 50);
    k.o.augment = "strong,noise=.05,rotate=10";
    k.o.mixup = 0.2;
    k.o.cutmix = 1;
    for (int threads = 0; threads < 4; threads++) {
        qn_batches *b;
        k.o.n_threads = threads;
        qn_note(t, "%d threads", threads);
        REQUIRE_OK(t, qn_loader_create(&k.mem, &k.o, &b, &k.err), &k.err);
        for (int i = 0; i < 12; i++) {
            const int at = threads == 3 ? 11 - i : i;
            const uint64_t got =
                digest_at(t, &k, b, at / b->per_epoch, at % b->per_epoch);
            if (threads == 0)
                want[at] = got;
            else
                CHECK(t, got == want[at]);
        }
        b->free(b);
        CHECK_EQ(t, (int64_t)k.mem.used, 0);
    }
    CHECK(t, want[0] != want[7]);
    k.o.augment = "flop";
    qn_batches *b;
    CHECK_FAILS(t, qn_loader_create(&k.mem, &k.o, &b, &k.err), QUERN_INVALID, &k.err,
                "did you mean flip?");
    k.o.augment = NULL;
    k.o.mixup = -1;
    CHECK_FAILS(t, qn_loader_create(&k.mem, &k.o, &b, &k.err), QUERN_INVALID, &k.err,
                "mixup -1");
}

/* Of a picture in one gray, mixed with others: its own share as the pixels say. */
static void check_mixed(qn_test *t, const qn_batch *x, int64_t i, bool pastes)
{
    const uint8_t *p = x->pixels + 16 * i;
    const float *target = x->target + CLASSES * i;
    int n_other = 0, other = -1;
    CHECK_WITHIN(t, target[0] + target[1] + target[2], 1.0, 1e-6);
    for (int j = 0; j < 16; j++)
        if (p[j] != x->item[i]) {
            n_other++;
            other = p[j];
        }
    if (n_other == 0 || (!pastes && n_other < 16)) return;
    const double share = target[x->label[i]];
    CHECK_WITHIN(t, x->weight[i], 1.0, 1e-6);
    if (pastes) {
        for (int j = 0; j < 16; j++)
            CHECK(t, p[j] == x->item[i] || p[j] == other);
        if (x->label[i] != other % CLASSES)
            CHECK_WITHIN(t, share, 1 - n_other / 16.0, 1e-6);
        return;
    }
    bool found = false;
    for (int64_t j = 0; j < x->n; j++) {
        const double own = x->label[i] == x->label[j] ? -1 : share;
        const double mixed = own * (double)x->item[i] + (1 - own) * (double)x->item[j];
        found |= own < 0 || (mixed - p[0] <= 0.51 && p[0] - mixed <= 0.51);
    }
    CHECK(t, found);
}

void test_loader_mixes(qn_test *t)
{
    kit k;
    qn_batches *b;
    kit_init(t, &k, 50);
    put_array(t, &k);
    k.o.n_epochs = 6;
    k.o.mix_off_epochs = 2;
    for (int pastes = 0; pastes < 2; pastes++) {
        int n_soft = 0;
        k.o.mixup = pastes ? 0 : 1;
        k.o.cutmix = pastes;
        REQUIRE_OK(t, qn_loader_create(&k.mem, &k.o, &b, &k.err), &k.err);
        for (int64_t at = 0; at < 6 * b->per_epoch; at++) {
            const int64_t epoch = at / b->per_epoch;
            qn_batch x;
            REQUIRE_OK(t, b->get(b, epoch, at % b->per_epoch, &x, &k.err), &k.err);
            for (int64_t i = 0; i < x.n; i++) {
                const float own = x.target[CLASSES * i + x.label[i]];
                check_mixed(t, &x, i, pastes);
                if (epoch >= 4) CHECK_WITHIN(t, own, 1.0, 0);
                n_soft += own < 1;
            }
        }
        CHECK(t, n_soft > 60);
        b->free(b);
    }
    CHECK_EQ(t, (int64_t)k.mem.used, 0);
}

/* ---- sheets --------------------------------------------------------------------- */

static const uint8_t *pixel(const qn_image *p, int x, int y)
{
    return p->pixels + (size_t)p->channels * ((size_t)y * (size_t)p->width + (size_t)x);
}

static bool is_gray(const uint8_t *p, int value)
{
    return p[0] == value && p[1] == value && p[2] == value;
}

void test_loader_sheet(qn_test *t)
{
    kit k;
    qn_arena arena;
    qn_image sheet;
    kit_init(t, &k, 30);
    qn_arena_init(&arena, &k.mem);
    k.o.augment = "noise=.2";
    REQUIRE_OK(t, qn_loader_sheet(&k.mem, &k.o, 5, 3, &arena, &sheet, &k.err), &k.err);
    const qn_sheet_style style = qn_sheet_default(4);
    for (int row = 0; row < 5; row++) {
        int left, top, x, y;
        qn_sheet_place(&style, 4 * row, &left, &top);
        const int item = *pixel(&sheet, left, top); /* its gray, item by item */
        CHECK(t, item < 30);
        CHECK(t, is_gray(pixel(&sheet, left + 95, top + 95), item));
        CHECK(t, is_gray(pixel(&sheet, left - 1, top), 128));
        for (int column = 1; column < 4; column++) {
            qn_sheet_place(&style, 4 * row + column, &x, &y);
            int n_other = 0;
            for (int i = 0; i < 16; i++)
                n_other += *pixel(&sheet, x + 24 * (i % 4), y + 24 * (i / 4)) != item;
            CHECK(t, n_other > 4);
            CHECK(t, is_gray(pixel(&sheet, x - 1, y), 255));
        }
    }
    qn_arena_done(&arena);
    CHECK_EQ(t, (int64_t)k.mem.used, 0);
}
