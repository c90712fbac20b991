#include "apps/vbs/resolve.hpp"

#include "tests/cli/fake_service.hpp"

namespace vbs::cli {
namespace {
using namespace vbs::test;

const std::vector<Candidate> kVolumes{
    {kVolumeId, "data"}, {kOtherId, "logs"}, {"beef0000-0000-4000-8000-000000000004", "logs"}};

std::string chosen(const std::string& text) { return choose(text, kVolumes, "volume", "vbs describe-volumes"); }
Failure refused(const std::string& text) {
  try {
    return {Exit::ok, chosen(text)};
  } catch (const Failure& f) {
    return f;
  }
}

TEST(Resolve, AUniqueNameOrPrefixStandsForTheId) {
  EXPECT_EQ(chosen("data"), kVolumeId);
  EXPECT_EQ(chosen("3f2a"), kVolumeId);
  EXPECT_EQ(chosen("3f2b0000-0000"), kOtherId);
}

TEST(Resolve, AnAmbiguousTextListsTheCandidatesAndIsRefused) {
  const auto f = refused("logs");
  EXPECT_EQ(f.exit, Exit::usage);
  EXPECT_NE(std::string(f.what()).find(kOtherId), std::string::npos) << f.what();
  EXPECT_NE(std::string(f.what()).find("beef0000"), std::string::npos) << f.what();
}

TEST(Resolve, ANameThatIsAlsoAnotherVolumesPrefixIsAmbiguous) {
  auto volumes = kVolumes;
  volumes.push_back({"cafe0000-0000-4000-8000-000000000005", "beef"});
  EXPECT_THROW(choose("beef", volumes, "volume", ""), Failure);
}

TEST(Resolve, FewerThanFourCharactersAreNoPrefix) {
  EXPECT_EQ(refused("3f2").exit, Exit::not_found);
  EXPECT_EQ(refused("").exit, Exit::not_found);
  EXPECT_EQ(refused("3F2A").exit, Exit::not_found) << "ids are lower case";
}

struct ResolveCommands : CommandTest {};

TEST_F(ResolveCommands, AWholeIdIsUsedWithoutALook) {
  script.answer(200, in("volume", volume_json(kVolumeId, "data")));
  EXPECT_EQ(vbs({"describe-volumes", kVolumeId}), 0) << err;
  ASSERT_EQ(script.asked.size(), 1u);
  EXPECT_EQ(script.asked[0].target, std::string("/v1/volumes/") + kVolumeId);
}

TEST_F(ResolveCommands, EveryPageIsLookedThrough) {
  script.answer(200, list_of("volumes", {volume_json(kVolumeId, "data")}, kVolumeId));
  script.answer(200, list_of("volumes", {volume_json(kOtherId, "logs")}));
  script.answer(200, in("volume", volume_json(kOtherId, "logs")));
  EXPECT_EQ(vbs({"describe-volumes", "logs"}), 0) << err;
  ASSERT_EQ(script.asked.size(), 3u);
  EXPECT_EQ(script.asked[1].target, std::string("/v1/volumes?marker=") + kVolumeId);
  EXPECT_EQ(script.asked[2].target, std::string("/v1/volumes/") + kOtherId);
}

TEST_F(ResolveCommands, NothingIsDeletedWhereANameFitsTwo) {
  script.answer(200, list_of("volumes", {volume_json(kVolumeId, "x"), volume_json(kOtherId, "x")}));
  EXPECT_EQ(vbs({"delete-volume", "x"}), 2);
  EXPECT_EQ(script.asked.size(), 1u);
}
}  // namespace
}  // namespace vbs::cli
