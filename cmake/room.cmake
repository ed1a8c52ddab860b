# A room is a folder under src/ with one responsibility (ARCHITECTURE.md). Each room's CMakeLists calls
#   loom_room(NAME USES room... LINKS library... [TEST_SHARDS number])
# which makes the library loom_NAME of every .cpp in the folder (one level of sub-folders included), and a
# test program NAME_test of every *_test.cpp. USES names the rooms it may include: test/rooms_test.py
# fails on any other include. TEST_SHARDS: as SHARDS of loom_test.

add_library(loom_flags INTERFACE)
target_include_directories(loom_flags INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_compile_options(loom_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Wold-style-cast -Werror
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety -Wimplicit-fallthrough>)
if(LOOM_SANITIZE)
  # Without vptr: that check looks at an object's memory through a pipe, and takes the object for a wrong one where
  # a test leaves no descriptor for it. AddressSanitizer finds objects that are gone.
  target_compile_options(loom_flags INTERFACE -fsanitize=${LOOM_SANITIZE} -fno-sanitize=vptr -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  target_link_options(loom_flags INTERFACE -fsanitize=${LOOM_SANITIZE})
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_link_options(loom_flags INTERFACE -fuse-ld=lld-19)
endif()

option(LOOM_TOGETHER "compile eight sources of a room as one" OFF)

# loom_together(OUT NAME source...) sets OUT to the sources; with LOOM_TOGETHER to files NAME_N.cpp, each of which includes
# eight. They are named from src/, so that ccache knows what another checkout has compiled (CMake's own unity builds name
# them by their whole paths). Sources with definitions of their own stay by themselves.
function(loom_together out name)
  set(alone)
  set(together)
  foreach(source ${ARGN})
    get_source_file_property(own ${source} COMPILE_DEFINITIONS)
    if(own OR NOT LOOM_TOGETHER)
      list(APPEND alone ${source})
    else()
      file(RELATIVE_PATH source ${CMAKE_SOURCE_DIR}/src ${source})
      list(APPEND together "#include \"${source}\"\n")
    endif()
  endforeach()
  list(LENGTH together count)
  foreach(first RANGE 0 ${count} 8)
    if(first LESS count)
      list(SUBLIST together ${first} 8 text)
      string(JOIN "" text ${text})
      set(file ${CMAKE_CURRENT_BINARY_DIR}/${name}_${first}.cpp)
      file(CONFIGURE OUTPUT ${file} CONTENT "${text}" @ONLY)
      list(APPEND alone ${file})
    endif()
  endforeach()
  set(${out} ${alone} PARENT_SCOPE)
endfunction()

function(loom_room name)
  cmake_parse_arguments(ARG "" "TEST_SHARDS" "USES;LINKS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.cpp */*.cpp)
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$|/main\\.cpp$")
  set(rooms ${ARG_USES})
  list(TRANSFORM rooms PREPEND loom_)
  if(sources)
    loom_together(sources ${name} ${sources})
    add_library(loom_${name} STATIC ${sources})
    target_link_libraries(loom_${name} PUBLIC loom_flags ${rooms} ${ARG_LINKS})
  else()
    add_library(loom_${name} INTERFACE)
    target_link_libraries(loom_${name} INTERFACE loom_flags ${rooms} ${ARG_LINKS})
  endif()
  if(tests)
    if(NOT ARG_TEST_SHARDS)
      set(ARG_TEST_SHARDS 1)
    endif()
    loom_together(tests ${name}_test ${tests})
    loom_test(${name}_test unit SOURCES ${tests} LINKS loom_${name} loom_testkit SHARDS ${ARG_TEST_SHARDS})
  endif()
endfunction()

# The target tests_LABEL builds all test programs of a label.
foreach(label unit contract fault differential e2e)
  add_custom_target(tests_${label})
endforeach()

# loom_test(NAME LABEL SOURCES file... LINKS library... [SHARDS number] [TIMEOUT seconds] [FIXTURES fixture])
# makes a GoogleTest program. With SHARDS it is that many ctests, each with its part of the cases: starting a process
# for each case takes longer than most cases. Without, each case is a ctest of its own, which spreads long ones over the
# cores. FIXTURES names the ctest fixture that must be set up first.
function(loom_test name label)
  cmake_parse_arguments(ARG "" "SHARDS;TIMEOUT;FIXTURES" "SOURCES;LINKS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 600) # guards against a hang only: machines may be busy
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LINKS} GTest::gtest GTest::gmock GTest::gtest_main)
  add_dependencies(tests_${label} ${name})
  set(fixtures)
  if(ARG_FIXTURES)
    set(fixtures FIXTURES_REQUIRED ${ARG_FIXTURES})
  endif()
  if(NOT ARG_SHARDS)
    include(GoogleTest)
    gtest_discover_tests(${name} TEST_PREFIX "${name}." DISCOVERY_MODE PRE_TEST
      PROPERTIES LABELS ${label} TIMEOUT ${ARG_TIMEOUT} COST 10 ${fixtures})
    return()
  endif()
  foreach(index RANGE 1 ${ARG_SHARDS})
    set(shard ${name})
    if(ARG_SHARDS GREATER 1)
      string(APPEND shard ".${index}of${ARG_SHARDS}")
    endif()
    math(EXPR zero_based "${index} - 1")
    add_test(NAME ${shard} COMMAND ${name})
    # COST: those with several shards take longest, and the longest start first.
    set_tests_properties(${shard} PROPERTIES LABELS ${label} TIMEOUT ${ARG_TIMEOUT} COST ${ARG_SHARDS} ${fixtures}
      ENVIRONMENT "GTEST_TOTAL_SHARDS=${ARG_SHARDS};GTEST_SHARD_INDEX=${zero_based}")
  endforeach()
endfunction()
