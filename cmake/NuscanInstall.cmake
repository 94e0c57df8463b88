# SPDX-License-Identifier: Apache-2.0
# Installs the program, the library with its headers, the experiments, and a package for find_package(nuscan).

include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/nuscan)

set(libraries nuscan_core nuscan_hdf5 nuscan)
if(NUSCAN_HAVE_CUDA)
    list(APPEND libraries nuscan_cuda)
    if(TARGET nuscan_emulator AND NUSCAN_CUDA STREQUAL "EMULATED")
        list(APPEND libraries nuscan_emulator)
    endif()
endif()
install(TARGETS nuscan-cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS ${libraries} EXPORT nuscanTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN *.hpp)
install(DIRECTORY host/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/nuscan/host FILES_MATCHING PATTERN *.hpp
    PATTERN cli EXCLUDE)
install(DIRECTORY experiments DESTINATION ${CMAKE_INSTALL_DATADIR}/nuscan OPTIONAL)
install(FILES ${PROJECT_BINARY_DIR}/generated/nuscan/version.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/nuscan)

install(EXPORT nuscanTargets NAMESPACE nuscan:: DESTINATION ${package_dir})
configure_package_config_file(cmake/nuscanConfig.cmake.in ${PROJECT_BINARY_DIR}/nuscanConfig.cmake
    INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/nuscanConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/nuscanConfig.cmake ${PROJECT_BINARY_DIR}/nuscanConfigVersion.cmake
    DESTINATION ${package_dir})
