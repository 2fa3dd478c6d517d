/* SPDX-License-Identifier: Apache-2.0 */
/* formats/plugins/archive_libarchive.c - the plug-in quern-archive.so: zip, and tar
 * plain or packed by gzip, bzip2, xz or Zstandard.  The other formats that libarchive
 * knows stay off. */
#include "formats/archive_abi.h"

#include <archive.h>
#include <archive_entry.h>

static const char *open_archive(const void *bytes, size_t n, void **out)
{
    struct archive *a = archive_read_new();
    *out = a;
    if (!a) return "no memory";
    archive_read_support_format_zip_seekable(a);
    archive_read_support_format_tar(a);
    archive_read_support_filter_gzip(a);
    archive_read_support_filter_bzip2(a);
    archive_read_support_filter_xz(a);
    archive_read_support_filter_zstd(a);
    return archive_read_open_memory(a, bytes, n) == ARCHIVE_OK
               ? NULL
               : archive_error_string(a);
}

static qn_entry_kind kind_of(struct archive_entry *e)
{
    if (archive_entry_hardlink(e) || archive_entry_hardlink_utf8(e))
        return QN_ENTRY_LINK;
    switch (archive_entry_filetype(e)) {
    case AE_IFREG:
        return QN_ENTRY_FILE;
    case AE_IFDIR:
        return QN_ENTRY_FOLDER;
    case AE_IFLNK:
        return QN_ENTRY_LINK;
    default:
        return QN_ENTRY_OTHER;
    }
}

static int next_entry(void *archive, qn_entry *out)
{
    struct archive_entry *e;
    const int code = archive_read_next_header(archive, &e);
    if (code == ARCHIVE_EOF) return 0;
    if (code != ARCHIVE_OK && code != ARCHIVE_WARN) return -1;
    out->name = archive_entry_pathname(e);
    if (!out->name) out->name = archive_entry_pathname_utf8(e);
    out->kind = kind_of(e);
    out->is_encrypted = archive_entry_is_encrypted(e) != 0;
    return 1;
}

static ptrdiff_t read_data(void *archive, void *out, size_t n)
{
    const la_ssize_t made = archive_read_data(archive, out, n);
    return made < 0 ? -1 : (ptrdiff_t)made;
}

static const char *wrong(void *archive)
{
    const char *text = archive_error_string(archive);
    return text ? text : "it is damaged";
}

static void close_archive(void *archive)
{
    if (archive) archive_read_free(archive);
}

__attribute__((visibility("default"))) const void *qn_archive_plugin(void);

const void *qn_archive_plugin(void)
{
    static const qn_archive_abi abi = {
        .version = QN_ARCHIVE_VERSION,
        .open = open_archive,
        .next = next_entry,
        .read = read_data,
        .wrong = wrong,
        .close = close_archive,
    };
    return &abi;
}
