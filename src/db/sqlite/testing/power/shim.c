/*
 * Preloaded into a process, writes down in order what it does to the files below POWER_PREFIX: writes, truncations, deletions, syncs.
 * Records in the file POWER_LOG: type, length of the path, of the data, offset (8 bytes each, little-endian), path, data.
 * A sync is recorded when it begins and when it is done, with a number (as the offset) that both have: what was written
 * before the first is durable after the second.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int logFd = -1;
static uint64_t syncs = 0;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* The path of a file that is recorded; 0 if this one is not. */
static int pathOf(int fd, char *path, size_t size) {
  const char *prefix = getenv("POWER_PREFIX");
  char link[64];
  if (!prefix || fd < 0 || fd == logFd) return 0;
  strcpy(link, "/proc/self/fd/");
  char digits[16];
  int n = 0, value = fd;
  do { digits[n++] = '0' + value % 10; value /= 10; } while (value);
  size_t at = strlen(link);
  while (n) link[at++] = digits[--n];
  link[at] = 0;
  ssize_t length = readlink(link, path, size - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return strncmp(path, prefix, strlen(prefix)) == 0;
}

static void record(char type, const char *path, const void *data, size_t length, uint64_t offset) {
  static ssize_t (*realWrite)(int, const void *, size_t);
  if (!realWrite) realWrite = REAL(write);
  if (logFd < 0) logFd = open(getenv("POWER_LOG"), O_WRONLY | O_CREAT | O_APPEND, 0600);
  uint64_t head[4] = {(uint64_t)type, strlen(path), data ? length : 0, offset};
  struct iovec parts[3] = {{head, sizeof head}, {(void *)path, strlen(path)}, {(void *)data, data ? length : 0}};
  for (int i = 0; i < 3; i++) {
    const char *from = parts[i].iov_base;
    for (size_t left = parts[i].iov_len; left > 0;) {
      ssize_t done = realWrite(logFd, from, left);
      if (done <= 0) abort();
      from += done;
      left -= done;
    }
  }
}

#define WRITES(name, offsetType)                                                       \
  ssize_t name(int fd, const void *data, size_t length, offsetType offset) {           \
    char path[512];                                                                    \
    if (!pathOf(fd, path, sizeof path)) return REAL(name)(fd, data, length, offset);   \
    pthread_mutex_lock(&lock);                                                         \
    ssize_t done = REAL(name)(fd, data, length, offset);                               \
    if (done > 0) record('w', path, data, done, offset);                               \
    pthread_mutex_unlock(&lock);                                                       \
    return done;                                                                       \
  }
WRITES(pwrite, off_t)
WRITES(pwrite64, off64_t)

ssize_t write(int fd, const void *data, size_t length) {
  char path[512];
  if (!pathOf(fd, path, sizeof path)) return REAL(write)(fd, data, length);
  pthread_mutex_lock(&lock);
  off_t offset = lseek(fd, 0, SEEK_CUR);
  ssize_t done = REAL(write)(fd, data, length);
  if (done > 0) record('w', path, data, done, offset);
  pthread_mutex_unlock(&lock);
  return done;
}

#define TRUNCATES(name, sizeType)                                            \
  int name(int fd, sizeType size) {                                          \
    char path[512];                                                          \
    if (!pathOf(fd, path, sizeof path)) return REAL(name)(fd, size);         \
    pthread_mutex_lock(&lock);                                               \
    int result = REAL(name)(fd, size);                                       \
    if (result == 0) record('t', path, 0, 0, size);                          \
    pthread_mutex_unlock(&lock);                                             \
    return result;                                                           \
  }
TRUNCATES(ftruncate, off_t)
TRUNCATES(ftruncate64, off64_t)

#define SYNCS(name)                                                \
  int name(int fd) {                                               \
    char path[512];                                                \
    if (!pathOf(fd, path, sizeof path)) return REAL(name)(fd);     \
    pthread_mutex_lock(&lock);                                     \
    uint64_t number = ++syncs;                                     \
    record('b', path, 0, 0, number);                               \
    pthread_mutex_unlock(&lock);                                   \
    int result = REAL(name)(fd);                                   \
    pthread_mutex_lock(&lock);                                     \
    if (result == 0) record('s', path, 0, 0, number);              \
    pthread_mutex_unlock(&lock);                                   \
    return result;                                                 \
  }
SYNCS(fsync)
SYNCS(fdatasync)

/* As an emptied file, and durable at once: SQLite syncs the folder before it goes on. */
int unlink(const char *path) {
  const char *prefix = getenv("POWER_PREFIX");
  if (!prefix || strncmp(path, prefix, strlen(prefix)) != 0) return REAL(unlink)(path);
  pthread_mutex_lock(&lock);
  int result = REAL(unlink)(path);
  if (result == 0) {
    uint64_t number = ++syncs;
    record('t', path, 0, 0, 0);
    record('b', path, 0, 0, number);
    record('s', path, 0, 0, number);
  }
  pthread_mutex_unlock(&lock);
  return result;
}
