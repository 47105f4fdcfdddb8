// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "engine/ngspice/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#if defined(__SANITIZE_ADDRESS__)
#define SHADOWED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SHADOWED 1
#endif
#endif

// No other program can be started from here, whatever a deck or a bug makes ngspice do.
static void forbid_exec(void) {
#ifdef ARCHITECTURE
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execve, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execveat, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program); // where the kernel has it
#endif
}

static void confine(int fd) {
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    forbid_exec();
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
#ifndef SHADOWED // AddressSanitizer reserves terabytes of addresses
    struct rlimit memory = {(rlim_t)8 << 30, (rlim_t)8 << 30};
    setrlimit(RLIMIT_AS, &memory);
#endif
    if (fd > 3) // nothing of the parent's but the socket
        close_range(3, (unsigned)fd - 1, 0);
    close_range((unsigned)fd + 1, ~0U, 0);
}

int es_confine(int fd) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGINT, SIG_IGN); // the engine decides
    signal(SIGTERM, SIG_DFL);
    fd = fcntl(fd, F_DUPFD_CLOEXEC, 3); // it may be lower if the program was started with closed descriptors
    int null = open("/dev/null", O_RDWR); // what ngspice prints past its callbacks, and buffers inherited from the parent
    if (fd < 0 || null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0)
        _exit(3);
    // neither a user's .spiceinit nor the system's spinit is read
    setenv("SPICE_SCRIPTS", "/nonexistent", 1);
    setenv("HOME", "/nonexistent", 1);
    if (chdir("/proc/self/fdinfo") != 0 && chdir("/") != 0)
        _exit(3);
    confine(fd);
    return fd;
}
