// A real iSCSI target for tests that need no kernel part: tgtd in user space on 127.0.0.1, plain files behind it, CHAP.
// One tgtd a program, started with the first Target and ended with the program; each Target ends with its object.
#pragma once
#include <gtest/gtest.h>

#include <string>

namespace vbs::test {

struct TgtTarget {
  std::string portal;  // ADDRESS:PORT
  std::string iqn, user = "vbs-tester", secret = "Sixteen16letters";
  std::string file;  // the LUN's bytes
  int tid = 0;

  // A LUN 1 of `mib` MiB with that serial, for that initiator only.
  TgtTarget(const std::string& serial, const std::string& initiator, unsigned mib = 16, bool read_only = false);
  ~TgtTarget();
  TgtTarget(const TgtTarget&) = delete;
  std::string data() const;  // of a connection of kind iscsi

  // "": tgtd runs. Else why it does not; tests that need it fail with that in CI and are skipped elsewhere.
  static std::string missing();
};

#define VBS_NEEDS_TGT()                                                     \
  do {                                                                      \
    if (const auto why = ::vbs::test::TgtTarget::missing(); !why.empty()) { \
      if (std::getenv("CI")) FAIL() << why;                                 \
      GTEST_SKIP() << "NOT TESTED HERE. " << why;                           \
    }                                                                       \
  } while (false)

}  // namespace vbs::test
