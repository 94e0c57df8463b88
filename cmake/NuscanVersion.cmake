# SPDX-License-Identifier: Apache-2.0
# nuscan_version: writes nuscan/version.hpp at every build, and touches it only when the commit has changed.
# The same file is the script that does the writing.

if(CMAKE_SCRIPT_MODE_FILE)
    set(COMMIT unknown)
    execute_process(COMMAND git rev-parse --show-prefix WORKING_DIRECTORY ${SOURCE_DIR}
        OUTPUT_VARIABLE prefix OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE failed ERROR_QUIET)
    if(failed STREQUAL "0" AND prefix STREQUAL "") # not an unpacked archive inside some other checkout
        execute_process(COMMAND git describe --always --exclude=* --abbrev=12 --dirty WORKING_DIRECTORY ${SOURCE_DIR}
            OUTPUT_VARIABLE described OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE failed ERROR_QUIET)
        if(failed STREQUAL "0")
            set(COMMIT ${described})
        endif()
    endif()
    configure_file(${CMAKE_CURRENT_LIST_DIR}/version.hpp.in ${HEADER} @ONLY)
    return()
endif()

set(version_header ${PROJECT_BINARY_DIR}/generated/nuscan/version.hpp)
add_custom_target(nuscan_write_version BYPRODUCTS ${version_header}
    COMMAND ${CMAKE_COMMAND} -DSOURCE_DIR=${PROJECT_SOURCE_DIR} -DHEADER=${version_header} -DVERSION=${PROJECT_VERSION}
        -P ${CMAKE_CURRENT_LIST_FILE}
    COMMENT "Looking up the commit" VERBATIM)
add_library(nuscan_version INTERFACE)
target_include_directories(nuscan_version INTERFACE ${PROJECT_BINARY_DIR}/generated)
add_dependencies(nuscan_version nuscan_write_version)
