# The files of a server's page as texts in one C++ source: cmake -DFOLDER=... -DOUT=... -P EmbedAssets.cmake
set(source "#include \"mudra/serve/assets.h\"\n\nnamespace mudra {\n")
foreach(name page.html style.css openapi.json)
  file(READ "${FOLDER}/${name}" text)
  string(REPLACE "." "_" variable "${name}")
  string(APPEND source "const std::string_view ${variable} = R\"~asset~(${text})~asset~\";\n")
endforeach()
file(WRITE "${OUT}" "${source}}\n")
