/* SPDX-License-Identifier: Apache-2.0 */
/* bench/streams.c - see streams.h. */
#include "bench/streams.h"

#include "engine/os.h"

#include <pthread.h>

typedef struct stream {
    pthread_t thread;
    quern_session *session;
    double until;
    int64_t n_runs;
    quern_status status;
    quern_error err;
} stream;

static void *run_stream(void *ctx)
{
    stream *s = ctx;
    while (s->status == QUERN_OK && qn_os_seconds() < s->until) {
        s->status = quern_run(s->session, &s->err);
        s->n_runs++;
    }
    return NULL;
}

quern_status qn_streams_run(quern_session **sessions, int n, double seconds,
                            qn_streams_result *out, quern_error *err)
{
    static stream streams[QN_STREAMS];
    const double start = qn_os_seconds();
    quern_status status = QUERN_OK;
    int started = 0;
    *out = (qn_streams_result){.n_streams = n};
    for (; started < n; started++) {
        stream *s = &streams[started];
        *s = (stream){.session = sessions[started], .until = start + seconds};
        if (pthread_create(&s->thread, NULL, run_stream, s) != 0) {
            status =
                qn_fail(err, QUERN_MEMORY, "cannot start thread %d of %d", started, n);
            break;
        }
    }
    for (int i = 0; i < started; i++) {
        pthread_join(streams[i].thread, NULL);
        out->n_runs += streams[i].n_runs;
        if (streams[i].status != QUERN_OK && status == QUERN_OK) {
            status = streams[i].status;
            if (err) *err = streams[i].err;
        }
    }
    out->seconds = qn_os_seconds() - start;
    return status;
}
