// The data path is QEMU's own: a disk that hv_kvm attached is, field by field, what a careful person would have written
// by hand for the same file. Asked of QEMU itself, over its monitor: the block nodes (cache, locking), the block
// device, and every property of the guest's device and its virtio back-end. QEMU does not tell how it was asked to do
// its I/O and to treat discards: these are compared in the live definition, from which libvirt asked it.
#include <gmock/gmock.h>
#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "lab.hpp"

namespace vbs::test {
namespace {
using Fields = std::map<std::string, std::string>;

std::string text_of(const rapidjson::Value& v) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  v.Accept(writer);
  return buffer.GetString();
}

void flatten(const rapidjson::Value& v, const std::string& at, Fields& out) {
  if (v.IsObject()) {
    for (const auto& m : v.GetObject()) flatten(m.value, at + "/" + m.name.GetString(), out);
  } else if (v.IsArray()) {
    for (rapidjson::SizeType i = 0; i < v.Size(); ++i) flatten(v[i], at + "/" + std::to_string(i), out);
  } else {
    out[at] = text_of(v);
  }
}

class DataPath : public Guest {
 protected:
  // What QEMU answers, a document for each command; all of them in one run of virsh.
  std::vector<rapidjson::Document> ask(const std::vector<std::string>& commands) const {
    std::string script;
    for (const auto& c : commands) script += "qemu-monitor-command vbs-main '" + c + "';";
    const auto said = virsh('"' + std::regex_replace(script, std::regex("\""), "\\\"") + '"');
    std::vector<rapidjson::Document> out;
    std::istringstream lines(said);
    for (std::string line; std::getline(lines, line);) {
      if (line.empty()) continue;
      if (out.emplace_back().Parse(line.c_str()).HasParseError()) ADD_FAILURE() << line;
    }
    EXPECT_EQ(out.size(), commands.size()) << said;
    return out;
  }

  // Everything about the disk with that alias and file. What names the one disk is taken out.
  Fields describe(const std::string& alias, const std::string& file) const {
    Fields out;
    const auto known = ask({R"({"execute":"query-named-block-nodes"})", R"({"execute":"query-block"})"});
    for (const auto& node : known.at(0)["return"].GetArray())
      if (text_of(node).find(file) != std::string::npos)
        flatten(node, std::string("node/") + node["drv"].GetString(), out);
    for (const auto& block : known.at(1)["return"].GetArray())
      if (text_of(block).find("/" + alias + "/") != std::string::npos) flatten(block, "block", out);
    const auto live = virsh("dumpxml vbs-main");
    const std::regex disk("<disk [^]*?</disk>");
    for (std::sregex_iterator d(live.begin(), live.end(), disk), end; d != end; ++d) {
      if (d->str().find(file) == std::string::npos) continue;
      std::istringstream lines(d->str());
      std::string element;
      while (std::getline(lines >> std::ws, element, '\n'))
        out["xml/" + element.substr(0, element.find_first_of(" />", 1))] = element;
    }
    const std::string device = "/machine/peripheral/" + alias;
    properties(device, "device", out);
    properties(device + "/virtio-backend", "virtio", out);
    for (auto& [name, value] : out) {
      for (size_t i; (i = value.find(file)) != std::string::npos;) value.replace(i, file.size(), "FILE");
      for (size_t i; (i = value.find(alias)) != std::string::npos;) value.replace(i, alias.size(), "ALIAS");
      value = std::regex_replace(value, std::regex("libvirt-[0-9]+-"), "libvirt-N-");
    }
    return out;
  }

 private:
  void properties(const std::string& object, const std::string& as, Fields& out) const {
    const auto list = ask({R"({"execute":"qom-list","arguments":{"path":")" + object + R"("}})"});
    std::vector<std::string> names, questions;
    for (const auto& p : list.at(0)["return"].GetArray()) {
      const std::string name = p["name"].GetString(), type = p["type"].GetString();
      if (type.starts_with("child<") || type.starts_with("link<")) continue;
      names.push_back(as + "/" + name);
      questions.push_back(R"({"execute":"qom-get","arguments":{"path":")" + object + R"(","property":")" + name +
                          R"("}})");
    }
    const auto answers = ask(questions);
    for (size_t i = 0; i < answers.size(); ++i)  // a few properties can only be set
      if (answers[i].HasMember("return")) flatten(answers[i]["return"], names.at(i), out);
  }
};

// Where a device sits on the bus, and its name: no two disks have these in common.
const std::set<std::string> kOwn{"xml/<target",   "xml/<serial",   "xml/<address",
                                 "xml/<source",   "device/addr",   "device/legacy-addr",
                                 "device/serial", "virtio/serial", "virtio/guest_features_lo"};

TEST_F(DataPath, IsThatOfADiskWrittenByHand) {
  const auto ours = volume(false), by_hand = volume(false);
  attach(ours);
  const auto xml = by_hand.source.path + ".xml";
  std::ofstream(xml)
      << "<disk type='file' device='disk'><driver name='qemu' type='raw' cache='none' io='threads' discard='unmap'/>"
         "<source file='"
      << by_hand.source.path
      << "'><seclabel model='dac' relabel='no'/></source><backingStore/>"
         "<blockio logical_block_size='512' physical_block_size='4096'/>"
         "<target dev='vdy' bus='virtio'/><serial>"
      << by_hand.serial
      << "</serial>"
         "<alias name='ua-by-hand'/></disk>";
  virsh("attach-device vbs-main " + xml + " --live");
  const auto a = describe("ua-vbs-" + ours.serial, ours.source.path), b = describe("ua-by-hand", by_hand.source.path);
  virsh("detach-device vbs-main " + xml + " --live");

  ASSERT_GT(a.size(), 100u);  // that much QEMU tells about a disk
  EXPECT_EQ(a.at("node/file/cache/direct"), "true");
  EXPECT_THAT(a.at("xml/<driver"), testing::HasSubstr("discard='unmap'"));
  std::set<std::string> names;
  for (const auto& [name, value] : a) names.insert(name);
  for (const auto& [name, value] : b) names.insert(name);
  for (const auto& name : names) {
    if (kOwn.count(name)) continue;
    ASSERT_TRUE(a.count(name)) << "only the disk by hand has " << name << " = " << b.at(name);
    ASSERT_TRUE(b.count(name)) << "only hv_kvm's disk has " << name << " = " << a.at(name);
    EXPECT_EQ(a.at(name), b.at(name)) << name;
  }
}

}  // namespace
}  // namespace vbs::test
