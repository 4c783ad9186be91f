// Preloaded into a command, fails its n-th call of one kind, counted from main on:
//   FAULT_KIND   allocate, write, sync, rename, open, map, read, close or thread
//   FAULT_AT     n, from 1; 0 fails none
//   FAULT_LASTS  1 to fail all later calls too
//   FAULT_COUNT  a file that receives how many such calls there were, once the command ends by itself
// What the C library calls inside itself (printf's write) does not pass by here.
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>

extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* memory, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
}

namespace {

const char* kind = nullptr;  // nothing is counted before main
bool lasts = false;
long at = 0;
std::atomic<long> calls{0};

// True when this call of a kind is to fail, which sets errno.
bool fails(const char* called, int error) {
  if (kind == nullptr || std::strcmp(kind, called) != 0) return false;
  const long call = ++calls;
  if (at == 0 || (lasts ? call < at : call != at)) return false;
  errno = error;
  return true;
}

template <class Function>
Function* next(Function*, const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

int (*real_main)(int, char**, char**) = nullptr;

int begin_main(int argc, char** argv, char** environment) {
  const char* given = std::getenv("FAULT_AT");
  at = given != nullptr ? std::atol(given) : 0;
  lasts = std::getenv("FAULT_LASTS") != nullptr;
  kind = std::getenv("FAULT_KIND");
  unsetenv("FAULT_KIND");  // programs that the command starts have no faults
  return real_main(argc, argv, environment);
}

__attribute__((destructor)) void tell_count() {
  const char* path = kind != nullptr ? std::getenv("FAULT_COUNT") : nullptr;
  kind = nullptr;
  std::FILE* file = path != nullptr ? std::fopen(path, "w") : nullptr;
  if (file == nullptr) return;
  std::fprintf(file, "%ld\n", calls.load());
  std::fclose(file);
}

}  // namespace

// NOLINTBEGIN: names and parameters are the C library's
#define NEXT(name) static auto* const real = next(&name, #name)
// A function that, failing, only returns `failed`.
#define FAILING(called, error, failed, result, name, parameters, arguments) \
  result name parameters {                                                  \
    NEXT(name);                                                             \
    return fails(called, error) ? failed : real arguments;                  \
  }

extern "C" {

int __libc_start_main(int (*main)(int, char**, char**), int argc, char** argv, void (*init)(), void (*fini)(),
                      void (*rtld_fini)(), void* stack_end) {
  NEXT(__libc_start_main);
  real_main = main;
  return real(begin_main, argc, argv, init, fini, rtld_fini, stack_end);
}

void* malloc(size_t size) noexcept { return fails("allocate", ENOMEM) ? nullptr : __libc_malloc(size); }
void* calloc(size_t count, size_t size) noexcept {
  return fails("allocate", ENOMEM) ? nullptr : __libc_calloc(count, size);
}
void* realloc(void* memory, size_t size) noexcept {
  return fails("allocate", ENOMEM) ? nullptr : __libc_realloc(memory, size);
}
void* aligned_alloc(size_t alignment, size_t size) noexcept {
  return fails("allocate", ENOMEM) ? nullptr : __libc_memalign(alignment, size);
}
void* memalign(size_t alignment, size_t size) noexcept { return aligned_alloc(alignment, size); }
int posix_memalign(void** memory, size_t alignment, size_t size) noexcept {
  *memory = aligned_alloc(alignment, size);
  return *memory == nullptr ? ENOMEM : 0;
}

FAILING("write", ENOSPC, -1, long, write, (int file, const void* bytes, size_t size), (file, bytes, size))
FAILING("write", ENOSPC, -1, long, writev, (int file, const iovec* parts, int count), (file, parts, count))
FAILING("write", ENOSPC, -1, long, pwrite, (int file, const void* bytes, size_t size, long offset),
        (file, bytes, size, offset))
FAILING("write", ENOSPC, -1, long, pwrite64, (int file, const void* bytes, size_t size, long offset),
        (file, bytes, size, offset))
FAILING("write", ENOSPC, 0, size_t, fwrite, (const void* bytes, size_t size, size_t count, FILE* file),
        (bytes, size, count, file))
FAILING("write", ENOSPC, -1, int, fflush, (FILE * file), (file))

FAILING("sync", EIO, -1, int, fsync, (int file), (file))
FAILING("sync", EIO, -1, int, fdatasync, (int file), (file))
FAILING("sync", EIO, -1, int, syncfs, (int file) noexcept, (file))

FAILING("rename", ENOSPC, -1, int, rename, (const char* from, const char* to) noexcept, (from, to))
FAILING("rename", ENOSPC, -1, int, renameat, (int a, const char* from, int b, const char* to) noexcept,
        (a, from, b, to))
FAILING("rename", ENOSPC, -1, int, renameat2,
        (int a, const char* from, int b, const char* to, unsigned flags) noexcept, (a, from, b, to, flags))

#define OPENING(name, parameters, ...)                                  \
  int name parameters {                                                 \
    NEXT(name);                                                         \
    std::va_list more;                                                  \
    va_start(more, flags);                                              \
    const unsigned mode = va_arg(more, unsigned);                       \
    va_end(more);                                                       \
    return fails("open", EMFILE) ? -1 : real(__VA_ARGS__, flags, mode); \
  }
OPENING(open, (const char* path, int flags, ...), path)
OPENING(open64, (const char* path, int flags, ...), path)
OPENING(openat, (int folder, const char* path, int flags, ...), folder, path)
OPENING(openat64, (int folder, const char* path, int flags, ...), folder, path)
FAILING("open", EMFILE, -1, int, mkstemp, (char* pattern), (pattern))
FAILING("open", EMFILE, -1, int, mkstemp64, (char* pattern), (pattern))
FAILING("open", EMFILE, -1, int, mkostemp, (char* pattern, int flags), (pattern, flags))
FAILING("open", EMFILE, -1, int, mkostemp64, (char* pattern, int flags), (pattern, flags))
FAILING("open", EMFILE, nullptr, FILE*, fopen, (const char* path, const char* mode), (path, mode))
FAILING("open", EMFILE, nullptr, FILE*, fopen64, (const char* path, const char* mode), (path, mode))
FAILING("open", EMFILE, nullptr, FILE*, fdopen, (int file, const char* mode) noexcept, (file, mode))
FAILING("read", EIO, nullptr, dirent*, readdir, (DIR * folder), (folder))
FAILING("read", EIO, nullptr, dirent64*, readdir64, (DIR * folder), (folder))
FAILING("open", EMFILE, nullptr, DIR*, opendir, (const char* path), (path))

FAILING("map", ENOMEM, reinterpret_cast<void*>(-1), void*, mmap,
        (void* where, size_t size, int access, int flags, int file, long offset) noexcept,
        (where, size, access, flags, file, offset))
FAILING("map", ENOMEM, reinterpret_cast<void*>(-1), void*, mmap64,
        (void* where, size_t size, int access, int flags, int file, long offset) noexcept,
        (where, size, access, flags, file, offset))

FAILING("read", EIO, -1, long, read, (int file, void* bytes, size_t size), (file, bytes, size))
FAILING("read", EIO, -1, long, pread, (int file, void* bytes, size_t size, long offset),
        (file, bytes, size, offset))
FAILING("read", EIO, -1, long, pread64, (int file, void* bytes, size_t size, long offset),
        (file, bytes, size, offset))
FAILING("read", EIO, 0, size_t, fread, (void* bytes, size_t size, size_t count, FILE* file),
        (bytes, size, count, file))

// What fails to close is closed all the same.
int close(int file) {
  NEXT(close);
  const bool failed = fails("close", EIO);
  const int error = errno, result = real(file);
  if (!failed) return result;
  errno = error;
  return -1;
}
int fclose(FILE* file) {
  NEXT(fclose);
  const bool failed = fails("close", EIO);
  const int result = real(file);
  if (!failed) return result;
  errno = EIO;
  return EOF;
}

FAILING("thread", EAGAIN, EAGAIN, int, pthread_create,
        (pthread_t * thread, const pthread_attr_t* attributes, void* (*run)(void*), void* with) noexcept,
        (thread, attributes, run, with))

}  // extern "C"
// NOLINTEND
