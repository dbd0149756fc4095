# Packages, all by CPack: `cpack -G DEB` makes rococo-svchost (host), its -dbgsym, rococo-sdk and rococo-adapters-dev;
# `cpack -G TGZ` makes one archive of all to unpack anywhere. Version and description are the project's; ./dev package calls it.
foreach(document LICENSE CHANGELOG.md)
    if(EXISTS "${PROJECT_SOURCE_DIR}/${document}")
        install(FILES "${PROJECT_SOURCE_DIR}/${document}" DESTINATION share/doc/rococo-svchost COMPONENT host)
        install(FILES "${PROJECT_SOURCE_DIR}/${document}" DESTINATION share/doc/rococo-sdk COMPONENT sdk)
        install(FILES "${PROJECT_SOURCE_DIR}/${document}" DESTINATION share/doc/rococo-adapters-dev COMPONENT adapters)
    endif()
endforeach()

# For builds without CMake. The SDK has no library, so that one file serves every architecture.
configure_file(cmake/rococo.pc.in rococo.pc @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/rococo.pc" DESTINATION share/pkgconfig COMPONENT sdk)

set(CPACK_PACKAGE_NAME rococo)
set(CPACK_PACKAGE_VENDOR "The rococo-service-host contributors")
set(CPACK_PACKAGE_CONTACT "The rococo-service-host contributors <maintainers@rococo.invalid>")
set(CPACK_PACKAGE_DIRECTORY "${PROJECT_BINARY_DIR}/packages")
set(CPACK_THREADS 0)
set(CPACK_COMPONENTS_ALL host sdk adapters)
set(CPACK_COMPONENTS_GROUPING IGNORE)

# One archive: bin, include, lib, share under a folder of its own.
set(CPACK_ARCHIVE_COMPONENT_INSTALL OFF)
string(TOLOWER "${CMAKE_SYSTEM_NAME}-${CMAKE_SYSTEM_PROCESSOR}" platform)
set(CPACK_PACKAGE_FILE_NAME "rococo-${PROJECT_VERSION}-${platform}")

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS OFF)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)

set(CPACK_DEBIAN_HOST_PACKAGE_NAME rococo-svchost)
# CPack puts the project's description before them.
set(CPACK_COMPONENT_HOST_DESCRIPTION
    "It connects to RabbitMQ, AWS SQS or its embedded queue, calls the service's processor, and does the rest: retries, dead letters, schedules, draining, logs."
)
set(CPACK_DEBIAN_HOST_PACKAGE_SECTION net)
# What the adapters link to is found in the binary. Certificates and time zones are data, which no binary shows.
set(CPACK_DEBIAN_HOST_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_HOST_PACKAGE_DEPENDS "ca-certificates, tzdata")
set(CPACK_DEBIAN_HOST_PACKAGE_SUGGESTS "rococo-sdk, rabbitmq-server, python3 (>= 3.8)")
# What compiles the modules for services in Python, and removes that again.
set(CPACK_DEBIAN_HOST_PACKAGE_CONTROL_EXTRA
    "${PROJECT_SOURCE_DIR}/packaging/debian/postinst;${PROJECT_SOURCE_DIR}/packaging/debian/prerm"
)
# Symbols go into a package of their own, which the debug image installs. Meaningful only where the build has them (-g).
set(CPACK_DEBIAN_HOST_DEBUGINFO_PACKAGE ON)

set(CPACK_DEBIAN_SDK_PACKAGE_NAME rococo-sdk)
set(CPACK_COMPONENT_SDK_DESCRIPTION
    "This is the SDK: headers, CMake package and test kit. A service is one class with a process() method; this package builds it, rococo-svchost runs it."
)
set(CPACK_DEBIAN_SDK_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_SDK_PACKAGE_DEPENDS "libfmt-dev (>= 9), nlohmann-json3-dev (>= 3.11)")
set(CPACK_DEBIAN_SDK_PACKAGE_RECOMMENDS "rococo-svchost, g++ (>= 4:12), cmake (>= 3.25), libgtest-dev")

set(CPACK_DEBIAN_ADAPTERS_PACKAGE_NAME rococo-adapters-dev)
set(CPACK_COMPONENT_ADAPTERS_DESCRIPTION
    "These are its queues as libraries of their own (RabbitMQ, AWS SQS, the embedded queue), for programs that send or receive without the host."
)
set(CPACK_DEBIAN_ADAPTERS_PACKAGE_SECTION libdevel)
# Static libraries: what they link to is their user's to link, so no binary shows it.
set(CPACK_DEBIAN_ADAPTERS_PACKAGE_DEPENDS
    "rococo-sdk (= ${PROJECT_VERSION}), libcurl4-openssl-dev, libexpected-dev, librabbitmq-dev, libsqlite3-dev, libssl-dev, pkg-config"
)

include(CPack)
