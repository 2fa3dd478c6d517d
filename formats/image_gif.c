/* SPDX-License-Identifier: Apache-2.0 */
/* formats/image_gif.c - the first frame of a GIF file (GIF89a specification, 1990).
 *
 * Header, screen, blocks; a frame is a palette and LZW codes of 3 to 12 bits in
 * sub-blocks.  What of the screen the frame does not cover has the background's colour.
 */
#include "formats/image_parts.h"

#include "formats/bytes.h"

#include <string.h>

enum { EXTENSION = 0x21, FRAME = 0x2c, TRAILER = 0x3b };
enum { CODES = 4096, NO_CODE = -1 };
enum { HAS_PALETTE = 0x80, INTERLACED = 0x40 };

typedef struct gif {
    qn_span in;
    int width, height; /* of the screen */
    int left, top, frame_width, frame_height;
    bool is_interlaced;
    uint8_t background;
    uint8_t palette[256][3], frame_palette[256][3];
    int n_colours, n_frame_colours;
} gif;

bool qn_is_gif(const void *bytes, size_t n)
{
    return n >= 6 && (!memcmp(bytes, "GIF87a", 6) || !memcmp(bytes, "GIF89a", 6));
}

static quern_status cut_off(const gif *g, quern_error *err)
{
    return qn_fail(err, QUERN_FORMAT,
                   "the GIF file is cut off at byte %zu, %zu are left", g->in.offset,
                   g->in.n);
}

static int u16_at(const uint8_t *p)
{
    return p[0] | p[1] << 8;
}

/* ---- blocks --------------------------------------------------------------------- */

static quern_status take_palette(gif *g, int flags, uint8_t palette[256][3], int *n,
                                 quern_error *err)
{
    qn_span colours;
    *n = 0;
    if (!(flags & HAS_PALETTE)) return QUERN_OK;
    *n = 2 << (flags & 7);
    if (!qn_take(&g->in, (uint64_t)*n * 3, &colours)) return cut_off(g, err);
    memcpy(palette, colours.p, colours.n);
    return QUERN_OK;
}

static quern_status take_screen(gif *g, quern_error *err)
{
    qn_span head;
    if (!qn_take(&g->in, 13, &head)) return cut_off(g, err);
    g->width = u16_at(head.p + 6);
    g->height = u16_at(head.p + 8);
    g->background = head.p[11];
    return take_palette(g, head.p[10], g->palette, &g->n_colours, err);
}

static quern_status skip_blocks(gif *g, quern_error *err)
{
    uint8_t n = 1;
    qn_span block;
    while (n > 0)
        if (!qn_take_u8(&g->in, &n) || !qn_take(&g->in, n, &block))
            return cut_off(g, err);
    return QUERN_OK;
}

static quern_status take_frame(gif *g, quern_error *err)
{
    qn_span head;
    if (!qn_take(&g->in, 9, &head)) return cut_off(g, err);
    g->left = u16_at(head.p);
    g->top = u16_at(head.p + 2);
    g->frame_width = u16_at(head.p + 4);
    g->frame_height = u16_at(head.p + 6);
    g->is_interlaced = head.p[8] & INTERLACED;
    if (g->frame_width < 1 || g->frame_height < 1 ||
        g->left + g->frame_width > g->width || g->top + g->frame_height > g->height)
        return qn_fail(err, QUERN_FORMAT,
                       "a GIF frame of %d x %d at %d, %d on a screen of %d x %d",
                       g->frame_width, g->frame_height, g->left, g->top, g->width,
                       g->height);
    QN_TRY(take_palette(g, head.p[8], g->frame_palette, &g->n_frame_colours, err));
    if (g->n_frame_colours || g->n_colours) return QUERN_OK;
    return qn_fail(err, QUERN_FORMAT, "the GIF frame has no palette");
}

