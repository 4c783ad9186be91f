# Every FOLDER/NAME.toml as text in one C++ source: cmake -DFOLDER=... -DOUT=... -P EmbedRecipes.cmake
file(GLOB files "${FOLDER}/*.toml")
set(entries "")
foreach(file IN LISTS files)
  get_filename_component(name "${file}" NAME_WE)
  file(READ "${file}" text)
  string(APPEND entries "    {\"${name}\", R\"~toml~(${text})~toml~\"},\n")
endforeach()
file(WRITE "${OUT}" "#include \"mudra/experiment/recipes.h\"\n\nnamespace mudra {\nconst std::vector<NamedRecipe>& recipes() {\n"
     "  static const std::vector<NamedRecipe> all = {\n${entries}  };\n  return all;\n}\n}\n")
