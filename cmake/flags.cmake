# One set of flags for every target: a precompiled header may then be shared, and a mismatch cannot hide.
add_compile_definitions(
    BOOST_ASIO_SEPARATE_COMPILATION
    BOOST_BEAST_SEPARATE_COMPILATION
    BOOST_ASIO_NO_DEPRECATED
    BOOST_BEAST_USE_STD_STRING_VIEW
    SPDLOG_COMPILED_LIB
    SPDLOG_FMT_EXTERNAL
    CODEZ_VERSION="${PROJECT_VERSION}")
# -fPIC also in executables: CMake would give them -fPIE, and then they cannot share the precompiled header.
add_compile_options(-pthread -fPIC -fstack-protector-strong)
add_link_options(-pthread -fuse-ld=lld)

if(CODEZ_SANITIZE)
    add_compile_options(-fsanitize=${CODEZ_SANITIZE} -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${CODEZ_SANITIZE})
endif()

# Everything is instrumented for libFuzzer; only the fuzz targets get its main(). Without `vptr`, which needs every type's
# RTTI in every library.
if(CODEZ_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize=vptr -fno-sanitize-recover=undefined
                        -fno-omit-frame-pointer)
    add_link_options(-fsanitize=address,undefined)
endif()

# codez_library(NAME SOURCES... DEPENDS...): a static library with the house's warnings and include root.
function(codez_library name)
    cmake_parse_arguments(ARG "NO_PCH;UBSAN" "" "SOURCES;DEPENDS" ${ARGN})
    add_library(${name} STATIC ${ARG_SOURCES})
    codez_target(${name} ${ARGN})
    target_link_libraries(${name} PUBLIC ${ARG_DEPENDS})
endfunction()

function(codez_executable name)
    cmake_parse_arguments(ARG "NO_PCH;UBSAN" "" "SOURCES;DEPENDS" ${ARGN})
    add_executable(${name} ${ARG_SOURCES})
    codez_target(${name} ${ARGN})
    target_link_libraries(${name} PRIVATE ${ARG_DEPENDS})
endfunction()

# codez_test(NAME SOURCES... DEPENDS...): a GoogleTest program, run by ctest as one test.
function(codez_test name)
    codez_executable(${name} ${ARGN})
    target_link_libraries(${name} PRIVATE GTest::gtest GTest::gmock GTest::gtest_main)
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES TIMEOUT 300)
endfunction()

function(codez_target name)
    cmake_parse_arguments(ARG "NO_PCH;UBSAN" "" "SOURCES;DEPENDS" ${ARGN})
    target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
    target_compile_options(${name} PRIVATE
        -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor
        -Woverloaded-virtual -Werror)
    if(ARG_UBSAN AND CODEZ_UBSAN_PROTO)
        target_compile_options(${name} PRIVATE -fsanitize=undefined -fno-sanitize-recover=undefined)
        target_link_options(${name} PUBLIC -fsanitize=undefined)
    endif()
    if(NOT ARG_NO_PCH AND TARGET codez_pch)
        target_precompile_headers(${name} REUSE_FROM codez_pch)
    endif()
endfunction()

add_library(codez_pch STATIC cmake/pch.cpp)
target_precompile_headers(codez_pch PRIVATE cmake/pch.hpp)
