/* SPDX-License-Identifier: Apache-2.0 */
/* formats/tar.c - see tar.h.  A header is a block of text fields (POSIX.1-2001 pax,
 * "ustar interchange format"):
 *
 *   name[100] mode[8] uid[8] gid[8] size[12] mtime[12] checksum[8] type[1] link[100]
 *   "ustar\0" "00" user[32] group[32] major[8] minor[8] prefix[155] pad[12] */
#include "formats/tar.h"

#include <stdio.h>
#include <string.h>

enum {
    AT_SIZE = 124,
    AT_SUM = 148,
    AT_TYPE = 156,
    AT_MAGIC = 257,
    AT_PREFIX = 345,
    NAME_SIZE = 100,
    PREFIX_SIZE = 155
};

/* ---- fields --------------------------------------------------------------------- */

/* Octal digits that blanks or zeros may surround, or GNU's big-endian binary. */
static bool read_number(const uint8_t *p, size_t n, uint64_t *out)
{
    uint64_t value = 0;
    size_t i = 0;
    if (p[0] == 0x80) {
        for (i = 1; i < n; i++) {
            if (value >> 55) return false;
            value = value << 8 | p[i];
        }
        *out = value;
        return true;
    }
    while (i < n && p[i] == ' ')
        i++;
    for (; i < n && p[i] >= '0' && p[i] <= '7'; i++)
        value = value << 3 | (uint64_t)(p[i] - '0'); /* 12 digits at most */
    for (; i < n; i++)
        if (p[i] != 0 && p[i] != ' ') return false;
    *out = value;
    return true;
}

static bool sum_fits(const uint8_t *p)
{
    uint64_t told;
    uint32_t sum = 0;
    int32_t signed_sum = 0; /* as some old programs added */
    for (int i = 0; i < QN_TAR_BLOCK; i++) {
        const uint8_t c = i >= AT_SUM && i < AT_SUM + 8 ? ' ' : p[i];
        sum += c;
        signed_sum += (int8_t)c;
    }
    return read_number(p + AT_SUM, 8, &told) &&
           (told == sum || (int64_t)told == signed_sum);
}

static size_t field_length(const uint8_t *p, size_t room)
{
    const uint8_t *zero = memchr(p, 0, room);
    return zero ? (size_t)(zero - p) : room;
}

static bool is_zero(const uint8_t *p)
{
    for (int i = 0; i < QN_TAR_BLOCK; i++)
        if (p[i]) return false;
    return true;
}

bool qn_tar_is(const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    return n >= QN_TAR_BLOCK && !is_zero(p) && sum_fits(p);
}

/* ---- what stands before an entry ------------------------------------------------- */

/* Of pax records and GNU's long names, which hold for the entry that follows. */
typedef struct extras {
    bool has_name, has_size;
    uint64_t size;
} extras;

static quern_status keep_name(qn_tar *tar, const uint8_t *p, size_t n, quern_error *err)
{
    if (n >= QN_TAR_NAME)
        return qn_fail(err, QUERN_LIMIT, "a name of %zu bytes; at most %d are read", n,
                       QN_TAR_NAME - 1);
    if (memchr(p, 0, n)) return qn_fail(err, QUERN_FORMAT, "a name with a zero byte");
    memcpy(tar->name, p, n);
    tar->name[n] = 0;
    return QUERN_OK;
}

static bool take_decimal(const uint8_t **p, const uint8_t *end, uint64_t *out)
{
    const uint8_t *from = *p;
    for (*out = 0; *p < end && **p >= '0' && **p <= '9'; ++*p) {
        if (*out > UINT64_MAX / 16) return false;
        *out = *out * 10 + (uint64_t)(**p - '0');
    }
    return *p > from;
}

/* "path=..." or "size=..."; other keys do not matter here. */
static quern_status take_record(qn_tar *tar, const uint8_t *p, const uint8_t *end,
                                extras *x, quern_error *err)
{
    const uint8_t *value = p + 5;
    if (end - p < 5) return QUERN_OK;
    if (!memcmp(p, "path=", 5)) {
        x->has_name = true;
        return keep_name(tar, value, (size_t)(end - value), err);
    }
    if (!memcmp(p, "size=", 5)) {
        x->has_size = true;
        if (!take_decimal(&value, end, &x->size) || value != end)
            return qn_fail(err, QUERN_FORMAT, "a pax size that is no number");
    }
    return QUERN_OK;
}

