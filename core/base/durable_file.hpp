// Files that are there whole or not at all, after a crash and after a power cut: written under a name that nobody looks
// for, synced, then given their own, and the directory synced. A file's fsync makes its data durable, not its name
// (fsync(2)); a name that is durable before its data would be an empty file after the cut.
//
// Everything of the core beside the SQLite store that has to outlive a power cut comes this way. The calls that decide
// it can be watched, so that a test takes the power away before each.
//
// Threading: any thread. Errors: Error(conflict) if the name is taken and must not be replaced, Error(unavailable) with
// the system's reason otherwise. What was begun is removed.
#pragma once
#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace vbs {

enum class IfExists { refuse, replace };

// A file under a name of its own in the directory of `name`, empty and of that mode, for whoever fills it. Gone with
// this object unless published.
class UnpublishedFile {
 public:
  UnpublishedFile(const std::filesystem::path& name, mode_t mode);
  ~UnpublishedFile();
  UnpublishedFile(const UnpublishedFile&) = delete;
  UnpublishedFile& operator=(const UnpublishedFile&) = delete;

  const std::string& path() const { return path_; }
  void write(std::string_view content);  // from its beginning
  // Syncs the file, gives it its name, syncs the directory. Refusing is link(), which, unlike a look and a rename(),
  // never takes the place of a file that came meanwhile.
  void publish(IfExists if_exists);

 private:
  const std::filesystem::path name_;
  std::string path_;
};

// A file of this content, by the above. A key is never readable by others, not even for a moment.
void write_file_atomically(const std::filesystem::path& file, std::string_view content, mode_t mode,
                           IfExists if_exists);

// For tests: called before each such call, with "sync", "link", "rename" or "remove" and what it is made with. Empty:
// nobody. Throwing leaves the call out, and those that would clear up after it.
using DurableFileWatch = std::function<void(const char* call, const std::string& path, const std::string& to)>;
void watch_durable_files(DurableFileWatch watch);

}  // namespace vbs
