/* SPDX-License-Identifier: MIT */
/* A service of the future: its ABI version is one that no host knows. */
#include <rococo/abi.h>

__attribute__((visibility("default"))) const rococo_service* rococo_service_descriptor(void);

const rococo_service* rococo_service_descriptor(void) {
    static const rococo_service service = {.abi_version = 99,
                                           .struct_size = sizeof(rococo_service)};
    return &service;
}
