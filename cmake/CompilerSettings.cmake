# Language level, warnings and hardening that every target of this repository shares.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 17)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

# Hidden by default: a service library shares nothing with the host but the C ABI.
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)

# Paths below the checkout and the build folder do not count, so that a second clone finds what the first has compiled.
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(ccache ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE_PROGRAM})
    set(CMAKE_C_COMPILER_LAUNCHER ${ccache})
    set(CMAKE_CXX_COMPILER_LAUNCHER ${ccache})
endif()

# GCC 12 sees overlapping copies in the standard library's own strings (its bug 105651).
add_compile_options(-Wall -Wextra -Wpedantic -Wshadow $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor>")

set(ROCOCO_SANITIZE "" CACHE STRING "Sanitizers for the whole build: 'address,undefined' or 'thread'")
set(ROCOCO_SANITIZE_WITHOUT "" CACHE STRING "Checks of these sanitizers that are left out")
if(ROCOCO_SANITIZE)
    add_compile_options(-fsanitize=${ROCOCO_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${ROCOCO_SANITIZE})
    if(ROCOCO_SANITIZE_WITHOUT)
        add_compile_options(-fno-sanitize=${ROCOCO_SANITIZE_WITHOUT})
    endif()
endif()
