/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_decode.c - pictures decoded in processes of their own: the same pixels as
 * here, and whatever happens there, a sentence here and the next picture.  What happens
 * is planted: a decoder that does what the first letter of a "picture" says. */
#define _GNU_SOURCE
#include "tests/test.h"

#include "engine/pool.h"
#include "formats/buffer.h"
#include "formats/dataset.h"
#include "formats/png_write.h"
#include "tools/decode.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED true
#else
#define IS_SANITIZED false
#endif

typedef struct kit {
    qn_test *t;
    qn_mem mem;
    qn_arena arena;
    qn_decode *decode;
    const qn_decoder *by;
    quern_error err;
} kit;

/* The system has all that workers give up: then they do. */
static bool has_filter(qn_test *t)
{
    const char *out;
    return qn_quern(t, "version --json", &out) == 0 &&
           strstr(out, "\"sandbox\":\"full\"") != NULL;
}

static bool kit_init(kit *k, qn_test *t, qn_decode_fn *fn)
{
    *k = (kit){.t = t};
    qn_mem_init(&k->mem, NULL, (size_t)256 << 20);
    qn_arena_init(&k->arena, &k->mem);
    qn_decode_plan plan = qn_decode_usual(0, has_filter(t));
    /* What sanitizers and emulators need besides is more than any limit. */
    if (!plan.has_filter) plan.memory = 0;
    if (fn) {
        plan.decode = fn;
        plan.seconds = 0.3;
        if (plan.memory) plan.memory = (size_t)64 << 20;
    }
    if (!CHECK_OK(t, qn_decode_start(&plan, &k->mem, &k->decode, &k->err), &k->err))
        return false;
    k->by = qn_decode_handle(k->decode);
    return true;
}

static void kit_done(kit *k)
{
    qn_decode_stop(k->decode);
    qn_arena_done(&k->arena);
    CHECK_EQ(k->t, (int64_t)k->mem.used, 0);
}

static quern_status apart(kit *k, const char *bytes, qn_image *out)
{
    return qn_image_decode_by(k->by, &k->arena, bytes, strlen(bytes), 0, out, &k->err);
}

/* ---- the same as here ---- */

/* The picture of a PNM header and noise. */
static void put_noise(qn_test *t, qn_buf *out, int width, int height)
{
    char head[64];
    qn_buf_add(out, head,
               (size_t)snprintf(head, sizeof head, "P6 %d %d 255\n", width, height));
    for (int i = 0; i < width * height * 3; i++)
        qn_buf_byte(out, (uint8_t)qn_test_random(t));
}

/* Both ways end alike, with the same pixels or the same sentence. */
static void check_both(kit *k, const char *name, const void *bytes, size_t n)
{
    qn_test *t = k->t;
    qn_image here, there;
    quern_error why = {0};
    qn_note(t, "%s, %zu bytes", name, n);
    const quern_status status = qn_image_decode(&k->arena, bytes, n, 0, &here, &k->err);
    CHECK_EQ(t, qn_image_decode_by(k->by, &k->arena, bytes, n, 0, &there, &why),
             status);
    if (status != QUERN_OK) {
        CHECK_STR(t, why.text, k->err.text);
        return;
    }
    REQUIRE(t, here.width == there.width && here.height == there.height &&
                   here.channels == there.channels);
    CHECK(t, !memcmp(here.pixels, there.pixels,
                     (size_t)here.width * (size_t)here.height * (size_t)here.channels));
}

