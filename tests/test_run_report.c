/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_run_report.c - a run folder read back: the same numbers in JSON, CSV, HTML
 * and PDF, and a sentence for each way in which its files can be wrong. */
#include "formats/json_tree.h"
#include "tests/test.h"
#include "tools/run_report.h"

#include <stdio.h>
#include <string.h>

static const char config[] =
    "{\"schema\":1,\"data\":\"/x/flowers/\",\"arch\":\"tiny\",\"rate\":0.1,"
    "\"aug\":[\"flip\",\"shift\"],\"model\":null,\"ema\":true,\"metric\":\"loss\"}\n";
static const char history[] =
    "{\"schema\":1,\"epoch\":1,\"lr\":0.1,\"train_loss\":0.7,\"val_loss\":0."
    "30000000001,"
    "\"val_acc\":0.5,\"seconds\":3,\"weights_hash\":\"aa\"}\n"
    "{\"schema\":1,\"epoch\":2,\"lr\":0.05,\"train_loss\":0.4,\"val_loss\":0.25,"
    "\"val_acc\":0.25,\"seconds\":6,\"weights_hash\":\"bb\"}\n"
    "{\"schema\":1,\"epoch\":3,\"lr\":0.01,\"train_loss\":0.2,\"val_loss\":null,"
    "\"val_acc\":null,\"seconds\":9,\"weights_hash\":\"cc\"}\n";
static const char figures[] =
    "{\"schema\":1,\"model\":\"m.onnx\",\"data\":\"no/such/data\",\"split\":\"test\","
    "\"n\":8,\"top1\":0.8125000001,\"loss\":0.43219999,\"ece\":0.0625,"
    "\"confidence\":0.75,\"roc_auc\":null,"
    "\"intervals\":{\"top1\":[0.7,0.9]},"
    "\"classes\":[{\"name\":\"=rose\",\"n\":5,\"precision\":0.75,\"recall\":0.6,"
    "\"f1\":0.6666666666666666},"
    "{\"name\":\"<tulip>\",\"n\":3,\"precision\":null,\"recall\":1,\"f1\":0.5}],"
    "\"confusion\":[[3,2],[0,3]],"
    "\"calibration\":{\"equal_width\":[{\"n\":8,\"confidence\":0.75,"
    "\"accuracy\":0.8125}]},"
    "\"mistakes\":[{\"item\":\"a/1.png\",\"label\":\"=rose\","
    "\"predicted\":\"<tulip>\",\"p\":0.9},{\"item\":\"b\",\"label\":\"oak\"}],"
    "\"temperature\":{\"fitted_on\":\"val\",\"value\":1.5}}\n";

typedef struct fixture {
    qn_mem mem;
    qn_arena arena;
    qn_buf out;
    qn_run_report r;
    const char *folder;
} fixture;

