# Flags every target of ours is compiled with.
add_library(mudra_compile INTERFACE)
target_compile_features(mudra_compile INTERFACE cxx_std_20)
# The promises about bits: one rounding per operation as written, never contracted or reordered.
target_compile_options(mudra_compile INTERFACE -ffp-contract=off -fno-math-errno)
# Instruction sets that bring nothing to these kernels beyond SSE2, SSE4, AVX2, AVX-512 and NEON. What is compiled
# in double precision is there to prove gradients: one set without fused multiply-add and one with it are enough.
set(in_double $<BOOL:$<TARGET_PROPERTY:IN_DOUBLE>>)
target_compile_definitions(mudra_compile INTERFACE
  "HWY_DISABLED_TARGETS=(HWY_SSSE3|HWY_AVX3_DL|HWY_SVE|HWY_SVE2|HWY_SVE_256|HWY_SVE2_128$<${in_double}:|HWY_SSE4|HWY_AVX3>)")
target_compile_options(mudra_compile INTERFACE -Wall -Wextra -Wpedantic -Wnon-virtual-dtor)
if(NOT MUDRA_UNITY)  # files compiled together see each other's names
  target_compile_options(mudra_compile INTERFACE -Wshadow)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # GCC 12 sees overlaps in std::string (bug 105651) and unset members in std::variant that are not there.
  target_compile_options(mudra_compile INTERFACE -Wno-restrict -Wno-maybe-uninitialized)
  if(MUDRA_SANITIZE STREQUAL thread)
    # GCC 12 breaks down over normalize.cpp (gsi_insert_seq_nodes_after) when it takes structures apart.
    target_compile_options(mudra_compile INTERFACE -fno-tree-sra)
    # Its sanitizer knows no fences, which Asio does without when it is told to.
    target_compile_definitions(mudra_compile INTERFACE BOOST_ASIO_DISABLE_FENCED_BLOCK)
  endif()
endif()
if(MUDRA_WERROR)
  target_compile_options(mudra_compile INTERFACE -Werror)
endif()
if(MUDRA_SANITIZE)
  target_compile_options(mudra_compile INTERFACE -fsanitize=${MUDRA_SANITIZE} -fno-omit-frame-pointer
                         -fno-sanitize-recover=all)
  target_link_options(mudra_compile INTERFACE -fsanitize=${MUDRA_SANITIZE})
  # Kernels are large: full optimisation of instrumented code takes minutes.
  set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O1 -g1")
endif()

# For what is compiled once and runs for a moment, or is no part of the product: translation is what takes time.
add_library(mudra_compile_quickly INTERFACE)
target_link_libraries(mudra_compile_quickly INTERFACE mudra_compile)
target_compile_options(mudra_compile_quickly INTERFACE $<$<CONFIG:Release>:-O1>)

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
find_program(MOLD mold)
if(MOLD AND NOT CMAKE_CROSSCOMPILING)
  target_link_options(mudra_compile INTERFACE -fuse-ld=mold)
endif()
