/* http_server.c - one connection at a time, one request a connection. */
#include "http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct {
    int listener;
    pthread_t thread;
    atomic_bool stopping;
    atomic_int requests, busy;
    uint8_t content[2 * HTTP_CONTENT]; /* the content, and what /long sends behind it */
} server;

static void put(int to, const void *bytes, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t sent = send(to, (const char *)bytes + done, size - done, MSG_NOSIGNAL);
        if (sent <= 0) return;
        done += (size_t)sent;
    }
}

static void put_head(int to, const char *line, long length, const char *more) {
    char text[512];
    put(to, text,
        (size_t)snprintf(text, sizeof text,
                         "HTTP/1.1 %s\r\nContent-Length: %ld\r\nConnection: close\r\n%s\r\n", line, length,
                         more));
}

/* Waits until the other side closes. */
static void be_silent(int to) {
    struct pollfd p = {.fd = to, .events = POLLIN};
    char byte;
    while (!server.stopping && (poll(&p, 1, 50) == 0 || recv(to, &byte, 1, 0) > 0)) continue;
}

/* The content from `first` on, with room for bad behaviour. */
static void put_content(int to, const char *path, long first) {
    char range[128] = "Accept-Ranges: bytes\r\n";
    long size = HTTP_CONTENT - first, sent = size;
    if (strcmp(path, "/short") == 0) size = sent = 1000;
    if (strcmp(path, "/long") == 0) size = sent = HTTP_CONTENT + 1000;
    if (strcmp(path, "/cut") == 0) sent = (size + 1) / 2;
    if (strcmp(path, "/stall") == 0) sent = size < 1000 ? size : 1000;
    if (first > 0)
        snprintf(range, sizeof range, "Content-Range: bytes %ld-%d/%d\r\n", first, HTTP_CONTENT - 1,
                 HTTP_CONTENT);
    put_head(to, first > 0 ? "206 Partial Content" : "200 OK", size, range);
    if (strcmp(path, "/wrong") == 0) {
        for (long i = 0; i < sent; i++) put(to, "x", 1);
        return;
    }
    for (long done = 0, piece; done < sent; done += piece) {
        piece = strcmp(path, "/slow") == 0 && sent - done > 10000 ? 10000 : sent - done;
        put(to, server.content + first + done, (size_t)piece);
        if (piece < sent) nanosleep(&(struct timespec){0, 20000000}, NULL);
    }
    if (strcmp(path, "/stall") == 0) be_silent(to);
}

/* HTTP/1.0: the connection's end is the answer's. */
static void put_unsaid(int to, const void *bytes, long size) {
    static const char head[] = "HTTP/1.0 200 OK\r\n\r\n";
    put(to, head, sizeof head - 1);
    put(to, bytes, (size_t)size);
}

static void put_chunked(int to, const void *bytes, long size, const char *more, bool with_end) {
    char head[256];
    put(to, head,
        (size_t)snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n%s\r\n%lx\r\n",
                         more, (unsigned long)size));
    put(to, bytes, (size_t)size);
    put(to, "\r\n0\r\n\r\n", with_end ? 7 : 2);
}

/* Answers that are not what was asked for, or do not say so. */
static bool answer_strangely(int to, const char *path, long first) {
    static char page[3 * HTTP_CONTENT];
    char range[128];
    long rest = HTTP_CONTENT - first;
    memset(page, '<', sizeof page);
    if (strcmp(path, "/breaks") == 0) {
        put_head(to, "200 OK", HTTP_CONTENT, "");
        put(to, server.content, 40000);
    } else if (strcmp(path, "/unsaid") == 0 && first == 0) {
        put_unsaid(to, server.content, HTTP_CONTENT / 2);
    } else if (strcmp(path, "/unsaid") == 0) {
        put_content(to, "/cut", first);
    } else if (strcmp(path, "/chunked") == 0) {
        put_chunked(to, server.content, HTTP_CONTENT, "", true);
    } else if (strcmp(path, "/never") == 0) {
        put_chunked(to, server.content, 90000, "", false);
    } else if (strcmp(path, "/portal") == 0) {
        put_head(to, "200 OK", 2000, "Content-Type: text/html\r\n");
        put(to, page, 2000);
    } else if (strcmp(path, "/portal-chunked") == 0) {
        put_chunked(to, page, 90000, "Content-Type: text/html\r\n", true);
    } else if (strcmp(path, "/portal-closed") == 0) {
        put_unsaid(to, page, 90000);
    } else if (strcmp(path, "/endless") == 0) {
        put_unsaid(to, page, sizeof page);
    } else if (strcmp(path, "/unmoved") == 0) {
        put_head(to, "301 Moved Permanently", 2000, "");
        put(to, page, 2000);
    } else if (strcmp(path, "/packed") == 0) {
        put_chunked(to, page, 80000, "Content-Encoding: gzip\r\n", true);
    } else if (strcmp(path, "/other") == 0) {
        snprintf(range, sizeof range, "Content-Range: bytes %ld-%d/%d\r\n", first, HTTP_CONTENT + 4,
                 HTTP_CONTENT + 5);
        put_head(to, "206 Partial Content", rest + 5, range);
        put(to, page, (size_t)rest + 5);
    } else if (strcmp(path, "/elsewhere") == 0) {
        snprintf(range, sizeof range, "Content-Range: bytes %d-%d/%d\r\n", 5, HTTP_CONTENT - 1, HTTP_CONTENT);
        put_head(to, "206 Partial Content", HTTP_CONTENT - 5, range);
        put(to, server.content + 5, HTTP_CONTENT - 5);
    } else if (strcmp(path, "/nameless") == 0) {
        put_head(to, "206 Partial Content", rest, "");
        put(to, server.content + first, (size_t)rest);
    } else {
        return false;
    }
    return true;
}

