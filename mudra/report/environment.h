// Where a run happened: what may explain its time, never its numbers.
#pragma once

#include <vector>

#include "mudra/report/run_record.h"

namespace mudra {

// Mudra's version, compiler, processor, instruction set, threads, system.
std::vector<NamedText> environment(int threads);

}  // namespace mudra
