/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_store_crash.c - a process that ends at any change to the disk leaves a
 * store that is whole, and giving the command again finishes it.
 *
 * A child does the work and ends itself, as kill -9 would, right before its n-th write,
 * sync, rename, new name or removal; for every n until it gets through. */
#include "tests/store_kit.h"

#include "formats/dataset_write.h"
#include "formats/store_check.h"
#include "formats/store_files.h"
#include "formats/store_purge.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

typedef quern_status act_fn(qn_store_kit *k);

/* What is done, upon which state, and what is there afterwards. */
typedef struct scene {
    const char *name;
    const char *before[2]; /* what is imported first: path and name, or NULL */
    act_fn *act;
    bool needs_stb;
    int n_sets, n_models; /* when it is done */
    int64_t n_items;      /* of the set "new", if there is one then */
    const char *target;   /* must be there whole, or not at all */
} scene;

/* ---- what is done ---------------------------------------------------------------- */

static quern_status import_pixels(qn_store_kit *k)
{
    return qn_store_kit_import(k, "idx", "new", false);
}

static quern_status import_files(qn_store_kit *k)
{
    return qn_store_kit_import(k, "set/list.csv", "new", false);
}

static quern_status import_reference(qn_store_kit *k)
{
    return qn_store_kit_import(k, "idx", "new", true);
}

static quern_status import_model(qn_store_kit *k)
{
    const qn_keeping what = {
        .kind = QN_MODELS, .path = qn_temp(k->t, "net.onnx"), .name = "new"};
    return qn_store_import_files(&k->store, &what, &k->got, &k->err);
}

static quern_status import_run(qn_store_kit *k)
{
    const qn_keeping what = {
        .kind = QN_RUNS, .path = qn_temp(k->t, "run"), .name = "new"};
    return qn_store_import_files(&k->store, &what, &k->got, &k->err);
}

static quern_status purge_group(qn_store_kit *k)
{
    qn_purged got;
    const qn_purge what = {.text = "p2"};
    return qn_store_purge(&k->store, &what, &k->arena, &got, &k->err);
}

static quern_status remove_set(qn_store_kit *k)
{
    return qn_store_remove(&k->store, QN_DATASETS, "new", &k->err);
}

static quern_status set_note(qn_store_kit *k)
{
    return qn_store_set(&k->store, QN_DATASETS, "new", "note", "seen", &k->err);
}

static qn_item_fate without_tests(void *ctx, qn_stored_item *item)
{
    (void)ctx;
    return item->split == QN_SPLIT_TEST ? QN_ITEM_GOES : QN_ITEM_STAYS;
}

static qn_item_fate all_of_one(void *ctx, qn_stored_item *item)
{
    const qn_item_fate fate = item->label ? QN_ITEM_CHANGED : QN_ITEM_STAYS;
    (void)ctx;
    item->label = 0;
    return fate;
}

static quern_status rewrite(qn_store_kit *k,
                            qn_item_fate (*judge)(void *ctx, qn_stored_item *item))
{
    qn_object object;
    qn_lock lock;
    qn_rewriting how = {.judge = judge};
    QN_TRY(qn_store_find(&k->store, QN_DATASETS, "new", &k->arena, &object, &k->err));
    QN_TRY(qn_lock_take(k->store.root, QN_LOCK_ALONE, &lock, &k->err));
    const quern_status status =
        qn_store_rewrite(&k->store, &object, &how, &k->arena, &k->err);
    qn_lock_drop(&lock);
    return status;
}

static quern_status drop_items(qn_store_kit *k)
{
    return rewrite(k, without_tests);
}

static quern_status label_items(qn_store_kit *k)
{
    return rewrite(k, all_of_one);
}

static quern_status export_set(qn_store_kit *k)
{
    char path[QN_PATH_MAX];
    qn_object object;
    qn_dataset *set;
    qn_written written;
    const qn_write_plan plan = {
        .format = "csv", .target = qn_temp(k->t, "out"), .disk = &k->store.disk};
    QN_TRY(qn_store_find(&k->store, QN_DATASETS, "new", &k->arena, &object, &k->err));
    QN_TRY(qn_store_path(&k->store, QN_DATASETS, "", object.id, path, &k->err));
    QN_TRY(qn_dataset_open(&k->mem, path, NULL, &set, &k->err));
    const quern_status status = qn_dataset_write(set, &plan, &written, &k->err);
    qn_dataset_close(set);
    return status;
}

