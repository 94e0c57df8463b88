# SPDX-License-Identifier: Apache-2.0
# cmake -D NM= -D OBJECT= -D TAG= -P own_names.cmake: fails where an inline function of an object file has a name without
# TAG. The linker keeps one such function of each name for the whole program, perhaps the one for AVX-512.
execute_process(COMMAND ${NM} --defined-only ${OBJECT} OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[^\n]* [WVu] [^\n]*" weak "${symbols}")
list(LENGTH weak n_weak)
# Of vectors of an alignment that no other set has; a call of std::terminate by clang; data
list(FILTER weak EXCLUDE REGEX "${TAG}|aligned_allocatorIdLm64E|__clang_call_terminate|DW\\.ref\\.")
if(n_weak EQUAL 0 OR weak)
    list(JOIN weak "\n  " text)
    message(FATAL_ERROR "${OBJECT} has ${n_weak} inline functions; without ${TAG} in their names:\n  ${text}")
endif()
