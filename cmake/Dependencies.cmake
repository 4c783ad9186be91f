find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(HWY 1.0.3 REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(fmt REQUIRED)
find_package(JPEG REQUIRED)
find_package(PNG REQUIRED)
pkg_check_modules(LIBZIP REQUIRED IMPORTED_TARGET libzip)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)

set(MUDRA_LIBRARIES fmt::fmt JPEG::JPEG PNG::PNG PkgConfig::LIBZIP PkgConfig::XXHASH
    tomlplusplus::tomlplusplus)
