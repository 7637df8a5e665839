/* Any request gets the counters as JSON: status 200 while no error was found, 503 from then on. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "workload.h"

enum { PORT = 80, SERVERS = 4, BODY_BYTES = 4096 }; /* four, so that a client gone silent holds nobody up */

static int write_disks(char *out, size_t size) {
    int used = 0;
    for (int i = 0; i < disk_count; i++)
        used += snprintf(out + used, size - (size_t)used,
                         "%s{\"device\": \"%s\", \"writes\": %lu, \"verified\": %lu, \"cycles\": %lu, \"errors\": %lu}",
                         i ? ", " : "", disks[i].device, disks[i].writes, disks[i].verified, disks[i].cycles,
                         disks[i].errors);
    return used;
}

static size_t write_body(char *out) {
    int used = snprintf(out, BODY_BYTES,
                        "{\"name\": \"%s\", \"heartbeat\": %lu, \"uptime_ms\": %lu, \"heartbeat_gap_max_ms\": %lu,"
                        " \"working_set_bytes\": %lu, \"dirty_target_bytes_s\": %lu, \"memory_dirtied_bytes\": %lu,"
                        " \"memory_verified\": %lu, \"memory_errors\": %lu, \"disks\": [",
                        settings.name, heartbeat.count, now_ms(), heartbeat.gap_max_ms, settings.working_set_bytes,
                        settings.dirty_bytes_s, memory.dirtied_bytes, memory.verified_pages, memory.errors);
    used += write_disks(out + used, (size_t)(BODY_BYTES - used));
    used += snprintf(out + used, (size_t)(BODY_BYTES - used), "]}\n");
    return (size_t)used;
}

static void answer(int client) {
    char request[1024], body[BODY_BYTES], reply[BODY_BYTES + 256];
    const struct timeval limit = {.tv_usec = 500000};
    setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (recv(client, request, sizeof request, 0) <= 0)
        return;
    size_t size = write_body(body);
    int length = snprintf(reply, sizeof reply,
                          "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
                          "Connection: close\r\n\r\n%.*s",
                          total_errors() ? "503 Service Unavailable" : "200 OK", size, (int)size, body);
    send(client, reply, (size_t)length, MSG_NOSIGNAL);
}

static void *serve(void *argument) {
    int listener = *(int *)argument;
    for (;;) {
        int client = accept(listener, NULL, NULL);
        if (client < 0)
            continue;
        answer(client);
        shutdown(client, SHUT_WR);
        close(client);
    }
    return NULL;
}

void http_start(void) {
    static int listener;
    const int on = 1;
    const struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (const struct sockaddr *)&any, sizeof any) < 0 || listen(listener, 64) < 0) {
        say("port %d cannot be listened on", PORT);
        return;
    }
    for (int i = 0; i < SERVERS; i++)
        start_thread(serve, &listener);
}
