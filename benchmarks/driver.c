/*
 * A client that costs as little as possible: it does the tasks of a plan over some connections that are kept, and prints what
 * that took. One thread and epoll; a large reply's bytes are dropped in the kernel, and a large request's come from there.
 *
 *     driver PORT CONNECTIONS PLAN [CONTENT]
 *
 * A plan is tasks, each done by one connection, request after request, as often as it says:
 *
 *     task TIMES\n
 *     request HEAD BODY FILE STATUS\n     lengths of what follows, of the bytes of CONTENT between them, and the status expected
 *     <HEAD bytes><BODY bytes>
 *
 * The request that is sent is the head, the first FILE bytes of CONTENT, and the body. In a head the byte 1 stands for the path
 * and query of the last Location, and the byte 2 for that with the mark that another parameter needs.
 *
 * When all connections stand it prints "ready" and waits for a line, so that the caller can read clocks; when all tasks are
 * done it prints one line of JSON, and waits for another line before it closes. Anything unexpected ends it with status 1.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Room for the head of a reply, and for what of its body comes along. */
enum { INPUT = 64 * 1024, LOCATION = 4096, PATIENCE_MS = 120 * 1000 };

struct request {
    const char *head, *body;
    size_t head_length, body_length, file_length;
    int status;
    bool is_head, has_placeholder;
};

struct task {
    struct request *requests;
    size_t count;
    uint64_t times;
};

enum framing { FRAMING_NONE, FRAMING_LENGTH, FRAMING_CHUNKED };

struct connection {
    int socket;
    const struct task *task;
    size_t turn;
    double began;
    /* What is being sent: head, file, body, each up to how far it has gone. */
    char *head;
    size_t head_length, head_sent, file_sent, body_sent;
    bool sending;
    /* What is being received. */
    char *input;
    size_t input_length;
    bool in_body, chunk_ends;
    enum framing framing;
    uint64_t left;
    char location[LOCATION];
};

static struct task *tasks;
static size_t task_count, next_task;
static uint64_t next_time, tasks_left, requests_done, bytes_received;
static size_t busy;
static int content = -1, poll_set;
static double *latencies;
static size_t latency_count;

static void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("driver: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void *allocate(size_t size) {
    void *memory = calloc(1, size ? size : 1);
    if (!memory) {
        fail("out of memory");
    }
    return memory;
}

/* The plan. */

static char *read_all(const char *path, size_t *length) {
    FILE *file = fopen(path, "rb");
    struct stat status;
    if (!file || fstat(fileno(file), &status)) {
        fail("%s: %s", path, strerror(errno));
    }
    *length = (size_t)status.st_size;
    char *bytes = allocate(*length + 1);
    if (fread(bytes, 1, *length, file) != *length) {
        fail("%s cannot be read", path);
    }
    fclose(file);
    return bytes;
}

static const char *parse_request(struct request *request, const char *place, const char *end) {
    int used = 0;
    if (sscanf(place, "request %zu %zu %zu %d%n", &request->head_length, &request->body_length,
               &request->file_length, &request->status, &used) != 4 || place[used] != '\n') {
        fail("the plan has no request where one is due");
    }
    place += used + 1;
    if (request->head_length + request->body_length > (size_t)(end - place)) {
        fail("the plan ends within a request");
    }
    request->head = place;
    request->body = place + request->head_length;
    request->is_head = request->head_length > 5 && !memcmp(place, "HEAD ", 5);
    request->has_placeholder = memchr(place, 1, request->head_length) || memchr(place, 2, request->head_length);
    return place + request->head_length + request->body_length;
}

static void parse_plan(const char *path) {
    size_t length, task_room = 0, request_room = 0;
    const char *place = read_all(path, &length), *end = place + length;
    struct task *task = NULL;
    while (place < end) {
        if (!memcmp(place, "task ", 5)) {
            if (task_count == task_room) {
                task_room = task_room ? task_room * 2 : 16;
                tasks = realloc(tasks, task_room * sizeof *tasks);
            }
            task = &tasks[task_count++];
            *task = (struct task){0};
            int used = 0;
            if (sscanf(place, "task %lu%n", &task->times, &used) != 1 || place[used] != '\n') {
                fail("the plan has a task without a number");
            }
            tasks_left += task->times;
            place += used + 1;
            request_room = 0;
            continue;
        }
        if (!task) {
            fail("the plan begins without a task");
        }
        if (task->count == request_room) {
            request_room = request_room ? request_room * 2 : 1;
            task->requests = realloc(task->requests, request_room * sizeof *task->requests);
        }
        task->requests[task->count] = (struct request){0};
        place = parse_request(&task->requests[task->count++], place, end);
    }
    latencies = allocate(tasks_left * sizeof *latencies);
}

