/* SPDX-License-Identifier: Apache-2.0 */
/* formats/plugins/tiff_libtiff.c - the one file that sees libtiff: see tiff_abi.h.
 *
 * The file is bytes in memory.  Errors are kept, not printed; warnings are dropped.
 * From 4.5.0 on libtiff takes a bound on what it allocates at a time. */
#include "formats/tiff_abi.h"

#include <stdio.h>
#include <string.h>
#include <tiffio.h>

typedef struct tiff {
    const uint8_t *bytes;
    uint64_t n, at;
    TIFF *file;
    int64_t current; /* page; -1: none */
    char error[QN_TIFF_ERROR];
} tiff;

/* ---- bytes in memory ------------------------------------------------------------- */

static tmsize_t read_bytes(thandle_t handle, void *out, tmsize_t n)
{
    tiff *t = handle;
    const uint64_t left = t->at < t->n ? t->n - t->at : 0;
    const uint64_t k = n < 0 ? 0 : (uint64_t)n < left ? (uint64_t)n : left;
    memcpy(out, t->bytes + t->at, k);
    t->at += k;
    return (tmsize_t)k;
}

static tmsize_t write_bytes(thandle_t handle, void *p, tmsize_t n)
{
    (void)handle, (void)p, (void)n;
    return -1;
}

static toff_t seek_bytes(thandle_t handle, toff_t to, int from)
{
    tiff *t = handle;
    t->at = from == SEEK_SET ? to : from == SEEK_CUR ? t->at + to : t->n + to;
    if (t->at > t->n) t->at = t->n;
    return t->at;
}

static toff_t size_of(thandle_t handle)
{
    return ((tiff *)handle)->n;
}

static int close_bytes(thandle_t handle)
{
    (void)handle;
    return 0;
}

/* The file is in memory as it is: strips are decoded from where they lie. */
static int map_bytes(thandle_t handle, void **base, toff_t *n)
{
    tiff *t = handle;
    *base = (void *)(uintptr_t)t->bytes;
    *n = t->n;
    return 1;
}

static void unmap_bytes(thandle_t handle, void *base, toff_t n)
{
    (void)handle, (void)base, (void)n;
}

/* ---- opening ---- */

#if TIFFLIB_VERSION >= 20221213 /* 4.5.0 */
static int keep_error(TIFF *file, void *user, const char *module, const char *format,
                      va_list list)
{
    tiff *t = user;
    (void)file, (void)module;
    if (!t->error[0]) vsnprintf(t->error, sizeof t->error, format, list);
    return 1;
}

static int drop_warning(TIFF *file, void *user, const char *module, const char *format,
                        va_list list)
{
    (void)file, (void)user, (void)module, (void)format, (void)list;
    return 1;
}

static TIFF *open_client(tiff *t, size_t memory)
{
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    if (!options) return NULL;
    TIFFOpenOptionsSetMaxSingleMemAlloc(options, (tmsize_t)memory);
    TIFFOpenOptionsSetErrorHandlerExtR(options, keep_error, t);
    TIFFOpenOptionsSetWarningHandlerExtR(options, drop_warning, t);
    TIFF *file =
        TIFFClientOpenExt("", "r", t, read_bytes, write_bytes, seek_bytes, close_bytes,
                          size_of, map_bytes, unmap_bytes, options);
    TIFFOpenOptionsFree(options);
    return file;
}
#else
static TIFF *open_client(tiff *t, size_t memory)
{
    (void)memory;
    TIFFSetErrorHandler(NULL);
    TIFFSetWarningHandler(NULL);
    return TIFFClientOpen("", "r", t, read_bytes, write_bytes, seek_bytes, close_bytes,
                          size_of, map_bytes, unmap_bytes);
}
#endif

static bool open_tiff(void *state, const void *bytes, size_t n, size_t memory)
{
    tiff *t = state;
    *t = (tiff){.bytes = bytes, .n = n, .current = -1};
    t->file = open_client(t, memory);
    if (t->file) t->current = 0; /* opening reads the first page */
    return t->file != NULL;
}

static const char *error_of(const void *state)
{
    return ((const tiff *)state)->error;
}

static void close_tiff(void *state)
{
    TIFFClose(((tiff *)state)->file);
}

/* ---- pages ---- */

/* Makes page i current. */
static int turn_to(tiff *t, uint32_t i)
{
    if (t->current == (int64_t)i) return 1;
    t->error[0] = 0;
    const int got = t->current >= 0 && t->current + 1 == (int64_t)i
                        ? TIFFReadDirectory(t->file)
                        : TIFFSetDirectory(t->file, (tdir_t)i);
    if (got == 1)
        t->current = i;
    else
        t->current = -1;
    return got == 1 ? 1 : t->error[0] ? -1 : 0;
}

