# SPDX-License-Identifier: Apache-2.0
# cmake -D INPUT= -D OUTPUT= -D NAME= -P to_host.cmake: writes a CUDA source as C++ for the emulator. Lines stay where
# they are, and messages of the compiler name NAME. Three things are rewritten:
#   kernel<types><<<configuration>>>      ->  ::emulator::launcher("kernel<types>", {configuration}, kernel<types>)
#   extern __shared__ type name[];        ->  type* name = ::emulator::dynamic_shared<type>();
#   __shared__ type name[n];              ->  auto& name = ::emulator::static_shared<type[n]>([] {});
cmake_minimum_required(VERSION 3.25)
file(READ ${INPUT} text)
string(REGEX REPLACE "extern __shared__ ([^;]*[^A-Za-z0-9_;])([A-Za-z_][A-Za-z0-9_]*)\\[\\];"
    "\\1* \\2 = ::emulator::dynamic_shared<\\1>();" text "${text}")
string(REGEX REPLACE "__shared__ ([^;]*[^A-Za-z0-9_;])([A-Za-z_][A-Za-z0-9_]*)((\\[[^];]*\\])*);"
    "auto& \\2 = ::emulator::static_shared<\\1\\3>([] {});" text "${text}")
if(text MATCHES "__shared__[^\n]*")
    message(FATAL_ERROR "${NAME}: \"${CMAKE_MATCH_0}\" (declare one variable of shared memory a statement)")
endif()
set(done "")
while(TRUE)
    string(FIND "${text}" "<<<" begin)
    string(FIND "${text}" ">>>" end)
    if(begin EQUAL -1)
        break()
    endif()
    string(SUBSTRING "${text}" 0 ${begin} before)
    math(EXPR first "${begin} + 3")
    math(EXPR length "${end} - ${first}")
    math(EXPR rest "${end} + 3")
    string(SUBSTRING "${text}" ${first} ${length} configuration)
    string(SUBSTRING "${text}" ${rest} -1 text)
    if(NOT before MATCHES "([A-Za-z_][A-Za-z0-9_:]*(<[^<>;(){}]*>)?)([ \t\n]*)$")
        message(FATAL_ERROR "${NAME}: no kernel before <<<${configuration}>>>")
    endif()
    set(kernel "${CMAKE_MATCH_1}")
    set(space "${CMAKE_MATCH_3}")
    string(LENGTH "${kernel}${space}" length)
    math(EXPR length "${begin} - ${length}")
    string(SUBSTRING "${before}" 0 ${length} before)
    string(APPEND done "${before}::emulator::launcher(\"${kernel}\",${space}{${configuration}}, ${kernel})")
endwhile()
file(WRITE ${OUTPUT} "#line 1 \"${NAME}\"\n${done}${text}")
