/*
 * What a server that takes large contents cannot do without: it receives each request's content in pieces of 256 KiB, writes
 * them into a file of its own, flushes that, and replies. It looks at nothing.
 *
 *     sink PORT FOLDER
 *
 * Requests are PUTs with a Content-Length; a thread serves each connection. It ends with SIGTERM.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIECE = 256 * 1024, HEAD = 4096 };

static const char *folder;
static atomic_uint files;

static void fail(const char *what) {
    fprintf(stderr, "sink: %s: %s\n", what, strerror(errno));
    exit(1);
}

static size_t receive(int client, char *bytes, size_t length) {
    ssize_t result;
    do {
        result = recv(client, bytes, length, 0);
    } while (result < 0 && errno == EINTR);
    if (result < 0) {
        fail("recv");
    }
    return (size_t)result;
}

static void keep(int file, const char *bytes, size_t length) {
    while (length) {
        ssize_t result = write(file, bytes, length);
        if (result < 0) {
            fail("write");
        }
        bytes += result;
        length -= (size_t)result;
    }
}

/* Whether there was a request. */
static int take(int client, char *bytes) {
    size_t length = 0;
    char *end = NULL;
    while (!end) {
        size_t more = length < HEAD ? receive(client, bytes + length, HEAD - length) : 0;
        if (!more) {
            return 0;
        }
        length += more;
        bytes[length] = 0;
        end = strstr(bytes, "\r\n\r\n");
    }
    const char *field = strcasestr(bytes, "\r\nContent-Length:");
    if (!field) {
        errno = EINVAL;
        fail("a request without a length");
    }
    uint64_t left = strtoull(field + strlen("\r\nContent-Length:"), NULL, 10);
    char path[4096];
    snprintf(path, sizeof path, "%s/%u", folder, atomic_fetch_add(&files, 1));
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (file < 0) {
        fail(path);
    }
    size_t there = length - (size_t)(end + 4 - bytes);
    memmove(bytes, end + 4, there);
    while (left) {
        /* As large as a write to the file shall be. */
        while (there < PIECE && there < left) {
            size_t room = PIECE - there, most = left - there < room ? (size_t)(left - there) : room;
            size_t more = receive(client, bytes + there, most);
            if (!more) {
                return 0;
            }
            there += more;
        }
        keep(file, bytes, there);
        left -= there;
        there = 0;
    }
    if (fsync(file)) {
        fail("fsync");
    }
    close(file);
    static const char reply[] = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";
    return send(client, reply, sizeof reply - 1, MSG_NOSIGNAL) > 0;
}

static void *serve(void *argument) {
    int client = (int)(intptr_t)argument;
    char *bytes = malloc(PIECE + 1);
    if (!bytes) {
        fail("memory");
    }
    while (take(client, bytes)) {
    }
    free(bytes);
    close(client);
    return NULL;
}

int main(int count, char **arguments) {
    if (count != 3) {
        fputs("usage: sink PORT FOLDER\n", stderr);
        return 2;
    }
    folder = arguments[2];
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)atoi(arguments[1])),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 64)) {
        fail("listen");
    }
    for (;;) {
        int client = accept(listener, NULL, NULL);
        if (client < 0) {
            fail("accept");
        }
        pthread_t thread;
        if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)client)) {
            fail("thread");
        }
        pthread_detach(thread);
    }
}