void test_decode_same(qn_test *t)
{
    static const char *const files[] = {"gray1",  "gray4",   "u16",
                                        "u8_rgb", "u8_rgba", "u8_palette"};
    kit k;
    qn_buf noise;
    REQUIRE(t, kit_init(&k, t, NULL));
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[64];
        size_t n;
        snprintf(path, sizeof path, "tests/data/raster/%s.png", files[i]);
        const char *bytes = qn_get_file(t, path, &n);
        REQUIRE(t, bytes != NULL);
        check_both(&k, path, bytes, n);
        for (size_t cut = 0; cut < n; cut += 1 + n / 40)
            check_both(&k, "cut", bytes, cut);
    }
    check_both(&k, "nothing", "", 0);
    check_both(&k, "1e5 x 1e5", "P6 100000 100000 255\n123", 24);
    /* A window of the wire, one byte less and more, and many of them. */
    static const int widths[] = {1, 591, 592, 593, 3000};
    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
        qn_buf_init(&noise, &k.mem);
        put_noise(t, &noise, widths[i], 591);
        check_both(&k, "noise", noise.p, noise.n);
        qn_buf_done(&noise);
    }
    CHECK_EQ(t, qn_decode_count(k.decode), 1);
    kit_done(&k);
}

/* The caller's budget holds for what is decoded elsewhere. */
void test_decode_budget(qn_test *t)
{
    kit k;
    qn_buf noise;
    qn_image image;
    REQUIRE(t, kit_init(&k, t, NULL));
    qn_buf_init(&noise, &k.mem);
    put_noise(t, &noise, 1000, 500);
    k.mem.budget = k.mem.used + ((size_t)1 << 20);
    CHECK_FAILS(t,
                qn_image_decode_by(k.by, &k.arena, noise.p, noise.n, 0, &image, &k.err),
                QUERN_LIMIT, &k.err, "of a budget of");
    k.mem.budget = 0;
    CHECK_FAILS(
        t, qn_image_decode_by(k.by, &k.arena, noise.p, noise.n, 499999, &image, &k.err),
        QUERN_LIMIT, &k.err, "1000 x 500 pixels; a plane has 1 to 499999");
    CHECK_OK(
        t, qn_image_decode_by(k.by, &k.arena, noise.p, noise.n, 500000, &image, &k.err),
        &k.err);
    qn_buf_done(&noise);
    kit_done(&k);
}

/* ---- what may happen ---- */

static quern_status fine(qn_arena *arena, const uint8_t *bytes, qn_image *out,
                         quern_error *err)
{
    void *pixel;
    QN_TRY(qn_arena_raw(arena, 1, &pixel, err));
    memcpy(pixel, bytes, 1);
    *out = (qn_image){1, 1, 1, pixel};
    return QUERN_OK;
}

static quern_status eat(quern_error *err)
{
    volatile char *p;
    while ((p = malloc((size_t)1 << 20)) != NULL)
        for (int i = 0; i < 1 << 20; i += 4096)
            p[i] = 1;
    return qn_fail(err, QUERN_MEMORY, "no memory");
}

static quern_status planted(qn_arena *arena, const void *bytes, size_t n,
                            int64_t max_pixels, qn_image *out, quern_error *err)
{
    volatile int turns = 0;
    static const uint8_t nothing[8];
    (void)max_pixels;
    switch (n ? *(const char *)bytes : 0) {
    case 'C':
        raise(SIGSEGV);
        *(volatile int *)(uintptr_t)turns = 1;
        break;
    case 'L':
        for (;;)
            turns = 0;
    case 'E':
        return eat(err);
    case 'O':
        return qn_fail(err, QUERN_FORMAT, "opened: %d",
                       open("/dev/null", O_RDONLY) >= 0);
    case 'W':
        return qn_fail(err, QUERN_FORMAT, "written: %d", write(2, "", 0) >= 0);
    case 'K':
        return qn_fail(err, QUERN_FORMAT, "signalled: %d", kill(getppid(), 0) == 0);
    case 'Z':
        *out = (qn_image){0, 1, 1, (uint8_t *)(uintptr_t)nothing};
        return QUERN_OK;
    case 'T':
        return qn_fail(err, QUERN_CANCELLED, "red\033[31m\n%s", "text");
    default:
        return fine(arena, bytes, out, err);
    }
    return QUERN_OK;
}

/* The picture fails with this, and the one behind it is fine. */
static void check_harm(kit *k, const char *bytes, quern_status status, const char *part)
{
    qn_image image;
    qn_note(k->t, "%s", bytes);
    CHECK_FAILS(k->t, apart(k, bytes, &image), status, &k->err, part);
    REQUIRE_OK(k->t, apart(k, "good", &image), &k->err);
    CHECK_EQ(k->t, image.pixels[0], 'g');
}

