/* SPDX-License-Identifier: Apache-2.0 */
/* tools/help.c - see help.h.  Everything here is read from commands.def and the option
 * tables; nothing is written twice. */
#include "tools/help.h"

#include <ctype.h>
#include <string.h>

static const qn_command table[] = {
#define QN_COMMAND(name, operands, fn, options, about, may, summary) \
    {name, operands, summary, fn, options, about, may},
#include "tools/commands.def"
#undef QN_COMMAND
};

const qn_command *qn_command_at(int i)
{
    const int n = (int)(sizeof table / sizeof table[0]);
    return i >= 0 && i < n ? &table[i] : NULL;
}

const qn_command *qn_command_find(int n, const char *const *words, int *n_words)
{
    const qn_command *found = NULL;
    for (size_t i = 0; i < sizeof table / sizeof table[0] && n > 0; i++) {
        const char *name = table[i].name, *space = strchr(name, ' ');
        const size_t first = space ? (size_t)(space - name) : strlen(name);
        if (strlen(words[0]) != first || memcmp(words[0], name, first) != 0) continue;
        if (space && (n < 2 || strcmp(words[1], space + 1) != 0)) continue;
        if (found && !space) continue; /* two words win over one */
        found = &table[i];
        *n_words = space ? 2 : 1;
    }
    return found;
}

/* ---- help ---- */

/* Words of text from column on, broken before column 80, continued at indent. */
static void wrapped(FILE *to, const char *text, int column, int indent)
{
    while (*text) {
        const int word = (int)strcspn(text, " ");
        if (column + 1 + word > 80 && column > indent) {
            fprintf(to, "\n%*s", indent, "");
            column = indent;
        } else if (column > indent) {
            fputc(' ', to);
            column++;
        }
        fprintf(to, "%.*s", word, text);
        column += word;
        text += word + strspn(text + word, " ");
    }
    fputc('\n', to);
}

static void option_line(FILE *to, const qn_option *o)
{
    char left[64], help[512];
    int n = o->letter ? snprintf(left, sizeof left, "  -%c, --%s", o->letter, o->name)
                      : snprintf(left, sizeof left, "      --%s", o->name);
    if (o->arg) n += snprintf(left + n, sizeof left - (size_t)n, " %s", o->arg);
    snprintf(help, sizeof help, "%s%s%s%s", o->help, o->otherwise ? " (default " : "",
             o->otherwise ? o->otherwise : "", o->otherwise ? ")" : "");
    fprintf(to, n < 28 ? "%-28s" : "%s\n                            ", left);
    wrapped(to, help, 28, 28);
}

static const qn_option help_row = {"help", 'h', QN_OPT_FLAG, NULL, NULL, "this text"};
static const qn_option sandbox_row = {"require-sandbox",
                                      0,
                                      QN_OPT_FLAG,
                                      NULL,
                                      NULL,
                                      "fail where the sandbox is not full"};

void qn_help_print(FILE *to, const qn_command *c)
{
    fprintf(to, "quern %s%s%s [options]\n  %c%s.\n", c->name, *c->operands ? " " : "",
            c->operands, toupper((unsigned char)c->summary[0]), c->summary + 1);
    fprintf(to, "\n%s\nOptions:\n", c->about);
    for (const qn_option *o = c->options; o->name; o++)
        option_line(to, o);
    option_line(to, &sandbox_row);
    option_line(to, &help_row);
}

static const char exit_text[] = "0 done; 1 failed (files, data, a check not met); 2 "
                                "usage; 3 the input needs something "
                                "that this build lacks; 4 a limit or the memory budget "
                                "refused it; 5 the network is "
                                "needed but denied; 130 interrupted.";

void qn_help_overview(FILE *to)
{
    fprintf(to, "quern %s - runs neural networks in the ONNX format\n\n",
            quern_version());
    fprintf(to, "quern COMMAND [options] [operands]\n\nCommands:\n");
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        fprintf(to, "  %-15s%s\n", table[i].name, table[i].summary);
    fprintf(to,
            "\nquern COMMAND --help explains one.  Results go to stdout, the rest to "
            "stderr.\nExit codes: ");
    wrapped(to, exit_text, 12, 2);
}

/* ---- man pages ---- */

/* Text for roff: backslashes and leading points are escaped, hyphens kept as minus. */
static void roff(FILE *to, const char *text)
{
    bool at_start = true;
    for (; *text; text++) {
        if (at_start && (*text == '.' || *text == '\'')) fputs("\\&", to);
        if (*text == '\\')
            fputs("\\e", to);
        else if (*text == '-')
            fputs("\\-", to);
        else
            fputc(*text, to);
        at_start = *text == '\n';
    }
}

