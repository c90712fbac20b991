#include "bench/bare.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "bench/api.hpp"
#include "bench/report.hpp"
#include "bench/settings.hpp"
#include "bench/statistics.hpp"

namespace vbs::bench {
namespace {
constexpr uint64_t kGiB = 1ull << 30;
constexpr uint64_t kLogBytes = 8000 * 4120;  // where SQLite begins its log anew, as vbsd sets it
// What SQLite appends for each changed page: a header and the page, each with a write of its own (strace shows vbsd's).
constexpr size_t kFrameHeader = 24, kPage = 4096;
constexpr unsigned kPagesAccepted = 9, kPagesAvailable = 7;
constexpr size_t kSidecarBytes = 600;
constexpr unsigned kRounds = 10, kPerRound = 30;

int checked(int result, const std::string& what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}
void write_all(int fd, const std::string& data, off_t at) {
  if (pwrite(fd, data.data(), data.size(), at) != static_cast<ssize_t>(data.size()))
    throw std::system_error(errno, std::generic_category(), "write");
}
}  // namespace

BareSequence::BareSequence(const std::string& log_dir, const std::string& volume_dir)
    : log_path_(log_dir + "/bare.log"), dir_path_(volume_dir + "/bare") {
  log_ = checked(open(log_path_.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600), log_path_);
  std::filesystem::create_directory(dir_path_);
  dir_ = checked(open(dir_path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), dir_path_);
}

BareSequence::~BareSequence() {
  close(log_);
  close(dir_);
  std::error_code ignored;
  std::filesystem::remove(log_path_, ignored);
  std::filesystem::remove_all(dir_path_, ignored);
}

void BareSequence::commit(unsigned pages) {
  static const std::string kHeader(kFrameHeader, 'h'), kData(kPage, 'x');
  for (unsigned i = 0; i < pages; ++i) {
    write_all(log_, kHeader, static_cast<off_t>(at_));
    write_all(log_, kData, static_cast<off_t>(at_ + kFrameHeader));
    at_ += kFrameHeader + kPage;
  }
  if (at_ >= kLogBytes) at_ = 0;
  checked(fdatasync(log_), "fdatasync of the log");
}

void BareSequence::create(uint64_t size_bytes) {
  static const std::string kSidecar(kSidecarBytes, 's');
  commit(kPagesAccepted);
  const auto name = std::to_string(made_++);
  const int image = checked(openat(dir_, name.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600), "image");
  checked(ftruncate(image, static_cast<off_t>(size_bytes)), "size of the image");
  const int sidecar =
      checked(openat(dir_, (name + ".json").c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600), "sidecar");
  write_all(sidecar, kSidecar, 0);
  checked(fsync(sidecar), "fsync of the sidecar");
  checked(fsync(image), "fsync of the image");
  checked(fsync(dir_), "fsync of the directory");
  close(sidecar);
  close(image);
  commit(kPagesAvailable);
}

// Turns of both, so that whatever else the machine does hits both.
void measure_one_client(const Settings& s, Report& report) {
  Api api(s.server);
  BareSequence bare(s.store, s.ext4_dir + "/..");
  std::vector<double> ours, theirs;
  std::vector<std::string> ids;
  for (unsigned round = 0; round < kRounds; ++round) {
    for (unsigned i = 0; i < kPerRound; ++i)
      ours.push_back(timed([&] { ids.push_back(api.create_volume("ext4", kGiB)); }));
    for (unsigned i = 0; i < kPerRound; ++i) theirs.push_back(timed([&] { bare.create(kGiB); }));
  }
  for (const auto& id : ids) api.delete_volume(id);
  const std::string group = "one client, back-end on ext4";
  const auto note = [](const std::vector<double>& v) {
    return "median of " + std::to_string(v.size()) + ", p99 " + std::to_string(percentile(v, 99)).substr(0, 5) + " ms";
  };
  report.add({group, "create -> available, 1 GiB sparse", "ms", median(ours), note(ours), std::nullopt});
  report.add({group, "the bare sequence of the same syncs", "ms", median(theirs), note(theirs), std::nullopt});
  report.add({group, "ratio", "x", median(ours) / median(theirs), "", Goal{Goal::Bound::at_most, 1.5}});
}

}  // namespace vbs::bench
