/* SPDX-License-Identifier: Apache-2.0 */
/* tests/controls/quern_controls.c - negative controls: a program that does what quern
 * must not.  `quern privacy verify` starts it for each kind of deed, and has to see it
 * and to stop it; a proof that cannot fail proves nothing.
 *
 *     quern-controls KIND [ARGUMENT]
 *
 * Ends with 0 when the deed was done, 42 when the system refused it, 43 when this
 * machine cannot be asked for it.  Nothing is sent anywhere: 192.0.2.1 is of the
 * addresses that are set aside for examples (RFC 5737), and the calls do not wait. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DONE = 0, REFUSED = 42, UNABLE = 43 };

/* A network that is not there is no refusal. */
static int verdict(long result)
{
    const int refused = errno == EPERM || errno == EACCES || errno == EBADF;
    return result < 0 && refused ? REFUSED : DONE;
}

static struct sockaddr_in nowhere(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    to.sin_addr.s_addr = inet_addr("192.0.2.1");
    return to;
}

static int plant_tcp(const char *argument)
{
    const struct sockaddr_in to = nowhere();
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    (void)argument;
    return verdict(fd < 0 ? fd : connect(fd, (const void *)&to, sizeof to));
}

static int plant_udp(const char *argument)
{
    const struct sockaddr_in to = nowhere();
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    (void)argument;
    return verdict(fd < 0 ? fd : sendto(fd, "x", 1, 0, (const void *)&to, sizeof to));
}

static int plant_raw(const char *argument)
{
    (void)argument;
    return verdict(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
}

static int plant_netlink(const char *argument)
{
    (void)argument;
    return verdict(socket(AF_NETLINK, SOCK_RAW, 0));
}

static int plant_ring(const char *argument)
{
    char params[120] = {0};
    (void)argument;
    return verdict(syscall(SYS_io_uring_setup, 1, params));
}

static void *dial(void *answer)
{
    *(int *)answer = plant_tcp(NULL);
    return NULL;
}

static int plant_thread(const char *argument)
{
    pthread_t thread;
    int answer = UNABLE;
    (void)argument;
    if (pthread_create(&thread, NULL, dial, &answer) == 0) pthread_join(thread, NULL);
    return answer;
}

/* Another program, which dials. */
static int plant_exec(const char *argument)
{
    int status = 0;
    const pid_t pid = fork();
    (void)argument;
    if (pid == 0) {
        char *const argv[] = {(char *)"quern-controls", (char *)"tcp", NULL};
        execv("/proc/self/exe", argv);
        _exit(verdict(-1));
    }
    if (pid < 0 || waitpid(pid, &status, 0) < 0) return UNABLE;
    return WIFEXITED(status) ? WEXITSTATUS(status) : REFUSED;
}

static int plant_write(const char *argument)
{
    const int fd = open(argument, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (fd >= 0) unlink(argument);
    return verdict(fd);
}

/* The socket call of x32, whose numbers stand apart. */
static int plant_x32(const char *argument)
{
    (void)argument;
#ifdef __x86_64__
    return verdict(syscall(0x40000000 + SYS_socket, AF_INET, SOCK_STREAM, 0));
#else
    return UNABLE;
#endif
}

/* The 32-bit call for sockets, which a 64-bit program can make. */
static int plant_compat(const char *argument)
{
    (void)argument;
#ifdef __x86_64__
    long result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(359), "b"(2), "c"(1), "d"(0)
                     : "memory");
    errno = result < 0 ? (int)-result : 0;
    return verdict(result < 0 ? -1 : 0);
#else
    return UNABLE;
#endif
}

/* quern, started with an open socket, and with an environment that asks it to be lax.
 */
static int plant_inherited(const char *argument)
{
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0 || dup2(fd, 9) < 0) return verdict(-1);
    execl(argument, argument, "ops", NULL);
    return UNABLE;
}

static int plant_environment(const char *argument)
{
    static const char *const names[] = {"QUERN_SANDBOX", "QUERN_NO_SANDBOX",
                                        "QUERN_OFFLINE", "QUERN_REQUIRE_SANDBOX",
                                        "QUERN_ALLOW_NETWORK"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        setenv(names[i], i % 2 ? "1" : "0", 1);
    setenv("LD_BIND_NOW", "", 1);
    execl(argument, argument, "version", "--json", NULL);
    return UNABLE;
}

static const struct {
    const char *name;
    int (*plant)(const char *argument);
} plants[] = {
    {"tcp", plant_tcp},
    {"udp", plant_udp},
    {"raw", plant_raw},
    {"netlink", plant_netlink},
    {"io_uring", plant_ring},
    {"thread", plant_thread},
    {"exec", plant_exec},
    {"write", plant_write},
    {"x32", plant_x32},
    {"compat", plant_compat},
    {"inherited", plant_inherited},
    {"environment", plant_environment},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof plants / sizeof plants[0]; i++)
        if (!strcmp(argv[1], plants[i].name))
            return plants[i].plant(argc > 2 ? argv[2] : "");
    fprintf(stderr, "usage: quern-controls KIND [ARGUMENT]\n");
    return 2;
}
