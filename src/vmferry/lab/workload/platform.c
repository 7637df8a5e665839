/* Process 1's work: file systems, drivers, the settings on the kernel command line, the network address. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "workload.h"

struct settings settings = {.name = "guest", .disk_bytes_s = 1 << 20};

void say(const char *format, ...) {
    char line[256];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line - 1, format, arguments);
    va_end(arguments);
    if (length > (int)sizeof line - 2)
        length = (int)sizeof line - 2;
    line[length++] = '\n';
    if (write(STDOUT_FILENO, line, (size_t)length) < 0)
        return; /* no console: nobody to tell */
}

void start_thread(void *(*body)(void *), void *argument) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, body, argument) != 0) {
        say("no thread can be started");
        abort(); /* ends process 1, so the kernel panics: seen on the console */
    }
}

void be_nice(void) { setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 10); }

static void mount_all(void) {
    mkdir("/proc", 0755);
    mkdir("/sys", 0755);
    mkdir("/dev", 0755);
    mount("proc", "/proc", "proc", 0, NULL);
    mount("sysfs", "/sys", "sysfs", 0, NULL);
    mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
}

/* /modules/order names the files in the order that their dependencies ask for. */
static void load_modules(void) {
    char path[128], name[96];
    FILE *order = fopen("/modules/order", "r");
    while (order && fscanf(order, "%95s", name) == 1) {
        snprintf(path, sizeof path, "/modules/%s", name);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (syscall(SYS_finit_module, fd, "", 0) != 0)
            say("module %s does not load", name);
        close(fd);
    }
    if (order)
        fclose(order);
}

static void set_one(const char *key, const char *value) {
    if (strcmp(key, "name") == 0)
        snprintf(settings.name, sizeof settings.name, "%s", value);
    else if (strcmp(key, "address") == 0)
        snprintf(settings.address, sizeof settings.address, "%s", value);
    else if (strcmp(key, "dirty_bytes_s") == 0)
        settings.dirty_bytes_s = strtoull(value, NULL, 10);
    else if (strcmp(key, "working_set_bytes") == 0)
        settings.working_set_bytes = strtoull(value, NULL, 10);
    else if (strcmp(key, "disk_bytes_s") == 0)
        settings.disk_bytes_s = strtoull(value, NULL, 10);
}

static void read_settings(void) {
    static const char prefix[] = "vmferry.";
    char line[4096] = "";
    int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
    if (read(fd, line, sizeof line - 1) < 0)
        say("the kernel command line cannot be read");
    close(fd);
    for (char *word = strtok(line, " \n"); word; word = strtok(NULL, " \n")) {
        char *equals = strchr(word, '=');
        if (!equals || strncmp(word, prefix, sizeof prefix - 1) != 0)
            continue;
        *equals = '\0';
        set_one(word + sizeof prefix - 1, equals + 1);
    }
}

static void bring_up(int fd, const char *interface) {
    struct ifreq request = {0};
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", interface);
    ioctl(fd, SIOCGIFFLAGS, &request);
    request.ifr_flags |= IFF_UP | IFF_RUNNING;
    if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
        say("interface %s does not come up", interface);
}

static void set_ipv4(int fd, unsigned long request_code, const char *interface, in_addr_t value) {
    struct ifreq request = {0};
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", interface);
    struct sockaddr_in *address = (struct sockaddr_in *)&request.ifr_addr;
    address->sin_family = AF_INET;
    address->sin_addr.s_addr = value;
    if (ioctl(fd, request_code, &request) < 0)
        say("interface %s takes no address", interface);
}

/* Says where it is as soon as it is up: the address may have been another guest's a moment ago. */
static void announce_itself(void) {
    int fd = open("/proc/sys/net/ipv4/conf/all/arp_notify", O_WRONLY | O_CLOEXEC);
    if (write(fd, "1", 1) != 1)
        say("the network will learn only by and by where this guest is");
    close(fd);
}

static void set_network(void) {
    announce_itself();
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    char address[sizeof settings.address];
    bring_up(fd, "lo");
    snprintf(address, sizeof address, "%s", settings.address);
    char *slash = strchr(address, '/');
    if (slash) {
        *slash = '\0';
        unsigned prefix = (unsigned)atoi(slash + 1);
        set_ipv4(fd, SIOCSIFADDR, "eth0", inet_addr(address));
        set_ipv4(fd, SIOCSIFNETMASK, "eth0", htonl(prefix ? ~0u << (32 - prefix) : 0));
        bring_up(fd, "eth0");
    }
    close(fd);
}

void platform_init(void) {
    mount_all();
    read_settings();
    load_modules();
    set_network();
}