/* Goes to the first frame, past extensions. */
static quern_status find_frame(gif *g, quern_error *err)
{
    uint8_t kind, label;
    for (;;) {
        if (!qn_take_u8(&g->in, &kind)) return cut_off(g, err);
        if (kind == FRAME) return take_frame(g, err);
        if (kind != EXTENSION)
            return qn_fail(err, QUERN_FORMAT, "byte %zu: a GIF block of kind 0x%02x",
                           g->in.offset - 1, kind);
        if (!qn_take_u8(&g->in, &label)) return cut_off(g, err);
        QN_TRY(skip_blocks(g, err));
    }
}

/* ---- LZW ------------------------------------------------------------------------ */

typedef struct lzw {
    qn_span *in, block;
    uint32_t bits;
    int n_bits;
    int width, first_width; /* bits of a code, now and after a clear */
    int clear, next;        /* the clear code; the one that is made next */
    int before;             /* the code before, or NO_CODE */
    uint8_t first;          /* pixel that it began with */
    int16_t prefix[CODES];
    uint8_t suffix[CODES], stack[CODES + 1];
    uint8_t *out;
    size_t made, size;
} lzw;

static void restart(lzw *z)
{
    z->width = z->first_width;
    z->next = z->clear + 2;
    z->before = NO_CODE;
}

/* The next code; false at the end of the data. */
static bool take_code(lzw *z, int *code)
{
    uint8_t byte, n;
    while (z->n_bits < z->width) {
        if (z->block.n == 0 &&
            (!qn_take_u8(z->in, &n) || n == 0 || !qn_take(z->in, n, &z->block)))
            return false;
        if (!qn_take_u8(&z->block, &byte)) return false;
        z->bits |= (uint32_t)byte << z->n_bits;
        z->n_bits += 8;
    }
    *code = (int)(z->bits & ((1u << z->width) - 1));
    z->bits >>= z->width;
    z->n_bits -= z->width;
    return true;
}

/* A code that is not there yet is the one before and its own first pixel. */
static bool put_code(lzw *z, int code)
{
    int depth = 0, at = code;
    if (code > z->next || (code == z->next && z->before == NO_CODE) ||
        code == z->clear + 1)
        return false;
    if (code == z->next) {
        z->stack[depth++] = z->first;
        at = z->before;
    }
    for (; at > z->clear; at = z->prefix[at])
        z->stack[depth++] = z->suffix[at];
    z->first = z->stack[depth++] = (uint8_t)at;
    while (depth > 0 && z->made < z->size)
        z->out[z->made++] = z->stack[--depth];
    if (z->before != NO_CODE && z->next < CODES) {
        z->prefix[z->next] = (int16_t)z->before;
        z->suffix[z->next++] = z->first;
        if (z->next == 1 << z->width && z->width < 12) z->width++;
    }
    z->before = code;
    return true;
}

/* Indices of the frame's pixels, in the order of the file. */
static quern_status unpack(gif *g, lzw *z, quern_error *err)
{
    uint8_t bits;
    int code;
    if (!qn_take_u8(&g->in, &bits)) return cut_off(g, err);
    if (bits < 2 || bits > 8)
        return qn_fail(err, QUERN_FORMAT, "GIF pixels of %d bits", bits);
    z->in = &g->in;
    z->clear = 1 << bits;
    z->first_width = bits + 1;
    restart(z);
    while (z->made < z->size && take_code(z, &code) && code != z->clear + 1) {
        if (code == z->clear)
            restart(z);
        else if (!put_code(z, code))
            return qn_fail(err, QUERN_FORMAT,
                           "GIF data is damaged at byte %zu, after pixel %zu of %zu",
                           g->in.offset, z->made, z->size);
    }
    if (z->made == z->size) return QUERN_OK;
    return qn_fail(err, QUERN_FORMAT, "the GIF data gives %zu of %zu pixels", z->made,
                   z->size);
}

/* ---- pixels --------------------------------------------------------------------- */

