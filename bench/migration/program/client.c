/*
 * One TCP connection to `load`, asked every 2 ms. For each line on standard input it tells of the time since the one
 * before, as JSON: what it asked, the longest wait for an answer, and the longest gap that the other side saw.
 *   mark   does that
 *   check  as well, and has all memory checked; that takes a while
 * When the connection is lost it says why, and ends.
 *
 *   client ADDRESS PORT
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int connection;

static uint64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000ull + t.tv_nsec / 1000;
}

static void lost(const char *doing) {
  printf("{\"lost\":\"%s: %s\"}\n", doing, errno ? strerror(errno) : "closed");
  exit(1);
}

/* Asks, and returns the number in the answer; 0 if there is none. */
static uint64_t ask(char what) {
  char answer[64];
  size_t length = 0;
  errno = 0;
  if (write(connection, &what, 1) != 1) lost("asking");
  do {
    ssize_t got = read(connection, answer + length, sizeof answer - 1 - length);
    if (got <= 0) lost("waiting");
    length += got;
  } while (answer[length - 1] != '\n' && length < sizeof answer - 1);
  answer[length] = 0;
  if (answer[0] != what) lost("reading nonsense");
  return strtoull(answer + 1, 0, 10);
}

int main(int count, char **words) {
  if (count != 3) return 2;
  setvbuf(stdout, 0, _IOLBF, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(words[2]))};
  if (!inet_aton(words[1], &address.sin_addr)) return 2;
  int yes = 1;
  connection = socket(AF_INET, SOCK_STREAM, 0);
  errno = 0;
  if (connect(connection, (void *)&address, sizeof address)) lost("connecting");
  setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  ask('g');
  printf("{\"connected\":true}\n");

  struct pollfd input = {0, POLLIN, 0};
  uint64_t asked = 0, longest = 0;
  for (;;) {
    uint64_t from = now_us();
    ask('p');
    uint64_t took = now_us() - from;
    asked++;
    if (took > longest) longest = took;
    struct timespec pause = {0, 2000000};
    nanosleep(&pause, 0);
    if (poll(&input, 1, 0) <= 0) continue;
    char line[16];
    if (!fgets(line, sizeof line, stdin)) return 0;
    printf("{\"asked\":%llu,\"longestMs\":%.3f,\"insideMs\":%.3f", (unsigned long long)asked, longest / 1e3, ask('g') / 1e3);
    if (line[0] == 'c') {
      printf(",\"wrongPages\":%llu", (unsigned long long)ask('v'));
      ask('g');
    }
    printf("}\n");
    asked = longest = 0;
  }
}
