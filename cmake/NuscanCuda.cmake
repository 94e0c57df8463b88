# SPDX-License-Identifier: Apache-2.0
# Finds nvcc as NUSCAN_CUDA asks, and sets NUSCAN_HAVE_CUDA.

set(NUSCAN_HAVE_CUDA FALSE)
if(NOT NUSCAN_CUDA MATCHES "^(AUTO|ON|OFF)$")
    message(FATAL_ERROR "NUSCAN_CUDA=${NUSCAN_CUDA} (must be AUTO, ON or OFF)")
endif()
if(NUSCAN_CUDA STREQUAL "OFF")
    return()
endif()

include(CheckLanguage)
if(NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
    find_program(NUSCAN_NVCC nvcc HINTS ENV CUDA_HOME PATHS /usr/local/cuda PATH_SUFFIXES bin)
    mark_as_advanced(NUSCAN_NVCC)
    if(NUSCAN_NVCC)
        set(CMAKE_CUDA_COMPILER ${NUSCAN_NVCC})
    endif()
endif()
# One recent architecture compiles fastest; the release preset lists all that are supported.
set(CMAKE_CUDA_ARCHITECTURES 90-real CACHE STRING "GPU architectures to compile for")
check_language(CUDA)
if(NOT CMAKE_CUDA_COMPILER)
    if(NUSCAN_CUDA STREQUAL "ON")
        message(FATAL_ERROR "NUSCAN_CUDA=ON, but no working nvcc was found (put it on PATH or set CMAKE_CUDA_COMPILER; "
            "NUSCAN_CUDA=AUTO builds for the CPU alone where there is none)")
    endif()
    message(STATUS "CUDA back end: left out (no nvcc found)")
    return()
endif()

enable_language(CUDA)
if(CMAKE_CUDA_COMPILER_VERSION VERSION_LESS 12.0)
    message(FATAL_ERROR "nvcc ${CMAKE_CUDA_COMPILER_VERSION} (must be 12.0 or newer, for C++20; NUSCAN_CUDA=OFF builds "
        "without it)")
endif()
if(CMAKE_VERSION VERSION_LESS 3.26)
    # Older CMake does not know that nvcc speaks C++20.
    set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
    set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
    list(APPEND CMAKE_CUDA_COMPILE_FEATURES cuda_std_20)
endif()
set(CMAKE_CUDA_STANDARD 20)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
set(CMAKE_CUDA_EXTENSIONS OFF)
find_package(CUDAToolkit REQUIRED)
set(NUSCAN_HAVE_CUDA TRUE)
message(STATUS "CUDA back end: nvcc ${CMAKE_CUDA_COMPILER_VERSION} for ${CMAKE_CUDA_ARCHITECTURES}")
