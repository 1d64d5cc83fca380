/* Signals that end a process even where it does not come back to Python: see _deadline.pyx. */

#ifndef LFPCLI_DEADLINE_H
#define LFPCLI_DEADLINE_H

#include <signal.h>
#include <string.h>
#include <unistd.h>

#define DEADLINE_FILES 16
#define DEADLINE_PATH 4096

static struct sigaction deadline_usual[NSIG];
static volatile sig_atomic_t deadline_number = 0;
static unsigned deadline_seconds = 0;
static char deadline_paths[DEADLINE_FILES][DEADLINE_PATH];

/* The time is up: what was begun is removed, and the process ends as by the signal. */
static void deadline_passed(int number)
{
    (void)number;
    for (int k = 0; k < DEADLINE_FILES; k++)
        if (deadline_paths[k][0])
            unlink(deadline_paths[k]);
    _exit(128 + deadline_number);
}

/* Begin the countdown and hand the signal on to Python, which ends the work if it gets to it. */
static void deadline_signal(int number)
{
    if (!deadline_number) {
        deadline_number = number;
        alarm(deadline_seconds);
    }
    if (deadline_usual[number].sa_handler != SIG_DFL && deadline_usual[number].sa_handler != SIG_IGN)
        deadline_usual[number].sa_handler(number);
}

static int deadline_watch(int number, unsigned seconds)
{
    struct sigaction action, usual;
    if (number <= 0 || number >= NSIG || sigaction(number, NULL, &usual))
        return -1;
    if (usual.sa_handler == deadline_signal)
        return 0;
    if (seconds)
        deadline_seconds = seconds;
    deadline_usual[number] = usual;
    memset(&action, 0, sizeof action);
    action.sa_handler = deadline_passed;
    sigfillset(&action.sa_mask);
    sigaction(SIGALRM, &action, NULL);
    action = usual;
    action.sa_handler = deadline_signal;
    return sigaction(number, &action, NULL);
}

static int deadline_watched(int number)
{
    struct sigaction action;
    return !sigaction(number, NULL, &action) && action.sa_handler == deadline_signal;
}

static void deadline_cancel(void)
{
    alarm(0);
    deadline_number = 0;
}

/* Slots that are free begin with a zero byte, which is written last and cleared first. */
static int deadline_add(const char *path)
{
    size_t length = strlen(path);
    if (!length || length >= DEADLINE_PATH)
        return -1;
    for (int k = 0; k < DEADLINE_FILES; k++)
        if (!deadline_paths[k][0]) {
            memcpy(deadline_paths[k] + 1, path + 1, length);
            deadline_paths[k][0] = path[0];
            return k;
        }
    return -1;
}

static void deadline_drop(int slot)
{
    if (slot >= 0 && slot < DEADLINE_FILES)
        deadline_paths[slot][0] = 0;
}

#endif
