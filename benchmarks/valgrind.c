/*
 * Goes before the C library's in a program that valgrind runs. Valgrind before 3.20 writes into the set of signals that
 * sigsuspend is called with, and dies of it where that is a constant, as libdispatch has it.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

int sigsuspend(const sigset_t *signals) {
    sigset_t copy = *signals;
    return (int)syscall(SYS_rt_sigsuspend, &copy, _NSIG / 8);
}
