// A disk that loses its power before each call that durable_file.cpp makes, by POSIX's rule: a file's data is durable
// after its fsync, a name after that of its directory; anything else may have reached the disk by then, or not. Both
// extremes are looked at: nothing that was not synced is there, and every name is there before its data.
#include "core/base/durable_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>
#include <map>
#include <optional>

#include "core/store/backup.hpp"
#include "core/store/database.hpp"
#include "tests/support/temporary_directory.hpp"

namespace vbs::test {
namespace {
namespace fs = std::filesystem;
struct PowerIsGone {};

std::string content_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class Disk {
 public:
  // From now on; what is in `directory` is durable. The power goes before the call number `cut`, counted from 0.
  Disk(const std::string& directory, size_t cut) : directory_(directory), cut_(cut) {
    durable_names_ = names();
    for (const auto& [name, inode] : durable_names_) durable_data_[inode] = content_of(fs::path(directory) / name);
    watch_durable_files([this](const char* call, const std::string& path, const std::string&) { before(call, path); });
  }
  ~Disk() { watch_durable_files(nullptr); }
  bool was_cut() const { return off_; }

  // What `name` has after the power has come back.
  std::optional<std::string> when_all_unsynced_is_lost(const std::string& name) const {
    return look_up(durable_names_, name);
  }
  std::optional<std::string> when_names_came_first(const std::string& name) const { return look_up(names(), name); }

 private:
  using Names = std::map<std::string, ino_t>;
  Names names() const {
    Names out;
    for (const auto& entry : fs::directory_iterator(directory_)) {
      struct stat s {};
      if (::lstat(entry.path().c_str(), &s) == 0) out[entry.path().filename()] = s.st_ino;
    }
    return out;
  }
  void before(const std::string& call, const std::string& path) {
    if (off_ || calls_++ == cut_) {
      off_ = true;
      throw PowerIsGone();
    }
    if (call != "sync") return;
    struct stat s {};
    if (::stat(path.c_str(), &s) != 0) return;
    if (S_ISDIR(s.st_mode))
      durable_names_ = names();
    else
      durable_data_[s.st_ino] = content_of(path);
  }
  std::optional<std::string> look_up(const Names& in, const std::string& name) const {
    const auto n = in.find(name);
    if (n == in.end()) return std::nullopt;
    const auto data = durable_data_.find(n->second);
    return data == durable_data_.end() ? "" : data->second;
  }
  const std::string directory_;
  const size_t cut_;
  size_t calls_ = 0;
  bool off_ = false;
  Names durable_names_;
  std::map<ino_t, std::string> durable_data_;
};

// Does `write` in a fresh directory that `prepare` has filled, with the power going before each of its calls, and once
// not at all: "file" is `before` or `after(directory)` then, and nothing else. Answers how many cuts there were.
size_t cut_everywhere(const std::function<void(const std::string&)>& prepare,
                      const std::function<void(const std::string&)>& write, const std::optional<std::string>& before,
                      const std::function<std::string(const std::string&)>& after) {
  for (size_t cut = 0;; ++cut) {
    const TemporaryDirectory directory;
    prepare(directory.path());
    Disk disk(directory.path(), cut);
    try {
      write(directory.path());
    } catch (const PowerIsGone&) {
    }
    const auto lost = disk.when_all_unsynced_is_lost("file"), early = disk.when_names_came_first("file");
    if (!disk.was_cut()) {
      EXPECT_EQ(lost, after(directory.path())) << "it was told as written";
      return cut;
    }
    for (const auto& there : {lost, early})
      EXPECT_TRUE(there == before || there == after(directory.path()))
          << "cut " << cut << ": " << (there ? std::to_string(there->size()) + " bytes" : "gone");
  }
}

TEST(DurableFile, IsThereWholeOrNotAtAllAfterAPowerCut) {
  const auto cuts = cut_everywhere([](const std::string&) {},
                                   [](const std::string& directory) {
                                     write_file_atomically(directory + "/file", "secret", 0600, IfExists::refuse);
                                   },
                                   std::nullopt, [](const std::string&) { return "secret"; });
  EXPECT_EQ(cuts, 4u);  // sync, link, sync of the directory, remove
}

TEST(DurableFile, ThatReplacesAnotherIsTheOldOrTheNewOneAfterAPowerCut) {
  const auto cuts = cut_everywhere(
      [](const std::string& directory) { std::ofstream(directory + "/file") << "old"; },
      [](const std::string& directory) { write_file_atomically(directory + "/file", "new", 0600, IfExists::replace); },
      "old", [](const std::string&) { return "new"; });
  EXPECT_EQ(cuts, 3u);  // sync, rename, sync of the directory
}

TEST(DurableFile, ACopyOfTheStoreIsWholeOrNotThereAfterAPowerCut) {
  const TemporaryDirectory store;
  const store::Database database(store.path());
  std::string whole;
  {
    const TemporaryDirectory once;
    database.backup(once.path() + "/file");
    whole = content_of(once.path() + "/file");
  }
  ASSERT_GT(whole.size(), 4096u);
  const auto cuts = cut_everywhere([](const std::string&) {},
                                   [&](const std::string& directory) { database.backup(directory + "/file"); },
                                   std::nullopt, [&](const std::string&) { return whole; });
  EXPECT_EQ(cuts, 4u);
}
}  // namespace
}  // namespace vbs::test
