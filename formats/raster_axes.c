/* SPDX-License-Identifier: Apache-2.0 */
/* formats/raster_axes.c - see raster_axes.h.
 *
 * ImageJ writes lines "channels=2", pages in the order C, Z, T.  OME writes XML of
 * which only the attributes of the first Pixels element are looked at: SizeC, SizeZ,
 * SizeT, DimensionOrder, PhysicalSizeX.  Both are searched, bounded by the text's own
 * end. */
#include "formats/raster_axes.h"

#include "engine/text.h"

#include <math.h>
#include <string.h>

#define COARSEST 20.0 /* um; larger "pixels" are the resolution of a printer */

/* ---- words and numbers in text --------------------------------------------------- */

/* Copies what follows key up to one of the stops; false: there is no such key. */
static bool value_of(const char *text, const char *end, const char *key,
                     const char *stops, char room[64])
{
    const size_t n = strlen(key);
    for (const char *p = text; p + n < end; p++) {
        const bool begins = p == text || strchr(" \t\r\n", p[-1]);
        if (!begins || memcmp(p, key, n) != 0) continue;
        size_t k = 0;
        for (p += n; p < end && k < 63 && !strchr(stops, *p); p++)
            room[k++] = *p;
        room[k] = 0;
        return true;
    }
    return false;
}

static double real_of(const char *room)
{
    double value = 0;
    return qn_text_to_real(room, strlen(room), &value) && isfinite(value) ? value : 0;
}

/* A count of 1 to a million; 1 if it is not said. */
static int64_t count_of(const char *room)
{
    const double value = real_of(room);
    return value >= 1 && value <= 1e6 ? (int64_t)value : 1;
}

