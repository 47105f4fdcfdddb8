// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#ifndef ES_TESTS_RUNNER_H
#define ES_TESTS_RUNNER_H

#include <check.h>

Suite *test_suite(void); // each test program defines its own

#endif
