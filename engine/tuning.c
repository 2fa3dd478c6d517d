/* SPDX-License-Identifier: Apache-2.0 */
/* engine/tuning.c - see tuning.h. */
#include "engine/tuning.h"

#include "engine/text.h"

#include <string.h>

typedef struct reader {
    const char *text, *p, *end;
    int line;
    quern_error *err;
} reader;

static quern_status wrong(const reader *r, const char *what)
{
    return qn_fail(r->err, QUERN_FORMAT, "line %d: %s", r->line, what);
}

/* FNV-1a: for damage, not for malice; nothing worse than slow follows from a tile. */
uint64_t qn_tuning_hash(const char *text, size_t n)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
    return hash;
}

/* The next line without its newline, which must be there. */
static bool take_line(reader *r, const char **line, size_t *n)
{
    const char *stop = memchr(r->p, '\n', (size_t)(r->end - r->p));
    r->line++;
    if (!stop) return false;
    *line = r->p;
    *n = (size_t)(stop - r->p);
    r->p = stop + 1;
    return true;
}

static bool is_line(const char *line, size_t n, const char *wanted)
{
    return strlen(wanted) == n && !memcmp(line, wanted, n);
}

/* Digits and the blank behind them, or the end of the line. */
static bool take_int(const char **p, const char *end, int64_t *out)
{
    size_t n = 0;
    while (*p + n < end && (*p)[n] >= '0' && (*p)[n] <= '9')
        n++;
    const char *from = *p;
    *p += n;
    if (*p < end && *(*p)++ != ' ') return false;
    return qn_text_to_int(from, n, out);
}

static quern_status read_head(reader *r, const char *isa, quern_error *err)
{
    const char *line;
    size_t n;
    char version[64], *to = version;
    if (!take_line(r, &line, &n) || !is_line(line, n, "quern-tuning 1"))
        return wrong(r, "is no tuning file of format 1");
    const char *const parts[] = {"made-for ", QUERN_VERSION, " ", isa};
    for (int i = 0; i < 4; i++) {
        const size_t length = strlen(parts[i]);
        if ((size_t)(version + sizeof version - to) <= length) break;
        memcpy(to, parts[i], length + 1);
        to += length;
    }
    if (!take_line(r, &line, &n)) return wrong(r, "the file is cut");
    if (is_line(line, n, version)) return QUERN_OK;
    return qn_fail(err, QUERN_FORMAT, "line 2: says '%.*s' where this is '%s'",
                   (int)(n < 60 ? n : 60), line, version);
}

static bool read_choice(const char *line, size_t n, qn_tuned *out)
{
    static const char word[] = "conv3x3 ";
    const char *p = line + sizeof word - 1, *end = line + n;
    int64_t tile;
    if (n < sizeof word || memcmp(line, word, sizeof word - 1) != 0) return false;
    if (!take_int(&p, end, &out->ic) || !take_int(&p, end, &out->oc) ||
        !take_int(&p, end, &out->h) || !take_int(&p, end, &out->w) ||
        !take_int(&p, end, &tile) || p != end)
        return false;
    out->tile = (int)tile;
    return tile == 0 || tile == 2 || tile == 4;
}

/* "end N HASH", and nothing behind it. */
static quern_status read_end(const reader *r, const char *line, size_t n, int n_found)
{
    static const char digits[] = "0123456789abcdef";
    const char *p = line + 4, *end = line + n;
    int64_t wanted;
    uint64_t hash = 0;
    if (n < 4 || !take_int(&p, end, &wanted) || end - p != 16 || r->p != r->end)
        return wrong(r, "the end of the file is damaged");
    for (; p < end; p++) {
        const char *at = memchr(digits, *p, 16);
        if (!at) return wrong(r, "the end of the file is damaged");
        hash = hash << 4 | (uint64_t)(at - digits);
    }
    if (wanted != n_found || hash != qn_tuning_hash(r->text, (size_t)(line - r->text)))
        return wrong(r, "the file is not as it was written");
    return QUERN_OK;
}

static quern_status read_choices(reader *r, qn_tuning *t)
{
    const char *line;
    size_t n;
    while (take_line(r, &line, &n)) {
        if (n >= 4 && !memcmp(line, "end ", 4)) return read_end(r, line, n, t->n);
        if (t->n == QN_TUNING_MOST) return wrong(r, "over 4096 choices");
        if (!read_choice(line, n, &t->list[t->n++]))
            return wrong(r, "is no choice that this version knows");
    }
    return wrong(r, "the file is cut");
}

quern_status qn_tuning_parse(qn_tuning *t, const char *text, size_t n, const char *isa,
                             qn_mem *mem, quern_error *err)
{
    reader r = {.text = text, .p = text, .end = text + n, .err = err};
    void *list;
    *t = (qn_tuning){.n = 0};
    QN_TRY(read_head(&r, isa, err));
    QN_TRY(qn_mem_alloc(mem, QN_TUNING_MOST * sizeof *t->list, &list, err));
    t->list = list;
    const quern_status status = read_choices(&r, t);
    if (status != QUERN_OK) qn_tuning_done(t, mem);
    return status;
}

void qn_tuning_done(qn_tuning *t, qn_mem *mem)
{
    if (t->list) qn_mem_free(mem, t->list, QN_TUNING_MOST * sizeof *t->list);
    *t = (qn_tuning){.n = 0};
}

int qn_tuning_find(const qn_tuning *t, const qn_tuned *conv)
{
    for (int i = 0; i < t->n; i++) {
        const qn_tuned *c = &t->list[i];
        if (c->ic == conv->ic && c->oc == conv->oc && c->h == conv->h &&
            c->w == conv->w)
            return c->tile;
    }
    return -1;
}