void test_decode_harm(qn_test *t)
{
    kit k;
    REQUIRE(t, kit_init(&k, t, planted));
    check_harm(&k, "Crash", QUERN_FORMAT,
               IS_SANITIZED ? "the decoder " : "the decoder crashed on it (signal ");
    check_harm(&k, "Loop", QUERN_FORMAT, "it took more than 0 seconds");
    check_harm(&k, "Zero", QUERN_FORMAT, "the decoder's answer is no answer");
    check_harm(&k, "Text", QUERN_FORMAT, "red\\x1b[31m\\x0atext");
    const bool is_limited = has_filter(t);
    if (is_limited) check_harm(&k, "Eat", QUERN_MEMORY, "no memory");
    CHECK_EQ(t, qn_decode_count(k.decode), 4);
    kit_done(&k);
}

/* The filter: none of these calls comes back. */
void test_decode_caged(qn_test *t)
{
    static const char *const deeds[] = {"Open", "Write", "Kill"};
    kit k;
    if (!has_filter(t)) {
        qn_skip(t, "no sandbox here");
        return;
    }
    REQUIRE(t, kit_init(&k, t, planted));
    for (size_t i = 0; i < sizeof deeds / sizeof deeds[0]; i++) {
        char want[64];
        snprintf(want, sizeof want, "the decoder crashed on it (signal %d)", SIGSYS);
        check_harm(&k, deeds[i], QUERN_FORMAT, want);
    }
    kit_done(&k);
}

/* In a message of many, the one to blame is found. */
void test_decode_together(qn_test *t)
{
    enum { N = 100, BAD = 37, WORSE = 38, LAST = 99 };
    static qn_encoded list[N];
    kit k;
    REQUIRE(t, kit_init(&k, t, planted));
    for (int i = 0; i < N; i++)
        list[i] = (qn_encoded){.bytes = i == BAD || i == LAST ? "C"
                                        : i == WORSE          ? "Z"
                                                              : "good",
                               .n = 1};
    for (int done = 0, n; done < N; done += n) {
        n = qn_image_decode_some(k.by, &k.arena, list + done, N - done);
        REQUIRE(t, n >= 1 && n <= N - done);
    }
    for (int i = 0; i < N; i++) {
        qn_note(t, "picture %d", i);
        const bool is_bad = i == BAD || i == WORSE || i == LAST;
        CHECK_EQ(t, list[i].status, is_bad ? QUERN_FORMAT : QUERN_OK);
        if (!is_bad) CHECK_EQ(t, list[i].image.pixels[0], 'g');
    }
    kit_done(&k);
}

/* Sizes and sentences, and no pixels: they do not even cross. */
void test_decode_checked(qn_test *t)
{
    enum { N = 3, SIDE = 1200 };
    kit k;
    qn_buf noise;
    REQUIRE(t, kit_init(&k, t, NULL));
    qn_buf_init(&noise, &k.mem);
    put_noise(t, &noise, SIDE, SIDE);
    qn_encoded list[N] = {{.bytes = noise.p, .n = noise.n, .only_checked = true},
                          {.bytes = noise.p, .n = noise.n / 2, .only_checked = true},
                          {.bytes = noise.p, .n = noise.n}};
    const size_t used = k.mem.used;
    for (int done = 0; done < N - 1;)
        done += qn_image_decode_some(k.by, &k.arena, list + done, N - 1 - done);
    CHECK_EQ(t, (int64_t)k.mem.used, (int64_t)used);
    CHECK_EQ(t, qn_image_decode_some(k.by, &k.arena, list + 2, 1), 1);
    CHECK_EQ(t, list[0].status, QUERN_OK);
    CHECK_EQ(t, list[0].image.width * list[0].image.height, SIDE * SIDE);
    CHECK(t, list[0].image.pixels == NULL);
    CHECK_EQ(t, list[1].status, QUERN_FORMAT);
    REQUIRE(t, list[2].status == QUERN_OK && list[2].image.pixels != NULL);
    CHECK(t, !memcmp(list[2].image.pixels, noise.p + (noise.n - 3 * SIDE * SIDE),
                     3 * SIDE * SIDE));
    qn_buf_done(&noise);
    kit_done(&k);
}

