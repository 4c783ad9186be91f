# cmake --install: the command, the libraries, their headers, and what find_package(mudra) reads.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/mudra)

install(TARGETS mudra_command)
install(DIRECTORY mudra DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h" PATTERN "*-inl.h" EXCLUDE PATTERN cli EXCLUDE PATTERN serve EXCLUDE PATTERN page EXCLUDE)

# A set of targets for each component: a file that names ONNX is read only by those who ask for it.
foreach(component core numeric data inference box onnx mudra)
  set(library mudra_${component})
  if(component STREQUAL mudra)
    set(library mudra)
  endif()
  set_target_properties(${library} PROPERTIES EXPORT_NAME ${component})
  add_library(mudra::${component} ALIAS ${library})
  install(TARGETS ${library} EXPORT mudra-${component})
  install(EXPORT mudra-${component} NAMESPACE mudra:: DESTINATION ${package_folder})
endforeach()

configure_package_config_file(cmake/mudraConfig.cmake.in mudraConfig.cmake INSTALL_DESTINATION ${package_folder}
                              NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(mudraConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/mudraConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/mudraConfigVersion.cmake
        DESTINATION ${package_folder})
