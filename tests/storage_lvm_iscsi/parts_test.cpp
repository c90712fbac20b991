// SPDX-License-Identifier: MIT
//
// The parts that need no LVM: names, tags, reports (as LVM 2.03.16 prints them), configuration, room.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "plugins/storage_lvm_iscsi/base64.hpp"
#include "plugins/storage_lvm_iscsi/config.hpp"
#include "plugins/storage_lvm_iscsi/names.hpp"
#include "plugins/storage_lvm_iscsi/report.hpp"
#include "plugins/storage_lvm_iscsi/space.hpp"
#include "plugins/storage_lvm_iscsi/tags.hpp"
#include "plugins/storage_lvm_iscsi/tgt_report.hpp"

namespace vbs::test {
namespace {
using namespace vbs::lvm;

constexpr const char* kId = "5e570000-0000-4000-8000-000000000001";
constexpr const char* kBy = "5e570000-0000-4000-8000-000000000002";

std::string message_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const plugin::Error& e) {
    return e.what();
  }
  return "(nothing was refused)";
}

// "CHAP_N values do not match!": LIO reads "0b..." as base64.
TEST(Names, OfAChapUserIsNoNumberToIscsi) {
  EXPECT_EQ(chap_user("0b1a1e1b-67e2-42df-bb24-ec22fe59b888"), "vbs-0b1a1e1b-67e2-42df-bb24-ec22fe59b888");
}

TEST(Names, ReadBackWhatTheyWrote) {
  for (const auto& name : {LvName{kId, "", 1}, LvName{kId, kBy, UINT64_MAX}}) {
    const auto parsed = parse_name(name.text());
    ASSERT_TRUE(parsed) << name.text();
    EXPECT_EQ(parsed->text(), name.text());
    EXPECT_EQ(parsed->by, name.by);
  }
}

TEST(Names, OfOthersAreNotOurs) {
  const std::string id = kId;
  for (const std::string name :
       {std::string("root"), std::string("vbs."), "vbs." + id, "vbs." + id + ".", "vbs." + id + ".01",
        "vbs." + id + ".-1", "vbs." + id + ".1x", id + ".1", "vbs." + id + "." + id + ".",
        std::string("vbs.5E570000-0000-4000-8000-000000000001.1"), "vbs." + id + ".99999999999999999999999"})
    EXPECT_FALSE(parse_name(name)) << name;
}

TEST(Names, FitTheDeviceMapperWithTheLongestGroup) {
  const auto lv = LvName{kId, kBy, UINT64_MAX}.text();
  const auto dashes = std::count(lv.begin(), lv.end(), '-');
  EXPECT_LE(kMaxGroupName + 1 + lv.size() + static_cast<size_t>(dashes), 127u);
  EXPECT_TRUE(is_group_name("vg0"));
  for (const std::string bad : {std::string(), std::string("-x"), std::string("a/b"), std::string(".."),
                                std::string(kMaxGroupName + 1, 'a'), std::string(kMaxGroupName / 2, '-') + "ab"})
    EXPECT_FALSE(is_group_name(bad)) << bad;
}

TEST(Base64, ReadsBackAllBytesAndRefusesOtherText) {
  std::string all;
  for (int i = 0; i < 259; ++i) {
    EXPECT_EQ(from_base64(base64(all)), all);
    all += static_cast<char>(i);
  }
  EXPECT_EQ(base64("foob"), "Zm9vYg==");  // RFC 4648, 10
  for (const char* bad : {"Zm9vYg=", "Zm9vYg=a", "Zm9v Yg=", "Zm9vYh==", "===="}) EXPECT_FALSE(from_base64(bad)) << bad;
}

TEST(Tags, CarryTheRecordAndFactsOfAnyLengthThatFits) {
  Record r;
  r.kind = VBS_KIND_SNAPSHOT;
  r.id = kId;
  r.by = kBy;
  r.generation = 7;
  r.epoch = 3;
  r.asked_bytes = 1ull << 40;
  r.source_kind = VBS_KIND_VOLUME;
  r.source_id = kBy;
  for (const size_t length : {size_t{0}, size_t{10}, size_t{2000}, kMaxFactsBytes - 12}) {
    r.facts = "{\"name\":\"" + std::string(length, 'x') + "\"}";
    std::vector<std::string> tags{kTag,     id_tag(r.id),      by_tag(r.by), record_tag(r),
                                  kDoneTag, growing_tag(4096), "foreign"};
    const auto facts = facts_tags(r);
    ASSERT_EQ(facts.size(), kFactsTags);
    tags.insert(tags.end(), facts.begin(), facts.end());
    for (const auto& tag : tags) {
      EXPECT_LE(tag.size(), kMaxTag);
      EXPECT_EQ(tag.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+.-/=!:&#"),
                std::string::npos);
    }
    const auto read = record_of(tags);
    ASSERT_TRUE(read);
    EXPECT_EQ(record_tag(*read), record_tag(r));
    EXPECT_EQ(read->facts, r.facts);
    EXPECT_EQ(read->by, r.by);
    EXPECT_TRUE(read->done);
    EXPECT_EQ(read->growing_from_bytes, 4096u);
  }
  r.facts = std::string(kMaxFactsBytes + 1, 'x');
  EXPECT_NE(message_of([&] { facts_tags(r); }).find("12000"), std::string::npos);
}

