# Warnings, sanitizers, linker and compiler cache, in one place.
add_library(vbs_options INTERFACE)
target_compile_options(vbs_options INTERFACE -Wall -Wextra -Wpedantic -Wnon-virtual-dtor -Woverloaded-virtual
                       -Wno-missing-field-initializers)
target_include_directories(vbs_options INTERFACE ${CMAKE_SOURCE_DIR})
target_include_directories(vbs_options SYSTEM INTERFACE) # keeps the line above first
if(VBS_SANITIZE)
  target_compile_options(vbs_options INTERFACE -fsanitize=${VBS_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(vbs_options INTERFACE -fsanitize=${VBS_SANITIZE})
  # The sanitizers wrap libtirpc's xdr functions, which libvirt uses, and look for the real ones when the program starts:
  # without the library in the program itself, the first call in a plugin loaded later goes to address 0.
  target_link_options(vbs_options INTERFACE -Wl,--push-state,--no-as-needed,-l:libtirpc.so.3,--pop-state)
endif()
find_program(VBS_CCACHE ccache)
if(VBS_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${VBS_CCACHE})
endif()
find_program(VBS_LLD ld.lld)
if(VBS_LLD)
  add_link_options(-fuse-ld=lld)
endif()
option(VBS_CRASH_POINTS "places at which a test can kill the process; never in a release" ${VBS_TESTS})
if(VBS_CRASH_POINTS)
  target_compile_definitions(vbs_options INTERFACE VBS_CRASH_POINTS)
endif()
