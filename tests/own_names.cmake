# SPDX-License-Identifier: Apache-2.0
# cmake -D NM= -D OBJECT= -D TAG= -P own_names.cmake: fails where an inline function of an object file has a name without
# TAG. The linker keeps one such function of each name for the whole program, perhaps the one for AVX-512.
execute_process(COMMAND ${NM} --defined-only ${OBJECT} OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[^\n]* [WVu] [^\n]*" weak "${symbols}")
list(LENGTH weak n_weak)
list(FILTER weak EXCLUDE REGEX "${TAG}|DW\\.ref\\.") # the latter is data
if(n_weak EQUAL 0 OR weak)
    list(JOIN weak "\n  " text)
    message(FATAL_ERROR "${OBJECT} has ${n_weak} inline functions; without ${TAG} in their names:\n  ${text}")
endif()
