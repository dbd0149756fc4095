include_guard(GLOBAL)

# rococo_add_service(source… [TARGET name])
#
# Builds the sources into a service that svchost can load: `<package>.service.so` in the build folder. Package and
# version come from project(NAME VERSION …). A source's module is the package followed by its path with dots
# (`service_example.processor` for `processor.cpp`). TARGET names the CMake target; the default is the project's name.
# Link more libraries to it with target_link_libraries(NAME PRIVATE …).
function(rococo_add_service)
    cmake_parse_arguments(PARSE_ARGV 0 arg "" "TARGET" "")
    set(sources ${arg_UNPARSED_ARGUMENTS})
    if(NOT sources)
        message(FATAL_ERROR "rococo_add_service() needs the source files of the service, such as processor.cpp")
    endif()
    set(ROCOCO_PACKAGE "${PROJECT_NAME}")
    set(ROCOCO_SERVICE_VERSION "${PROJECT_VERSION}")
    if(NOT ROCOCO_SERVICE_VERSION)
        message(
            WARNING
                "project(${PROJECT_NAME}) has no VERSION, so the service's version is 0.0.0. "
                "Write project(${PROJECT_NAME} VERSION 1.0.0 LANGUAGES CXX)."
        )
        set(ROCOCO_SERVICE_VERSION "0.0.0")
    endif()
    set(ROCOCO_SDK_VERSION "${rococo_VERSION}")
    if(NOT arg_TARGET)
        set(arg_TARGET "${PROJECT_NAME}")
    endif()

    set(descriptor "${CMAKE_CURRENT_BINARY_DIR}/${arg_TARGET}_descriptor.cpp")
    configure_file("${CMAKE_CURRENT_FUNCTION_LIST_DIR}/service_descriptor.cpp.in" "${descriptor}" @ONLY)

    add_library(${arg_TARGET} MODULE ${sources} "${descriptor}")
    target_link_libraries(${arg_TARGET} PRIVATE rococo::sdk)
    target_compile_features(${arg_TARGET} PRIVATE cxx_std_20)
    set_target_properties(
        ${arg_TARGET}
        PROPERTIES PREFIX ""
                   SUFFIX ".service.so"
                   CXX_VISIBILITY_PRESET hidden
                   VISIBILITY_INLINES_HIDDEN ON
                   POSITION_INDEPENDENT_CODE ON
    )
    # GCC's unique symbols are shared across libraries even with RTLD_LOCAL, so two services built with different SDKs
    # would share them.
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        target_compile_options(${arg_TARGET} PRIVATE -fno-gnu-unique)
    endif()

    foreach(source IN LISTS sources)
        cmake_path(ABSOLUTE_PATH source NORMALIZE OUTPUT_VARIABLE module)
        cmake_path(RELATIVE_PATH module BASE_DIRECTORY "${PROJECT_SOURCE_DIR}")
        cmake_path(REMOVE_EXTENSION module LAST_ONLY)
        string(REPLACE "/" "." module "${module}")
        set_property(
            SOURCE "${source}" APPEND PROPERTY COMPILE_DEFINITIONS "ROCOCO_MODULE=\"${PROJECT_NAME}.${module}\""
        )
    endforeach()

    # Services in rococo's own tree are tests and examples: install them only if the component is named.
    if(DEFINED rococo_SOURCE_DIR)
        set(only_by_name EXCLUDE_FROM_ALL)
    endif()
    install(TARGETS ${arg_TARGET} LIBRARY DESTINATION "lib/rococo/services" COMPONENT service ${only_by_name})
endfunction()