static double um_of_unit(const char *unit)
{
    static const struct {
        const char *name;
        double um;
    } units[] = {{"micron", 1},  {"um", 1},      {"\\u00B5m", 1},  {"\xc2\xb5m", 1},
                 {"\xb5m", 1},   {"nm", 0.001},  {"mm", 1000},     {"cm", 10000},
                 {"&#181;m", 1}, {"&#xB5;m", 1}, {"\xce\xbcm", 1}, {"inch", 25400}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (!strcmp(units[i].name, unit)) return units[i].um;
    return 0;
}

/* ---- who wrote the file ---- */

static void from_imagej(const qn_tiff_page *page, qn_raster_axes *a)
{
    const char *text = page->description, *end = text + strlen(text);
    char room[64];
    if (value_of(text, end, "channels=", "\r\n", room)) a->channels = count_of(room);
    if (value_of(text, end, "slices=", "\r\n", room)) a->slices = count_of(room);
    if (value_of(text, end, "frames=", "\r\n", room)) a->frames = count_of(room);
    if (a->channels * a->slices * a->frames == 1 &&
        value_of(text, end, "images=", "\r\n", room))
        a->slices = count_of(room);
    a->channel_step = 1;
    a->slice_step = a->channels;
    a->frame_step = a->channels * a->slices;
    const double um = value_of(text, end, "unit=", "\r\n", room) ? um_of_unit(room) : 0;
    if (page->per_x > 0) a->um_per_px = um / page->per_x;
    if (value_of(text, end, "spacing=", "\r\n", room))
        a->um_per_plane = fabs(real_of(room)) * um;
}

static double ome_length(const char *tag, const char *end, const char *key,
                         const char *unit_key)
{
    char room[64], unit[64] = "um";
    if (!value_of(tag, end, key, "\"", room)) return 0;
    value_of(tag, end, unit_key, "\"", unit);
    return fabs(real_of(room)) * um_of_unit(unit);
}

static void from_ome(const qn_tiff_page *page, qn_raster_axes *a)
{
    const char *tag = strstr(page->description, "<Pixels");
    const char *end = tag ? strchr(tag, '>') : NULL;
    char room[64], order[64] = "XYCZT";
    if (!end) return;
    if (value_of(tag, end, "SizeC=\"", "\"", room)) a->channels = count_of(room);
    if (value_of(tag, end, "SizeZ=\"", "\"", room)) a->slices = count_of(room);
    if (value_of(tag, end, "SizeT=\"", "\"", room)) a->frames = count_of(room);
    if (page->samples > 1 && a->channels % page->samples == 0)
        a->channels /= page->samples; /* the pixels of a page hold that many */
    value_of(tag, end, "DimensionOrder=\"", "\"", order);
    int64_t step = 1;
    for (const char *p = order; *p; p++) {
        if (*p == 'C') a->channel_step = step;
        if (*p == 'Z') a->slice_step = step;
        if (*p == 'T') a->frame_step = step;
        step *= *p == 'C' ? a->channels : *p == 'Z' ? a->slices : 1;
        step *= *p == 'T' ? a->frames : 1;
    }
    a->um_per_px = ome_length(tag, end, "PhysicalSizeX=\"", "PhysicalSizeXUnit=\"");
    a->um_per_plane = ome_length(tag, end, "PhysicalSizeZ=\"", "PhysicalSizeZUnit=\"");
}

static void from_resolution(const qn_tiff_page *page, qn_raster_axes *a)
{
    const double um = page->unit == 2 ? 25400 : page->unit == 3 ? 10000 : 0;
    if (page->per_x > 0 && um / page->per_x <= COARSEST)
        a->um_per_px = um / page->per_x;
}

/* ---- what was asked for, what is likely ------------------------------------------ */

static void pages_are(qn_raster_axes *a, int64_t n_pages, bool channels)
{
    a->channels = channels ? n_pages : 1;
    a->slices = channels ? 1 : n_pages;
    a->frames = 1;
    a->channel_step = a->slice_step = a->frame_step = 1;
}

static quern_status from_options(const qn_raster_options *o, int samples,
                                 int64_t n_pages, qn_raster_axes *a, quern_error *err)
{
    const int last = samples > 1 ? (n_pages > 1 ? 3 : 2) : -2;
    const bool has_pages = n_pages > 1;
    if (o->z_axis >= 0 && !(has_pages && o->z_axis == 0))
        return qn_fail(err, QUERN_INVALID,
                       "axis %d cannot be z: only axis 0 of several pages can, and "
                       "there are %lld",
                       o->z_axis, (long long)n_pages);
    if (o->channel_axis >= 0 && o->channel_axis != last &&
        !(has_pages && o->channel_axis == 0 && o->z_axis < 0))
        return qn_fail(err, QUERN_INVALID,
                       "axis %d cannot be channels, with %lld pages of %d samples",
                       o->channel_axis, (long long)n_pages, samples);
    if (o->z_axis == 0 || o->channel_axis == 0)
        pages_are(a, n_pages, o->channel_axis == 0 && has_pages);
    return QUERN_OK;
}

quern_status qn_raster_axes_find(const qn_tiff_page *page, int64_t n_pages,
                                 const qn_raster_options *options, qn_raster_axes *axes,
                                 quern_error *err)
{
    const char *text = page->description ? page->description : "";
    *axes = (qn_raster_axes){.channels = 1, .slices = 1, .frames = 1};
    axes->channel_step = axes->slice_step = axes->frame_step = 1;
    if (!strncmp(text, "ImageJ=", 7))
        from_imagej(page, axes);
    else if (strstr(text, "<OME"))
        from_ome(page, axes);
    else
        from_resolution(page, axes);
    const int64_t n = axes->channels * axes->slices; /* at most 10^12 */
    const bool fits = n <= INT32_MAX && n * axes->frames == n_pages;
    axes->is_joined = !fits && n_pages == 1 && !strncmp(text, "ImageJ=", 7);
    if (axes->is_joined && n * axes->frames > INT32_MAX)
        return qn_fail(err, QUERN_LIMIT, "%lld pages of %lld frames are too many",
                       (long long)n, (long long)axes->frames);
    if (!fits && !axes->is_joined)
        pages_are(axes, n_pages, n_pages < 10 && page->samples == 1);
    return options ? from_options(options, page->samples, n_pages, axes, err)
                   : QUERN_OK;
}

void qn_raster_axes_at(const qn_raster_axes *axes, int64_t page, int64_t *plane,
                       int64_t *channel)
{
    const int64_t slice = page / axes->slice_step % axes->slices;
    const int64_t frame = page / axes->frame_step % axes->frames;
    *plane = frame * axes->slices + slice;
    *channel = page / axes->channel_step % axes->channels;
}