static bool is_one_of(const char *path, const char *list) {
    char wanted[64];
    snprintf(wanted, sizeof wanted, "%.60s ", path);
    return strstr(list, wanted) != NULL;
}

static void answer(int to, const char *request) {
    char path[64] = "";
    long first = 0;
    const char *range = strstr(request, "\r\nRange: bytes=");
    sscanf(request, "GET %63s", path);
    if (range) first = atol(range + 15);
    server.requests++;
    if (answer_strangely(to, path, first)) return;
    if (first >= HTTP_CONTENT || (first > 0 && strcmp(path, "/refusing") == 0)) {
        put_head(to, "416 Range Not Satisfiable", 0, "");
    } else if (strcmp(path, "/plain") == 0 || strcmp(path, "/wrong") == 0) {
        put_content(to, path, 0);
    } else if (is_one_of(path, "/good /slow /cut /stall /short /long /refusing ")) {
        put_content(to, path, first);
    } else if (strcmp(path, "/busy") == 0) {
        if (server.busy++ < 2)
            put_head(to, "503 Service Unavailable", 0, "");
        else
            put_content(to, path, first);
    } else if (strcmp(path, "/moved") == 0) {
        put_head(to, "302 Found", 5, "Location: /good\r\n");
        put(to, "moved", 5);
    } else if (strcmp(path, "/loop") == 0) {
        put_head(to, "302 Found", 0, "Location: /loop\r\n");
    } else if (strcmp(path, "/file") == 0) {
        put_head(to, "302 Found", 0, "Location: file:///etc/hostname\r\n");
    } else if (strcmp(path, "/noise") == 0) {
        put(to, "\1\2\3 no web server\r\n\r\n", 21);
    } else {
        put_head(to, "404 Not Found", 9, "");
        put(to, "not found", 9);
    }
}

static void serve_one(int to) {
    char request[4096];
    size_t used = 0;
    while (used < sizeof request - 1) {
        ssize_t got = recv(to, request + used, sizeof request - 1 - used, 0);
        if (got <= 0) break;
        used += (size_t)got;
        request[used] = '\0';
        if (strstr(request, "\r\n\r\n")) {
            answer(to, request);
            break;
        }
    }
    close(to);
}

static void *serve(void *unused) {
    struct pollfd p = {.fd = server.listener, .events = POLLIN};
    while (!server.stopping) {
        if (poll(&p, 1, 50) <= 0) continue;
        int to = accept(server.listener, NULL, NULL);
        if (to >= 0) serve_one(to);
    }
    return unused;
}

int http_server_start(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    for (int i = 0; i < 2 * HTTP_CONTENT; i++) server.content[i] = http_content(i);
    server.stopping = false;
    server.busy = server.requests = 0;
    server.listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(server.listener, (struct sockaddr *)&address, size) != 0 || listen(server.listener, 16) != 0 ||
        getsockname(server.listener, (struct sockaddr *)&address, &size) != 0 ||
        pthread_create(&server.thread, NULL, serve, NULL) != 0)
        abort();
    return ntohs(address.sin_port);
}

void http_server_stop(void) {
    server.stopping = true;
    pthread_join(server.thread, NULL);
    close(server.listener);
}

int http_server_requests(void) {
    return atomic_exchange(&server.requests, 0);
}
