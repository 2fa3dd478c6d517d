/* SPDX-License-Identifier: Apache-2.0 */
/* formats/draw.c - see draw.h: finds the plug-in, keeps what is strange away from it
 * and gathers the bytes it gives. */
#include "formats/draw.h"

#include "engine/utf8.h"
#include "formats/draw_svg.h"
#include "formats/plugin.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define FARTHEST  1e5  /* points; farther out nothing is seen, and cairo would wrap */
#define PNG_SCALE 2    /* 144 dots per inch */
#define TEXT_MAX  1024 /* bytes of a label */

struct qn_canvas {
    const qn_draw_abi *draw; /* the plug-in's functions or the SVG writer's */
    void *on;                /* what they draw on */
    void *lib;
    const qn_draw_abi *plugin;
    void *state; /* of the plug-in */
    qn_svg svg;
    qn_buf *out;
    qn_arena arena;
    quern_error error; /* the first thing that went wrong while drawing */
};

quern_status qn_draw_kind_of(const char *path, qn_draw_kind *kind, quern_error *err)
{
    static const char *const endings[] = {
        [QN_DRAW_PNG] = ".png", [QN_DRAW_SVG] = ".svg", [QN_DRAW_PDF] = ".pdf"};
    const char *dot = strrchr(path, '.');
    for (int i = 0; dot && i < 3; i++)
        if (strcasecmp(dot, endings[i]) == 0) {
            *kind = (qn_draw_kind)i;
            return QUERN_OK;
        }
    return qn_fail(err, QUERN_INVALID,
                   "'%s': a picture's name ends with .png, .svg or .pdf", path);
}

static quern_status load(qn_canvas *c, quern_error *err)
{
    const void *functions = NULL;
    QN_TRY(qn_plugin_open("draw", QN_DRAW_VERSION, &c->lib, &functions, err));
    c->plugin = functions;
    return QUERN_OK;
}

/* ---- one drawing ---- */

static bool take_bytes(void *ctx, const void *p, size_t n)
{
    qn_canvas *c = ctx;
    qn_buf_add(c->out, p, n);
    return c->out->error.status == QUERN_OK;
}

static quern_status open_state(qn_canvas *c, const qn_sheet *sheet, quern_error *err)
{
    QN_TRY(qn_arena_alloc(&c->arena, c->plugin->state_bytes, &c->state, err));
    const char *wrong = c->plugin->open(c->state, sheet);
    if (wrong) {
        c->state = NULL;
        return qn_fail(err, QUERN_LIMIT, "a picture of %g x %g points: %s",
                       sheet->width, sheet->height, wrong);
    }
    c->draw = c->plugin;
    c->on = c->state;
    if (sheet->kind != QN_DRAW_SVG) return QUERN_OK;
    c->svg = (qn_svg){c->out, c->plugin, c->state, false};
    c->draw = &qn_svg_abi;
    c->on = &c->svg;
    qn_svg_begin(&c->svg, sheet);
    return QUERN_OK;
}

static quern_status close_state(qn_canvas *c, quern_error *err)
{
    if (c->draw == &qn_svg_abi) qn_svg_end(&c->svg);
    const char *wrong = c->plugin->close(c->state);
    if (c->error.status != QUERN_OK) {
        if (err) *err = c->error;
        return c->error.status;
    }
    QN_TRY(qn_buf_status(c->out, err));
    return wrong ? qn_fail(err, QUERN_MEMORY, "cannot draw: %s", wrong) : QUERN_OK;
}

quern_status qn_draw_bytes(qn_buf *out, qn_draw_kind kind, const qn_drawing *drawing,
                           quern_error *err)
{
    qn_canvas c = {.out = out};
    char title[TEXT_MAX];
    qn_arena_init(&c.arena, out->mem);
    snprintf(title, sizeof title, "%s", drawing->title ? drawing->title : "");
    qn_utf8_escape(title, sizeof title);
    const qn_sheet sheet = {
        .kind = kind,
        .width = drawing->width,
        .height = drawing->height,
        .scale = PNG_SCALE,
        .title = title,
        .sink = take_bytes,
        .ctx = &c,
    };
    quern_status status = load(&c, err);
    if (status == QUERN_OK) status = open_state(&c, &sheet, err);
    if (status == QUERN_OK) {
        drawing->draw(&c, drawing->what);
        status = close_state(&c, err);
    }
    qn_arena_done(&c.arena);
    qn_lib_close(c.lib);
    return status;
}

