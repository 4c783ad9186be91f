# A TOML file as text in one C++ source: cmake -DFILE=... -DOUT=... -P EmbedSpace.cmake
file(READ "${FILE}" text)
file(WRITE "${OUT}" "#include \"mudra/tuning/spaces.h\"\n\nnamespace mudra {\n"
     "std::string_view default_space() { return R\"~toml~(${text})~toml~\"; }\n}\n")
