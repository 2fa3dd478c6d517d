/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/interned.c - see interned.h: open addressing, linear probing, at most
 * half full; the hash is the multiplicative one of Knuth. */
#include "engine/cells/interned.h"

#include <string.h>

enum { ROOM_AT_FIRST = 1 << 10 };

static size_t slot_of(const qn_interned *t, uint64_t key)
{
    const size_t mask = 2 * t->room - 1;
    const uint64_t mixed = (key ^ key >> 29) * 0x9e3779b97f4a7c15u;
    size_t s = (size_t)(mixed >> 24) & mask;
    while (t->slot[s] && t->key[t->slot[s] - 1] != key)
        s = (s + 1) & mask;
    return s;
}

static quern_status grow(qn_interned *t, quern_error *err)
{
    qn_interned more = {.arena = t->arena, .n = t->n};
    void *p;
    more.room = t->room ? 2 * t->room : ROOM_AT_FIRST;
    if (more.room > (size_t)1 << 31)
        return qn_fail(err, QUERN_LIMIT, "more than %zu different numbers", t->room);
    QN_TRY(qn_arena_array(t->arena, more.room, sizeof *more.key, &p, err));
    more.key = p;
    QN_TRY(qn_arena_array(t->arena, more.room, sizeof *more.count, &p, err));
    more.count = p;
    QN_TRY(qn_arena_array(t->arena, 2 * more.room, sizeof *more.slot, &p, err));
    more.slot = p;
    for (size_t i = 0; i < t->n; i++) {
        more.key[i] = t->key[i];
        more.count[i] = t->count[i];
        more.slot[slot_of(&more, t->key[i])] = (uint32_t)i + 1;
    }
    *t = more;
    return QUERN_OK;
}

quern_status qn_interned_index(qn_interned *t, uint64_t key, size_t *index,
                               quern_error *err)
{
    if (t->n == t->room) QN_TRY(grow(t, err));
    const size_t s = slot_of(t, key);
    if (!t->slot[s]) {
        t->key[t->n] = key;
        t->slot[s] = (uint32_t)++t->n;
    }
    *index = t->slot[s] - 1;
    return QUERN_OK;
}
