// SPDX-License-Identifier: MIT
#include "plugins/storage_lustre/config.hpp"

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <cstdlib>
#include <set>

namespace vbs::lustre {
namespace {

std::string complaint(const std::string& more) {
  try {
    read_config(R"({"root":"/srv/vbs")" + more + "}");
    return "";
  } catch (const plugin::Error& e) {
    EXPECT_EQ(e.status(), VBS_INVALID);
    return e.what();
  }
}

TEST(Config, HasTheDefaultsThatTheManifestNames) {
  const auto c = read_config(R"({"root":"/srv/vbs/"})");
  EXPECT_EQ(c.root, "/srv/vbs");
  const auto manifest = YAML::LoadFile(std::string(std::getenv("VBS_SOURCE_DIR")) +
                                       "/plugins/storage_lustre/storage_lustre.vbs-plugin.yaml");
  const auto value = [&](const char* key) { return manifest["config"][key]["default"]; };
  EXPECT_EQ(c.striping.count, value("stripe_count").as<int>());
  EXPECT_EQ(std::to_string(c.striping.size_bytes >> 20) + "MiB", value("stripe_size").as<std::string>());
  EXPECT_EQ(c.over_commit_ratio, value("over_commit_ratio").as<double>());
  EXPECT_EQ(std::to_string(c.reserve_bytes >> 20) + "MiB", value("reserve_bytes").as<std::string>());
  EXPECT_EQ(to_string(c.method), value("snapshot_method").as<std::string>());
  EXPECT_EQ(c.owner.mode, static_cast<mode_t>(std::stoi(value("file_mode").as<std::string>(), nullptr, 8)));
}

TEST(Config, ComplaintsNameTheKey) {
  for (const auto& [more, key] :
       std::vector<std::pair<std::string, std::string>>{{R"(,"stripe_count":0)", "stripe_count"},
                                                        {R"(,"stripe_count":2001)", "stripe_count"},
                                                        {R"(,"stripe_count":"4")", "stripe_count"},
                                                        {R"(,"stripe_size":1000)", "stripe_size"},
                                                        {R"(,"stripe_size":0)", "stripe_size"},
                                                        {R"(,"stripe_size":4294967296)", "stripe_size"},
                                                        {R"(,"pool":"lab.fast")", "pool"},
                                                        {R"(,"pool":"averylongpoolname")", "pool"},
                                                        {R"(,"pool":"-p")", "pool"},
                                                        {R"(,"snapshot_method":"magic")", "snapshot_method"},
                                                        {R"(,"over_commit_ratio":0.5)", "over_commit_ratio"},
                                                        {R"(,"over_commit_ratio":"10")", "over_commit_ratio"},
                                                        {R"(,"reserve_bytes":-1)", "reserve_bytes"},
                                                        {R"(,"file_mode":"0888")", "file_mode"},
                                                        {R"(,"file_mode":"0400")", "file_mode"},
                                                        {R"(,"file_mode":"0666")", "file_mode"},
                                                        {R"(,"file_mode":"04600")", "file_mode"},
                                                        {R"(,"owner":"no-such-user-here")", "owner"},
                                                        {R"(,"group":"no-such-group-here")", "group"},
                                                        {R"(,"mount_point":"srv")", "mount_point"},
                                                        {R"(,"mount_point":"/sr")", "mount_point"}})
    EXPECT_NE(complaint(more).find(key), std::string::npos) << more << ": " << complaint(more);
}

TEST(Config, RootMustBeAnAbsolutePathBelowTheTop) {
  for (const std::string json : {"", "[]", "{}", R"({"root":""})", R"({"root":"srv"})", R"({"root":"/"})",
                                 R"({"root":"//"})", R"({"root":"/a\nb"})", R"({"root":7})"})
    EXPECT_THROW(read_config(json), plugin::Error) << json;
}

TEST(Config, UsersAndGroupsGoByNameOrNumber) {
  const auto c = read_config(R"({"root":"/srv","owner":"root","group":"4711","file_mode":"0660"})");
  EXPECT_EQ(c.owner.uid, 0u);
  EXPECT_EQ(c.owner.gid, 4711u);
  EXPECT_EQ(c.owner.mode, 0660u);
}

TEST(Config, VolumeOptionsChangeTheStripesOfOneVolume) {
  const auto s = read_striping(R"({"stripe_count":-1,"pool":"fast","for_another_plugin":1})", Striping{});
  EXPECT_EQ(s.count, -1);
  EXPECT_EQ(s.pool, "fast");
  EXPECT_EQ(s.size_bytes, 4u << 20);
  EXPECT_THROW(read_striping(R"({"stripe_size":1})", Striping{}), plugin::Error);
  EXPECT_THROW(read_striping("nonsense", Striping{}), plugin::Error);
}

TEST(Config, EveryCommandOfTheManifestUsesExactlyItsParameters) {
  const auto manifest = YAML::LoadFile(std::string(std::getenv("VBS_SOURCE_DIR")) +
                                       "/plugins/storage_lustre/storage_lustre.vbs-plugin.yaml");
  for (const auto& command : manifest["commands"]) {
    std::string all;
    for (const auto& argument : command.second["argv"]) all += argument.as<std::string>() + "\n";
    for (const auto& param : command.second["params"]) {
      const auto name = param.IsMap() ? param["name"].as<std::string>() : param.as<std::string>();
      EXPECT_NE(all.find("{" + name + "}"), std::string::npos) << command.first << " " << name;
    }
  }
}

}  // namespace
}  // namespace vbs::lustre
