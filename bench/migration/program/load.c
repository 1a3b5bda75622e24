/*
 * What a container runs while it is moved: so many MiB of memory that cannot be compressed, written to at a rate, and a
 * clock that is looked at every millisecond. Answers on TCP, a line for each byte that is asked:
 *   p  "p"                the same again, to measure the way there and back
 *   g  "g MICROSECONDS"   longest gap between two looks at the clock since the last g
 *   v  "v PAGES"          how many pages do not hold what was written to them; 0 = all is well
 *
 *   load PORT MIB WRITTEN-MIB-PER-SECOND
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, WORDS = PAGE / 8, CLIENTS = 8 };
/* Of each page, the first two words are written again and again: a count, and its complement. */
enum { COUNT, COMPLEMENT, FIRST_FIXED };

static uint64_t *memory;
static size_t pages;
static uint64_t written_per_second;

static uint64_t next_random(uint64_t x) {
  x ^= x << 13;
  x ^= x >> 7;
  return x ^ x << 17;
}

static uint64_t seed_of(size_t page) { return 0x9e3779b97f4a7c15u * (page + 1); }

static void fill(size_t page) {
  uint64_t *at = memory + page * WORDS, x = seed_of(page);
  at[COUNT] = 0;
  at[COMPLEMENT] = ~0ull;
  for (int word = FIRST_FIXED; word < WORDS; word++) at[word] = x = next_random(x);
}

static int is_right(size_t page) {
  const volatile uint64_t *at = memory + page * WORDS;
  uint64_t x = seed_of(page);
  for (int word = FIRST_FIXED; word < WORDS; word++)
    if (at[word] != (x = next_random(x))) return 0;
  for (int tries = 0; tries < 1000; tries++) { /* it may be between its two writes */
    if (at[COUNT] == ~at[COMPLEMENT]) return 1;
    usleep(10);
  }
  return 0;
}

static uint64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t); /* the monotonic one stands still with the container */
  return t.tv_sec * 1000000ull + t.tv_nsec / 1000;
}

static void *write_on(void *unused) {
  size_t page = 0;
  uint64_t last = now_us();
  double due = 0;
  for (;;) {
    usleep(1000);
    uint64_t now = now_us();
    double passed = (now - last) / 1e6;
    last = now;
    due += (passed > 0.05 ? 0.05 : passed) * written_per_second / PAGE; /* nothing is made good after a pause */
    for (; due >= 1; due -= 1, page = (page + 1) % pages) {
      volatile uint64_t *at = memory + page * WORDS;
      at[COUNT]++;
      at[COMPLEMENT] = ~at[COUNT];
    }
  }
  return unused;
}

int main(int count, char **words) {
  if (count != 4) return 2;
  pages = strtoull(words[2], 0, 10) << 20 >> 12;
  written_per_second = strtoull(words[3], 0, 10) << 20;
  memory = mmap(0, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 3;
  for (size_t page = 0; page < pages; page++) fill(page);

  pthread_t writer;
  if (written_per_second > 0) pthread_create(&writer, 0, write_on, 0);

  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(words[1]))};
  int listener = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(listener, (void *)&address, sizeof address) || listen(listener, CLIENTS)) return 4;

  struct pollfd open[1 + CLIENTS] = {{listener, POLLIN, 0}};
  int opened = 1;
  uint64_t last = now_us(), gap = 0;
  for (;;) {
    int ready = poll(open, opened, 1);
    uint64_t now = now_us();
    if (now > last && now - last > gap) gap = now - last;
    last = now;
    if (ready <= 0) continue;
    for (int i = 1; i < opened; i++) {
      if (!open[i].revents) continue;
      char asked, answer[40];
      int length;
      if (read(open[i].fd, &asked, 1) != 1) {
        close(open[i].fd);
        open[i--] = open[--opened];
        continue;
      }
      if (asked == 'g') {
        length = sprintf(answer, "g %llu\n", (unsigned long long)gap);
        gap = 0;
      } else if (asked == 'v') {
        size_t wrong = 0;
        for (size_t page = 0; page < pages; page++) wrong += !is_right(page);
        length = sprintf(answer, "v %zu\n", wrong);
        last = now_us();
      } else {
        length = sprintf(answer, "p\n");
      }
      if (write(open[i].fd, answer, length) != length) return 5;
    }
    if (open[0].revents && opened <= CLIENTS) {
      int client = accept(listener, 0, 0);
      setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
      open[opened++] = (struct pollfd){client, POLLIN, 0};
    }
  }
}