/* A blank line begins a paragraph; indented lines stay as they are. */
static void roff_about(FILE *to, const char *text)
{
    bool in_example = false;
    while (*text) {
        const size_t n = strcspn(text, "\n");
        char line[512];
        snprintf(line, sizeof line, "%.*s", (int)n, text);
        const bool is_example = line[0] == ' ';
        if (is_example != in_example) fputs(is_example ? ".nf\n" : ".fi\n", to);
        in_example = is_example;
        if (!*line) fputs(".PP", to);
        roff(to, line);
        fputc('\n', to);
        text += n + (text[n] == '\n');
    }
    if (in_example) fputs(".fi\n", to);
}

static void roff_option(FILE *to, const qn_option *o)
{
    fputs(".TP\n\\fB", to);
    if (o->letter) fprintf(to, "\\-%c\\fR, \\fB", o->letter);
    fputs("\\-\\-", to);
    roff(to, o->name);
    fputs("\\fR", to);
    if (o->arg) {
        fputs(" \\fI", to);
        roff(to, o->arg);
        fputs("\\fR", to);
    }
    fputc('\n', to);
    roff(to, o->help);
    if (o->otherwise) {
        fputs(" (default ", to);
        roff(to, o->otherwise);
        fputc(')', to);
    }
    fputc('\n', to);
}

static void roff_overview(FILE *to)
{
    fputs(".SH SYNOPSIS\n\\fBquern\\fR \\fICOMMAND\\fR [options] [operands]\n"
          ".SH DESCRIPTION\nEach command has a page of its own, quern\\-COMMAND(1).\n",
          to);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        fprintf(to, ".TP\n\\fB%s\\fR\n", table[i].name);
        roff(to, table[i].summary);
        fputc('\n', to);
    }
}

static void roff_command(FILE *to, const qn_command *c)
{
    fprintf(to, ".SH SYNOPSIS\n\\fBquern %s\\fR [options] ", c->name);
    roff(to, c->operands);
    fputs("\n.SH DESCRIPTION\n", to);
    roff_about(to, c->about);
    fputs(".SH OPTIONS\n", to);
    for (const qn_option *o = c->options; o->name; o++)
        roff_option(to, o);
    roff_option(to, &help_row);
}

void qn_help_man(FILE *to, const qn_command *c)
{
    char name[64];
    snprintf(name, sizeof name, "quern%s%s", c ? "-" : "", c ? c->name : "");
    for (char *p = name; *p; p++)
        if (*p == ' ') *p = '-';
    fprintf(to, ".TH \"%s\" 1 \"\" \"quern %s\" \"quern\"\n.SH NAME\n", name,
            quern_version());
    roff(to, name);
    fputs(" \\- ", to);
    roff(to, c ? c->summary : "runs neural networks in the ONNX format");
    fputc('\n', to);
    if (c)
        roff_command(to, c);
    else
        roff_overview(to);
    fputs(".SH EXIT STATUS\n", to);
    roff(to, exit_text);
    fputc('\n', to);
}

/* ---- completion ---- */

/* What may follow a command: its options, and the second words of those of two. */
static void bash_case(FILE *to, const qn_command *c)
{
    const size_t n = strlen(c->name);
    const bool has_two = strchr(c->name, ' ') != NULL;
    fprintf(to, has_two ? "        '%s') words=\"" : "        '%s '*) words=\"",
            c->name);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (!strncmp(table[i].name, c->name, n) && table[i].name[n] == ' ')
            fprintf(to, "%s ", table[i].name + n + 1);
    for (const qn_option *o = c->options; o->name; o++)
        fprintf(to, "--%s ", o->name);
    fputs("--help\" ;;\n", to);
}

void qn_help_bash(FILE *to)
{
    const size_t n = sizeof table / sizeof table[0];
    fputs("# bash completion of quern; made by: quern help --completion bash\n"
          "_quern() {\n    local cur=${COMP_WORDS[COMP_CWORD]} words=\n"
          "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        words=\"",
          to);
    for (size_t i = 0; i < n; i++)
        if (!strchr(table[i].name, ' '))
            fprintf(to, "%s%s", i ? " " : "", table[i].name);
    fputs("\"\n    else\n        case \"${COMP_WORDS[1]} ${COMP_WORDS[2]}\" in\n", to);
    for (size_t i = 0; i < n; i++)
        if (strchr(table[i].name, ' ')) bash_case(to, &table[i]);
    for (size_t i = 0; i < n; i++)
        if (!strchr(table[i].name, ' ')) bash_case(to, &table[i]);
    fputs("        esac\n    fi\n"
          "    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
          "    [ ${#COMPREPLY[@]} -eq 0 ] && COMPREPLY=($(compgen -f -- \"$cur\"))\n"
          "}\ncomplete -o filenames -F _quern quern\n",
          to);
}
