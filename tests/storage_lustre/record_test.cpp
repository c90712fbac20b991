// SPDX-License-Identifier: MIT
#include "plugins/storage_lustre/record.hpp"

#include <gtest/gtest.h>

#include "plugins/storage_lustre/names.hpp"
#include "vbs/plugin/storage.hpp"

namespace vbs::lustre {
namespace {
const std::string kA = "5e570000-0000-4000-8000-00000000000a", kB = "5e570000-0000-4000-8000-00000000000b";

Record longest() {
  Record r;
  r.kind = VBS_KIND_VOLUME;
  r.id = kA;
  r.generation = r.size_bytes = UINT64_MAX;
  r.file = overlay_name(kA, kB, UINT64_MAX);
  r.chain.assign(kMaxChain, r.file);
  r.facts = R"({"name":"a \"volume\"","n":1})";
  return r;
}

TEST(Record, WithTheLongestChainFitsIntoRefs) { EXPECT_LE(refs_text(longest()).size(), VBS_MAX_REFS_BYTES); }

TEST(Record, ReadsBackFromRefsAndSidecar) {
  const auto r = longest();
  const auto from_refs = parse_refs(r.kind, r.id, refs_text(r));
  const auto from_sidecar = parse_sidecar(sidecar_text(r));
  ASSERT_TRUE(from_sidecar);
  EXPECT_EQ(refs_text(from_refs), refs_text(r));
  EXPECT_EQ(sidecar_text(*from_sidecar), sidecar_text(r));
}

// Whoever may write in the back-end's directory could otherwise end vbsd with a file of 128 KiB (CWE-674).
TEST(Record, SidecarMadeOfBracketsIsNotRead) {
  auto r = longest();
  r.facts = R"({"a":)" + std::string(60000, '[') + std::string(60000, ']') + "}";
  EXPECT_FALSE(parse_sidecar(sidecar_text(r)));
  r.facts = R"({"a":"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"[[[["})";
  EXPECT_TRUE(parse_sidecar(sidecar_text(r)));
}

TEST(Record, SidecarThatWasCutAnywhereIsNotRead) {
  auto r = longest();
  r.chain.resize(1);
  const auto text = sidecar_text(r);
  for (size_t n = 0; n + 1 < text.size(); ++n) EXPECT_FALSE(parse_sidecar(text.substr(0, n))) << n;
  EXPECT_FALSE(parse_sidecar(std::string(text.size(), '\0')));  // as a file system may leave it after a power cut
}

TEST(Record, RefsThatLeadOutOfTheBackEndAreInvalid) {
  for (const std::string file : {"/etc/passwd", "../x.raw", "", ".vbs-backend", "x\\u0000.raw"}) {
    const std::string refs = R"({"v":1,"gen":1,"size":512,"file":")" + file + R"(","chain":[]})";
    EXPECT_THROW(parse_refs(VBS_KIND_VOLUME, kA, refs), plugin::Error) << refs;
    const std::string chain = R"({"v":1,"gen":1,"size":512,"file":")" + kA + R"(.1.raw","chain":[")" + file + R"("]})";
    EXPECT_THROW(parse_refs(VBS_KIND_VOLUME, kA, chain), plugin::Error) << chain;
  }
}

}  // namespace
}  // namespace vbs::lustre