/* Records "27 path=photos/long name.png\n": the length is that of the whole line. */
static quern_status take_pax(qn_tar *tar, qn_span text, extras *x, quern_error *err)
{
    while (text.n > 0) {
        const uint8_t *p = text.p, *end = text.p + text.n;
        uint64_t length;
        if (!take_decimal(&p, end, &length) || p == end || *p != ' ' ||
            length > text.n || text.p + length < p + 2 || text.p[length - 1] != '\n')
            return qn_fail(err, QUERN_FORMAT, "a pax record of a wrong length");
        QN_TRY(take_record(tar, p + 1, text.p + length - 1, x, err));
        text.p += length;
        text.n -= length;
    }
    return QUERN_OK;
}

/* ---- entries --------------------------------------------------------------------- */

static quern_status ustar_name(qn_tar *tar, const uint8_t *p, quern_error *err)
{
    uint8_t whole[PREFIX_SIZE + 1 + NAME_SIZE];
    const bool has_prefix = !memcmp(p + AT_MAGIC, "ustar\0", 6);
    size_t n = has_prefix ? field_length(p + AT_PREFIX, PREFIX_SIZE) : 0;
    const size_t rest = field_length(p, NAME_SIZE);
    memcpy(whole, p + AT_PREFIX, n);
    if (n) whole[n++] = '/';
    memcpy(whole + n, p, rest);
    return keep_name(tar, whole, n + rest, err);
}

static qn_tar_kind kind_of(uint8_t type, const char *name)
{
    const size_t n = strlen(name);
    switch (type) {
    case 0:
    case '0':
    case '7': /* "contiguous", which nothing is */
        return n && name[n - 1] == '/' ? QN_TAR_FOLDER : QN_TAR_FILE;
    case '1':
    case '2':
        return QN_TAR_LINK;
    case '3':
    case '4':
    case '6':
        return QN_TAR_DEVICE;
    case '5':
        return QN_TAR_FOLDER;
    default:
        return QN_TAR_OTHER;
    }
}

/* The data behind the header, and past it to a whole block; the last block's filling
 * may lack. */
static quern_status take_data(qn_tar *tar, uint64_t size, qn_span *out,
                              quern_error *err)
{
    qn_span filling;
    if (!qn_take(&tar->left, size, out))
        return qn_fail(err, QUERN_FORMAT, "it says %llu bytes, and %zu are left",
                       (unsigned long long)size, tar->left.n);
    const uint64_t pad = (QN_TAR_BLOCK - size % QN_TAR_BLOCK) % QN_TAR_BLOCK;
    qn_take(&tar->left, pad < tar->left.n ? pad : tar->left.n, &filling);
    return QUERN_OK;
}

/* Takes one header with its data.  *done: it is an entry, not what stands before one.
 */
static quern_status take_block(qn_tar *tar, const uint8_t *p, extras *x,
                               qn_tar_entry *out, bool *done, quern_error *err)
{
    uint64_t size;
    const uint8_t type = p[AT_TYPE];
    *done = false;
    if (!sum_fits(p)) return qn_fail(err, QUERN_FORMAT, "its checksum does not fit");
    if (!read_number(p + AT_SIZE, 12, &size))
        return qn_fail(err, QUERN_FORMAT, "its size is no number");
    if (type == 'x' || type == 'g' || type == 'L' || type == 'K') {
        QN_TRY(take_data(tar, size, &out->data, err));
        if (type == 'x') return take_pax(tar, out->data, x, err);
        if (type != 'L') return QUERN_OK; /* of all entries; of a link's target */
        x->has_name = true;
        return keep_name(tar, out->data.p, field_length(out->data.p, out->data.n), err);
    }
    if (!x->has_name) QN_TRY(ustar_name(tar, p, err));
    out->name = tar->name;
    out->kind = kind_of(type, tar->name);
    *done = true;
    if (x->has_size) size = x->size;
    /* a link's size is that of the file it leads to, in some archives */
    if (out->kind == QN_TAR_LINK || out->kind == QN_TAR_DEVICE) size = 0;
    return take_data(tar, size, &out->data, err);
}

