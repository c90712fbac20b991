// SPDX-License-Identifier: MIT
//
// Where back-ends under test lie: the volume group vg0 of a volume server VM (tests/lab/volume-server.sh), in its thin
// pool and beside it, exported by LIO (thin, thick) and by tgt.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <stdexcept>

#include "tests/storage_table/backend.hpp"

namespace vbs::test {
namespace {
void must(const std::vector<std::string>& argv) {
  const auto r = run(argv);
  if (r.exit_status != 0) throw std::runtime_error(argv[0] + ": " + r.err);
}

// Of whatever the test before left, this one or that of another run.
void clean() {
  run({"vgchange", "-q", "--deltag", std::string("vbs.backend=") + kBackendId, "vg0"});
  must({"lvremove", "-q", "-y", "-S", "lv_name=~\"^vbs[.]\"", "vg0"});
}
}  // namespace

const char* plugin_name() { return "storage_lvm_iscsi"; }

const std::vector<Disk>& disks() {
  static const std::vector<Disk> all{{"thin", "reflink"}, {"thick", "copy"}, {"tgt", "reflink"}};
  return all;
}

std::string new_directory(const Disk& disk) {
  if (run({"lvs", "vg0/pool"}).exit_status != 0)
    throw std::runtime_error("no volume group vg0 with a thin pool: run `./run-tests lab`, which has a VM with one");
  if (disk.name == "tgt" && run({"tgtadm", "--mode", "system", "--op", "show"}).exit_status != 0) {
    must({"tgtd", "--iscsi", "portal=127.0.0.1:3261"});
    for (int i = 0; i < 50 && run({"tgtadm", "--mode", "system", "--op", "show"}).exit_status != 0; ++i)
      usleep(100'000);
  }
  clean();
  return disk.name;
}

void remove_tree(const std::string&) {}  // the next one begins with that

std::string config_json(const std::string& place, const std::string& method, const std::string& more) {
  return std::string(R"({"volume_group":"vg0","iqn_prefix":"iqn.2026-01.org.example",)") +
         (place == "tgt" ? R"("target":"tgt","portals":"127.0.0.1:3261",)" : R"("portals":"127.0.0.1:3260",)") +
         (method == "copy" ? R"("provisioning":"thick")" : R"("thin_pool":"pool")") + more + "}";
}

std::vector<std::string> stored(const std::string&) {
  const auto r = run({"lvs", "--noheadings", "-o", "lv_name", "-S", "lv_name=~\"^vbs[.]\"", "vg0"});
  std::istringstream words(r.out);
  std::vector<std::string> out;
  for (std::string word; words >> word;) out.push_back(word);
  std::sort(out.begin(), out.end());
  return out;
}

uint64_t most_of(const Disk& disk, uint64_t total_bytes, uint64_t free_bytes) {
  constexpr uint64_t kExtent = 4u << 20;  // volumes are made of whole ones
  return (disk.method == "copy" ? free_bytes : total_bytes) / kExtent * kExtent;
}

}  // namespace vbs::test