static void put(qn_test *t, const fixture *f, const char *name, const char *text)
{
    char path[QN_PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", f->folder, name);
    qn_put_file(t, path, text, strlen(text));
}

static void begin(qn_test *t, fixture *f)
{
    qn_mem_init(&f->mem, NULL, 0);
    qn_arena_init(&f->arena, &f->mem);
    qn_buf_init(&f->out, &f->mem);
    f->folder = qn_temp(t, "run");
    CHECK_OK(t, qn_dir_make(f->folder, NULL), NULL);
    put(t, f, "config.json", config);
    put(t, f, "metrics.jsonl", history);
    put(t, f, "report.json", figures);
}

static void end(qn_test *t, fixture *f)
{
    qn_buf_done(&f->out);
    qn_arena_done(&f->arena);
    CHECK_EQ(t, f->mem.used, 0);
}

void test_run_report_reads(qn_test *t)
{
    fixture f;
    quern_error err = {0};
    begin(t, &f);
    REQUIRE_OK(t, qn_run_report_read(f.folder, &f.arena, &f.r, &err), &err);
    const qn_train_report *r = &f.r.report;
    CHECK_STR(t, r->title, "tiny on flowers");
    CHECK_EQ(t, r->n_history, 3);
    CHECK_WITHIN(t, r->best_epoch, 2, 0); /* of the least loss, as the settings say */
    CHECK(t, isnan(r->history[2].val_loss));
    CHECK_EQ(t, r->metrics->n_classes, 2);
    CHECK_WITHIN(t, r->metrics->figure[QN_FIGURE_TOP1], 0.8125000001, 0);
    CHECK_WITHIN(t, r->metrics->hi[QN_FIGURE_TOP1], 0.9, 0);
    CHECK(t, isnan(r->metrics->figure[QN_FIGURE_ROC_AUC]));
    CHECK(t, isnan(r->metrics->lo[QN_FIGURE_LOSS]));
    CHECK_EQ(t, r->metrics->confusion[1], 2);
    CHECK_WITHIN(t, r->temperature, 1.5, 0);
    CHECK_EQ(t, r->n_mistakes, 1); /* the other names no class */
    CHECK_STR(t, r->facts[0].rows[3].value, "flip, shift");
    end(t, &f);
}

/* What one kind of file says is what the others say. */
void test_run_report_numbers(qn_test *t)
{
    fixture f;
    quern_error err = {0};
    const qn_tree *tree;
    begin(t, &f);
    REQUIRE_OK(t, qn_run_report_read(f.folder, &f.arena, &f.r, &err), &err);
    REQUIRE_OK(t, qn_run_report_json(&f.r, &f.out, &err), &err);
    REQUIRE_OK(t, qn_tree_parse(&f.arena, f.out.p, f.out.n, &tree, &err), &err);
    const qn_tree *report = qn_tree_get(tree, "report");
    CHECK_WITHIN(t, qn_tree_real(report, "top1"), 0.8125000001, 0);
    CHECK_WITHIN(t, qn_tree_real(qn_tree_get(tree, "history")->first, "val_loss"),
                 0.30000000001, 0);
    CHECK_WITHIN(t, qn_tree_real(tree, "best_epoch"), 2, 0);
    qn_buf_clear(&f.out);
    REQUIRE_OK(t, qn_run_report_csv(&f.r, &f.out, &err), &err);
    CHECK_HAS(t, f.out.p, "\nfigures,top1,value,0.8125000001\n");
    CHECK_HAS(t, f.out.p, "\nfigures,top1,hi,0.9\n");
    CHECK_HAS(t, f.out.p, "\nhistory,1,val_loss,0.30000000001\n");
    CHECK_HAS(t, f.out.p, "\nclasses,\"'=rose\",f1,0.6666666666666666\n");
    CHECK_HAS(t, f.out.p, "\nconfusion,\"'=rose\",<tulip>,2\n");
    qn_buf_clear(&f.out);
    REQUIRE_OK(t, qn_report_html(&f.r.report, "none", &f.arena, &f.out, &err), &err);
    CHECK_HAS(t, f.out.p,
              "<td class=\"r\">81.25 %</td><td class=\"r\">70.00 % to 90.00 %");
    CHECK_HAS(t, f.out.p, ">0.4322<");
    CHECK_HAS(t, f.out.p, "&lt;tulip&gt;");
    end(t, &f);
}

static void check_refused(qn_test *t, fixture *f, const char *name, const char *text,
                          const char *part)
{
    quern_error err = {0};
    put(t, f, name, text);
    qn_note(t, "%s", text);
    CHECK_FAILS(t, qn_run_report_read(f->folder, &f->arena, &f->r, &err), QUERN_FORMAT,
                &err, part);
    CHECK_HAS(t, err.text, name);
}

void test_run_report_refuses(qn_test *t)
{
    fixture f;
    quern_error err = {0};
    begin(t, &f);
    check_refused(t, &f, "report.json", "{", "column");
    check_refused(t, &f, "report.json", "{}", "a count is nan");
    check_refused(t, &f, "report.json", "{\"n\":1}", "no confusion matrix");
    check_refused(t, &f, "report.json", "{\"n\":1e300}", "a count is 1e+300");
    check_refused(t, &f, "report.json", "{\"n\":1,\"confusion\":[[1],[2]]}",
                  "has 1 counts");
    check_refused(t, &f, "report.json", "{\"n\":1,\"confusion\":[[-1]]}",
                  "a count is -1");
    check_refused(t, &f, "report.json",
                  "{\"n\":1,\"confusion\":[[1]],\"classes\":[{},{}]}", "2 classes");
    put(t, &f, "report.json", figures);
    check_refused(t, &f, "metrics.jsonl", "{\"epoch\":1}\n{\"epoch\":\n", "line 2");
    CHECK_FAILS(t, qn_run_report_read(qn_temp(t, "none"), &f.arena, &f.r, &err),
                QUERN_INVALID, &err, "no run folder");
    end(t, &f);
}

/* Cut anywhere: an error, or all that is drawn from it. */
void test_run_report_cut(qn_test *t)
{
    fixture f;
    char text[sizeof figures];
    begin(t, &f);
    for (size_t n = 0; n < sizeof figures - 2; n += 3) {
        snprintf(text, sizeof text, "%.*s", (int)n, figures);
        put(t, &f, "report.json", text);
        CHECK(t, qn_run_report_read(f.folder, &f.arena, &f.r, NULL) != QUERN_OK);
    }
    end(t, &f);
}

void test_report_command(qn_test *t)
{
    fixture f;
    char command[3 * QN_PATH_MAX], path[QN_PATH_MAX];
    const char *out = "";
    begin(t, &f);
    snprintf(command, sizeof command, "report '%s' -o '%s' -o '%s'", f.folder,
             qn_temp(t, "a.csv"), qn_temp(t, "a.json"));
    CHECK_EQ(t, qn_quern(t, command, &out), 0);
    CHECK(t, qn_get_file(t, qn_temp(t, "a.csv"), NULL) != NULL);
    CHECK(t, qn_get_file(t, qn_temp(t, "a.json"), NULL) != NULL);
    snprintf(command, sizeof command, "report '%s'", f.folder);
    CHECK_EQ(t, qn_quern(t, command, &out), 0);
    snprintf(path, sizeof path, "%s/report.html", f.folder);
    const char *page = qn_get_file(t, path, NULL);
    REQUIRE(t, page != NULL);
    CHECK_HAS(t, page, "<h1>tiny on flowers</h1>");
    snprintf(command, sizeof command, "report '%s' -o a.docx", f.folder);
    CHECK_EQ(t, qn_quern(t, command, &out), 2);
    CHECK_HAS(t, out, ".html, .pdf, .json or .csv");
    snprintf(command, sizeof command, "report '%s'", qn_temp(t, "none"));
    CHECK_EQ(t, qn_quern(t, command, &out), 1);
    end(t, &f);
}
