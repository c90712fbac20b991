#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "core/base/error.hpp"
#include "core/base/json.hpp"
#include "core/base/log.hpp"
#include "core/connectors/connector.hpp"

namespace vbs {
namespace {
constexpr size_t kMaxPath = 4096;
constexpr size_t kMaxChain = 200;  // as far as QEMU follows comfortably; the plugin flattens long before

// ENOENT is "unavailable", not "not found": an unmounted file system, or a dead server of a distributed one, looks like
// that.
void check_file(const std::string& path) {
  if (path.empty() || path[0] != '/')
    throw Error(
        Code::internal,
        fmt::format("file connection: the path '{}' is not absolute; report it to the plugin's author", for_log(path)));
  struct stat st {};
  if (lstat(path.c_str(), &st) != 0)
    throw Error(Code::unavailable,
                fmt::format("file {} cannot be reached on this node: {}; check that its file system is mounted here",
                            for_log(path), std::strerror(errno)));
  if (!S_ISREG(st.st_mode))
    throw Error(
        Code::internal,
        fmt::format("{} is not a regular file; somebody has put something else in the volume's place", for_log(path)));
}

class FileConnector final : public Connector {
 public:
  Source connect(const Call&, const Connection& connection, const std::string&) override {
    const auto data = parse_json(connection.data);
    ObjectReader reader(data, "connection");
    Source source{"file", connection.format, reader.required_string("path", kMaxPath), ""};
    check_file(source.path);
    JsonBuffer buffer;
    JsonWriter writer(buffer);
    writer.StartObject();
    key(writer, "backing");
    writer.StartArray();
    if (const auto* backing = reader.optional_array("backing")) {
      if (backing->Size() > kMaxChain)
        throw Error(Code::not_supported,
                    fmt::format("the volume rests on {} files; the limit is {}", backing->Size(), kMaxChain));
      for (const auto& entry : backing->GetArray()) {
        ObjectReader file(entry, "connection.backing");
        const std::string path = file.required_string("path", kMaxPath), format = file.required_string("format", 32);
        check_file(path);
        writer.StartObject();
        key(writer, "path");
        put(writer, path);
        key(writer, "format");
        put(writer, format);
        writer.EndObject();
      }
    }
    writer.EndArray();
    writer.EndObject();
    source.data.assign(buffer.GetString(), buffer.GetSize());
    return source;
  }

  // A file has no session on the node.
  void disconnect(const Call&, const Connection&) override {}
  bool connected(const Call&, const Connection&) override { return true; }
  void rescan(const Call&, const Connection&, uint64_t) override {}
};
}  // namespace

std::unique_ptr<Connector> make_file_connector() { return std::make_unique<FileConnector>(); }

}  // namespace vbs