quern_status qn_tar_next(qn_tar *tar, qn_tar_entry *out, bool *found, quern_error *err)
{
    extras x = {0};
    const size_t from = tar->left.offset;
    *found = false;
    for (bool is_begun = false, done = false; !done; is_begun = true) {
        qn_span head;
        quern_status status = QUERN_OK;
        if (tar->left.n == 0 && !is_begun) return QUERN_OK;
        if (!qn_take(&tar->left, QN_TAR_BLOCK, &head))
            status = qn_fail(err, QUERN_FORMAT, "%zu bytes are no header of %d",
                             tar->left.n, QN_TAR_BLOCK);
        else if (is_zero(head.p) && !is_begun)
            return QUERN_OK;
        else
            status = take_block(tar, head.p, &x, out, &done, err);
        if (status == QUERN_OK) continue;
        qn_within(err, "entry at byte %zu", from);
        return status;
    }
    *found = true;
    return QUERN_OK;
}

bool qn_tar_is_safe(const char *name)
{
    if (!*name || *name == '/') return false;
    for (const char *p = name; *p; p++) {
        const bool at_start = p == name || p[-1] == '/';
        if ((uint8_t)*p < ' ' || *p == 0x7f || *p == '\\') return false;
        if (at_start && p[0] == '.' && p[1] == '.' && (p[2] == '/' || !p[2]))
            return false;
        if (at_start && p[1] == ':') return false;
    }
    return true;
}

/* ---- writing --------------------------------------------------------------------- */

/* Where a name is cut into prefix and rest so that both fit; 0: it need not be; false:
 * it cannot be. */
static bool find_cut(const char *name, size_t *cut)
{
    const size_t n = strlen(name);
    *cut = 0;
    for (const char *p = name; *p; p++)
        if ((uint8_t)*p >= 0x80) return false; /* other than ASCII goes by pax */
    if (n <= NAME_SIZE) return true;
    for (size_t i = n - 1; i > 0; i--)
        if (name[i] == '/' && i <= PREFIX_SIZE && n - i - 1 <= NAME_SIZE) {
            *cut = i;
            return true;
        }
    return false;
}

static void put_block(qn_buf *out, const char *name, size_t cut, uint64_t size,
                      char type)
{
    uint8_t b[QN_TAR_BLOCK] = {0};
    uint32_t sum = 0;
    const char *rest = name + (cut ? cut + 1 : 0);
    const size_t n = strlen(rest);
    memcpy(b, rest, n < NAME_SIZE ? n : NAME_SIZE);
    memcpy(b + AT_PREFIX, name, cut);
    memcpy(b + 100, "0000644\0000000000\0000000000", 24);
    if (size >> 33) { /* does not fit eleven octal digits */
        b[AT_SIZE] = 0x80;
        for (int i = 0; i < 8; i++)
            b[AT_SIZE + 11 - i] = (uint8_t)(size >> (8 * i));
    } else {
        snprintf((char *)b + AT_SIZE, 12, "%011llo", (unsigned long long)size);
    }
    memcpy(b + AT_SIZE + 12, "00000000000", 12);
    memset(b + AT_SUM, ' ', 8);
    b[AT_TYPE] = (uint8_t)type;
    memcpy(b + AT_MAGIC, "ustar\00000", 8);
    for (int i = 0; i < QN_TAR_BLOCK; i++)
        sum += b[i];
    snprintf((char *)b + AT_SUM, 7, "%06o", sum & 0777777);
    qn_buf_add(out, b, sizeof b);
}

/* The length stands in its own line: it grows until it fits itself. */
static void put_pax(qn_buf *out, const char *name)
{
    const size_t rest = strlen(name) + strlen(" path=\n");
    size_t n = rest + 1;
    char digits[24];
    while (n != rest + (size_t)snprintf(digits, sizeof digits, "%zu", n))
        n = rest + strlen(digits);
    put_block(out, "././@PaxHeader", 0, n, 'x');
    qn_buf_format(out, "%s path=", digits);
    qn_buf_text(out, name);
    qn_buf_byte(out, '\n');
    qn_tar_pad(out, n);
}

void qn_tar_put_header(qn_buf *out, const char *name, uint64_t n)
{
    size_t cut;
    if (!find_cut(name, &cut)) put_pax(out, name);
    put_block(out, name, cut, n, '0');
}

void qn_tar_pad(qn_buf *out, uint64_t n)
{
    const size_t pad = (size_t)(-n % QN_TAR_BLOCK);
    void *room = pad ? qn_buf_room(out, pad) : NULL;
    if (room) memset(room, 0, pad);
}

void qn_tar_put_end(qn_buf *out)
{
    void *room = qn_buf_room(out, 2 * (size_t)QN_TAR_BLOCK);
    if (room) memset(room, 0, 2 * (size_t)QN_TAR_BLOCK);
}
