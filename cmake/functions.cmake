include(GNUInstallDirs)
set(VBS_PLUGIN_DIR ${CMAKE_BINARY_DIR}/plugins)

# vbs_library(NAME SOURCES... LIBS ...)   a static library of the core
function(vbs_library name)
  cmake_parse_arguments(A "" "" "SOURCES;LIBS" ${ARGN})
  add_library(${name} STATIC ${A_SOURCES})
  target_link_libraries(${name} PUBLIC vbs_options ${A_LIBS})
endfunction()

# vbs_plugin(NAME SOURCES... LIBS ...)   a plugin: NAME.so with NAME.vbs-plugin.yaml beside it, hidden symbols
function(vbs_plugin name)
  cmake_parse_arguments(A "" "" "SOURCES;LIBS" ${ARGN})
  add_library(${name} MODULE ${A_SOURCES})
  target_link_libraries(${name} PRIVATE vbs_options vbs_sdk ${A_LIBS})
  set_target_properties(${name} PROPERTIES PREFIX "" CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
                        LIBRARY_OUTPUT_DIRECTORY ${VBS_PLUGIN_DIR})
  target_link_options(${name} PRIVATE -Wl,--exclude-libs,ALL)
  if(NOT VBS_SANITIZE)
    target_link_options(${name} PRIVATE -Wl,-z,defs)
  endif()
  configure_file(${name}.vbs-plugin.yaml ${VBS_PLUGIN_DIR}/${name}.vbs-plugin.yaml COPYONLY)
  install(TARGETS ${name} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/vbs/plugins)
  install(FILES ${name}.vbs-plugin.yaml DESTINATION ${CMAKE_INSTALL_LIBDIR}/vbs/plugins)
endfunction()

# vbs_test(NAME SOURCES ... LIBS ... [LABEL unit])   one GoogleTest program; CTest runs it as one test with that label
function(vbs_test name)
  cmake_parse_arguments(A "" "LABEL" "SOURCES;LIBS" ${ARGN})
  if(NOT A_LABEL)
    set(A_LABEL unit)
  endif()
  add_executable(${name} ${A_SOURCES})
  target_link_libraries(${name} PRIVATE vbs_options ${A_LIBS} GTest::gtest GTest::gmock GTest::gtest_main)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS ${A_LABEL} ENVIRONMENT
                       "VBS_SOURCE_DIR=${CMAKE_SOURCE_DIR};VBS_BUILD_DIR=${CMAKE_BINARY_DIR}")
endfunction()
