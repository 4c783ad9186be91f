// Where a run happened: what may explain its time, never its numbers.
#pragma once

#include "mudra/report/record.h"

namespace mudra {

// Mudra's version, compiler, processor, instruction set, threads, system.
NamedTexts environment(int threads);

}  // namespace mudra
