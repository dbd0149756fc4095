/* SPDX-License-Identifier: MIT */
/* A shared library that is not a service. */
int not_a_service(void);
int not_a_service(void) { return 0; }
