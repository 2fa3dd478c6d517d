/* SPDX-License-Identifier: Apache-2.0 */
/* formats/onnx_external.c - the one door to external tensor data.  Every file is mapped
 * once; the kernel, not string arithmetic, keeps it inside its folder. */
#include "formats/onnx_external.h"

#include <string.h>

struct qn_external_file {
    qn_span location; /* as the model says it; its bytes are the arena's */
    qn_backing *backing;
    qn_external_file *next;
};

/* ---- what the model says ---- */

static quern_status parse_decimal(const qn_span *text, const char *key, uint64_t *out,
                                  quern_error *err)
{
    uint64_t v = 0;
    bool good = text->n > 0;
    for (size_t i = 0; good && i < text->n; i++) {
        unsigned digit = (unsigned)text->p[i] - '0';
        good = digit <= 9 && v <= (UINT64_MAX - digit) / 10;
        v = 10 * v + digit;
    }
    if (!good)
        return qn_fail(err, QUERN_FORMAT, "%s of external data is '%.*s', no number",
                       key, (int)(text->n < 40 ? text->n : 40), (const char *)text->p);
    *out = v;
    return QUERN_OK;
}

static quern_status once(bool *seen, const char *key, quern_error *err)
{
    if (*seen)
        return qn_fail(err, QUERN_FORMAT, "%s of external data is given twice", key);
    *seen = true;
    return QUERN_OK;
}

quern_status qn_external_entry(qn_external_ref *ref, const qn_span *key,
                               const qn_span *value, quern_error *err)
{
    if (qn_span_equal(key, "location")) {
        QN_TRY(once(&ref->has_location, "location", err));
        ref->location = *value;
        return QUERN_OK;
    }
    if (qn_span_equal(key, "offset")) {
        QN_TRY(once(&ref->has_offset, "offset", err));
        return parse_decimal(value, "offset", &ref->offset, err);
    }
    if (qn_span_equal(key, "length")) {
        QN_TRY(once(&ref->has_length, "length", err));
        return parse_decimal(value, "length", &ref->length, err);
    }
    if (qn_span_equal(key, "checksum") || qn_span_equal(key, "basepath"))
        return QUERN_OK;
    return qn_fail(err, QUERN_FORMAT, "external data has the unknown key '%.*s'",
                   (int)(key->n < 40 ? key->n : 40), (const char *)key->p);
}

/* Relative, forward slashes, no "..", nothing that another system reads otherwise. */
static const char *location_fault(const qn_span *at)
{
    if (at->n == 0) return "is empty";
    if (at->n > 1024) return "is longer than 1024 bytes";
    if (!qn_span_is_utf8(at)) return "is not valid UTF-8";
    if (at->p[0] == '/') return "is absolute";
    if (at->p[0] == '*') return "is a marker for data in memory"; /* ONNX Runtime's */
    if (memchr(at->p, '\\', at->n)) return "has a backslash";
    if (at->n > 1 && at->p[1] == ':') return "names a drive";
    for (size_t i = 0; i < at->n;) {
        const uint8_t *slash = memchr(at->p + i, '/', at->n - i);
        size_t n = slash ? (size_t)(slash - at->p) - i : at->n - i;
        if (n == 2 && !memcmp(at->p + i, "..", 2)) return "goes up with '..'";
        i += n + 1;
    }
    return NULL;
}

/* ---- opening ---- */

/* Opens real, an absolute path without links, if it lies in the folder.  *inside tells;
 * the kernel checks again while opening. */
static quern_status open_inside(const char *folder, const char *real, bool *inside,
                                qn_file *out, quern_error *err)
{
    char root[QN_PATH_MAX];
    QN_TRY(qn_path_resolve(folder, root, err));
    size_t n = strlen(root);
    if (n == 1) n = 0; /* "/" */
    *inside = strncmp(real, root, n) == 0 && real[n] == '/';
    return *inside ? qn_file_open(root, real + n + 1, out, err) : QUERN_OK;
}

/* A link beside the model leads out of its folder: fine if it ends where the model
 * itself really lies, or in the folder that the caller allows. */
static quern_status open_linked(const qn_external *x, const char *folder,
                                const char *location, qn_file *out, quern_error *err)
{
    char joined[2 * QN_PATH_MAX], real[QN_PATH_MAX], home[QN_PATH_MAX];
    size_t n = strlen(folder), m = strlen(location);
    bool inside = false;
    if (n + m + 2 > sizeof joined)
        return qn_fail(err, QUERN_INVALID, "path has %zu bytes, at most %zu", n + m + 2,
                       sizeof joined);
    memcpy(joined, folder, n);
    joined[n] = '/';
    memcpy(joined + n + 1, location, m);
    joined[n + 1 + m] = 0;
    QN_TRY(qn_path_resolve(x->model_path, real, err));
    QN_TRY(qn_path_folder(real, home, err));
    QN_TRY(qn_path_resolve(joined, real, err));
    QN_TRY(open_inside(home, real, &inside, out, err));
    if (!inside && x->extra_dir)
        QN_TRY(open_inside(x->extra_dir, real, &inside, out, err));
    if (inside) return QUERN_OK;
    return qn_fail(err, QUERN_INVALID, "it leads out of the folder '%s'", folder);
}

