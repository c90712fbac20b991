// What each command asks for, prints and returns, against scripted answers.
#include "core/base/ids.hpp"
#include "core/base/json.hpp"
#include "tests/cli/fake_service.hpp"

namespace vbs::cli {
namespace {
using namespace vbs::test;
struct Commands : CommandTest {
  const std::string volume_path = std::string("/v1/volumes/") + kVolumeId;
};

TEST_F(Commands, CreateVolumeSendsBytesAndTellsWhatWasMade) {
  script.answer(202,
                R"({"volume":)" + volume_json(kVolumeId, "data") + R"(,"operation":)" + operation_json("done") + "}");
  script.answer(200, in("volume", volume_json(kVolumeId, "data")));
  EXPECT_EQ(vbs({"create-volume", "10GiB", "--name", "data", "--metadata", "rack=b4", "--metadata", "x=1=2"}), 0)
      << err;
  EXPECT_EQ(out, std::string("created volume ") + kVolumeId + " (data), 10 GiB on lustre\n");
  EXPECT_EQ(err, "");
  EXPECT_EQ(script.asked[0].body, R"({"name":"data","metadata":{"rack":"b4","x":"1=2"},"size_bytes":10737418240})");
  EXPECT_TRUE(is_uuid(script.asked[0].header("Idempotency-Key")));
  EXPECT_EQ(script.asked[0].header("Prefer"), "wait=1");
}

TEST_F(Commands, AnUnusableSizeIsRefusedBeforeTheServiceIsAsked) {
  EXPECT_EQ(vbs({"create-volume", "10GB"}), 2);
  EXPECT_EQ(vbs({"create-volume"}), 2);
  EXPECT_EQ(vbs({"create-volume", "1GiB", "--metadata", "nonsense"}), 2);
  EXPECT_TRUE(script.asked.empty());
}

TEST_F(Commands, ARequestWhoseConnectionBrokeIsRepeatedWithTheSameKey) {
  script.fail(Code::unknown_outcome, "the connection was lost");
  script.answer(202,
                R"({"volume":)" + volume_json(kVolumeId, "") + R"(,"operation":)" + operation_json("queued") + "}");
  EXPECT_EQ(vbs({"create-volume", "10GiB", "--no-wait"}), 0) << err;
  ASSERT_EQ(script.asked.size(), 2u);
  EXPECT_EQ(script.asked[0].header("Idempotency-Key"), script.asked[1].header("Idempotency-Key"));
  EXPECT_EQ(script.asked[0].header("Prefer"), "");
}

TEST_F(Commands, DescribeVolumesIsATable) {
  auto second = volume_json(kOtherId, "logs");
  second.replace(second.find("\"attachments\":[]"), 16,
                 R"("attachments":[{"host":"node1","vm":"web","mode":"ro"},{"host":"node2","vm":"db","mode":"ro"}])");
  script.answer(200, list_of("volumes", {volume_json(kVolumeId, "data"), second}));
  EXPECT_EQ(vbs({"describe-volumes"}), 0) << err;
  EXPECT_EQ(out,
            "ID        NAME  SIZE    STATE          BACKEND  ATTACHED-TO\n"
            "3f2a0000  data  10 GiB  available      lustre   -\n"
            "3f2b0000  logs  10 GiB  in-use (2 ro)  lustre   node1/web, node2/db\n");
}

TEST_F(Commands, JsonIsTheServicesOwnOnStandardOutput) {
  script.answer(200, list_of("volumes", {volume_json(kVolumeId, "data")}, kVolumeId));
  script.answer(200, list_of("volumes", {volume_json(kOtherId, "logs")}));
  EXPECT_EQ(vbs({"describe-volumes", "--json"}), 0) << err;
  const auto document = parse_json(out);
  EXPECT_EQ(document["volumes"].Size(), 2u);
  EXPECT_FALSE(document.HasMember("next"));
}

TEST_F(Commands, FiltersAreEncodedIntoTheQuery) {
  script.answer(200, list_of("volumes", {}));
  EXPECT_EQ(vbs({"describe-volumes", "--name", "a b&c", "--state", "failed", "--all-projects"}), 0) << err;
  EXPECT_EQ(script.asked[0].target, "/v1/volumes?name=a%20b%26c&state=failed&all_projects=true");
  EXPECT_EQ(vbs({"describe-volumes", "--state", "nonsense"}), 2);
}

TEST_F(Commands, OneVolumeIsShownInFull) {
  script.answer(200, in("volume", volume_json(kVolumeId, "data", R"(,"error":{"code":"no_space","message":"full"})")));
  EXPECT_EQ(vbs({"describe-volumes", kVolumeId}), 0) << err;
  EXPECT_TRUE(out_has(std::string("id:           ") + kVolumeId)) << out;
  EXPECT_TRUE(out_has("size:         10 GiB (10737418240 bytes)")) << out;
  EXPECT_TRUE(out_has("error:        full (no_space)")) << out;
}

TEST_F(Commands, AttachSaysTheDeviceThatItGot) {
  const std::string started = R"({"id":"a1","host":"node1","vm":"web","mode":"ro","state":"attaching","device":""})";
  const std::string attached = R"({"id":"a1","host":"node1","vm":"web","mode":"ro","state":"attached","device":"vdb"})";
  auto volume = volume_json(kVolumeId, "data");
  volume.replace(volume.find("\"attachments\":[]"), 16, "\"attachments\":[" + attached + "]");
  script.answer(202, R"({"attachment":)" + started + R"(,"operation":)" + operation_json("done") + "}");
  script.answer(200, in("volume", volume));
  EXPECT_EQ(vbs({"attach-volume", kVolumeId, "node1", "web", "--mode", "ro"}), 0) << err;
  EXPECT_EQ(out, std::string("attached volume ") + kVolumeId + " to node1/web as vdb (ro)\n");
  EXPECT_EQ(script.asked[0].target, volume_path + "/attach");
  EXPECT_EQ(script.asked[0].body, R"({"host":"node1","vm":"web","mode":"ro"})");
}

TEST_F(Commands, DetachFromAllWaitsForEveryOperation) {
  script.answer(202, list_of("operations", {operation_json("done"), operation_json("running")}));
  script.answer(200, in("operation", operation_json("done")));
  EXPECT_EQ(vbs({"detach-volume", kVolumeId, "--all", "--force"}), 0) << err;
  EXPECT_EQ(script.asked[0].body, R"({"all":true,"force":true})");
  EXPECT_EQ(out, std::string("detached volume ") + kVolumeId + " from 2 VMs\n");
}

TEST_F(Commands, DetachRefusesContradictoryArguments) {
  EXPECT_EQ(vbs({"detach-volume", kVolumeId, "node1"}), 2);
  EXPECT_EQ(vbs({"detach-volume", kVolumeId, "node1", "web", "--all"}), 2);
  EXPECT_TRUE(script.asked.empty());
}

TEST_F(Commands, ExtendAndDeleteAndSnapshotsAskForTheirOperation) {
  script.answer(202, in("operation", operation_json("done")));
  EXPECT_EQ(vbs({"extend-volume", kVolumeId, "20G"}), 0) << err;
  EXPECT_EQ(script.asked.back().body, R"({"size_bytes":21474836480})");
  script.answer(202, in("operation", operation_json("done")));
  EXPECT_EQ(vbs({"revert-volume", kVolumeId, kOtherId}), 0) << err;
  EXPECT_EQ(script.asked.back().body, std::string(R"({"snapshot_id":")") + kOtherId + R"("})");
  script.answer(202, in("operation", operation_json("done")));
  EXPECT_EQ(vbs({"flatten-volume", kVolumeId}), 0) << err;
  EXPECT_TRUE(script.asked.back().target.ends_with("/flatten")) << script.asked.back().target;
  script.answer(202, in("operation", operation_json("done")));
  EXPECT_EQ(vbs({"delete-volume", kVolumeId}), 0) << err;
  EXPECT_EQ(script.asked.back().method, "DELETE");
  script.answer(202, std::string(R"({"snapshot":{"id":")") + kOtherId + R"(","name":"s"},"operation":)" +
                         operation_json("done") + "}");
  script.answer(200, std::string(R"({"snapshot":{"id":")") + kOtherId + R"(","name":"s"}})");
  EXPECT_EQ(vbs({"create-snapshot", kVolumeId, "--name", "s"}), 0) << err;
  EXPECT_EQ(script.asked[4].body, std::string(R"({"volume_id":")") + kVolumeId + R"(","name":"s"})");
  EXPECT_EQ(out, std::string("created snapshot ") + kOtherId + " (s) of volume " + kVolumeId + "\n");
}

TEST_F(Commands, UpdateSendsOnlyWhatWasGiven) {
  script.answer(200, in("volume", volume_json(kVolumeId, "data")));
  EXPECT_EQ(vbs({"update-volume", kVolumeId, "--comment", "", "--clear-metadata"}), 0) << err;
  EXPECT_EQ(script.asked[0].method, "PATCH");
  EXPECT_EQ(script.asked[0].body, R"({"comment":"","metadata":{}})");
  EXPECT_EQ(vbs({"update-volume", kVolumeId}), 2);
}

TEST_F(Commands, GrantChecksAndCanonicalisesASubject) {
  script.answer(200, list_of("grants", {R"({"user":"CN=bob,O=VBS","user_id":"u2"})"}));
  EXPECT_EQ(vbs({"grant", kVolumeId, "cn=bob, o=VBS"}), 0) << err;
  EXPECT_EQ(script.asked[0].target, volume_path + "/grants");
  EXPECT_EQ(script.asked[0].body, R"({"user":"CN=bob,O=VBS"})");
  EXPECT_EQ(vbs({"grant", kVolumeId, "/O=VBS/CN=bob"}), 2);
  EXPECT_EQ(script.asked.size(), 1u);
}

TEST_F(Commands, ReconcileReturnsOneWhileSomethingDiffers) {
  const std::string finding =
      R"({"what":"leftover-file","where":"lustre","object_id":"x","detail":"d","repair":"removes it","repaired":)";
  script.answer(200, R"({"checked":{"volumes":3},"findings":[]})");
  EXPECT_EQ(vbs({"reconcile"}), 0) << err;
  EXPECT_TRUE(out_has("nothing differs"));
  script.answer(200, R"({"checked":{"volumes":3},"findings":[)" + finding + "false}]}");
  EXPECT_EQ(vbs({"reconcile"}), 1);
  script.answer(200, R"({"checked":{"volumes":3},"findings":[)" + finding + "true}]}");
  EXPECT_EQ(vbs({"reconcile", "--repair"}), 0);
  EXPECT_EQ(script.asked.back().body, R"({"repair":true})");
}

TEST_F(Commands, ADegradedServiceIsExitCodeOneWithItsProblems) {
  script.answer(503, R"({"status":"degraded","version":"0.1.0","problems":["back-end lustre: no marker"]})");
  EXPECT_EQ(vbs({"health"}), 1);
  EXPECT_TRUE(out_has("no marker"));
}

TEST_F(Commands, HostsAloneListsAndItsSubcommandsDoNot) {
  script.answer(200, list_of("hosts", {R"({"name":"node1","aliases":["n1"],"hypervisor":"kvm","state":"up"})"}));
  EXPECT_EQ(vbs({"hosts"}), 0) << err;
  EXPECT_TRUE(out_has("node1  n1"));
  script.answer(200, list_of("vms", {}));
  EXPECT_EQ(vbs({"hosts", "owner", "node1", "web", "CN=alice,O=VBS"}), 0) << err;
  ASSERT_EQ(script.asked.size(), 2u);
  EXPECT_EQ(script.asked[1].target, "/v1/hosts/node1/owners");
  EXPECT_EQ(vbs({"hosts", "owner", "node1", "web"}), 2) << "taking a VM from its owner must be said";
}

struct Refusal {
  int status;
  const char* code;
  int exit;
  const char* hint;
};
struct Refusals : CommandTest, testing::WithParamInterface<Refusal> {};
TEST_P(Refusals, GiveTheirExitCodeAndWhatToDoNext) {
  script.answer(GetParam().status, error_json(GetParam().code, "because"));
  EXPECT_EQ(vbs({"describe-volumes", kVolumeId}), GetParam().exit);
  EXPECT_EQ(out, "");
  EXPECT_TRUE(err_has("vbs: error: because")) << err;
  EXPECT_TRUE(err_has("req-1")) << err;
  EXPECT_TRUE(err_has(GetParam().hint)) << err;
}
INSTANTIATE_TEST_SUITE_P(
    Commands, Refusals,
    testing::Values(Refusal{400, "invalid", 2, ""}, Refusal{401, "unauthenticated", 4, "hint: no certificate was sent"},
                    Refusal{403, "forbidden", 4, "vbs whoami"}, Refusal{404, "not_found", 5, "vbs describe-volumes"},
                    Refusal{409, "conflict", 6, "vbs explain 3f2a0000-0000-4000-8000-000000000001"},
                    Refusal{503, "unavailable", 1, "vbs health"}, Refusal{507, "no_space", 1, "vbs backends"},
                    Refusal{500, "internal", 1, "log"}),
    [](const auto& info) { return std::to_string(info.param.status); });

TEST_F(Commands, AServiceThatIsNotThereIsExitCodeThreeWithTheAddressAndItsOrigin) {
  script.fail(Code::unavailable, "cannot reach http://127.0.0.1:1: connection refused; is vbsd running?");
  EXPECT_EQ(vbs({"describe-volumes"}), 3);
  EXPECT_TRUE(err_has("connection refused")) << err;
  EXPECT_TRUE(err_has("hint: url is http://127.0.0.1:1 (VBS_URL)")) << err;
}

TEST_F(Commands, SomethingElseAtTheAddressIsSaidSo) {
  script.answer(200, "<html>hello</html>");
  EXPECT_EQ(vbs({"describe-volumes"}), 1);
  EXPECT_TRUE(err_has("not a VBS answer")) << err;
}

TEST_F(Commands, UsageErrorsNameTheHelpThatHelps) {
  EXPECT_EQ(vbs({}), 2);
  EXPECT_EQ(vbs({"nonsense"}), 2);
  EXPECT_TRUE(err_has("there is no command 'nonsense'")) << err;
  EXPECT_EQ(vbs({"delete-volume"}), 2);
  EXPECT_TRUE(err_has("`vbs delete-volume --help`")) << err;
  EXPECT_EQ(vbs({"describe-volumes", "--bogus"}), 2);
  EXPECT_EQ(vbs({"--help"}), 0);
  EXPECT_TRUE(out_has("Exit codes"));
}
}  // namespace
}  // namespace vbs::cli
