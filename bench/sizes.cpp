// Is the time of an operation flat in the size of the volume? Beside it `cp` of the same file.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <random>
#include <stdexcept>

#include "bench/api.hpp"
#include "bench/report.hpp"
#include "bench/settings.hpp"
#include "bench/statistics.hpp"
#include "core/base/process.hpp"

namespace vbs::bench {
namespace {
namespace fs = std::filesystem;
constexpr uint64_t kGiB = 1ull << 30;
constexpr size_t kBlock = 4u << 20;

struct Size {
  std::string name;
  uint64_t bytes;
  bool full;
};

// The file that a VM would write to; the back-end names it after the volume.
fs::path image_of(const std::string& root, const std::string& volume) {
  for (const auto& e : fs::directory_iterator(root + "/images"))
    if (const auto name = e.path().filename().string(); name.starts_with(volume) && !name.ends_with(".json"))
      return e.path();
  throw std::runtime_error("no file of volume " + volume + " in " + root + "/images");
}

// With bytes that do not compress and are no holes.
void fill(const fs::path& path, uint64_t bytes) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) throw std::runtime_error("cannot open " + path.string());
  std::mt19937_64 random(1);
  std::string block(kBlock, '\0');
  for (size_t i = 0; i < block.size(); i += 8) {
    const uint64_t v = random();
    block.replace(i, 8, reinterpret_cast<const char*>(&v), 8);
  }
  bool good = true;
  for (uint64_t at = 0; at < bytes && good; at += kBlock)
    good = ::pwrite(fd, block.data(), kBlock, static_cast<off_t>(at)) == static_cast<ssize_t>(kBlock);
  good = good && ::fsync(fd) == 0;
  ::close(fd);
  if (!good) throw std::runtime_error("cannot fill " + path.string() + ": is the file system full?");
}

// Durable, like what the service does: the copy is synced.
double copy(const fs::path& from, const char* reflink) {
  const auto to = from.parent_path().parent_path() / "copy-of-the-benchmark";
  ProcessOptions options;
  options.deadline = Clock::now() + std::chrono::minutes(30);
  const auto ms = timed([&] {
    const auto r = run_process({"cp", std::string("--reflink=") + reflink, from.string(), to.string()}, options);
    if (r.exit_status != 0) throw std::runtime_error("cp: " + r.err);
    const int fd = ::open(to.c_str(), O_RDONLY | O_CLOEXEC);
    const bool synced = fd >= 0 && ::fsync(fd) == 0;
    if (fd >= 0) ::close(fd);
    if (!synced) throw std::runtime_error("cannot sync " + to.string());
  });
  fs::remove(to);
  return ms;
}

void measure(const Settings& s, Report& report, const std::string& backend, const std::string& root, const Size& size) {
  Api api(s.server);
  const auto group = fmt::format("{}: {}", backend == "xfs" ? "XFS, reflinks" : "ext4, overlays", size.name);
  std::vector<double> create, snapshot, volume, remove, remove_snapshot, cp, cp_reflink;
  // A source that is filled is made once; what is measured on it needs no new one.
  std::string source;
  for (unsigned i = 0; i < s.repeats; ++i) {
    if (!source.empty() && !size.full) api.delete_volume(source);
    if (source.empty() || !size.full) {
      create.push_back(timed([&] { source = api.create_volume(backend, size.bytes); }));
      if (size.full) fill(image_of(root, source), size.bytes);
    }
    std::string snap, copy_of;
    snapshot.push_back(timed([&] { snap = api.create_snapshot(source); }));
    volume.push_back(timed([&] { copy_of = api.create_volume_from(snap); }));
    remove.push_back(timed([&] { api.delete_volume(copy_of); }));
    remove_snapshot.push_back(timed([&] { api.delete_snapshot(snap); }));
  }
  // Where snapshots are overlays, the source's data lie in the file that the first snapshot froze.
  auto file = image_of(root, source);
  for (const auto& e : fs::directory_iterator(root + "/images"))
    if (e.path().extension() == ".raw" && e.path().filename().string().starts_with(source)) file = e.path();
  for (unsigned i = 0; i < (size.full ? 1 : s.repeats); ++i) cp.push_back(copy(file, "never"));
  if (backend == "xfs")
    for (unsigned i = 0; i < s.repeats; ++i) cp_reflink.push_back(copy(file, "always"));
  std::vector<double> remove_source{timed([&] { api.delete_volume(source); })};

  const auto add = [&](const char* name, const std::vector<double>& v) {
    if (!v.empty()) report.add({group, name, "ms", median(v), fmt::format("median of {}", v.size()), std::nullopt});
  };
  add("create", create);
  add("snapshot", snapshot);
  add("volume from snapshot", volume);
  add("delete the volume from the snapshot", remove);
  add("delete the snapshot", remove_snapshot);
  add("delete the source", remove_source);
  add("cp, then fsync", cp);
  add("cp --reflink, then fsync", cp_reflink);
}
}  // namespace

void measure_sizes(const Settings& s, Report& report) {
  std::vector<Size> sizes{
      {"1 GiB sparse", kGiB, false}, {"100 GiB sparse", 100 * kGiB, false}, {"1 TiB sparse", 1024 * kGiB, false}};
  if (s.full_gib > 0) sizes.push_back({fmt::format("{} GiB full of data", s.full_gib), s.full_gib * kGiB, true});
  for (const auto& [backend, root] : {std::pair{"xfs", s.xfs_dir}, std::pair{"ext4", s.ext4_dir}})
    for (const auto& size : sizes)
      if (!root.empty()) measure(s, report, backend, root, size);
}

}  // namespace vbs::bench