static const scene scenes[] = {
    {"import of pixels", {NULL}, import_pixels, false, 2, 0, 5, NULL},
    {"import of files", {NULL}, import_files, true, 2, 0, 5, NULL},
    {"import by reference", {NULL}, import_reference, false, 2, 0, 5, NULL},
    {"import of a model", {NULL}, import_model, false, 1, 1, 0, NULL},
    {"import of a run", {NULL}, import_run, false, 1, 0, 0, NULL},
    {"purge", {"set/list.csv", "new"}, purge_group, true, 2, 0, 3, NULL},
    {"removal", {"idx", "new"}, remove_set, false, 1, 0, 0, NULL},
    {"note", {"idx", "new"}, set_note, false, 2, 0, 5, NULL},
    {"items dropped", {"idx", "new"}, drop_items, false, 2, 0, 3, NULL},
    {"items labelled", {"idx", "new"}, label_items, false, 2, 0, 5, NULL},
    {"export", {"idx", "new"}, export_set, true, 2, 0, 5, "out/manifest.csv"},
};
#define N_SCENES ((int)(sizeof scenes / sizeof scenes[0]))

/* ---- dying at the n-th change ---------------------------------------------------- */

typedef struct fate {
    int left, error; /* error 0: the process ends */
} fate;

static int strike(void *ctx, qn_disk_act act, const char *path)
{
    fate *f = ctx;
    (void)act, (void)path;
    if (--f->left != 0) return 0;
    if (!f->error) _exit(137);
    return f->error;
}

/* 137: it was struck; 0: it got through before. */
static int act_in_child(qn_store_kit *k, const scene *s, int n, int error)
{
    int state;
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        fate f = {n, error};
        k->store.disk = (qn_disk){strike, &f};
        const quern_status status = s->act(k);
        _exit(status == QUERN_OK ? (f.left > 0 ? 0 : 3) : 1);
    }
    if (waitpid(child, &state, 0) != child || !WIFEXITED(state)) return -1;
    return WEXITSTATUS(state);
}

/* ---- what must be so ------------------------------------------------------------- */

/* No object is damaged; with repair nothing at all is left to say. */
static void check_store(qn_store_kit *k, bool repair)
{
    qn_findings found;
    qn_test *t = k->t;
    if (!CHECK_OK(t, qn_store_check(&k->store, repair, &k->arena, &found, &k->err),
                  &k->err))
        return;
    for (int i = 0; i < found.n; i++)
        if (found.faults[i].kind == QN_FAULT_DAMAGE ||
            found.faults[i].kind == QN_FAULT_STRANGE)
            CHECK_STR(t, found.faults[i].path, "no damage");
    if (!repair) return;
    CHECK_OK(t, qn_store_check(&k->store, false, &k->arena, &found, &k->err), &k->err);
    CHECK_EQ(t, found.n, 0);
}

static void check_done(qn_store_kit *k, const scene *s)
{
    qn_object *list, object;
    qn_test *t = k->t;
    int n;
    CHECK_OK(t, qn_store_list(&k->store, QN_DATASETS, &k->arena, &list, &n, &k->err),
             &k->err);
    CHECK_EQ(t, n, s->n_sets);
    CHECK_OK(t, qn_store_list(&k->store, QN_MODELS, &k->arena, &list, &n, &k->err),
             &k->err);
    CHECK_EQ(t, n, s->n_models);
    if (s->n_items && CHECK_OK(t,
                               qn_store_find(&k->store, QN_DATASETS, "new", &k->arena,
                                             &object, &k->err),
                               &k->err))
        CHECK_EQ(t, object.n_items, s->n_items);
    if (s->target) CHECK(t, qn_path_look(qn_temp(t, s->target)) == QN_PATH_FILE);
}