TEST(Tags, ThatAreNotWholeMakeNothingOurs) {
  Record r;
  r.kind = VBS_KIND_VOLUME;
  r.id = kId;
  const std::vector<std::string> whole{kTag, id_tag(r.id), record_tag(r)};
  EXPECT_TRUE(record_of(whole));
  for (size_t i = 0; i < whole.size(); ++i) {
    auto tags = whole;
    tags.erase(tags.begin() + static_cast<ptrdiff_t>(i));
    EXPECT_FALSE(record_of(tags)) << whole[i];
  }
  for (const char* bad : {"vbs.f1=e30=", "vbs.f0=e30", "vbs.f=e30=", "vbs.growing=x"}) {
    auto tags = whole;
    tags.emplace_back(bad);
    EXPECT_FALSE(record_of(tags)) << bad;
  }
  for (const char* bad : {"vbs.v1=3:1:1:0:0:", "vbs.v1=1:1:1:0:0:x", "vbs.v1=1:1:1", "vbs.v2=1:1:1:0:0:"})
    EXPECT_FALSE(record_of({kTag, id_tag(r.id), bad})) << bad;
}

TEST(Reports, OfLvsAreRead) {
  const auto rows = parse_lvs(R"({
      "report": [ { "lv": [
          {"vg_tags":"vbs.backend=5e570000-0000-4000-8000-000000000001,x", "vg_free":"2109734912", "vg_size":"4290772992",
           "vg_extent_size":"4194304", "lv_name":"pool", "lv_size":"2147483648", "lv_tags":"", "lv_active":"active",
           "lv_device_open":"open", "segtype":"thin-pool", "pool_lv":"", "data_percent":"12.51", "metadata_percent":"10.28",
           "zero":"zero"},
          {"vg_tags":"", "vg_free":"0", "vg_size":"4290772992", "vg_extent_size":"4194304",
           "lv_name":"vbs.5e570000-0000-4000-8000-000000000002.1", "lv_size":"8388608", "lv_tags":"vbs,vbs.done",
           "lv_active":"", "lv_device_open":"", "segtype":"thin", "pool_lv":"pool", "data_percent":"", "metadata_percent":"",
           "zero":"unknown"}
      ] } ] })");
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 2u);
  const auto &pool = (*rows)[0], &volume = (*rows)[1];
  EXPECT_EQ(backend_of(pool.group.tags), kId);
  EXPECT_EQ(pool.group.free_bytes, 2109734912u);
  EXPECT_EQ(pool.group.extent_bytes, 4194304u);
  EXPECT_DOUBLE_EQ(pool.data_percent, 12.51);
  EXPECT_TRUE(pool.zeroes && pool.active && pool.open);
  EXPECT_EQ(volume.tags, (std::vector<std::string>{"vbs", "vbs.done"}));
  EXPECT_EQ(volume.size_bytes, 8388608u);
  EXPECT_FALSE(volume.active || volume.open || volume.zeroes);
}

TEST(Reports, ThatWereCutOffOrAreSomethingElseAreNotRead) {
  for (const char* bad :
       {"", "{", R"({"report":[{"lv":[{"lv_name":"x"})", R"({"report":[{"vg":[]}]})", "[]", R"({"report":1})"})
    EXPECT_FALSE(parse_lvs(bad)) << bad;
  EXPECT_TRUE(parse_lvs(R"({"report":[{"lv":[]}]})")->empty());
}

