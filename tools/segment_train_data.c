/* SPDX-License-Identifier: Apache-2.0 */
/* tools/segment_train_data.c - the pictures of a training: read, made, divided. */
#include "formats/csv_write.h"
#include "tools/segment_train.h"
#include "tools/term.h"

#include <string.h>

static int step(void *ctx, int64_t done, int64_t total)
{
    qn_progress *p = ctx;
    p->total = total;
    qn_progress_step(p, done);
    return qn_interrupted(NULL);
}

static quern_status read_folder(qn_cell_run *run, const char *path, quern_error *err)
{
    qn_progress p;
    qn_progress_begin(&p, "files", 1, qn_arg_flag(run->args, "quiet"));
    const quern_status status = qn_cell_set_folder(&run->set, path, step, &p, err);
    qn_progress_end(&p);
    if (status != QUERN_OK) qn_within(err, "%s", path);
    return status;
}

static quern_status make_pictures(qn_cell_run *run, quern_error *err)
{
    qn_progress p;
    const qn_synth_options opt = {.height = 224,
                                  .width = 224,
                                  .diameter = run->s.diameter,
                                  .mode = QN_SYNTH_MIXED,
                                  .seed = (uint64_t)run->s.seed};
    qn_progress_begin(&p, "pictures", run->s.synth, qn_arg_flag(run->args, "quiet"));
    const quern_status status =
        qn_cell_set_synth(&run->set, &opt, run->s.synth, step, &p, err);
    qn_progress_end(&p);
    return status;
}

/* What was left out, and whether the run may go on without it. */
static quern_status judge_rejects(const qn_cell_run *run, quern_error *err)
{
    enum { SAID = 5 };
    int64_t bad = 0, few = 0;
    for (int64_t i = 0; i < run->set.n_rejects; i++) {
        const qn_cell_reject *r = &run->set.rejects[i];
        bad += r->is_bad;
        few += !r->is_bad;
        if (r->is_bad && bad <= SAID)
            qn_say("%s: %s", QN_CLEAN(r->name), QN_CLEAN(r->reason));
    }
    if (few > 0 && !qn_arg_flag(run->args, "quiet"))
        qn_say("%lld pictures have fewer than %d cells and are left out",
               (long long)few, QN_CELLS_FEWEST);
    if (bad == 0 || qn_arg_flag(run->args, "skip-bad")) return QUERN_OK;
    return qn_fail(err, QUERN_DATA,
                   "%lld of %lld pictures cannot be used; --skip-bad leaves them out",
                   (long long)bad, (long long)(run->set.n + run->set.n_rejects));
}

quern_status qn_cell_run_data(qn_cell_run *run, quern_error *err)
{
    qn_cell_set_init(&run->set, &run->mem, &run->arena);
    run->set.decoder = run->args->decoder;
    run->set.chan = (int)run->s.chan;
    run->set.chan2 = (int)run->s.chan2;
    for (int i = 0; i < run->args->n_operands; i++)
        QN_TRY(read_folder(run, run->args->operands[i], err));
    QN_TRY(judge_rejects(run, err));
    if (run->s.synth > 0) QN_TRY(make_pictures(run, err));
    QN_TRY(qn_cell_set_divide(&run->set, (uint64_t)run->s.split_seed, run->s.val,
                              run->s.test, err));
    for (int64_t i = 0; i < run->set.n; i++)
        run->n_part[run->set.items[i].part]++;
    if (run->n_part[QN_CELLS_TRAIN] > 0) return QUERN_OK;
    return qn_fail(err, QUERN_DATA,
                   "no picture with labels to train by: give folders or --synth N");
}

quern_status qn_cell_run_split(const qn_cell_run *run, quern_error *err)
{
    static const char *const parts[] = {"train", "val", "test"};
    qn_buf buf;
    qn_csv csv;
    qn_buf_init(&buf, (qn_mem *)&run->mem);
    qn_csv_begin(&csv, &buf);
    qn_csv_header(&csv, "name,part,group,cells,diameter,note");
    for (int64_t i = 0; i < run->set.n; i++) {
        const qn_cell_item *item = &run->set.items[i];
        qn_csv_text(&csv, item->name);
        qn_csv_text(&csv, parts[item->part]);
        qn_csv_text(&csv, item->group);
        qn_csv_int(&csv, item->n);
        qn_csv_single(&csv, (float)item->diameter);
        qn_csv_text(&csv, NULL);
        qn_csv_end(&csv);
    }
    for (int64_t i = 0; i < run->set.n_rejects; i++) {
        qn_csv_text(&csv, run->set.rejects[i].name);
        for (int k = 0; k < 4; k++)
            qn_csv_text(&csv, NULL);
        qn_csv_text(&csv, run->set.rejects[i].reason);
        qn_csv_end(&csv);
    }
    const quern_status status = qn_cell_run_write(run, "split.csv", &buf, err);
    qn_buf_done(&buf);
    return status;
}
