/* The floor of WebSocket fan-out on this machine: one send() per client and event, nothing else.
 *
 * Speaks the line protocol of fanout_servers.py on standard input and output. Accepts any upgrade
 * request with a fixed answer (the reader does not check the key), then sends unmasked text frames
 * of a 250-byte event. `run EVENTS BURST` joins BURST events into one send().
 *
 * Build: cc -O2 -o fanout_floor fanout_floor.c
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PAYLOAD = 250, FRAME = PAYLOAD + 4, CLIENTS_MAX = 20000, BURST_MAX = 1000 };

static int clients[CLIENTS_MAX];
static int connected;
static char buffer[FRAME * BURST_MAX];

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void put_frame(char *at, int64_t timestamp_ns) {
    char head[64];
    int length = snprintf(head, sizeof head, "{\"timestamp_ns\":%019lld,\"pad\":\"",
                          (long long)timestamp_ns);
    memset(at, 'x', FRAME);
    memcpy(at, "\x81\x7e\x00\xfa", 4);
    memcpy(at + 4, head, (size_t)length);
    memcpy(at + FRAME - 2, "\"}", 2);
}

static void send_all(int fd, const char *data, size_t length) {
    while (length > 0) {
        ssize_t sent = send(fd, data, length, MSG_NOSIGNAL);
        if (sent <= 0) {
            exit(1);
        }
        data += sent;
        length -= (size_t)sent;
    }
}

static void fan_out(size_t length) {
    for (int i = 0; i < connected; i++) {
        send_all(clients[i], buffer, length);
    }
}

static void accept_until(int listener, int wanted) {
    const char *answer = "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n"
                         "connection: Upgrade\r\nsec-websocket-accept: none\r\n\r\n";
    char request[4096];
    while (connected < wanted && connected < CLIENTS_MAX) {
        int one = 1, fd = accept(listener, NULL, NULL);
        if (fd < 0) {
            exit(1);
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (recv(fd, request, sizeof request, 0) <= 0) {
            exit(1);
        }
        send_all(fd, answer, strlen(answer));
        clients[connected++] = fd;
    }
}

static void run(int events, int burst) {
    for (int sent = 0; sent < events; sent += burst) {
        for (int i = 0; i < burst; i++) {
            put_frame(buffer + i * FRAME, now_ns());
        }
        fan_out((size_t)burst * FRAME);
    }
}

static void rate(int events, int period_us) {
    int64_t start = now_ns();
    for (int i = 0; i < events; i++) {
        int64_t due = start + (int64_t)i * period_us * 1000;
        int64_t wait = due - now_ns();
        if (wait > 0) {
            struct timespec pause = {wait / 1000000000, wait % 1000000000};
            nanosleep(&pause, NULL);
        }
        put_frame(buffer, due);
        fan_out(FRAME);
    }
}

int main(void) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), first, second;
    char line[128];
    if (bind(listener, (struct sockaddr *)&address, length) || listen(listener, 4096)) {
        return 1;
    }
    getsockname(listener, (struct sockaddr *)&address, &length);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "wait %d", &first) == 1) {
            accept_until(listener, first);
            printf("%d\n", connected);
        } else if (sscanf(line, "run %d %d", &first, &second) == 2 && second <= BURST_MAX) {
            run(first, second);
            printf("done\n");
        } else if (sscanf(line, "rate %d %d", &first, &second) == 2) {
            rate(first, second);
            printf("done\n");
        } else if (strncmp(line, "cpu", 3) == 0) {
            struct rusage use;
            getrusage(RUSAGE_SELF, &use);
            printf("%.6f\n", use.ru_utime.tv_sec + use.ru_stime.tv_sec +
                                 (use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6);
        } else {
            break;
        }
        fflush(stdout);
    }
    return 0;
}
