/* SPDX-License-Identifier: Apache-2.0 */
/* formats/store_items.c - see store_items.h. */
#include "formats/store_items.h"

#include "formats/dataset_build.h"
#include "formats/deflate.h"
#include "formats/json_tree.h"
#include "formats/json_write.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { CRC_TAIL = 18 }; /* bytes of ,"crc":"89abcdef"} */

/* ---- writing --------------------------------------------------------------------- */

static void put_meta(qn_json *j, const qn_stored_item *item)
{
    qn_json_object(j, "meta");
    for (int i = 0; i < item->n_meta; i++)
        if (item->meta[1][i]) qn_json_text(j, item->meta[0][i], item->meta[1][i]);
    qn_json_close(j);
}

void qn_item_write(qn_buf *out, const qn_stored_item *item)
{
    qn_json j;
    const size_t begin = out->n;
    qn_json_begin(&j, out);
    qn_json_text(&j, "name", item->name);
    if (item->label >= 0) qn_json_int(&j, "label", item->label);
    if (item->split) qn_json_text(&j, "split", qn_split_name(item->split));
    if (item->group) qn_json_text(&j, "group", item->group);
    if (item->weight != 1) qn_json_real(&j, "weight", item->weight);
    qn_json_int(&j, "from", item->from);
    qn_json_int(&j, "at", item->at);
    qn_json_int(&j, "bytes", item->bytes);
    qn_json_text(&j, "sha256", item->sha256);
    if (item->pixels[0]) {
        qn_json_array(&j, "pixels");
        for (int k = 0; k < 3; k++)
            qn_json_int(&j, NULL, item->pixels[k]);
        qn_json_close(&j);
    }
    if (item->n_meta) put_meta(&j, item);
    if (qn_buf_status(out, NULL) != QUERN_OK) return;
    const uint32_t crc = qn_crc32(0, out->p + begin, out->n - begin);
    qn_buf_format(out, ",\"crc\":\"%08x\"", (unsigned)crc);
    qn_json_end(&j);
}

/* ---- reading --------------------------------------------------------------------- */

static quern_status wrong(quern_error *err, const char *key)
{
    return qn_fail(err, QUERN_FORMAT, "its '%s' is missing or not as it should be",
                   key);
}

/* A whole number from 0; an absent one is what it was. */
static quern_status take_whole(const qn_tree *tree, const char *key, int64_t *out,
                               quern_error *err)
{
    const qn_tree *at = qn_tree_get(tree, key);
    if (!at) return QUERN_OK;
    if (at->kind != QN_TREE_NUMBER || !(at->number >= 0 && at->number < 9e15) ||
        at->number != floor(at->number))
        return wrong(err, key);
    *out = (int64_t)at->number;
    return QUERN_OK;
}

static quern_status take_pixels(const qn_tree *tree, qn_stored_item *out,
                                quern_error *err)
{
    const qn_tree *list = qn_tree_get(tree, "pixels");
    if (!list) return QUERN_OK;
    if (list->kind != QN_TREE_LIST || list->n != 3) return wrong(err, "pixels");
    int k = 0;
    for (const qn_tree *at = list->first; at; at = at->next, k++) {
        const bool is_side = k < 2;
        if (at->kind != QN_TREE_NUMBER || at->number != floor(at->number) ||
            !(at->number >= 1 && at->number <= (is_side ? QN_IMAGE_MAX_SIDE : 3)))
            return wrong(err, "pixels");
        out->pixels[k] = (int)at->number;
    }
    const int64_t size =
        (int64_t)out->pixels[0] * out->pixels[1] * (int64_t)out->pixels[2];
    if (out->pixels[2] == 2 || size != out->bytes) return wrong(err, "pixels");
    return QUERN_OK;
}

static quern_status take_meta(qn_arena *arena, const qn_tree *tree, qn_stored_item *out,
                              quern_error *err)
{
    const qn_tree *meta = qn_tree_get(tree, "meta");
    void *names, *texts;
    if (!meta) return QUERN_OK;
    if (meta->kind != QN_TREE_OBJECT || meta->n > QN_ITEM_MAX_META)
        return wrong(err, "meta");
    const size_t n = (size_t)meta->n;
    QN_TRY(qn_arena_array(arena, n, sizeof(char *), &names, err));
    QN_TRY(qn_arena_array(arena, n, sizeof(char *), &texts, err));
    out->meta[0] = names;
    out->meta[1] = texts;
    for (const qn_tree *at = meta->first; at; at = at->next) {
        if (at->kind != QN_TREE_TEXT) return wrong(err, "meta");
        ((const char **)names)[out->n_meta] = at->key;
        ((const char **)texts)[out->n_meta++] = at->text;
    }
    return QUERN_OK;
}

static quern_status take_split(const qn_tree *tree, qn_stored_item *out,
                               quern_error *err)
{
    const char *text = qn_tree_text(tree, "split", NULL);
    if (!text) return QUERN_OK;
    out->split = qn_split_of(text);
    return out->split == QN_SPLIT_NONE ? wrong(err, "split") : QUERN_OK;
}

static quern_status take_item(qn_arena *arena, const qn_tree *tree, qn_stored_item *out,
                              quern_error *err)
{
    int64_t label = -1;
    const char *digest = qn_tree_text(tree, "sha256", "");
    *out = (qn_stored_item){.weight = 1};
    out->name = qn_tree_text(tree, "name", "");
    out->group = qn_tree_text(tree, "group", NULL);
    if (!*out->name) return wrong(err, "name");
    if (strlen(digest) != 64 || strspn(digest, "0123456789abcdef") != 64)
        return wrong(err, "sha256");
    memcpy(out->sha256, digest, sizeof out->sha256);
    QN_TRY(take_whole(tree, "label", &label, err));
    if (label >= QN_MAX_CLASSES) return wrong(err, "label");
    out->label = (int32_t)label;
    QN_TRY(take_split(tree, out, err));
    QN_TRY(take_whole(tree, "from", &out->from, err));
    QN_TRY(take_whole(tree, "at", &out->at, err));
    QN_TRY(take_whole(tree, "bytes", &out->bytes, err));
    if (qn_tree_get(tree, "weight")) out->weight = qn_tree_real(tree, "weight");
    if (!(out->weight >= 0 && out->weight < 1e30)) return wrong(err, "weight");
    QN_TRY(take_pixels(tree, out, err));
    return take_meta(arena, tree, out, err);
}

/* Whether line[n] ends in the checksum of what stands before it. */
static bool has_crc(const char *line, size_t n)
{
    char tail[CRC_TAIL + 1];
    if (n <= CRC_TAIL) return false;
    snprintf(tail, sizeof tail, ",\"crc\":\"%08x\"}",
             (unsigned)qn_crc32(0, line, n - CRC_TAIL));
    return !memcmp(line + n - CRC_TAIL, tail, CRC_TAIL);
}

quern_status qn_item_read(qn_arena *arena, const char **p, const char *end,
                          qn_stored_item *out, quern_error *err)
{
    const qn_tree *tree;
    const char *line = *p, *stop = memchr(line, '\n', (size_t)(end - line));
    if (!stop) return qn_fail(err, QUERN_FORMAT, "the line is cut off");
    const size_t n = (size_t)(stop - line);
    if (!has_crc(line, n))
        return qn_fail(err, QUERN_FORMAT, "the line does not match its checksum");
    *p = stop + 1;
    QN_TRY(qn_tree_parse(arena, line, n, &tree, err));
    return take_item(arena, tree, out, err);
}
