#include "sessions.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace vbs::iscsi {
namespace {
namespace fs = std::filesystem;

std::string read_line(const fs::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

// Names in a directory that may go while it is read.
std::vector<std::string> names_in(const fs::path& directory) {
  std::vector<std::string> out;
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error))
    out.push_back(it->path().filename().string());
  std::sort(out.begin(), out.end());
  return out;
}

// SESSION/device/targetH:C:T/H:C:T:LUN/block/sdX
std::string device_of(const fs::path& session, int lun) {
  const auto suffix = ":" + std::to_string(lun);
  for (const auto& target : names_in(session / "device")) {
    if (!target.starts_with("target")) continue;
    for (const auto& unit : names_in(session / "device" / target)) {
      if (!unit.ends_with(suffix)) continue;
      const auto names = names_in(session / "device" / target / unit / "block");
      if (!names.empty()) return names.front();
    }
  }
  return {};
}
}  // namespace

std::vector<Session> sessions_of(const std::string& sysfs, const std::string& iqn, int lun) {
  std::vector<Session> out;
  const auto all = fs::path(sysfs) / "class" / "iscsi_session";
  for (const auto& name : names_in(all))
    if (read_line(all / name / "targetname") == iqn)
      out.push_back({name, read_line(all / name / "state") == "LOGGED_IN", device_of(all / name, lun)});
  return out;
}

std::optional<std::string> serial_of(const std::string& sysfs, const std::string& device) {
  std::ifstream in(fs::path(sysfs) / "block" / device / "device" / "vpd_pg80", std::ios::binary);
  const std::string page{std::istreambuf_iterator<char>(in), {}};
  if (page.size() < 4 || static_cast<unsigned char>(page[1]) != 0x80) return std::nullopt;
  const size_t length = static_cast<unsigned char>(page[2]) << 8 | static_cast<unsigned char>(page[3]);
  auto serial = page.substr(4, length);
  serial.erase(serial.find_last_not_of(std::string_view(" \0", 2)) + 1);
  serial.erase(0, serial.find_first_not_of(' '));
  return serial;
}

uint64_t size_of(const std::string& sysfs, const std::string& device) {
  uint64_t sectors = 0;
  std::ifstream(fs::path(sysfs) / "block" / device / "size") >> sectors;
  return sectors * 512;  // the kernel counts these in 512 whatever the device's own
}

std::string map_of(const std::string& sysfs, const std::string& device) {
  for (const auto& holder : names_in(fs::path(sysfs) / "block" / device / "holders")) {
    const auto dm = fs::path(sysfs) / "block" / holder / "dm";
    if (read_line(dm / "uuid").starts_with("mpath-")) return read_line(dm / "name");
  }
  return {};
}
}  // namespace vbs::iscsi
