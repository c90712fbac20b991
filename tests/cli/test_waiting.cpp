// How the command line follows operations to their end.
#include "tests/cli/fake_service.hpp"

namespace vbs::cli {
namespace {
using namespace vbs::test;
struct Waiting : CommandTest {
  std::string taken(const std::string& operation) { return in("operation", operation); }
};

TEST_F(Waiting, IsALongPollUntilTheOperationEnded) {
  script.answer(202, taken(operation_json("running")));
  script.answer(200, taken(operation_json("running")));
  script.answer(200, taken(operation_json("done")));
  EXPECT_EQ(vbs({"delete-volume", kVolumeId}), 0) << err;
  EXPECT_EQ(script.asked[1].target, std::string("/v1/operations/") + kOperationId + "?wait=30");
  EXPECT_EQ(err, "") << "nothing is drawn where there is no terminal";
}

TEST_F(Waiting, DrawsAndClearsALineOnATerminal) {
  terminal = true;
  script.answer(202, taken(operation_json("running")));
  script.answer(200, taken(operation_json("done")));
  EXPECT_EQ(vbs({"delete-volume", kVolumeId}), 0) << err;
  EXPECT_TRUE(err_has("25%  1 MiB of 4 MiB")) << err;
  EXPECT_EQ(err.substr(err.size() - 4), "\r\x1b[K");
  EXPECT_EQ(script.asked[1].target, std::string("/v1/operations/") + kOperationId + "?wait=1");
}

TEST_F(Waiting, NoWaitReturnsWithTheOperationsId) {
  script.answer(202, taken(operation_json("queued")));
  EXPECT_EQ(vbs({"--no-wait", "delete-volume", kVolumeId}), 0) << err;
  EXPECT_TRUE(out_has(kOperationId)) << out;
  EXPECT_EQ(script.asked.size(), 1u);
}

TEST_F(Waiting, AFailedOperationIsExitCodeOneWithItsReasonAndExplain) {
  script.answer(202,
                taken(operation_json("failed", R"(,"error":{"code":"no_space","message":"lustre has 1 GiB free"})")));
  EXPECT_EQ(vbs({"delete-volume", kVolumeId}), 1);
  EXPECT_TRUE(err_has("create-volume failed: lustre has 1 GiB free")) << err;
  EXPECT_TRUE(err_has(std::string("vbs explain ") + kVolumeId)) << err;
  EXPECT_EQ(out, "");
}

TEST_F(Waiting, AnOperationThatLostItsTurnIsAConflictAndAnUnknownEndIsSeven) {
  script.answer(202, taken(operation_json("failed", R"(,"error":{"code":"conflict","message":"waited for another"})")));
  EXPECT_EQ(vbs({"delete-volume", kVolumeId}), 6);
  script.answer(202,
                taken(operation_json("failed", R"(,"error":{"code":"unknown_outcome","message":"node1 is gone"})")));
  EXPECT_EQ(vbs({"delete-volume", kVolumeId}), 7);
  script.answer(202, taken(operation_json("failed", R"(,"error":{"code":"invalid","message":"pattern"})")));
  EXPECT_EQ(vbs({"delete-volume", kVolumeId}), 1) << "what an operation met is not this command line's usage";
}

TEST_F(Waiting, AfterTheTimeoutTheWorkGoesOnAndTheCodeIsSeven) {
  script.answer(202, taken(operation_json("running")));
  for (int i = 0; i < 20; ++i) script.answer(200, taken(operation_json("running")));
  EXPECT_EQ(vbs({"delete-volume", kVolumeId, "--timeout", "1"}), 7);
  EXPECT_TRUE(err_has("still runs after 1 s")) << err;
  EXPECT_TRUE(err_has(std::string("vbs operations cancel ") + kOperationId)) << err;
}

TEST_F(Waiting, ARestartOfTheServiceIsSurvived) {
  script.answer(202, taken(operation_json("running")));
  script.fail(Code::unavailable, "cannot reach it: connection refused");
  script.answer(200, taken(operation_json("done")));
  EXPECT_EQ(vbs({"delete-volume", kVolumeId}), 0) << err;
  EXPECT_TRUE(err_has("asking again")) << err;
}

TEST_F(Waiting, EveryOperationOfADetachIsWaitedForEvenWhenOneFails) {
  script.answer(202, list_of("operations",
                             {operation_json("failed", R"(,"error":{"code":"unavailable","message":"node1 is down"})"),
                              operation_json("running")}));
  script.answer(200, taken(operation_json("done")));
  EXPECT_EQ(vbs({"detach-volume", kVolumeId, "--all"}), 1);
  EXPECT_TRUE(err_has("node1 is down")) << err;
  EXPECT_EQ(script.asked.size(), 2u);
}

TEST_F(Waiting, ACancelledOperationIsWhatCancelWanted) {
  script.answer(202, taken(operation_json("undoing")));
  script.answer(200, taken(operation_json("failed", R"(,"error":{"code":"cancelled","message":"on request"})")));
  EXPECT_EQ(vbs({"operations", "cancel", kOperationId}), 0) << err;
  script.answer(202, taken(operation_json("done")));
  EXPECT_EQ(vbs({"operations", "cancel", kOperationId}), 1);
}
}  // namespace
}  // namespace vbs::cli
