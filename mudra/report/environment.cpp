#include "mudra/report/environment.h"

#include <fmt/format.h>
#include <hwy/targets.h>
#include <sys/utsname.h>

#include <fstream>

#include "mudra/core/thread_team.h"

namespace mudra {
namespace {

std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  utsname system{};
  return ::uname(&system) == 0 ? system.machine : "unknown";
}

// What makers of processors call it.
std::string instruction_set() {
  const int64_t targets = hwy::SupportedTargets() & HWY_TARGETS;
  const std::string name = hwy::TargetName(targets & -targets);  // the best has the lowest bit
  return name.starts_with("AVX3") ? "AVX-512" : name;
}

std::string compiler() {
#ifdef __clang__
  return fmt::format("Clang {}.{}.{}", __clang_major__, __clang_minor__, __clang_patchlevel__);
#else
  return fmt::format("GCC {}.{}.{}", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
#endif
}

}  // namespace

NamedTexts environment(int threads) {
  utsname system{};
  const bool known = ::uname(&system) == 0;
  return {{"Mudra", MUDRA_VERSION},
          {"compiler", compiler()},
          {"processor", fmt::format("{}, {} available", processor(), available_processors())},
          {"instruction set", instruction_set()},
          {"threads", std::to_string(threads)},
          {"system", known ? fmt::format("{} {}", system.sysname, system.machine) : "unknown"}};
}

}  // namespace mudra
