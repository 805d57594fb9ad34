/*
 * The filler's PLC as a third party would build it: C on libmodbus. Registers, process and signals are those of
 * lab/plant/plc.py, so every probe and drill works on either unchanged.
 *
 * Input registers (function 4): 0 heartbeat, 1 tank level (0.1 %), 2 and 3 count (low and high word), 4 rate (bottles a
 * minute), 5 temperature (0.1 C). Holding register 0: level setpoint (0.1 %). Discrete inputs: 0 level alarm, 1 running.
 * Coil 0: run command. SIGUSR1 freezes the program while the communication goes on; SIGUSR2 lets it run again.
 */
#include <errno.h>
#include <math.h>
#include <modbus/modbus.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CELLS = 16, CLIENTS = 32, SCAN_MS = 100 };

static const double scan_s = SCAN_MS / 1000.0;
static const double rate_per_min = 48.0, outflow = 1.2;

static volatile sig_atomic_t frozen;

static struct {
    double level, count, temperature;
    uint16_t heartbeat;
} process = {.level = 62.0, .count = 1000.0, .temperature = 21.5};

static double between(double low, double value, double high) {
    return value < low ? low : value > high ? high : value;
}

/* Run the program once. The machine has no stop button: like its sibling in Python it always runs. */
static void scan(modbus_mapping_t *cells) {
    if (frozen)
        return;
    process.heartbeat++;
    double setpoint = cells->tab_registers[0] / 10.0;
    double valve = between(0.0, (setpoint - process.level) * 0.5 + 0.5, 1.0);
    double out = process.level > 0 ? outflow : 0.0;
    process.level = between(0.0, process.level + (valve * outflow * 2 - out) * scan_s, 100.0);
    if (process.level > 1)
        process.count += rate_per_min / 60 * scan_s;
    process.temperature += (35.0 - process.temperature) * scan_s / 600;
}

/* Put the process image into the cells that clients read. */
static void publish(modbus_mapping_t *cells) {
    uint32_t count = (uint32_t)process.count;
    uint16_t *inputs = cells->tab_input_registers;
    inputs[0] = process.heartbeat;
    inputs[1] = (uint16_t)lround(process.level * 10);
    inputs[2] = count & 0xFFFF;
    inputs[3] = (uint16_t)(count >> 16);
    inputs[4] = process.level > 1 ? (uint16_t)lround(rate_per_min) : 0;
    inputs[5] = (uint16_t)lround(process.temperature * 10);
    cells->tab_input_bits[0] = process.level < 5 || process.level > 95;
    cells->tab_input_bits[1] = 1;
}

static long now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000L + now.tv_nsec / 1000000L;
}

static void freeze_or_run(int number) {
    frozen = number == SIGUSR1;
}

/* Take a client in. One that vanished without a word must not hold its place for ever. */
static void admit(int listener, struct pollfd clients[CLIENTS]) {
    int one = 1, idle_s = 5, step_s = 2, tries = 3;
    int client = accept(listener, NULL, NULL);
    if (client < 0)
        return;
    setsockopt(client, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    setsockopt(client, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    setsockopt(client, IPPROTO_TCP, TCP_KEEPINTVL, &step_s, sizeof step_s);
    setsockopt(client, IPPROTO_TCP, TCP_KEEPCNT, &tries, sizeof tries);
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    for (int at = 0; at < CLIENTS; at++)
        if (clients[at].fd < 0) {
            clients[at].fd = client;
            return;
        }
    close(client);
}

/* Answer one question; a client that is gone or speaks no Modbus is let go. */
static void answer(modbus_t *bus, modbus_mapping_t *cells, struct pollfd *client) {
    uint8_t question[MODBUS_TCP_MAX_ADU_LENGTH];
    modbus_set_socket(bus, client->fd);
    int length = modbus_receive(bus, question);
    if (length > 0 && modbus_reply(bus, question, length, cells) >= 0)
        return;
    if (length == 0)
        return;
    close(client->fd);
    client->fd = -1;
}

int main(int argc, char **argv) {
    const char *port = argc > 1 ? argv[1] : "502";
    /* "::" takes IPv4 in as well. */
    modbus_t *bus = modbus_new_tcp_pi("::", port);
    modbus_mapping_t *cells = modbus_mapping_new(CELLS, CELLS, CELLS, CELLS);
    int listener = bus && cells ? modbus_tcp_pi_listen(bus, CLIENTS) : -1;
    if (listener < 0) {
        fprintf(stderr, "plc: port %s cannot be served: %s\n", port, modbus_strerror(errno));
        return 1;
    }
    /* Half a question must not keep the others waiting. */
    modbus_set_byte_timeout(bus, 0, 20000);
    modbus_set_response_timeout(bus, 0, 20000);
    signal(SIGUSR1, freeze_or_run);
    signal(SIGUSR2, freeze_or_run);
    cells->tab_bits[0] = 1;
    cells->tab_registers[0] = 600;

    struct pollfd places[1 + CLIENTS] = {{.fd = listener, .events = POLLIN}};
    for (int at = 1; at <= CLIENTS; at++)
        places[at] = (struct pollfd){.fd = -1, .events = POLLIN};
    for (long due = now_ms();;) {
        /* A slow client delays a scan and takes none away. */
        for (; due <= now_ms(); due += SCAN_MS)
            scan(cells);
        publish(cells);
        long left = due - now_ms();
        if (poll(places, 1 + CLIENTS, left > 0 ? (int)left : 0) <= 0)
            continue;
        for (int at = 1; at <= CLIENTS; at++)
            if (places[at].fd >= 0 && places[at].revents)
                answer(bus, cells, &places[at]);
        if (places[0].revents)
            admit(listener, places + 1);
    }
}