TEST(Reports, OfTgtadmAreRead) {
  const auto targets = parse_tgt_targets(R"(Target 5: iqn.2026-01.org.example:tgt
    System information:
        Driver: iscsi
        State: ready
    I_T nexus information:
        I_T nexus: 4
            Initiator: iqn.2026-01.org.example.host:1 alias: none
            Connection: 0
                IP Address: 127.0.0.1
    LUN information:
        LUN: 0
            Type: controller
            SCSI ID: IET     00050000
            SCSI SN: beaf50
            Size: 0 MB, Block size: 1
            Readonly: No
            Backing store type: null
            Backing store path: None
            Backing store flags: 
        LUN: 1
            Type: disk
            SCSI SN: 11111111-2222-4333-8444-555555555555
            Readonly: Yes
            Backing store type: rdwr
            Backing store path: /dev/vg0/e
            Backing store flags: 
    Account information:
        aa-11
    ACL information:
        iqn.2026-01.org.example.host:1
Target 6: iqn.2026-01.org.example:other
    System information:
        Driver: iscsi
    I_T nexus information:
    LUN information:
        LUN: 0
            Backing store path: None
    Account information:
    ACL information:
)");
  ASSERT_EQ(targets.size(), 2u);
  EXPECT_EQ(targets[0].id, 5u);
  EXPECT_EQ(targets[0].name, "iqn.2026-01.org.example:tgt");
  EXPECT_EQ(targets[0].device, "/dev/vg0/e");
  EXPECT_TRUE(targets[0].read_only);
  ASSERT_EQ(targets[0].sessions.size(), 1u);
  EXPECT_EQ(targets[0].sessions[0].id, "4");
  EXPECT_EQ(targets[0].sessions[0].initiator, "iqn.2026-01.org.example.host:1");
  EXPECT_EQ(targets[0].sessions[0].connections, std::vector<std::string>{"0"});
  EXPECT_EQ(targets[0].users, std::vector<std::string>{"aa-11"});
  EXPECT_EQ(targets[0].initiators, std::vector<std::string>{"iqn.2026-01.org.example.host:1"});
  EXPECT_EQ(targets[1].name, "iqn.2026-01.org.example:other");
  EXPECT_TRUE(targets[1].device.empty() && targets[1].sessions.empty() && targets[1].initiators.empty());
  EXPECT_TRUE(parse_tgt_targets("").empty());
  EXPECT_TRUE(parse_tgt_targets("tgtadm: something else\n    LUN information:\n").empty());
}

TEST(Configuration, SaysWhichKeyIsWrongAndWhatIsAllowed) {
  const std::string good =
      R"("volume_group":"vg0","thin_pool":"pool","iqn_prefix":"iqn.2026-01.org.example","portals":"10.0.0.1:3260")";
  const auto c = read_config("{" + good + "}");
  EXPECT_TRUE(c.thin());
  EXPECT_EQ(c.portals, std::vector<std::string>{"10.0.0.1:3260"});
  for (const auto& [key, more] :
       std::vector<std::pair<std::string, std::string>>{{"volume_group", R"("volume_group":"a/b")"},
                                                        {"thin_pool", R"("thin_pool":"")"},
                                                        {"thin_pool", R"("provisioning":"thick")"},
                                                        {"provisioning", R"("provisioning":"fat")"},
                                                        {"iqn_prefix", R"("iqn_prefix":"iqn.org.example")"},
                                                        {"iqn_prefix", R"("iqn_prefix":"iqn.2026-01.org.Example")"},
                                                        {"portals", R"("portals":"")"},
                                                        {"portals", R"("portals":"host:3260")"},
                                                        {"portals", R"("portals":"10.0.0.1")"},
                                                        {"portals", R"("portals":"10.0.0.1:3260,10.0.0.1:3260")"},
                                                        {"reserve_percent", R"("reserve_percent":91)"},
                                                        {"over_commit_ratio", R"("over_commit_ratio":0)"},
                                                        {"target", R"("target":"scst")"},
                                                        {"lio_root", R"("lio_root":"target")"}}) {
    std::string json = good;
    const auto name = more.substr(0, more.find(':'));
    if (const auto at = json.find(name); at != std::string::npos) json.replace(at + 1, 1, "x");  // no key twice
    const auto message = message_of([&] { read_config("{" + more + "," + json + "}"); });
    EXPECT_NE(message.find("storage_lvm_iscsi: " + key), std::string::npos) << more << " -> " << message;
  }
}

TEST(Portals, MayBeSeveralOfBothFamilies) {
  EXPECT_EQ(read_portals("10.0.0.1:3260, [fd00::1]:860"), (std::vector<std::string>{"10.0.0.1:3260", "[fd00::1]:860"}));
}

TEST(Room, IsRefusedWithPoolUseAndLimit) {
  Config c;
  c.group = "vg0";
  c.pool = "pool";
  c.reserve_percent = 10;
  c.over_commit_ratio = 2;
  LvRow pool;
  pool.size_bytes = 1000;
  pool.data_percent = 90;
  EXPECT_NO_THROW(require_pool_room(c, pool));
  pool.data_percent = 90.5;
  for (const char* word : {"vg0/pool", "data", "90.50 %", "90.00 %", "reserve_percent 10"})
    EXPECT_NE(message_of([&] { require_pool_room(c, pool); }).find(word), std::string::npos) << word;
  pool.data_percent = 0;
  pool.metadata_percent = 95;
  EXPECT_NE(message_of([&] { require_pool_room(c, pool); }).find("metadata"), std::string::npos);
  EXPECT_NO_THROW(require_promise(c, pool, 1500, 500));
  EXPECT_NE(message_of([&] { require_promise(c, pool, 1500, 501); }).find("over_commit_ratio"), std::string::npos);
  GroupRow group;
  group.size_bytes = 1000;
  group.free_bytes = 500;
  EXPECT_NO_THROW(require_thick_room(c, group, 400));
  EXPECT_NE(message_of([&] { require_thick_room(c, group, 401); }).find("vgextend"), std::string::npos);
}

}  // namespace
}  // namespace vbs::test