/* The state before: made once for each scene, then copied. */
static void prepare(qn_store_kit *k, const scene *s, bool is_first)
{
    char command[1024];
    qn_test *t = k->t;
    qn_disk_remove_tree(NULL, qn_temp(t, "home"), NULL);
    qn_disk_remove_tree(NULL, qn_temp(t, "out"), NULL);
    qn_disk_remove_tree(NULL, qn_temp(t, ".out.quern-part"), NULL);
    qn_arena_reset(&k->arena);
    snprintf(command, sizeof command, "cp -a '%s' '%s'",
             qn_temp(t, is_first ? "home" : "before"),
             qn_temp(t, is_first ? "before" : "home"));
    if (!is_first) CHECK_EQ(t, qn_shell(t, command, NULL), 0);
    CHECK_OK(t, qn_store_open(&k->store, &k->mem, qn_temp(t, "home"), true, &k->err),
             &k->err);
    if (!is_first) return;
    CHECK_OK(t, qn_store_kit_import(k, "idx", "old", false), &k->err);
    if (s->before[0])
        CHECK_OK(t, qn_store_kit_import(k, s->before[0], s->before[1], false), &k->err);
    qn_disk_remove_tree(NULL, qn_temp(t, "before"), NULL);
    CHECK_EQ(t, qn_shell(t, command, NULL), 0);
}

/* Strikes at every change (fails at every third); how many there are. */
static int strike_everywhere(qn_store_kit *k, const scene *s, int error)
{
    for (int n = 1; n < 500; n += error ? 3 : 1) {
        qn_note(k->t, "%s, %s at change %d", s->name, error ? "failure" : "end", n);
        prepare(k, s, n == 1);
        const int code = act_in_child(k, s, n, error);
        if (code == 0) {
            check_done(k, s);
            return n - 1;
        }
        if (!CHECK(k->t, code == 137 || (error && (code == 1 || code == 3)))) return n;
        if (s->target && qn_path_look(qn_temp(k->t, "out")) != QN_PATH_ABSENT)
            CHECK(k->t, qn_path_look(qn_temp(k->t, s->target)) == QN_PATH_FILE);
        check_store(k, false);
        if (n % 2) check_store(k, true);
        const quern_status status = s->act(k);
        const bool is_done_already = /* the strike came behind the last step */
            (s->act == remove_set && status == QUERN_IO) ||
            (s->act == export_set && status != QUERN_OK);
        if (!is_done_already) CHECK_OK(k->t, status, &k->err);
        check_store(k, true);
        check_done(k, s);
    }
    return 500;
}

static void begin(qn_store_kit *k, qn_test *t)
{
    qn_store_kit_init(k, t);
    qn_store_kit_idx(t);
    qn_store_kit_csv(t);
    qn_set_kit_text(t, "net.onnx", "these bytes stand for a network");
    qn_set_kit_text(t, "run/config.json", "{}");
    qn_set_kit_text(t, "run/model.onnx", "and these for what was learned");
    qn_set_kit_text(t, "run/pictures/worst.png", "a picture");
    qn_set_kit_text(t, "run/checkpoint/last.safetensors", "and where to go on");
}

static bool can_run(qn_test *t, const scene *s)
{
    return !s->needs_stb ||
           qn_quern(t, "version --json | grep -q '\"stb\":true'", NULL) == 0;
}

void test_store_killed(qn_test *t)
{
    qn_store_kit k;
    int n = 0, n_run = 0;
    begin(&k, t);
    for (int i = 0; i < N_SCENES; i++) {
        if (!can_run(t, &scenes[i])) continue;
        const int n_scene = strike_everywhere(&k, &scenes[i], 0);
        qn_note(t, "%s", scenes[i].name);
        CHECK(t, n_scene >= 5 && n_scene < 500);
        n += n_scene;
        n_run++;
    }
    qn_note(t, "all");
    if (n_run == N_SCENES) CHECK(t, n >= 200);
    qn_store_kit_done(&k);
}

/* The disk is full, once, at any of these points: the command fails with a sentence,
 * and goes through when there is room again. */
