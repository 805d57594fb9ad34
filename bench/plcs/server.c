/* Modbus/TCP servers on loopback, as many as are wanted, in one process: server TARGETS
 *
 * Target n listens on 127.1.(n / 250).(n % 250 + 1), all on one free port, which is printed. Each question gets at once an answer of
 * one register that counts the questions of its connection. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DESCRIPTORS = 65536, BUFFER = 512, QUESTION = 12, ANSWER = 11, EVENTS = 256 };

static struct connection {
    uint8_t data[BUFFER];
    int held;
    uint16_t questions;
} *connections[DESCRIPTORS];

static void must(int good, const char *what) {
    if (!good) {
        perror(what);
        exit(1);
    }
}

static int listen_as(int number, in_port_t port) {
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = port};
    name.sin_addr.s_addr = htonl((127u << 24) | (1u << 16) | (unsigned)(number / 250) << 8 | (unsigned)(number % 250 + 1));
    int opened = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), yes = 1;
    must(opened >= 0 && opened < DESCRIPTORS, "socket");
    setsockopt(opened, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    must(bind(opened, (struct sockaddr *)&name, sizeof name) == 0, "bind");
    must(listen(opened, 16) == 0, "listen");
    return opened;
}

static void watch(int poll, int opened) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = opened};
    must(epoll_ctl(poll, EPOLL_CTL_ADD, opened, &event) == 0, "epoll_ctl");
}

static void accept_all(int poll, int listening) {
    int opened, yes = 1;
    while ((opened = accept4(listening, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        must(opened < DESCRIPTORS, "accept");
        setsockopt(opened, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        connections[opened] = calloc(1, sizeof **connections);
        must(connections[opened] != NULL, "calloc");
        watch(poll, opened);
    }
}

static int answer(int opened, struct connection *one) {
    ssize_t got = recv(opened, one->data + one->held, sizeof one->data - (size_t)one->held, 0);
    if (got <= 0) return got < 0 && errno == EAGAIN;
    one->held += (int)got;
    int at = 0;
    for (; one->held - at >= QUESTION; at += QUESTION) {
        const uint8_t *asked = one->data + at;
        uint16_t value = ++one->questions;
        uint8_t said[ANSWER] = {asked[0], asked[1], 0, 0, 0, 5, asked[6], asked[7], 2, value >> 8, value & 255};
        if (send(opened, said, sizeof said, MSG_NOSIGNAL) != sizeof said) return 0;
    }
    memmove(one->data, one->data + at, (size_t)(one->held -= at));
    return 1;
}

int main(int argc, char **argv) {
    int targets = argc > 1 ? atoi(argv[1]) : 1, poll = epoll_create1(0);
    struct sockaddr_in name;
    socklen_t size = sizeof name;
    in_port_t port = 0;
    for (int number = 0; number < targets; number++) {
        int opened = listen_as(number, port);
        if (port == 0) must(getsockname(opened, (struct sockaddr *)&name, &size) == 0, "getsockname");
        port = name.sin_port;
        watch(poll, opened);
    }
    printf("%d\n", ntohs(port));
    fflush(stdout);
    for (;;) {
        struct epoll_event events[EVENTS];
        int count = epoll_wait(poll, events, EVENTS, -1);
        for (int place = 0; place < count; place++) {
            int ready = events[place].data.fd;
            if (connections[ready] == NULL) {
                accept_all(poll, ready);
            } else if (!answer(ready, connections[ready])) {
                free(connections[ready]);
                connections[ready] = NULL;
                close(ready);
            }
        }
    }
}
