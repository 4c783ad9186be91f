#!/usr/bin/env bash
# Builds library, command and tests for 64-bit ARM, and runs the command in an emulator: the same seed must give
# the same model file as on this processor.
#
# The ARM libraries come from the distribution through an apt of their own (its state and its "installed" list are
# in build/), are unpacked into build/aarch64-root and never touch this system.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
root=$PWD/build/aarch64-root
packages=(libc6-dev libstdc++6 libhwy-dev libcli11-dev nlohmann-json3-dev libtomlplusplus-dev libfmt-dev libzip-dev
  zlib1g-dev libjpeg-dev libpng-dev libwebp-dev libxxhash-dev libsqlite3-dev libboost-dev libonnx-dev libprotobuf-dev libgtest-dev)

wanted="${packages[*]}"
if [ "$(cat "$root/packages" 2>/dev/null)" != "$wanted" ]; then
  rm -rf "$root"
  mkdir -p "$root/apt/lists/partial" "$root/apt/archives/partial"
  touch "$root/apt/status"
  apt=(apt-get -q -y -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o "Dir::State::Lists=$root/apt/lists"
    -o "Dir::State::status=$root/apt/status" -o "Dir::Cache=$root/apt" -o "Dir::Cache::archives=$root/apt/archives"
    -o APT::Sandbox::User= -o Debug::NoLocking=true -o APT::Get::Download-Only=true)
  "${apt[@]}" update
  "${apt[@]}" install --no-install-recommends "${packages[@]}"
  for package in "$root"/apt/archives/*.deb; do dpkg -x "$package" "$root"; done
  rm -rf "$root/apt"
  echo "$wanted" >"$root/packages"
fi

build=build/aarch64
cmake -G Ninja -S . -B "$build" -DCMAKE_TOOLCHAIN_FILE="$PWD/cmake/aarch64.cmake" -DMUDRA_WERROR=ON
cmake --build "$build" --target mudra_command mudra_tests

emulator=$(command -v qemu-aarch64 || command -v qemu-aarch64-static) || {
  echo "skipped: no qemu-aarch64, the ARM build was not run"
  exit 0
}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
train=(train synth:400 --recipe report --epochs 3 --seed 1 --quiet)
build/release/mudra "${train[@]}" --out "$scratch/here" >/dev/null
"$emulator" -L "$root" "$build/mudra" "${train[@]}" --out "$scratch/arm" >/dev/null
cmp "$scratch/here/model.safetensors" "$scratch/arm/model.safetensors"
echo "aarch64 gives the same model file, byte for byte"
# The tests of the numeric folders but one that trains for long, and one that limits memory, which the emulator does
# not pass on; the others know nothing of processors.
numeric=$(build/release/tests/mudra_double_tests --gtest_list_tests | sed -n 's/^\([A-Z][A-Za-z0-9/]*\.\).*/\1*/p' |
  paste -sd:)
"$emulator" -L "$root" "$build/tests/mudra_tests" --gtest_brief=1 \
  --gtest_filter="$numeric:-ReportExperiment.LossesOfAllEpochsMatchNumPy:ThreadTeam.SaysWhenTheSystemGivesNoMoreThreads"