static void get_colours(tiff *t, qn_tiff_page *out)
{
    uint16_t *extra = NULL;
    TIFFGetFieldDefaulted(t->file, TIFFTAG_EXTRASAMPLES, &out->n_extra, &extra);
    out->is_alpha = out->n_extra > 0 && extra && extra[0] != EXTRASAMPLE_UNSPECIFIED;
    if (out->photometric == PHOTOMETRIC_PALETTE && out->bits <= 16) {
        uint16_t *r, *g, *b;
        if (TIFFGetField(t->file, TIFFTAG_COLORMAP, &r, &g, &b)) {
            out->red = r;
            out->green = g;
            out->blue = b;
        }
    }
    if (out->photometric == PHOTOMETRIC_YCBCR && out->compression == COMPRESSION_JPEG) {
        TIFFSetField(t->file, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
        out->photometric = PHOTOMETRIC_RGB;
    }
    out->as_colours = out->photometric > PHOTOMETRIC_PALETTE ||
                      (out->photometric == PHOTOMETRIC_PALETTE && !out->red);
}

static void get_blocks(tiff *t, qn_tiff_page *out)
{
    uint64_t *offsets = NULL;
    if (TIFFIsTiled(t->file)) {
        TIFFGetField(t->file, TIFFTAG_TILEWIDTH, &out->block_width);
        TIFFGetField(t->file, TIFFTAG_TILELENGTH, &out->block_height);
        out->n_blocks = TIFFNumberOfTiles(t->file);
        out->block_bytes = (uint64_t)TIFFTileSize64(t->file);
        TIFFGetField(t->file, TIFFTAG_TILEOFFSETS, &offsets);
    } else {
        out->block_width = out->width;
        TIFFGetFieldDefaulted(t->file, TIFFTAG_ROWSPERSTRIP, &out->block_height);
        if (out->block_height > out->height) out->block_height = out->height;
        out->n_blocks = TIFFNumberOfStrips(t->file);
        out->block_bytes = TIFFStripSize64(t->file);
        TIFFGetField(t->file, TIFFTAG_STRIPOFFSETS, &offsets);
    }
    if (offsets && out->n_blocks > 0) out->first_byte = offsets[0];
}

static int get_page(void *state, uint32_t i, qn_tiff_page *out)
{
    tiff *t = state;
    const int got = turn_to(t, i);
    float x = 0, y = 0;
    char *text = NULL;
    *out = (qn_tiff_page){0};
    if (got != 1) return got;
    TIFFGetField(t->file, TIFFTAG_IMAGEWIDTH, &out->width);
    TIFFGetField(t->file, TIFFTAG_IMAGELENGTH, &out->height);
    TIFFGetFieldDefaulted(t->file, TIFFTAG_SAMPLESPERPIXEL, &out->samples);
    TIFFGetFieldDefaulted(t->file, TIFFTAG_BITSPERSAMPLE, &out->bits);
    TIFFGetFieldDefaulted(t->file, TIFFTAG_SAMPLEFORMAT, &out->format);
    TIFFGetFieldDefaulted(t->file, TIFFTAG_PLANARCONFIG, &out->planar);
    TIFFGetFieldDefaulted(t->file, TIFFTAG_ORIENTATION, &out->orientation);
    TIFFGetFieldDefaulted(t->file, TIFFTAG_COMPRESSION, &out->compression);
    TIFFGetFieldDefaulted(t->file, TIFFTAG_RESOLUTIONUNIT, &out->unit);
    if (!TIFFGetField(t->file, TIFFTAG_PHOTOMETRIC, &out->photometric))
        out->photometric = out->samples >= 3 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK;
    if (TIFFGetField(t->file, TIFFTAG_XRESOLUTION, &x)) out->per_x = (double)x;
    if (TIFFGetField(t->file, TIFFTAG_YRESOLUTION, &y)) out->per_y = (double)y;
    if (TIFFGetField(t->file, TIFFTAG_IMAGEDESCRIPTION, &text)) out->description = text;
    out->is_swapped = TIFFIsByteSwapped(t->file) != 0;
    get_colours(t, out);
    get_blocks(t, out);
    return 1;
}

static int64_t get_block(void *state, uint32_t i, void *out, size_t room)
{
    tiff *t = state;
    t->error[0] = 0;
    return TIFFIsTiled(t->file) ? TIFFReadEncodedTile(t->file, i, out, (tmsize_t)room)
                                : TIFFReadEncodedStrip(t->file, i, out, (tmsize_t)room);
}

static bool get_pixels(void *state, uint32_t *out)
{
    tiff *t = state;
    uint32_t width = 0, height = 0;
    t->error[0] = 0;
    TIFFGetField(t->file, TIFFTAG_IMAGEWIDTH, &width);
    TIFFGetField(t->file, TIFFTAG_IMAGELENGTH, &height);
    return TIFFReadRGBAImageOriented(t->file, width, height, out, ORIENTATION_TOPLEFT,
                                     1) == 1;
}

__attribute__((visibility("default"))) const void *qn_tiff_plugin(void);

const void *qn_tiff_plugin(void)
{
    static const qn_tiff_abi abi = {
        .version = QN_TIFF_VERSION,
        .state_bytes = sizeof(tiff),
        .open = open_tiff,
        .page = get_page,
        .block = get_block,
        .colours = get_pixels,
        .error = error_of,
        .close = close_tiff,
    };
    return &abi;
}