/* Sending. */

static void watch(struct connection *connection, bool sending) {
    if (connection->sending == sending) {
        return;
    }
    connection->sending = sending;
    struct epoll_event event = {.events = sending ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.ptr = connection};
    if (epoll_ctl(poll_set, EPOLL_CTL_MOD, connection->socket, &event)) {
        fail("epoll_ctl: %s", strerror(errno));
    }
}

static void fill_head(struct connection *connection, const struct request *request) {
    if (!request->has_placeholder) {
        connection->head = (char *)request->head;
        connection->head_length = request->head_length;
        return;
    }
    static char parameter[LOCATION + 1];
    size_t plain = strlen(connection->location), length = 0;
    snprintf(parameter, sizeof parameter, "%s%c", connection->location, strchr(connection->location, '?') ? '&' : '?');
    char *head = allocate(request->head_length + 4 * LOCATION);
    for (size_t index = 0; index < request->head_length; index++) {
        char byte = request->head[index];
        if (byte == 1 || byte == 2) {
            if (!plain) {
                fail("a request wants a Location, and there was none");
            }
            size_t size = plain + (byte == 2);
            memcpy(head + length, parameter, size);
            length += size;
        } else {
            head[length++] = byte;
        }
    }
    connection->head = head;
    connection->head_length = length;
}

static const struct request *current(const struct connection *connection) {
    return &connection->task->requests[connection->turn];
}

static bool would_wait(ssize_t result, const char *what) {
    if (result < 0 && (errno == EAGAIN || errno == EINTR)) {
        return true;
    }
    if (result < 0) {
        fail("%s: %s", what, strerror(errno));
    }
    return false;
}

static void push_out(struct connection *connection) {
    const struct request *request = current(connection);
    size_t body = request->file_length ? 0 : request->body_length;
    while (connection->head_sent < connection->head_length + body) {
        struct iovec parts[2];
        int count = 0;
        size_t sent = connection->head_sent;
        if (sent < connection->head_length) {
            parts[count++] = (struct iovec){connection->head + sent, connection->head_length - sent};
            sent = connection->head_length;
        }
        if (body) {
            sent -= connection->head_length;
            parts[count++] = (struct iovec){(char *)request->body + sent, body - sent};
        }
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = (size_t)count};
        ssize_t result = sendmsg(connection->socket, &message, MSG_NOSIGNAL | (request->file_length ? MSG_MORE : 0));
        if (would_wait(result, "send")) {
            watch(connection, true);
            return;
        }
        connection->head_sent += (size_t)result;
    }
    while (connection->file_sent < request->file_length) {
        off_t offset = (off_t)connection->file_sent;
        ssize_t result = sendfile(connection->socket, content, &offset, request->file_length - connection->file_sent);
        if (would_wait(result, "sendfile")) {
            watch(connection, true);
            return;
        }
        if (!result) {
            fail("the content is shorter than the plan wants");
        }
        connection->file_sent += (size_t)result;
    }
    while (request->file_length && connection->body_sent < request->body_length) {
        ssize_t result = send(connection->socket, request->body + connection->body_sent,
                              request->body_length - connection->body_sent, MSG_NOSIGNAL);
        if (would_wait(result, "send")) {
            watch(connection, true);
            return;
        }
        connection->body_sent += (size_t)result;
    }
    watch(connection, false);
}

static void begin_request(struct connection *connection) {
    connection->head_sent = connection->file_sent = connection->body_sent = 0;
    fill_head(connection, current(connection));
    push_out(connection);
}

static bool begin_task(struct connection *connection) {
    while (next_task < task_count && next_time == tasks[next_task].times) {
        next_task++;
        next_time = 0;
    }
    if (next_task == task_count) {
        connection->task = NULL;
        busy--;
        return false;
    }
    next_time++;
    connection->task = &tasks[next_task];
    connection->turn = 0;
    connection->began = now();
    begin_request(connection);
    return true;
}

