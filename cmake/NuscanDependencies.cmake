# SPDX-License-Identifier: Apache-2.0
# The libraries nuscan is built on. fmt and toml++ are used as headers alone, so that nothing but HDF5 and OpenMP is
# linked; with NUSCAN_STATIC these two come from their archives.

find_package(Eigen3 3.4 REQUIRED NO_MODULE)
find_package(CLI11 REQUIRED)
find_package(fmt REQUIRED)
find_package(Boost 1.74 REQUIRED)
find_package(HDF5 1.10 REQUIRED COMPONENTS C HL)

# Not its own target, which links the shared library where a distribution ships one.
find_path(NUSCAN_TOMLPLUSPLUS_INCLUDE_DIR toml++/toml.h REQUIRED)
mark_as_advanced(NUSCAN_TOMLPLUSPLUS_INCLUDE_DIR)
add_library(nuscan_tomlplusplus INTERFACE)
target_include_directories(nuscan_tomlplusplus SYSTEM INTERFACE ${NUSCAN_TOMLPLUSPLUS_INCLUDE_DIR})

# Its target drags in xtl, which only batches of complex numbers need.
find_path(NUSCAN_XSIMD_INCLUDE_DIR xsimd/xsimd.hpp REQUIRED)
mark_as_advanced(NUSCAN_XSIMD_INCLUDE_DIR)
add_library(nuscan_xsimd INTERFACE)
target_include_directories(nuscan_xsimd SYSTEM INTERFACE ${NUSCAN_XSIMD_INCLUDE_DIR})

add_library(nuscan_hdf5 INTERFACE)
if(NUSCAN_STATIC)
    # FindHDF5's list of static libraries drags in curl and crypto, which only its remote drivers use.
    target_include_directories(nuscan_hdf5 SYSTEM INTERFACE "$<BUILD_INTERFACE:${HDF5_C_INCLUDE_DIRS}>")
    foreach(library IN ITEMS hdf5_hl hdf5 sz aec z)
        find_library(NUSCAN_${library}_ARCHIVE NAMES lib${library}.a PATH_SUFFIXES hdf5/serial)
        mark_as_advanced(NUSCAN_${library}_ARCHIVE)
        if(NOT NUSCAN_${library}_ARCHIVE)
            message(FATAL_ERROR "NUSCAN_STATIC=ON, but lib${library}.a was not found (install its development package)")
        endif()
        target_link_libraries(nuscan_hdf5 INTERFACE ${NUSCAN_${library}_ARCHIVE})
    endforeach()
    target_link_libraries(nuscan_hdf5 INTERFACE ${CMAKE_DL_LIBS} m)

    # FindOpenMP takes a library that is already known.
    execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=libgomp.a OUTPUT_VARIABLE gomp_archive
        OUTPUT_STRIP_TRAILING_WHITESPACE)
    if(IS_ABSOLUTE "${gomp_archive}")
        set(OpenMP_gomp_LIBRARY ${gomp_archive} CACHE FILEPATH "OpenMP run-time library")
    endif()
else()
    target_link_libraries(nuscan_hdf5 INTERFACE hdf5::hdf5_hl hdf5::hdf5)
endif()
find_package(OpenMP REQUIRED COMPONENTS CXX)
