# SPDX-License-Identifier: Apache-2.0
# nuscan_options(target): warnings, instruction set and floating-point rules of every target of the project.

set(warnings -Wall -Wextra -Wshadow)
if(NUSCAN_WARNINGS_AS_ERRORS)
    list(APPEND warnings -Werror)
endif()

# Contraction of a*b + c would make results depend on the instruction set and the compiler's mood: where a fused
# product is wanted the code says std::fma. Without errno and traps sqrt and selections vectorise; no value changes.
set(code_generation -ffp-contract=off -fno-math-errno -fno-trapping-math)
set(NUSCAN_INSTRUCTION_SET "${CMAKE_SYSTEM_PROCESSOR}")
if(NUSCAN_NATIVE)
    list(APPEND code_generation -march=native)
    execute_process(COMMAND ${CMAKE_CXX_COMPILER} -march=native -Q --help=target OUTPUT_VARIABLE target_help ERROR_QUIET)
    set(NUSCAN_INSTRUCTION_SET native)
    if(target_help MATCHES "-march=[ \t]+([^ \t\r\n]+)")
        set(NUSCAN_INSTRUCTION_SET ${CMAKE_MATCH_1})
    endif()
elseif(NUSCAN_ARCH)
    list(APPEND code_generation -march=${NUSCAN_ARCH})
    set(NUSCAN_INSTRUCTION_SET ${NUSCAN_ARCH})
endif()

set(sanitizers "")
if(NUSCAN_SANITIZE)
    set(sanitizers -fsanitize=${NUSCAN_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
endif()

function(nuscan_options target)
    set(host_flags ${warnings} ${code_generation})
    target_compile_options(${target} PRIVATE "$<$<COMPILE_LANGUAGE:CXX>:${host_flags};-Wpedantic;${sanitizers}>")
    if(NUSCAN_HAVE_CUDA)
        # nvcc says nothing when it cannot call a host function (std::complex, say) on the device, and drops it: this
        # makes it an error. --expt-relaxed-constexpr would hide it again.
        list(JOIN host_flags "," xcompiler)
        target_compile_options(${target} PRIVATE
            "$<$<COMPILE_LANGUAGE:CUDA>:-Werror=all-warnings;-Xcompiler=${xcompiler}>")
    endif()
    target_link_options(${target} PRIVATE ${sanitizers})
    if(NUSCAN_STATIC)
        target_link_options(${target} PRIVATE -static-libstdc++ -static-libgcc)
    endif()
    target_compile_definitions(${target} PRIVATE NUSCAN_INSTRUCTION_SET="${NUSCAN_INSTRUCTION_SET}")
endfunction()
