/* SPDX-License-Identifier: Apache-2.0 */
/* formats/image.c - the only file that sees stb_image: PNG, JPEG and BMP from memory.
 *
 * stb_image believes what a file declares, so a kilobyte can ask it for a gigabyte.
 * Therefore the file is walked first (image_check.h), its dimensions are checked, and
 * what stb_image allocates comes from a budget of 64 MiB + 16 bytes a pixel. */
#include "formats/image_parts.h"

#include "formats/image_check.h"

#include <string.h>

#ifdef QN_HAVE_STB

/* Of one decoding.  stb_image's hooks carry no context, so that of this thread is
 * reached through a pointer of the thread. */
typedef struct budget {
    qn_mem mem;
    quern_error err; /* of an allocation that failed; stb_image does not tell why */
} budget;
static _Thread_local budget *stbi_budget;
#define SIZE_ROOM QN_ALIGN /* in front of a block, for its size */

static void *budget_alloc(size_t n)
{
    size_t size;
    void *p;
    if (!qn_size_add(n, SIZE_ROOM, &size) ||
        qn_mem_alloc(&stbi_budget->mem, size, &p, &stbi_budget->err) != QUERN_OK)
        return NULL;
    memcpy(p, &size, sizeof size);
    return (char *)p + SIZE_ROOM;
}

static void budget_free(void *p)
{
    size_t size;
    if (!p) return;
    void *block = (char *)p - SIZE_ROOM;
    memcpy(&size, block, sizeof size);
    qn_mem_free(&stbi_budget->mem, block, size);
}

static void *budget_realloc(void *p, size_t old_size, size_t new_size)
{
    void *q = budget_alloc(new_size);
    if (!q) return NULL; /* p stays, as with realloc */
    if (p) memcpy(q, p, old_size < new_size ? old_size : new_size);
    budget_free(p);
    return q;
}

#define STBI_MALLOC(n)                budget_alloc(n)
#define STBI_REALLOC_SIZED(p, old, n) budget_realloc(p, old, n)
#define STBI_REALLOC(p, n)            budget_realloc(p, n, n) /* unused: the above is */
#define STBI_FREE(p)                  budget_free(p)
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#define STBI_MAX_DIMENSIONS QN_IMAGE_MAX_SIDE
#define STB_IMAGE_IMPLEMENTATION
#define STBI_ASSERT(x) ((void)0) /* a file must not end the process */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wsign-compare"
#include <stb_image.h>
#pragma GCC diagnostic pop

static void begin(budget *b)
{
    *b = (budget){.err = {.status = QUERN_OK}};
    qn_mem_init(&b->mem, NULL, (size_t)64 << 20);
    stbi_budget = b;
}

static quern_status refuse(const char *what, quern_error *err)
{
    const quern_error *lack = &stbi_budget->err;
    if (lack->status != QUERN_OK)
        return qn_fail(err, lack->status, "%s (%s)", what, lack->text);
    return qn_fail(err, QUERN_FORMAT, "%s (%s)", what,
                   stbi_failure_reason() ? stbi_failure_reason() : "unknown");
}

static quern_status check_size(const uint8_t *p, size_t n, int64_t max_pixels, int *w,
                               int *h, quern_error *err)
{
    int channels;
    if (!stbi_info_from_memory(p, (int)n, w, h, &channels) || *w < 1 || *h < 1)
        return refuse("its picture header cannot be read", err);
    return qn_image_check_size(*w, *h, max_pixels, err);
}

/* Decodes within stbi_budget and copies the pixels to the arena. */
static quern_status decode(qn_arena *arena, const uint8_t *p, size_t n, qn_image *out,
                           quern_error *err)
{
    int w, h, channels;
    void *room = NULL;
    stbi_info_from_memory(p, (int)n, &w, &h, &channels);
    out->channels = channels < 3 ? 1 : 3;
    stbi_uc *pixels =
        stbi_load_from_memory(p, (int)n, &w, &h, &channels, out->channels);
    if (!pixels) return refuse("the picture cannot be decoded", err);
    const size_t bytes = (size_t)w * (size_t)h * (size_t)out->channels;
    const quern_status status = qn_arena_raw(arena, bytes, &room, err);
    if (status == QUERN_OK) memcpy(room, pixels, bytes);
    stbi_image_free(pixels);
    out->width = w;
    out->height = h;
    out->pixels = room;
    return status;
}

quern_status qn_image_by_stb(qn_arena *arena, const void *bytes, size_t n,
                             int64_t max_pixels, qn_image *out, quern_error *err)
{
    budget b;
    int w = 0, h = 0;
    QN_TRY(qn_image_check(bytes, n, err));
    begin(&b);
    quern_status status = check_size(bytes, n, max_pixels, &w, &h, err);
    b.mem.budget += 16 * (size_t)w * (size_t)h;
    if (status == QUERN_OK) status = decode(arena, bytes, n, out, err);
    stbi_budget = NULL;
    return status;
}

quern_status qn_image_shape_by_stb(const void *bytes, size_t n, int64_t max_pixels,
                                   qn_image *out, quern_error *err)
{
    budget b;
    int channels = 0;
    QN_TRY(qn_image_check(bytes, n, err));
    begin(&b);
    *out = (qn_image){0};
    const quern_status status =
        check_size(bytes, n, max_pixels, &out->width, &out->height, err);
    if (status == QUERN_OK)
        stbi_info_from_memory(bytes, (int)n, &out->width, &out->height, &channels);
    stbi_budget = NULL;
    out->channels = channels < 3 ? 1 : 3;
    return status;
}

#else

quern_status qn_image_shape_by_stb(const void *bytes, size_t n, int64_t max_pixels,
                                   qn_image *out, quern_error *err)
{
    *out = (qn_image){0};
    return qn_image_by_stb(NULL, bytes, n, max_pixels, out, err);
}

quern_status qn_image_by_stb(qn_arena *arena, const void *bytes, size_t n,
                             int64_t max_pixels, qn_image *out, quern_error *err)
{
    (void)arena, (void)bytes, (void)n, (void)max_pixels, (void)out;
    return qn_fail(err, QUERN_UNSUPPORTED,
                   "a picture, and this build has no stb_image");
}

#endif
