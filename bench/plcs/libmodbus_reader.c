/* libmodbus, one thread for each target, as its calls wait: libmodbus_reader PORT TARGETS EVERY_US WARM_S SECONDS FILE
 *
 * Writes each sample as four numbers of 64 bits (target, asked, answered, good; microseconds) and prints CPU seconds and peak KiB. */
#include <modbus/modbus.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

enum { STACK_BYTES = 128 * 1024 };

static int port, targets;
static int64_t every_us, begin_us, from_us, end_us;
static struct sample {
    int64_t target, asked_us, answered_us, good;
} *samples;
static int64_t room;

static int64_t now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static void until(int64_t us) {
    struct timespec due = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) != 0) {
    }
}

static double cpu_s(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

/* Not by getrusage: that begins with the memory of the parent process. */
static long memory_kib(void) {
    char line[256];
    long kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) sscanf(line, "VmHWM: %ld", &kib);
    if (file != NULL) fclose(file);
    return kib;
}

static void *ask(void *which) {
    int64_t number = (int64_t)(intptr_t)which, at = number * room;
    char address[32];
    snprintf(address, sizeof address, "127.1.%d.%d", (int)(number / 250), (int)(number % 250 + 1));
    modbus_t *opened = modbus_new_tcp(address, port);
    modbus_set_response_timeout(opened, 0, 800000);
    int connected = opened != NULL && modbus_connect(opened) == 0;
    int64_t due_us = begin_us + number * every_us / targets;
    while (due_us < end_us) {
        until(due_us);
        uint16_t value;
        int64_t asked_us = now_us();
        int good = connected && modbus_read_input_registers(opened, 0, 1, &value) == 1;
        /* A late answer is not to be taken for the next question's. */
        if (connected && !good) modbus_flush(opened);
        if (asked_us >= from_us && at < (number + 1) * room)
            samples[at++] = (struct sample){number, asked_us, now_us(), good};
        do due_us += every_us;
        while (due_us + every_us <= now_us());
    }
    return NULL;
}

int main(int argc, char **argv) {
    if (argc != 7) return 2;
    port = atoi(argv[1]), targets = atoi(argv[2]), every_us = atoll(argv[3]);
    begin_us = now_us() + 500000;
    from_us = begin_us + (int64_t)(atof(argv[4]) * 1e6);
    end_us = from_us + (int64_t)(atof(argv[5]) * 1e6);
    room = (end_us - from_us) / every_us + 2;
    samples = calloc((size_t)(targets * room), sizeof *samples);
    pthread_t *threads = calloc((size_t)targets, sizeof *threads);
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, STACK_BYTES);
    for (int number = 0; number < targets; number++)
        if (pthread_create(&threads[number], &small, ask, (void *)(intptr_t)number) != 0) return 1;
    until(from_us);
    double used_s = cpu_s();
    until(end_us);
    used_s = cpu_s() - used_s;
    for (int number = 0; number < targets; number++) pthread_join(threads[number], NULL);
    long peak_kib = memory_kib();
    FILE *file = fopen(argv[6], "wb");
    if (file == NULL) return 1;
    for (int64_t at = 0; at < targets * room; at++)
        if (samples[at].asked_us != 0) fwrite(&samples[at], sizeof *samples, 1, file);
    fclose(file);
    printf("%f %ld\n", used_s, peak_kib);
    return 0;
}