static quern_status open_beside_model(const qn_external *x, const char *location,
                                      qn_file *out, quern_error *err)
{
    char folder[QN_PATH_MAX];
    QN_TRY(qn_path_folder(x->model_path, folder, err));
    quern_status status = qn_file_open(folder, location, out, err);
    if (status != QUERN_INVALID) return status;
    return open_linked(x, folder, location, out, err);
}

static quern_status open_location(const qn_external *x, const char *location,
                                  qn_file *out, quern_error *err)
{
    quern_status status = QUERN_OK;
    if (x->extra_dir) {
        status = qn_file_open(x->extra_dir, location, out, err);
        if (status == QUERN_OK || !x->model_path) return status;
    }
    if (x->model_path) return open_beside_model(x, location, out, err);
    return qn_fail(
        err, QUERN_INVALID,
        "the model comes from memory and no folder for external data is given");
}

static void release_map(qn_backing *backing)
{
    qn_map map = {backing->base, backing->bytes};
    qn_map_done(&map);
}

static void drop_map(qn_backing *backing, const void *p, size_t n)
{
    qn_map map = {backing->base, backing->bytes};
    qn_map_drop(&map, p, n);
}

quern_status qn_model_map(quern_model *model, const qn_file *file, qn_backing **out,
                          quern_error *err)
{
    void *p;
    qn_map map;
    QN_TRY(qn_arena_alloc(&model->arena, sizeof **out, &p, err));
    QN_TRY(qn_file_map(file, &map, err));
    *out = p;
    **out = (qn_backing){.base = map.base,
                         .bytes = map.bytes,
                         .release = release_map,
                         .drop = drop_map,
                         .next = model->backings};
    model->backings = *out;
    return QUERN_OK;
}

static quern_status map_location(qn_external *x, const char *location, qn_backing **out,
                                 quern_error *err)
{
    qn_file file;
    QN_TRY(open_location(x, location, &file, err));
    quern_status status;
    if (x->strict && file.links > 1)
        status =
            qn_fail(err, QUERN_INVALID, "the file has %llu names, only 1 is allowed",
                    (unsigned long long)file.links);
    else
        status = qn_model_map(x->model, &file, out, err);
    qn_file_close(&file);
    return status;
}

static quern_status find_file(qn_external *x, const qn_span *at, qn_backing **out,
                              quern_error *err)
{
    for (qn_external_file *f = x->files; f; f = f->next)
        if (f->location.n == at->n && !memcmp(f->location.p, at->p, at->n)) {
            *out = f->backing;
            return QUERN_OK;
        }
    const char *location;
    void *p;
    QN_TRY(qn_arena_text(&x->model->arena, (const char *)at->p, at->n, &location, err));
    QN_TRY(qn_arena_alloc(&x->model->arena, sizeof *x->files, &p, err));
    QN_TRY(map_location(x, location, out, err));
    qn_external_file *f = p;
    *f = (qn_external_file){{(const uint8_t *)location, at->n, 0}, *out, x->files};
    x->files = f;
    return QUERN_OK;
}

quern_status qn_external_data(qn_external *x, const qn_external_ref *ref, size_t need,
                              const uint8_t **out, quern_error *err)
{
    const qn_span *at = &ref->location;
    const char *fault = ref->has_location ? location_fault(at) : "is missing";
    if (fault)
        return qn_fail(err, QUERN_INVALID, "location of external data '%.*s' %s",
                       (int)(at->n < 200 ? at->n : 200),
                       at->n ? (const char *)at->p : "", fault);
    if (ref->has_length && ref->length != need)
        return qn_fail(err, QUERN_FORMAT,
                       "external data has %llu bytes, the dims need %zu",
                       (unsigned long long)ref->length, need);
    qn_backing *backing = NULL;
    quern_status status = find_file(x, at, &backing, err);
    if (status == QUERN_OK &&
        (ref->offset > backing->bytes || need > backing->bytes - ref->offset))
        status = qn_fail(err, QUERN_FORMAT, "%zu bytes at %llu, the file has %zu", need,
                         (unsigned long long)ref->offset, backing->bytes);
    if (status != QUERN_OK) {
        qn_within(err, "external data '%.*s'", (int)at->n, (const char *)at->p);
        return status;
    }
    *out = (const uint8_t *)backing->base + ref->offset;
    return QUERN_OK;
}