static bool is_gray(const uint8_t palette[256][3], int n)
{
    for (int i = 0; i < n; i++)
        if (palette[i][0] != palette[i][1] || palette[i][0] != palette[i][2])
            return false;
    return true;
}

/* Row of the frame that is the i-th in the file: every eighth first, and so on. */
static int row_of(const gif *g, int i)
{
    static const int from[] = {0, 4, 2, 1}, step[] = {8, 8, 4, 2};
    if (!g->is_interlaced) return i;
    for (int pass = 0; pass < 4; pass++) {
        const int n = (g->frame_height - from[pass] + step[pass] - 1) / step[pass];
        if (i < n) return from[pass] + i * step[pass];
        i -= n;
    }
    return 0;
}

/* An index beyond the palette is black. */
static void put_pixel(uint8_t *to, int channels, const uint8_t palette[256][3],
                      int n_colours, int index)
{
    static const uint8_t black[3];
    memcpy(to, index < n_colours ? palette[index] : black, (size_t)channels);
}

static void paint(const gif *g, const uint8_t *indices, qn_image *out)
{
    const size_t channels = (size_t)out->channels;
    const size_t pixels = (size_t)g->width * (size_t)g->height;
    const bool has_own = g->n_frame_colours > 0;
    for (size_t i = 0; i < pixels; i++)
        put_pixel(out->pixels + i * channels, out->channels, g->palette, g->n_colours,
                  g->background);
    for (int y = 0; y < g->frame_height; y++) {
        const size_t row = (size_t)(g->top + row_of(g, y));
        uint8_t *to =
            out->pixels + (row * (size_t)g->width + (size_t)g->left) * channels;
        for (int x = 0; x < g->frame_width; x++, to += channels)
            put_pixel(to, out->channels, has_own ? g->frame_palette : g->palette,
                      has_own ? g->n_frame_colours : g->n_colours, *indices++);
    }
}

static quern_status decode(gif *g, qn_arena *scratch, qn_arena *arena, qn_image *out,
                           quern_error *err)
{
    const size_t screen = (size_t)g->width * (size_t)g->height;
    void *room;
    QN_TRY(qn_arena_alloc(scratch, sizeof(lzw), &room, err));
    lzw *z = room;
    z->size = (size_t)g->frame_width * (size_t)g->frame_height;
    QN_TRY(qn_arena_raw(scratch, z->size, &room, err));
    z->out = room;
    QN_TRY(unpack(g, z, err));
    *out = (qn_image){g->width, g->height, 3, NULL};
    if (is_gray(g->palette, g->n_colours) &&
        is_gray(g->frame_palette, g->n_frame_colours))
        out->channels = 1;
    QN_TRY(qn_arena_raw(arena, screen * (size_t)out->channels, &room, err));
    out->pixels = room;
    paint(g, z->out, out);
    return QUERN_OK;
}

quern_status qn_image_gif(qn_arena *arena, const void *bytes, size_t n,
                          int64_t max_pixels, qn_image *out, quern_error *err)
{
    qn_arena scratch;
    void *room;
    qn_arena_init(&scratch, arena->mem);
    quern_status status = qn_arena_alloc(&scratch, sizeof(gif), &room, err);
    if (status == QUERN_OK) {
        gif *g = room;
        g->in = (qn_span){bytes, n, 0};
        status = take_screen(g, err);
        if (status == QUERN_OK)
            status = qn_image_check_size(g->width, g->height, max_pixels, err);
        /* A code of three bits gives at most a row of 4096 pixels. */
        if (status == QUERN_OK && (size_t)g->width * (size_t)g->height / CODES > n * 3)
            status = qn_fail(err, QUERN_FORMAT, "%d x %d pixels in %zu bytes of GIF",
                             g->width, g->height, n);
        if (status == QUERN_OK) status = find_frame(g, err);
        if (status == QUERN_OK) status = decode(g, &scratch, arena, out, err);
    }
    qn_arena_done(&scratch);
    return status;
}
