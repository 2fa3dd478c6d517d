/* SPDX-License-Identifier: Apache-2.0 */
/* tools/decode_planes.c - see decode_planes.h. */
#include "tools/decode_planes.h"

#include "formats/raster_parts.h"

#include <math.h>
#include <string.h>

/* ---- the asking side ---- */

void qn_planes_ask_put(qn_wire *wire, const qn_arena *arena, const qn_raster_file *file,
                       const qn_raster_options *options)
{
    const uint32_t what = QN_PLANES_ASKED;
    const size_t budget = arena->mem->budget, used = arena->mem->used;
    const qn_planes_ask ask = {.bytes = file->n,
                               .budget = !budget         ? 0
                                         : used < budget ? budget - used
                                                         : 1,
                               .max_pixels = options->max_pixels,
                               .z_axis = options->z_axis,
                               .channel_axis = options->channel_axis,
                               .shape_only = options->shape_only,
                               .is_mapped = file->path != NULL};
    qn_wire_begin(wire);
    qn_wire_put(wire, &what, sizeof what);
    qn_wire_put(wire, &ask, sizeof ask);
    if (!file->path) qn_wire_put(wire, file->bytes, file->n);
    qn_wire_pass(wire);
}

static double length_of(double told)
{
    return isfinite(told) && told > 0 ? told : 0;
}

static bool is_side(int64_t n)
{
    return n >= 1 && n <= INT32_MAX;
}

static bool take_head(const qn_planes_head *h, qn_planes *out, int *orientation)
{
    const bool is_type =
        h->dtype == QUERN_UINT8 || h->dtype == QUERN_UINT16 || h->dtype == QUERN_FLOAT;
    if (!is_type || !is_side(h->depth) || !is_side(h->channels) ||
        !is_side(h->height) || !is_side(h->width) || h->orientation < 1 ||
        h->orientation > 8)
        return false;
    *orientation = h->orientation;
    *out = (qn_planes){.dtype = (quern_dtype)h->dtype,
                       .depth = h->depth,
                       .channels = h->channels,
                       .height = h->height,
                       .width = h->width,
                       .is_colour = h->is_colour != 0,
                       .um_per_px = length_of(h->um_per_px),
                       .um_per_plane = length_of(h->um_per_plane)};
    return true;
}

static bool take_sentence(qn_wire *wire, int64_t status, int64_t n_text,
                          quern_status *out, quern_error *err)
{
    quern_error why;
    if (n_text < 0 || n_text >= (int64_t)sizeof why.text) return false;
    qn_wire_take(wire, why.text, (size_t)n_text);
    why.text[n_text] = 0;
    *out = qn_fail(err, qn_wire_status(status), "%s", why.text);
    return !wire->is_cut;
}

static bool is_inside(const qn_planes *p, const qn_planes_part *part)
{
    return part->plane >= 0 && part->plane < p->depth * p->channels && part->y >= 0 &&
           part->y < p->height && part->x >= 0 && part->n >= 1 && part->n <= p->width &&
           part->x <= p->width - part->n;
}

static bool take_parts(qn_wire *wire, const qn_planes *p, qn_mem *mem,
                       quern_status *status, quern_error *err)
{
    const size_t size = qn_dtype_size(p->dtype);
    int64_t left = p->depth * p->channels * p->height * p->width;
    for (;;) {
        qn_planes_part part;
        qn_wire_take(wire, &part, sizeof part);
        if (wire->is_cut) return false;
        if (part.plane < 0 && part.y == QUERN_OK) return left == 0;
        if (part.plane < 0) return take_sentence(wire, part.y, part.x, status, err);
        if (!is_inside(p, &part) || part.n > left) return false;
        qn_wire_take(wire, qn_raster_row(NULL, p, part.plane, part.y, part.x),
                     (size_t)part.n * size);
        qn_mem_passed(mem, (size_t)part.n * size);
        left -= part.n;
    }
}

bool qn_planes_take(qn_wire *wire, qn_arena *arena, const qn_raster_options *options,
                    qn_planes *out, int *orientation, quern_status *status,
                    bool *is_left, quern_error *err)
{
    qn_planes_head head;
    *status = QUERN_OK;
    *is_left = false;
    qn_wire_take(wire, &head, sizeof head);
    if (wire->is_cut) return false;
    if (head.status != QUERN_OK)
        return take_sentence(wire, head.status, head.n_text, status, err);
    if (!take_head(&head, out, orientation)) return false;
    *status = qn_raster_room(arena, options, out, err);
    *is_left = *status != QUERN_OK;
    if (*is_left || options->shape_only) return true;
    return take_parts(wire, out, arena->mem, status, err);
}

/* ---- the worker's side ---- */

typedef struct answer {
    qn_wire *wire;
    qn_raster_sink sink;
    size_t size; /* bytes of a sample */
    bool is_begun;
} answer;

static quern_status begin(void *ctx, const qn_planes *p, quern_error *err)
{
    answer *a = ctx;
    const qn_planes_head head = {.status = QUERN_OK,
                                 .dtype = (int32_t)p->dtype,
                                 .orientation = a->sink.orientation,
                                 .is_colour = p->is_colour,
                                 .depth = p->depth,
                                 .channels = p->channels,
                                 .height = p->height,
                                 .width = p->width,
                                 .um_per_px = p->um_per_px,
                                 .um_per_plane = p->um_per_plane};
    (void)err;
    a->size = qn_dtype_size(p->dtype);
    a->is_begun = true;
    qn_wire_put(a->wire, &head, sizeof head);
    return QUERN_OK;
}

static void put(void *ctx, int64_t plane, int64_t y, int64_t x, int64_t n,
                const void *samples)
{
    const answer *a = ctx;
    const qn_planes_part part = {plane, y, x, n};
    qn_wire_put(a->wire, &part, sizeof part);
    qn_wire_put(a->wire, samples, (size_t)n * a->size);
}

/* What is said behind the last sample, or in place of all. */
static void put_end(answer *a, quern_status status, const quern_error *why)
{
    const size_t n = status == QUERN_OK ? 0 : strlen(why->text);
    const qn_planes_part end = {-1, status, (int64_t)n, 0};
    const qn_planes_head head = {.status = (int32_t)status, .n_text = (uint32_t)n};
    if (a->is_begun)
        qn_wire_put(a->wire, &end, sizeof end);
    else
        qn_wire_put(a->wire, &head, sizeof head);
    if (n > 0) qn_wire_put(a->wire, why->text, n);
}

void qn_planes_refuse(qn_wire *wire, const quern_error *why)
{
    answer a = {.wire = wire};
    qn_wire_begin(wire);
    put_end(&a, QUERN_UNSUPPORTED, why);
}

void qn_planes_answer(qn_wire *wire, qn_arena *arena, const void *bytes, size_t n,
                      const qn_planes_ask *ask, const struct qn_tiff_abi *tiff)
{
    answer a = {.wire = wire};
    quern_error why = {.status = QUERN_OK};
    qn_planes planes;
    a.sink = (qn_raster_sink){begin, put, &a, 1};
    const qn_raster_options options = {.z_axis = ask->z_axis,
                                       .channel_axis = ask->channel_axis,
                                       .max_pixels = ask->max_pixels,
                                       .shape_only = ask->shape_only != 0,
                                       .sink = &a.sink,
                                       .tiff = tiff};
    qn_wire_begin(wire);
    const quern_status status =
        qn_raster_parse(arena, bytes, n, &options, &planes, &why);
    const bool is_shape = status == QUERN_OK && !a.is_begun;
    if (is_shape)
        begin(&a, &planes, NULL);
    else
        put_end(&a, status, &why);
}
