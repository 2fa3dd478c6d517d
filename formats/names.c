/* SPDX-License-Identifier: Apache-2.0 */
/* formats/names.c - see names.h: open addressing, at most half full. */
#include "formats/names.h"

#include <string.h>

static uint64_t hash_of(const char *p, size_t n)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a, then mixed */
    for (size_t i = 0; i < n; i++)
        h = (h ^ (uint8_t)p[i]) * UINT64_C(0x100000001b3);
    h = (h ^ (h >> 32)) * UINT64_C(0xd6e8feb86659fd93);
    return h ^ (h >> 32);
}

/* The slot of the text, or the free one where it belongs. */
static size_t find_slot(const qn_names *names, const char *p, size_t n)
{
    size_t i = (size_t)hash_of(p, n) & (names->n_slots - 1);
    for (; names->slot[i]; i = (i + 1) & (names->n_slots - 1)) {
        const char *text = names->text[names->slot[i] - 1];
        if (!strncmp(text, p, n) && text[n] == 0) break;
    }
    return i;
}

int64_t qn_names_find(const qn_names *names, const char *p, size_t n)
{
    return names->n_slots ? names->slot[find_slot(names, p, n)] - 1 : -1;
}

/* Twice the room for texts, and slots for four times as many. */
static quern_status grow(qn_names *names, quern_error *err)
{
    const size_t room = names->room ? 2 * (size_t)names->room : 64;
    void *text, *slot;
    if (room > INT32_MAX / 4)
        return qn_fail(err, QUERN_LIMIT, "more than %lld different names",
                       (long long)names->room);
    QN_TRY(qn_arena_array(names->arena, room, sizeof *names->text, &text, err));
    QN_TRY(qn_arena_array(names->arena, 2 * room, sizeof *names->slot, &slot, err));
    if (names->n) memcpy(text, names->text, (size_t)names->n * sizeof *names->text);
    names->text = text;
    names->room = (int64_t)room;
    names->slot = slot;
    names->n_slots = 2 * room;
    for (int64_t i = 0; i < names->n; i++) {
        const char *p = names->text[i];
        names->slot[find_slot(names, p, strlen(p))] = (int32_t)i + 1;
    }
    return QUERN_OK;
}

/* Appends a text that is not there yet. */
static quern_status append(qn_names *names, const char *text, size_t n, int64_t *index,
                           quern_error *err)
{
    if (names->n == names->room) QN_TRY(grow(names, err));
    names->text[names->n] = text;
    names->slot[find_slot(names, text, n)] = (int32_t)names->n + 1;
    *index = names->n++;
    return QUERN_OK;
}

quern_status qn_names_add(qn_names *names, const char *p, size_t n, int64_t *index,
                          quern_error *err)
{
    const char *copy;
    *index = qn_names_find(names, p, n);
    if (*index >= 0) return QUERN_OK;
    QN_TRY(qn_arena_text(names->arena, p, n, &copy, err));
    return append(names, copy, n, index, err);
}

quern_status qn_names_keep(qn_names *names, const char *text, int64_t *index,
                           quern_error *err)
{
    const size_t n = strlen(text);
    *index = qn_names_find(names, text, n);
    return *index >= 0 ? QUERN_OK : append(names, text, n, index, err);
}
