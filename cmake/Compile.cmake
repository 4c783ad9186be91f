# Flags every target of ours is compiled with.
add_library(mudra_compile INTERFACE)
target_compile_features(mudra_compile INTERFACE cxx_std_20)
# The promises about bits: one rounding per operation as written, never contracted or reordered.
target_compile_options(mudra_compile INTERFACE -ffp-contract=off -fno-math-errno)
target_compile_options(mudra_compile INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor)
# GCC 12 sees overlapping copies in `"text" + std::to_string(n)` (GCC bug 105651).
target_compile_options(mudra_compile INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
if(MUDRA_WERROR)
  target_compile_options(mudra_compile INTERFACE -Werror)
endif()
if(MUDRA_SANITIZE)
  target_compile_options(mudra_compile INTERFACE -fsanitize=${MUDRA_SANITIZE} -fno-omit-frame-pointer
                         -fno-sanitize-recover=all)
  target_link_options(mudra_compile INTERFACE -fsanitize=${MUDRA_SANITIZE})
endif()

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
find_program(MOLD mold)
if(MOLD AND NOT CMAKE_CROSSCOMPILING)
  target_link_options(mudra_compile INTERFACE -fuse-ld=mold)
endif()