quern_status qn_draw_file(qn_mem *mem, const char *path, const qn_drawing *drawing,
                          quern_error *err)
{
    qn_draw_kind kind;
    qn_buf out;
    QN_TRY(qn_draw_kind_of(path, &kind, err));
    qn_buf_init(&out, mem);
    quern_status status = qn_draw_bytes(&out, kind, drawing, err);
    if (status == QUERN_OK) status = qn_file_replace(path, out.p, out.n, err);
    qn_buf_done(&out);
    return status;
}

void *qn_draw_room(qn_canvas *c, size_t n, size_t size)
{
    void *p = NULL;
    if (c->error.status != QUERN_OK) return NULL;
    return qn_arena_array(&c->arena, n, size, &p, &c->error) == QUERN_OK ? p : NULL;
}

/* ---- drawing ---- */

static bool is_finite(qn_spot at)
{
    return isfinite(at.x) && isfinite(at.y);
}

static qn_spot within(qn_spot at)
{
    return (qn_spot){fmax(-FARTHEST, fmin(FARTHEST, at.x)),
                     fmax(-FARTHEST, fmin(FARTHEST, at.y))};
}

/* A run of finite points.  One point alone is drawn as a dot by the pen's round end
 * only where the caller draws markers, so it is left out here. */
static void put_run(qn_canvas *c, const qn_outline *run, const qn_pen *pen)
{
    if (run->n > 1) c->draw->trace(c->on, run, pen);
}

void qn_draw_outline(qn_canvas *c, const qn_outline *outline, const qn_pen *pen)
{
    qn_spot *at = qn_draw_room(c, outline->n, sizeof *at);
    if (!at) return;
    size_t n = 0;
    for (size_t i = 0; i < outline->n; i++) {
        if (is_finite(outline->at[i])) {
            at[n++] = within(outline->at[i]);
        } else if (!outline->is_closed) {
            put_run(c, &(qn_outline){at, n, false}, pen);
            n = 0;
        }
    }
    put_run(c, &(qn_outline){at, n, outline->is_closed}, pen);
}

void qn_draw_line(qn_canvas *c, double x0, double y0, double x1, double y1,
                  const qn_pen *pen)
{
    const qn_spot at[] = {within((qn_spot){x0, y0}), within((qn_spot){x1, y1})};
    if (!isfinite(x0 + y0 + x1 + y1)) return;
    c->draw->trace(c->on, &(qn_outline){at, 2, false}, pen);
}

void qn_draw_box(qn_canvas *c, const qn_box *b, const qn_pen *pen)
{
    const double x = b->x + b->width, y = b->y + b->height;
    const qn_spot at[] = {within((qn_spot){b->x, b->y}), within((qn_spot){x, b->y}),
                          within((qn_spot){x, y}), within((qn_spot){b->x, y})};
    if (!isfinite(b->x + b->y + x + y)) return;
    c->draw->trace(c->on, &(qn_outline){at, 4, true}, pen);
}

void qn_draw_circle(qn_canvas *c, double x, double y, double radius, const qn_pen *pen)
{
    const qn_spot centre = {x, y};
    if (is_finite(centre) && radius >= 0 && radius <= FARTHEST)
        c->draw->circle(c->on, within(centre), radius, pen);
}

void qn_draw_text(qn_canvas *c, const qn_label *label)
{
    char safe[TEXT_MAX];
    qn_label clean = *label;
    if (!label->text || !*label->text || !isfinite(label->x + label->y)) return;
    snprintf(safe, sizeof safe, "%s", label->text);
    qn_utf8_escape(safe, sizeof safe);
    clean.text = safe;
    c->draw->text(c->on, &clean);
}

double qn_draw_text_width(qn_canvas *c, const char *text, double size, bool bold)
{
    char safe[TEXT_MAX];
    snprintf(safe, sizeof safe, "%s", text);
    qn_utf8_escape(safe, sizeof safe);
    return c->draw->text_width(c->on, safe, size, bold);
}

void qn_draw_picture(qn_canvas *c, const qn_picture *picture, const qn_box *where)
{
    if (picture->width < 1 || picture->height < 1 || !picture->rgb ||
        !(where->width > 0) || !(where->height > 0))
        return;
    c->draw->picture(c->on, picture, where);
}

void qn_draw_clip(qn_canvas *c, const qn_box *box)
{
    c->draw->clip(c->on, box);
}

void qn_draw_next_page(qn_canvas *c)
{
    c->draw->next_page(c->on);
}
