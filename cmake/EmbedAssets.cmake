# The files of a server's pages as texts in one C++ source: cmake -DFOLDER=... -DOUT=... "-DNAMES=a/b.html c.css" -P EmbedAssets.cmake
# b.html is `const std::string_view b_html`. A literal ends where `)~asset~"` stands, and some compilers know none that is
# longer than 64 kB: the assembler copies the file (.incbin), whatever is in it.
separate_arguments(NAMES)
set(source "#include \"mudra/serve/assets.h\"\n\n")
set(texts "")
foreach(name IN LISTS NAMES)
  get_filename_component(file "${name}" NAME)
  string(REPLACE "." "_" variable "${file}")
  set(symbol "mudra_asset_${variable}")
  string(APPEND source "asm(\".pushsection .rodata\\n.global ${symbol}, ${symbol}_end\\n${symbol}:\\n\"\n"
         "    \".incbin \\\"${FOLDER}/${name}\\\"\\n${symbol}_end:\\n.byte 0\\n.popsection\\n\");\n"
         "extern \"C\" const char ${symbol}[], ${symbol}_end[];\n")
  string(APPEND texts "const std::string_view ${variable}(${symbol}, static_cast<size_t>(${symbol}_end - ${symbol}));\n")
endforeach()
file(WRITE "${OUT}" "${source}\nnamespace mudra {\n${texts}}\n")