/* Receiving. */

static const char *field(const char *head, const char *name) {
    size_t length = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line; line = strstr(line, "\r\n")) {
        line += 2;
        if (!strncasecmp(line, name, length) && line[length] == ':') {
            line += length + 1;
            return line + strspn(line, " \t");
        }
    }
    return NULL;
}

static void keep_location(struct connection *connection, const char *value) {
    size_t length = strcspn(value, "\r\n");
    if (length > 7 && !strncmp(value, "http://", 7)) {
        const char *path = memchr(value + 7, '/', length - 7);
        if (!path) {
            fail("a Location without a path");
        }
        length -= (size_t)(path - value);
        value = path;
    }
    if (length >= LOCATION) {
        fail("a Location is too long");
    }
    memcpy(connection->location, value, length);
    connection->location[length] = 0;
}

static void consume(struct connection *connection, size_t length) {
    connection->input_length -= length;
    memmove(connection->input, connection->input + length, connection->input_length + 1);
}

/* Whether the head is there whole. */
static bool parse_head(struct connection *connection) {
    char *end = strstr(connection->input, "\r\n\r\n");
    if (!end) {
        if (connection->input_length >= INPUT - 1) {
            fail("the head of a reply is too long");
        }
        return false;
    }
    const struct request *request = current(connection);
    int status = 0;
    if (sscanf(connection->input, "HTTP/1.1 %d", &status) != 1) {
        fail("no HTTP: %.100s", connection->input);
    }
    if (status != request->status) {
        fail("%d expected, and got %s\nto %.*s", request->status, connection->input,
             (int)connection->head_length, connection->head);
    }
    end[2] = 0;
    const char *location = field(connection->input, "Location"), *value;
    if (location) {
        keep_location(connection, location);
    }
    connection->framing = FRAMING_NONE;
    connection->left = 0;
    if (!request->is_head && status != 204 && status != 304) {
        if ((value = field(connection->input, "Content-Length"))) {
            connection->framing = FRAMING_LENGTH;
            connection->left = strtoull(value, NULL, 10);
        } else if (field(connection->input, "Transfer-Encoding")) {
            connection->framing = FRAMING_CHUNKED;
            connection->chunk_ends = false;
        } else {
            fail("a reply of unknown length: %s", connection->input);
        }
    }
    connection->in_body = true;
    consume(connection, (size_t)(end + 4 - connection->input));
    return true;
}

/* Whether the body is there whole. */
static bool parse_body(struct connection *connection) {
    for (;;) {
        size_t there = connection->input_length < connection->left ? connection->input_length : connection->left;
        if (there) {
            connection->left -= there;
            bytes_received += there;
            consume(connection, there);
        }
        if (connection->left) {
            return false;
        }
        if (connection->framing != FRAMING_CHUNKED) {
            return true;
        }
        /* The end of the last chunk, then the size of the next; one of none is the last. */
        char *line = connection->input + (connection->chunk_ends ? 2 : 0);
        char *end = connection->input_length > 2 ? strstr(line, "\r\n") : NULL;
        if (!end) {
            return false;
        }
        connection->left = strtoull(line, NULL, 16);
        if (!connection->left) {
            if ((size_t)(end + 4 - connection->input) > connection->input_length) {
                return false;
            }
            consume(connection, (size_t)(end + 4 - connection->input));
            return true;
        }
        connection->chunk_ends = true;
        consume(connection, (size_t)(end + 2 - connection->input));
    }
}

/* Whether something came. */
static bool receive(struct connection *connection) {
    if (connection->in_body && connection->framing == FRAMING_LENGTH && connection->left > INPUT && !connection->input_length) {
        /* Dropped where it is: nothing is copied. */
        size_t most = connection->left > (1u << 30) ? 1u << 30 : (size_t)connection->left;
        ssize_t result = recv(connection->socket, NULL, most, MSG_TRUNC);
        if (would_wait(result, "recv")) {
            return false;
        }
        if (!result) {
            fail("closed within a reply");
        }
        connection->left -= (uint64_t)result;
        bytes_received += (uint64_t)result;
        return true;
    }
    ssize_t result = recv(connection->socket, connection->input + connection->input_length,
                          INPUT - 1 - connection->input_length, 0);
    if (would_wait(result, "recv")) {
        return false;
    }
    if (!result) {
        fail("closed by the server%s", connection->task ? " within a task" : "");
    }
    connection->input_length += (size_t)result;
    connection->input[connection->input_length] = 0;
    return true;
}

