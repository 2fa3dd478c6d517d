/* SPDX-License-Identifier: Apache-2.0 */
/* tools/term.c - see term.h. */
#include "tools/term.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool qn_term_is_tty(FILE *stream)
{
    return isatty(fileno(stream));
}

int qn_term_width(FILE *stream)
{
    struct winsize size;
    if (ioctl(fileno(stream), TIOCGWINSZ, &size) != 0 || size.ws_col < 20) return 80;
    return size.ws_col;
}

bool qn_term_has_colour(FILE *stream)
{
    const char *kind = getenv("COLORTERM"), *term = getenv("TERM");
    if (!qn_term_is_tty(stream) || getenv("NO_COLOR")) return false;
    return (kind && (!strcmp(kind, "truecolor") || !strcmp(kind, "24bit"))) ||
           (term && strstr(term, "direct"));
}

/* The only thing a signal handler may touch. */
static volatile sig_atomic_t is_interrupted;

static void on_signal(int signal_number)
{
    (void)signal_number;
    is_interrupted = 1;
}

void qn_interrupt_install(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    action.sa_flags = (int)SA_RESETHAND;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

void qn_interrupt_default(void)
{
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
}

int qn_interrupted(void *ctx)
{
    (void)ctx;
    return is_interrupted;
}
