find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(HWY 1.0.3 REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(fmt REQUIRED)
find_package(JPEG REQUIRED)
find_package(PNG REQUIRED)
find_package(ZLIB REQUIRED)
find_package(Protobuf REQUIRED)
find_package(ONNX CONFIG REQUIRED)  # wants Protobuf found before it
pkg_check_modules(LIBZIP REQUIRED IMPORTED_TARGET libzip)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)

set(MUDRA_LIBRARIES fmt::fmt JPEG::JPEG PNG::PNG ZLIB::ZLIB PkgConfig::LIBZIP PkgConfig::XXHASH
    tomlplusplus::tomlplusplus onnx onnx_proto protobuf::libprotobuf)