static void finish_request(struct connection *connection) {
    const struct request *request = current(connection);
    if (connection->file_sent < request->file_length || connection->head_sent < connection->head_length) {
        fail("a reply before the request has been sent");
    }
    if (connection->head != request->head) {
        free(connection->head);
    }
    connection->in_body = false;
    requests_done++;
    if (++connection->turn < connection->task->count) {
        begin_request(connection);
        return;
    }
    latencies[latency_count++] = now() - connection->began;
    tasks_left--;
    begin_task(connection);
}

static void take_in(struct connection *connection) {
    /* A few turns each, so that no connection keeps the others waiting. */
    for (int turn = 0; turn < 4 && receive(connection); turn++) {
        if (!connection->task) {
            fail("bytes that nobody asked for");
        }
        if ((connection->in_body || parse_head(connection)) && parse_body(connection)) {
            finish_request(connection);
            /* Nothing more is to come until the next has been answered. */
            return;
        }
    }
}

static int connect_to(uint16_t port) {
    int made = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (made < 0 || connect(made, (struct sockaddr *)&address, sizeof address)) {
        fail("port %d: %s", port, strerror(errno));
    }
    setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(made, F_SETFL, O_NONBLOCK);
    return made;
}

static int by_value(const void *one, const void *other) {
    double difference = *(const double *)one - *(const double *)other;
    return difference < 0 ? -1 : difference > 0;
}

static void report(double seconds) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
        + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    qsort(latencies, latency_count, sizeof *latencies, by_value);
    printf("{\"seconds\": %.9f, \"driver_cpu\": %.6f, \"tasks\": %zu, \"requests\": %lu, \"bytes\": %lu, "
           "\"p50\": %.9f, \"p99\": %.9f}\n", seconds, cpu, latency_count, requests_done, bytes_received,
           latency_count ? latencies[latency_count / 2] : 0, latency_count ? latencies[latency_count * 99 / 100] : 0);
    fflush(stdout);
}

int main(int count, char **arguments) {
    if (count < 4 || count > 5) {
        fail("usage: driver PORT CONNECTIONS PLAN [CONTENT]");
    }
    size_t connection_count = strtoul(arguments[2], NULL, 10);
    parse_plan(arguments[3]);
    if (count == 5 && (content = open(arguments[4], O_RDONLY)) < 0) {
        fail("%s: %s", arguments[4], strerror(errno));
    }
    poll_set = epoll_create1(0);
    struct connection *connections = allocate(connection_count * sizeof *connections);
    for (size_t index = 0; index < connection_count; index++) {
        struct connection *connection = &connections[index];
        connection->socket = connect_to((uint16_t)atoi(arguments[1]));
        connection->input = allocate(INPUT);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
        if (epoll_ctl(poll_set, EPOLL_CTL_ADD, connection->socket, &event)) {
            fail("epoll_ctl: %s", strerror(errno));
        }
    }
    char line[16];
    puts("ready");
    fflush(stdout);
    if (!fgets(line, sizeof line, stdin)) {
        return 1;
    }
    double began = now();
    busy = connection_count;
    for (size_t index = 0; index < connection_count; index++) {
        begin_task(&connections[index]);
    }
    while (busy) {
        struct epoll_event events[256];
        int ready = epoll_wait(poll_set, events, 256, PATIENCE_MS);
        if (ready == 0) {
            fail("nothing came for two minutes");
        }
        for (int index = 0; index < ready; index++) {
            struct connection *connection = events[index].data.ptr;
            if (connection->task && events[index].events & EPOLLOUT) {
                push_out(connection);
            }
            if (events[index].events & (EPOLLIN | EPOLLERR | EPOLLHUP)) {
                take_in(connection);
            }
        }
    }
    report(now() - began);
    (void)!fgets(line, sizeof line, stdin);
    return 0;
}