/* After so many messages, a worker is replaced. */
void test_decode_fresh(qn_test *t)
{
    kit k;
    qn_image image;
    REQUIRE(t, kit_init(&k, t, planted));
    for (int i = 0; i < 2100; i++) {
        REQUIRE_OK(t, apart(&k, "good", &image), &k.err);
        qn_arena_reset(&k.arena);
    }
    CHECK_EQ(t, qn_decode_count(k.decode), 3);
    kit_done(&k);
}

typedef struct crowd {
    kit *k;
    atomic_int good, bad;
} crowd;

static void decode_range(void *ctx, int64_t begin, int64_t end, int worker)
{
    crowd *c = ctx;
    qn_mem mem;
    qn_arena arena;
    qn_image image;
    (void)worker;
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    for (int64_t i = begin; i < end; i++) {
        const char byte = i % 50 == 7 ? 'C' : (char)('a' + i % 20);
        const bool is_good =
            qn_image_decode_by(c->k->by, &arena, &byte, 1, 0, &image, NULL) == QUERN_OK;
        if (is_good && image.pixels[0] == (uint8_t)byte) c->good++;
        c->bad += !is_good;
    }
    qn_arena_done(&arena);
}

void test_decode_threads(qn_test *t)
{
    kit k;
    quern_pool *pool;
    REQUIRE(t, kit_init(&k, t, planted));
    crowd c = {.k = &k};
    REQUIRE_OK(t, quern_pool_create(4, &pool, &k.err), &k.err);
    qn_parallel_for(pool, 400, 1, decode_range, &c);
    quern_pool_free(pool);
    CHECK_EQ(t, c.good, 392);
    CHECK_EQ(t, c.bad, 8);
    kit_done(&k);
}

/* ---- who is left ---- */

/* Processes below `parent` of that name (NULL: any); *one of them. */
static int count_below(pid_t parent, const char *name, pid_t *one)
{
    DIR *dir = opendir("/proc");
    int n = 0;
    for (const struct dirent *e; dir && (e = readdir(dir)) != NULL;) {
        char path[300], text[256] = "", comm[64] = "";
        int pid = 0, above = 0;
        snprintf(path, sizeof path, "/proc/%.20s/stat", e->d_name);
        FILE *f = e->d_name[0] > '0' && e->d_name[0] <= '9' ? fopen(path, "re") : NULL;
        if (!f) continue;
        if (fgets(text, sizeof text, f) &&
            sscanf(text, "%d (%60[^)]) %*c %d", &pid, comm, &above) == 3 &&
            above == parent) {
            if (!name || !strcmp(comm, name)) {
                n++;
                if (one) *one = pid;
            }
            n += count_below(pid, name, one);
        }
        fclose(f);
    }
    if (dir) closedir(dir);
    return n;
}

/* Orphans become ours: none is left after a while. */
static bool all_end(qn_test *t)
{
    const double from = qn_seconds();
    (void)t;
    while (qn_seconds() - from < 20) {
        if (waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD) return true;
        usleep(2000);
    }
    return false;
}

static void be_parent(kit *k, int ready)
{
    qn_image image;
    const char word = apart(k, "good", &image) == QUERN_OK ? 'y' : 'n';
    if (write(ready, &word, 1) == 1) pause();
    _exit(0);
}

/* Ends the parent of decoders by a signal; nobody stays. */
void test_decode_orphans(qn_test *t)
{
    int ends[2];
    char word = 0;
    REQUIRE(t, prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0 && pipe(ends) == 0);
    const pid_t pid = fork();
    if (pid == 0) {
        kit k;
        if (kit_init(&k, t, planted)) be_parent(&k, ends[1]);
        _exit(1);
    }
    CHECK(t, read(ends[0], &word, 1) == 1 && word == 'y');
    CHECK_EQ(t, count_below(pid, NULL, NULL), 2);
    kill(pid, SIGKILL);
    CHECK(t, all_end(t));
    close(ends[0]);
    close(ends[1]);
}