void test_store_disk_full(qn_test *t)
{
    qn_store_kit k;
    begin(&k, t);
    for (int i = 0; i < N_SCENES; i++)
        if (can_run(t, &scenes[i])) strike_everywhere(&k, &scenes[i], ENOSPC);
    qn_store_kit_done(&k);
}

/* The same by the kernel's own limit, which holds for root, too. */
void test_store_file_limit(qn_test *t)
{
    qn_store_kit k;
    int state;
    begin(&k, t);
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        const struct rlimit limit = {600, 600}; /* bytes of a file */
        signal(SIGXFSZ, SIG_IGN);
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0) _exit(2);
        const quern_status status = import_pixels(&k);
        _exit(status == QUERN_IO && strstr(k.err.text, "File too large") ? 0 : 1);
    }
    REQUIRE(t, waitpid(child, &state, 0) == child && WIFEXITED(state));
    CHECK_EQ(t, WEXITSTATUS(state), 0);
    check_store(&k, false);
    CHECK_OK(t, import_pixels(&k), &k.err);
    CHECK_EQ(t, k.got.n_items, 5);
    check_store(&k, true);
    qn_store_kit_done(&k);
}

/* Two processes import, rename and remove at once: each says what it did, and the store
 * is whole. */
void test_store_two_at_once(qn_test *t)
{
    qn_store_kit k;
    pid_t children[2];
    int state;
    begin(&k, t);
    fflush(stdout);
    for (int c = 0; c < 2; c++) {
        children[c] = fork();
        if (children[c] != 0) continue;
        for (int i = 0; i < 12; i++) {
            char name[16];
            snprintf(name, sizeof name, "s%d", (i + c) % 3);
            (void)qn_store_kit_import(&k, "idx", name, false);
            (void)qn_store_set(&k.store, QN_DATASETS, name, "note", "x", NULL);
            if (i % 3 == c) (void)qn_store_remove(&k.store, QN_DATASETS, name, NULL);
        }
        _exit(0);
    }
    for (int c = 0; c < 2; c++)
        CHECK(t, waitpid(children[c], &state, 0) == children[c] && WIFEXITED(state) &&
                     WEXITSTATUS(state) == 0);
    check_store(&k, false);
    for (int i = 0; i < 3; i++) {
        char name[16];
        snprintf(name, sizeof name, "s%d", i);
        CHECK_OK(t, qn_store_kit_import(&k, "idx", name, false), &k.err);
    }
    check_store(&k, true);
    qn_store_kit_done(&k);
}

/* A byte of a pack or table flips, or its end is gone: check sees it, repair keeps the
 * items that are whole. */
void test_store_repair(qn_test *t)
{
    static const char *const names[] = {"files/pack.bin", "items.jsonl"};
    qn_store_kit k;
    char path[256];
    begin(&k, t);
    for (int way = 0; way < 4; way++) {
        size_t n;
        qn_findings found;
        qn_object object;
        qn_note(t, "%s %s", names[way / 2], way % 2 ? "cut" : "changed");
        prepare(&k, &scenes[0], way == 0);
        REQUIRE_OK(t, import_pixels(&k), &k.err);
        snprintf(path, sizeof path, "home/datasets/%s/%s", k.got.id, names[way / 2]);
        char *bytes = qn_get_file(t, qn_temp(t, path), &n);
        REQUIRE(t, bytes != NULL);
        bytes[n - 3] ^= 4; /* of the last item */
        qn_set_kit_put(t, path, bytes, way % 2 ? n - 3 : n);
        REQUIRE_OK(t, qn_store_check(&k.store, false, &k.arena, &found, &k.err),
                   &k.err);
        CHECK(t, found.n_damaged == 1 && found.faults[0].kind == QN_FAULT_DAMAGE);
        REQUIRE_OK(t, qn_store_check(&k.store, true, &k.arena, &found, &k.err), &k.err);
        CHECK(t, found.n_damaged == 0 && found.n_lost == 1);
        CHECK_OK(t,
                 qn_store_find(&k.store, QN_DATASETS, "new", &k.arena, &object, &k.err),
                 &k.err);
        CHECK_EQ(t, object.n_items, 4);
        check_store(&k, true);
    }
    qn_store_kit_done(&k);
}
