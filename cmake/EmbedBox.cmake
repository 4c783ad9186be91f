# Every FOLDER/NAME.safetensors as bytes in one C++ source: cmake -DFOLDER=... -DOUT=... -P EmbedBox.cmake
# The assembler copies a file (.incbin), which takes no time however large it is.
file(GLOB files "${FOLDER}/*.safetensors")
set(assembly "")
set(symbols "")
set(entries "")
set(number 0)
foreach(file IN LISTS files)
  get_filename_component(name "${file}" NAME_WE)
  set(symbol "mudra_box_${number}")
  string(APPEND assembly "asm(\".pushsection .rodata\\n.balign 16\\n.global ${symbol}, ${symbol}_end\\n${symbol}:\\n\"\n"
         "    \".incbin \\\"${file}\\\"\\n${symbol}_end:\\n.byte 0\\n.popsection\\n\");\n")
  string(APPEND symbols "extern \"C\" const char ${symbol}[], ${symbol}_end[];\n")
  string(APPEND entries "    {\"${name}\", {${symbol}, static_cast<size_t>(${symbol}_end - ${symbol})}},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE "${OUT}" "#include \"mudra/box/box.h\"\n\n${assembly}${symbols}\nnamespace mudra {\n"
     "const std::vector<BoxedModel>& boxed_models() {\n"
     "  static const std::vector<BoxedModel> all = {\n${entries}  };\n  return all;\n}\n}\n")