/* Without the process that starts workers, there is a sentence. */
void test_decode_alone(qn_test *t)
{
    kit k;
    pid_t server = 0;
    qn_image image;
    signal(SIGPIPE, SIG_IGN); /* as in the program */
    REQUIRE(t, kit_init(&k, t, planted));
    CHECK_OK(t, apart(&k, "good", &image), &k.err);
    REQUIRE(t, count_below(getpid(), "quern-decoders", &server) == 1);
    kill(server, SIGKILL);
    usleep(50000);
    CHECK_FAILS(t, apart(&k, "good", &image), QUERN_IO, &k.err,
                "the process that starts decoders is gone");
    kit_done(&k);
}

/* ---- the command ---- */

static bool make_folder(qn_test *t, int n)
{
    char path[400];
    qn_mem mem;
    qn_buf noise;
    qn_mem_init(&mem, NULL, 0);
    qn_buf_init(&noise, &mem);
    put_noise(t, &noise, 640, 400);
    snprintf(path, sizeof path, "%s", qn_temp(t, "set"));
    bool is_made = mkdir(path, 0700) == 0;
    for (int c = 0; c < 2; c++) {
        snprintf(path, sizeof path, "%s/%c", qn_temp(t, "set"), 'a' + c);
        is_made = is_made && mkdir(path, 0700) == 0;
        for (int i = 0; i < n; i++) {
            snprintf(path, sizeof path, "%s/%c/%d.ppm", qn_temp(t, "set"), 'a' + c, i);
            qn_put_file(t, path, noise.p, noise.n);
        }
    }
    qn_buf_done(&noise);
    return is_made;
}

/* Converts the set, or reads all of it. */
static pid_t start_command(qn_test *t, bool converts)
{
    char program[400], set[400], to[400];
    snprintf(program, sizeof program, "%s/quern", qn_build(t));
    snprintf(set, sizeof set, "%s", qn_temp(t, "set"));
    fflush(NULL);
    const pid_t pid = fork();
    if (pid != 0) return pid;
    snprintf(to, sizeof to, "%s-%d", qn_temp(t, "to"), (int)getpid());
    setpgid(0, 0);
    if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
        _exit(126);
    if (!converts)
        execl(program, "quern", "data", "info", set, "--read", "--threads", "2",
              (char *)NULL);
    execl(program, "quern", "data", "convert", set, to, "--to", "idx", "--threads", "2",
          (char *)NULL);
    _exit(127);
}

/* Starts it and waits until decoders are seen below it: their number.  A command that
 * was through before anybody looked, as on a busy machine, is started again. */
static int start_decoding(qn_test *t, bool converts, pid_t *pid)
{
    for (int tries = 0; tries < 20; tries++) {
        int n = 0;
        *pid = start_command(t, converts);
        if (*pid < 0) return 0;
        while (n == 0 && waitpid(*pid, NULL, WNOHANG) == 0)
            n = count_below(*pid, "quern-decoder", NULL);
        if (n) return n;
    }
    return 0;
}

/* The key that interrupts reaches all of them: the command ends as ever, with them. */
static void interrupt(qn_test *t, bool converts)
{
    int status = 0;
    pid_t pid;
    const int n = start_decoding(t, converts, &pid);
    REQUIRE(t, pid > 0 && n > 0);
    CHECK(t, n <= 3);
    kill(-pid, SIGINT);
    CHECK(t, waitpid(pid, &status, 0) == pid);
    CHECK(t, WIFEXITED(status) && WEXITSTATUS(status) == 130);
    CHECK(t, all_end(t));
}

void test_decode_interrupt(qn_test *t)
{
    if (!has_filter(t)) {
        qn_skip(t, "no sandbox here: pictures are decoded in the program");
        return;
    }
    REQUIRE(t, make_folder(t, 200));
    REQUIRE(t, prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0);
    interrupt(t, true);
    interrupt(t, false);
}
