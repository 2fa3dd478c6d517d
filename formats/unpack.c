/* SPDX-License-Identifier: Apache-2.0 */
/* formats/unpack.c - see unpack.h. */
#include "formats/unpack.h"

#include "formats/plugin.h"
#include "formats/unpack_abi.h"

static quern_status unpack_by(const char *plugin, const void *bytes, size_t n,
                              void *out, size_t size, quern_error *err)
{
    void *lib;
    const void *functions;
    size_t made = 0;
    QN_TRY(qn_plugin_open(plugin, QN_UNPACK_VERSION, &lib, &functions, err));
    const qn_unpack_abi *abi = functions;
    const char *wrong = abi->unpack(bytes, n, out, size, &made);
    quern_status status = QUERN_OK;
    if (wrong)
        status =
            qn_fail(err, QUERN_FORMAT, "%s data of %zu bytes: %s", plugin, n, wrong);
    else if (made != size)
        status = qn_fail(err, QUERN_FORMAT, "%s data gives %zu of %zu bytes", plugin,
                         made, size);
    qn_lib_close(lib);
    return status;
}

quern_status qn_zstd_unpack(const void *bytes, size_t n, void *out, size_t size,
                            quern_error *err)
{
    return unpack_by("zstd", bytes, n, out, size, err);
}

quern_status qn_brotli_unpack(const void *bytes, size_t n, void *out, size_t size,
                              quern_error *err)
{
    return unpack_by("brotli", bytes, n, out, size, err);
}
