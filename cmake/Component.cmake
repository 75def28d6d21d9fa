# add_component(NAME SOURCES ... USES ... HIDES ... ALONE ...)
#
# One library per folder. USES are our own components and become part of the interface; HIDES are
# external libraries that no other component may name. A component without SOURCES is headers only.
#
# With TRIBUTARY_UNITY the sources of a folder are compiled as one, each header once for them all. ALONE are those
# that keep a translation unit of their own, because a name local to them is one of a neighbour's too.
find_program(TRIBUTARY_MOLD mold)
find_program(TRIBUTARY_CCACHE ccache)
if(TRIBUTARY_CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${TRIBUTARY_CCACHE})
endif()

add_library(tributary_options INTERFACE)
target_compile_options(tributary_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion
    -Wno-sign-conversion -Wnon-virtual-dtor -Woverloaded-virtual -fno-omit-frame-pointer)
target_include_directories(tributary_options INTERFACE ${CMAKE_SOURCE_DIR})
if(TRIBUTARY_MOLD)
    target_link_options(tributary_options INTERFACE -fuse-ld=mold)
endif()
if(TRIBUTARY_SANITIZE)
    target_compile_options(tributary_options INTERFACE -fsanitize=${TRIBUTARY_SANITIZE} -fno-sanitize-recover=undefined)
    target_link_options(tributary_options INTERFACE -fsanitize=${TRIBUTARY_SANITIZE})
endif()

# What a mistake of ours in memory meets in the program that ships: bounds on the C library's calls, canaries, a
# random place in memory, no code on stacks, no table of functions to write into. Sanitizers bring checks of their
# own; the checked calls need an optimiser, which Debug has none of. tests/tidy/check_hardening.sh looks at the result.
set(TRIBUTARY_HARDENED_COMPILE "")
set(TRIBUTARY_HARDENED_LINK "")
if(NOT TRIBUTARY_SANITIZE)
    set(TRIBUTARY_HARDENED_LINK -pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
    if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
        set(TRIBUTARY_HARDENED_COMPILE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong
            -fstack-clash-protection)
        if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
            list(APPEND TRIBUTARY_HARDENED_COMPILE -fcf-protection)
        endif()
    endif()
endif()

function(add_component name)
    cmake_parse_arguments(arg "" "" "SOURCES;USES;HIDES;ALONE" ${ARGN})
    if(arg_SOURCES)
        add_library(${name} STATIC ${arg_SOURCES})
        target_link_libraries(${name} PUBLIC tributary_options ${arg_USES} PRIVATE ${arg_HIDES})
        target_compile_options(${name} PRIVATE ${TRIBUTARY_HARDENED_COMPILE})
        set_source_files_properties(${arg_ALONE} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
        compile_by_folder(${name})
    else()
        add_library(${name} INTERFACE)
        target_link_libraries(${name} INTERFACE tributary_options ${arg_USES})
    endif()
endfunction()

# compile_by_folder(NAME): what TRIBUTARY_UNITY does to a target. Grouped at the end of its directory, when all
# its sources are known; generated ones stay alone.
function(compile_by_folder name)
    if(TRIBUTARY_UNITY)
        set_target_properties(${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
        cmake_language(EVAL CODE "cmake_language(DEFER CALL group_by_folder ${name})")
    endif()
endfunction()
function(group_by_folder name)
    get_target_property(sources ${name} SOURCES)
    foreach(source ${sources})
        if(NOT IS_ABSOLUTE ${source})
            get_filename_component(folder ${source} DIRECTORY)
            set_source_files_properties(${source} PROPERTIES UNITY_GROUP "${name}_${folder}")
        endif()
    endforeach()
endfunction()
